"""An invented practice in Cliniko: practitioners, places, hours, absences and appointments.

Everything follows from a seed. Clients' names and notes begin with `CANARY`, so that a test finds
them wherever they are not allowed to be.
"""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from experiments.cliniko_sync.local_cliniko import LocalCliniko, Record, utc
from recommender.practice.definition import Practice
from recommender.tables.csv_text import csv_text

CANARY = "Zqxcanary"
NOW = datetime(2026, 9, 24, 1, 30, tzinfo=UTC)
"""A Thursday shortly before clocks change in Melbourne (4 October 2026)."""
ZONE = ZoneInfo("Australia/Melbourne")
FITZROY, CARLTON, VIDEO = "11", "12", "13"
BUSINESSES = {FITZROY: ("Fitzroy", "3065"), CARLTON: ("Carlton", "3053"), VIDEO: ("Video", "")}
FIRST, STANDARD, MEETING = "101", "102", "103"
TYPES = {FIRST: ("First session", 60), STANDARD: ("Session", 50), MEETING: ("Staff meeting", 60)}
ROOMS = {FITZROY: "-37.7995,144.978", CARLTON: "-37.8004,144.9669"}
PRACTITIONER_IDS = 5_000
PATIENT_IDS = 70_000
APPOINTMENT_IDS = 900_000
MEDIAN_SESSIONS = 5


@dataclass(frozen=True, slots=True)
class AccountSize:
    """How much there is."""

    practitioners: int = 50
    appointments: int = 10_000
    inactive: int = 3
    blocks: int = 4


def invented_account(size: AccountSize, seed: int) -> LocalCliniko:
    """The server of the practice, not started."""
    rng = random.Random(seed)
    people = [str(PRACTITIONER_IDS + number) for number in range(size.practitioners)]
    cliniko = LocalCliniko(
        now=NOW,
        lists={
            "businesses": [_business(each) for each in BUSINESSES],
            "practitioners": [_practitioner(each) for each in people],
            "appointment_types": [_type(each) for each in TYPES],
            "daily_availabilities": _availabilities(rng, people),
            "unavailable_blocks": _blocks(rng, people, size.blocks),
            "individual_appointments": _appointments(rng, people, size.appointments),
            "billable_items": [_stamped("301", price="210.0"), _stamped("302", price="230.0")],
            "appointment_type_billable_items": [
                _stamped("401", appointment_type=STANDARD, billable_item="301", quantity="1.0"),
                _stamped("402", appointment_type=FIRST, billable_item="302", quantity="1.0"),
            ],
        },
        inactive=set(people[size.practitioners - size.inactive :]),
        offers={each: set(people) for each in TYPES},
        seed=seed,
    )
    for each in people:
        for business in BUSINESSES:
            cliniko.free[business, each, FIRST] = _free(rng)
    return cliniko


def mapping_text(people: int, *, per_minute: int = 100_000, extra: str = "") -> str:
    """The mapping of the practice's file, as a practice would write it."""
    named = "\n".join(f'"{PRACTITIONER_IDS + n}" = "psy{n:03d}"' for n in range(people))
    return f"""
[cliniko]
contact = "Invented Practice (it@practice.example)"
requests_per_minute = {per_minute}
timezone = "Australia/Melbourne"
{extra}

[fields]
active = "active"
rooms = "rooms"
hours = "hours"
timezone = "timezone"
absences = "absences"
next_available = "next_available"
caseload = "caseload"

[practitioners]
{named}

[businesses.{FITZROY}]
room = "{ROOMS[FITZROY]}"
[businesses.{CARLTON}]
room = "{ROOMS[CARLTON]}"
[businesses.{VIDEO}]
ways = ["video", "phone"]

[appointment_types.{FIRST}]
first_session = true
[appointment_types.{STANDARD}]
fee_field = "fee"
[appointment_types.{MEETING}]
session = false
"""


def clinicians_text(practice: Practice, people: int) -> str:
    """A clinicians table with what Cliniko does not have: consent, registration, styles."""
    header = ["clinician_id", "name", *practice.clinician]
    own = {
        "consents_to_matching": "true",
        "registration_type": "psychologist",
        "modalities": "cbt;act",
        "concerns_confident": "anxiety;depression",
        "modes": "in_person;video;phone",
        "style_directiveness": "2",
    }
    rows = [
        [
            {"clinician_id": f"psy{n:03d}", "name": f"Clinician {n}", **own}.get(name, "")
            for name in header
        ]
        for n in range(people)
    ]
    return csv_text(header, rows)


def _stamped(record_id: str, at: datetime = NOW - timedelta(days=600), **fields: Any) -> Record:
    stamps = {"created_at": utc(at), "updated_at": utc(at), "archived_at": None}
    return {"id": record_id, **stamps, **fields}


def _business(business: str) -> Record:
    name, code = BUSINESSES[business]
    return _stamped(
        business,
        business_name=name,
        display_name=None,
        post_code=code or None,
        time_zone_identifier=ZONE.key,
        show_in_online_bookings=True,
        email_reply_to="desk@practice.example",
    )


