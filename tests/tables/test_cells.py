"""Cells of a table: declared codes beside the declared form of dates and amounts."""

import numpy as np

from recommender.tables.cells import read_fields
from recommender.tables.raw_table import InternedColumn, TableFault, raw_table
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


def test_columns_in_two_currencies_are_to_be_written_alike_and_then_the_option_named_works() -> (
    None
):
    fields = {name: a_field(name, kind="money") for name in ("fee", "concession")}

    def faults(concession: str, written: TableFormat = STANDARD) -> list[TableFault]:
        columns = [column("$1,125.00", "$90"), column(concession, concession)]
        table, _ = raw_table("clinicians.csv", list(fields), columns, np.arange(2, 4))
        return read_fields(table, fields, written).faults

    first, second = faults("150 AUD")
    assert "no options read it and concession as they are" in first.remedy
    assert "no options read it and fee as they are" in second.remedy
    declared = TableFormat(thousands="comma", currency="$")
    [left] = faults("150 AUD", declared)
    assert left.column == "concession"
    assert left.remedy == (
        "give --currency 'AUD' in place of --currency '$'; if another column needs --currency '$', "
        "write both columns alike in the file, since options count for all columns"
    )
    [only] = faults("150")
    assert only.remedy == "add --thousands comma --currency '$'"
    assert faults("150", declared) == []
    assert faults("$150", declared) == []


def test_levels_written_in_another_way_are_few_messages_however_many_combinations() -> None:
    levels = ["cbt", "act", "ifs", "emdr"]
    cells = ["CBT;ACT", "ACT;IFS", "IFS", "EMDR;CBT", "cbt"]
    table, _ = raw_table("clinicians.csv", ["tags"], [column(*cells)], np.arange(2, 7))
    [fault] = read_fields(table, {"tags": a_field("tags", kind="tags", levels=levels)}).faults
    assert fault.rows == (2, 3, 4, 5)
    assert fault.remedy == ("some may mean cbt, act, ifs, emdr. Choose from cbt, act, ifs, emdr")

    table, _ = raw_table("clinicians.csv", ["tags"], [column("CBT;ACT", "cbt")], np.arange(2, 4))
    [fault] = read_fields(table, {"tags": a_field("tags", kind="tags", levels=levels)}).faults
    assert fault.remedy == "did you mean cbt;act? Choose from cbt, act, ifs, emdr"
