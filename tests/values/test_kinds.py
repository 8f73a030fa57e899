import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.practice.columns import read_cell, remedy_for
from recommender.practice.fields import Field
from recommender.tables.cells import read_fields
from recommender.tables.table_files import read_raw_table
from recommender.values.kinds import DAYS, EPOCH, KINDS, MAX_NUMBER, is_missing

LEVELS = ("act", "cbt", "7", "emotion focused")
WAYS = ("in_person", "video")
ROOMS = {"2042": (-33.898, 151.179), "2750": (-33.751, 150.694)}
SECRET = "hunter2 lives at 12 Example St"


def a_field(kind: str, **settings: Any) -> Field:
    levels = LEVELS if "levels" in KINDS[kind].needs else ()
    if kind == "availability":
        settings = {"levels": WAYS, "rooms": "rooms", "postcodes": ROOMS, **settings}
    bounds = {"min": -10.0, "max": 1000.0} if kind in ("scale", "money") else {}
    return Field(
        **{
            "name": "x",
            "side": "client",
            "kind": kind,
            "phrase": "p",
            "purpose": "p",
            "missing": "m",
            "use": "filter",
            "levels": levels,
            **bounds,
            **settings,
        }
    )


def parsed(kind: str, cell: Any, **settings: Any) -> Any:
    value, error = read_cell(a_field(kind, **settings), cell)
    assert error is None, error
    return value


def problem_with(kind: str, cell: Any, **settings: Any) -> str:
    value, error = read_cell(a_field(kind, **settings), cell)
    assert value is None
    assert error is not None
    return error.problem


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("number", "3.5", 3.5),
        ("number", " -2 ", -2.0),
        ("number", 7, 7.0),
        ("number", Decimal("3.5"), 3.5),
        ("number", np.float32(0.5), 0.5),
        ("scale", "1000", 1000.0),
        ("ordinal", "cbt", "cbt"),
        ("category", " emotion focused ", "emotion focused"),
        ("category", 7, "7"),
        ("category", 7.0, "7"),
        ("tags", "cbt; act", ("cbt", "act")),
        ("tags", ["cbt", "act"], ("cbt", "act")),
        ("tags", np.array(["cbt"], dtype=object), ("cbt",)),
        ("tags", "none", ()),
        ("tags", "None", ()),
        ("tags", [], ()),
        ("tags", 7, ("7",)),
        ("flag", "Yes", True),
        ("flag", "0", False),
        ("flag", 1.0, True),
        ("flag", False, False),
        ("flag", np.bool_(True), True),
        ("place", "-33.87,151.21", ((-33.87, 151.21),)),
        ("place", "-33.87,151.21; -90,180", ((-33.87, 151.21), (-90.0, 180.0))),
        ("weekly_hours", "mon 09:00-12:30", ((0, 540, 750),)),
        ("weekly_hours", "SUN 00:00-24:00", ((6, 0, 1440),)),
        ("weekly_hours", "none", ()),
        ("date", "2026-11-23", date(2026, 11, 23)),
        ("date", date(2026, 11, 23), date(2026, 11, 23)),
        ("date", "2026-11-23T00:00:00", date(2026, 11, 23)),
        ("date", "2026-11-23 14:05", date(2026, 11, 23)),
        ("money", "220", 22000),
        ("money", "220.50", 22050),
        ("money", "220.500", 22050),
        ("money", 220.1, 22010),
        ("money", Decimal("0.29"), 29),
        ("money", "-1.50", -150),
        ("ids", "c12;c19", ("c12", "c19")),
        ("ids", "none", ()),
        ("ids", [12], ("12",)),
        ("link", " https://a.example/b-c.jpg ", "https://a.example/b-c.jpg"),
    ],
)
def test_a_cell_is_read(kind: str, cell: Any, value: Any) -> None:
    assert parsed(kind, cell) == value


