"""The strongest pairs of clients with many clinicians: nearly equal scores show whom to score.

Scores that may differ from the exact ones by a known error take half as long. Only those who may
be among the strongest are then scored exactly; the others, where they are read.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.features.client_levels import level_weights
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.trees.tables import in_chunks
from recommender.plan.clients import ClientTerms
from recommender.plan.score_plan import BLOCK_PAIRS, ScoredPairs, ScorePlan, by_client, passes
from recommender.practice.columns import Columns

Places = NDArray[np.intp]
ROUNDING = 1e-9
"""Points by which sums of numbers of 64 bits in another order may differ at most."""
MOST_SCORED = 2
"""Multiples of the pairs that are asked for up to which all pairs of several clients are scored, as
the strongest are found in about the time that scoring as many takes."""


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
        pairs = Pairs.with_clinicians(clinician)
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
    pairs = Pairs.with_clinicians(clinician)
    _, raw, usual = plan.matches.of(answers, pairs.client, pairs.clinician)
    terms, rows = plan.client_terms(answers), None
    if len(clinician) > most and _may_be_approximate(plan):
        points, error = nearly(plan, terms, clinician, raw, usual)
        # Nobody further below the last of the strongest can be above them.
        last = np.partition(points, -most)[-most]
        rows = (points >= last - 2 * error).nonzero()[0]
    return StrongestPairs(plan, terms, clinician, raw, usual, rows)


def score_strongest_of_each(
    plan: ScorePlan, clients: Columns, pairs: Pairs, most: int
) -> ScoredPairs:
    """`ScorePlan.score` of those who may be among the `most` strongest of each client.

    A client who has fewer pairs gets them all; those scored remain in their order. Every pair is
    scored where trees have a weight.
    """
    has_trees = plan.model.trees is not None and plan.model.tree_weight > 0
    if has_trees or not _missing_match_adds_nothing(plan):
        return plan.score(clients, pairs)
    answers = plan.answers.of(clients)
    terms = plan.client_terms(answers)
    by_clinician = _without_matches(plan, terms)
    usual = np.empty((plan.matches.count, clients.size))
    strongest = [(np.empty(0, dtype=np.intp), np.empty((plan.matches.count, 0)))]
    for rows, some in passes(pairs.client, clients.size):
        raw, usual[:, rows] = plan.matched(answers, pairs, rows, some)
        client, clinician = pairs.client[some], pairs.clinician[some]
        places = np.arange(len(client))
        if len(places) > MOST_SCORED * most * (rows.stop - rows.start):
            points = by_clinician[client, clinician]
            points += _of_matches(plan, plan.centred(terms, client, raw, usual))
            places = _strongest(points, client, most)
        strongest.append((some.start + places, raw.take(places, axis=1)))
    taken, parts = zip(*strongest, strict=True)
    places = np.concatenate(taken)
    few = Pairs(pairs.client.take(places), pairs.clinician.take(places))
    return plan.scored(terms, few, np.concatenate(parts, axis=1), usual)


def _strongest(points: Array, client: Places, most: int) -> Places:
    """Places of those who may be among the `most` strongest of each client, client by client."""
    least = np.empty(len(points))
    for _, some in by_client(client - client[0], int(client[-1] - client[0]) + 1):
        own = points[some]
        behind = max(len(own) - most, 0)
        least[some] = np.partition(own, behind)[behind]
    return (points >= least - 2 * ROUNDING).nonzero()[0]


def _missing_match_adds_nothing(plan: ScorePlan) -> bool:
    """Whether a missing match adds nothing to a score."""
    return not plan.model.additive.frame.match.mean.any()


def _may_be_approximate(plan: ScorePlan) -> bool:
    """Whether there are trees in groups, and a missing match adds nothing to a score."""
    is_grouped = plan.trees is not None and plan.trees.groups is not None
    return is_grouped and _missing_match_adds_nothing(plan)


def nearly(
    plan: ScorePlan, terms: ClientTerms, clinician: Places, raw: Array, usual: Array
) -> tuple[Array, float]:
    """Nearly the pairing parts of one client, (n,), and the greatest error."""
    assert plan.trees is not None
    assert plan.trees.groups is not None
    weight, client = plan.model.tree_weight, np.zeros(len(clinician), dtype=np.intp)
    points = _without_matches(plan, terms)[0].take(clinician)
    for some in in_chunks(len(clinician), BLOCK_PAIRS):
        whose, whom = client[some], clinician[some]
        match = plan.centred(terms, whose, raw[:, some], usual)
        part = points[some]
        part += _of_matches(plan, match)
        part *= 1 - weight
        history = plan.history(terms, whose, whom)
        part += weight * plan.trees.nearly(terms.rows, match, history, whose, whom)
    points += plan.model.survivor_offset
    return points, weight * plan.trees.groups.error + ROUNDING


def _without_matches(plan: ScorePlan, terms: ClientTerms) -> Array:
    """Nearly the additive half of C clients with each clinician of the roster, (C, n), but matches.

    Of products of matrices, whose last digits are others.
    """
    own, level = plan.clinicians, terms.level.reshape(len(terms.level), -1)
    points = terms.slopes @ own.multiplied.T
    points += own.alone
    if plan.model.additive.frame.levels:
        weights = np.ones(level.shape) if terms.level.ndim == 1 else level_weights(level)
        # The last is of clients without a level, which is -1.
        by_level = np.zeros((len(level), len(own.by_level)))
        np.add.at(by_level, (np.arange(len(level))[:, None], level), weights)
        points += by_level @ own.by_level
    return np.asarray(points)


def _of_matches(plan: ScorePlan, match: Array) -> Array:
    """Nearly what the centred matches (matches, n) add to the additive half, (n,)."""
    return np.asarray(plan.model.additive.match_slopes @ np.where(np.isnan(match), 0.0, match))
