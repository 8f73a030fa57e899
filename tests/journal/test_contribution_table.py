import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.journal.contribution_table import ContributionTable

POINTS = st.floats(-5, 5, width=64)


@st.composite
def tables(draw: st.DrawFn) -> ContributionTable:
    people, features = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    raw = draw(arrays(np.float64, (people, features), elements=POINTS))
    unknown = draw(arrays(np.bool_, (people, features)))
    return ContributionTable(
        names=tuple(f"match.é{number}" for number in range(features)),
        ids=tuple(f"k{number}" for number in range(people)),
        values=draw(arrays(np.float64, (people, features), elements=POINTS)),
        raw=np.where(unknown, np.nan, raw),
        start=draw(arrays(np.float64, people, elements=POINTS)),
    )


def check_equal(one: ContributionTable, other: ContributionTable) -> None:
    assert (one.names, one.ids) == (other.names, other.ids)
    for part in ("values", "raw", "start"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


@given(tables())
def test_a_table_is_read_as_it_was_written(table: ContributionTable) -> None:
    check_equal(ContributionTable.from_bytes(table.to_bytes()), table)


@given(tables())
def test_a_recommendation_of_an_earlier_server_is_still_explained(table: ContributionTable) -> None:
    stored = json.dumps(table.to_json(), separators=(",", ":")).encode()
    check_equal(ContributionTable.from_bytes(stored), table)


@given(tables())
def test_what_an_earlier_server_stored_number_by_number_is_still_explained(
    table: ContributionTable,
) -> None:
    line = json.dumps({"features": table.names, "clinicians": table.ids}, separators=(",", ":"))
    columns = (table.start, table.values.T, table.raw.T)
    numbers = b"".join(np.ascontiguousarray(each, dtype="<f8").tobytes() for each in columns)
    check_equal(ContributionTable.from_bytes(line.encode() + b"\n" + numbers), table)


@pytest.mark.parametrize("people", [256, 257, 70_000])
def test_as_many_different_numbers_as_clinicians_are_read_as_they_were_written(people: int) -> None:
    column = np.arange(people, dtype=np.float64)[:, None]
    ids = tuple(f"k{number}" for number in range(people))
    table = ContributionTable(("f",), ids, column % 7, -column, np.full(people, 3.0))
    check_equal(ContributionTable.from_bytes(table.to_bytes()), table)


def test_a_number_that_is_cut_off_is_not_read() -> None:
    table = ContributionTable(("f",), ("k1",), np.ones((1, 1)), np.ones((1, 1)), np.ones(1))
    with pytest.raises(ValueError, match="buffer"):
        ContributionTable.from_bytes(table.to_bytes()[:-3])
