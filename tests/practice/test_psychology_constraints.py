"""Each row of docs/constraints.md on the shipped definition: one who passes, one who does not.

Every test asks for little but what it is about, of clinicians who meet everything but what it says.
What is left out is compared whole, so that nobody passes or fails by another rule than its own.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from recommender.errors import IntakeError
from recommender.model.evidence_prior import evidence_model
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, shipped_practice, shipped_text
from recommender.practice.rules.constraint import Constraint, Mode, client_fields, field_names
from recommender.practice.rules.first_session import FirstSession
from recommender.recommendation.recommend import (
    CONSTRAINTS_ONLY,
    Intake,
    Recommendation,
    read_intake,
    recommend,
)
from recommender.screening.layout import DECLARED_MODES
from recommender.screening.reasons import Reason
from recommender.screening.screen import screen
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster, snapshot
from tests.support.definitions import LITTLE

MONDAY = date(2026, 11, 23)
TAKEN_AT = datetime(2026, 11, 23, tzinfo=UTC)


COMPLETE: Mapping[str, object] = {
    "consents_to_matching": True,
    "active": True,
    "registration_type": "clinical_psychologist",
    "registered_from": "2015-12-01",
    "registered_until": "2027-11-30",
    "practice_restricted": False,
    "working_with_children_until": "2028-01-31",
    "intake_status": "open",
    "places_open": 3,
    "caseload": 20,
    "caseload_most": 30,
    "shown_first_percent": 10,
    "min_age": 12,
    "max_age": 80,
    "max_risk": "level_3",
    "competencies": ["suicide_safety_planning"],
    "services": ["individual", "couple"],
    "concerns_confident": ["anxiety", "depression"],
    "concerns_not_treated": [],
    "modalities": ["cbt", "act", "emdr", "schema"],
    "core_modalities": ["cbt"],
    "training_cbt": "trained",
    "training_act": "trained",
    "training_emdr": "trained",
    "training_schema": "trained",
    "experience_years": 8,
    "languages": ["english"],
    "uses_interpreters": False,
    "gender": "woman",
    "cultural_experience": ["migrant_refugee"],
    "modes": ["in_person", "video"],
    "rooms": "-33.900,151.200",
    "timezone": "Australia/Sydney",
    "telehealth_jurisdictions": ["nsw", "vic"],
    "hours": "mon 09:00-17:00",
    "next_available": "2026-11-30",
    "weeks_free": 5,
    "shortest_interval_days": 7,
    "shortest_session": 30,
    "longest_session": 60,
    "max_sessions": 20,
    "fee": 220,
    "bulk_bills": False,
    "funding_accepted": ["medicare", "private", "ndis", "dva"],
    "scheme_approvals": ["dva"],
    "ndis_registered": True,
    "accessibility": ["wheelchair", "parking"],
    "reports": ["gp_letter", "court_report"],
    "coordinates_care": True,
    "involves_family": True,
}
"""A clinician who meets everything asked for here."""

Staff = Mapping[str, object]
Answers = dict[str, Any]
Names = dict[str, list[str]]


@cache
def the_practice() -> Practice:
    return shipped_practice()


def a_client(
    client_id: str | None = "c1", *, modes: Mapping[str, Mode] = DECLARED_MODES, **answers: object
) -> Intake:
    return read_intake(the_practice(), {**LITTLE, **answers}, client_id, modes)


def a_roster(**staff: Staff) -> Roster:
    rows = [{**COMPLETE, **changed} for changed in staff.values()]
    columns = read_rows(the_practice().fields("clinician"), rows)
    return snapshot(list(staff), [None] * len(staff), columns, TAKEN_AT)


def screened(client: Intake, **staff: Staff) -> Screening:
    roster = a_roster(**staff)
    return screen(the_practice(), client.client, client.client_id, roster, MONDAY, client.modes)


def left_out(client: Intake, **staff: Staff) -> Names:
    """By clinician, the constraints that leave them out; [] for whoever may be shown."""
    screening = screened(client, **staff)
    return named(staff, {each.clinician_id: each.reasons for each in screening.exclusions})


def marked(client: Intake, **staff: Staff) -> Names:
    """By clinician, the constraints to be mentioned of them; nobody may be left out."""
    screening = screened(client, **staff)
    assert not screening.exclusions
    return named(staff, {each.clinician_id: each.reasons for each in screening.cautions})


def named(staff: Mapping[str, Staff], reasons: Mapping[str, tuple[Reason, ...]]) -> Names:
    return {each: [r.constraint for r in reasons.get(each, ())] for each in staff}


def test_01_only_those_who_work_here_with_a_registration_in_force_and_unrestricted() -> None:
    """Both ends of a registration count, and what is not on file is no registration."""
    assert left_out(
        a_client(start_on="2026-12-01"),
        current={"registered_from": "2026-12-01", "registered_until": "2026-12-01"},
        away={"active": False},
        lapsed={"registered_until": "2026-11-30"},
        later={"registered_from": "2026-12-02"},
        unfiled={"registered_until": None},
        restricted={"practice_restricted": True},
        unsure={"practice_restricted": None, "active": None},
    ) == {
        "current": [],
        "away": ["works_here"],
        "lapsed": ["registered"],
        "later": ["registered"],
        "unfiled": ["registered"],
        "restricted": ["unrestricted"],
        "unsure": ["works_here", "unrestricted"],
    }


def test_02_those_closed_to_new_clients_never_and_those_with_a_waiting_list_if_it_will_do() -> None:
    staff: dict[str, Staff] = {
        "open_now": {"intake_status": "open"},
        "waiting": {"intake_status": "waiting_list"},
        "closed": {"intake_status": "closed"},
    }
    closed = ["takes_new_clients", "no_waiting_list"]
    told = left_out(a_client(), **staff)
    assert told == {"open_now": [], "waiting": ["no_waiting_list"], "closed": closed}
    told = left_out(a_client(waitlist_ok=True), **staff)
    assert told == {"open_now": [], "waiting": [], "closed": ["takes_new_clients"]}


def test_03_a_free_place_is_needed_unless_a_waiting_list_will_do() -> None:
    """Who did not say how many places there are may have one, and is marked."""
    staff: dict[str, Staff] = {
        "free": {"places_open": 1, "caseload": 29},
        "full": {"places_open": 0},
        "busy": {"caseload": 30},
    }
    told = left_out(a_client(), **staff)
    assert told == {"free": [], "full": ["has_a_place"], "busy": ["caseload"]}
    assert left_out(a_client(waitlist_ok=True), **staff) == {"free": [], "full": [], "busy": []}
    silent = marked(a_client(), silent={"places_open": None, "caseload_most": None})
    assert silent == {"silent": ["has_a_place", "caseload"]}


def test_04_neither_list_may_name_the_other() -> None:
    """Somebody without an id may be anybody on a clinician's list."""
    staff: dict[str, Staff] = {
        "free": {"blocked_clients": ["c2"]},
        "conflicted": {"blocked_clients": ["c1"]},
        "avoided": {},
    }
    told = left_out(a_client(blocked_clinicians=["avoided"]), **staff)
    both = ["do_not_match"]
    assert told == {"free": [], "conflicted": both, "avoided": both}
    assert left_out(a_client(None), **staff) == {"free": both, "conflicted": both, "avoided": []}


