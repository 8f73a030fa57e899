from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from experiments.cliniko_sync.invented_account import MEETING, STANDARD, mapping_text
from recommender.importing.cliniko.mapping import read_mapping
from recommender.importing.cliniko.sessions import SessionRecords, session_records
from recommender.importing.cliniko.sources import APPOINTMENTS
from recommender.importing.cliniko.state_file import opened_state
from recommender.importing.pseudonyms import Pseudonyms
from tests.support.cliniko_runs import PRACTICE

NOW = datetime(2026, 9, 24, tzinfo=UTC)
MELBOURNE = ZoneInfo("Australia/Melbourne")


def appointment(days: float, **fields: Any) -> dict[str, Any]:
    start = NOW + timedelta(days=days)
    plain: dict[str, Any] = {
        "starts_at": start.isoformat(),
        "practitioner": "5000",
        "appointment_type": STANDARD,
        "patient_arrived": True,
        "did_not_arrive": False,
        "client": "c-one",
    }
    return {**plain, **fields}


def counted(folder: Path, *records: dict[str, Any], extra: str = "") -> SessionRecords:
    mapping = read_mapping(mapping_text(2, extra=extra), PRACTICE)
    with opened_state(folder / "state.db") as state:
        with state.writing():
            state.put(APPOINTMENTS, [(str(n), each) for n, each in enumerate(records)], 1)
        return session_records(state, mapping, Pseudonyms(bytes(32)), NOW, MELBOURNE)


def test_a_pairing_begins_with_its_first_attended_session(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        appointment(-30),
        appointment(-40, patient_arrived=False, did_not_arrive=True),
        appointment(-23),
        appointment(-16, client="c-two", practitioner="5001"),
        appointment(7, patient_arrived=False),
    )
    assert [row[1:] for row in found.pairings if row[2] == "psy000"] == [
        ("c-one", "psy000", "2026-08-25", "2")
    ]
    assert found.sessions == 3
    assert len({row[0] for row in found.pairings}) == 2


def test_a_session_is_on_the_day_of_the_practices_clock(tmp_path: Path) -> None:
    # 08:30 on 6 October in Melbourne, after clocks went forward, is 21:30 UTC the day before.
    later = {"starts_at": "2026-10-05T21:30:00+00:00"}
    mapping = read_mapping(mapping_text(1), PRACTICE)
    with opened_state(tmp_path / "state.db") as state:
        with state.writing():
            state.put(APPOINTMENTS, [("1", appointment(0, **later))], 1)
        now = datetime(2026, 11, 1, tzinfo=UTC)
        found = session_records(state, mapping, Pseudonyms(bytes(32)), now, MELBOURNE)
    assert found.pairings[0][3] == "2026-10-06"


def test_unmarked_appointments_are_sessions_only_where_the_mapping_says_so(tmp_path: Path) -> None:
    unmarked = appointment(-10, patient_arrived=False)
    missed = appointment(-10, patient_arrived=False, did_not_arrive=True)
    assert counted(tmp_path, unmarked, missed).sessions == 0
    assert counted(tmp_path, unmarked, missed).unmarked == 1
    assert counted(tmp_path, unmarked, missed, extra='attended = "not_missed"').sessions == 1


def test_types_that_are_no_sessions_are_left_out_and_unknown_ones_counted(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        appointment(-10, appointment_type=MEETING),
        appointment(-10, appointment_type="999"),
        appointment(-11, appointment_type="999"),
    )
    assert found.sessions == 0
    assert found.other_types == {"999": 2}


def test_the_caseload_is_whom_a_clinician_saw_lately_or_sees_soon(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        appointment(-10, client="lately"),
        appointment(-100, client="long ago"),
        appointment(10, client="soon", patient_arrived=False),
        appointment(100, client="much later", patient_arrived=False),
        appointment(-10, client="missed", patient_arrived=False, did_not_arrive=True),
    )
    assert found.caseload == {"psy000": 2, "psy001": 0}
