"""Dates and amounts as Australian and European exports write them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from recommender.errors import RecommenderError
from recommender.practice.columns import read_cell
from recommender.values.parsers import CellError
from recommender.values.table_format import TableFormat, options_of, unread_column
from tests.support.definitions import a_field

STANDARD = TableFormat()
TWO_FORMS = (
    "export it again with all dates as text: a spreadsheet that converted a part of them may have "
    "exchanged day and month"
)


def read(form: TableFormat, kind: str, *texts: str) -> list[str | None]:
    """The cells in the standard form; None for an error."""
    cells = form.cells(kind, texts)
    return [None if isinstance(cell, CellError) else cell for cell in cells]


@pytest.mark.parametrize(
    ("form", "kind", "text", "standard"),
    [
        (TableFormat(dates="dmy"), "date", "28/11/2026", "2026-11-28"),
        (TableFormat(dates="dmy"), "date", " 1.2.2026 ", "2026-02-01"),
        (TableFormat(dates="dmy"), "date", "28-11-2026 14:30", "2026-11-28"),
        (TableFormat(dates="dmy"), "date", "28/11/2026 2:30 PM", "2026-11-28"),
        (TableFormat(dates="mdy"), "date", "11/28/2026", "2026-11-28"),
        (TableFormat(decimal="comma"), "number", "-1,5", "-1.5"),
        (TableFormat(decimal="comma", thousands="point"), "money", "1.234,50", "1234.50"),
        (TableFormat(thousands="comma"), "money", "1,234,567.5", "1234567.5"),
        (TableFormat(thousands="space"), "number", "12\u00a0345", "12345"),
        (TableFormat(currency="$"), "money", "$220.50", "220.50"),
        (TableFormat(currency="$"), "money", "-$5", "-5"),
        (TableFormat(currency="AUD"), "money", "220 AUD", "220"),
        (TableFormat(currency="$"), "money", "220", "220"),
    ],
)
def test_a_cell_in_the_declared_form_is_read(
    form: TableFormat, kind: str, text: str, standard: str
) -> None:
    assert read(form, kind, text) == [standard]


@pytest.mark.parametrize(
    ("form", "kind", "text"),
    [
        (TableFormat(dates="dmy"), "date", "28/11-2026"),
        (TableFormat(dates="dmy"), "date", "28/11/26"),
        (TableFormat(decimal="comma"), "number", "1,5,0"),
        (TableFormat(decimal="comma"), "number", "1.500"),
        (TableFormat(thousands="comma"), "number", "1,23"),
        (TableFormat(thousands="comma"), "number", "1234,567"),
        (TableFormat(currency="$"), "money", "€220"),
        (TableFormat(currency="$"), "number", "$3"),
    ],
)
def test_a_cell_that_does_not_fit_the_declared_form_is_never_guessed(
    form: TableFormat, kind: str, text: str
) -> None:
    assert read(form, kind, text) == [None]


def test_a_column_wholly_in_the_standard_form_is_read_beside_others_that_are_not() -> None:
    form = TableFormat(dates="dmy", decimal="comma")
    assert read(form, "date", "2026-11-28", "2026-03-04") == ["2026-11-28", "2026-03-04"]
    assert read(form, "number", "0.25", "1", "3") == ["0.25", "1", "3"]


def test_dates_that_a_spreadsheet_half_converted_are_a_fault_and_not_swapped() -> None:
    # Opened with American settings, 03/04/2026 becomes a date of March and 13/04/2026 stays text.
    assert read(TableFormat(dates="dmy"), "date", "2026-03-04", "13/04/2026") == [
        None,
        "2026-04-13",
    ]


def test_an_income_with_points_between_thousands_is_not_read_as_one_and_a_half() -> None:
    assert read(TableFormat(decimal="comma"), "money", "1.500", "2.000") == [None, None]
    assert read(TableFormat(decimal="comma", thousands="point"), "money", "1.500") == ["1500"]


@pytest.mark.parametrize(
    ("kind", "texts", "problem", "remedy"),
    [
        (
            "date",
            ["28/11/2026", "3/4/2026"],
            "is written as dd/mm/yyyy throughout",
            "add --dates dmy",
        ),
        ("date", ["11/28/2026"], "is written as mm/dd/yyyy throughout", "add --dates mdy"),
        (
            "date",
            ["3/4/2026"],
            "is written as dd/mm/yyyy or as mm/dd/yyyy throughout",
            "add --dates dmy or --dates mdy, whichever it is; no day is above 12",
        ),
        (
            "date",
            ["3/4/26"],
            "has years of two digits throughout",
            "write years with four digits",
        ),
        ("number", ["1,5", "3"], "has numbers with other marks throughout", "add --decimal comma"),
        (
            "number",
            ["1,500"],
            "has marks that may be decimal or thousands marks throughout",
            "add --decimal comma or --thousands comma, whichever it is",
        ),
        (
            "money",
            ["$1,234.50", "$220"],
            "has amounts with other marks throughout",
            "add --thousands comma --currency '$'",
        ),
        (
            "money",
            ["1.234,50 €"],
            "has amounts with other marks throughout",
            "add --decimal comma --thousands point --currency '€'",
        ),
    ],
)
def test_a_column_in_another_form_names_the_option_that_reads_it(
    kind: str, texts: Sequence[str], problem: str, remedy: str
) -> None:
    assert unread_column(STANDARD, kind, texts) == (problem, remedy)


@pytest.mark.parametrize(
    ("declared", "texts", "remedy"),
    [
        (
            TableFormat(dates="dmy"),
            ["11/28/2026"],
            "give --dates mdy in place of --dates dmy; if another column needs --dates dmy, "
            "write both columns alike in the file, since options count for all columns",
        ),
        (STANDARD, ["2026-03-04", "13/04/2026"], TWO_FORMS),
        (TableFormat(dates="dmy"), ["2026-03-04", "13/04/2026"], TWO_FORMS),
    ],
)
def test_dates_that_no_further_option_reads_are_not_sent_round_in_a_circle(
    declared: TableFormat, texts: Sequence[str], remedy: str
) -> None:
    found = unread_column(declared, "date", texts)
    assert found is not None
    assert found[1] == remedy


def test_two_forms_of_dates_are_named() -> None:
    for texts, forms in (
        (["2026-03-04", "13/04/2026"], "yyyy-mm-dd and dd/mm/yyyy"),
        (["2026-03-04", "04/13/2026"], "yyyy-mm-dd and mm/dd/yyyy"),
        (["2026-03-04", "04/05/2026"], "yyyy-mm-dd and dd/mm/yyyy or mm/dd/yyyy"),
    ):
        found = unread_column(STANDARD, "date", texts)
        assert found is not None
        assert found[0] == f"is one of two forms in this column, {forms}"


def test_dates_of_a_workbook_beside_text_are_doubted_only_where_they_may_be_exchanged() -> None:
    form = TableFormat(dates="dmy")
    for cells in (
        [date(2026, 3, 14), "13/04/2026"],
        [date(2026, 3, 4), "12/04/2026"],
        [date(2026, 3, 4)],
    ):
        assert not any(isinstance(cell, CellError) for cell in form.cells("date", cells))
    doubted, kept = form.cells("date", [date(2026, 3, 4), "13/04/2026"])
    assert isinstance(doubted, CellError)
    assert kept == "2026-04-13"


@pytest.mark.parametrize("form", [STANDARD, TableFormat(dates="dmy")])
@pytest.mark.parametrize("cell", ["45108", "45108.5", 45108])
def test_a_day_as_a_spreadsheet_counts_it_is_recognised(form: TableFormat, cell: object) -> None:
    value, error = read_cell(a_field(kind="date"), form.cells("date", [cell])[0], form)
    assert value is None
    assert error is not None
    assert error.problem == "is a number, not a date"
    assert "format the column as a date and export it again" in error.remedy


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("date", ["28/11/2026", "11/28/2026"]),
        ("date", ["28/11/2026", "soon"]),
        ("number", ["3", "22O"]),
        ("money", ["$220", "€220"]),
        ("money", ["220", "230", "22O"]),
        ("category", ["1,5"]),
        ("number", []),
        ("number", ["121"]),
    ],
)
def test_no_option_is_named_that_would_not_read_the_whole_column(
    kind: str, texts: Sequence[str]
) -> None:
    assert unread_column(STANDARD, kind, texts) is None


def test_options_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(RecommenderError, match="is the decimal mark too"):
        TableFormat(decimal="comma", thousands="comma")
    with pytest.raises(RecommenderError, match="is not a sign of a currency"):
        TableFormat(currency="-")
    assert options_of(TableFormat(dates="dmy", currency="$")) == "--dates dmy --currency '$'"


@pytest.mark.parametrize(
    ("option", "value", "choices"),
    [
        ("dates", "dym", "iso, dmy, mdy"),
        ("dates", "DMY", "iso, dmy, mdy"),
        ("dates", "%d/%m/%Y", "iso, dmy, mdy"),
        ("dates", None, "iso, dmy, mdy"),
        ("decimal", ",", "point, comma"),
        ("thousands", ["comma"], "none, comma, point, space"),
    ],
)
def test_an_option_that_is_not_known_never_reads_dates_in_another_order(
    option: str, value: Any, choices: str
) -> None:
    with pytest.raises(RecommenderError, match=f"^--{option}: .*; choose from {choices}$"):
        TableFormat(**{option: value})


def test_a_currency_that_is_no_text_is_refused() -> None:
    currency: Any = 5
    with pytest.raises(RecommenderError, match="give a sign such as"):
        TableFormat(currency=currency)