def test_05_nobody_is_sent_back_and_a_clinician_may_be_asked_for() -> None:
    """Asking for one marks the others; only a request that says so leaves them out."""
    told = left_out(a_client(refused_clinicians=["former"]), former={}, other={})
    assert told == {"former": ["not_again"], "other": []}
    asks: Answers = {"clinicians_wished": ["former"]}
    assert marked(a_client(**asks), former={}, other={}) == {"former": [], "other": ["asked_for"]}
    told = left_out(a_client(modes={"asked_for": "hard"}, **asks), former={}, other={})
    assert told == {"former": [], "other": ["asked_for"]}


def test_06_the_level_of_care_and_every_competence_named() -> None:
    """A client whose level was not assessed is for a person to see, not for a list."""
    asks: Answers = {"risk_level": "level_3", "competencies_needed": ["suicide_safety_planning"]}
    assert left_out(
        a_client(**asks),
        able={},
        light={"max_risk": "level_2"},
        untrained={"competencies": ["forensic"]},
        unsaid={"competencies": None, "max_risk": None},
    ) == {
        "able": [],
        "light": ["level_of_care"],
        "untrained": ["competencies"],
        "unsaid": ["level_of_care", "competencies"],
    }
    assert left_out(a_client(risk_level=None), able={}) == {"able": ["level_of_care"]}


