"""Screening many clients says of each what screening one says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.recommendation.recommend import read_intake
from recommender.screening.cache import ScreeningCache
from recommender.screening.screen import screen
from recommender.screening.screening import Screening
from tests.support import screening_cases as drawn
from tests.support.builders import DAY, a_practice, a_roster
from tests.support.examples import examples
from tests.support.strategies import CLIENT_IDS, INTAKES


def assert_equal(found: Screening, alone: Screening) -> None:
    assert found.exclusions == alone.exclusions
    assert found.cautions == alone.cautions
    assert found.constraint_counts == alone.constraint_counts
    for one, other in (
        (found.excluding, alone.excluding),
        (found.cautioning, alone.cautioning),
        (found.eligible, alone.eligible),
        (verdicts_of(found), verdicts_of(alone)),
    ):
        assert np.array_equal(one, other, equal_nan=True)


def verdicts_of(screening: Screening) -> NDArray[np.float64]:
    return np.array([screening.verdict_of(each.name) for each in screening.constraints])


@settings(max_examples=examples(10, 60), deadline=None)
@given(some=st.lists(st.tuples(INTAKES, CLIENT_IDS), min_size=1, max_size=6))
def test_what_is_remembered_is_what_is_judged(some: list[tuple[dict[str, object], str]]) -> None:
    screening_cache = ScreeningCache(a_practice(), a_roster(), DAY)
    for answers, client_id in [*some, *some]:
        client = read_intake(a_practice(), answers).client
        found = screening_cache.screen(client, client_id)
        assert_equal(found, screen(a_practice(), client, client_id, a_roster(), DAY))


@settings(drawn.FEW, max_examples=examples(12, 60))
@given(
    case=drawn.CASES,
    others=st.lists(
        st.tuples(drawn.answers(drawn.CLIENT), st.sampled_from(["c1", "c2", "c9", None])),
        max_size=1,
    ),
)
def test_in_any_practice_a_client_is_screened_as_if_nobody_had_been_before(
    case: drawn.Case, others: list[tuple[dict[str, Any], str | None]]
) -> None:
    practice, roster = case.practice, drawn.a_roster(**case.clinicians)
    screening_cache = ScreeningCache(practice, roster, case.day)
    whole = drawn.a_roster(**case.clinicians)
    first = case.client, case.client_id
    for answers, client_id in [first, *others, ({}, None), first]:
        client = drawn.a_client(**answers)
        for modes in (case.modes, {}):
            found = screening_cache.screen(client, client_id, modes)
            assert_equal(found, screen(practice, client, client_id, whole, case.day, modes))


def test_a_full_memory_judges_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.screening.cache.MAX_CACHED", 0)
    screening_cache = ScreeningCache(a_practice(), a_roster(), DAY)
    client = read_intake(a_practice(), {"max_fee": 200}).client
    alone = screen(a_practice(), client, None, a_roster(), DAY)
    assert screening_cache.screen(client, None).exclusions == alone.exclusions
