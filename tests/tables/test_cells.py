"""Cells of a table: declared codes beside the declared form of dates and amounts."""

import numpy as np

from recommender.tables.cells import read_fields
from recommender.tables.raw_table import InternedColumn, raw_table
from recommender.values.table_format import STANDARD, TableFormat
from tests.support.definitions import a_field


def column(*cells: str) -> InternedColumn:
    return InternedColumn(tuple(cells), np.arange(len(cells)))


def test_a_client_without_a_date_is_no_fault_of_a_column_in_another_form() -> None:
    table, _ = raw_table(
        "clients.csv", ["since"], [column("28/11/2026", "n/a", "01/01/1900")], np.arange(2, 5)
    )
    fields = {"since": a_field(kind="date", missing_codes=["n/a", "1900-01-01"])}

    read = read_fields(table, fields, TableFormat(dates="dmy"))

    assert read.faults == []
    assert np.isnan(read.columns["since"]).tolist() == [False, True, True]
    assert read.unanswered == {"since": 2 / 3}
    suggested = [fault.remedy for fault in read_fields(table, fields, STANDARD).faults]
    assert len(suggested) == 1
    assert "--dates dmy" in suggested[0]
