from copy import deepcopy
from pathlib import Path

import pytest

from recommender.tables.report import RowCount, TablesReport, check_tables
from tests.support.small_practice import FILES, PRACTICE, Files, with_cell, write_csv
from tests.support.table_faults import each_fault


def the_report(directory: Path, files: Files = FILES) -> TablesReport:
    return check_tables(write_csv(directory, files), PRACTICE)


def test_sound_tables_are_counted_whole(tmp_path: Path) -> None:
    report = the_report(tmp_path)
    assert report.sound
    assert report.summary.rows == {
        "clients": RowCount(3, 3),
        "clinicians": RowCount(2, 2),
        "pairings": RowCount(3, 3),
        "ratings": RowCount(4, 4),
    }


def test_early_ratings_are_counted_by_instrument_and_the_others_by_reason(tmp_path: Path) -> None:
    # Two of three items were answered at session 3, and the form needs all three.
    summary = the_report(tmp_path).summary
    assert summary.early == {"three": 1, "totals_only": 1}
    assert {reason: n for reason, n in summary.left_out.items() if n} == {
        "other_rater": 1,
        "unscored": 1,
    }
    assert (summary.pairings_rated, summary.pairings_unrated) == (2, 1)


def test_the_share_of_empty_cells_is_told_for_every_field(tmp_path: Path) -> None:
    unanswered = the_report(tmp_path).summary.unanswered
    assert unanswered["client.age"] == pytest.approx(1 / 3)
    # The word none is an answer, an empty cell is not.
    assert unanswered["client.concerns"] == pytest.approx(1 / 3)
    assert unanswered["clinician.hours"] == 1 / 2
    assert unanswered["client.mode"] == 0


def test_clinicians_nobody_rated_are_named_by_id(tmp_path: Path) -> None:
    assert the_report(tmp_path).summary.clinicians_unrated == ("k2",)


def test_a_rating_of_a_faulty_pairing_is_not_usable(tmp_path: Path) -> None:
    report = the_report(tmp_path, with_cell("pairings", 2, "sessions", "many"))
    assert report.summary.rows["pairings"] == RowCount(3, 2)
    assert report.summary.rows["ratings"] == RowCount(4, 2)
    assert sum(report.summary.early.values()) == 1


def test_ratings_usable_are_those_counted_and_those_left_out(tmp_path: Path) -> None:
    summary = the_report(tmp_path, with_cell("ratings", 2, "score", "9")).summary
    counted = sum(summary.early.values()) + sum(summary.left_out.values())
    assert counted == summary.rows["ratings"].usable == 3


def test_a_fault_in_many_rows_is_one_line_for_people_and_every_row_in_data(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    for place in range(4, 11):
        for column, cells in files["clients"].items():
            cells.append({"client_id": f"c{place}", "age": "old"}.get(column, cells[0]))
    report = the_report(tmp_path, files)
    assert report.grouped() == (
        "clients.csv, column age, rows 5, 6, 7, 8, 9 and 2 more: is not a number; "
        "write it like 3.5, at least 0, at most 120",
    )
    assert [fault.row for fault in each_fault(report)] == [5, 6, 7, 8, 9, 10, 11]


def test_faults_are_told_by_table_then_row(tmp_path: Path) -> None:
    files = with_cell("ratings", 2, "score", "x")
    files["clinicians"]["focus"][1] = "x"
    files["clients"]["age"][2] = files["clients"]["home"][0] = "x"
    places = [(fault.file, fault.row) for fault in each_fault(the_report(tmp_path, files))]
    assert places == [
        ("clients.csv", 2),
        ("clients.csv", 4),
        ("clinicians.csv", 3),
        ("ratings.csv", 2),
    ]


def test_an_empty_folder_is_reported_and_not_raised(tmp_path: Path) -> None:
    report = check_tables(tmp_path, PRACTICE)
    assert len(report.faults) == 4
    assert report.summary.rows["clients"] == RowCount(0, 0)
    assert report.summary.unanswered == {}


def test_a_file_that_cannot_be_read_is_not_held_against_the_others(tmp_path: Path) -> None:
    write_csv(tmp_path)
    (tmp_path / "clients.csv").write_bytes(b"\xff\xfe")
    report = check_tables(tmp_path, PRACTICE)
    assert [fault.file for fault in report.faults] == ["clients.csv"]
