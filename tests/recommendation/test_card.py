"""Cards: every figure by hand; nothing unknown is 0, nothing is claimed beyond what is known."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from recommender.practice.columns import Columns, read_rows
from recommender.practice.comparisons import haversine_km
from recommender.practice.definition import Practice, read_practice, shipped_practice, shipped_text
from recommender.recommendation.card import cards, prepare_cards
from recommender.recommendation.card_parts import CardContent, Cost, Meeting
from recommender.screening.screen import screen
from recommender.tables.roster import snapshot

PRACTICE = shipped_practice()
NAMED = read_practice(
    shipped_text("psychology")
    + """
[places.newtown]
title = "Newtown"
address = "12 King St"
point = [-33.8981, 151.179]
"""
)
SYDNEY = ZoneInfo("Australia/Sydney")
DAY = date(2026, 11, 26)
"""A Thursday."""
NOW = datetime(2026, 11, 26, 10, 7, tzinfo=SYDNEY).astimezone(UTC)
NEWTOWN, CHATSWOOD, HOME = "-33.898,151.179", "-33.7972,151.184", "-33.9,151.2"
HERE: Mapping[str, Any] = {
    "registration_type": "psychologist",
    "modes": "in_person;video",
    "timezone": "Australia/Sydney",
    "rooms": NEWTOWN,
    "hours": "mon 09:00-12:00; tue 15:00-20:00",
    "next_available": "2026-11-30",
    "telehealth_jurisdictions": "nsw",
    "fee": 210,
    "bulk_bills": False,
    "modalities": "cbt;act",
    "languages": "english",
    "gender": "woman",
    "experience_years": 8,
}
ASKING: Mapping[str, Any] = {
    "age_years": 34,
    "funding": "medicare",
    "session_minutes": 50,
    "jurisdiction": "nsw",
    "home": HOME,
    "max_km": 20,
    "modes_wanted": "in_person;video",
}


def shown(
    *clinicians: Mapping[str, Any],
    practice: Practice = PRACTICE,
    now: datetime = NOW,
    day: date = DAY,
    modes: Mapping[str, Any] | None = None,
    **answers: Any,
) -> tuple[CardContent, ...]:
    ids = [f"k{number}" for number in range(len(clinicians))]
    rows = read_rows(practice.clinician, [{**HERE, **each} for each in clinicians])
    roster = snapshot(ids, [None] * len(ids), rows, NOW)
    client = read_rows(practice.fields("client", "score", "filter"), [{**ASKING, **answers}])
    screening = screen(practice, client, None, roster, day, modes or {})
    return cards(practice, client, roster, screening, tuple(ids), now)


OTHER_ROOMS = {
    **HERE,
    "concession_fee": 150,
    "rooms": f"{NEWTOWN};{CHATSWOOD}",
    "hours": "mon 09:00-12:00 room 2",
}
CLIENTS: tuple[Mapping[str, Any], ...] = (
    ASKING,
    {**ASKING, "max_km": 5},
    {**ASKING, "home": CHATSWOOD, "max_km": 5, "hours_free": "mon 10:00-12:00"},
    {**ASKING, "modes_wanted": "video", "jurisdiction": "qld"},
    {**ASKING, "funding": "dva"},
    {**ASKING, "concession_card": True},
    {**ASKING, "rebates_left": 0},
    {**ASKING, "rebates_left": 3, "session_minutes": 30},
    {**ASKING, "start_on": "2027-07-05"},
)


def test_what_clients_share_of_a_roster_changes_no_card() -> None:
    rows, ids = read_rows(PRACTICE.clinician, [HERE, OTHER_ROOMS]), ("k0", "k1")
    shared = snapshot(ids, (None, None), rows, NOW)
    prepare_cards(PRACTICE, shared.columns, NOW)
    for answers in (*CLIENTS, *CLIENTS):
        client = read_rows(PRACTICE.fields("client", "score", "filter"), [answers])
        alone, beside_others = (
            cards(PRACTICE, client, roster, screen(PRACTICE, client, None, roster, DAY), ids, NOW)
            for roster in (snapshot(ids, (None, None), Columns(2, rows.values), NOW), shared)
        )
        assert beside_others == alone


def one(clinician: Mapping[str, Any] | None = None, **answers: Any) -> CardContent:
    return shown(clinician or {}, **answers)[0]


def cost(clinician: Mapping[str, Any], **answers: Any) -> tuple[Any, ...] | None:
    found = one(clinician, **answers).cost
    return None if found is None else (found.fee_cents, found.rebate_cents, found.gap_cents)


# Medicare's rebates from 1 July 2026, as the shipped rows have them: $101.55 with a psychologist
# and $149.05 with a clinical psychologist, 50 minutes.
@pytest.mark.parametrize(
    ("clinician", "answers", "cents"),
    [
        ({}, {}, (21000, 10155, 10845)),
        ({"registration_type": "clinical_psychologist"}, {}, (21000, 14905, 6095)),
        ({}, {"funding": "private"}, (21000, 0, 21000)),
        ({}, {"rebates_left": 0}, (21000, 0, 21000)),
        ({}, {"funding": None}, (21000, None, None)),
        ({"registration_type": None}, {}, (21000, None, None)),
        ({"fee": None}, {}, (None, 10155, None)),
        ({"fee": None}, {"funding": None}, None),
        ({"concession_fee": 150}, {}, (21000, 10155, 10845)),
        ({"concession_fee": 150}, {"concession_card": True}, (15000, 10155, 4845)),
        ({"concession_fee": 90}, {"concession_card": True}, (9000, 9000, 0)),
        ({"bulk_bills": True}, {}, (10155, 10155, 0)),
        ({"bulk_bills": True}, {"funding": "private"}, (21000, 0, 21000)),
        # What WorkCover pays is not known: neither is the gap.
        ({}, {"funding": "workcover"}, (21000, None, None)),
    ],
)
def test_the_cost_is_the_fee_less_the_rebate_and_unknown_is_never_0(
    clinician: dict[str, Any], answers: dict[str, Any], cents: tuple[Any, ...] | None
) -> None:
    assert cost(clinician, **answers) == cents


def test_only_the_ways_in_which_the_two_can_meet_decide_the_rebate() -> None:
    text = shipped_text("psychology").replace(
        "[postcodes]",
        """[[funding]]
