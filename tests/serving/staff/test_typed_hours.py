"""Hours are read as staff type them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.serving.staff.views.intake_answers import BACKWARDS, NOT_TIMES, read_hours


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("8-10, 17-20", (("08:00", "10:00"), ("17:00", "20:00"))),
        ("8:30 - 10:15 and 5-8 pm", (("08:30", "10:15"), ("17:00", "20:00"))),
        ("10-2pm", (("10:00", "14:00"),)),
        ("9 am to 5 pm", (("09:00", "17:00"),)),
        ("9 a.m. - noon", (("09:00", "12:00"),)),
        ("12-1 pm", (("12:00", "13:00"),)),
        ("8.30–12", (("08:30", "12:00"),)),  # noqa: RUF001
        ("17-24", (("17:00", "24:00"),)),
        ("17 until midnight", (("17:00", "24:00"),)),
        ("12 am-6 am; 6pm-12am", (("00:00", "06:00"), ("18:00", "24:00"))),
        ("ALL  day", (("00:00", "24:00"),)),
        ("", ()),
    ],
)
def test_hours_are_read_as_they_are_typed(typed: str, meant: tuple[tuple[str, str], ...]) -> None:
    assert read_hours(typed) == meant


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("17", NOT_TIMES),
        ("9-", NOT_TIMES),
        ("9-25", NOT_TIMES),
        ("9:75-10", NOT_TIMES),
        ("13 pm-14 pm", NOT_TIMES),
        ("24:30-10", NOT_TIMES),
        ("after work", NOT_TIMES),
        ("8-5", BACKWARDS),
        ("9-9", BACKWARDS),
    ],
)
def test_hours_that_cannot_be_read_are_refused_with_how_to_write_them(
    typed: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_hours(typed)
    assert str(refused.value) == said


@given(st.text(max_size=20))
def test_hours_that_are_read_run_forward_and_nothing_else_is_raised(text: str) -> None:
    with suppress(ValueError):
        assert all(start < end for start, end in read_hours(text))