def test_07_ages_seen_include_both_ends() -> None:
    told = left_out(
        a_client(age_years=34),
        from_it={"min_age": 34},
        to_it={"max_age": 34},
        older={"min_age": 35},
        younger={"max_age": 33},
        unsaid={"max_age": None},
    )
    no = ["age"]
    assert told == {"from_it": [], "to_it": [], "older": no, "younger": no, "unsaid": no}


def test_08_the_service_asked_for_is_offered() -> None:
    told = left_out(
        a_client(service="couple"),
        both={},
        single={"services": ["individual"]},
        unsaid={"services": None},
    )
    assert told == {"both": [], "single": ["service_offered"], "unsaid": ["service_offered"]}


def test_09_a_minor_sees_only_those_whose_check_covers_the_start() -> None:
    staff: dict[str, Staff] = {
        "checked": {"working_with_children_until": "2026-12-01"},
        "expired": {"working_with_children_until": "2026-11-30"},
        "unfiled": {"working_with_children_until": None},
    }
    no = ["working_with_children"]
    told = left_out(a_client(age_years=17, start_on="2026-12-01"), **staff)
    assert told == {"checked": [], "expired": no, "unfiled": no}
    told = left_out(a_client(age_years=18, start_on="2026-12-01"), **staff)
    assert told == {"checked": [], "expired": [], "unfiled": []}


def test_10_the_clients_funding_is_taken() -> None:
    told = left_out(
        a_client(),
        takes={},
        other={"funding_accepted": ["ndis"]},
        unsaid={"funding_accepted": None},
    )
    assert told == {"takes": [], "other": ["funding_taken"], "unsaid": ["funding_taken"]}


def test_11_medicare_asks_for_a_paid_registration_a_referral_and_a_rebate_left() -> None:
    medicare: Answers = {"funding": "medicare", "referral_held": True, "rebates_left": 1}
    staff: dict[str, Staff] = {
        "paid": {},
        "unpaid": {"registration_type": "provisional_psychologist"},
    }
    assert left_out(a_client(**medicare), **staff) == {"paid": [], "unpaid": ["rate_in_force"]}
    for answer in (False, None):
        told = left_out(a_client(**medicare | {"referral_held": answer}), paid={})
        assert told == {"paid": ["referral"]}
    told = left_out(a_client(**medicare | {"rebates_left": 0}), paid={})
    assert told == {"paid": ["rebate_left"]}
    # Whoever pays themselves needs none of it.
    assert left_out(a_client(rebates_left=0), **staff) == {"paid": [], "unpaid": []}


def test_12_one_of_the_registrations_required() -> None:
    told = left_out(
        a_client(registrations_accepted=["clinical_psychologist"]),
        endorsed={},
        general={"registration_type": "psychologist"},
    )
    assert told == {"endorsed": [], "general": ["registration_required"]}


def test_13_approved_by_the_scheme_and_registered_for_an_agency_managed_plan() -> None:
    told = left_out(
        a_client(funding="dva"),
        approved={},
        applying={"scheme_approvals": ["ctp"]},
        unsaid={"scheme_approvals": None},
    )
    no = ["scheme_approval"]
    assert told == {"approved": [], "applying": no, "unsaid": no}
    staff: dict[str, Staff] = {"provider": {}, "unregistered": {"ndis_registered": False}}
    plan: Answers = {"funding": "ndis", "ndis_management": "agency_managed"}
    told = left_out(a_client(**plan), **staff)
    assert told == {"provider": [], "unregistered": ["ndis_provider"]}
    told = left_out(a_client(funding="ndis", ndis_management="self_managed"), **staff)
    assert told == {"provider": [], "unregistered": []}


