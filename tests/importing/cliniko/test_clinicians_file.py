import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from experiments.cliniko_sync.invented_account import clinicians_text
from recommender.errors import RecommenderError, TablesError
from recommender.importing.cliniko.clinicians_file import MergedTable, merge_into_file, write_table
from recommender.importing.cliniko.roster_facts import ClinikoFacts
from recommender.practice.definition import shipped_practice
from recommender.values.kinds import RawValue
from recommender.values.table_format import STANDARD, TableFormat

PRACTICE = shipped_practice()
NOW = datetime(2026, 9, 24, tzinfo=UTC)


def merged(
    path: Path, facts: dict[str, RawValue], written: TableFormat = STANDARD, name: str | None = None
) -> MergedTable:
    return merge_into_file(path, {"psy001": ClinikoFacts(name, facts)}, PRACTICE, NOW, written)


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["clinician_id"]: row for row in csv.DictReader(text.splitlines())}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "clinicians.csv"
    path.write_text(clinicians_text(PRACTICE, 3), encoding="utf-8")
    return path


def test_what_cliniko_does_not_have_stays_as_it_is(table: Path) -> None:
    before = rows(table.read_text(encoding="utf-8"))
    facts: dict[str, RawValue] = {
        "hours": ["mon 09:00-12:00", "tue 09:00-12:00 by video"],
        "absences": [],
        "next_available": date(2026, 10, 5),
        "fee": "210.00",
        "active": True,
        "caseload": 0,
    }
    result = merged(table, facts, name="Ines Wattle")
    after = rows(result.text)
    assert after["psy000"] == before["psy000"]
    changed = {k for k, v in after["psy001"].items() if v != before["psy001"][k]}
    assert changed == {*facts, "name"}
    assert after["psy001"]["hours"] == "mon 09:00-12:00;tue 09:00-12:00 by video"
    assert after["psy001"]["absences"] == "none"
    assert after["psy001"]["caseload"] == "0"
    assert {each.field for each in result.changes.facts} == changed


def test_the_same_facts_change_nothing_however_they_are_written(table: Path) -> None:
    text = table.read_text(encoding="utf-8")
    lines = list(csv.reader(text.splitlines()))
    at = lines[0].index("hours")
    lines[2][at] = "tue 09:00-12:00; mon 09:00-12:00"
    lines[2][lines[0].index("active")] = "Yes"
    lines[2][lines[0].index("fee")] = "210"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    facts: dict[str, RawValue] = {
        "hours": ["mon 09:00-12:00", "tue 09:00-12:00"],
        "active": True,
        "fee": "210.00",
        "next_available": None,
    }
    result = merged(table, facts)
    assert not result.changes
    assert rows(result.text)["psy001"]["hours"] == "tue 09:00-12:00; mon 09:00-12:00"


def test_dates_and_amounts_are_written_as_the_table_writes_them(table: Path) -> None:
    written = TableFormat(dates="dmy", decimal="comma")
    result = merged(table, {"next_available": date(2026, 10, 5), "fee": "210.50"}, written)
    row = rows(result.text)["psy001"]
    assert (row["next_available"], row["fee"]) == ("05/10/2026", "210,50")
    write_table(table, result.text)
    assert not merged(
        table, {"next_available": date(2026, 10, 5), "fee": "210.50"}, written
    ).changes


def test_no_hours_and_no_rooms_are_not_the_same_as_unknown_hours(table: Path) -> None:
    row = rows(merged(table, {"hours": [], "rooms": None}).text)["psy001"]
    assert (row["hours"], row["rooms"]) == ("none", "")


def test_a_clinician_who_is_new_gets_a_row(table: Path) -> None:
    facts = {"psy900": ClinikoFacts("Jonas", {"active": True})}
    result = merge_into_file(table, facts, PRACTICE, NOW, STANDARD)
    assert result.changes.added == ("psy900",)
    assert rows(result.text)["psy900"]["name"] == "Jonas"
    assert rows(result.text)["psy900"]["consents_to_matching"] == ""


def test_a_missing_table_is_begun_with_every_column(tmp_path: Path) -> None:
    result = merged(tmp_path / "new.csv", {"active": False})
    assert set(PRACTICE.clinician) < set(rows(result.text)["psy001"])


def test_a_table_that_a_server_would_refuse_is_not_written(table: Path) -> None:
    before = table.read_bytes()
    with pytest.raises(TablesError) as refused:
        merged(table, {"hours": ["mon 09:00-12:00 room 2"], "rooms": ["2042"]})
    assert "room" in str(refused.value)
    assert table.read_bytes() == before


def test_a_table_without_ids_or_not_as_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clinicians.csv"
    path.write_text("who,fee\nInes,210\n", encoding="utf-8")
    with pytest.raises(RecommenderError, match="clinician_id"):
        merged(path, {})
    with pytest.raises(RecommenderError, match=r"save it as \.csv"):
        merged(tmp_path / "clinicians.xlsx", {})
