"""Screening many clients says of each what screening one says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.recommendation.recommend import read_intake
from recommender.screening.cache import ScreeningCache
from recommender.screening.screen import screen
from tests.support.builders import DAY, a_practice, a_roster
from tests.support.strategies import CLIENT_IDS, INTAKES


@given(some=st.lists(st.tuples(INTAKES, CLIENT_IDS), min_size=1, max_size=6))
def test_what_is_remembered_is_what_is_judged(some: list[tuple[dict[str, object], str]]) -> None:
    screening_cache = ScreeningCache(a_practice(), a_roster(), DAY)
    for answers, client_id in [*some, *some]:
        client = read_intake(a_practice(), answers).client
        found = screening_cache.screen(client, client_id)
        alone = screen(a_practice(), client, client_id, a_roster(), DAY)
        assert found.exclusions == alone.exclusions
        assert found.cautions == alone.cautions
        np.testing.assert_array_equal(found.excluding, alone.excluding)


def test_a_full_memory_judges_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.screening.cache.MAX_CACHED", 0)
    screening_cache = ScreeningCache(a_practice(), a_roster(), DAY)
    client = read_intake(a_practice(), {"max_fee": 200}).client
    alone = screen(a_practice(), client, None, a_roster(), DAY)
    assert screening_cache.screen(client, None).exclusions == alone.exclusions
