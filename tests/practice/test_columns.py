from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import Fault, IntakeError
from recommender.practice.columns import Columns, RowReader, answered_in, read_rows, remedy_for
from recommender.practice.definition import shipped_practice
from tests.support.definitions import a_field

FIELDS = {
    "age": a_field("age", "number", unit="years", min=0, max=120, required=True),
    "tags": a_field("tags", "tags"),
    "home": a_field("home", "place"),
    "not_with": a_field("not_with", "ids"),
}
SECRET = "hunter2 lives at 12 Example St"


def faults_of(*rows: dict[str, Any]) -> tuple[Fault, ...]:
    with pytest.raises(IntakeError) as told:
        read_rows(FIELDS, list(rows))
    return told.value.faults


def test_answers_become_arrays_and_what_is_not_there_is_missing() -> None:
    columns = read_rows(FIELDS, [{"age": 30, "tags": "a;c"}, {"age": "31", "not_with": "k1"}])
    assert columns.size == 2
    np.testing.assert_array_equal(columns["age"], [30, 31])
    np.testing.assert_array_equal(columns["tags"], [[1, 0, 1], [np.nan] * 3])
    assert np.isnan(columns["home"]).all()
    assert list(columns["not_with"]) == [None, ("k1",)]


def test_one_open_question_is_encoded_as_among_several_rows_and_nobody_can_answer_it_later() -> (
    None
):
    fields = shipped_practice().client
    one = RowReader.of(fields).encoded(dict.fromkeys(fields))
    two = {name: field.behaviour.encode(field, [None, None]) for name, field in fields.items()}
    assert answered_in(one) == frozenset()
    for name, array in one.values.items():
        np.testing.assert_array_equal(array, two[name][:1])
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_a_person_answered_is_known_by_field() -> None:
    person = read_rows(FIELDS, [{"age": 0, "tags": "", "home": "-33.9,151.2", "not_with": "k1"}])
    assert answered_in(person) == {"age", "home", "not_with"}
    assert answered_in(read_rows(FIELDS, [{"age": 30}])) == {"age"}
    # Without what the reading noted, from the arrays alone.
    assert answered_in(Columns(1, person.values)) == {"age", "home", "not_with"}


MIXED = {
    "age": a_field("age", "number", unit="years", min=0, max=120),
    "yes": a_field("yes", "flag"),
    "tags": a_field("tags", "tags", levels=["1", "2"]),
    "free": a_field("free", "weekly_hours"),
    "home": a_field("home", "place"),
}
CELLS: dict[str, list[Any]] = {
    "age": [1, 1.0, True, "1", 0, False, -1, None],
    "yes": [True, 1, 1.0, "1", False, 0, "no", None],
    "tags": [["1"], [1], [True], ["1", "2"], ["2", "1"], [], "1", ("1",), ["3"], None],
    "free": [["mon 09:00-12:00"], "mon 09:00-12:00", [], [None], None],
    "home": [["-33.87,151.21"], None],
}
REUSED = RowReader.of(MIXED)


@given(st.fixed_dictionaries({}, optional={n: st.sampled_from(c) for n, c in CELLS.items()}))
def test_an_answer_is_never_read_as_the_equal_answer_of_somebody_before(
    cells: dict[str, Any],
) -> None:
    def read(reader: RowReader) -> Any:
        try:
            columns = reader.read([cells])
        except IntakeError as error:
            return error.faults
        values = {name: array.tolist() for name, array in columns.values.items()}
        return values, sorted(answered_in(columns))

    assert str(read(REUSED)) == str(read(RowReader.of(MIXED)))


def test_an_answer_that_people_share_cannot_be_written_to() -> None:
    columns = REUSED.read([{"age": 30}])
    with pytest.raises(ValueError, match="read-only"):
        columns["age"][0] = 31


def test_no_rows_are_an_empty_table() -> None:
    columns = read_rows(FIELDS, [])
    assert columns.size == 0
    assert {name: len(array) for name, array in columns.values.items()} == dict.fromkeys(FIELDS, 0)