@pytest.mark.parametrize(
    ("kind", "cell", "problem"),
    [
        ("number", "3,5", "is not a number"),
        ("number", True, "is a flag, not a number"),
        ("number", ["3"], "is not a number"),
        ("number", 1e300, "is not a finite number"),
        ("number", "1e999", "is not a finite number"),
        ("scale", -10.1, "is below the smallest value allowed"),
        ("scale", 1000.1, "is above the largest value allowed"),
        ("category", "CBT", "is not one of the declared levels"),
        ("category", ["cbt"], "is not text"),
        ("category", True, "is not text"),
        ("tags", "cbt;dbt", "has a tag that is not one of the declared levels"),
        ("tags", "cbt;none", "has a tag that is not one of the declared levels"),
        ("tags", "cbt;;act", "has an empty part"),
        ("tags", "cbt, act", "has commas between its tags"),
        ("tags", "cbt;cbt", "names a tag twice"),
        ("tags", ["cbt", None], "is not text"),
        ("flag", "perhaps", "is neither true nor false"),
        ("flag", 2, "is neither true nor false"),
        ("place", "151.21", "is not a latitude and a longitude"),
        ("place", "-33.87,151.21,5", "is not a latitude and a longitude"),
        ("place", "151.21,-33.87", "lies outside the globe"),
        ("place", "2010", "names a postcode that is not declared"),
        ("place", "-33.87,151.21;2010", "names a postcode that is not declared"),
        ("place", "none", "names no place"),
        ("place", [], "names no place"),
        ("weekly_hours", "monday 9-5", "is not a day with hours"),
        ("weekly_hours", "xyz 09:00-10:00", "is not a day with hours"),
        ("weekly_hours", "mon 09:60-10:00", "is not a day with hours"),
        ("weekly_hours", "mon 22:00-06:00", "has hours that pass midnight"),
        (
            "weekly_hours",
            "mon 22:00-24:30",
            "has hours that do not end after their start",
        ),
        ("date", "23/11/2026", "is not a date"),
        ("date", "2026-02-30", "is not a date"),
        ("date", 20261123, "is a number, not a date"),
        ("money", "$220", "is not an amount"),
        ("money", "1_000", "is not an amount"),
        ("money", [220], "is not an amount"),
        ("money", True, "is a flag, not an amount"),
        ("money", 0.1 + 0.2, "has more than two decimals"),
        ("money", "1000.01", "is above the largest value allowed"),
        ("availability", "mon 9-5", "is not a day with hours, room, ways and weeks"),
        (
            "availability",
            "mon 09:00-17:00 every 2 weeks",
            "is not a day with hours, room, ways and weeks",
        ),
        (
            "availability",
            "mon 17:00-09:00 room 1",
            "has hours that pass midnight",
        ),
        (
            "availability",
            "mon 09:00-17:00 by tram",
            "names a way of meeting that is not declared",
        ),
        (
            "availability",
            "mon 09:00-17:00 room 21",
            "names a room that is neither a number nor a declared postcode",
        ),
        (
            "availability",
            "mon 09:00-17:00 every 2 weeks from 2026-02-30",
            "has a part that is not a date",
        ),
        ("date_ranges", "2027-01-10 to 2026-12-20", "has a range that ends before it begins"),
        ("date_ranges", "Christmas", "is not a date or a range of dates"),
        ("date_ranges", "2027-02-30", "has a part that is not a date"),
        ("ids", "c12;;c13", "has an empty part"),
        ("link", "http://a.example/b.jpg", "is not an https address"),
        ("link", "https://name:password@a.example/b.jpg", "is not an https address"),
        ("link", 'https://a.example/" onerror="x', "is not an https address"),
        ("link", "https://a.example/<b>", "is not an https address"),
        ("link", "https://a.example/" + "b" * 500, "is not an https address"),
        ("link", "javascript:alert(1)", "is not an https address"),
        ("link", "https://", "is not an https address"),
        ("link", True, "is not text"),
    ],
)
def test_a_cell_is_refused_with_its_problem(kind: str, cell: Any, problem: str) -> None:
    assert problem_with(kind, cell) == problem


@pytest.mark.parametrize("cell", [None, "", "  ", float("nan"), np.float32("nan"), pd.NaT])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_cell_is_missing_and_not_a_fault(kind: str, cell: Any) -> None:
    assert is_missing(cell)
    assert read_cell(a_field(kind), cell) == (None, None)
    assert problem_with(kind, cell, required=True) == "is required but empty"


