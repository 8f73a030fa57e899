from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recommender.errors import TablesError
from recommender.tables.loader import Tables, read_clients, read_roster, read_tables
from recommender.tables.report import check_tables
from recommender.tables.roster import snapshot
from tests.support.examples import examples
from tests.support.small_practice import (
    FILES,
    PRACTICE,
    Files,
    with_cell,
    with_row,
    without_column,
    write_csv,
    write_parquet,
)
from tests.support.table_faults import CellFault, each_fault

TAKEN_AT = datetime(2026, 11, 23, tzinfo=UTC)
TODAY = date(2026, 11, 23)
# Columns read together with others, which may then be told in their place.
LINKS = set(FILES["pairings"]) | set(FILES["ratings"]) | {"client_id", "clinician_id"}
LINKS -= {"sessions", "item_1", "item_2", "item_3"}


def read(directory: Path, files: Files = FILES) -> Tables:
    return read_tables(write_csv(directory, files), PRACTICE, None)


def faults_of(directory: Path, files: Files, today: date | None = None) -> list[CellFault]:
    return list(each_fault(check_tables(write_csv(directory, files), PRACTICE, today)))


def the_fault(directory: Path, files: Files, today: date | None = None) -> CellFault:
    [fault] = faults_of(directory, files, today)
    return fault


def place(fault: CellFault) -> tuple[str, int | None, str | None]:
    return fault.file, fault.row, fault.column


def test_sound_tables_are_read_in_the_order_of_their_ids(tmp_path: Path) -> None:
    tables = read(tmp_path)
    assert tables.client_ids == ("c1", "c2", "c3")
    assert tables.clinician_names == ("Dr Ng", None)
    np.testing.assert_array_equal(tables.clients["age"], [34, np.nan, 51.5])
    np.testing.assert_array_equal(tables.clients["most"], [22000, 22050, np.nan])
    np.testing.assert_array_equal(tables.clients["concerns"], [[1, 0, 1], [0, 0, 0], [np.nan] * 3])
    assert tables.pairings["client"].tolist() == [0, 1, 2]
    assert tables.pairings["clinician"].tolist() == [0, 0, 1]
    assert tables.ratings["session"].tolist() == [2, 3, 1, 2]
    assert tables.ratings["session"].dtype == np.int64
    assert tables.ratings["score"].isna().tolist() == [False, True, False, False]


def test_a_rating_is_known_on_the_day_it_was_made_unless_told_otherwise(tmp_path: Path) -> None:
    known_on = read(tmp_path).ratings["known_on"]
    assert known_on.dt.strftime("%m-%d").tolist() == ["03-10", "03-15", "03-08", "03-15"]


def test_what_was_not_given_is_missing_in_pairings(tmp_path: Path) -> None:
    pairings = read(tmp_path).pairings
    assert pairings["sessions"].isna().tolist() == [False, True, False]
    assert pairings["ended_on"].isna().tolist() == [False, True, True]


def test_optional_columns_may_be_left_out(tmp_path: Path) -> None:
    files = without_column("pairings", "sessions")
    del files["pairings"]["ended_on"], files["ratings"]["known_on"], files["clinicians"]["name"]
    assert read(tmp_path, files).clinician_names == (None, None)


def test_csv_and_parquet_give_the_same_tables(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "typed").mkdir()
    one = read(tmp_path / "text")
    other = read_tables(write_parquet(tmp_path / "typed"), PRACTICE, None)
    assert one.digest == other.digest
    for name in PRACTICE.client:
        np.testing.assert_array_equal(one.clients[name], other.clients[name])
    pd.testing.assert_frame_equal(one.pairings, other.pairings)
    pd.testing.assert_frame_equal(one.ratings, other.ratings)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_changes_nothing(random: Random) -> None:
    files: Files = {}
    for table, cells in FILES.items():
        rows = list(zip(*cells.values(), strict=True))
        random.shuffle(rows)
        files[table] = dict(zip(cells, map(list, zip(*rows, strict=True)), strict=True))
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        shuffled, plain = read(Path(one), files), read(Path(other))
    assert shuffled.digest == plain.digest
    pd.testing.assert_frame_equal(shuffled.pairings, plain.pairings)
    pd.testing.assert_frame_equal(shuffled.ratings, plain.ratings)