def test_a_table_is_read_as_its_rows_one_by_one_though_equal_cells_are_read_once() -> None:
    flags = {**FIELDS, "held": a_field("held", "flag"), "seen": a_field("seen", "weekly_hours")}
    rows: list[dict[str, Any]] = [
        {"age": "1", "held": "1", "tags": "a", "seen": "mon 09:00-10:00; tue 09:00-10:00"},
        {"age": 1, "held": True, "tags": ["a"], "not_with": "k1;k2"},
        {"age": "1", "held": 1, "tags": "a", "seen": "none", "home": "1,2"},
        {"age": 1.0, "tags": "none", "seen": "mon 09:00-10:00; tue 09:00-10:00"},
        {"age": 1, "held": True, "tags": ["c", "a"], "not_with": ["k1", "k2"]},
        {"age": 2, "held": False, "tags": ["a"], "not_with": ["k1", "k2"], "home": None},
        {"age": 1.5, "held": False, "tags": ["c", "a"], "not_with": ["k2"]},
    ]
    whole = read_rows(flags, rows)
    apart = Columns.concatenate([read_rows(flags, [row]) for row in rows])
    for name in flags:
        np.testing.assert_array_equal(whole[name], apart[name])
    # 1 and true are equal, and one of them is no number.
    assert [fault.where for fault in faults_of({"age": 1}, {"age": True})] == ["row 2, age"]


def test_every_fault_of_an_intake_is_reported_at_once() -> None:
    told = faults_of({"tags": "z", "home": "here", "agee": 30})
    assert [(fault.where, fault.problem) for fault in told] == [
        ("agee", "is not a field of this practice"),
        ("age", "is required but empty"),
        ("tags", "has a tag that is not one of the declared levels"),
        ("home", "is not a latitude and a longitude"),
    ]
    assert all(fault.remedy for fault in told)


def test_a_fault_among_several_rows_names_its_row() -> None:
    assert [fault.where for fault in faults_of({"age": 30}, {"age": "x"}, {"aeg": 1})] == [
        "row 2, age",
        "row 3, aeg",
        "row 3, age",
    ]


def test_a_refused_intake_never_repeats_an_answer() -> None:
    told = str(faults_of({"age": SECRET, "tags": [SECRET], "home": SECRET, "not_with": SECRET}))
    assert "hunter2" not in told
    assert "Example" not in told


def test_an_answer_written_where_a_name_belongs_is_no_longer_repeated() -> None:
    (fault,) = faults_of({"age": 30, SECRET: True})
    assert (fault.where, fault.problem) == (
        "a name of the answers",
        "is not a field of this practice",
    )


def test_a_name_that_is_no_text_is_a_fault_and_no_longer_an_exception() -> None:
    assert len(faults_of({"age": 30, 5: "x", "b": "y"})) == 2  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("kind", "changes", "remedy"),
    [
        ("tags", {}, "choose from a, b, c"),
        ("ordinal", {}, "choose from a, b, c"),
        ("number", {}, "write it like 3.5"),
        ("number", {"min": 0}, "write it like 3.5, at least 0"),
        ("number", {"min": 18}, "write it like 18, at least 18"),
        ("number", {"max": -0.5}, "write it like -0.5, at most -0.5"),
        ("scale", {"min": 0, "max": 3}, "write it like 3, at least 0, at most 3"),
        ("money", {"min": 0, "max": 1234567}, "write it like 220.50, at least 0, at most 1234567"),
        ("date", {}, "write it like 2026-11-23"),
    ],
)
def test_a_remedy_says_what_to_write(kind: str, changes: dict[str, Any], remedy: str) -> None:
    assert remedy_for(a_field(kind=kind, **changes)) == remedy


@given(rows=st.lists(st.integers(0, 2), max_size=6))
def test_rows_taken_are_the_rows_read_in_that_order(rows: list[int]) -> None:
    answers: list[dict[str, Any]] = [
        {"age": 1, "tags": "a", "home": "1,2;3,4", "not_with": "k1"},
        {"age": 2, "tags": "none", "home": "5,6;7,8", "not_with": "none"},
        {"age": 3, "home": "9,10;11,12"},
    ]
    taken = read_rows(FIELDS, answers).take(np.array(rows, dtype=np.intp))
    again = read_rows(FIELDS, [answers[row] for row in rows])
    assert taken.size == again.size
    for name in ("age", "tags", "not_with"):
        np.testing.assert_array_equal(taken[name], again[name])
    assert np.array_equal(taken["home"], again["home"], equal_nan=True) or not rows


def test_the_shipped_examples_fill_every_field() -> None:
    practice = shipped_practice()
    for fields in (practice.client, practice.clinician):
        answers = {
            name: field.levels[0] if field.behaviour.has_levels else None
            for name, field in fields.items()
        }
        required = {name: 0 for name, field in fields.items() if field.required}
        assert set(read_rows(fields, [answers | required]).values) == set(fields)


def test_columns_cannot_be_replaced() -> None:
    columns = Columns(0, {})
    with pytest.raises(AttributeError):
        columns.size = 1  # type: ignore[misc]
