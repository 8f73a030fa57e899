"""Files under the names that people give them."""

import re
from pathlib import Path

import pytest

from recommender.errors import TablesError
from recommender.tables.loader import read_tables
from recommender.tables.report import check_tables
from tests.support.small_practice import PRACTICE, write_csv
from tests.support.workbooks import small_workbook


def test_a_file_named_in_capitals_is_read(tmp_path: Path) -> None:
    (write_csv(tmp_path) / "clients.csv").rename(tmp_path / "Clients.CSV")
    assert check_tables(tmp_path, PRACTICE).sound


@pytest.mark.parametrize(
    "name", ["client.csv", "clients (1).csv", "Clients_2026.csv", "clients.csv.txt", "clients.tsv"]
)
def test_a_file_under_another_name_is_named_and_renaming_it_works(
    tmp_path: Path, name: str
) -> None:
    (write_csv(tmp_path) / "clients.csv").rename(tmp_path / name)
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert (fault.file, fault.problem) == ("clients", "is missing")

    found = re.fullmatch(r"rename (.+) to (.+)", fault.remedy)
    assert found is not None
    assert found[1] == name
    (tmp_path / found[1]).rename(tmp_path / found[2])
    assert check_tables(tmp_path, PRACTICE).sound


def test_a_file_of_a_program_we_do_not_read_is_named(tmp_path: Path) -> None:
    (write_csv(tmp_path) / "clients.csv").rename(tmp_path / "clients.ods")
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert fault.remedy == "save clients.ods as clients.csv or clients.xlsx"


def test_two_files_that_may_both_be_meant_are_a_fault(tmp_path: Path) -> None:
    path = write_csv(tmp_path) / "clients.csv"
    (tmp_path / "CLIENTS.csv").write_bytes(path.read_bytes())
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert fault.problem == "is there as CLIENTS.csv and as clients.csv"


def test_a_folder_that_is_not_there_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(TablesError) as raised:
        read_tables(tmp_path / "nowhere", PRACTICE, None)
    assert str(raised.value) == (
        "nowhere: does not exist; name the folder of the tables, or a workbook"
    )


def test_clients_and_roster_may_be_sheets_of_the_practices_workbook(tmp_path: Path) -> None:
    path = small_workbook(tmp_path / "our people.xlsx")
    assert read_tables(path, PRACTICE, None).client_ids == ("c1", "c2", "c3")


@pytest.mark.parametrize("name", ["clients.csv", "notes.py"])
def test_a_file_named_in_place_of_its_folder_is_one_fault_and_not_read_as_four_tables(
    tmp_path: Path, name: str
) -> None:
    write_csv(tmp_path)
    (tmp_path / "notes.py").write_text("print()")
    [fault] = check_tables(tmp_path / name, PRACTICE).faults
    assert str(fault.to_fault()) == (
        f"{name}: is a file, not the folder of the tables; name the folder it is in, or a workbook "
        "with a sheet for each table"
    )
    assert check_tables(tmp_path, PRACTICE).sound


def test_a_workbook_that_cannot_be_read_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "ours.xlsx"
    path.write_text("no workbook")
    [fault] = check_tables(path, PRACTICE).faults
    assert (fault.file, fault.problem) == ("ours.xlsx", "cannot be read as a workbook")


def test_a_practice_whose_workbook_has_another_name_learns_how_to_have_it_read(
    tmp_path: Path,
) -> None:
    book = small_workbook(tmp_path / "My Practice Export.xlsx")
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert str(fault.to_fault()) == (
        "My Practice Export.xlsx: has sheets of tables, and is not read under this name; rename it "
        "to practice.xlsx, or name it in place of the folder"
    )
    assert check_tables(book, PRACTICE).sound
    book.rename(tmp_path / "practice.xlsx")
    assert check_tables(tmp_path, PRACTICE).sound


def test_a_missing_table_may_come_as_a_file_or_in_a_workbook(tmp_path: Path) -> None:
    (write_csv(tmp_path) / "ratings.csv").unlink()
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert fault.remedy == (
        "put ratings.csv, .parquet or .xlsx into the folder, or practice.xlsx with a sheet "
        "ratings; where there is nothing to fill in yet, the line of its columns alone is enough"
    )