def test_14_a_fee_may_be_the_highest_stated_but_not_a_cent_more() -> None:
    told = left_out(a_client(max_fee=220), fair={"fee": 220}, dear={"fee": "220.01"})
    assert told == {"fair": [], "dear": ["fee"]}
    assert marked(a_client(max_fee=220), unsaid={"fee": None}) == {"unsaid": ["fee"]}


def test_15_the_gap_is_the_fee_less_the_rebate_and_the_fee_once_rebates_are_used_up() -> None:
    """A clinical psychologist's 220 dollars less Medicare's 149.05 leaves 70.95."""
    medicare: Answers = {"funding": "medicare", "referral_held": True, "rebates_left": 8}
    staff: dict[str, Staff] = {"clinical": {}, "general": {"registration_type": "psychologist"}}
    told = left_out(a_client(**medicare, max_gap="70.95"), **staff)
    assert told == {"clinical": [], "general": ["gap"]}
    told = left_out(a_client(**medicare, max_gap="70.94"), **staff)
    assert told == {"clinical": ["gap"], "general": ["gap"]}
    used_up = a_client(**medicare | {"rebates_left": 0}, max_gap="219.99")
    assert left_out(used_up, clinical={}) == {"clinical": ["rebate_left", "gap"]}
    # A cost that nobody can work out must not surprise the client.
    told = left_out(a_client(**medicare, max_gap="70.95"), unsaid={"fee": None})
    assert told == {"unsaid": ["gap"]}


def test_16_no_gap_by_bulk_billing_a_low_fee_or_a_concession() -> None:
    medicare: Answers = {"funding": "medicare", "referral_held": True, "rebates_left": 8}
    needs: Answers = {**medicare, "no_gap_needed": True}
    staff: dict[str, Staff] = {
        "bulk": {"bulk_bills": True},
        "low": {"fee": "149.05"},
        "reduced": {"concession_fee": 140},
        "usual": {},
    }
    no = ["no_gap"]
    told = left_out(a_client(**needs), **staff)
    assert told == {"bulk": [], "low": [], "reduced": no, "usual": no}
    told = left_out(a_client(**needs, concession_card=True), **staff)
    assert told == {"bulk": [], "low": [], "reduced": [], "usual": no}
    told = left_out(a_client(**medicare, no_gap_needed=False), **staff)
    assert told == {"bulk": [], "low": [], "reduced": [], "usual": []}


def test_17_rebates_the_budget_and_the_clinicians_own_limit_allow_the_sessions() -> None:
    """A budget of 1,760 dollars pays eight private sessions of 220."""
    staff: dict[str, Staff] = {"eight": {"max_sessions": 8}, "seven": {"max_sessions": 7}}
    no = ["enough_sessions"]
    assert marked(a_client(sessions_wished=8), **staff) == {"eight": [], "seven": no}
    told = marked(a_client(sessions_wished=8, budget=1760), unlimited={"max_sessions": None})
    assert told == {"unlimited": []}
    told = marked(a_client(sessions_wished=8, budget=1759), unlimited={"max_sessions": None})
    assert told == {"unlimited": no}
    medicare: Answers = {"funding": "medicare", "referral_held": True, "rebates_left": 7}
    assert marked(a_client(**medicare, sessions_wished=8), **staff) == {"eight": no, "seven": no}
    hard = a_client(modes={"enough_sessions": "hard"}, sessions_wished=8)
    assert left_out(hard, **staff) == {"eight": [], "seven": no}


def test_18_sessions_as_often_as_hoped_for() -> None:
    told = marked(
        a_client(session_interval_days=7),
        weekly={"shortest_interval_days": 7},
        fortnightly={"shortest_interval_days": 14},
    )
    assert told == {"weekly": [], "fortnightly": ["frequency"]}


def test_19_sessions_as_long_as_asked_for() -> None:
    told = marked(
        a_client(session_minutes=60), long={"longest_session": 60}, short={"longest_session": 50}
    )
    assert told == {"long": [], "short": ["session_length"]}


