"""Lost and misspelt columns: one fault each, and it says what to do."""

import re
from copy import deepcopy
from pathlib import Path

import pytest

from recommender.tables.report import check_tables
from tests.support.small_practice import FILES, PRACTICE, Files, without_column, write_csv

COLUMNS = [(table, column) for table, cells in FILES.items() for column in cells]
OPTIONAL = {"name", "sessions", "ended_on", "known_on"}
NEEDED = {"client_id", "clinician_id", "pairing_id", "started_on", "mode", "session", "rated_on"}
NEEDED |= {"instrument", "rater", "metric"}


def renamed(table: str, column: str, name: str) -> Files:
    files = deepcopy(FILES)
    files[table] = {name if c == column else c: cells for c, cells in files[table].items()}
    return files


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_one_lost_column_is_one_fault_and_says_truly_whether_its_cells_may_be_empty(
    tmp_path: Path, table: str, column: str
) -> None:
    faults = check_tables(write_csv(tmp_path, without_column(table, column)), PRACTICE).faults

    if column in OPTIONAL:
        assert faults == ()
        return
    [fault] = faults
    assert (fault.file, fault.column, fault.problem) == (f"{table}.csv", column, "is missing")
    may_be_empty = "its cells may be empty" in fault.remedy
    assert may_be_empty == (column not in NEEDED)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_misspelt_column_is_one_fault_whose_remedy_works(
    tmp_path: Path, table: str, column: str
) -> None:
    written = column.replace("_", "") if column.startswith("item_") else column[:-1]
    files = renamed(table, column, written)
    [fault] = check_tables(write_csv(tmp_path, files), PRACTICE).faults
    meant = re.search(r"Rename it to (\w+)", fault.remedy)

    assert meant is not None
    assert meant[1] == column
    assert check_tables(write_csv(tmp_path, renamed(table, column, meant[1])), PRACTICE).sound


def test_pairings_whose_first_column_is_called_pairing_no_longer_end_check(tmp_path: Path) -> None:
    path = write_csv(tmp_path) / "pairings.csv"
    path.write_text(path.read_text().replace("pairing_id", "pairing", 1))
    [fault] = check_tables(tmp_path, PRACTICE).faults

    assert str(fault.to_fault()) == (
        "pairings.csv, column pairing_id: is missing; did you mean the column pairing? Rename it to"
        " pairing_id"
    )


@pytest.mark.parametrize("table", FILES)
def test_a_file_without_a_header_is_one_fault_that_shows_no_person(
    tmp_path: Path, table: str
) -> None:
    path = write_csv(tmp_path) / f"{table}.csv"
    header, _, rows = path.read_text().partition("\n")
    path.write_text(rows)
    [fault] = check_tables(tmp_path, PRACTICE).faults

    assert fault.problem == "has no header: its first line names no known column"
    assert fault.remedy.startswith("put the names of the columns into the first line: ")
    assert not any(cell in str(fault) for cell in ("c1", "anxiety", "Dr Ng", "2026-03-01"))
    path.write_text(f"{header}\n{rows}")
    assert check_tables(tmp_path, PRACTICE).sound


def test_an_empty_header_is_named_as_one_and_writing_the_name_into_it_works(
    tmp_path: Path,
) -> None:
    path = write_csv(tmp_path) / "ratings.csv"
    whole = path.read_text()
    path.write_text(whole.replace("pairing_id,session,", ",,", 1))
    faults = check_tables(tmp_path, PRACTICE).faults

    assert {(fault.column, fault.problem, fault.remedy) for fault in faults} == {
        *(
            (name, "is missing", "add the column; if it is a column without a name, write its name "
             "into the header")
            for name in ("pairing_id", "session")
        ),
        *(
            (f"(without a name, number {number})", "has an empty header and would be lost",
             "write its name into the header, or remove the column")
            for number in (1, 2)
        ),
    }  # fmt: skip
    path.write_text(whole)
    assert check_tables(tmp_path, PRACTICE).sound
