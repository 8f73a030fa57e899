"""DataFrames read as tables: every type that pandas gives, and rows that count from 0."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recommender.tables.frame import read_frame
from recommender.tables.loader import people_in_frame
from recommender.tables.raw_table import TableFault
from tests.support.builders import a_practice


def cells(values: Any, dtype: Any = None) -> list[Any]:
    table, _ = read_frame("clients", pd.DataFrame({"cell": pd.Series(values, dtype=dtype)}))
    column = table.column("cell")
    return [column.distinct[place] for place in column.places]


@pytest.mark.parametrize("dtype", ["float64", "Float64", "Int64", "object", "int64[pyarrow]"])
def test_whole_numbers_beside_an_empty_cell_stay_whole(dtype: str) -> None:
    found = cells([5, None, 7], dtype)

    assert found == [5, None, 7]
    assert type(found[0]) is int


@pytest.mark.parametrize("dtype", ["bool", "boolean", "object"])
def test_flags_are_flags(dtype: str) -> None:
    assert cells([True, False], dtype) == [True, False]


@pytest.mark.parametrize("dtype", ["object", "str", "string", "category"])
def test_text_is_text_and_what_is_missing_is_missing(dtype: str) -> None:
    assert cells(["cbt", None], dtype) == ["cbt", None]


def test_dates_are_dates_and_no_date_is_missing() -> None:
    found = cells([pd.Timestamp("2026-11-23"), pd.NaT])

    assert (found[0].date(), found[1]) == (date(2026, 11, 23), None)


def test_lists_are_lists_of_plain_values() -> None:
    found = cells([["cbt", "act"], np.array([1.0, 2.5]), {"b", "a"}, np.float64(3.5)])

    assert found == [("cbt", "act"), (1, 2.5), ("a", "b"), 3.5]


def test_a_named_index_is_a_column() -> None:
    frame = pd.DataFrame({"age": [30, 40]}, index=pd.Index(["c1", "c2"], name="client_id"))
    table, faults = read_frame("clients", frame)

    assert list(table.columns) == ["client_id", "age"]
    assert faults == []


def test_rows_are_counted_from_zero_whatever_the_index() -> None:
    frame = pd.DataFrame({"age": [30, 40]}, index=[17, 17])
    table, _ = read_frame("clients", frame)

    assert table.lines.tolist() == [0, 1]


def test_a_column_that_is_there_twice_is_a_fault() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["age", "age"])

    (fault,) = read_frame("clients", frame)[1]
    assert fault.problem == "column number 2 has the name of an earlier one"


def test_numbers_as_ids_get_a_warning_with_what_pandas_can_do() -> None:
    staff = {name: [None] for name in a_practice().clinician} | {"clinician_id": [7]}
    warnings: list[TableFault] = []
    read = people_in_frame(
        pd.DataFrame(staff), a_practice().clinician, "clinician", warn=warnings.append
    )

    assert read.people.ids == ("7",)
    assert 'dtype={"clinician_id": str}' in warnings[0].remedy


def test_a_yes_beside_ones_is_not_read_as_a_one() -> None:
    found = cells([1, True, 0, False, 1], "object")

    assert [type(each) for each in found] == [int, bool, int, bool, int]
