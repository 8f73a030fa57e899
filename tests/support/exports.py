"""Small exports of an invented practice system, a mapping of them, and their import."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from recommender.importing.import_report import ImportReport
from recommender.importing.mapping_file import read_mapping
from recommender.importing.pseudonyms import Pseudonyms
from recommender.importing.table_import import ImportedTables, import_files
from recommender.practice.definition import Practice, shipped_practice

TODAY = date(2026, 11, 20)
MAPPING = """
[mapping]
title = "Small system"

[format]
dates = "dmy"
currency = "$"

[files.people]
names = ["people*.csv", "people*.xlsx"]
client = { column = ["Number", "ID"] }

[files.visits]
names = ["visits*.csv"]
row_id = "Visit"
client = { column = "Number" }
clinician = { column = "With", read_as = "name" }
date = { column = "When" }
drop = [{ column = "Outcome", equals = ["Cancelled"], reason = "was cancelled" }]
keep = [{ column = "Outcome", equals = ["Came"], reason = "has no outcome that counts" }]

[files.scores]
names = ["scores*.csv"]
required = false
client = { column = "Number" }
clinician = { column = "With", read_as = "name", optional = true }

[files.extra]
names = ["extra*.csv"]
required = false
fields_of = "clinicians"
dates = "iso"

[clients]
rows = ["people"]
[clients.fields]
age_years = { column = "Born", read_as = "age" }
main_concern = { column = "Reason", optional = true, values = { "Worry" = "anxiety" } }
concerns = { column = "Reasons", optional = true, split = [",", "/"] }
max_fee = { column = "Most", optional = true }

[clinicians]
rows = ["visits", "extra"]

[pairings]
appointments = "visits"

[[ratings]]
file = "scores"
instrument = { value = "wai_sr" }
session = { column = "Session", optional = true }
date = { column = "Rated", optional = true }
score = { column = "Total" }
"""

Row = Mapping[str, Any]


@cache
def psychology() -> Practice:
    """The shipped definition, read once."""
    return shipped_practice()


def a_person(number: object = 1, **changes: Any) -> Row:
    """A client of the system; 30 years old at the first visit of `a_visit`."""
    return {"Number": number, "Name": "Jo Secretname", "Born": "02/03/1996"} | changes


def a_visit(number: object = 1, **changes: Any) -> Row:
    """An attended appointment."""
    row = {"Visit": "", "Number": number, "With": "Dr Ann Wattle", "When": "14/09/2026 2:30 pm"}
    return row | {"Outcome": "Came"} | changes


def a_score(number: object = 1, **changes: Any) -> Row:
    """A sum score after the first session."""
    return {
        "Number": number,
        "With": "Wattle, Ann",
        "Session": 1,
        "Rated": "",
        "Total": 48,
    } | changes


def write_rows(path: Path, rows: Sequence[Row]) -> Path:
    """Rows as a CSV file; they have the columns of the first."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_exports(
    folder: Path,
    people: Sequence[Row] = (),
    visits: Sequence[Row] = (),
    scores: Sequence[Row] = (),
    **others: Sequence[Row],
) -> Path:
    """The files of the small system; a table without rows is not written."""
    tables = {"people": people, "visits": visits, "scores": scores} | others
    for name, rows in tables.items():
        if rows:
            write_rows(folder / f"{name}.csv", rows)
    return folder


def imported(folder: Path, mapping: str = MAPPING) -> ImportedTables:
    """The import of a folder under a fixed key."""
    read = read_mapping(mapping, "small.toml")
    return import_files(read, "small.toml", [folder], psychology(), Pseudonyms(bytes(32)), TODAY)


def columns_of(tables: ImportedTables, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of an imported table, row by row."""
    table = tables.tables[name]
    places = [table.header.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in table.rows]


def reasons(report: ImportReport) -> dict[tuple[str, str | None, str], tuple[int, ...]]:
    """Rows that were left out, by file, column and reason."""
    return {(each.source, each.column, each.reason): each.rows for each in report.left_out}
