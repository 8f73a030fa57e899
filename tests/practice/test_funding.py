from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.cli.commands.practice import funding_warnings
from recommender.practice.funding import (
    CAP_PERIODS,
    Ending,
    FundingRow,
    FundingRows,
    endings,
    pays,
    read_funding,
    rebate_cents,
    session_cap,
)
from tests.support.rule_examples import a_row

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
        ({"source": " "}, "source"),
        ({"rebate_cents": None}, "rebate_cents"),
        ({"fee_cents": None}, "fee_cents"),
        ({"fee_cents": 14904}, "rebate_cents"),
        ({"modes": "video"}, "modes"),
        ({"modes": []}, "modes"),
        ({"modes": ["video", 3]}, "modes"),
        ({"modes": ["video", "video"]}, "modes"),
        ({"cap": 10}, "cap_per"),
        ({"cap_per": "cycle"}, "cap"),
        ({"cap": 0, "cap_per": "cycle"}, "cap"),
        ({"cap": True, "cap_per": "cycle"}, "cap"),
        ({"cap": 10, "cap_per": "year"}, "cap_per"),
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
        ({"modes": ["video"]}, True),
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


def test_a_row_is_read_with_its_ways_of_meeting_and_its_cap() -> None:
    told = a_table(modes=["video", "phone"], cap=10, cap_per="calendar_year")
    rows, faults = read_funding([told])
    assert rows == (a_row(modes=("video", "phone"), cap=10, cap_per="calendar_year"),)
    assert faults == []


def test_a_row_may_say_that_a_scheme_pays_without_saying_how_much() -> None:
    rows, faults = read_funding([a_table(fee_cents=None, rebate_cents=None)])
    assert faults == []
    assert rebate_cents(rows, "medicare", "clinical", 50, JULY) is None
    assert rebate_cents(rows, "medicare", "clinical", 49, JULY) == 0
    assert pays(rows, "medicare", "clinical", JULY) is True


def test_every_fault_of_every_row_is_reported_at_once() -> None:
    wrong = a_table(minutes=0, cap=0, cap_per="year", modes=[], source="", fee_cents=-1)
    _, faults = read_funding([a_table(minutes="x", cap=3), wrong, a_table(), a_table()])
    assert [fault.where for fault in faults] == [
        "funding.1.minutes",
        "funding.1.cap_per",
        "funding.2.minutes",
        "funding.2.source",
        "funding.2.fee_cents",
        "funding.2.cap",
        "funding.2.cap_per",
        "funding.2.modes",
        "funding.4.from",
    ]
    assert all(fault.remedy for fault in faults)


# Ways of meeting.

IN_PERSON = a_row(modes=("in_person",), rebate_cents=14905)
VIDEO = a_row(modes=("video",), rebate_cents=12000)


def rebate(*modes: str, rows: tuple[FundingRow, ...] = (IN_PERSON, VIDEO)) -> int | None:
    return rebate_cents(rows, "medicare", "clinical", 50, JULY, modes)


def test_a_rebate_is_that_of_the_way_of_meeting() -> None:
    assert [rebate("in_person"), rebate("video"), rebate("phone")] == [14905, 12000, 0]


def test_of_several_ways_of_meeting_the_lowest_rebate_is_used() -> None:
    assert rebate() == rebate("in_person", "video") == 12000


def test_a_row_for_any_way_of_meeting_holds_for_each() -> None:
    assert rebate("phone", rows=(a_row(),)) == 14905


def test_an_amount_unknown_for_one_way_of_meeting_is_unknown_while_it_is_open() -> None:
    rows = IN_PERSON, a_row(modes=("video",), fee_cents=None, rebate_cents=None)
    assert rebate(rows=rows) is None
    assert rebate("in_person", rows=rows) == 14905


def test_a_long_session_paid_for_in_one_way_only_is_not_paid_for_in_all() -> None:
    short = a_row(minutes=30, rebate_cents=10000)
    assert rebate(rows=(IN_PERSON, short)) == rebate("video", rows=(IN_PERSON, short)) == 10000
    assert rebate("in_person", rows=(IN_PERSON, short)) == 14905
    assert rebate(rows=(IN_PERSON, a_row(minutes=30, modes=("video",), rebate_cents=1))) == 1