def test_20_some_way_of_meeting_suits_both() -> None:
    told = left_out(
        a_client(modes_wanted=["walking", "video"]),
        by_video={"modes": ["video", "phone"]},
        by_phone={"modes": ["phone"]},
        unsaid={"modes": None},
    )
    no = ["way_of_meeting"]
    assert told == {"by_video": [], "by_phone": no, "unsaid": no}


def test_21_the_nearest_rooms_are_within_reach_by_road_for_whoever_meets_in_person() -> None:
    """A tenth of a degree of latitude is 11.12 km as the crow flies and 14.46 km by road."""
    home = "-33.900,151.200"
    staff: dict[str, Staff] = {
        "far": {"rooms": "-34.000,151.200"},
        "second": {"rooms": "-34.000,151.200;-33.910,151.200"},
    }
    in_person: Answers = {"home": home, "modes_wanted": ["in_person"]}
    told = left_out(a_client(**in_person, max_km=14), **staff)
    assert told == {"far": ["distance"], "second": []}
    assert left_out(a_client(**in_person, max_km=15), **staff) == {"far": [], "second": []}
    either = a_client(home=home, modes_wanted=["in_person", "video"], max_km=14)
    assert left_out(either, **staff) == {"far": [], "second": []}


def test_22_by_video_only_where_the_clinician_may_practise() -> None:
    staff: dict[str, Staff] = {
        "national": {"telehealth_jurisdictions": ["nsw", "qld"]},
        "local": {"telehealth_jurisdictions": ["nsw"]},
        "unsaid": {"telehealth_jurisdictions": None},
    }
    no = ["jurisdiction"]
    told = left_out(a_client(jurisdiction="qld", modes_wanted=["video"]), **staff)
    assert told == {"national": [], "local": no, "unsaid": no}
    told = left_out(a_client(jurisdiction="qld", modes_wanted=["in_person", "video"]), **staff)
    assert told == {"national": [], "local": [], "unsaid": []}


def test_23_after_hours_where_the_two_meet() -> None:
    """In the rooms by the rooms' clock, by video by the client's: Perth is three hours behind."""
    staff: dict[str, Staff] = {
        "evening": {"hours": "mon 17:00-17:50"},
        "early": {"hours": "tue 08:10-09:00"},
        "saturday": {"hours": "sat 12:00-13:00"},
        "day": {"hours": "mon 09:00-17:49"},
        "late": {"hours": "mon 20:00-20:50"},
    }
    in_person = a_client(after_hours_needed=True, modes_wanted=["in_person"])
    no = ["after_hours_there"]
    told = left_out(in_person, **staff)
    assert told == {"evening": [], "early": [], "saturday": [], "day": no, "late": []}
    perth = a_client(after_hours_needed=True, modes_wanted=["video"], timezone="Australia/Perth")
    no = ["after_hours_by_phone_or_video"]
    told = left_out(perth, **staff)
    # Seventeen o'clock in Sydney is two in the afternoon there; nine is six, before office hours.
    assert told == {"evening": no, "early": [], "saturday": [], "day": [], "late": []}


def test_24_a_whole_session_fits_into_a_time_that_suits_both() -> None:
    staff: dict[str, Staff] = {
        "fits": {"hours": "mon 16:10-18:00"},
        "short": {"hours": "mon 16:11-18:00"},
        "other_day": {"hours": "tue 09:00-17:00"},
    }
    free: Answers = {"hours_free": "mon 14:00-17:00"}
    no = ["times_there"]
    told = left_out(a_client(**free, modes_wanted=["in_person"]), **staff)
    assert told == {"fits": [], "short": no, "other_day": no}
    # Two to five in Brisbane, which keeps no summer time, is three to six in Sydney.
    no = ["times_by_phone_or_video"]
    brisbane = a_client(**free, modes_wanted=["video"], timezone="Australia/Brisbane")
    assert left_out(brisbane, **staff) == {"fits": [], "short": [], "other_day": no}


def test_25_a_first_session_no_later_than_the_client_can_wait() -> None:
    told = left_out(
        a_client(max_wait_days=14),
        in_time={"next_available": "2026-12-07"},
        too_late={"next_available": "2026-12-08"},
    )
    assert told == {"in_time": [], "too_late": ["wait"]}
    softly = a_client(modes={"wait": "soft"}, max_wait_days=14)
    assert marked(softly, too_late={"next_available": "2026-12-08"}) == {"too_late": ["wait"]}