@pytest.mark.parametrize(
    ("table", "row", "column", "cell"),
    [
        ("clients", 2, "age", "35"),
        ("clients", 3, "concerns", ""),
        ("clinicians", 2, "name", "Dr Wu"),
        ("clinicians", 2, "not_with", "c8"),
        ("pairings", 3, "sessions", "0"),
        ("pairings", 4, "clinician_id", "k1"),
        ("ratings", 2, "score", "4.4"),
        ("ratings", 3, "item_3", "1"),
        ("ratings", 5, "rater", "client"),
    ],
)
def test_any_other_cell_gives_another_digest(
    tmp_path: Path, table: str, row: int, column: str, cell: str
) -> None:
    changed = read(tmp_path, with_cell(table, row, column, cell))
    assert changed.digest != read(tmp_path).digest


def test_an_item_column_nobody_answered_does_not_change_the_digest(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    for column in files["ratings"]:
        files["ratings"][column].pop(1)
    whole = read(tmp_path, files).digest
    for number in (1, 2, 3):
        del files["ratings"][f"item_{number}"]
    assert read(tmp_path, files).digest == whole


def with_chances(*cells: str) -> Files:
    files = deepcopy(FILES)
    rows = len(files["pairings"]["pairing_id"])
    files["pairings"]["propensity"] = [*cells, *[""] * (rows - len(cells))]
    return files


def test_chances_are_read_and_only_a_column_without_any_leaves_the_digest_alone(
    tmp_path: Path,
) -> None:
    drawn = read(tmp_path, with_chances("0.25", "1"))

    assert drawn.pairings["propensity"].tolist()[:2] == [0.25, 1.0]
    assert drawn.pairings["propensity"].isna().sum() == len(drawn.pairings) - 2
    assert read(tmp_path, with_chances()).digest == read(tmp_path).digest != drawn.digest


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("0", "is 0"),
        ("1.5", "is above the largest value allowed"),
        ("-0.1", "is below the smallest value allowed"),
    ],
)
def test_a_chance_that_is_none_is_told(tmp_path: Path, cell: str, problem: str) -> None:
    fault = the_fault(tmp_path, with_chances(cell))
    assert (fault.column, fault.problem) == ("propensity", problem)


def test_the_roster_of_the_tables_is_that_of_the_file_alone(tmp_path: Path) -> None:
    tables = read(tmp_path)
    roster = tables.roster(TAKEN_AT)
    alone = read_roster(tmp_path / "clinicians.csv", PRACTICE, TAKEN_AT)
    assert roster.version == alone.version
    columns = tables.clinicians
    assert alone.version == snapshot(("k1", "k2"), (None, None), columns, TAKEN_AT).version


def test_clients_can_be_read_alone(tmp_path: Path) -> None:
    write_csv(tmp_path)
    assert read_clients(tmp_path / "clients.csv", PRACTICE).ids == ("c1", "c2", "c3")


def test_a_file_read_alone_is_refused_with_its_faults(tmp_path: Path) -> None:
    write_csv(tmp_path, with_cell("clients", 3, "age", "-1"))
    with pytest.raises(TablesError, match=r"clients\.csv, column age, row 3: is below"):
        read_clients(tmp_path / "clients.csv", PRACTICE)
    with pytest.raises(TablesError, match=r"nowhere\.csv: cannot be opened"):
        read_roster(tmp_path / "nowhere.csv", PRACTICE, TAKEN_AT)
    with pytest.raises(TablesError, match="is not CSV, Parquet or a workbook"):
        read_clients(tmp_path / "clients.ods", PRACTICE)