def _practitioner(practitioner: str) -> Record:
    number = int(practitioner) - PRACTITIONER_IDS
    return _stamped(
        practitioner,
        first_name="Clinician",
        last_name=str(number),
        label=f"Clinician {number}",
        show_in_online_bookings=True,
        description=None,
    )


def _type(appointment_type: str) -> Record:
    name, minutes = TYPES[appointment_type]
    return _stamped(
        appointment_type,
        name=name,
        duration_in_minutes=minutes,
        max_attendees=1,
        show_in_online_bookings=True,
    )


def _availabilities(rng: random.Random, people: list[str]) -> list[Record]:
    records: list[Record] = []
    for practitioner in people:
        home = rng.choice((FITZROY, CARLTON))
        for weekday in sorted(rng.sample(range(1, 6), rng.randint(2, 5))):
            spans = [{"starts_at": "09:00", "ends_at": "12:30"}]
            if rng.random() < 0.7:
                spans.append({"starts_at": "13:30", "ends_at": "17:00"})
            business = VIDEO if rng.random() < 0.3 else home
            records.append(
                _stamped(
                    str(20_000 + len(records)),
                    day_of_week=weekday,
                    availabilities=spans,
                    business=business,
                    practitioner=practitioner,
                )
            )
    return records


def _blocks(rng: random.Random, people: list[str], each: int) -> list[Record]:
    """Holidays of whole days at every business, an hour here and there, and archived ones."""
    records: list[Record] = []
    today = NOW.astimezone(ZONE).date()
    for practitioner in people:
        for number in range(each):
            first = today + timedelta(days=rng.randint(-60, 200))
            days = rng.choice((1, 1, 5, 14)) if number else 14
            begin, end = _local(first, 0), _local(first + timedelta(days=days), 0)
            if number == each - 1:
                begin, end = _local(first, 12 * 60), _local(first, 13 * 60)
            gone = utc(NOW - timedelta(days=2)) if rng.random() < 0.2 else None
            for business in BUSINESSES:
                record = _stamped(
                    str(40_000 + len(records)),
                    starts_at=utc(begin),
                    ends_at=utc(end),
                    deleted_at=gone,
                    notes=f"{CANARY} is away",
                    business=business,
                    practitioner=practitioner,
                )
                records.append({**record, "archived_at": gone})
    return records


def _appointments(rng: random.Random, people: list[str], count: int) -> list[Record]:
    """Clients who see one practitioner for some weeks, and one in ten who then sees another."""
    records: list[Record] = []
    patient = PATIENT_IDS
    while len(records) < count:
        patient += 1
        for practitioner in rng.sample(people, 2 if rng.random() < 0.1 else 1):
            start = NOW - timedelta(days=rng.randint(-20, 500))
            for visit in range(1 + int(rng.expovariate(1 / MEDIAN_SESSIONS))):
                when = _at_desk(rng, start + timedelta(days=7 * visit))
                records.append(_appointment(rng, len(records), when, practitioner, patient, visit))
    return records[:count]


def _at_desk(rng: random.Random, moment: datetime) -> datetime:
    return _local(moment.astimezone(ZONE).date(), rng.choice(range(9 * 60, 17 * 60, 30)))


def _appointment(
    rng: random.Random,
    number: int,
    when: datetime,
    practitioner: str,
    patient: int,
    visit: int,
) -> Record:
    drawn, past = rng.random(), when <= NOW
    booked = min(when, NOW) - timedelta(days=rng.randint(1, 20), minutes=rng.randint(0, 600))
    changed = utc(min(when + timedelta(hours=1), NOW - timedelta(days=1)) if past else booked)
    record = _stamped(
        str(APPOINTMENT_IDS + number),
        starts_at=utc(when),
        ends_at=utc(when + timedelta(minutes=50)),
        cancelled_at=changed if drawn < 0.10 else None,
        deleted_at=None,
        patient_arrived=past and drawn >= 0.17,
        did_not_arrive=past and 0.12 <= drawn < 0.17,
        patient_name=f"{CANARY} {patient}",
        notes=f"{CANARY}: came with a friend",
        booking_ip_address="10.0.0.43",
        practitioner=practitioner,
        business=rng.choice(list(BUSINESSES)),
        appointment_type=FIRST if visit == 0 else STANDARD if drawn < 0.99 else MEETING,
        patient=str(patient),
    )
    archived = changed if 0.10 <= drawn < 0.12 else None
    return {**record, "created_at": utc(booked), "updated_at": changed, "archived_at": archived}


def _free(rng: random.Random) -> list[datetime]:
    if rng.random() < 0.15:
        return []
    today = NOW.astimezone(ZONE).date()
    days = sorted(rng.sample(range(1, 60), 12))
    return [_local(today + timedelta(days=each), rng.choice((540, 600, 840))) for each in days]


def _local(day: date, minutes: int) -> datetime:
    clock = time(minutes // 60, minutes % 60)
    return datetime.combine(day, clock, ZONE).astimezone(UTC)
