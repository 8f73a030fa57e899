"""How often a scale that was reversed for some time is found is counted."""

import pytest

from experiments.plausibility.reversed_periods import (
    HALF_YEAR,
    SECOND_HALF,
    damages,
    some_ratings,
)
from tests.support.simulated_world import the_practice


@pytest.mark.parametrize("seed", [5, 13])
def test_a_reversed_half_year_and_a_reversed_half_are_found_and_nothing_else(seed: int) -> None:
    ratings = some_ratings(seed, 150, the_practice())
    assert damages(ratings, seed, the_practice()) == [HALF_YEAR, SECOND_HALF]
