"""Open hours with rooms, ways and weeks, and absences, in a table of clinicians."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from recommender.errors import TablesError
from recommender.practice.columns import cells_at
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_roster
from recommender.tables.roster import Roster

PRACTICE = shipped_practice()


def roster_of(folder: Path, *rows: dict[str, str], without: tuple[str, ...] = ()) -> Roster:
    columns = ["clinician_id", *(name for name in PRACTICE.clinician if name not in without)]
    numbered = [{"clinician_id": f"k{place}", **row} for place, row in enumerate(rows)]
    pd.DataFrame(numbered, columns=columns).to_csv(folder / "clinicians.csv", index=False)
    return read_roster(folder / "clinicians.csv", PRACTICE, datetime(2026, 11, 23, tzinfo=UTC))


def test_a_cell_of_every_form_is_read_and_written_again(tmp_path: Path) -> None:
    facts = {"rooms": "2042;2750", "modes": "in_person;phone"}
    hours = (
        "mon 09:00-17:00",
        "mon 09:00-17:00 room 1; tue 09:00-17:00 room 2750 by in_person,phone",
        "wed 09:00-12:00 every 2 weeks from 2026-11-23",
        "none",
    )
    away = "2026-12-20 to 2027-01-10; 2027-02-01"
    roster = roster_of(tmp_path, *({**facts, "hours": each, "absences": away} for each in hours))
    written = [cells_at(PRACTICE.clinician, roster.columns, row) for row in range(4)]
    assert ["; ".join(each["hours"]) or "none" for each in written] == list(hours)
    assert written[0]["absences"] == ["2026-12-20 to 2027-01-10", "2027-02-01"]


def test_a_table_written_before_absences_is_a_table(tmp_path: Path) -> None:
    roster = roster_of(tmp_path, {"hours": "mon 09:00-17:00"}, without=("absences",))
    assert "absences" not in cells_at(PRACTICE.clinician, roster.columns, 0)


def test_a_room_that_is_not_the_clinicians_is_a_fault_with_row_and_column(tmp_path: Path) -> None:
    with pytest.raises(TablesError) as raised:
        roster_of(
            tmp_path,
            {"rooms": "2042", "modes": "in_person", "hours": "mon 09:00-17:00 room 1"},
            {"rooms": "2042", "modes": "in_person", "hours": "mon 09:00-17:00 room 2"},
            {"rooms": "2042", "modes": "in_person", "hours": "mon 09:00-17:00 room 2750"},
            {"rooms": "2042", "modes": "in_person", "hours": "mon 09:00-17:00 by video"},
            {"absences": "2027-01-10 to 2026-12-20"},
        )
    faults = sorted(f"{fault.where} {fault.problem}" for fault in raised.value.faults)
    assert faults == [
        "clinicians.csv, column absences, row 6 has a range that ends before it begins",
        "clinicians.csv, column hours, row 5 names a way of meeting that modes does not list",
        "clinicians.csv, column hours, rows 3, 4 names a room that rooms does not list",
    ]
