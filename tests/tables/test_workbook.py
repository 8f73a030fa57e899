"""Tables of a practice that works in Excel."""

from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest

from recommender.tables.loader import read_clients, read_tables
from recommender.tables.raw_table import TableFault
from recommender.tables.report import check_tables
from recommender.values.table_format import TableFormat
from tests.support.small_practice import FILES, PRACTICE, write_csv
from tests.support.workbooks import (
    FormulaError,
    Uncomputed,
    sheet_of,
    small_workbook,
    write_workbook,
)


def folder(directory: Path, name: str) -> Path:
    (directory / name).mkdir()
    return directory / name


def test_a_practice_that_works_in_excel_gets_the_tables_its_csv_would_give(tmp_path: Path) -> None:
    text = read_tables(write_csv(folder(tmp_path, "text")), PRACTICE, None)
    book = small_workbook(folder(tmp_path, "book") / "practice.xlsx")
    each = folder(tmp_path, "each")
    for table in FILES:
        write_workbook(each / f"{table}.xlsx", {"Sheet1": sheet_of(FILES, table)})

    assert read_tables(book.parent, PRACTICE, None).digest == text.digest
    assert read_tables(book, PRACTICE, None).digest == text.digest
    assert read_tables(each, PRACTICE, None).digest == text.digest


def test_sheets_are_found_whatever_their_case_and_a_folder_may_mix_files(tmp_path: Path) -> None:
    write_csv(tmp_path, {table: FILES[table] for table in ("clients", "clinicians")})
    sheets = {" Pairings": sheet_of(FILES, "pairings"), "RATINGS": sheet_of(FILES, "ratings")}
    write_workbook(tmp_path / "practice.xlsx", sheets | {"notes": [["private"]]})

    assert check_tables(tmp_path, PRACTICE).sound


def test_a_sheet_that_is_not_there_is_named_with_the_sheet_that_may_be_meant(
    tmp_path: Path,
) -> None:
    sheets = {table: sheet_of(FILES, table) for table in FILES if table != "ratings"}
    path = write_workbook(tmp_path / "practice.xlsx", sheets | {"rating": [["x"]]})
    [fault] = check_tables(path, PRACTICE).faults

    assert fault.problem == "has no sheet ratings"
    assert fault.remedy.startswith("did you mean the sheet rating?")


def test_a_table_in_a_file_and_in_the_workbook_is_a_fault(tmp_path: Path) -> None:
    small_workbook(write_csv(tmp_path, {"clients": FILES["clients"]}) / "practice.xlsx")
    [fault] = check_tables(tmp_path, PRACTICE).faults

    assert fault.problem == "is there as clients.csv and as practice.xlsx/clients"


def clients_with(column: str, cell: object) -> list[list[object]]:
    rows = sheet_of(FILES, "clients")
    rows[1][rows[0].index(column)] = cell
    return rows


def faults_of(path: Path) -> list[TableFault]:
    write_csv(path.parent, {name: cells for name, cells in FILES.items() if name != "clients"})
    return list(check_tables(path.parent, PRACTICE).faults)


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (FormulaError(), "has an error of a formula, such as #N/A"),
        (Uncomputed(), "has a formula that was never computed"),
    ],
)
def test_an_answer_lost_by_a_formula_is_not_taken_for_an_empty_cell(
    tmp_path: Path, cell: object, problem: str
) -> None:
    rows = {"clients": clients_with("age", cell)}
    [fault] = faults_of(write_workbook(tmp_path / "clients.xlsx", rows))
    assert (fault.column, fault.problem, fault.rows) == ("age", problem, (2,))


def test_a_date_in_a_column_of_numbers_is_refused_and_a_number_among_dates_too(
    tmp_path: Path,
) -> None:
    rows = {"clients": clients_with("age", date(2026, 3, 4))}
    [fault] = faults_of(write_workbook(tmp_path / "clients.xlsx", rows))
    assert fault.problem == "is not a number"

    pairings = sheet_of(FILES, "pairings")
    pairings[1][pairings[0].index("started_on")] = 46085
    write_csv(tmp_path)
    (tmp_path / "clients.xlsx").unlink()
    (tmp_path / "pairings.csv").unlink()
    write_workbook(tmp_path / "pairings.xlsx", {"pairings": pairings})
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert (fault.column, fault.problem) == ("started_on", "is a number, not a date")


def test_ids_whose_zeros_excel_ate_are_read_with_a_warning(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    rows = sheet_of(files, "clients")
    for number, row in enumerate(rows[1:], start=5):
        row[0] = number
    path = write_workbook(tmp_path / "clients.xlsx", {"clients": rows})
    warnings: list[TableFault] = []
    people = read_clients(path, PRACTICE, warn=warnings.append)

    assert people.ids == ("5", "6", "7")
    [warning] = warnings
    assert (warning.column, warning.rows) == ("client_id", (2, 3, 4))
    assert "005 became 5" in warning.problem


def test_empty_rows_between_others_are_counted_and_those_behind_are_not(tmp_path: Path) -> None:
    rows = sheet_of(FILES, "clients")
    rows.insert(2, [None] * len(rows[0]))
    path = write_workbook(tmp_path / "clients.xlsx", {"clients": [[], *rows, [], []]})
    warnings: list[TableFault] = []

    assert read_clients(path, PRACTICE, warn=warnings.append).ids == ("c1", "c2", "c3")
    assert [(warning.rows, warning.problem) for warning in warnings] == [
        ((4,), "ignored: 1 without any filled cell")
    ]


@pytest.mark.parametrize("content", [b"", b"PK\3\4 and nothing more", b"client_id,age\nc1,3\n"])
def test_a_file_that_only_says_it_is_a_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clients.xlsx"
    path.write_bytes(content)
    [fault] = faults_of(path)
    assert fault.problem == "cannot be read as a workbook"


def test_errors_of_formulas_are_named_by_column_below_rows_that_are_empty(tmp_path: Path) -> None:
    rows = clients_with("age", FormulaError())
    rows[2][rows[0].index("home")] = rows[3][rows[0].index("home")] = FormulaError()
    path = write_workbook(tmp_path / "clients.xlsx", {"clients": [[], *rows]})

    assert [(fault.column, fault.rows) for fault in faults_of(path)] == [
        ("age", (3,)),
        ("home", (4, 5)),
    ]


def test_dates_that_a_spreadsheet_exchanged_are_refused_with_and_without_the_option(
    tmp_path: Path,
) -> None:
    # 03/04/2026, the third of April, became a date of March; 13 and 14 April were left as text.
    pairings = sheet_of(FILES, "pairings")
    place = pairings[0].index("started_on")
    for row, cell in zip(pairings[1:], (date(2026, 3, 4), "13/04/2026", "14/04/2026"), strict=True):
        row[place] = cell
    pairings[1][pairings[0].index("ended_on")] = None
    write_csv(tmp_path)
    (tmp_path / "pairings.csv").unlink()
    (tmp_path / "ratings.csv").write_text(",".join(FILES["ratings"]))
    write_workbook(tmp_path / "pairings.xlsx", {"pairings": pairings})

    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert (fault.rows, fault.problem) == (
        (3, 4),
        "is one of two forms in this column, dates of the spreadsheet and dd/mm/yyyy",
    )
    assert "--dates" not in fault.remedy
    [fault] = check_tables(tmp_path, PRACTICE, written=TableFormat(dates="dmy")).faults
    assert (fault.column, fault.rows) == ("started_on", (2,))
    assert fault.problem.startswith("may have day and month exchanged")