def test_a_row_for_one_way_of_meeting_holds_where_the_way_is_not_looked_at() -> None:
    assert rebate(rows=(IN_PERSON,)) == 14905


def test_rows_for_other_ways_of_meeting_do_not_overlap() -> None:
    told = [a_table(modes=["in_person"]), a_table(modes=["video", "phone"])]
    assert read_funding(told)[1] == []
    _, faults = read_funding([*told, a_table(modes=["phone"])])
    assert [fault.where for fault in faults] == ["funding.3.from"]


# Who is paid, and for how many sessions.


@pytest.mark.parametrize(
    ("scheme", "provider", "day", "paid"),
    [
        ("medicare", "clinical", JULY, True),
        ("medicare", "clinical", JUNE, True),
        ("medicare", "clinical", JUNE + timedelta(days=1), None),
        ("medicare", "clinical", JULY - timedelta(days=1), None),
        ("medicare", "provisional", JULY, False),
        ("medicare", "provisional", date(2030, 1, 1), False),
        ("private", "provisional", JULY, True),
    ],
)
def test_a_scheme_pays_whom_its_rows_name(
    scheme: str, provider: str, day: date, paid: bool | None
) -> None:
    assert pays((a_row(until=JUNE),), scheme, provider, day) is paid


def test_without_any_row_nothing_is_claimed() -> None:
    assert pays((), "medicare", "clinical", JULY) is True
    assert session_cap((), "medicare", "clinical", JULY) is None


def test_a_cap_is_the_lowest_of_the_rows_in_force() -> None:
    rows = (
        a_row(cap=10, cap_per="calendar_year", until=JUNE),
        a_row(minutes=30, cap=6, cap_per="referral", until=date(2026, 12, 31)),
        a_row(minutes=20, until=JUNE),
        a_row(scheme="ndis"),
    )
    days = JULY, date(2027, 1, 1), date(2027, 7, 1)
    assert [session_cap(rows, "medicare", "clinical", day) for day in days] == [6, 10, None]
    assert session_cap(rows, "ndis", "clinical", JULY) is None
    assert session_cap(rows, "medicare", "general", JULY) is None


# What ends.


@pytest.mark.parametrize(("days", "told"), [(59, True), (60, True), (61, False), (-1, True)])
def test_the_end_of_a_table_is_announced_from_sixty_days_before(days: int, told: bool) -> None:
    row = a_row(until=JUNE, item="80010")
    ends = Ending(JUNE, "medicare", "clinical", ("80010",))
    assert endings((row,), JUNE - timedelta(days=days)) == ((ends,) if told else ())


def test_a_warning_says_scheme_provider_item_and_day() -> None:
    row = a_row(until=JUNE, item="80010")
    said = [funding_warnings((row,), JUNE - timedelta(days=left)) for left in (60, 0, -3)]
    assert said == [
        [
            "Funding: what medicare pays a clinical for 80010 ends on 2027-06-30, in 60 days. "
            "Add the rows that follow."
        ],
        [
            "Funding: what medicare pays a clinical for 80010 ends on 2027-06-30, in 0 days. "
            "Add the rows that follow."
        ],
        [
            "Funding: what medicare pays a clinical for 80010 ended on 2027-06-30, 3 days ago. "
            "Add the rows that follow."
        ],
    ]


def test_items_that_end_together_are_listed_together_and_the_earliest_first() -> None:
    rows = (
        a_row(until=JUNE, item="80010"),
        a_row(until=JUNE, item="80000", minutes=30),
        a_row(until=JUNE, minutes=20),
        a_row(until=date(2027, 5, 31), provider="general"),
    )
    assert endings(rows, date(2027, 5, 1)) == (
        Ending(date(2027, 5, 31), "medicare", "general", ()),
        Ending(JUNE, "medicare", "clinical", ("80000", "80010")),
    )


def test_a_row_that_another_continues_has_not_ended() -> None:
    old = a_row(start=date(2025, 7, 1), until=date(2026, 6, 30))
    day = date(2026, 11, 25)
    assert endings((old, a_row()), day) == endings((a_row(), old), day) == ()
    assert endings((old, a_row(until=JUNE)), day) == ()
    video = replace(old, modes=("video", "phone"))
    assert endings((video, a_row(modes=("phone", "video"))), day) == ()
    assert len(endings((old, a_row(provider="general")), day)) == 1


