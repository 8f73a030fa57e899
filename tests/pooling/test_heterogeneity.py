"""A contribution that is far from the others is named, and nobody else is."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.pooling.invented import SLOPES
from recommender.pooling.heterogeneity import findings_of
from recommender.pooling.pool import Pool
from recommender.pooling.practice_contribution import PracticeContribution
from tests.support.contributions import an_invented_contribution, re_signed


def usual(count: int, *, between: float = 0.02, seed: int = 0) -> list[PracticeContribution]:
    rng = np.random.default_rng(seed)
    return [
        an_invented_contribution(
            1 + number + 100 * seed, slopes=SLOPES + rng.normal(0, between, len(SLOPES))
        )
        for number in range(count)
    ]


def poisoned(contribution: PracticeContribution, number: int) -> PracticeContribution:
    """The opposite of what a practice's ratings say, signed by it."""
    turned = replace(contribution.equations, score=-contribution.equations.score)
    return re_signed(replace(contribution, equations=turned), number)


def test_one_poisoned_contribution_of_ten_is_named_and_the_others_are_not() -> None:
    contributions = usual(9)
    wrong = poisoned(an_invented_contribution(77), 77)
    found = findings_of(Pool((*contributions, wrong)))

    assert [each.contributor for each in found if each.deviates] == ["Practice 77"]
    assert found[-1].influence == max(each.influence for each in found)


def test_without_it_the_slopes_are_what_they_were() -> None:
    contributions = usual(9)
    pool = Pool((*contributions, poisoned(an_invented_contribution(77), 77)))
    named = frozenset(each.key for each in findings_of(pool) if each.deviates)

    honest = Pool(tuple(contributions))
    assert pool.without(named).tau2 == honest.tau2
    assert np.array_equal(pool.without(named).common.score, honest.common.score)


def test_two_poisoned_contributions_do_not_hide_each_other() -> None:
    pair = [poisoned(an_invented_contribution(n), n) for n in (77, 78)]
    found = findings_of(Pool((*usual(8), *pair)))

    assert {each.contributor for each in found if each.deviates} == {"Practice 77", "Practice 78"}


def test_practices_that_differ_as_practices_do_are_seldom_named() -> None:
    pools = [Pool(tuple(usual(6, between=0.04, seed=seed))) for seed in range(1, 9)]
    named = [any(each.deviates for each in findings_of(pool)) for pool in pools]

    assert not any(named)


def test_of_two_nobody_is_named() -> None:
    found = findings_of(
        Pool((an_invented_contribution(1), poisoned(an_invented_contribution(2), 2)))
    )
    assert not any(each.deviates for each in found)
    assert all(np.isnan(each.p) for each in found)


def test_the_influence_is_cook_s_distance() -> None:
    contributions = usual(4)
    pool = Pool(tuple(contributions), between=0.0)
    parts = [each.precision for each in pool.scaled]
    scores = [each.score for each in pool.scaled]
    weak, size = np.eye(len(SLOPES)), len(SLOPES)
    whole = np.linalg.solve(sum(parts) + weak, sum(scores))
    rest = np.linalg.solve(sum(parts[1:]) + weak, sum(scores[1:]))
    expected = (whole - rest) @ (sum(parts) + weak) @ (whole - rest) / size

    assert findings_of(pool)[0].influence == pytest.approx(float(expected))
