"""Speed dating as a practice's tables: everybody is a client and, under another id, a clinician.

Only the columns named here are read from the file, so what was said during or after the evening
cannot reach a table.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.real_ratings import Protocol, RealRatings, single_ratings
from recommender.practice.definition import Practice, load_practice
from recommender.practice.fields import Field

FILE = "speed_dating_waves_1_14.csv"
DEFINITION = Path(__file__).with_name("definition.toml")
FIRST_EVENING = date(2002, 10, 1)
"""Invented, as are all dates: one evening a week in the order of the waves."""
FOLDS, WAVES_SEED = 5, 7
HIDDEN, HIDING_SEEDS = 0.3, (0, 1, 2)

PAIR = ("iid", "pid", "wave", "like")
TRAITS = {
    "attr": "attractive",
    "sinc": "sincere",
    "intel": "intelligent",
    "fun": "fun",
    "amb": "ambitious",
    "shar": "shared_interests",
}
WISHES = {"seeks": "1_1", "same_sex_seeks": "4_1", "other_sex_seeks": "2_1"}
PICTURES = {"self": "3_1", "seen_as": "5_1"}
PASTIMES = (
    *("sports", "tvsports", "exercise", "dining", "museums", "art", "hiking", "gaming", "clubbing"),
    *("reading", "tv", "theater", "movies", "concerts", "music", "shopping", "yoga"),
)
CODED = {"field": "field_cd", "career": "career_c", "goal": "goal", "race": "race"}
OFTEN = {"dates": "date", "goes_out": "go_out"}
NUMBERS = {
    "age": "age",
    "income": "income",
    "sat_score": "mn_sat",
    "tuition": "tuition",
    "expects_to_enjoy": "exphappy",
    "expects_interest": "expnum",
    "importance_of_race": "imprace",
    "importance_of_religion": "imprelig",
    **{pastime: pastime for pastime in PASTIMES},
    **{
        f"{picture}_{trait}": f"{short}{suffix}"
        for picture, suffix in PICTURES.items()
        for short, trait in TRAITS.items()
        if short != "shar"
    },
}
POINTS = {
    wish: {f"{wish}_{trait}": f"{short}{suffix}" for short, trait in TRAITS.items()}
    for wish, suffix in WISHES.items()
}
ANSWERS = (
    "gender",
    *CODED.values(),
    *OFTEN.values(),
    *NUMBERS.values(),
    *(column for columns in POINTS.values() for column in columns.values()),
)
"""Columns of the survey before the evening; no other column but `PAIR` is ever read."""


def load(folder: Path) -> RealRatings:
    """The data set in a folder."""
    return speed_dating(read(folder / FILE))


def read(path: Path) -> pd.DataFrame:
    """The columns of the file that may be known before the evening, and the rating."""
    return pd.read_csv(path, usecols=[*PAIR, *ANSWERS], thousands=",", encoding="utf-8")


def speed_dating(file: pd.DataFrame) -> RealRatings:
    """Tables, notes and protocols from the rows of the file."""
    practice = load_practice(DEFINITION)
    met = file[file["pid"].notna()]
    pairings, rated = _pairings(met), met["like"].notna().to_numpy()
    answers, off_scale = _answers(file.drop_duplicates("iid"), practice)
    ratings = single_ratings(pairings[rated], met["like"].to_numpy()[rated], practice)
    waves = pd.Series(met["wave"].to_numpy()[rated], index=ratings["pairing_id"])
    return RealRatings(
        title="Columbia speed dating, waves 1 to 14",
        practice=practice,
        tables={
            "clients": _side(answers, "c", "client_id", [*practice.client]),
            "clinicians": _side(answers, "p", "clinician_id", [*practice.clinician]),
            "pairings": pairings,
            "ratings": ratings,
        },
        rows=len(file),
        notes=(
            f"{len(file) - len(met)} rows name no partner: left out.",
            f"{len(met) - int(rated.sum())} dates have no `like`: kept as pairings nobody rated.",
            f"{off_scale} answers lie off their scale: taken as not given.",
            f"{int(rated.sum()):,} ratings of {file['iid'].nunique()} people in "
            f"{file['wave'].nunique()} waves; dates are invented, one evening a week.",
        ),
        protocols=(leave_waves_out(waves), hide_pairs(waves)),
    )


def leave_waves_out(waves: "pd.Series[int]") -> Protocol:
    """The wave of each rating, by pairing id, as five folds in which nobody is known."""
    order = np.random.default_rng(WAVES_SEED).permutation(np.unique(waves))
    fold = {wave: f"waves {place % FOLDS + 1}" for place, wave in enumerate(order.tolist())}
    meaning = (
        f"{FOLDS} folds of waves (permutation of seed {WAVES_SEED}, every fifth wave): "
        "neither side was ever seen."
    )
    return Protocol("cold", meaning, (waves.map(fold),))


def hide_pairs(waves: "pd.Series[int]") -> Protocol:
    """Random pairs hidden, of the ratings given by pairing id."""
    splits = []
    for seed in HIDING_SEEDS:
        hidden = np.random.default_rng(seed).random(len(waves)) < HIDDEN
        splits.append(pd.Series(f"seed {seed}", index=waves.index[hidden]))
    meaning = f"{HIDDEN:.0%} of the pairs hidden at random, three times: both sides are known."
    return Protocol("warm", meaning, tuple(splits))


def _pairings(met: pd.DataFrame) -> pd.DataFrame:
    clients, clinicians = _ids(met["iid"], "c"), _ids(met["pid"], "p")
    evenings = [FIRST_EVENING + timedelta(weeks=int(wave)) for wave in met["wave"]]
    return pd.DataFrame(
        {
            "pairing_id": clients + "-" + clinicians,
            "client_id": clients,
            "clinician_id": clinicians,
            "started_on": evenings,
        }
    )


def _ids(numbers: "pd.Series[float]", prefix: str) -> "pd.Series[str]":
    return (prefix + numbers.astype(int).astype("str")).reset_index(drop=True)


def _side(answers: pd.DataFrame, prefix: str, name: str, fields: list[str]) -> pd.DataFrame:
    table = answers[fields].reset_index(drop=True)
    table.insert(0, name, _ids(answers.index.to_series(), prefix))
    return table


def _answers(people: pd.DataFrame, practice: Practice) -> tuple[pd.DataFrame, int]:
    """Fields of each person, by `iid`, and how many numbers lay off their scale."""
    people = people.set_index("iid")
    fields, cells, off_scale = practice.client, {}, 0
    for name, column in NUMBERS.items():
        beside = _off_scale(fields[name], people[column])
        cells[name] = people[column].mask(beside)
        off_scale += int(beside.sum())
    for columns in POINTS.values():
        # Some waves gave points from 1 to 10, others shared out 100: only shares compare.
        points = people[list(columns.values())].set_axis(list(columns), axis="columns")
        cells |= dict(points.div(points.sum(axis="columns").replace(0, np.nan), axis="index"))
    for name, column in CODED.items():
        cells[name] = _levels(fields[name], people[column] - 1)
    for name, column in OFTEN.items():
        cells[name] = _levels(fields[name], len(fields[name].levels) - people[column])
    cells["gender"] = _levels(fields["gender"], people["gender"])
    return pd.DataFrame(cells), off_scale


def _off_scale(field: Field, values: "pd.Series[float]") -> "pd.Series[bool]":
    low = -np.inf if field.min is None else field.min
    high = np.inf if field.max is None else field.max
    return (values < low) | (values > high)


def _levels(field: Field, place: "pd.Series[float]") -> "pd.Series[str]":
    return place.map(dict(enumerate(field.levels)))
