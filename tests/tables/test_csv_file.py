"""Text files as spreadsheets and survey tools write them."""

from pathlib import Path

import pytest

from recommender.tables.report import TablesReport, check_tables
from tests.support.small_practice import FILES, PRACTICE, write_csv


def checked(directory: Path, content: bytes) -> TablesReport:
    """The report on the small practice with these bytes in place of clients.csv."""
    (write_csv(directory) / "clients.csv").write_bytes(content)
    return check_tables(directory, PRACTICE)


def clients(separator: str = ",", quote: str = "") -> str:
    cells = FILES["clients"]
    rows = [list(cells), *zip(*cells.values(), strict=True)]
    lines = (separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        clients(quote='"').encode(),
        ("sep=,\n" + clients(quote='"')).encode(),
        ("\ufeffsep=;\r\n" + clients(";", '"')).encode(),
        clients(";", '"').encode(),
        clients("\t", '"').encode(),
        clients("\t", '"').encode("utf-16"),
        clients(quote='"').encode("utf-16"),
        ("sep=;\n" + clients(";", '"')).encode("utf-16"),
    ],
    ids=["plain", "sep=,", "BOM and sep=;", "semicolons", "tabs", "UTF-16 tabs", "UTF-16", "all"],
)
def test_a_client_list_saved_by_excel_is_read_whatever_separates_its_cells(
    tmp_path: Path, content: bytes
) -> None:
    report = checked(tmp_path, content)
    assert report.faults == ()
    assert report.summary.rows["clients"].usable == 3


def test_rows_are_lines_of_the_file_below_a_first_line_that_names_the_separator(
    tmp_path: Path,
) -> None:
    text = "sep=,\n" + clients(quote='"').replace('"34"', '"old"')
    [fault] = checked(tmp_path, text.encode()).faults
    assert (fault.column, fault.rows) == ("age", (3,))


def test_unquoted_lists_in_a_file_of_semicolons_are_one_fault_and_shift_no_answer(
    tmp_path: Path,
) -> None:
    report = checked(tmp_path, clients(";").encode())
    assert "has more cells than the header" in {fault.problem for fault in report.faults}


def test_utf_16_without_its_mark_is_one_fault(tmp_path: Path) -> None:
    [fault] = checked(tmp_path, clients(quote='"').encode("utf-16-le")).faults
    assert "UTF-16" in fault.problem
    assert fault.remedy == "save it as CSV UTF-8"


def test_empty_rows_at_the_end_of_an_export_are_ignored_and_counted(tmp_path: Path) -> None:
    report = checked(tmp_path, (clients(quote='"') + ",,,,,\n" * 13).encode())

    assert report.faults == ()
    [warning] = [each for each in report.warnings if "ignored" in each.problem]
    assert warning.problem == "ignored: 13 without any filled cell"
    assert warning.rows == tuple(range(5, 18))


def test_answers_behind_an_open_quotation_mark_are_not_missed_in_other_tables(
    tmp_path: Path,
) -> None:
    text = clients(quote='"').replace('"c2"', '"c2')
    assert [fault.file for fault in checked(tmp_path, text.encode()).faults] == ["clients.csv"]
