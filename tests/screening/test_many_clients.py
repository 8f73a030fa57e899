"""Clients who are screened in one pass are screened as one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice
from recommender.recommendation.recommend import read_intake
from recommender.screening.cache import ScreeningCache
from recommender.screening.many_clients import screen_clients
from recommender.screening.meetings import is_common
from recommender.screening.screen import screen
from recommender.tables.roster import Roster
from tests.support import screening_cases as drawn
from tests.support import simulated_world as world
from tests.support.builders import DAY, a_practice, a_roster
from tests.support.examples import examples
from tests.support.random_tables import invented_people
from tests.support.strategies import INTAKES

IDS = st.sampled_from(["c1", "c2", "c9"])
OTHERS = st.lists(st.tuples(drawn.answers(drawn.CLIENT), IDS), max_size=4)
MODES = st.sampled_from(["hard", "hard", "soft"])
WHERE_AND_WHEN = [
    told
    for told in drawn.POOL
    if told["rule"] == "within_km" or "open" in told.values() or told["rule"] == "has_all"
]
LISTED_IDS = st.sampled_from(["c0001", "c0002", "c0300"])


def assert_as_alone(
    practice: Practice, roster: Roster, day: date, ids: Sequence[str], clients: Columns
) -> None:
    cache, size = ScreeningCache(practice, roster, day), len(roster)
    for _ in range(2):
        found = screen_clients(cache, ids, clients)
        removed, only = found.removed()
        for row, name in enumerate(ids):
            alone = screen(practice, clients.row(row), name, roster, day)
            counts = [
                (each.name, *both)
                for each, *both in zip(alone.constraints, removed[row], only[row], strict=True)
                if both[0]
            ]
            assert counts == [tuple(each) for each in alone.constraint_counts]
            assert found.eligible[row].tolist() == alone.eligible.tolist()
            reserved = found.reserved(np.full(size, row), np.arange(size))
            assert np.array_equal(reserved.T, alone.cautioning != 0)


@settings(drawn.FEW, max_examples=examples(6, 60))
@given(case=drawn.CASES, others=OTHERS)
def test_in_any_practice(case: drawn.Case, others: list[tuple[dict[str, Any], str]]) -> None:
    assert_case_as_alone(case, others)


def assert_case_as_alone(case: drawn.Case, others: list[tuple[dict[str, Any], str]]) -> None:
    roster = drawn.a_roster(**case.clinicians)
    answers = [case.client, *(each for each, _ in others), {}, case.client]
    ids = [case.client_id or "c9", *(name for _, name in others), "c1", "c2"]
    clients = read_rows(drawn.CLIENT, answers)
    assert_as_alone(case.practice, roster, case.day, ids, clients)


@st.composite
def cases_about_ways(draw: st.DrawFn) -> drawn.Case:
    """Practices whose constraints on hours and distance are about some ways of meeting."""
    some = draw(st.lists(st.sampled_from(WHERE_AND_WHEN), min_size=1, max_size=3, unique_by=id))
    constraints = [
        drawn.a_constraint(
            f"rule_{place}",
            {
                **told,
                **draw(drawn.SETTINGS),
                "ways": draw(st.sampled_from([["in_person"], ["video"], ["in_person", "phone"]])),
                "mode": "hard" if told["rule"] == "within_km" else draw(MODES),
            },
        )
        for place, told in enumerate(some)
    ]
    case = draw(drawn.CASES)
    in_rooms = {
        "open": draw(st.sampled_from(drawn.CHOICES["availability"][2:])),
        "rooms": "-33.7,151.2; -33.8,151.5",
        "ways": "in_person;phone;video",
    }
    clinicians = {**case.clinicians, "k1": {**case.clinicians.get("k1", {}), **in_rooms}}
    return replace(case, constraints=constraints, clinicians=clinicians)


@settings(drawn.FEW, max_examples=examples(12, 150))
@given(case=cases_about_ways(), others=OTHERS)
def test_where_hours_and_distance_depend_on_the_way_of_meeting(
    case: drawn.Case, others: list[tuple[dict[str, Any], str]]
) -> None:
    assert_case_as_alone(case, others)


@settings(max_examples=examples(5, 40), deadline=None)
@given(some=st.lists(st.tuples(INTAKES, LISTED_IDS), min_size=1, max_size=6))
def test_where_hours_do_not_depend_on_rooms(some: list[tuple[dict[str, object], str]]) -> None:
    rows = [read_intake(a_practice(), answers).client for answers, _ in some]
    ids = [name for _, name in some]
    assert_as_alone(a_practice(), a_roster(), DAY, ids, Columns.concatenate(rows))


@pytest.mark.parametrize("day", [date(2026, 11, 23), date(2026, 9, 30), date(2027, 3, 30)])
def test_in_the_shipped_practice_in_weeks_with_and_without_a_change_of_clocks(day: date) -> None:
    practice, roster = world.the_practice(), world.a_roster(world.a_world())
    cache = ScreeningCache(practice, roster, day)
    assert is_common(cache.layout)
    clients = invented_people(practice, "client", 12, seed=4, empty=0.5)
    ids = [f"c{number:04d}" for number in range(clients.size)]
    assert_as_alone(practice, roster, day, ids, clients)


def test_a_full_memory_judges_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.screening.cache.MAX_CACHED", 0)
    client = read_intake(a_practice(), {"max_fee": 200}).client
    assert_as_alone(a_practice(), a_roster(), DAY, ["c1", "c2"], client.take(np.array([0, 0])))
