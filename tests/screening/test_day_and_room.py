"""The day and the room of service, judged with the shipped definition."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from recommender.errors import IntakeError
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, read_practice, shipped_practice, shipped_text
from recommender.screening.changes import ScreenedRequest
from recommender.screening.relaxation import admitted, relaxations
from recommender.screening.screen import request_context_of, screen
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster, snapshot

PRACTICE = shipped_practice()
NEAR, FAR = "-33.898,151.179", "-33.751,150.694"
"""Newtown and Penrith: about 62 km by road."""
FACTS: Mapping[str, Any] = {
    "active": True,
    "practice_restricted": False,
    "consents_to_matching": True,
    "registered_from": "2020-01-01",
    "registered_until": "2030-01-01",
    "intake_status": "open",
    "max_risk": "level_3",
    "min_age": 18,
    "max_age": 99,
    "modes": ["in_person", "video"],
    "timezone": "Australia/Sydney",
    "rooms": f"{NEAR};{FAR}",
}
CLIENT: Mapping[str, Any] = {"age_years": 34, "referral_held": True, "risk_level": "level_2"}
MONDAYS: Mapping[str, Any] = {
    "home": [NEAR],
    "max_km": 10,
    "hours_free": ["mon 09:00-12:00"],
    "modes_wanted": ["in_person"],
}
ASKED = date(2026, 11, 23)


def a_roster(practice: Practice = PRACTICE, **clinicians: Mapping[str, Any]) -> Roster:
    rows = [{**FACTS, **facts} for facts in clinicians.values()]
    columns = read_rows(practice.clinician, rows)
    return snapshot(list(clinicians), [None] * len(rows), columns, datetime(2026, 9, 1, tzinfo=UTC))


def screened(
    client: Mapping[str, Any],
    *,
    asked: date = ASKED,
    modes: Mapping[str, Any] | None = None,
    practice: Practice = PRACTICE,
    **clinicians: Mapping[str, Any],
) -> Screening:
    fields = practice.fields("client", "score", "filter")
    columns = read_rows(fields, [{**CLIENT, **client}])
    return screen(practice, columns, None, a_roster(practice, **clinicians), asked, modes or {})


def reasons(found: Screening) -> dict[str, dict[str, str]]:
    return {
        each.clinician_id: {why.constraint: why.text for why in each.reasons}
        for each in found.exclusions
    }


def cautions(found: Screening, constraint: str) -> dict[str, str]:
    return {
        each.clinician_id: why.text
        for each in found.cautions
        for why in each.reasons
        if why.constraint == constraint
    }


def test_a_client_in_brisbane_is_offered_the_hour_that_is_theirs_once_sydney_changed() -> None:
    # From 4 October 10:00 in Sydney is 09:00 in Brisbane.
    client = {
        "start_on": "2026-10-12",
        "timezone": "Australia/Brisbane",
        "modes_wanted": ["video"],
        "hours_free": ["tue 09:00-10:00"],
    }
    d9, d10 = {"hours": "tue 09:00-10:00"}, {"hours": "tue 10:00-11:00"}
    found = screened(client, asked=date(2026, 9, 25), d9=d9, d10=d10)
    assert list(reasons(found)) == ["d9"]
    (excluded,) = found.exclusions
    (why,) = excluded.reasons
    assert (why.constraint, why.judged_on) == ("times_by_phone_or_video", date(2026, 10, 12))


def test_a_client_is_not_sent_fifty_kilometres_away_on_the_mondays_someone_sits_there() -> None:
    found = screened(
        MONDAYS,
        far_on_mondays={"hours": "mon 09:00-17:00 room 2; tue 09:00-17:00 room 1"},
        near_on_mondays={"hours": "mon 09:00-17:00 room 1"},
        everywhere={"hours": "mon 09:00-17:00"},
        far_always={"rooms": FAR, "hours": "mon 09:00-17:00 room 1"},
    )
    by_rule = reasons(found)
    assert sorted(by_rule) == ["far_always", "far_on_mondays"]
    assert by_rule["far_on_mondays"] == {
        "times_there": "has no time in common long enough to meet in person within reach: rooms "
        "with a time are about 62 km away"
    }
    # Where no room is near, the distance alone is the reason.
    assert list(by_rule["far_always"]) == ["distance"]


def test_hours_by_video_are_no_hours_in_person() -> None:
    by_video = {"hours": "mon 09:00-17:00 by video"}
    assert list(reasons(screened(MONDAYS, k1=by_video))["k1"]) == ["times_there"]
    both = {**MONDAYS, "modes_wanted": ["in_person", "video"]}
    assert reasons(screened(both, k1=by_video)) == {}


def test_a_room_may_be_named_by_its_postcode() -> None:
    rooms = {"rooms": "2042;2750"}
    found = screened(
        MONDAYS,
        near={**rooms, "hours": "mon 09:00-17:00 room 2042"},
        far={**rooms, "hours": "mon 09:00-17:00 room 2750"},
    )
    assert list(reasons(found)) == ["far"]


def test_a_soft_distance_is_judged_in_the_rooms_that_have_a_time() -> None:
    found = screened(
        MONDAYS,
        modes={"distance": "soft"},
        k1={"hours": "mon 09:00-17:00 room 2; tue 09:00-17:00 room 1"},
        k2={"hours": "mon 09:00-17:00 room 1"},
    )
    assert reasons(found) == {}
    assert cautions(found, "distance") == {
        "k1": "has times in common only in rooms about 62 km away"
    }


def a_request(found: Screening, client: Mapping[str, Any], roster: Roster) -> ScreenedRequest:
    columns = read_rows(PRACTICE.fields("client", "score", "filter"), [{**CLIENT, **client}])
    context = request_context_of(PRACTICE, None, roster.ids, ASKED)
    return ScreenedRequest(PRACTICE, columns, context, roster.columns, found)


def test_travelling_further_or_coming_another_day_admits_exactly_that_clinician() -> None:
    clinicians: dict[str, Any] = {
        "k1": {"hours": "mon 09:00-17:00 room 2; tue 09:00-17:00 room 1"},
        "k2": {"hours": "mon 09:00-17:00 by video; wed 09:00-17:00 room 2"},
    }
    found, roster = screened(MONDAYS, **clinicians), a_roster(**clinicians)
    request = a_request(found, MONDAYS, roster)
    offers = {
        (change.field, str(change.answer)): [roster.ids[place] for place in admitted(request, each)]
        for each in relaxations(request)
        for change in each.changes
        if len(each.changes) == 1
    }
    assert offers == {
        ("max_km", "62.0"): ["k1"],
        ("hours_free", "('mon 09:00-12:00', 'tue 00:00-24:00')"): ["k1"],
        ("modes_wanted", "('in_person', 'video')"): ["k1", "k2"],
    }


def test_who_is_away_begins_on_the_day_after() -> None:
    away = {"next_available": "2026-12-18", "absences": "2026-12-14 to 2027-01-10"}
    waiting = {"max_wait_days": 30}
    found = screened(waiting, k1=away, k2={"next_available": "2026-12-18"})
    assert list(reasons(found)) == ["k1"]
    assert found.exclusions[0].reasons[0].judged_on == date(2027, 1, 11)
    assert reasons(screened({"max_wait_days": 49}, k1=away)) == {}


def test_a_client_who_starts_later_waits_from_then_on() -> None:
    client = {"start_on": "2027-01-11", "max_wait_days": 7}
    found = screened(
        client, k1={"next_available": "2027-01-18"}, k2={"next_available": "2027-01-19"}
    )
    assert list(reasons(found)) == ["k2"]


def test_a_registration_that_ends_before_the_first_session_is_no_registration() -> None:
    ends = {"registered_until": "2026-12-31"}
    found = screened({}, k1={**ends, "next_available": "2027-01-04"}, k2=ends)
    assert list(reasons(found)) == ["k1"]
    assert list(reasons(found)["k1"]) == ["registered"]


def test_the_rebate_of_the_day_of_the_session_decides_the_gap() -> None:
    # Medicare pays 145.25 until 30 June 2026 and 149.05 from then on: gaps of 101.75 and 97.95.
    client = {"funding": "medicare", "max_gap": 100, "rebates_left": 5}
    facts = {
        "fee": "247.00",
        "funding_accepted": ["medicare"],
        "registration_type": "clinical_psychologist",
    }
    found = screened(
        client,
        asked=date(2026, 6, 1),
        now=facts,
        later={**facts, "next_available": "2026-07-01"},
    )
    assert {name: list(why) for name, why in reasons(found).items()} == {"now": ["gap"]}


def test_a_time_that_ends_when_the_clocks_change_is_a_reservation() -> None:
    client = {
        "timezone": "Australia/Brisbane",
        "modes_wanted": ["video"],
        "hours_free": ["tue 09:00-10:00"],
    }
    found = screened(
        client,
        asked=date(2027, 3, 1),
        ends={"hours": "tue 10:00-11:00"},
        stays={"hours": "tue 09:00-11:00"},
        moves={"hours": "tue 10:00-11:00; tue 12:00-13:00"},
    )
    assert reasons(found) == {}
    text = (
        "has no time in common that stays when the clocks change before 5 April 2027: "
        "Tuesday 09:00 to 10:00 until then, none afterwards (the client's time)"
    )
    assert cautions(found, "times_by_phone_or_video") == {"ends": text, "moves": text}


def test_a_time_that_moves_when_the_clocks_change_names_both_times() -> None:
    client = {
        "timezone": "Australia/Brisbane",
        "modes_wanted": ["video"],
        "hours_free": ["tue 09:00-10:00", "wed 08:00-09:00"],
    }
    hours = {"hours": "tue 10:00-11:00; wed 08:00-09:00"}
    found = screened(client, asked=date(2027, 3, 1), k1=hours)
    assert (
        "Tuesday 09:00 to 10:00 until then, Wednesday 08:00 to 09:00 afterwards"
        in (cautions(found, "times_by_phone_or_video")["k1"])
    )


def test_no_change_of_clocks_within_the_course_is_no_reservation() -> None:
    text = shipped_text("psychology").replace("course_weeks = 10", "course_weeks = 4")
    client = {
        "timezone": "Australia/Brisbane",
        "modes_wanted": ["video"],
        "hours_free": ["tue 09:00-10:00"],
    }
    found = screened(
        client,
        asked=date(2027, 3, 1),
        practice=read_practice(text),
        k1={"hours": "tue 10:00-11:00"},
    )
    assert (reasons(found), cautions(found, "times_by_phone_or_video")) == ({}, {})


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"hours": "mon 09:00-10:00 room 3"}, "names a room that rooms does not list"),
        (
            {"hours": "mon 09:00-10:00 by phone"},
            "names a way of meeting that modes does not list",
        ),
        (
            {"hours": "mon 09:00-10:00 by teleport"},
            "names a way of meeting that is not declared",
        ),
        ({"absences": "2027-01-10 to 2026-12-20"}, "has a range that ends before it begins"),
    ],
)
def test_open_hours_that_contradict_the_row_are_faults(
    facts: Mapping[str, Any], problem: str
) -> None:
    with pytest.raises(IntakeError) as raised:
        a_roster(k1=facts)
    (fault,) = raised.value.faults
    assert (fault.where, fault.problem) == (next(iter(facts)), problem)
