"""Rated pairings as arrays, and their labels on the scale of a training fold."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.alliance.label import EarlyRatings, early_ratings, link_scores
from recommender.alliance.linking import InstrumentLinker
from recommender.errors import Fault, TablesError
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.additive import ClinicianIndex, Codes
from recommender.model.alliance_model import levels_of
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.tables.loader import Tables
from recommender.tables.pairings import PROPENSITY

RowIndex = NDArray[np.intp]
EPOCH = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True, slots=True)
class Dataset:
    """Every rated pairing of a practice, oldest first.

    Attributes
    ----------
    practice, clients, clinicians, clinician_ids
        The people, as columns.
    pairs
        Client and clinician of each of the n rated pairings.
    started, known : (n,) int
        Day each pairing began, and day its label was complete, since 1970-01-01.
    early
        The ratings that count, in the order of `pairing_ids`.
    pairing_ids : (n,)
    left
        Pairings that ended unrated within the early sessions.
    left_started, left_ended : (dropouts,) int
        Day each of them began and ended.
    digest
        Of the tables.
    given
        Labels to be used in place of those computed from ratings.
    seat : (rows of `clinicians`,) int
        Code in `clinician_ids` of each row, where one clinician has several rows.
    chance, left_chance : (n,), (dropouts,)
        Propensity of the clinician's position in the list; NaN for a pairing without a randomised
        tie, None where none are recorded. Only figures read it, no learner.
    """

    practice: Practice
    clients: Columns
    clinicians: Columns
    clinician_ids: tuple[str, ...]
    pairs: Pairs
    started: Codes
    known: Codes
    early: EarlyRatings
    pairing_ids: NDArray[np.object_]
    dropouts: Pairs
    dropouts_started: Codes
    dropouts_ended: Codes
    digest: str
    given_labels: "Labels | None" = None
    clinician_of_row: Codes | None = None
    chance: Array | None = None
    dropouts_chance: Array | None = None

    def __len__(self) -> int:
        return len(self.pairing_ids)

    @property
    def clinician_index(self) -> ClinicianIndex:
        """Clinician and client level of every rated pairing."""
        return self.clinician_index_of(self.pairs)

    def clinician_index_of(self, pairs: Pairs) -> ClinicianIndex:
        """Clinician and client level of any pairs."""
        level = levels_of(self.practice, self.clients)[pairs.client]
        seat = (
            pairs.clinician
            if self.clinician_of_row is None
            else self.clinician_of_row[pairs.clinician]
        )
        return ClinicianIndex(seat.astype(np.int64), level)

    def dropouts_with(self, train: RowIndex) -> RowIndex:
        """The dropouts that may be learned from together with some of the rated pairings.

        They had ended when the last of those ratings became known, their clinician has training
        rows, and their client is not held back.
        """
        if not len(train):
            return np.zeros(0, dtype=np.intp)
        held_back = np.delete(self.pairs.client, train)
        known = self.dropouts_ended <= self.known[train].max()
        met = np.isin(self.dropouts.clinician, self.pairs.clinician[train])
        return np.flatnonzero(known & met & ~np.isin(self.dropouts.client, held_back))

    def chance_of(self, rated: RowIndex, left: RowIndex) -> Array:
        """Propensities of some rated pairings, then of dropouts; NaN without a randomised tie."""
        if self.chance is None or self.dropouts_chance is None:
            return np.full(len(rated) + len(left), np.nan)
        return np.concatenate([self.chance[rated], self.dropouts_chance[left]])

    def rated_rows(self, chosen: RowIndex) -> NDArray[np.bool_]:
        """Which rows of `early` belong to some of the pairings."""
        # As objects: pandas looks up an array of its own texts ten times more slowly.
        ids = self.early.rows["pairing_id"].astype(object)
        return ids.isin(self.pairing_ids[chosen]).to_numpy()


@dataclass(frozen=True, slots=True)
class Labels:
    """The label of every pairing, linked to the reference scale as fitted on some of them.

    Attributes
    ----------
    linker
        Fitted on the training rows.
    alliance : (n,)
        In points of the reference scale, unclipped.
    weight : (n,)
        Reliability relative to one session.
    """

    linker: InstrumentLinker
    alliance: Array
    weight: Array


def dataset_of(tables: Tables, practice: Practice) -> Dataset:
    """The rated pairings of checked tables.

    Raises
    ------
    TablesError
        When no rating counts as an early one.
    """
    pairings = tables.pairings.sort_values(["started_on", "pairing_id"], kind="stable")
    early = early_ratings(tables.ratings, pairings, practice.alliance, practice.instruments)
    if not len(early.rows):
        remedy = "see `recommender check FOLDER` for why each rating was left out"
        raise TablesError([Fault("ratings", "no rating counts as an early one", remedy)])
    known = early.rows.groupby("pairing_id", sort=False)["known_on"].max()
    rated = pairings.set_index("pairing_id").loc[known.index]
    left = pairings[_left_unrated(pairings, known.index, practice)]
    return Dataset(
        practice=practice,
        clients=tables.clients,
        clinicians=tables.clinicians,
        clinician_ids=tuple(tables.clinician_ids),
        pairs=_pairs(rated),
        started=_days(rated["started_on"]),
        known=_days(known),
        early=early,
        pairing_ids=known.index.to_numpy(dtype=object),
        dropouts=_pairs(left),
        dropouts_started=_days(left["started_on"]),
        dropouts_ended=_days(left["ended_on"]),
        digest=tables.digest,
        chance=rated[PROPENSITY].to_numpy(float),
        dropouts_chance=left[PROPENSITY].to_numpy(float),
    )


def labels_for(dataset: Dataset, train: RowIndex) -> Labels:
    """Labels of all pairings, linked to the reference scale on the training rows."""
    if dataset.given_labels is not None:
        return dataset.given_labels
    practice = dataset.practice
    settings = practice.alliance
    linker = InstrumentLinker.fit(
        dataset.early.rows[dataset.rated_rows(train)],
        practice.instruments,
        settings.reference,
        settings.metric,
    )
    table = link_scores(dataset.early, settings, practice.instruments, linker)
    table = table.reindex(pd.Index(dataset.pairing_ids))
    return Labels(linker, table["alliance"].to_numpy(float), table["weight"].to_numpy(float))


def _left_unrated(pairings: pd.DataFrame, rated: pd.Index, practice: Practice) -> NDArray[np.bool_]:
    """Ended, unrated and no later than the early sessions: the client left before rating."""
    sessions = pairings["sessions"].to_numpy(dtype=float, na_value=np.nan)
    ended = pairings["ended_on"].notna().to_numpy()
    early = sessions <= practice.alliance.early_sessions[1]
    return np.asarray(ended & early & ~pairings["pairing_id"].isin(rated).to_numpy())


def _pairs(pairings: pd.DataFrame) -> Pairs:
    return Pairs(
        pairings["client"].to_numpy(dtype=np.intp), pairings["clinician"].to_numpy(dtype=np.intp)
    )


def _days(days: pd.Series) -> Codes:
    return np.asarray((days.to_numpy(dtype="datetime64[D]") - EPOCH).astype(np.int64))
