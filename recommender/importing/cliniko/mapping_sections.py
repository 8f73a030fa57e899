"""The sections of a mapping file, and the checked whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Strict

from recommender.importing.cliniko.request_pace import DEFAULT_PER_MINUTE
from recommender.practice.definition import Practice
from recommender.values.toml_settings import (
    FilledText,
    Flag,
    Text,
    Texts,
    Whole,
    one_of,
    toml_table,
)

ARRIVED, NOT_MISSED = "arrived", "not_missed"
SECTIONS = ("cliniko", "fields", "practitioners", "businesses", "appointment_types")
_NUMBERS = frozenset({"number", "scale"})
FIELD_KINDS: Mapping[str, frozenset[str]] = {
    "active": frozenset({"flag"}),
    "rooms": frozenset({"place"}),
    "hours": frozenset({"availability", "weekly_hours"}),
    "timezone": frozenset({"category"}),
    "absences": frozenset({"date_ranges"}),
    "next_available": frozenset({"date"}),
    "weeks_free": _NUMBERS,
    "caseload": _NUMBERS,
}
"""Facts that Cliniko gives, with the kinds of a clinician's field that can hold each."""
FEE_KIND = frozenset({"money"})


@toml_table
@dataclass(frozen=True, slots=True)
class SyncSettings:
    """Section `cliniko`.

    Attributes
    ----------
    contact
        Name and e-mail of who runs the synchronisation, as Cliniko requires in every request.
    first_day
        Appointments that start earlier are not read; None for all.
    attended
        `arrived`: sessions are past appointments marked as arrived. `not_missed`: past appointments
        that were not cancelled and not marked as missed.
    caseload_days
        A client with a session in so many days before, or an appointment in so many days ahead,
        counts in the caseload.
    full_pass_days
        After so many days all appointments are read again, not only changed ones.
    timezone
        Of businesses whose zone Cliniko does not give; the practice's without it.
    names
        Whether the clinicians' names come from Cliniko.
    requests_per_minute
        Most requests a minute.
    """

    contact: FilledText
    first_day: Annotated[date, Strict()] | None = None
    attended: Annotated[str, one_of((ARRIVED, NOT_MISSED))] = ARRIVED
    caseload_days: Whole = 42
    full_pass_days: Whole = 7
    timezone: Text = ""
    names: Flag = False
    requests_per_minute: Whole = DEFAULT_PER_MINUTE


@toml_table
@dataclass(frozen=True, slots=True)
class MappedFacts:
    """Section `fields`: the clinician's field for each fact of Cliniko; None where it has none."""

    active: FilledText | None = None
    rooms: FilledText | None = None
    hours: FilledText | None = None
    timezone: FilledText | None = None
    absences: FilledText | None = None
    next_available: FilledText | None = None
    weeks_free: FilledText | None = None
    caseload: FilledText | None = None


@toml_table
@dataclass(frozen=True, slots=True)
class MappedBusiness:
    """A business: its room as a table writes it, and the ways of meeting of its hours.

    Without a room its hours are for every room; without ways for every way of meeting.
    """

    room: Text = ""
    ways: Texts = ()


@toml_table
@dataclass(frozen=True, slots=True)
class MappedType:
    """An appointment type.

    Attributes
    ----------
    first_session
        Whether a first session is booked as this type, so that its next free time counts.
    session
        Whether an attended appointment of this type is a session.
    fee_field
        The clinician's field that its price goes to.
    """

    first_session: Flag = False
    session: Flag = True
    fee_field: FilledText | None = None


@dataclass(frozen=True, slots=True)
class ClinikoMapping:
    """A checked mapping file.

    Attributes
    ----------
    settings, facts
        Sections `cliniko` and `fields`.
    practitioners
        Our clinician id by Cliniko's id.
    businesses, appointment_types
        By Cliniko's id.
    """

    settings: SyncSettings
    facts: MappedFacts
    practitioners: Mapping[str, str]
    businesses: Mapping[str, MappedBusiness]
    appointment_types: Mapping[str, MappedType]

    @property
    def fee_fields(self) -> dict[str, str]:
        """The field that a price goes to, by appointment type."""
        types = self.appointment_types.items()
        return {each: kind.fee_field for each, kind in types if kind.fee_field is not None}

    @property
    def first_types(self) -> tuple[str, ...]:
        """Appointment types that first sessions are booked as."""
        return tuple(each for each, kind in self.appointment_types.items() if kind.first_session)

    @property
    def written_fields(self) -> tuple[str, ...]:
        """Clinician fields that come from Cliniko."""
        facts = (getattr(self.facts, fact) for fact in FIELD_KINDS)
        named = (*(name for name in facts if name), *self.fee_fields.values())
        return tuple(dict.fromkeys(named))


def zone_named(mapping: ClinikoMapping, practice: Practice, given: str | None) -> ZoneInfo | None:
    """The zone of a business: Cliniko's, or the mapping's, or the practice's; None if unknown."""
    return zone_of(given or mapping.settings.timezone or practice.timezone)


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of a name; None where there is none.

    >>> zone_of("Australia/Melbourne").key, zone_of("Melbourne"), zone_of("../etc")
    ('Australia/Melbourne', None, None)
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
