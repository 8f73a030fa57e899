from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import RecommenderError
from recommender.practice.columns import read_rows
from recommender.tables.roster import Roster, snapshot
from tests.support.definitions import a_field

TAKEN_AT = datetime(2026, 11, 23, tzinfo=UTC)
FIELDS = {
    "years": a_field("years", side="clinician"),
    "hours": a_field("hours", "weekly_hours", side="clinician"),
    "not_with": a_field("not_with", "ids", side="clinician"),
}
ROWS: list[dict[str, Any]] = [
    {"years": 3, "hours": "mon 09:00-12:00", "not_with": "c1;c2"},
    {"years": 0, "hours": "none"},
    {"hours": "tue 09:00-10:00; wed 09:00-10:00", "not_with": "none"},
]
IDS, NAMES = ("k2", "k10", "k1"), ("Two", None, "One")


def a_roster(
    ids: Sequence[str] = IDS,
    names: Sequence[str | None] = NAMES,
    rows: Sequence[dict[str, Any]] = ROWS,
) -> Roster:
    return snapshot(ids, names, read_rows(FIELDS, rows), TAKEN_AT)


def changed(**cells: Any) -> Roster:
    return a_roster(rows=[{**ROWS[0], **cells}, *ROWS[1:]])


def test_clinicians_stand_in_the_order_of_their_ids_with_what_is_theirs() -> None:
    roster = a_roster()
    assert len(roster) == 3
    assert roster.ids == ("k1", "k10", "k2")
    assert roster.names == ("One", None, "Two")
    np.testing.assert_array_equal(roster.columns["years"], [np.nan, 0, 3])
    assert list(roster.columns["not_with"]) == [(), None, ("c1", "c2")]
    assert roster.taken_at == TAKEN_AT


def test_a_clinician_without_a_name_is_called_by_id() -> None:
    assert [a_roster().name_of(place) for place in range(3)] == ["One", "k10", "Two"]


@given(order=st.permutations(range(3)))
def test_a_version_does_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    parts = ([column[place] for place in order] for column in (IDS, NAMES, ROWS))
    assert a_roster(*parts).version == a_roster().version  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cells",
    [{"years": 4}, {"years": None}, {"hours": "mon 09:00-12:30"}, {"not_with": "c1"}],
)
def test_another_fact_is_another_version(cells: dict[str, Any]) -> None:
    assert changed(**cells).version != a_roster().version


def test_another_clinician_is_another_version() -> None:
    assert a_roster(ids=("k2", "k10", "k3")).version != a_roster().version
    assert a_roster(ids=("k1", "k0"), names=(None, None), rows=ROWS[:2]).version


def test_hours_written_in_another_way_are_the_same_version() -> None:
    twice = changed(hours="mon 10:00-12:00; mon 09:00-11:00")
    assert twice.version == a_roster().version


def test_zeros_and_gaps_of_either_sign_are_the_same_version() -> None:
    assert changed(years="0.0").version == changed(years="-0.0").version
    columns = read_rows(FIELDS, ROWS)
    columns["years"][2] = -np.nan
    assert snapshot(IDS, NAMES, columns, TAKEN_AT).version == a_roster().version


def test_a_roster_of_nobody_is_a_roster() -> None:
    assert len(a_roster((), (), ())) == 0


def test_an_id_that_stands_twice_is_refused_before_anybody_is_offered() -> None:
    with pytest.raises(RecommenderError, match="roster: has an id twice"):
        a_roster(ids=("k1", "k1", "k2"))