@pytest.mark.parametrize("cell", [0, False, "0", "none", [], float("inf"), "nan"])
def test_a_cell_that_says_something_is_not_missing(cell: Any) -> None:
    assert not is_missing(cell)


# Places by their postcode.

POSTCODES = {"2010": (-33.884, 151.207), "0800": (-12.46, 130.84), "SW1A 1AA": (51.5, -0.14)}


@pytest.mark.parametrize(
    ("cell", "points"),
    [
        ("2010", ["2010"]),
        (" 2010 ", ["2010"]),
        (2010, ["2010"]),
        (2010.0, ["2010"]),
        ("0800", ["0800"]),
        ("sw1a 1aa", ["SW1A 1AA"]),
        ("2010; 0800", ["2010", "0800"]),
        (["0800", "2010"], ["0800", "2010"]),
        (np.array(["2010"], dtype=object), ["2010"]),
    ],
)
def test_a_declared_postcode_is_read_as_its_point(cell: Any, points: list[str]) -> None:
    assert parsed("place", cell, postcodes=POSTCODES) == tuple(POSTCODES[code] for code in points)


def test_postcodes_and_coordinates_may_stand_beside_each_other() -> None:
    mixed = parsed("place", "2010;-33.87,151.2", postcodes=POSTCODES)
    assert mixed == ((-33.884, 151.207), (-33.87, 151.2))
    field = a_field("place", postcodes=POSTCODES)
    np.testing.assert_array_equal(field.behaviour.encode(field, [mixed]), [mixed])


def test_postcodes_are_read_from_every_kind_of_table(tmp_path: Path) -> None:
    field = a_field("place", postcodes=POSTCODES)
    cells = ["2010", "0800;-33.87,151.2", "SW1A 1AA", ""]
    pd.DataFrame({"x": cells, "row": range(4)}).to_csv(tmp_path / "mixed.csv", index=False)
    pd.DataFrame({"x": cells}).to_parquet(tmp_path / "mixed.parquet")
    pd.DataFrame({"x": [2010, 2010]}).to_csv(tmp_path / "codes.csv", index=False)
    pd.DataFrame({"x": [2010, 2010]}).to_parquet(tmp_path / "codes.parquet")
    told = {path.name: columns_in(path, field) for path in sorted(tmp_path.iterdir())}
    np.testing.assert_array_equal(told["mixed.csv"], told["mixed.parquet"])
    np.testing.assert_array_equal(told["mixed.csv"][0], [POSTCODES["2010"], (np.nan, np.nan)])
    np.testing.assert_array_equal(told["mixed.csv"][1], [POSTCODES["0800"], (-33.87, 151.2)])
    for name in ("codes.csv", "codes.parquet"):
        np.testing.assert_array_equal(told[name], [[POSTCODES["2010"]]] * 2)


def columns_in(path: Path, field: Field) -> Any:
    sheet, _ = read_raw_table(path)
    assert sheet is not None
    read = read_fields(sheet, {"x": field})
    assert read.faults == []
    return read.columns["x"]


@pytest.mark.parametrize("cell", ["2011", 2011, "2010;2011", ["2010", "2011"], 800, "2010 2042"])
def test_an_undeclared_postcode_is_refused_without_being_repeated(cell: Any) -> None:
    problem = problem_with("place", cell, postcodes=POSTCODES)
    assert problem == "names a postcode that is not declared"
    assert "[postcodes]" in remedy_for(a_field("place", postcodes=POSTCODES))


def test_a_name_where_postcodes_are_declared_is_a_place_that_is_not() -> None:
    problem = problem_with("place", "Surry Hills", postcodes=POSTCODES)
    assert problem == "names a place that is not declared"


@pytest.mark.parametrize("cell", ["2010,", "12 Example St, Surry Hills 2010"])
def test_what_is_neither_postcode_nor_coordinates_is_refused_as_before(cell: str) -> None:
    problem = problem_with("place", cell, postcodes=POSTCODES)
    assert problem == "is not a latitude and a longitude"


def test_a_field_with_postcodes_can_be_an_element_of_a_set() -> None:
    one, same = (a_field("place", postcodes=dict(POSTCODES)) for _ in range(2))
    assert {one, same} == {one}
    assert one != a_field("place")