def test_26_a_time_that_stays_free_in_four_of_six_weeks() -> None:
    told = marked(a_client(), regular={"weeks_free": 4}, changing={"weeks_free": 3})
    assert told == {"regular": [], "changing": ["regular_time"]}


def test_27_therapies_that_are_a_must_wanted_and_declined() -> None:
    staff: dict[str, Staff] = {
        "both": {"modalities": ["cbt", "act"], "core_modalities": ["act"]},
        "one": {"modalities": ["cbt"], "core_modalities": ["cbt"]},
    }
    told = left_out(a_client(modalities_must=["cbt", "act"]), **staff)
    assert told == {"both": [], "one": ["therapy_required"]}
    told = left_out(a_client(modalities_not_wanted=["cbt"]), **staff)
    assert told == {"both": [], "one": ["therapy_declined"]}
    told = marked(a_client(modalities_wanted=["act", "dbt"]), **staff)
    assert told == {"both": [], "one": ["therapy_wanted"]}


@pytest.mark.parametrize("therapy", ["cbt", "act", "emdr", "schema"])
def test_28_training_as_far_as_hoped_for_in_a_therapy_that_is_a_must(therapy: str) -> None:
    field = f"training_{therapy}"
    staff: dict[str, Staff] = {"accredited": {field: "accredited"}, "trained": {field: "trained"}}
    asks: Answers = {"modalities_must": [therapy], "training_wished": "accredited"}
    assert marked(a_client(**asks), **staff) == {"accredited": [], "trained": [field]}
    assert left_out(a_client(modes={field: "hard"}, **asks), **staff)["trained"] == [field]


def test_29_a_concern_that_must_be_treated_and_one_that_is_not() -> None:
    told = left_out(
        a_client(concerns=["anxiety", "eating"], concerns_must=["anxiety"]),
        confident={},
        refuses={"concerns_not_treated": ["eating"]},
        unsure={"concerns_confident": ["grief"]},
        unsaid={"concerns_confident": None, "concerns_not_treated": None},
    )
    assert told == {
        "confident": [],
        "refuses": ["treats_concerns"],
        "unsure": ["must_treat"],
        "unsaid": ["must_treat"],
    }


def test_30_a_language_needed_or_an_interpreter_and_one_preferred() -> None:
    staff: dict[str, Staff] = {
        "speaks": {"languages": ["english", "vietnamese"]},
        "with_interpreter": {"uses_interpreters": True},
        "unsaid": {"languages": None},
    }
    no = ["language"]
    told = left_out(a_client(languages_needed=["vietnamese"]), **staff)
    assert told == {"speaks": [], "with_interpreter": no, "unsaid": no}
    told = left_out(a_client(languages_needed=["vietnamese"], interpreter_ok=True), **staff)
    assert told == {"speaks": [], "with_interpreter": [], "unsaid": no}
    told = marked(a_client(languages_preferred=["vietnamese"]), **staff)
    no = ["language_preferred"]
    assert told == {"speaks": [], "with_interpreter": no, "unsaid": no}


def test_31_a_clinicians_gender_is_looked_at_only_for_a_wish_the_client_stated() -> None:
    staff: dict[str, Staff] = {"woman": {}, "man": {"gender": "man"}, "unsaid": {"gender": None}}
    told = left_out(a_client(genders_wished=["woman", "non_binary"]), **staff)
    assert told == {"woman": [], "man": ["gender"], "unsaid": ["gender"]}
    assert marked(a_client(), **staff) == {"woman": [], "man": [], "unsaid": []}


def test_32_cultural_experience_marks_and_on_request_leaves_out() -> None:
    staff: dict[str, Staff] = {"named": {}, "other": {"cultural_experience": ["veterans"]}}
    asks: Answers = {"culture_wished": ["migrant_refugee"]}
    assert marked(a_client(**asks), **staff) == {"named": [], "other": ["culture"]}
    told = left_out(a_client(modes={"culture": "hard"}, **asks), **staff)
    assert told == {"named": [], "other": ["culture"]}
    assert marked(a_client(), **staff) == {"named": [], "other": []}