scheme = "eap"
provider = "psychologist"
from = 2026-07-01
minutes = 1
fee_cents = 12000
rebate_cents = 12000
modes = ["in_person"]
source = "test"

[[funding]]
scheme = "eap"
provider = "psychologist"
from = 2026-07-01
minutes = 1
fee_cents = 9000
rebate_cents = 9000
modes = ["video", "phone"]
source = "test"

[postcodes]""",
        1,
    )
    practice = read_practice(text)
    both, there, away = (
        shown({}, practice=practice, funding="eap", modes_wanted=wanted)[0].cost
        for wanted in ("in_person;video", "in_person", "video")
    )
    # Where the ways pay differently the gap may be too large, never too small.
    assert both == Cost(21000, 9000, 12000, "AUD")
    assert there == Cost(21000, 12000, 9000, "AUD")
    assert away == Cost(21000, 9000, 12000, "AUD")


def road_km(home: str, room: str) -> float:
    """Kilometres by the shipped detour of 1.3, by the haversine formula."""
    points = [np.array([float(part) for part in each.split(",")]) for each in (home, room)]
    return round(1.3 * float(haversine_km(*points)), 1)


def test_a_meeting_is_at_the_nearest_room_in_reach() -> None:
    card = shown({"rooms": f"{CHATSWOOD};{NEWTOWN}"}, practice=NAMED)[0]
    assert road_km(HOME, NEWTOWN) == 2.5
    assert card.meeting == (
        Meeting("in_person", "In person", "Newtown", "12 King St", 2.5),
        Meeting("video", "Video"),
    )


def test_a_room_has_its_declared_place_or_its_postcode_or_only_a_distance() -> None:
    places = [
        shown({"rooms": rooms}, practice=practice)[0].meeting[0]
        for practice, rooms in (
            (NAMED, "-33.8979,151.1795"),
            (PRACTICE, "2042"),
            (PRACTICE, "-33.8979,151.1795"),
        )
    ]
    assert [(each.place, each.address) for each in places] == [
        ("Newtown", "12 King St"),
        ("2042", None),
        (None, None),
    ]
    assert all(each.km is not None for each in places)


def test_without_the_client_s_place_the_rooms_are_named_and_no_distance_is() -> None:
    card = shown({"rooms": f"{CHATSWOOD};{NEWTOWN}"}, practice=NAMED, home=None)[0]
    assert card.meeting[0] == Meeting("in_person", "In person", "Newtown", "12 King St")
    assert one({"rooms": "2042;2010"}, home=None).meeting[:2] == (
        Meeting("in_person", "In person", "2042"),
        Meeting("in_person", "In person", "2010"),
    )


@pytest.mark.parametrize(
    ("clinician", "answers", "ways"),
    [
        ({}, {"modes_wanted": "video;phone"}, ["video"]),
        ({}, {"modes_wanted": None}, ["in_person", "video"]),
        # 11.5 km as the crow flies are 15 by road.
        ({"rooms": CHATSWOOD}, {"max_km": 14}, ["video"]),
        ({}, {"jurisdiction": "vic"}, ["in_person"]),
        ({"hours": "mon 09:00-12:00 by video"}, {"hours_free": "mon 09:00-12:00"}, ["video"]),
        # What a clinician may offer is not offered.
        ({"modes": None}, {}, []),
    ],
)
def test_only_ways_that_suit_both_and_pass_the_constraints_are_ways_of_meeting(
    clinician: dict[str, Any], answers: dict[str, Any], ways: list[str]
) -> None:
    assert [each.way for each in one(clinician, **answers).meeting] == ways


def starts(card: CardContent) -> list[tuple[str, str | None, str | None]]:
    return [(t.starts_at.isoformat(), t.way, t.place) for t in card.next_times]


def test_next_times_are_open_hours_that_suit_from_the_first_free_day_on() -> None:
    card = shown({}, practice=NAMED, hours_free="mon 11:00-13:00; tue 19:00-21:00")[0]
    assert starts(card) == [
        ("2026-11-30T11:00:00+11:00", "in_person", "Newtown"),
        ("2026-12-01T19:00:00+11:00", "in_person", "Newtown"),
        ("2026-12-07T11:00:00+11:00", "in_person", "Newtown"),
    ]
    assert starts(one({}, hours_free="wed 09:00-12:00")) == []
    assert starts(one({"hours": None})) == []


def test_next_times_are_outside_absences_and_in_the_room_of_their_hours() -> None:
    clinician = {
        "rooms": f"{NEWTOWN};{CHATSWOOD}",
        "hours": "mon 09:00-12:00 room 1; tue 15:00-20:00 room 2",
        "absences": "2026-12-07 to 2026-12-11",
    }
    in_person = shown(clinician, practice=NAMED, modes_wanted="in_person")[0]
    assert starts(in_person) == [
        ("2026-11-30T09:00:00+11:00", "in_person", "Newtown"),
        ("2026-12-01T15:00:00+11:00", "in_person", None),
        ("2026-12-14T09:00:00+11:00", "in_person", "Newtown"),
    ]
    near = shown(clinician, practice=NAMED, modes_wanted="in_person", max_km=5)[0]
    assert [place for _, _, place in starts(near)] == ["Newtown"] * 3


def test_next_times_by_video_are_on_the_client_s_clock_over_a_change_of_clocks() -> None:
    # Sydney's clocks go back on 4 April 2027; Perth's never change. Sydney 15:00 is Perth 12:00 in
    # summer and 13:00 in winter.
    answers = {
        "modes_wanted": "video",
        "timezone": "Australia/Perth",
        "jurisdiction": "wa",
        "start_on": "2027-03-30",
    }
    clinician = {"telehealth_jurisdictions": "nsw;wa", "hours": "tue 15:00-18:00"}
    assert [at for at, _, _ in starts(one(clinician, **answers))] == [
        "2027-03-30T12:00:00+08:00",
        "2027-04-06T13:00:00+08:00",
        "2027-04-13T13:00:00+08:00",
    ]


def test_facts_are_those_declared_for_the_card_in_the_practice_s_labels() -> None:
    card = one({"photo": "https://practice.example/k0.jpg", "places_open": 1})
    assert card.photo == "https://practice.example/k0.jpg"
    assert card.profession == PRACTICE.clinician["registration_type"].label_of("psychologist")
    labels = PRACTICE.clinician["modalities"].label_of
    assert {each.field: each.values for each in card.facts} == {
        "places_open": ("1 place",),
        "modalities": (labels("cbt"), labels("act")),
        "experience_years": ("8 years",),
        "languages": ("English",),
        "gender": ("Woman",),
    }
    assert set(card.staff_only) == {"places_open", "competencies"}
    assert one({"modalities": None, "gender": None, "experience_years": None}).facts == tuple(
        each for each in one({}).facts if each.field == "languages"
    )


def test_asked_and_offered_names_exactly_the_levels_that_both_name() -> None:
    card = one(
        {"accessibility": "wheelchair;parking", "coordinates_care": True},
        modalities_wanted="act;emdr",
        genders_wished="woman;man",
        access_needs="wheelchair",
        coordination_wished=True,
        max_gap=120,
        max_fee=230,
        hours_free="tue 17:00-24:00",
        languages_needed="greek",
    )
    label = PRACTICE.clinician["modalities"].label_of
    assert [(each.label, each.values) for each in card.asked_and_offered] == [
        ("Therapies", (label("act"),)),
        ("Gender", ("Woman",)),
        ("Access", (PRACTICE.clinician["accessibility"].label_of("wheelchair"),)),
        ("Fee", ("$210, limit $230",)),
        ("Gap", ("$108.45, limit $120",)),
        ("Distance", ("2.5 km, limit 20 km",)),
        ("Times", ("Tuesday 5 pm to 8 pm",)),
        ("Keeps other treating professionals informed", ("Yes",)),
    ]
    quiet = one({}, home=None, modes_wanted=None)
    assert quiet.asked_and_offered == ()


def test_what_is_asked_and_not_offered_is_not_said() -> None:
    card = one(
        {"coordinates_care": False},
        modalities_wanted="emdr",
        coordination_wished=True,
        max_gap=100,
        max_fee=200,
        max_km=1,
    )
    assert card.asked_and_offered == ()
    free = one({"bulk_bills": True}, no_gap_needed=True, home=None)
    assert [(each.label, each.values) for each in free.asked_and_offered] == [("Gap", ("$0",))]


TRIO = (
    {"fee": 200, "languages": "english;greek", "experience_years": 20},
    {"modalities": "cbt;act;emdr", "rooms": CHATSWOOD},
    {"gender": "man", "next_available": "2026-11-27", "hours": "fri 09:00-12:00"},
)


def texts(card: CardContent) -> list[str]:
    return [each.text for each in card.differs]


def test_differences_are_true_of_one_clinician_alone() -> None:
    first, second, third = shown(*TRIO)
    emdr = PRACTICE.clinician["modalities"].label_of("emdr")
    assert texts(first) == [
        "The lowest gap of those shown: $10 less than the next",
        "In practice: 20 years, the most of those shown",
        "The only one of those shown who speaks Greek",
    ]
    assert texts(second) == [f"The only one of those shown who offers {emdr}"]
    assert texts(third) == [
        "The soonest time of those shown: Friday 27 November",
        "The only one of those shown who is a man",
    ]


def test_the_soonest_time_is_compared_on_one_clock() -> None:
    # 23:00 of Monday in Perth is 02:00 of Tuesday in Sydney, later than 00:30 there.
    perth = {"timezone": "Australia/Perth", "hours": "mon 23:00-24:00"}
    sydney = {"hours": "tue 00:30-02:00"}
    cards = shown(perth, sydney, modes_wanted="in_person", max_km=None)
    assert [each.next_times[0].starts_at.isoformat() for each in cards] == [
        "2026-11-30T23:00:00+08:00",
        "2026-12-01T00:30:00+11:00",
    ]
    assert [texts(each) for each in cards] == [[], []]


def test_what_was_asked_for_comes_first_and_no_card_has_more_than_four() -> None:
    rich = {
        "fee": 150,
        "rooms": HOME,
        "next_available": "2026-11-27",
        "hours": "fri 09:00-12:00",
        "languages": "english;greek",
        "modalities": "schema",
        "experience_years": 30,
    }
    card, other = shown(rich, {}, languages_preferred="greek")
    assert texts(card) == [
        "The only one of those shown who speaks Greek",
        "The lowest gap of those shown: $60 less than the next",
        "The soonest time of those shown: Friday 27 November",
        "The nearest rooms of those shown: 2.5 km closer than the next",
    ]
    assert len(texts(other)) <= 4
    assert not set(texts(card)) & set(texts(other))


def test_nothing_is_claimed_against_what_is_not_recorded() -> None:
    unknown = dict.fromkeys(("fee", "languages", "experience_years", "hours", "gender"))
    plain = {"languages": "english;greek", "experience_years": 20}
    card, _ = shown(plain, {**unknown, "modalities": "cbt;act"})
    assert texts(card) == []
    assert texts(one({})) == []


def test_equal_clinicians_differ_in_nothing() -> None:
    assert [texts(each) for each in shown({}, {}, {})] == [[], [], []]


def test_a_practice_that_shows_nothing_has_empty_cards() -> None:
    text = shipped_text("psychology")
    for who in ("client", "staff"):
        text = text.replace(f'shown_to = "{who}"', 'shown_to = "nobody"')
    card = shown(*TRIO, practice=read_practice(text), max_gap=300, modalities_wanted="cbt")[0]
    assert card == CardContent()
