"""A small practice with a known truth, its tables and a model learned from them.

Builders with defaults: each test says only what matters to it.
"""

import csv
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.model.bundle.io import save_bundle
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, read_practice
from recommender.recommendation.explanation import Explanation, contrast
from recommender.recommendation.recommend import Intake, read_intake
from recommender.tables.cells import People
from recommender.tables.loader import Tables, read_tables
from recommender.tables.roster import Roster
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import FitResult, fit
from recommender.training.tree_fitting import FitSettings, TreeSettings

DEFINITION = Path(__file__).with_name("matching_practice.toml")
CONCERNS, THERAPIES = ("anxiety", "grief", "sleep"), ("act", "cbt", "emdr")
QUICK = FitSettings(
    fewest_for_trees=100,
    folds=3,
    client=TreeSettings(num_leaves=6, num_trees=20, feature_fraction=0.5, learning_rate=0.3),
    pairing=TreeSettings(
        num_leaves=4, num_trees=60, bagging_fraction=0.7, lambda_l2=5.0, learning_rate=0.25
    ),
)
"""A fit with both halves of the pairing part, whatever the number of ratings, whose trees learn in
few large steps: each of the many servers of tests reads them and makes their tables."""
DAY = date(2026, 11, 23)
TAKEN_AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

Row = dict[str, str]
Rows = Mapping[str, list[Row]]


@cache
def a_practice() -> Practice:
    """The corner practice."""
    return read_practice(DEFINITION.read_text(encoding="utf-8"))


def write_tables(directory: Path, **options: int) -> None:
    """The files of `some_rows`."""
    write_rows(directory, some_rows(**options))


def some_rows(*, pairings: int = 400, clinicians: int = 12, seed: int = 3, noise: int = 40) -> Rows:
    """Tables whose alliance rises with the therapy asked for and falls with distance in style.

    `noise` is the standard deviation of a rating in hundredths of a point.
    """
    rng = np.random.default_rng(seed)
    staff = [_clinician(rng, place) for place in range(clinicians)]
    clients = [_client(rng, place) for place in range(pairings)]
    quality = rng.normal(0, 0.15, clinicians)
    met, rated = [], []
    for place, client in enumerate(clients):
        other = int(rng.integers(clinicians))
        start = date(2024, 1, 1) + timedelta(days=int(place * 700 / pairings))
        stayed = rng.random() > 0.25
        met.append(_pairing(place, client, staff[other], start, stayed))
        if stayed:
            truth = _alliance(client, staff[other]) + quality[other]
            rated.append(_rating(place, start, truth + rng.normal(0, noise / 100)))
    return {"clients": clients, "clinicians": staff, "pairings": met, "ratings": rated}


def some_tables(**options: int) -> Tables:
    """The same tables, read."""
    return tables_of(some_rows(**options))


def tables_of(rows: Rows, practice: Practice | None = None) -> Tables:
    """Rows of cells as a practice would hand them in, read."""
    with TemporaryDirectory() as directory:
        write_rows(Path(directory), rows)
        return read_tables(Path(directory), practice or a_practice(), None)


def write_rows(directory: Path, rows: Rows) -> None:
    """One CSV a table."""
    for name, table in rows.items():
        _write(directory / f"{name}.csv", table)


def true_alliance(client: Row, clinician: Row) -> float:
    """What the two are given to each other, in points, without the clinician's own quality."""
    return _alliance(client, clinician)


@cache
def a_dataset() -> Dataset:
    """Their rated pairings."""
    return dataset_of(some_tables(), a_practice())


@cache
def a_fit() -> FitResult:
    """A quick fit to them."""
    return fit(a_dataset(), settings=QUICK)


def a_model() -> AllianceModel:
    """A model that learned from them."""
    return a_fit().model


def under(model: AllianceModel, ranking: str) -> AllianceModel:
    """The same model in a practice whose definition has these lines under [ranking]."""
    practice = read_practice(f"{model.practice.text}\n[ranking]\n{ranking}\n")
    manifest = replace(model.manifest, practice_digest=practice.digest)
    return replace(model, pipeline=replace(model.pipeline, practice=practice), manifest=manifest)


@cache
def a_roster() -> Roster:
    """The practice's clinicians."""
    return some_tables().roster(TAKEN_AT)


def an_encoding() -> RosterEncoding:
    """The roster as the model knows it."""
    return a_model().encode_roster(a_roster())


def a_bundle(directory: Path) -> Path:
    """The model on disk."""
    save_bundle(a_model(), directory / "bundle")
    return directory / "bundle"


def an_intake(client_id: str = "c9999", **answers: object) -> Intake:
    """A client who wants CBT, some guidance and agrees to a predicted order."""
    given = {"concern": "anxiety", "wanted": ["cbt"], "directive": 4, "agrees": True}
    return read_intake(a_practice(), given | answers, client_id)