CELL_FAULTS = [
    ("clients", 2, "client_id", "a b", "is not a pseudonym"),
    ("clients", 2, "client_id", "anna@example.org", "is not a pseudonym"),
    ("clients", 2, "client_id", "x" * 65, "is not a pseudonym"),
    ("clients", 2, "client_id", "0412345678", "looks like a telephone number or a date"),
    ("clients", 2, "client_id", "1985-03-02", "looks like a telephone number or a date"),
    ("clients", 2, "client_id", " ", "is empty"),
    ("clients", 3, "age", "old", "is not a number"),
    ("clients", 3, "age", "NaN", "is not a finite number"),
    ("clients", 3, "age", "inf", "is not a finite number"),
    ("clients", 3, "age", "121", "is above the largest value allowed"),
    ("clients", 4, "concerns", "anxiety;spiders", "has a tag that is not one of the declared"),
    ("clients", 4, "home", "95,10", "lies outside the globe"),
    ("clients", 4, "most", "1.005", "has more than two decimals"),
    ("clients", 4, "mode", "telephone", "is not one of the declared levels"),
    ("clients", 4, "mode", "", "is required but empty"),
    ("clinicians", 3, "name", "two\nlines", "is not a name on one line"),
    ("clinicians", 3, "hours", "mon 9-12", "is not a day with hours"),
    ("clinicians", 3, "joined", "2026-02-30", "is not a date"),
    ("pairings", 4, "client_id", "c9", "is not among the clients"),
    ("pairings", 4, "clinician_id", "k9", "is not among the clinicians"),
    ("pairings", 4, "started_on", "", "is required but empty"),
    ("pairings", 4, "started_on", "0206-04-01", "lies outside 1900 to 2199"),
    ("pairings", 4, "ended_on", "2026-03-31", "is before started_on"),
    ("pairings", 4, "sessions", "1.5", "is not a whole number"),
    ("pairings", 4, "sessions", "-1", "is below the smallest value allowed"),
    ("ratings", 2, "pairing_id", "p9", "is not among the pairings"),
    ("ratings", 2, "session", "0", "is below the smallest value allowed"),
    ("ratings", 2, "session", "1.5", "is not a whole number"),
    ("ratings", 2, "rated_on", "2026-02-28", "is before the pairing started"),
    ("ratings", 2, "known_on", "2026-03-07", "is before rated_on"),
    ("ratings", 2, "instrument", "wai_sr", "is not one of the declared levels"),
    ("ratings", 2, "rater", "observer", "is not one of the declared levels"),
    ("ratings", 2, "metric", "total", "is not one of the declared levels"),
    ("ratings", 2, "score", "5.1", "lies outside the range of three as mean"),
    ("ratings", 4, "score", "20.5", "lies outside the range of totals_only as sum"),
    ("ratings", 5, "score", "75", "lies outside the range of three as pomp"),
    ("ratings", 2, "score", "", "is empty"),
    ("ratings", 2, "item_1", "4", "is given together with a total and would be lost"),
    ("ratings", 3, "score", "4.5", "is given together with item answers and would be lost"),
    ("ratings", 3, "item_2", "6", "is not a response of three"),
    ("ratings", 3, "item_2", "3.5", "is not a response of three"),
]


@pytest.mark.parametrize(("table", "row", "column", "cell", "problem"), CELL_FAULTS)
def test_a_faulty_cell_is_told_with_its_row_and_column_and_not_its_content(
    tmp_path: Path, table: str, row: int, column: str, cell: str, problem: str
) -> None:
    faults = faults_of(tmp_path, with_cell(table, row, column, cell))
    fault = next(fault for fault in faults if fault.file == f"{table}.csv")
    assert place(fault) == (f"{table}.csv", row, column)
    assert fault.problem.startswith(problem)
    assert fault.remedy
    if len(cell.strip()) > 4:
        assert cell not in str(faults)


def test_a_client_without_a_sound_id_leaves_its_pairing_without_a_client(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, with_cell("clients", 2, "client_id", "a b"))
    assert [place(fault) for fault in faults] == [
        ("clients.csv", 2, "client_id"),
        ("pairings.csv", 2, "client_id"),
    ]


def test_an_id_that_is_there_twice_is_told_with_both_rows(tmp_path: Path) -> None:
    fault = the_fault(tmp_path, with_row("clients", client_id=" c1"))
    assert (place(fault), fault.repeats) == (("clients.csv", 5, "client_id"), 2)
    with pytest.raises(TablesError, match=r"column client_id, row 5 \(as 2\): is there twice"):
        read_tables(tmp_path, PRACTICE, None)


