"""Coats as a practice's tables: people who rated coats are clients, coats clinicians.

The tables are the same with and without declared matches; only the definition differs.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.real_ratings import Protocol, RealRatings, single_ratings
from recommender.practice.definition import Practice, load_practice, read_practice

DEFINITION = Path(__file__).with_name("definition.toml")
MATCHES = Path(__file__).with_name("matches.toml")
CHOSEN, RANDOM = "train.ascii", "test.ascii"
"""Ratings of coats that people chose, and of coats drawn at random; 0 is no rating."""
PEOPLE, COATS = "user_features", "item_features"
"""One-hot answers, a row a person or coat, and beside them the names of their columns."""
FIRST_DAY = date(2016, 1, 4)
"""Invented, as are all dates: chosen coats were rated a week before random ones."""

Ratings = NDArray[np.int64]
OF_PEOPLE = {
    "gender": "gender",
    "age": "age",
    "location": "location",
    "fashioninterest": "fashion_interest",
}
OF_COATS = {
    "gender": "gender",
    "jackettype": "type",
    "color": "colour",
    "onfrontpage": "front_page",
}
"""Names of the answers in the file, and of the fields they become."""


def load(folder: Path) -> RealRatings:
    """The data set in a folder."""
    return coat_ratings(
        np.loadtxt(folder / CHOSEN, dtype=np.int64),
        np.loadtxt(folder / RANDOM, dtype=np.int64),
        one_hot_answers(folder, PEOPLE),
        one_hot_answers(folder, COATS),
    )


def one_hot_answers(folder: Path, name: str) -> pd.DataFrame:
    """One column an answer, named as in the file; empty where no level or several are marked."""
    marked = np.loadtxt(folder / f"{name}.ascii", dtype=np.int64) == 1
    columns = (folder / f"{name}_map.txt").read_text(encoding="utf-8").split("\n")
    named = [column.split(":", 1) for column in columns if column]
    answers = {}
    for answer in dict.fromkeys(answer for answer, _ in named):
        places = [place for place, (own, _) in enumerate(named) if own == answer]
        levels = np.array([named[place][1] for place in places], dtype=object)
        own = marked[:, places]
        answers[answer] = np.where(own.sum(axis=1) == 1, levels[own.argmax(axis=1)], None)
    return pd.DataFrame(answers)


def named_practice() -> Practice:
    """The definition with the matches a shop would name."""
    return read_practice(DEFINITION.read_text("utf-8") + MATCHES.read_text("utf-8"))


def coat_ratings(
    chosen: Ratings, random: Ratings, people: pd.DataFrame, coats: pd.DataFrame
) -> RealRatings:
    """Tables, notes and protocols.

    Parameters
    ----------
    chosen, random : (people, coats)
        Ratings, 0 for none.
    people, coats
        Answers as `one_hot_answers` gives them.
    """
    practice, twice = load_practice(DEFINITION), (chosen > 0) & (random > 0)
    parts = {
        "chosen": _pairings(np.where(twice, 0, chosen), "chosen", FIRST_DAY),
        "random": _pairings(random, "random", FIRST_DAY + timedelta(weeks=1)),
    }
    pairings = pd.concat(parts.values(), ignore_index=True)
    ratings = single_ratings(pairings, pairings["score"], practice)
    tested = pd.Series("random coats", index=parts["random"]["pairing_id"])
    return RealRatings(
        title="Coat",
        practice=practice,
        tables={
            "clients": _side(people, OF_PEOPLE, "client_id", "p"),
            "clinicians": _side(coats, OF_COATS, "clinician_id", "c"),
            "pairings": pairings.drop(columns="score"),
            "ratings": ratings,
        },
        rows=int((chosen > 0).sum() + (random > 0).sum()),
        notes=(
            f"{len(people)} people, {len(coats)} coats; {len(parts['chosen']):,} ratings of coats "
            f"that people chose, {len(parts['random']):,} of coats drawn at random.",
            f"{int(twice.sum())} ratings are in both files: not learned from, since they are "
            "tested.",
            "Dates are invented.",
        ),
        protocols=protocols(tested),
    )


def protocols(tested: "pd.Series[str]") -> tuple[Protocol, ...]:
    """The random coats tested, with no match declared and with those a shop would name."""
    meaning = "Learned from coats that people chose, tested on coats drawn at random;"
    return (
        Protocol("unnamed", f"{meaning} no match is declared.", (tested,)),
        Protocol(
            "named",
            f"{meaning} declared are the person's and the coat's gender, and interest in fashion "
            "by front page.",
            (tested,),
            practice=named_practice(),
        ),
    )


def _pairings(ratings: Ratings, part: str, day: date) -> pd.DataFrame:
    person, coat = np.nonzero(ratings)
    clients = [f"p{each}" for each in person]
    clinicians = [f"c{each}" for each in coat]
    return pd.DataFrame(
        {
            "pairing_id": [f"{part}-{p}-{c}" for p, c in zip(clients, clinicians, strict=True)],
            "client_id": clients,
            "clinician_id": clinicians,
            "started_on": day,
            "score": ratings[person, coat],
        }
    )


def _side(answers: pd.DataFrame, names: dict[str, str], key: str, prefix: str) -> pd.DataFrame:
    table = answers[[*names]].rename(columns=names)
    table.insert(0, key, [f"{prefix}{place}" for place in range(len(answers))])
    return table
