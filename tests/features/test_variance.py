"""The analysis of variance that records, the client part and staff figures share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.feature import variance_components

POINTS = st.integers(-200, 200).map(lambda hundredths: hundredths / 100)
VALUES = st.lists(st.tuples(st.integers(0, 4), POINTS), min_size=1, max_size=40)


def test_both_variances_are_those_worked_out_by_hand() -> None:
    # Means 1.5 and 4.5 of two values that are .5 away: MSW = 1 / 2, MSB = 9 (n0 = 2).
    found = variance_components(np.array([0, 0, 3, 3]), np.array([1.0, 2.0, 4.0, 5.0]))

    assert found is not None
    assert (found.within, found.between) == (0.5, (9 - 0.5) / 2)


def test_groups_of_unequal_size_use_the_size_n0_of_the_book() -> None:
    # Sizes 3 and 1: n0 = 4 - 10 / 4 = 1.5. MSW = 2 / 2, grand mean 2, MSB = 3 x 1 + 1 x 9 = 12.
    found = variance_components(np.array([0, 0, 0, 1]), np.array([0.0, 1.0, 2.0, 5.0]))

    assert found is not None
    assert found.within == 1.0
    assert found.between == pytest.approx((12 - 1) / 1.5)


@given(rows=VALUES)
def test_a_value_of_weight_two_is_as_precise_as_the_mean_of_two(
    rows: list[tuple[int, float]],
) -> None:
    group, values = np.array([g for g, _ in rows]), np.array([v for _, v in rows])
    plain = variance_components(group, values)
    heavy = variance_components(group, values, np.full(len(rows), 2.0))

    if plain is None or heavy is None:
        assert plain is heavy
    else:
        assert heavy.within == pytest.approx(2 * plain.within)
        assert heavy.between == pytest.approx(plain.between, abs=1e-12)


@given(rows=VALUES)
def test_the_variances_are_the_sums_of_squares_written_out(rows: list[tuple[int, float]]) -> None:
    groups = [[v for g, v in rows if g == number] for number in range(5)]
    groups = [some for some in groups if some]
    found = variance_components(np.array([g for g, _ in rows]), np.array([v for _, v in rows]))
    n, k = len(rows), len(groups)
    if k < 2 or n == k:
        assert found is None
        return
    means = [sum(some) / len(some) for some in groups]
    grand = sum(v for _, v in rows) / n
    within = sum((v - m) ** 2 for some, m in zip(groups, means, strict=True) for v in some)
    among = sum(len(some) * (m - grand) ** 2 for some, m in zip(groups, means, strict=True))
    size = (n - sum(len(some) ** 2 for some in groups) / n) / (k - 1)

    assert found is not None
    assert found.within == pytest.approx(within / (n - k), abs=1e-12)
    between = max(0.0, (among / (k - 1) - within / (n - k)) / size)
    assert found.between == pytest.approx(between, abs=1e-12)


@pytest.mark.parametrize(
    ("group", "values"),
    [([], []), ([0], [1.0]), ([0, 0], [1.0, 2.0]), ([0, 1], [1.0, 2.0])],
    ids=["nothing", "one value", "one group", "one value each"],
)
def test_nothing_is_said_where_nothing_can_be_known(group: list[int], values: list[float]) -> None:
    assert variance_components(np.array(group, dtype=np.intp), np.array(values)) is None