def test_a_clinician_or_a_pairing_that_is_there_twice_is_told_once(tmp_path: Path) -> None:
    fault = the_fault(tmp_path, with_row("clinicians"))
    assert (place(fault), fault.repeats) == (("clinicians.csv", 4, "clinician_id"), 2)
    fault = the_fault(tmp_path, with_row("pairings"))
    assert (place(fault), fault.repeats) == (("pairings.csv", 5, "pairing_id"), 2)


def test_one_pairing_under_two_ids_is_told_with_both_rows(tmp_path: Path) -> None:
    fault = the_fault(tmp_path, with_row("pairings", pairing_id="p4"))
    assert (place(fault), fault.repeats) == (("pairings.csv", 5, "pairing_id"), 2)
    assert fault.problem == "has the client, clinician and start of an earlier pairing"


def test_a_session_rated_twice_by_one_rater_on_one_instrument_is_told(tmp_path: Path) -> None:
    fault = the_fault(tmp_path, with_row("ratings", score="3"))
    assert (place(fault), fault.repeats) == (("ratings.csv", 6, "session"), 2)
    assert not faults_of(tmp_path, with_row("ratings", rater="clinician"))
    assert not faults_of(tmp_path, with_row("ratings", instrument="totals_only"))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("clients", "client_id"),
        ("clients", "age"),
        ("clinicians", "hours"),
        ("pairings", "started_on"),
        ("ratings", "metric"),
    ],
)
def test_a_missing_column_is_told(tmp_path: Path, table: str, column: str) -> None:
    faults = faults_of(tmp_path, without_column(table, column))
    assert (f"{table}.csv", None, column) in map(place, faults)


def test_a_missing_item_column_is_told(tmp_path: Path) -> None:
    fault = the_fault(tmp_path, without_column("ratings", "item_3"))
    assert (place(fault), fault.problem) == (("ratings.csv", None, "item_3"), "is missing")


def test_items_of_a_form_that_takes_only_totals_are_told(tmp_path: Path) -> None:
    files = with_cell("ratings", 4, "metric", "items")
    files["ratings"]["score"][2] = ""
    assert the_fault(tmp_path, files).problem == "is for items, but totals_only takes totals only"


def test_answers_beyond_the_items_of_a_form_are_told(tmp_path: Path) -> None:
    files = with_cell("ratings", 4, "metric", "items")
    files["ratings"]["score"][2], files["ratings"]["item_3"][2] = "", "3"
    assert ("ratings.csv", 4, "item_3") in map(place, faults_of(tmp_path, files))


