import pytest

from experiments.null_world.claims import SIZES, sizes_of
from recommender.errors import RecommenderError


def test_the_worlds_are_forty_of_several_sizes() -> None:
    assert sum(number for _, number in sizes_of(SIZES)) == 40
    assert sizes_of("300x5") == [(300, 5)]


def test_sizes_that_cannot_be_read_say_how_they_are_written() -> None:
    for text in ("300", "300x", "many"):
        with pytest.raises(RecommenderError, match="cannot be read"):
            sizes_of(text)
