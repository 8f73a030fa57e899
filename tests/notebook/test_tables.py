"""Tables in a notebook: the same checks and the same bytes as those of files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recommender.errors import DefinitionError, RecommenderError, TablesError
from recommender.notebook.tables import check, load_practice, load_tables
from recommender.tables.loader import read_tables
from recommender.tables.report import check_tables
from tests.support.builders import DEFINITION, TAKEN_AT, a_practice, write_tables
from tests.support.frames import NAMES, loaded_tables, some_frames

DAY = TAKEN_AT.date()


def test_frames_and_files_are_the_same_tables(tmp_path: Path) -> None:
    write_tables(tmp_path)

    digests = {load_tables(source, a_practice()).checked.digest
               for source in (tmp_path, str(tmp_path), some_frames())}  # fmt: skip
    assert digests == {read_tables(tmp_path, a_practice(), DAY).digest}


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_every_backend_of_pandas_gives_the_same_tables(backend: Any) -> None:
    frames = {name: frame.convert_dtypes(dtype_backend=backend)
              for name, frame in some_frames().items()}  # fmt: skip

    assert load_tables(frames, a_practice()).checked.digest == loaded_tables().checked.digest


def test_dates_that_pandas_parsed_are_the_same_dates() -> None:
    frames = some_frames()
    for table, columns in {"pairings": ["started_on", "ended_on"], "ratings": ["rated_on"]}.items():
        frames[table][columns] = frames[table][columns].apply(pd.to_datetime)

    assert load_tables(frames, a_practice()).checked.digest == loaded_tables().checked.digest


def test_what_it_gives_back_is_read_as_the_same_tables() -> None:
    tables = loaded_tables()
    again = load_tables({name: getattr(tables, name) for name in NAMES}, a_practice())

    assert again.checked.digest == tables.checked.digest
    assert tables.pairings["client_id"].tolist()[:2] == ["c0000", "c0001"]


def test_every_fault_of_every_table_is_raised_at_once() -> None:
    frames = some_frames()
    frames["clients"].loc[3, "concern"] = "grie"
    frames["ratings"].loc[[0, 2], "score"] = 99.0
    del frames["pairings"]["started_on"]
    with pytest.raises(TablesError) as raised:
        load_tables(frames, a_practice())

    found = [(fault.where, fault.problem) for fault in raised.value.faults]
    assert ("clients, column concern, row 3", "is not one of the declared levels") in found
    assert ("pairings, column started_on", "is missing") in found
    assert ("ratings, column score, rows 0, 2", "lies outside the range of wai_sr as sum") in found


def test_a_notebook_shows_the_first_rows_of_a_fault_and_how_many_more() -> None:
    frames = some_frames()
    frames["clients"]["concern"] = "grie"
    report = check(frames, a_practice())

    assert "0, 1, 2, 3, 4 and 395 more" in report._repr_html_()
    assert len(report.faults["rows"].iloc[0]) == 400


def test_no_fault_repeats_what_a_person_answered() -> None:
    frames = some_frames()
    frames["clients"].loc[0, "concern"] = "a secret of theirs"
    report = check(frames, a_practice())

    assert "secret" not in repr(report) + report._repr_html_() + report.faults.to_string()


def test_a_table_that_is_not_there_and_one_that_is_unknown_are_faults() -> None:
    frames = some_frames()
    frames["client"] = frames.pop("clients")
    report = check(frames, a_practice())

    missing = report.faults[report.faults["problem"] == "is missing"]
    assert missing["table"].tolist() == ["clients"]
    assert "is not the name of a table" in set(report.faults["problem"])


def test_a_check_is_that_of_the_command_line(tmp_path: Path) -> None:
    write_tables(tmp_path)
    ratings = pd.read_csv(tmp_path / "ratings.csv")
    ratings.loc[4, "metric"] = "total"
    ratings.to_csv(tmp_path / "ratings.csv", index=False)

    found, printed = check(tmp_path, a_practice()), check_tables(tmp_path, a_practice(), DAY)
    assert found.report == printed
    assert not found.sound
    assert found.faults[["table", "column", "rows"]].to_numpy().tolist() == [
        ["ratings.csv", "metric", (6,)]
    ]


def test_dates_are_read_as_they_are_declared() -> None:
    frames = some_frames()
    for table, column in (("pairings", "started_on"), ("pairings", "ended_on"),
                          ("ratings", "rated_on"), ("ratings", "known_on")):  # fmt: skip
        days = pd.to_datetime(frames[table][column]).dt.strftime("%d/%m/%Y")
        frames[table][column] = days

    report = check(frames, a_practice())
    assert set(report.faults["remedy"]) == {'add dates="dmy"'}
    tables = load_tables(frames, a_practice(), dates="dmy")
    assert tables.checked.digest == loaded_tables().checked.digest


def test_ids_that_name_nobody_are_warned_of() -> None:
    frames = some_frames()
    frames["clients"]["not_with"] = frames["clients"]["not_with"].astype(object)
    frames["clients"].loc[0, "not_with"] = "k77"
    tables, report = load_tables(frames, a_practice()), check(frames, a_practice())

    assert tables.warnings["column"].tolist() == ["not_with"]
    assert report.warnings.equals(tables.warnings)
    assert "not_with" in tables._repr_html_()


def test_numbers_are_numbers_and_missing_is_missing() -> None:
    clients = loaded_tables().clients

    assert clients["directive"].dtype == np.float64
    assert clients["directive"].isna().any()
    assert set(clients["agrees"]) == {True}


def test_a_definition_is_loaded_by_path_or_by_name() -> None:
    assert load_practice(DEFINITION).digest == a_practice().digest
    assert load_practice("psychology").id == "psychology"
    assert repr(a_practice()).startswith("<Practice corner 1: ")
    with pytest.raises(DefinitionError, match="is not a shipped definition"):
        load_practice("nowhere")


@pytest.mark.parametrize(
    ("options", "named"),
    [({"dates": "DMY"}, "dates"), ({"decimal": ","}, "decimal"), ({"thousands": "."}, "thousands")],
)
def test_a_misspelt_option_for_dates_or_marks_is_named_as_the_argument(
    options: dict[str, Any], named: str
) -> None:
    for read in (load_tables, check):
        with pytest.raises(RecommenderError, match=f"^{named}: is not known: .*; choose from"):
            read(some_frames(), a_practice(), **options)


def test_dates_with_a_time_zone_or_as_whole_numbers_have_a_remedy_that_works() -> None:
    frames, sound = some_frames(), loaded_tables().checked.digest
    days = pd.to_datetime(frames["pairings"]["started_on"])
    frames["pairings"]["started_on"] = days.dt.tz_localize("Australia/Sydney")
    frames["ratings"]["rated_on"] = frames["ratings"]["rated_on"].str.replace("-", "").astype(int)
    remedies = check(frames, a_practice()).faults.set_index("column")["remedy"]

    assert ".dt.tz_localize(None)" in remedies["started_on"]
    frames["pairings"]["started_on"] = frames["pairings"]["started_on"].dt.tz_localize(None)
    whole = remedies["rated_on"].removeprefix("give ")
    frames["ratings"]["rated_on"] = eval(whole, {"pd": pd, "frame": frames["ratings"]})
    assert load_tables(frames, a_practice()).checked.digest == sound


def test_ids_that_differ_by_zeros_alone_are_named_so() -> None:
    frames = some_frames()
    numbers = frames["clients"]["client_id"].str[1:]
    frames["clients"]["client_id"] = numbers.astype(int)
    frames["pairings"]["client_id"] = frames["pairings"]["client_id"].str[1:]
    faults = check(frames, a_practice()).faults
    (fault,) = faults[faults["table"] == "pairings"].itertuples()

    assert str(fault.problem).endswith("differs from one of them only by zeros in front")
    assert 'dtype={"client_id": str}' in str(fault.remedy)


def test_no_punctuation_is_taken_into_an_argument_that_a_remedy_names() -> None:
    frames = some_frames()
    days = pd.to_datetime(frames["pairings"]["started_on"])
    frames["pairings"]["started_on"] = days.dt.strftime("%m/%d/%Y")
    frames["ratings"]["rated_on"] = pd.to_datetime(frames["ratings"]["rated_on"]).dt.strftime(
        "%d/%m/%Y"
    )
    remedies = check(frames, a_practice(), dates="dmy").faults["remedy"].tolist()

    (remedy,) = [each for each in remedies if "in place of" in each]
    assert remedy.startswith('give dates="mdy" in place of dates="dmy"; if another column')
    assert "write both columns alike in the frame" in remedy
