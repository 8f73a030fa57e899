"""Builds a data set from rows of pairings, a table of cells or numbers, for the estimator."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.alliance.label import EarlyRatings, RatingExclusions
from recommender.alliance.linking import InstrumentLinker
from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.additive import Codes
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice, practice_named, read_practice
from recommender.tables.pairing_frame import read_pairing_frame
from recommender.training.dataset import EPOCH, Dataset, Labels

Texts = NDArray[np.object_]
ANYONE = "anyone"
"""The one clinician of a numeric matrix, whose columns describe pairings."""


@dataclass(frozen=True, slots=True)
class PairSides:
    """Both sides of n pairings, a row each.

    Attributes
    ----------
    practice
        What the cells mean.
    client, clinician
        Answers of the client and facts of the clinician of each pairing.
    clinician_id : (n,)
        Who the clinician is.
    """

    practice: Practice
    client: Columns
    clinician: Columns
    clinician_id: Texts


def practice_from(name: Practice | str | Path) -> Practice:
    """A practice: itself, at a path that ends in .toml, or one that ships, by its name."""
    return name if isinstance(name, Practice) else practice_named(str(name))


def sides_of_table(table: pd.DataFrame, practice: Practice) -> PairSides:
    """Pairings from raw cells, as `AllianceModel.predict_table` reads them.

    Raises
    ------
    IntakeError
        With every cell that cannot be read, and every row that does not name its clinician.
    """
    rows = read_pairing_frame(table, practice)
    ids = np.array(rows.clinician_ids, dtype=object)
    return PairSides(practice, rows.client, rows.clinician, ids)


def sides_of_numbers(numbers: Array, practice: Practice | None = None) -> PairSides:
    """Pairings from a matrix, (n, columns): the numbers of a row are the clinician's in it."""
    size, width = numbers.shape
    nobody = {"not_with": np.full(size, None, dtype=object)}
    columns = {f"x{number}": numbers[:, number] for number in range(width)}
    return PairSides(
        practice or read_practice(_NUMBERS + "".join(map(_NUMBER.format, range(width)))),
        Columns(size, nobody),
        Columns(size, columns | nobody),
        np.full(size, ANYONE, dtype=object),
    )


def check_scale(practice: Practice, label: Array) -> None:
    """Refuses labels that cannot be points of the reference scale, such as sums where it is a mean.

    Labels of other instruments, put on the scale, may pass its ends; none by its whole width.
    """
    low, high = practice.reference.bounds(practice.alliance.metric)
    if np.abs(label - (low + high) / 2).max(initial=0.0) > 1.5 * (high - low):
        problem = f"has labels far from {low:g} to {high:g}"
        raise RecommenderError("y", problem, f"give the {practice.alliance.metric} of the form")


def dataset_of_pairs(sides: PairSides, label: Array, weight: Array, client: Codes) -> Dataset:
    """The pairings as `recommender train` has them after reading tables; no day is known.

    Parameters
    ----------
    sides
        n pairings.
    label, weight : (n,)
        In points of the reference scale, and its reliability relative to one session's.
    client : (n,) int
        Whose pairing it is.

    Raises
    ------
    RecommenderError
        When the answers of one client differ between rows.
    """
    _, first, whose = np.unique(client, return_index=True, return_inverse=True)
    _check_one_each(_bytes(sides.client), whose)
    # A clinician whose facts changed, as after some years, is another row of the same clinician.
    keys = list(zip(sides.clinician_id, _bytes(sides.clinician), strict=True))
    place = {key: number for number, key in enumerate(sorted(set(keys)))}
    theirs = np.array([place[key] for key in keys], dtype=np.intp)
    seen = np.unique(theirs, return_index=True)[1]
    seat, ids = pd.factorize(sides.clinician_id[seen], sort=True)
    names = np.array([f"row {number}" for number in range(len(label))], dtype=object)
    early = _early(sides.practice, names, label)
    settings = sides.practice.alliance
    linker = InstrumentLinker.fit(
        early.rows, sides.practice.instruments, settings.reference, settings.metric
    )
    nobody, never = np.zeros(0, dtype=np.intp), np.zeros(len(label), dtype=np.int64)
    return Dataset(
        practice=sides.practice,
        clients=sides.client.take(first),
        clinicians=sides.clinician.take(seen),
        clinician_ids=tuple(ids),
        pairs=Pairs(whose.astype(np.intp), theirs),
        started=never,
        known=never,
        early=early,
        pairing_ids=names,
        dropouts=Pairs(nobody, nobody),
        dropouts_started=np.zeros(0, dtype=np.int64),
        dropouts_ended=np.zeros(0, dtype=np.int64),
        digest="",
        given_labels=Labels(linker, label, weight),
        clinician_of_row=seat.astype(np.int64),
    )


def _bytes(columns: Columns) -> list[bytes]:
    """The numbers of each row as bytes, alike for rows that are alike."""
    parts = [a.reshape(len(a), -1) for a in columns.values.values() if a.dtype != object]
    together = np.concatenate([np.empty((columns.size, 0)), *parts], axis=1)
    # -0.0 and 0.0 are one value, and so is every NaN.
    return [row.tobytes() for row in np.where(np.isnan(together), np.nan, together + 0.0)]


def _check_one_each(answers: list[bytes], whose: NDArray[np.intp]) -> None:
    if len(set(zip(whose.tolist(), answers, strict=True))) > len(np.unique(whose)):
        problem = "has a client whose answers differ between rows"
        raise RecommenderError("groups", problem, "name the client of each row, one intake each")


def _early(practice: Practice, names: Texts, label: Array) -> EarlyRatings:
    """One rating a label, as if given on the reference form in an early session."""
    low, high = practice.reference.bounds(practice.alliance.metric)
    columns = {
        "pairing_id": names,
        "session": practice.alliance.early_sessions[0],
        "instrument": practice.alliance.reference,
        "pomp": (label - low) / (high - low),
        "prorated": False,
        "straightline": False,
        "fallback": False,
        "known_on": EPOCH.astype("datetime64[s]"),
    }
    return EarlyRatings(pd.DataFrame(columns, index=range(len(names))), RatingExclusions(*[0] * 9))


_NUMBERS = """
[practice]
id = "numbers"
version = "1"
title = "Numbers of pairings"
timezone = "UTC"
currency = "AUD"
[instruments.label]
items = 1
min = 0
max = 1
[alliance]
instruments = ["label"]
reference = "label"
[groups]
numbers = "Numbers of the pairing"
[client.not_with]
kind = "ids"
phrase = "clinicians the client cannot see"
purpose = "every definition says it"
missing = "nobody"
use = "filter"
[clinician.not_with]
kind = "ids"
phrase = "clients they cannot see"
purpose = "every definition says it"
missing = "nobody"
use = "filter"
[constraints.do_not_match]
rule = "not_listed"
client = "not_with"
clinician = "not_with"
family = "conflict"
mode = "hard"
say = "must not be matched with this client"
"""
_NUMBER = """
[clinician.x{0}]
kind = "number"
unit = "as given"
phrase = "column {0}"
purpose = "to learn from"
missing = "not known"
use = "score"
group = "numbers"
"""
