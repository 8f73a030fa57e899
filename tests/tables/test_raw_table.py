"""A file is read a few rows at a time, and nobody can tell where one few ended."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recommender.tables import raw_table
from recommender.tables.raw_table import RawTable, TableFault
from recommender.tables.table_files import read_raw_table

CSV = (
    '﻿client_id,note,mood\r\nc1,"two\nlines, one cell",low\r\n\r\nc2,,high\nc3,short\n'
    "c4,a,low,more\nc5,é,low\nc1,again,\n"
)
BROKEN = 'client_id,note\nc1,a\nc2,b\nc3,"never closed\nc4,d\n'


def told(sheet: RawTable | None) -> dict[str, list[object]]:
    """Every cell of a sheet by column."""
    assert sheet is not None
    return {
        name: [cells.distinct[place] for place in cells.places]
        for name, cells in sheet.columns.items()
    }


def read_by(
    rows: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[RawTable, list[TableFault]]:
    monkeypatch.setattr(raw_table, "CHUNK_ROWS", rows)
    sheet, faults = read_raw_table(path)
    assert sheet is not None
    return sheet, faults


@pytest.mark.parametrize("text", [CSV, BROKEN], ids=["odd rows", "an open quotation mark"])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_csv_read_few_by_few_has_the_cells_lines_and_faults_of_the_whole(
    rows: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clients.csv"
    path.write_bytes(text.encode())
    whole, faults = read_by(1_000, path, monkeypatch)
    few, same_faults = read_by(rows, path, monkeypatch)

    assert told(few) == told(whole)
    assert [cells.distinct for cells in few.columns.values()] == [
        cells.distinct for cells in whole.columns.values()
    ]
    assert np.array_equal(few.lines, whole.lines)
    assert same_faults == faults
    assert faults


def test_what_stands_in_a_csv_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_bytes(CSV.encode())
    sheet, faults = read_raw_table(path)

    assert told(sheet) == {
        "client_id": ["c1", "c2", "c3", "c4", "c5", "c1"],
        "note": ["two\nlines, one cell", "", "short", "a", "é", "again"],
        "mood": ["low", "high", "", "low", "low", ""],
    }
    assert sheet is not None
    assert sheet.lines.tolist() == [2, 5, 6, 7, 8, 9]
    assert {fault.rows for fault in faults} == {(6,), (7,)}


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_parquet_file_read_few_by_few_has_the_cells_of_the_whole(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clients.parquet"
    frame = pd.DataFrame(
        {"client_id": ["c1", "c2", "c3", "c4"], "tags": [["a"], None, ["a", "b"], ["a"]]}
    )
    frame.to_parquet(path, row_group_size=3)
    whole, _ = read_by(1_000, path, monkeypatch)
    few, _ = read_by(rows, path, monkeypatch)

    assert told(few) == told(whole)
    assert told(whole)["tags"] == [("a",), None, ("a", "b"), ("a",)]


def test_a_file_with_a_header_alone_has_its_columns_and_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "clients.csv"
    path.write_text("client_id,mood\n")
    sheet, faults = read_raw_table(path)

    assert told(sheet) == {"client_id": [], "mood": []}
    assert sheet is not None
    assert sheet.size == 0
    assert faults == []