def test_33_years_in_practice_mark_and_can_never_leave_out() -> None:
    staff: dict[str, Staff] = {"ten": {"experience_years": 10}, "nine": {"experience_years": 9}}
    told = marked(a_client(experience_wished=10), **staff)
    assert told == {"ten": [], "nine": ["seniority"]}
    with pytest.raises(IntakeError, match=r"modes\.seniority: is not allowed"):
        a_client(modes={"seniority": "hard"}, experience_wished=10)


def test_34_the_access_needed_where_they_meet_in_the_rooms() -> None:
    staff: dict[str, Staff] = {
        "ramp": {},
        "stairs": {"accessibility": ["parking"]},
        "unsaid": {"accessibility": None},
    }
    needs: Answers = {"access_needs": ["wheelchair", "parking"]}
    no = ["access"]
    told = left_out(a_client(**needs, modes_wanted=["in_person"]), **staff)
    assert told == {"ramp": [], "stairs": no, "unsaid": no}
    told = left_out(a_client(**needs, modes_wanted=["video"]), **staff)
    assert told == {"ramp": [], "stairs": [], "unsaid": []}


def test_35_every_report_needed_is_written() -> None:
    told = left_out(
        a_client(reports_needed=["gp_letter", "court_report"]),
        writes={},
        letters_only={"reports": ["gp_letter"]},
        unsaid={"reports": None},
    )
    assert told == {"writes": [], "letters_only": ["report"], "unsaid": ["report"]}


def test_36_other_professionals_informed_and_family_involved_where_asked() -> None:
    staff: dict[str, Staff] = {
        "does": {},
        "alone": {"coordinates_care": False, "involves_family": False},
    }
    told = marked(a_client(coordination_wished=True, family_involved=True), **staff)
    assert told == {"does": [], "alone": ["coordination", "family"]}
    told = marked(a_client(coordination_wished=False, family_involved=False), **staff)
    assert told == {"does": [], "alone": []}


def test_37_how_they_like_to_work_is_the_models_and_no_constraint_reads_it() -> None:
    """Style and tasks only move the order: they are matches, and never leave anybody out."""
    practice = the_practice()
    styled = {
        f"{side}.{name}"
        for side, fields in (("client", practice.client), ("clinician", practice.clinician))
        for name, field in fields.items()
        if field.group == "style"
    }
    assert {"client.homework_wish", "clinician.homework_use"} < styled
    assert not styled & fields_read(practice)
    read_by_matches = {
        f"{side}.{field.name}"
        for match in practice.matches.values()
        for side, fields in (("client", match.client), ("clinician", match.clinician))
        for field in fields
    }
    assert styled <= read_by_matches


def test_38_nobody_is_matched_without_having_agreed() -> None:
    """A clinician who did not is not shown; a client who did not gets an order of waiting alone."""
    told = left_out(
        a_client(),
        agreed={},
        declined={"consents_to_matching": False},
        unasked={"consents_to_matching": None},
    )
    assert told == {"agreed": [], "declined": ["agreed"], "unasked": ["agreed"]}
    staff: dict[str, Staff] = {
        "suits_later": {"next_available": "2026-12-20", "modalities": ["emdr"]},
        "other_soon": {"next_available": "2026-11-24", "modalities": ["cbt"]},
    }
    asks: Answers = {"modalities_wanted": ["emdr"]}
    refused = answered(a_client(**asks, model_consent=False), **staff)
    assert (refused.mode, order(refused)) == (CONSTRAINTS_ONLY, ["other_soon", "suits_later"])
    assert all(each.predicted is None for each in refused.shortlist)
    agreed = answered(a_client(**asks, model_consent=True), **staff)
    assert order(agreed) == ["suits_later", "other_soon"]


