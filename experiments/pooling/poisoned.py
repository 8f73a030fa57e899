"""One of ten simulated practices contributes the opposite of what its ratings say."""

from dataclasses import dataclass, replace

import numpy as np

from experiments.bake_off.arena import Site, prepared
from experiments.bake_off.pooled import a_pool
from experiments.known_truth import cap_share
from recommender.features.feature import Array
from recommender.model.evidence_prior import usual_level
from recommender.pooling.heterogeneity import findings_of
from recommender.pooling.pool import Pool
from recommender.pooling.pooled_slopes import slope_prior
from recommender.practice.definition import shipped_practice

RATINGS, TEST_CLIENTS = 300, 2_000


@dataclass(frozen=True, slots=True)
class PoisonedCase:
    """What a practice without ratings gains from one pool.

    Attributes
    ----------
    place
        Which contribution is poisoned, by its place in the pool.
    named
        The contributors named.
    literature, honest, poisoned, left_out
        `cap_share` of a newcomer by the literature alone, by the honest pool, by the poisoned one,
        and by the poisoned one without those named.
    """

    place: int
    named: tuple[str, ...]
    literature: float
    honest: float
    poisoned: float
    left_out: float


def poisoned_case(seed: int, place: int, difference: float) -> PoisonedCase:
    """The pool of the bake-off's practice with this seed, with one contribution turned round."""
    honest = a_pool(seed, difference)
    own = honest.contributions[place]
    turned = replace(own, equations=replace(own.equations, score=-own.equations.score))
    several = [*honest.contributions]
    several[place] = turned
    pool = Pool(tuple(several))
    named = [each for each in findings_of(pool) if each.deviates]
    arena = prepared(Site("default", RATINGS, seed), TEST_CLIENTS)
    rows = np.nan_to_num(arena.trial.prepared.rows.match)
    practice = shipped_practice()
    _, interval = usual_level(practice)

    def gained(slopes: Array) -> float:
        return cap_share(arena.truth, arena.matrix(rows @ slopes))

    def from_pool(each: Pool) -> float:
        return gained(slope_prior(each, practice, interval).mean)

    declared = np.array([match.prior for match in practice.matches.values()])
    return PoisonedCase(
        place=place,
        named=tuple(each.contributor for each in named),
        literature=gained(interval * declared),
        honest=from_pool(honest),
        poisoned=from_pool(pool),
        left_out=from_pool(pool.without(frozenset(each.key for each in named))),
    )
