"""Ratings that were reversed for some time are found by when they were given."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.alliance.instruments import shipped_instruments
from recommender.alliance.reversed_periods import ReversedPeriod, reversed_period

FORM = shipped_instruments()["wai_sr"]
FIRST = np.datetime64("2024-01-01", "D")


def some_days(size: int = 300) -> NDArray[np.datetime64]:
    """A rating every second day."""
    return FIRST + 2 * np.arange(size)


def some_ratings(size: int = 300, mean: float = 0.73, seed: int = 1) -> NDArray[np.float64]:
    return np.clip(np.random.default_rng(seed).normal(mean, 0.18, size), 0, 1)


def found_where(
    pomp: NDArray[np.float64], start: int, stop: int, mean: float | None = FORM.reference_mean
) -> ReversedPeriod | None:
    """What is found where the ratings from one place to another are reversed."""
    turned = pomp.copy()
    turned[start:stop] = 1 - turned[start:stop]
    sd = None if mean is None else FORM.reference_sd
    form = replace(FORM, reference_mean=mean, reference_sd=sd)
    return reversed_period(form, some_days(len(pomp)), turned)


def day(place: int) -> date:
    return date(2024, 1, 1) + timedelta(days=2 * place)


@pytest.mark.parametrize(("start", "stop"), [(150, 300), (0, 110), (120, 210), (260, 300)])
@pytest.mark.parametrize("mean", [FORM.reference_mean, None])
def test_a_reversed_period_is_found_with_its_days(
    start: int, stop: int, mean: float | None
) -> None:
    found = found_where(some_ratings(), start, stop, mean)
    assert found is not None
    [(first, last)] = found.spans
    assert abs((first - day(start)).days) <= 10
    assert abs((last - day(stop - 1)).days) <= 10
    assert found.mean == pytest.approx(0.27, abs=0.05)
    assert found.others == pytest.approx(0.73, abs=0.05)
    assert set(found.rows.tolist()) >= set(range(start + 5, stop - 5))


def test_what_is_reversed_before_and_after_is_told_from_the_ratings_between() -> None:
    found = found_where(1 - some_ratings(), 100, 200)
    assert found is not None
    (first, until), (since, last) = found.spans
    assert (first, last) == (day(0), day(299))
    assert abs((until - day(99)).days) <= 10
    assert abs((since - day(200)).days) <= 10


def test_the_order_of_the_rows_does_not_matter() -> None:
    pomp, days = some_ratings(), some_days()
    pomp[:150] = 1 - pomp[:150]
    mixed = np.random.default_rng(3).permutation(300)
    in_order, shuffled = (
        reversed_period(FORM, days[rows], pomp[rows]) for rows in (np.arange(300), mixed)
    )
    assert in_order is not None
    assert shuffled is not None
    assert shuffled.spans == in_order.spans
    assert sorted(mixed[shuffled.rows]) == in_order.rows.tolist()


@pytest.mark.parametrize("mean", [0.5, 0.55, 0.65, 0.73, 0.9])
def test_honest_ratings_are_not_taken_for_reversed(mean: float) -> None:
    found = [found_where(some_ratings(mean=mean, seed=seed), 0, 0) for seed in range(20)]
    assert found == [None] * 20


def test_an_alliance_that_falls_over_the_years_is_not_taken_for_a_reversed_scale() -> None:
    falling = some_ratings() - np.linspace(0, 0.2, 300)
    assert reversed_period(FORM, some_days(), falling) is None


def test_too_few_ratings_on_a_side_are_not_compared() -> None:
    assert found_where(some_ratings(39), 20, 39) is None
    assert found_where(some_ratings(40), 20, 40) is not None
    one_day = np.full(300, FIRST)
    assert reversed_period(FORM, one_day, np.repeat([0.2, 0.8], 150)) is None


def test_ratings_in_the_middle_of_the_scale_cannot_be_told_from_reversed_ones() -> None:
    assert found_where(some_ratings(mean=0.55), 150, 300) is None
