"""The scores of one request with the answers as stated."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.pipeline import Pairs
from recommender.plan.score_plan import ScoredPairs, ScorePlan
from recommender.plan.strongest import score_strongest
from recommender.plan.trees import MANY
from recommender.screening.changes import ScreenedRequest
from recommender.screening.relaxation import max_changes, relaxable_places
from recommender.values.limits import MAX_TOP_K

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPlaces:
    """One client with clinicians of a roster, scored with the answers as stated.

    Attributes
    ----------
    pairs
        The eligible clinicians in the order of the roster, then the others, each once.
    eligible
        How many are eligible.
    first
        The row of the eligible clinician with the highest pairing part; None where nobody is
        eligible.
    """

    pairs: ScoredPairs
    eligible: int
    first: int | None

    @property
    def eligible_pairs(self) -> "EligiblePairs":
        """The pairs of the eligible clinicians."""
        return EligiblePairs(self.pairs.part(0, self.eligible))

    @property
    def excluded(self) -> Places:
        """Places of the excluded clinicians, in the order of the pairs."""
        return self.pairs.clinician[self.eligible :]

    def row_of_place(self, size: int) -> Places:
        """The row of each place of a roster, (size,); -1 where the clinician is not scored."""
        rows = np.full(size, -1)
        rows[self.pairs.clinician] = np.arange(len(self.pairs))
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class EligiblePairs:
    """One client with the eligible clinicians in the order of the roster.

    `strongest` are all of them, or else those who decide any shortlist, and `read_every` gives all.
    """

    strongest: ScoredPairs
    read_every: Callable[[], ScoredPairs] | None = None

    @property
    def every(self) -> ScoredPairs:
        """All of them."""
        return self.strongest if self.read_every is None else self.read_every()


def score_eligible(request: ScreenedRequest, plan: ScorePlan) -> EligiblePairs:
    """The pairs of the eligible clinicians; somebody must be eligible."""
    places = request.screening.eligible.nonzero()[0]
    if len(places) < MANY:
        return EligiblePairs(_scored(request, plan, places))
    found = score_strongest(plan, request.client, places, MAX_TOP_K)
    return EligiblePairs(found.scored, lambda: found.every)


def score_stated(request: ScreenedRequest, plan: ScorePlan) -> ScoredPlaces:
    """The eligible clinicians, and those a relaxation may admit.

    They are scored at once because a second scoring would cost nearly as much again.
    """
    eligible = request.screening.eligible.nonzero()[0]
    relaxable = relaxable_places(request, max_changes(request.screening))
    pairs = _scored(request, plan, np.concatenate([eligible, relaxable]))
    first = int(pairs.scores.pairing[: len(eligible)].argmax()) if len(eligible) else None
    return ScoredPlaces(pairs, len(eligible), first)


def _scored(request: ScreenedRequest, plan: ScorePlan, places: Places) -> ScoredPairs:
    return plan.score(request.client, Pairs.with_clinicians(places))
