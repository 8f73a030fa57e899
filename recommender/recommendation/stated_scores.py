"""The scores of one request with the answers as stated, and whom a relaxation may bring ahead."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import (
    AllianceModel,
    PairScores,
    PreparedPairs,
    RosterEncoding,
)
from recommender.recommendation.relaxation_bounds import most_after_relaxation
from recommender.screening.relaxation import ScreenedRequest, max_changes, relaxable_places

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPlaces:
    """Clinicians of a roster and their pairs with one client, with the answers as stated.

    Attributes
    ----------
    places : (n,) int
        Of the roster, each once.
    prepared, scores
        The pairs.
    first
        The row of the eligible clinician with the highest pairing part; None where nobody is
        eligible.
    """

    places: Places
    prepared: PreparedPairs
    scores: PairScores
    first: int | None

    def rows_at(self, places: Places) -> Places:
        """The rows of some of the clinicians."""
        order = np.argsort(self.places)
        return order[np.searchsorted(self.places, places, sorter=order)]


def score_stated(
    request: ScreenedRequest, encoding: RosterEncoding, model: AllianceModel
) -> ScoredPlaces:
    """The eligible clinicians, in the order of the roster, then those a relaxation may admit.

    They are scored at once because a second scoring would cost nearly as much again.
    """
    screening = request.screening
    eligible = np.flatnonzero(screening.eligible)
    places = np.concatenate([eligible, relaxable_places(request, max_changes(screening))])
    pairs = Pairs(np.zeros(len(places), dtype=np.intp), places)
    prepared = model.prepare(request.client, encoding, pairs)
    scores = model.score_of(prepared)
    first = int(scores.pairing[: len(eligible)].argmax()) if len(eligible) else None
    return ScoredPlaces(places, prepared, scores, first)


def may_lead(request: ScreenedRequest, model: AllianceModel, stated: ScoredPlaces) -> Places:
    """Places of the excluded clinicians whom a relaxation may bring ahead of the first.

    Most are behind, whatever a relaxation changes.
    """
    eligible, pairing = np.count_nonzero(request.screening.eligible), stated.scores.pairing
    rows = np.arange(eligible, len(pairing))
    most = most_after_relaxation(request, model, stated.prepared.take(rows), stated.places[rows])
    ahead = rows[pairing[rows] + most > pairing[:eligible].max()]
    return np.asarray(stated.places[ahead])
