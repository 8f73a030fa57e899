"""A frame of pairings is read whatever types pandas chose, and every fault is named with rows."""

from collections.abc import Callable
from datetime import date
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recommender.errors import IntakeError
from recommender.practice.definition import Practice, read_practice
from recommender.tables.pairing_frame import PairingRows, read_pairing_frame
from tests.support.builders import DEFINITION, a_practice
from tests.support.pairing_cells import read_cells, text_cells

SECRET = "8675309"


def a_practice_with_dates() -> Practice:
    field = """
[client.referred]
kind = "date"
phrase = "referred"
purpose = "a test"
missing = "not known"
use = "filter"
"""
    return read_practice(DEFINITION.read_text(encoding="utf-8") + field)


def same(one: PairingRows, other: PairingRows) -> bool:
    return one.clinician_ids == other.clinician_ids and all(
        ours[name].tolist() == theirs[name].tolist()
        if ours[name].dtype == object
        else np.array_equal(ours[name], theirs[name], equal_nan=True)
        for ours, theirs in ((one.client, other.client), (one.clinician, other.clinician))
        for name in ours.values
    )


def faults_of(frame: pd.DataFrame, known: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(IntakeError) as refused:
        read_pairing_frame(frame, a_practice(), known)
    return [str(fault) for fault in refused.value.faults]


def test_types_that_read_csv_chooses_read_as_the_text_they_come_from() -> None:
    frame = read_cells()
    assert {str(kind) for kind in frame.dtypes} >= {"int64", "float64", "str"}

    read = read_pairing_frame(frame, a_practice())

    assert same(read, read_pairing_frame(text_cells(), a_practice()))


@pytest.mark.parametrize(
    "other",
    [
        lambda frame: frame.astype(object),
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.assign(**{"client.agrees": frame["client.agrees"] == "yes"}),
        lambda frame: frame.assign(**{"client.agrees": (frame["client.agrees"] == "yes") * 1.0}),
        lambda frame: frame.assign(
            **{"client.concern": frame["client.concern"].astype("category")}
        ),
        lambda frame: frame.assign(
            **{"client.wanted": [text.split(";") for text in frame["client.wanted"]]}
        ),
        lambda frame: frame.set_axis(np.arange(len(frame))[::-1] * 7, axis=0),
        lambda frame: frame.assign(score=1.0, **{"other column": "x"}),
    ],
    ids=["object", "nullable", "flags", "flags as numbers", "category", "lists", "index", "others"],
)
def test_other_types_of_the_same_cells_read_alike(
    other: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    frame = text_cells(20)
    answered = frame[(frame["client.wanted"] != "") & frame["client.agrees"].isin(["yes", "no"])]

    read = read_pairing_frame(other(answered), a_practice())

    assert same(read, read_pairing_frame(answered, a_practice()))


def test_dates_read_as_text_as_timestamps_and_as_missing() -> None:
    practice, cells = a_practice_with_dates(), read_cells(3)
    days = pd.Series(["2026-11-23", None, "2026-01-02"])
    expected = [(date(2026, 11, 23) - date(1970, 1, 1)).days, np.nan, 20455]

    for column in (days, pd.to_datetime(days), pd.to_datetime(days).astype(object)):
        read = read_pairing_frame(cells.assign(**{"client.referred": column}), practice)
        assert np.array_equal(read.client["referred"], expected, equal_nan=True)


def test_missing_optional_columns_are_missing_answers() -> None:
    frame = read_cells(4)
    bare = read_pairing_frame(frame[["clinician_id"]], a_practice())
    empty = frame.assign(**dict.fromkeys(frame.columns.drop("clinician_id"), np.nan))

    assert same(bare, read_pairing_frame(empty, a_practice()))
    assert np.isnan(bare.client["directive"]).all()
    assert len(read_pairing_frame(frame.iloc[:0], a_practice())) == 0


def test_every_fault_is_named_with_its_rows_and_no_cell_is_repeated() -> None:
    frame = text_cells(8).drop(columns="clinician_id")
    frame.loc[[1, 3], "client.directive"] = SECRET
    frame.loc[4, "client.concern"] = SECRET
    frame.loc[5, "client.home"] = SECRET
    frame["client.not_a_field"] = SECRET
    frame["client.gender"] = SECRET

    faults = faults_of(frame)

    assert not any(SECRET in fault for fault in faults)
    assert [fault.split(";")[0] for fault in faults] == [
        "table, column clinician_id: is missing",
        "table, column client.not_a_field: is not a field of this practice that a model reads",
        "table, column client.gender: is not a field of this practice that a model reads",
        "table, column client.concern, row 4: is not one of the declared levels",
        "table, column client.directive, rows 1, 3: is above the largest value allowed",
        "table, column client.home, row 5: names a postcode that is not declared",
    ]


def test_a_column_that_is_there_twice_is_refused() -> None:
    frame = read_cells(2)
    twice = pd.concat([frame, frame[["client.directive"]]], axis=1)

    assert faults_of(twice) == [
        "table, column client.directive: is there twice; name every column once"
    ]


def test_a_name_that_may_be_an_answer_is_not_repeated() -> None:
    (fault,) = faults_of(read_cells(2).assign(**{"client.Jane Doe, 0400 000 000": 1}))

    assert "Jane" not in fault


def test_ids_that_pandas_made_numbers_are_the_same_ids() -> None:
    frame = read_cells(3)
    for ids in ([7, 8, 9], [7.0, 8.0, 9.0], ["7", "8", "9"]):
        read = read_pairing_frame(frame.assign(clinician_id=ids), a_practice(), ("7", "8"))
        assert read.clinician_ids == ("7", "8", "9")


def test_ids_whose_zeros_pandas_dropped_are_refused_with_how_to_read_them() -> None:
    written = text_cells(3).assign(clinician_id=["007", "7", "12"]).to_csv(index=False)

    assert faults_of(pd.read_csv(StringIO(written)), ("007", "12")) == [
        "table, column clinician_id, rows 0, 1: is a number, where the model knows a clinician "
        'with zeros before it; read the file with dtype={"clinician_id": str}'
    ]
    frame = pd.read_csv(StringIO(written), dtype={"clinician_id": str})
    read = read_pairing_frame(frame, a_practice(), ("007", "12"))
    assert read.clinician_ids == ("007", "7", "12")


@pytest.mark.parametrize("cell", [None, np.nan, "", "a@b.example", 1.5, True, {"a": 1}, ["k1"]])
def test_a_cell_that_is_no_id_is_refused(cell: Any) -> None:
    frame = read_cells(2).astype({"clinician_id": object})
    frame.at[1, "clinician_id"] = cell

    (fault,) = faults_of(frame)

    assert fault.startswith("table, column clinician_id, row 1: ")
