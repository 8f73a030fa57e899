import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from experiments.cliniko_sync.invented_account import (
    CANARY,
    FIRST,
    NOW,
    STANDARD,
    AccountSize,
    invented_account,
)
from experiments.cliniko_sync.local_cliniko import LocalCliniko, Unreliability, serving, utc
from recommender.errors import RecommenderError
from recommender.importing.cliniko.synchronise import Synchronised
from tests.support.cliniko_runs import StoppedRun, small_pages, some_runs

SMALL = AccountSize(practitioners=6, appointments=300, inactive=1, blocks=3)
APPOINTMENTS = "individual_appointments"


@pytest.fixture
def cliniko() -> Iterator[LocalCliniko]:
    with serving(invented_account(SMALL, 3)) as server, small_pages(20):
        yield server


def found(result: Synchronised) -> tuple[Any, ...]:
    assert result.sessions is not None
    facts = {each: (one.name, dict(one.facts)) for each, one in result.facts.items()}
    return facts, result.sessions, [str(each) for each in result.warnings]


def test_interrupted_twenty_times_it_finds_what_it_finds_in_one_go(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    cliniko.unreliable = Unreliability(errors=0.02, dropped=0.01)
    whole = some_runs(cliniko, tmp_path, "whole").run()
    requests = len(cliniko.received)
    rng = random.Random(5)
    runs = some_runs(cliniko, tmp_path, "interrupted")
    for _ in range(20):
        with pytest.raises(StoppedRun):
            runs.run(stop_after=rng.randint(0, 4))
    last = runs.run()
    assert last.counts.resumed
    assert found(last) == found(whole)
    assert last.counts.pages < whole.counts.pages
    assert len(cliniko.received) > requests
    assert cliniko.methods == {"GET"}


def test_a_second_run_reads_only_what_changed(cliniko: LocalCliniko, tmp_path: Path) -> None:
    runs = some_runs(cliniko, tmp_path)
    first = runs.run()
    cliniko.now += timedelta(hours=2)
    changed = cliniko.lists[APPOINTMENTS][7]["id"]
    cliniko.touch(APPOINTMENTS, changed, patient_arrived=True, did_not_arrive=False)
    cliniko.received.clear()
    second = runs.run()
    asked = [each.query for each in cliniko.received if each.path.endswith(APPOINTMENTS)]
    assert len(asked) == 1
    assert "updated_at%3A%3E%3D" in asked[0]
    assert first.counts.full
    assert not second.counts.full
    assert found(second) == found(some_runs(cliniko, tmp_path, "anew").run())


@pytest.mark.parametrize("field", ["cancelled_at", "archived_at"])
def test_an_appointment_that_is_taken_back_no_longer_counts(
    field: str, cliniko: LocalCliniko, tmp_path: Path
) -> None:
    runs = some_runs(cliniko, tmp_path)
    first = runs.run().sessions
    attended = next(
        each
        for each in cliniko.lists[APPOINTMENTS]
        if each["patient_arrived"]
        and each["cancelled_at"] is each["archived_at"] is None
        and each["appointment_type"] in (FIRST, STANDARD)
    )
    cliniko.now += timedelta(hours=2)
    cliniko.touch(APPOINTMENTS, attended["id"], **{field: utc(cliniko.now)})
    second = runs.run().sessions
    assert first is not None
    assert second is not None
    assert second.sessions == first.sessions - 1


def test_hours_that_are_deleted_are_missed_at_once(cliniko: LocalCliniko, tmp_path: Path) -> None:
    runs = some_runs(cliniko, tmp_path)
    hours = cliniko.lists["daily_availabilities"]
    someone = hours[0]["practitioner"]
    clinician = runs.task().mapping.practitioners[someone]
    assert runs.run().facts[clinician].facts["hours"]
    hours[:] = [each for each in hours if each["practitioner"] != someone]
    second = runs.run()
    assert second.facts[clinician].facts["hours"] == []
    assert any(clinician in str(each) and "no hours" in str(each) for each in second.warnings)


def test_a_record_that_vanished_is_missed_by_the_next_full_pass(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    runs = some_runs(cliniko, tmp_path)
    before = runs.run().sessions
    del cliniko.lists[APPOINTMENTS][:50]
    cliniko.now += timedelta(days=1)
    assert runs.run().sessions == before or not runs.run().counts.full
    cliniko.now += timedelta(days=7)
    result = runs.run()
    assert result.counts.full
    assert found(result) == found(some_runs(cliniko, tmp_path, "anew").run())


def test_changes_are_found_whatever_this_machine_takes_the_time_to_be(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    runs = some_runs(cliniko, tmp_path)
    runs.clock_wrong = 3 * 3600
    runs.run()
    cliniko.now += timedelta(minutes=1)
    attended = cliniko.lists[APPOINTMENTS][0]["id"]
    cliniko.touch(APPOINTMENTS, attended, cancelled_at=utc(cliniko.now))
    runs.clock_wrong = -3 * 3600
    assert found(runs.run()) == found(some_runs(cliniko, tmp_path, "anew").run())


def test_a_list_that_loses_records_while_it_is_read_is_read_again(
    cliniko: LocalCliniko, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, hours, left = LocalCliniko.answer, cliniko.lists["daily_availabilities"], [2]

    def shrinking(self: LocalCliniko, path: str, query: list[tuple[str, str]]) -> Any:
        result = answer(self, path, query)
        if path == "/daily_availabilities" and ("page", "2") not in query and left[0]:
            # The first of page 1 goes, so that the first of page 2 moves to page 1.
            del hours[0]
            left[0] -= 1
        return result

    hours += [dict(each, id=str(90_000 + n)) for n, each in enumerate(hours)]
    before = len(hours)
    assert before > 22
    monkeypatch.setattr(LocalCliniko, "answer", shrinking)
    result = some_runs(cliniko, tmp_path).run()
    assert len(hours) == before - 2
    assert found(result) == found(some_runs(cliniko, tmp_path, "anew").run())


def test_a_mapping_of_more_people_reads_their_earlier_appointments(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    runs = some_runs(cliniko, tmp_path)
    text, someone = runs.text, cliniko.lists["practitioners"][2]["id"]
    runs.text = text.replace(f'"{someone}" = "psy002"\n', "")
    first = runs.run()
    assert f"practitioners {someone}" in {each.where for each in first.warnings}
    assert first.sessions is not None
    assert "psy002" not in {row[2] for row in first.sessions.pairings}
    runs.text = text
    assert found(runs.run()) == found(some_runs(cliniko, tmp_path, "anew").run())


def test_an_interrupted_pass_of_yesterday_is_begun_anew(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    runs = some_runs(cliniko, tmp_path)
    with pytest.raises(StoppedRun):
        runs.run(stop_after=12)
    cliniko.now += timedelta(days=1)
    result = runs.run()
    assert not result.counts.resumed
    assert found(result) == found(some_runs(cliniko, tmp_path, "anew").run())


def test_a_state_belongs_to_one_account_and_one_key(cliniko: LocalCliniko, tmp_path: Path) -> None:
    runs = some_runs(cliniko, tmp_path)
    runs.run()
    runs.address = "https://api.uk1.cliniko.com/v1"
    with pytest.raises(RecommenderError, match="another account"):
        runs.run()
    runs.address, runs.key = "", bytes([1]) * 32
    with pytest.raises(RecommenderError, match="another key"):
        runs.run()


def test_no_name_note_or_id_of_a_client_is_stored(cliniko: LocalCliniko, tmp_path: Path) -> None:
    runs = some_runs(cliniko, tmp_path)
    result = runs.run()
    stored = runs.state.read_bytes()
    shown = f"{result!r}"
    for patient in {each["patient"] for each in cliniko.lists[APPOINTMENTS]}:
        assert f'"{patient}"'.encode() not in stored
        assert f"'{patient}'" not in shown
    assert CANARY.encode() not in stored
    assert CANARY not in shown
    assert runs.state.stat().st_mode & 0o077 == 0
    paths = {each.path for each in cliniko.received}
    assert not any("patient" in path or "attendee" in path or "note" in path for path in paths)


def test_whoever_is_inactive_or_gone_is_not_active(cliniko: LocalCliniko, tmp_path: Path) -> None:
    runs = some_runs(cliniko, tmp_path)
    inactive, gone = "psy005", "psy001"
    cliniko.lists["practitioners"][:] = [
        each for each in cliniko.lists["practitioners"] if each["id"] != "5001"
    ]
    result = runs.run()
    for clinician in (inactive, gone):
        assert result.facts[clinician].facts["active"] is False
        assert "hours" not in result.facts[clinician].facts
    assert "practitioners 5001" in {each.where for each in result.warnings}


def test_what_cannot_be_booked_online_keeps_its_next_day_and_says_so(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    hidden = cliniko.lists["practitioners"][0]
    hidden["show_in_online_bookings"] = False
    full = cliniko.lists["practitioners"][1]["id"]
    for key in cliniko.free:
        if key[1] == full:
            cliniko.free[key] = []
    result = some_runs(cliniko, tmp_path).run()
    assert "next_available" not in result.facts["psy000"].facts
    assert result.facts["psy001"].facts["next_available"] is None
    texts = [str(each) for each in result.warnings]
    assert any("psy000" in text and "booked online" in text for text in texts)
    assert any("psy001" in text and "no free first session" in text for text in texts)


def test_a_business_on_another_clock_is_not_read_as_if_it_were_on_ours(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    for business in cliniko.lists["businesses"]:
        business["time_zone_identifier"] = "Australia/Perth"
    runs = some_runs(cliniko, tmp_path)
    assert runs.run().facts["psy000"].facts["timezone"] == "Australia/Perth"
    runs.text = runs.text.replace('timezone = "timezone"\n', "")
    result = runs.run()
    assert "hours" not in result.facts["psy000"].facts
    assert any("Australia/Perth" in str(each) for each in result.warnings)


def test_free_times_are_asked_for_a_week_at_a_time_and_compared_by_local_time(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    runs = some_runs(cliniko, tmp_path)
    runs.text = runs.text.replace("[practitioners]", 'weeks_free = "weeks_free"\n[practitioners]')
    someone = cliniko.lists["practitioners"][0]["id"]
    business = next(
        each["business"]
        for each in cliniko.lists["daily_availabilities"]
        if each["practitioner"] == someone
    )
    # Ten o'clock in Melbourne on six Tuesdays: 00:00 UTC before clocks change, 23:00 UTC after.
    tuesday = NOW.replace(day=29, hour=0, minute=0)
    starts = [tuesday + timedelta(weeks=week) for week in range(6)]
    starts = [each if each.month == 9 else each - timedelta(hours=1) for each in starts]
    for key in cliniko.free:
        if key[1] == someone:
            cliniko.free[key] = starts if key[0] == business else []
    result = runs.run()
    assert result.facts["psy000"].facts["weeks_free"] == 6
    assert str(result.facts["psy000"].facts["next_available"]) == "2026-09-29"


def test_fees_of_the_mapped_type_are_those_of_whoever_offers_it(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    cliniko.offers[STANDARD].remove(cliniko.lists["practitioners"][0]["id"])
    result = some_runs(cliniko, tmp_path).run()
    assert "fee" not in result.facts["psy000"].facts
    assert result.facts["psy001"].facts["fee"] == "210.00"


def test_appointments_before_the_first_day_are_not_read_and_leave_when_moved_there(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    first_day = "first_day = 2026-06-01"
    runs = some_runs(cliniko, tmp_path, extra=first_day)
    found_first = runs.run().sessions
    assert found_first is not None
    assert min(row[3] for row in found_first.pairings) >= "2026-06-01"
    later = [each for each in cliniko.lists[APPOINTMENTS] if each["starts_at"] >= "2026-06-02"]
    cliniko.now += timedelta(hours=1)
    for each in later[:30]:
        cliniko.touch(APPOINTMENTS, each["id"], starts_at="2026-05-01T00:00:00Z")
    anew = some_runs(cliniko, tmp_path, "anew", extra=first_day)
    assert found(runs.run()) == found(anew.run())


def test_an_appointment_type_that_is_gone_is_named_and_stops_nothing(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    del cliniko.offers[STANDARD]
    types = cliniko.lists["appointment_types"]
    types[:] = [each for each in types if each["id"] != STANDARD]
    result = some_runs(cliniko, tmp_path).run()
    assert f"appointment_types {STANDARD}" in {each.where for each in result.warnings}
    assert "fee" not in result.facts["psy001"].facts
    assert result.facts["psy001"].facts["hours"]


def test_an_account_without_any_of_the_mapped_people_changes_nothing(
    cliniko: LocalCliniko, tmp_path: Path
) -> None:
    runs = some_runs(cliniko, tmp_path)
    people = list(cliniko.lists["practitioners"])
    cliniko.lists["practitioners"].clear()
    with pytest.raises(RecommenderError, match="none of the mapped practitioners"):
        runs.run()
    cliniko.lists["practitioners"] += people
    assert runs.run().facts["psy000"].facts["active"] is True


def test_a_list_that_never_stops_losing_records_is_named(
    cliniko: LocalCliniko, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, hours = LocalCliniko.answer, cliniko.lists["daily_availabilities"]

    def shrinking(self: LocalCliniko, path: str, query: list[tuple[str, str]]) -> Any:
        result = answer(self, path, query)
        if path == "/daily_availabilities":
            del hours[0]
        return result

    hours += [dict(each, id=str(90_000 + n)) for n, each in enumerate(hours)]
    monkeypatch.setattr(LocalCliniko, "answer", shrinking)
    with pytest.raises(RecommenderError, match="change faster than they are read"):
        some_runs(cliniko, tmp_path).run()