def test_an_item_that_is_not_continued_is_listed_although_the_rest_of_the_table_is() -> None:
    forgotten = a_row(start=date(2025, 7, 1), until=date(2026, 6, 30), minutes=30, item="80000")
    (ending,) = endings((forgotten, a_row()), date(2026, 11, 25))
    assert ending.items == ("80000",)


# Properties.

DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))
MODES = st.lists(st.sampled_from(["in_person", "video", "phone"]), unique=True)


@st.composite
def a_row_of_any_kind(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(DAYS)
    fee = draw(st.none() | st.integers(0, 40_000))
    cap = draw(st.none() | st.integers(1, 40))
    return a_table(
        scheme=draw(st.sampled_from(["medicare", "ndis"])),
        provider=draw(st.sampled_from(["clinical", "general"])),
        minutes=draw(st.sampled_from([20, 30, 50])),
        until=draw(st.none() | st.integers(0, 500).map(lambda days: start + timedelta(days=days))),
        fee_cents=fee,
        rebate_cents=None if fee is None else draw(st.integers(0, fee)),
        modes=draw(MODES) or None,
        cap=cap,
        cap_per=None if cap is None else draw(st.sampled_from(CAP_PERIODS)),
        **{"from": start},
    )


def rows_of(tables: list[dict[str, Any]]) -> FundingRows:
    """Rows that a definition may have: of overlapping ones only those before the first overlap."""
    while read_funding(tables)[1]:
        tables = tables[:-1]
    return read_funding(tables)[0]


ROWS = st.lists(a_row_of_any_kind(), max_size=6).map(rows_of)


@given(rows=ROWS, minutes=st.floats(1, 200), day=DAYS, modes=MODES)
def test_cents_stay_whole_and_come_from_a_row(
    rows: tuple[FundingRow, ...], minutes: float, day: date, modes: list[str]
) -> None:
    paid = rebate_cents(rows, "medicare", "clinical", minutes, day, modes)
    assert paid is None or type(paid) is int
    assert paid in {None, 0, *(row.rebate_cents for row in rows)}
    assert session_cap(rows, "medicare", "clinical", day) in {None, *(row.cap for row in rows)}


@given(rows=ROWS, asked=st.lists(st.tuples(st.sampled_from([29, 30, 50]), DAYS, MODES)))
def test_rows_give_the_same_rebate_each_time_they_are_asked(
    rows: FundingRows, asked: list[tuple[float, date, list[str]]]
) -> None:
    for minutes, day, modes in (*asked, *asked):
        slow = rebate_cents(rows, "medicare", "clinical", minutes, day, modes)
        assert rows.rebate("medicare", "clinical", minutes, day, tuple(modes)) == slow


@given(rows=ROWS, later=st.integers(1, 1000))
def test_a_row_that_ends_never_pays_on_a_later_day(
    rows: tuple[FundingRow, ...], later: int
) -> None:
    rows = tuple(replace(row, until=row.until or row.start) for row in rows)
    day = max((row.until or row.start for row in rows), default=JUNE) + timedelta(days=later)
    for row in rows:
        assert rebate_cents(rows, row.scheme, row.provider, 200, day) is None
        assert pays(rows, row.scheme, row.provider, day) is None
        assert session_cap(rows, row.scheme, row.provider, day) is None
        assert any(row.scheme == ending.scheme for ending in endings(rows, day))


@given(rows=ROWS, day=DAYS, modes=MODES)
def test_the_order_of_rows_changes_nothing(
    rows: tuple[FundingRow, ...], day: date, modes: list[str]
) -> None:
    back = rows[::-1]
    asked = "medicare", "clinical"
    assert rebate_cents(rows, *asked, 50, day, modes) == rebate_cents(back, *asked, 50, day, modes)
    assert pays(rows, *asked, day) == pays(back, *asked, day)
    assert session_cap(rows, *asked, day) == session_cap(back, *asked, day)
    assert endings(rows, day) == endings(back, day)


@given(rows=ROWS, day=DAYS)
def test_a_rebate_is_only_ever_paid_to_whom_the_scheme_pays(
    rows: tuple[FundingRow, ...], day: date
) -> None:
    if rebate_cents(rows, "medicare", "clinical", 50, day):
        assert pays(rows, "medicare", "clinical", day)