# What went wrong for a person.


@pytest.mark.parametrize("cell", ["c12, c13", "Dr Jane Smith", "c12 c13", ["c12;c13"], "none;c12"])
def test_a_list_with_an_impossible_id_is_refused(cell: Any) -> None:
    assert problem_with("ids", cell) == "has a part that is not an id"


def test_a_date_with_a_slip_behind_it_no_longer_reads_as_another_day() -> None:
    for slip in ("2026-11-233", "2026-11-23 or so", "20261123", "2026-W47-1"):
        assert problem_with("date", slip) == "is not a date"


def test_an_evening_in_utc_no_longer_becomes_the_day_before_in_the_practice() -> None:
    evening = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert problem_with("date", evening) == "is a time in a time zone, not a date"
    assert problem_with("date", evening.isoformat()) == "is not a date"
    assert parsed("date", evening.replace(tzinfo=None)) == date(2026, 11, 22)


def test_hours_written_twice_no_longer_count_twice() -> None:
    told = "tue 10:00-11:00; mon 10:00-13:00; mon 09:00-12:00; mon 13:00-14:00"
    assert parsed("weekly_hours", told) == ((0, 540, 840), (1, 600, 660))


def test_a_fee_with_a_huge_exponent_is_a_fault_and_no_longer_ends_the_request() -> None:
    for cell in ("1e999999", 10**5000, 1e300, "9" * 30, Decimal("NaN"), Decimal("sNaN")):
        assert problem_with("money", cell) in ("is not an amount", "is not a finite number")


@pytest.mark.parametrize("kind", ["number", "category", "tags", "flag", "ids"])
def test_a_huge_whole_number_is_a_fault_and_no_longer_ends_the_request(kind: str) -> None:
    assert problem_with(kind, 10**5000) == "is not a finite number"


def test_a_long_code_keeps_all_its_digits() -> None:
    assert parsed("category", 1234567, levels=("1234567",)) == "1234567"
    assert problem_with("category", 1234567.0, levels=("1.23457e+06",))


def test_a_flag_that_is_nearly_one_is_no_longer_true() -> None:
    assert problem_with("flag", 1.0000001) == "is neither true nor false"


def test_an_underscore_in_a_number_is_no_longer_passed_over() -> None:
    assert problem_with("number", "1_0") == "is not a number"
    assert problem_with("place", "-33_0,151") == "is not a latitude and a longitude"


def test_a_fee_with_a_hidden_decimal_is_no_longer_rounded() -> None:
    assert problem_with("money", "1.000000000000000000000000000000001")
    assert problem_with("money", "12345678901.00000000000000000001") == "has more than two decimals"


# Properties.

DAYTIMES = st.integers(0, 1439).flatmap(
    lambda start: st.tuples(st.sampled_from(DAYS), st.just(start), st.integers(start + 1, 1440))
)
FORMS: dict[str, st.SearchStrategy[Any]] = {
    "number": st.floats(-MAX_NUMBER, MAX_NUMBER),
    "scale": st.floats(-10, 1000),
    "ordinal": st.sampled_from(LEVELS),
    "category": st.sampled_from(LEVELS),
    "tags": st.lists(st.sampled_from(LEVELS), unique=True),
    "flag": st.booleans(),
    "place": st.lists(
        st.tuples(st.floats(-90, 90), st.floats(-180, 180)).map(lambda p: f"{p[0]!r},{p[1]!r}"),
        min_size=1,
        max_size=3,
    ),
    "weekly_hours": st.lists(
        DAYTIMES.map(lambda w: f"{w[0]} {_clock(w[1])}-{_clock(w[2])}"), max_size=4
    ),
    "availability": st.lists(
        st.builds(
            lambda w, *terms: f"{w[0]} {_clock(w[1])}-{_clock(w[2])}{''.join(terms)}",
            DAYTIMES,
            st.sampled_from(["", " room 1", " room 20", " room 2042"]),
            st.sampled_from(["", " by video", " by in_person,video"]),
            st.sampled_from(
                ["", " every 2 weeks from 2026-11-23", " every 8 weeks from 1969-12-01"]
            ),
        ),
        max_size=4,
    ),
    "date_ranges": st.lists(
        st.lists(st.dates(max_value=date(9999, 12, 30)), min_size=1, max_size=2).map(
            lambda days: " to ".join(day.isoformat() for day in sorted(days))
        ),
        max_size=3,
    ),
    "date": st.dates(),
    "money": st.integers(-1000, 100_000).map(lambda cents: cents / 100),
    "ids": st.lists(
        st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True).filter(
            lambda name: name.lower() != "none"
        ),
        max_size=3,
    ),
    "link": st.from_regex(
        r"https://[a-z][a-z0-9]{0,20}\.example(:[0-9]{1,5})?(/[A-Za-z0-9._~%=&?-]{0,40})?",
        fullmatch=True,
    ),
}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def as_csv(answer: Any) -> str:
    if isinstance(answer, list):
        return ";".join(answer) or "none"
    if isinstance(answer, bool):
        return str(answer).lower()
    return repr(answer) if isinstance(answer, float) else str(answer)


