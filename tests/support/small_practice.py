"""A practice of three clients and two clinicians, as files to be broken one cell at a time."""

import csv
from copy import deepcopy
from pathlib import Path

import pandas as pd

from recommender.practice.definition import read_practice

DEFINITION = """
[practice]
id = "small"
version = "1"
title = "A small practice"
timezone = "Australia/Sydney"
currency = "AUD"
[alliance]
instruments = ["three", "totals_only"]
reference = "three"
early_sessions = [2, 5]
[instruments.three]
items = 3
min = 1
max = 5
[instruments.totals_only]
items = 2
min = 0
max = 10
accepts_items = false
[groups]
style = "How you like to work together"
[client.age]
kind = "number"
phrase = "age"
purpose = "matching"
missing = "not asked"
use = "filter"
unit = "years"
min = 0
max = 120
[client.concerns]
kind = "tags"
phrase = "concerns"
purpose = "matching"
missing = "not asked"
use = "score"
group = "style"
levels = ["anxiety", "grief", "sleep"]
[client.home]
kind = "place"
phrase = "home"
purpose = "distance"
missing = "not asked"
use = "filter"
[client.most]
kind = "money"
phrase = "the most they can pay"
purpose = "fees"
missing = "not asked"
use = "filter"
[client.mode]
kind = "category"
phrase = "how they want to meet"
purpose = "matching"
missing = "not asked"
use = "filter"
levels = ["in_person", "video"]
required = true
[clinician.hours]
kind = "weekly_hours"
phrase = "hours"
purpose = "times"
missing = "not known"
use = "filter"
[clinician.focus]
kind = "tags"
phrase = "focus"
purpose = "matching"
missing = "not known"
use = "score"
group = "style"
levels = ["anxiety", "grief", "sleep"]
[clinician.joined]
kind = "date"
phrase = "joined"
purpose = "experience"
missing = "not known"
use = "filter"
[clinician.not_with]
kind = "ids"
phrase = "does not see"
purpose = "conflicts"
missing = "nobody"
use = "filter"
"""
PRACTICE = read_practice(DEFINITION)

Cells = dict[str, list[str]]
Files = dict[str, Cells]

FILES: Files = {
    "clients": {
        "client_id": ["c1", "c2", "c3"],
        "age": ["34", "", "51.5"],
        "concerns": ["anxiety;sleep", "none", ""],
        "home": ["-33.87,151.21", "", "-33.9,151.2;-33.8,151.1"],
        "most": ["220", "220.50", ""],
        "mode": ["video", "in_person", "video"],
    },
    "clinicians": {
        "clinician_id": ["k1", "k2"],
        "name": ["Dr Ng", ""],
        "hours": ["mon 09:00-12:30; tue 17:00-20:00", ""],
        "focus": ["anxiety", "grief;sleep"],
        "joined": ["2019-02-01", ""],
        "not_with": ["c9", ""],
    },
    "pairings": {
        "pairing_id": ["p1", "p2", "p3"],
        "client_id": ["c1", "c2", "c3"],
        "clinician_id": ["k1", "k1", "k2"],
        "started_on": ["2026-03-01", "2026-03-08", "2026-04-01"],
        "sessions": ["6", "", "1"],
        "ended_on": ["2026-06-01", "", ""],
    },
    "ratings": {
        "pairing_id": ["p1", "p1", "p2", "p2"],
        "session": ["2", "3", "2", "1"],
        "rated_on": ["2026-03-08", "2026-03-15", "2026-03-15", "2026-03-08"],
        "known_on": ["2026-03-10", "", "", ""],
        "instrument": ["three", "three", "totals_only", "three"],
        "rater": ["client", "client", "client", "clinician"],
        "metric": ["mean", "items", "sum", "pomp"],
        "score": ["4.5", "", "18", "0.75"],
        "item_1": ["", "5", "", ""],
        "item_2": ["", "4", "", ""],
        "item_3": ["", "", "", ""],
    },
}


def with_cell(table: str, row: int, column: str, cell: str) -> Files:
    """The files with one other cell; rows are lines of the file, the header being line 1."""
    files = deepcopy(FILES)
    files[table][column][row - 2] = cell
    return files


def with_row(table: str, **cells: str) -> Files:
    """The files with one more row: the table's first, with these cells in it."""
    files = deepcopy(FILES)
    for column, above in files[table].items():
        above.append(cells.get(column, above[0]))
    return files


def without_column(table: str, column: str) -> Files:
    """The files without one column."""
    files = deepcopy(FILES)
    del files[table][column]
    return files


def write_csv(directory: Path, files: Files = FILES) -> Path:
    """The folder with the files as CSV."""
    for table, cells in files.items():
        with (directory / f"{table}.csv").open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(cells)
            writer.writerows(zip(*cells.values(), strict=True))
    return directory


def write_parquet(directory: Path, files: Files = FILES) -> Path:
    """The folder with the files as Parquet, with numbers, dates and lists as such."""
    for table, cells in files.items():
        frame = pd.DataFrame({name: _typed(name, column) for name, column in cells.items()})
        frame.to_parquet(directory / f"{table}.parquet", index=False)
    return directory


def _typed(name: str, column: list[str]) -> object:
    if name in ("age", "session", "sessions", "score") or name.startswith("item_"):
        return pd.to_numeric(pd.Series(column))
    if name in ("started_on", "rated_on", "known_on", "joined"):
        return pd.to_datetime(pd.Series(column))
    if name in ("concerns", "focus"):
        lists: dict[str, list[str] | None] = {"": None, "none": []}
        return pd.Series([lists.get(cell, cell.split(";")) for cell in column], dtype=object)
    return column
