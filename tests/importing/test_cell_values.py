"""Cells of an export become cells of a field, or are left empty with a reason."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recommender.importing.cell_values import (
    Unreadable,
    display_name,
    field_cells,
    person_key,
    tidy_date,
)
from recommender.importing.mapping_file import Cell
from recommender.importing.people_fields import DATE
from recommender.values.table_format import STANDARD, TableFormat
from tests.support.exports import psychology

SYDNEY = ZoneInfo("Australia/Sydney")
DAYS_FIRST = TableFormat(dates="dmy", thousands="comma", currency="$")
COMMA = TableFormat(decimal="comma", thousands="point")
CLIENT = psychology().client


def read(
    field: str, cells: list[Any], spec: Cell | None = None, form: TableFormat = STANDARD
) -> Any:
    return field_cells(CLIENT[field], spec or Cell(), cells, form, SYDNEY)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("28/11/2026", "2026-11-28"),
        ("8/1/2026 2:30 pm", "2026-01-08"),
        ("28/11/2026 14:30", "2026-11-28"),
        ("28/11/2026, 2.30", None),
        ("Sat 28 Nov 2026", "2026-11-28"),
        ("28-Nov-2026 9:05AM", "2026-11-28"),
        ("2:30 pm, 28/11/2026", "2026-11-28"),
        ("Saturday, 28th November 2026 at 9 am", "2026-11-28"),
        ("28/11/26", None),
        ("31/02/2026", None),
        ("11/28/2026", None),
        ("soon", None),
    ],
)
def test_dates_are_read_as_they_are_written_and_never_guessed(text: str, day: str | None) -> None:
    found = field_cells(DATE, Cell(), [text], DAYS_FIRST, SYDNEY)
    assert found.cells == [day]
    assert bool(found.left_out) == (day is None)


def test_a_time_with_an_offset_is_moved_to_the_zone_of_the_practice() -> None:
    assert tidy_date("2026-11-27T20:00:00Z", SYDNEY) == "2026-11-28"
    assert tidy_date("2026-11-28 01:00:00 +1300", SYDNEY) == "2026-11-27"
    assert tidy_date("2026-11-27T20:00:00Z", SYDNEY, "dmy") == "28/11/2026"
    assert isinstance(tidy_date("28/11/2026 20:00 +1100", SYDNEY), Unreadable)
    noon = datetime(2026, 11, 27, 20, tzinfo=ZoneInfo("UTC"))
    assert tidy_date(noon, SYDNEY) == date(2026, 11, 28)


def test_dates_of_which_a_spreadsheet_converted_a_part_are_refused() -> None:
    cells: list[Any] = [date(2026, 3, 2), datetime(2026, 5, 4, 9, 30, tzinfo=SYDNEY), "28/11/2026"]
    found = field_cells(DATE, Cell(), cells, DAYS_FIRST, SYDNEY)
    assert found.cells == [None, None, "2026-11-28"]
    assert field_cells(DATE, Cell(), cells[:2], DAYS_FIRST, SYDNEY).cells == [
        "2026-03-02",
        "2026-05-04",
    ]


def test_amounts_are_read_with_their_sign_and_marks() -> None:
    assert read("max_fee", ["$1,220.50", "180"], form=DAYS_FIRST).cells == ["1220.50", "180"]
    assert read("max_fee", ["1.220,50"], form=COMMA).cells == ["1220.50"]
    per_column = Cell(decimal="comma", thousands="none", currency="")
    assert read("max_fee", ["220,5"], per_column, DAYS_FIRST).cells == ["220.5"]
    refused = read("max_fee", ["about 200", "-5"])
    assert refused.cells == [None, None]
    assert [reason for reason in refused.left_out if "about" in reason] == []


def test_levels_are_found_whatever_their_case_and_by_what_people_read() -> None:
    cells = ["Anxiety", "trauma", "Low mood or depression", "STRESS-BURNOUT", " "]
    assert read("main_concern", cells).cells == [
        "anxiety",
        "trauma",
        "depression",
        "stress_burnout",
        None,
    ]


def test_values_are_mapped_whatever_their_case_and_the_rest_is_named() -> None:
    spec = Cell(values={"Panic  attacks": "anxiety", "Unknown": "", "N/A": ""})
    cells = ["panic attacks", "UNKNOWN", "n/a", "Axiety", "Axiety"]
    found = read("main_concern", cells, spec)
    assert found.cells == ["anxiety", None, None, None, None]
    assert found.left_out == {"is no level of main_concern": [3, 4]}
    assert found.unmapped["is no level of main_concern"] == ["Axiety (did you mean anxiety?)"] * 2


def test_every_other_value_may_be_mapped_at_once() -> None:
    spec = Cell(values={"Female": "woman", "*": "another"})
    assert read("gender", ["female", "Man", "Agender"], spec).cells == ["woman", "man", "another"]
    flag = Cell(values={"Full fee": False, "*": True})
    assert read("concession_card", ["full fee", "Pension", None], flag).cells == [
        "false",
        "true",
        None,
    ]


def test_a_cell_is_split_into_tags_and_each_is_mapped_once() -> None:
    spec = Cell(split=(",", " and "), values={"Worry": "anxiety", "Other": ""})
    found = read("concerns", ["Worry, Grief and anxiety", "Other", "Grief, Zzz", "None"], spec)
    assert found.cells == ["anxiety;grief", None, None, "none"]
    assert list(found.left_out.values()) == [[2]]


@pytest.mark.parametrize("name", ["Dr Ann  Wattle", "WATTLE, Ann", "Ms. ann wattle", "Ann Wattle"])
def test_a_name_is_the_same_in_every_order_and_with_every_title(name: str) -> None:
    assert person_key(Cell(read_as="name"), name) == "ann wattle"
    assert display_name(name).casefold() == "ann wattle"


def test_an_id_is_the_same_as_number_and_as_text() -> None:
    assert {person_key(Cell(), cell) for cell in (1042, 1042.0, " 1042 ")} == {"1042"}
    assert person_key(Cell(), None) == ""