def test_an_unknown_column_is_told_by_its_name(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    files["clients"]["shoe_size"] = ["1", "2", "3"]
    fault = the_fault(tmp_path, files)
    assert place(fault) == ("clients.csv", None, "shoe_size")
    assert fault.problem == "is not known and would be lost"


def test_the_first_person_of_a_file_without_a_header_is_not_told(tmp_path: Path) -> None:
    write_csv(tmp_path)
    text = (tmp_path / "clients.csv").read_text()
    (tmp_path / "clients.csv").write_text(text.partition("\n")[2])
    report = check_tables(tmp_path, PRACTICE)
    [fault] = report.faults
    assert fault.problem == "has no header: its first line names no known column"
    assert "anxiety;sleep" not in str(report)


def test_a_column_name_used_twice_is_told(tmp_path: Path) -> None:
    write_csv(tmp_path)
    text = (tmp_path / "clients.csv").read_text()
    (tmp_path / "clients.csv").write_text(text.replace("concerns", "age", 1))
    problems = [fault.problem for fault in check_tables(tmp_path, PRACTICE).faults]
    assert "column number 3 has the name of an earlier one" in problems


def the_file_fault(directory: Path, content: bytes, file: str = "clients.csv") -> CellFault:
    (write_csv(directory) / file).write_bytes(content)
    [fault] = each_fault(check_tables(directory, PRACTICE))
    return fault


def test_a_file_in_another_encoding_is_told_with_the_byte(tmp_path: Path) -> None:
    fault = the_file_fault(tmp_path, "client_id,age\nc1,\u00e9".encode("latin-1"))
    assert fault.problem == "is not UTF-8 at byte 17 (line 2)"


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = write_csv(tmp_path) / "clients.csv"
    plain = read_tables(tmp_path, PRACTICE, None).digest
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_tables(tmp_path, PRACTICE, None).digest == plain


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_told(tmp_path: Path, content: bytes) -> None:
    assert the_file_fault(tmp_path, content).problem == "is empty"


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (write_csv(tmp_path) / "clients.csv").unlink()
    (tmp_path / "clients.csv").mkdir()
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert fault.problem == "cannot be opened"


def test_a_file_that_only_says_it_is_parquet_is_told(tmp_path: Path) -> None:
    (write_csv(tmp_path) / "clients.csv").unlink()
    (tmp_path / "clients.parquet").write_bytes(b"PAR1 and nothing more PAR1")
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert (fault.file, fault.problem) == ("clients.parquet", "cannot be read as Parquet")


def test_a_table_as_csv_and_parquet_at_once_is_told(tmp_path: Path) -> None:
    write_parquet(write_csv(tmp_path), {"clients": FILES["clients"]})
    [fault] = check_tables(tmp_path, PRACTICE).faults
    assert (fault.file, fault.problem) == (
        "clients",
        "is there as clients.csv and as clients.parquet",
    )


def test_every_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(TablesError) as raised:
        read_tables(tmp_path, PRACTICE, None)
    named = [(fault.where, fault.problem) for fault in raised.value.faults]
    assert named == [(t, "is missing") for t in ("clients", "clinicians", "pairings", "ratings")]


def test_rows_with_too_few_or_too_many_cells_are_told_and_reading_goes_on(tmp_path: Path) -> None:
    path = write_csv(tmp_path) / "pairings.csv"
    path.write_text(path.read_text() + "p4,c1,k2,2026-05-01\np5,c2,k2,2026-05-01,1,,,\n")
    faults = [(fault.row, fault.problem) for fault in each_fault(check_tables(tmp_path, PRACTICE))]
    assert faults == [
        (5, "has fewer cells than the header"),
        (6, "has more cells than the header"),
    ]


def test_a_quotation_mark_that_is_not_closed_is_told_with_its_row(tmp_path: Path) -> None:
    path = write_csv(tmp_path) / "pairings.csv"
    path.write_text(path.read_text() + '"p4,c1,k2,2026-05-01,,\n')
    [fault] = each_fault(check_tables(tmp_path, PRACTICE))
    assert (fault.row, fault.problem) == (5, "cannot be read from this row on")


def test_rows_are_lines_of_the_file_even_after_blank_lines_and_cells_of_two(
    tmp_path: Path,
) -> None:
    content = (
        b'client_id,age,concerns,home,most,mode\n\nc1,,,,,video\nc2,,"\n",,,video\nc3,x,,,,video\n'
    )
    fault = the_file_fault(tmp_path, content)
    assert place(fault) == ("clients.csv", 6, "age")


def test_a_practice_may_have_no_ratings_yet_but_not_an_empty_roster(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    files["ratings"] = {column: [] for column in FILES["ratings"]}
    assert read(tmp_path, files).ratings.empty
    files["pairings"] = {column: [] for column in FILES["pairings"]}
    files["clinicians"] = {column: [] for column in FILES["clinicians"]}
    assert the_fault(tmp_path, files).problem == "has no rows"


@pytest.mark.parametrize("table", ["clients", "clinicians", "pairings"])
def test_a_table_of_a_header_alone_is_one_fault_and_not_one_for_each_row_that_names_it(
    tmp_path: Path, table: str
) -> None:
    files = deepcopy(FILES)
    files[table] = {column: [] for column in FILES[table]}
    fault = the_fault(tmp_path, files)
    assert place(fault) == (f"{table}.csv", None, None)
    assert fault.problem == "has no rows"
    assert fault.remedy == f"give one row for each {table.removesuffix('s')}"


@pytest.mark.parametrize(
    ("table", "row", "column", "cell"),
    [
        ("pairings", 4, "started_on", "2027-11-25"),
        ("pairings", 4, "ended_on", "2026-11-24"),
        ("ratings", 3, "rated_on", "2026-11-24"),
        ("ratings", 2, "known_on", "2026-11-24"),
    ],
)
def test_a_date_in_the_future_is_told_once_today_is_known(
    tmp_path: Path, table: str, row: int, column: str, cell: str
) -> None:
    files = with_cell(table, row, column, cell)
    assert not faults_of(tmp_path, files)
    fault = the_fault(tmp_path, files, TODAY)
    assert (place(fault), fault.problem) == ((f"{table}.csv", row, column), "lies in the future")


def test_ids_kept_as_numbers_in_parquet_are_those_of_the_csv(tmp_path: Path) -> None:
    (tmp_path / "clients.parquet").unlink(missing_ok=True)
    cells = {**FILES["clients"], "client_id": ["11", "12", "13"]}
    write_csv(tmp_path, {"clients": cells})
    frame = pd.DataFrame(cells).assign(client_id=[11, 12, 13])
    frame.to_parquet(tmp_path / "clients.parquet", index=False)
    one = read_clients(tmp_path / "clients.csv", PRACTICE)
    assert read_clients(tmp_path / "clients.parquet", PRACTICE).ids == one.ids


def test_cells_no_csv_can_hold_are_told(tmp_path: Path) -> None:
    write_csv(tmp_path, {name: cells for name, cells in FILES.items() if name != "clients"})
    frame = pd.DataFrame(FILES["clients"]).assign(
        age=pd.Series([{"years": 3}] * 3),
        client_id=[1.0, 2.0, 3.0],
        mode=pd.Series([["video"]] * 3),
    )
    frame.to_parquet(tmp_path / "clients.parquet", index=False)
    faults = check_tables(tmp_path, PRACTICE).faults
    told = {(fault.column, fault.problem) for fault in faults if fault.file == "clients.parquet"}
    assert told == {
        ("age", "is not a number"),
        ("client_id", "is not text"),
        ("mode", "is not text"),
    }


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    files = deepcopy(FILES)
    wanted = set()
    for table, row, column, cell in [
        ("clients", 2, "age", "x"),
        ("clients", 3, "home", "x"),
        ("clinicians", 3, "focus", "x"),
        ("pairings", 4, "sessions", "x"),
        ("ratings", 2, "score", "x"),
        ("ratings", 3, "item_1", "x"),
        ("ratings", 4, "rated_on", "x"),
    ]:
        files[table][column][row - 2] = cell
        wanted.add(f"{table}.csv, column {column}, row {row}")
    write_csv(tmp_path, files)
    with pytest.raises(TablesError) as raised:
        read_tables(tmp_path, PRACTICE, None)
    assert {fault.where for fault in raised.value.faults} == wanted


PLACES = [
    (table, row, column)
    for table, cells in FILES.items()
    for column, above in cells.items()
    for row in range(2, len(above) + 2)
]
# A bare carriage return ends a line of CSV, and the writer of these tables does not quote it.
WRITABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\r")
TEXTS = st.text(WRITABLE, max_size=12) | st.sampled_from(
    ["0", "-1", "2", "nan", "1e400", "none", ";", "2026-03-02", "9999-12-31", "c1", "k1", "sum"]
)


@given(st.sampled_from(PLACES), TEXTS)
@example(("ratings", 3, "metric"), "sum")
@settings(max_examples=examples(25, 60), deadline=None)
def test_a_changed_cell_is_either_sound_or_told_where_it_stands(
    where: tuple[str, int, str], cell: str
) -> None:
    table, row, column = where
    with TemporaryDirectory() as folder:
        directory = write_csv(Path(folder), with_cell(table, row, column, cell))
        report = check_tables(directory, PRACTICE, TODAY)
        if report.sound:
            read_tables(directory, PRACTICE, TODAY)
            return
        with pytest.raises(TablesError):
            read_tables(directory, PRACTICE, TODAY)
    told = {place(fault) for fault in each_fault(report)}
    if column in LINKS:
        assert all(found[1] is not None for found in told)
    else:
        assert told == {(f"{table}.csv", row, column)}