def _clinician(rng: np.random.Generator, place: int) -> Row:
    offers = [t for t in THERAPIES if rng.random() < 0.5] or ["cbt"]
    return {
        "clinician_id": f"k{place:02d}",
        "name": f"Clinician {chr(65 + place % 26)}" if place % 2 else "",
        "offers": ";".join(offers),
        "guides": str(int(rng.integers(-10, 11))),
        "years": str(int(rng.integers(1, 30))),
        "fee": str(int(rng.integers(15, 28)) * 10),
        "rooms": f"{-33.8 - rng.random() * 0.2:.4f},{151.0 + rng.random() * 0.2:.4f}",
        "hours": "mon 09:00-17:00; wed 12:00-20:00" if place % 3 else "tue 09:00-12:00",
        "places": str(place % 4),
        "not_with": "c0001;c0002" if place == 1 else "",
    }


def _client(rng: np.random.Generator, place: int) -> Row:
    return {
        "client_id": f"c{place:04d}",
        "concern": CONCERNS[int(rng.integers(3))],
        "wanted": THERAPIES[int(rng.integers(3))] if rng.random() < 0.8 else "",
        "directive": str(int(rng.integers(-10, 11))) if rng.random() < 0.9 else "",
        "max_fee": "220" if rng.random() < 0.3 else "",
        "home": "-33.87,151.1",
        "max_km": "",
        "free": "",
        "not_with": "",
        "agrees": "yes",
        "gender": ("woman", "man", "non_binary")[int(rng.integers(3))],
    }


def _alliance(client: Row, clinician: Row) -> float:
    met = float(client["wanted"] in clinician["offers"].split(";")) if client["wanted"] else 0.5
    apart = abs(int(client["directive"] or 0) - int(clinician["guides"])) / 20
    return 3.6 + 0.6 * met - 0.9 * apart


def _pairing(place: int, client: Row, clinician: Row, start: date, stayed: bool) -> Row:
    return {
        "pairing_id": f"p{place:04d}",
        "client_id": client["client_id"],
        "clinician_id": clinician["clinician_id"],
        "started_on": start.isoformat(),
        "sessions": "8" if stayed else "1",
        "ended_on": "" if stayed else (start + timedelta(days=7)).isoformat(),
    }


def _rating(place: int, start: date, truth: float) -> Row:
    total = float(np.clip(round(12 * truth), 12, 60))
    rated_on = start + timedelta(days=14)
    return {
        "pairing_id": f"p{place:04d}",
        "session": "3",
        "rated_on": rated_on.isoformat(),
        "known_on": (rated_on + timedelta(days=2)).isoformat(),
        "instrument": "wai_sr",
        "rater": "client",
        "metric": "sum",
        "score": str(total),
    }


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@cache
def some_people(size: int = 14) -> People:
    rng = np.random.default_rng(5)
    rows: list[dict[str, Any]] = [
        {
            "concern": CONCERNS[place % 3],
            "wanted": [("act", "cbt", "emdr")[int(rng.integers(3))]],
            "directive": int(rng.integers(-10, 11)),
            "agrees": place % 5 != 4,
            **({"max_fee": 190} if place % 4 == 3 else {}),
        }
        for place in range(size)
    ]
    fields = a_practice().fields("client", "score", "filter")
    ids = tuple(f"w{place:02d}" for place in range(size))
    return People(ids, (None,) * size, read_rows(fields, rows))


def digest_of(model: AllianceModel) -> str:
    with TemporaryDirectory() as directory:
        return save_bundle(model, Path(directory) / "bundle")


def as_sure(factor: float) -> AllianceModel:
    """The model with so many times its doubt about every coefficient."""
    additive = a_model().additive
    draws = {name: np.float32(factor) * drawn for name, drawn in additive.draws.items()}
    return replace(a_model(), additive=replace(additive, draws=draws))


def compare(model: AllianceModel, one: int, other: int) -> Explanation:
    """Two places of the roster for the client of `an_intake`."""
    pairs = Pairs(np.zeros(2, dtype=np.intp), np.array([one, other]))
    contributions = model.contributions(an_intake().client, an_encoding(), pairs)
    return contrast(model.practice, contributions, 0, 1)


CLIENT_FORM = """
[forms.client]
title = "Find someone who fits"

[[forms.client.sections]]
id = "you"
title = "About you"
first = ["concern"]
later = ["wanted"]
"""
CLIENT_WORDS = {
    "[client.concern]": '[client.concern]\nquestion_to_client = "What brings you here?"',
    "[client.wanted]": '[client.wanted]\nquestion_to_client = "Which therapy would you like?"',
    'currency = "AUD"': 'currency = "AUD"\nlanguage = "en-AU"',
}


def corner_with_a_form(folder: Path) -> Path:
    """The corner practice with words for clients, which its model did not learn with."""
    text = a_practice().text
    for old, new in CLIENT_WORDS.items():
        text = text.replace(old, new, 1)
    path = folder / "corner.toml"
    path.write_text(text + CLIENT_FORM, encoding="utf-8")
    return path
