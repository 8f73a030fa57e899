"""Times of the week are read as people say them, and said back in words that are read the same."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.practice.matching_page import USUAL_DAY_PARTS
from recommender.serving.staff.views.typed_times import (
    BACKWARDS,
    MORNING_OR_AFTERNOON,
    NOT_TIMES,
    NOTHING_LEFT,
    UNCLEAR,
    read_times,
)
from recommender.serving.staff.wording import week
from recommender.values.kinds import DAYS

WORDS = (
    *("mon", "Tuesdays", "thurs", "weekdays", "weekends", "any", "not", "except", "but", "and"),
    *("arvo", "mornings", "after 5pm", "before 10", "8-10", "5-8 pm", "until noon", "all day"),
    *(",", ";", "or", "on", "every day", "from 9 am", "Mon-Thu", "am", "no"),
)


def read(text: str, *ticks: str) -> str:
    return week(read_times(text, USUAL_DAY_PARTS, ticks))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("after 5pm", "every day from 5 pm"),
        ("any Thursday", "Thursday all day"),
        ("not Mondays", "Tuesday to Sunday all day"),
        ("weekdays before 10", "Monday to Friday until 10 am"),
        ("Tue and Thu arvo", "Tuesday and Thursday noon to 5 pm"),
        ("8-10", "every day 8 am to 10 am"),
        ("5-8 pm", "every day 5 pm to 8 pm"),
        ("5-8", "every day 5 am to 8 am"),
        ("all day", "every day all day"),
        ("any", "every day all day"),
        ("weekends", "Saturday and Sunday all day"),
        ("Mon 8-10, 17-20", "Monday 8 am to 10 am, 5 pm to 8 pm"),
        ("8:30 - 10:15 and 5-8 pm", "every day 8:30 am to 10:15 am, 5 pm to 8 pm"),
        ("Mon 10-2pm", "Monday 10 am to 2 pm"),
        ("fri 9 a.m. - noon", "Friday 9 am to noon"),
        ("Sat 8.30\N{EN DASH}12", "Saturday 8:30 am to noon"),
        ("sun 17 until midnight", "Sunday from 5 pm"),
        ("mon 12 am-6 am; mon 6pm-12am", "Monday until 6 am, from 6 pm"),
        (
            "Mon. morning, Tues & Weds arvo",
            "Monday 8 am to noon; Tuesday and Wednesday noon to 5 pm",
        ),
        ("mornings on Tuesdays", "Tuesday 8 am to noon"),
        ("5-8pm Mon 8-10 Tue", "Monday 5 pm to 8 pm; Tuesday 8 am to 10 am"),
        (
            "weekday evenings and weekends",
            "Monday to Friday 5 pm to 8 pm; Saturday and Sunday all day",
        ),
        ("after 5pm, not Mondays", "Tuesday to Sunday from 5 pm"),
        ("not Mondays, after 5pm", "Tuesday to Sunday from 5 pm"),
        ("Fri-Mon before 9:30", "Monday, Friday, Saturday and Sunday until 9:30 am"),
        ("any day but Monday", "Tuesday to Sunday all day"),
        ("Mondays but not after 6 pm", "Monday until 6 pm"),
        ("between 9 and 11 on Fridays", "Friday 9 am to 11 am"),
        ("Thursday 4pm onwards", "Thursday from 4 pm"),
        ("Fri pm", "Friday from noon"),
        ("", ""),
    ],
)
def test_times_are_read_as_people_say_them(typed: str, meant: str) -> None:
    assert read(typed) == meant


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("17", NOT_TIMES),
        ("9-", NOT_TIMES),
        ("9-25", NOT_TIMES),
        ("9:75-10", NOT_TIMES),
        ("13 pm-14 pm", NOT_TIMES),
        ("24:30-10", NOT_TIMES),
        ("after work", NOT_TIMES),
        ("Mon 5pm", NOT_TIMES),
        ("flexible", NOT_TIMES),
        ("early Tuesdays", NOT_TIMES),
        ("not", NOT_TIMES),
        ("and", NOT_TIMES),
        ("8-5", BACKWARDS),
        ("9-9", BACKWARDS),
        ("after 5", MORNING_OR_AFTERNOON),
        ("Mon until 3:30", MORNING_OR_AFTERNOON),
        ("not Mon, Tue arvo", UNCLEAR),
        ("not Mondays and after 5pm", UNCLEAR),
        ("Mondays, not Mondays", NOTHING_LEFT),
    ],
)
def test_times_that_cannot_be_read_are_refused_with_how_to_write_them(
    typed: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read(typed)
    assert str(refused.value) == problem


def test_ticks_and_words_add_up_and_words_that_exclude_are_taken_off_ticks() -> None:
    assert read("5-8 pm on Fri", "mon-0", "mon-1") == "Monday 8 am to 5 pm; Friday 5 pm to 8 pm"
    assert read("not after 10", "mon-0") == "Monday 8 am to 10 am"


@given(st.text(max_size=20) | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))
def test_times_that_are_read_are_in_order_and_apart_and_nothing_else_is_raised(text: str) -> None:
    with suppress(ValueError):
        parts = [each.replace("-", " ").split() for each in read_times(text, USUAL_DAY_PARTS)]
        assert all(start < end for _, start, end in parts)
        edges = [(DAYS.index(day), at) for day, *ends in parts for at in ends]
        assert edges == sorted(set(edges))


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 287), st.integers(1, 288)).filter(
            lambda each: each[1] < each[2]
        ),
        min_size=1,
        max_size=6,
    )
)
def test_times_said_back_are_read_as_the_same_times(spans: list[tuple[int, int, int]]) -> None:
    marked = np.zeros((7, 288), dtype=bool)
    for day, begin, end in spans:
        marked[day, begin:end] = True
    windows = []
    for name, slots in zip(DAYS, marked, strict=True):
        edges = np.flatnonzero(np.diff(slots.astype(int), prepend=0, append=0)).reshape(-1, 2)
        windows += [f"{name} {_clock(start)}-{_clock(stop)}" for start, stop in edges.tolist()]
    assert list(read_times(week(windows), USUAL_DAY_PARTS)) == windows


def _clock(slot: int) -> str:
    return f"{slot // 12:02}:{slot % 12 * 5:02}"