def test_39_one_who_heads_many_lists_is_marked_and_stands_behind_among_equals() -> None:
    often: dict[str, Staff] = {
        "a_often": {"shown_first_percent": 26},
        "b_seldom": {"shown_first_percent": 25},
        "c_new": {"shown_first_percent": None},
    }
    told = marked(a_client(), **often)
    assert told == {"a_often": ["spread"], "b_seldom": [], "c_new": []}
    equals = answered(a_client(model_consent=True), **often)
    assert order(equals)[-1] == "a_often"
    with pytest.raises(IntakeError, match=r"modes\.spread: is not allowed"):
        a_client(modes={"spread": "hard"})


def answered(client: Intake, **staff: Staff) -> Recommendation:
    """A recommendation by the declared sizes alone, before any rating."""
    roster = a_roster(**staff)
    model = evidence_model(
        the_practice(), roster.columns, roster.ids, data_digest="none", created_at="2026-11-23"
    )
    return recommend(client, model.encode_roster(roster), model, day=MONDAY)


def order(recommendation: Recommendation) -> list[str]:
    return [each.clinician_id for each in recommendation.shortlist]


def fields_read(practice: Practice) -> set[str]:
    """Every field that the verdict of some constraint can depend on."""
    read = set()
    for constraint in practice.constraints.values():
        read |= {
            f"client.{name}"
            for name in client_fields(constraint, practice.first_session)
            | set(field_names(constraint)[0])
        }
        read |= {f"clinician.{name}" for name in field_names(constraint)[1]}
        read |= {f"clinician.{constraint.instead.clinician}"} if constraint.instead else set()
    return read


# The table in docs/constraints.md

TABLE = Path(__file__).parents[2] / "docs" / "constraints.md"


@cache
def rows_of_the_table() -> dict[int, list[str]]:
    """Cells of each numbered row: number, meaning, rules, default, test."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return {int(row[0]): row for row in rows if row[0].isdigit()}


def constraints_of(row: list[str]) -> list[Constraint]:
    """The constraints a row names, each at the beginning of its line."""
    names = re.findall(r"(?:^|<br>)`(\w+)`: ", row[2])
    assert set(names) <= set(the_practice().constraints)
    return [the_practice().constraints[name] for name in names]


def default_of(constraint: Constraint) -> str:
    parts: list[str] = [constraint.mode]
    parts += ["may be " + " or ".join(constraint.may_be)] if constraint.may_be else []
    parts += [f"unknown: {constraint.unknown}"] if constraint.mode == "hard" else []
    parts += ["unasked: unknown"] if constraint.unasked == "unknown" else []
    return ", ".join(parts)


def test_the_table_has_39_rows_and_every_constraint_once() -> None:
    assert list(rows_of_the_table()) == list(range(1, 40))
    named = [c.name for row in rows_of_the_table().values() for c in constraints_of(row)]
    assert sorted(named) == sorted(the_practice().constraints)


def test_each_row_states_what_is_declared_and_names_the_test_that_proves_it() -> None:
    for number, row in rows_of_the_table().items():
        constraints = constraints_of(row)
        assert constraints or number == 37
        assert row[4].strip("`").startswith(f"test_{number:02d}_"), number
        assert callable(globals()[row[4].strip("`")]), number
        assert_defaults_are_those_declared(row, constraints)


def assert_defaults_are_those_declared(row: list[str], constraints: list[Constraint]) -> None:
    defaults = dict.fromkeys(default_of(each) for each in constraints) or {"model": None}
    if len(defaults) == 1:
        assert row[3] == next(iter(defaults))
    for each in constraints:
        assert f"`{each.name}`: {each.rule}" in row[2]
        named = {*client_fields(each, FirstSession()), *field_names(each)[1]}
        assert {f"`{name}`" for name in named} <= set(re.findall(r"`\w+`", row[2]))
        if len(defaults) > 1:
            line = next(line for line in row[3].split("<br>") if f"`{each.name}`" in line)
            assert line.endswith(f"`: {default_of(each)}")


def test_the_rows_of_the_table_are_the_numbers_in_the_definition() -> None:
    told = re.findall(
        r"^\[constraints\.(\w+)\]\s+# (\d+)", shipped_text("psychology"), re.MULTILINE
    )
    in_table = [
        (each.name, str(number))
        for number, row in rows_of_the_table().items()
        for each in constraints_of(row)
    ]
    assert sorted(told) == sorted(in_table)
