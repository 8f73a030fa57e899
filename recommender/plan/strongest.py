"""The strongest pairs of one client with many clinicians: nearly equal scores show whom to score.

Scores that may differ from the exact ones by a known error take half as long. Only those who may
be among the strongest are then scored exactly; the others, where they are read.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.trees.tables import in_chunks
from recommender.plan.clients import ClientTerms
from recommender.plan.score_plan import BLOCK_PAIRS, ScoredPairs, ScorePlan
from recommender.practice.columns import Columns

Places = NDArray[np.intp]
ROUNDING = 1e-9
"""Points by which sums of numbers of 64 bits in another order may differ at most."""


@dataclass(frozen=True, eq=False)
class StrongestPairs:
    """One client with n clinicians, of whom the strongest are scored.

    Attributes
    ----------
    plan
        The plan that scores them.
    terms
        What the client decides alone.
    clinician : (n,) int
        Places on the roster.
    raw, usual
        Their matches; see `ScoredPairs`.
    rows : (k,) int
        Which of them are scored, ascending; None for all.
    """

    plan: ScorePlan
    terms: ClientTerms
    clinician: Places
    raw: Array
    usual: Array
    rows: Places | None

    @cached_property
    def scored(self) -> ScoredPairs:
        """The pairs that may be among the strongest, in the order of the clinicians."""
        if self.rows is None:
            return self.every
        return self._scored(self.clinician.take(self.rows), self.raw.take(self.rows, axis=1))

    @cached_property
    def every(self) -> ScoredPairs:
        """All pairs, scored when they are first read."""
        return self._scored(self.clinician, self.raw)

    def _scored(self, clinician: Places, raw: Array) -> ScoredPairs:
        pairs = Pairs(np.zeros(len(clinician), dtype=np.intp), clinician)
        return self.plan.scored(self.terms, pairs, raw, self.usual)


def score_strongest(
    plan: ScorePlan, client: Columns, clinician: Places, most: int
) -> StrongestPairs:
    """Scores one client with those of n clinicians who may be among the `most` strongest.

    Parameters
    ----------
    client
        Encoded answers, one row.
    clinician : (n,) int
        Places on the roster, ascending.
    """
    answers = plan.answers.of(client)
    nobody_else = np.zeros(len(clinician), dtype=np.intp)
    _, raw, usual = plan.matches.of(answers, nobody_else, clinician)
    terms, rows = plan.client_terms(answers), None
    if len(clinician) > most and may_be_approximate(plan):
        points, error = nearly(plan, terms, clinician, raw, usual)
        # Nobody further below the last of the strongest can be above them.
        last = np.partition(points, -most)[-most]
        rows = (points >= last - 2 * error).nonzero()[0]
    return StrongestPairs(plan, terms, clinician, raw, usual, rows)


def may_be_approximate(plan: ScorePlan) -> bool:
    """Whether there are trees in groups, and a missing match adds nothing to a score."""
    is_grouped = plan.trees is not None and plan.trees.groups is not None
    return is_grouped and not plan.model.additive.frame.match.mean.any()


def nearly(
    plan: ScorePlan, terms: ClientTerms, clinician: Places, raw: Array, usual: Array
) -> tuple[Array, float]:
    """Nearly the pairing parts of one client, (n,), and the greatest error."""
    assert plan.trees is not None
    assert plan.trees.groups is not None
    additive, own, weight = plan.model.additive, plan.clinicians, plan.model.tree_weight
    client = np.zeros(len(clinician), dtype=np.intp)
    slopes, points = additive.match_slopes, np.empty(len(clinician))
    for some in in_chunks(len(clinician), BLOCK_PAIRS):
        whose, whom = client[some], clinician[some]
        match = plan.centred(terms, whose, raw[:, some], usual)
        part = own.multiplied.take(whom, axis=0) @ terms.slopes[0]
        part += own.alone.take(whom)
        part += slopes @ np.where(np.isnan(match), 0.0, match)
        if additive.frame.levels:
            part += plan.by_level(terms.level, whom)
        part *= 1 - weight
        history = plan.history(terms, whose, whom)
        part += weight * plan.trees.nearly(terms.rows, match, history, whose, whom)
        points[some] = part + plan.model.survivor_offset
    return points, weight * plan.trees.groups.error + ROUNDING
