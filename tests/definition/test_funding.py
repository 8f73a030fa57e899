from datetime import date
from typing import Any

import pytest

from recommender.definition.funding import read_funding, rebate_cents
from tests.definition.test_rules import a_row

JULY, JUNE = date(2026, 7, 1), date(2027, 6, 30)


def a_table(**changes: Any) -> dict[str, Any]:
    row = {
        "scheme": "medicare",
        "provider": "clinical",
        "from": JULY,
        "minutes": 50,
        "fee_cents": 17530,
        "rebate_cents": 14905,
        "source": "invented",
    }
    return {key: value for key, value in {**row, **changes}.items() if value is not None}


def test_a_row_is_read_with_its_dates() -> None:
    rows, faults = read_funding([a_table(until=JUNE, item="80010")])
    assert rows == (a_row(until=JUNE, item="80010"),)
    assert faults == []


def test_both_ends_of_a_row_are_in_force() -> None:
    row = a_row(until=JUNE)
    assert [row.in_force(day) for day in (date(2026, 6, 30), JULY, JUNE, date(2027, 7, 1))] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"scheme": None}, "scheme"),
        ({"rebate": 3}, "rebate"),
        ({"minutes": True}, "minutes"),
        ({"minutes": 0}, "minutes"),
        ({"fee_cents": 1.5}, "fee_cents"),
        ({"rebate_cents": -1}, "rebate_cents"),
        ({"from": "2026-07-01"}, "from"),
        ({"until": date(2026, 6, 30)}, "until"),
    ],
)
def test_a_row_that_cannot_be_read_is_a_fault(changes: dict[str, Any], where: str) -> None:
    rows, faults = read_funding([a_table(), a_table(**{"scheme": "ndis", **changes})])
    assert rows == (a_row(),)
    assert [fault.where for fault in faults] == [f"funding.2.{where}"]


@pytest.mark.parametrize(
    ("second", "overlaps"),
    [
        ({"from": JUNE}, True),
        ({"from": date(2027, 7, 1)}, False),
        ({"from": date(2025, 7, 1), "until": date(2026, 6, 30)}, False),
        ({"from": date(2025, 7, 1)}, True),
        ({"minutes": 30}, False),
        ({"scheme": "ndis"}, False),
        ({"provider": "general"}, False),
    ],
)
def test_two_rows_that_hold_on_one_day_are_a_fault(second: dict[str, Any], overlaps: bool) -> None:
    _, faults = read_funding([a_table(until=JUNE), a_table(**second)])
    assert bool(faults) is overlaps


def test_a_long_row_overlaps_a_later_one_past_a_short_one() -> None:
    short = a_table(**{"from": date(2026, 8, 1), "until": date(2026, 8, 2)})
    late = a_table(**{"from": date(2027, 1, 1)})
    _, faults = read_funding([a_table(until=JUNE), short, late])
    assert [fault.where for fault in faults] == ["funding.2.from", "funding.3.from"]


def test_a_rebate_is_that_of_the_longest_session_reached() -> None:
    rows = (a_row(minutes=30, rebate_cents=100), a_row(minutes=50, rebate_cents=200))
    asked = [rebate_cents(rows, "medicare", "clinical", m, JULY) for m in (29, 30, 49.5, 50, 90)]
    assert asked == [0, 100, 100, 200, 200]


def test_a_rebate_of_another_year_is_unknown() -> None:
    assert rebate_cents((a_row(),), "medicare", "clinical", 50, date(2026, 6, 30)) is None
    assert rebate_cents((a_row(),), "medicare", "general", 50, date(2026, 6, 30)) == 0