def test_every_kind_has_a_form_and_an_example() -> None:
    assert set(FORMS) == set(KINDS)
    assert all(kind.example for kind in KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_answer_is_the_same_as_a_cell_as_json_and_as_an_array(
    kind: str, data: st.DataObject
) -> None:
    answer = data.draw(FORMS[kind])
    written = answer.isoformat() if isinstance(answer, date) else answer
    value = parsed(kind, answer)
    assert parsed(kind, as_csv(answer)) == value
    assert parsed(kind, json.loads(json.dumps(written))) == value
    if isinstance(answer, list):
        assert parsed(kind, tuple(answer)) == value
        assert parsed(kind, np.array(answer, dtype=object)) == value


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_value_is_read_again_from_what_it_was_read_as(kind: str, data: st.DataObject) -> None:
    value = parsed(kind, data.draw(FORMS[kind]))
    field = a_field(kind)
    one = field.behaviour.encode(field, [value])
    both = field.behaviour.encode(field, [value, None])
    np.testing.assert_array_equal(one[0], both[0])
    assert both[1] is None if both.dtype == object else np.isnan(both[1]).all()
    assert len(one) == 1


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_table_says_the_same_as_csv_and_as_parquet(kind: str, data: st.DataObject) -> None:
    answers = data.draw(st.lists(FORMS[kind], min_size=1, max_size=5))
    with TemporaryDirectory() as directory:
        csv, parquet = (Path(directory) / name for name in ("t.csv", "t.parquet"))
        pd.DataFrame({"x": [as_csv(answer) for answer in answers]}).to_csv(csv, index=False)
        pd.DataFrame({"x": pd.Series(answers, dtype=object)}).to_parquet(parquet)
        assert values_in(csv, kind) == values_in(parquet, kind)


def values_in(path: Path, kind: str) -> list[Any]:
    sheet, faults = read_raw_table(path)
    assert sheet is not None
    assert not faults
    cells = sheet.column("x")
    return [parsed(kind, cells.distinct[place]) for place in cells.places]


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text()
    | st.decimals()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.binary()
    | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=4,
)


@pytest.mark.parametrize("kind", KINDS)
@given(cell=JUNK)
def test_whatever_arrives_is_read_or_refused_in_our_own_words(kind: str, cell: Any) -> None:
    _, error = read_cell(a_field(kind), cell)
    assert error is None or error.problem in PROBLEMS


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"ids"}))
def test_a_refusal_never_repeats_the_answer(kind: str) -> None:
    for cell in (SECRET, [SECRET], {"note": SECRET}):
        problem = problem_with(kind, cell)
        assert not set(SECRET.split()) & set(problem.split())


def test_arrays_hold_what_their_kind_says() -> None:
    def array(kind: str, *cells: Any) -> Any:
        values = [None if cell is None else parsed(kind, cell) for cell in cells]
        return KINDS[kind].encode(a_field(kind), values)

    nan = np.nan
    np.testing.assert_array_equal(array("category", "cbt", None), [1, nan])
    np.testing.assert_array_equal(
        array("tags", "cbt;act", "none", None), [[1, 1, 0, 0], [0, 0, 0, 0], [nan] * 4]
    )
    np.testing.assert_array_equal(array("flag", "yes", "no", None), [1, 0, nan])
    np.testing.assert_array_equal(array("money", "220.50", None), [22050, nan])
    np.testing.assert_array_equal(array("date", "1970-01-02", None), [1, nan])
    assert date(1970, 1, 1).toordinal() == EPOCH
    np.testing.assert_array_equal(
        array("place", "1,2", "3,4;5,6", None),
        [[[1, 2], [nan, nan]], [[3, 4], [5, 6]], [[nan, nan], [nan, nan]]],
    )
    np.testing.assert_array_equal(
        array("weekly_hours", "tue 01:00-02:00", "none", None),
        [[[1, 60, 120]], [[0, 0, 0]], [[nan] * 3]],
    )
    np.testing.assert_array_equal(
        array(
            "availability",
            "mon 09:00-10:00 room 2750 by video every 2 weeks from 1970-01-02",
            "tue 09:00-10:00 room 2",
            "none",
            None,
        ),
        [[[0, 540, 600, -2, 2, 2, 1]], [[1, 540, 600, 2, 0, 1, 0]], [[0] * 7], [[nan] * 7]],
    )
    np.testing.assert_array_equal(
        array("date_ranges", "1970-01-01 to 1970-01-02; 1970-01-05", "none", None),
        [[[0, 2], [4, 5]], [[0, 0], [nan, nan]], [[nan, nan], [nan, nan]]],
    )
    assert list(array("ids", "c1;c2", None)) == [("c1", "c2"), None]
    assert list(array("link", "https://a.example/b.jpg", None)) == ["https://a.example/b.jpg", None]


PROBLEMS = frozenset(
    """\
is not a day with hours, room, ways and weeks
names a way of meeting that is not declared
names a room that is neither a number nor a declared postcode
is not a date or a range of dates
has a part that is not a date
has a range that ends before it begins
is not text
is not a number
is a flag, not a number
is not a finite number
is below the smallest value allowed
is above the largest value allowed
is not one of the declared levels
has a tag that is not one of the declared levels
has commas between its tags
has an empty part
names a tag twice
is neither true nor false
is not a latitude and a longitude
lies outside the globe
names a postcode that is not declared
names no place
is not a day with hours
has hours that do not end after their start
has hours that pass midnight
is not a date
is a number, not a date
is a time in a time zone, not a date
is a flag, not an amount
is not an amount
has more than two decimals
is not an https address
has a part that is not an id""".splitlines()
)


@pytest.mark.parametrize(
    ("kind", "cell", "meant"),
    [
        ("category", "CBT", "cbt"),
        ("category", " Act ", "act"),
        ("category", "In Person", "in_person"),
        ("category", "in-person", "in_person"),
        ("category", "F40.1", "F40"),
        ("tags", "CBT; act", "cbt"),
        ("tags", ["Cbt", "IN PERSON"], "cbt;in_person"),
        ("tags", "cbt;in persom", "in_person"),
    ],
)
def test_a_level_as_people_write_it_is_answered_with_the_declared_one(
    kind: str, cell: Any, meant: str
) -> None:
    field = a_field(kind, levels=("cbt", "act", "in_person", "F40"))
    _, error = read_cell(field, cell)
    assert error is not None
    assert error.remedy.startswith(f"did you mean {meant}? Choose from cbt, act, ")


def test_a_list_as_survey_tools_export_it_is_read_or_explained() -> None:
    field = a_field("tags", levels=("cbt", "act"))
    assert read_cell(field, "cbt;act;") == (("cbt", "act"), None)
    assert read_cell(field, " cbt ; act ; ") == (("cbt", "act"), None)
    _, error = read_cell(field, "cbt, act")
    assert error is not None
    assert str(error) == "has commas between its tags"
    assert error.remedy == "separate them with semicolons, like level;level"


def test_an_evening_shift_past_midnight_is_explained_and_the_remedy_is_read() -> None:
    field = a_field("weekly_hours")
    _, error = read_cell(field, "mon 22:00-02:00")
    assert error is not None
    assert error.problem == "has hours that pass midnight"
    written = error.remedy.removeprefix("split them at 24:00, like ")
    assert read_cell(field, written) == (((0, 1320, 1440), (1, 0, 120)), None)
