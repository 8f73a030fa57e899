"""The facts about each clinician that Cliniko gives, as raw cells, and what it cannot say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from recommender.errors import Fault
from recommender.importing.cliniko.absence_days import absences
from recommender.importing.cliniko.directory import ClinikoDirectory
from recommender.importing.cliniko.fees import price_of
from recommender.importing.cliniko.mapping_sections import ClinikoMapping, zone_named, zone_of
from recommender.importing.cliniko.working_hours import (
    BusinessHours,
    availability_cell,
    open_hours,
    rooms_of_hours,
    same_clock,
    weekly_cell,
)
from recommender.practice.definition import Practice
from recommender.values.kinds import RawValue

UNCHANGED = "what the roster has is left as it is"


@dataclass(frozen=True, slots=True)
class ClinikoFacts:
    """What Cliniko says of one clinician.

    Attributes
    ----------
    name
        As staff read it; None where names do not come from Cliniko.
    facts
        Raw cells by field of the definition; None is written as not known. Fields that are not in
        here are left as they are.
    """

    name: str | None
    facts: Mapping[str, RawValue]


@dataclass(frozen=True, slots=True)
class TimeFacts:
    """What was found of free times and sessions, by Cliniko's practitioner or our clinician.

    Attributes
    ----------
    next_days
        Day of the next free first session by practitioner; None where none is free.
    weeks_free
        Weeks with the same free time, by practitioner.
    caseload
        Clients by clinician id; None where appointments were not read.
    """

    next_days: Mapping[str, date | None]
    weeks_free: Mapping[str, int]
    caseload: Mapping[str, int] | None


class RosterFacts:
    """Collects facts and warnings, clinician by clinician."""

    def __init__(
        self,
        mapping: ClinikoMapping,
        practice: Practice,
        directory: ClinikoDirectory,
        now: datetime,
    ) -> None:
        self._mapping = mapping
        self._practice = practice
        self._directory = directory
        self._now = now
        self._zones = business_zones(mapping, practice, directory)
        self._warned: dict[tuple[str, str, str], list[str]] = defaultdict(list)

    def collect(self, times: TimeFacts) -> dict[str, ClinikoFacts]:
        """The facts of every mapped practitioner, by clinician id."""
        facts = {
            clinician: self._facts_of(each, clinician, times)
            for each, clinician in self._mapping.practitioners.items()
        }
        self._warn_of_others()
        return dict(sorted(facts.items()))

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """What is probably not meant, and facts that Cliniko could not give, by kind."""
        return tuple(
            Fault(f"{where} {', '.join(sorted(names))}".strip(), problem, remedy)
            for (where, problem, remedy), names in self._warned.items()
        )

    def _warn(self, where: str, name: str, problem: str, remedy: str) -> None:
        self._warned[where, problem, remedy].append(name)

    def _facts_of(self, practitioner: str, clinician: str, times: TimeFacts) -> ClinikoFacts:
        mapped, facts = self._mapping.facts, dict[str, RawValue]()
        record = self._directory.active.get(practitioner)
        if mapped.active is not None:
            facts[mapped.active] = record is not None
        if times.caseload is not None and mapped.caseload is not None:
            facts[mapped.caseload] = times.caseload.get(clinician, 0)
        if record is None:
            if practitioner not in self._directory.inactive:
                remedy = "correct the id, or remove the practitioner from the mapping"
                self._warn("practitioners", practitioner, "is not in Cliniko", remedy)
            elif mapped.active is None:
                remedy = "map `active`, or close the clinician's intake in the roster"
                self._warn("clinicians", clinician, "is inactive in Cliniko", remedy)
            gone = self._directory.inactive.get(practitioner)
            return ClinikoFacts(self._name_of(gone), facts)
        self._add_hours(practitioner, clinician, facts)
        self._add_times(practitioner, clinician, facts, times)
        self._add_fees(practitioner, clinician, facts)
        return ClinikoFacts(self._name_of(record), facts)

    def _name_of(self, record: Any) -> str | None:
        return (record.name or None) if record and self._mapping.settings.names else None

    def _add_hours(self, practitioner: str, clinician: str, facts: dict[str, RawValue]) -> None:
        mapped, businesses = self._mapping.facts, self._mapping.businesses
        hours, others = open_hours(self._directory.hours.get(practitioner, ()), businesses)
        for other in others:
            remedy = f'add [businesses."{other}"] to the mapping; its hours are left out until then'
            self._warn("businesses", other, "is not in the mapping", remedy)
        zone = self._zone_of(clinician, hours, facts)
        if zone is None:
            return
        rooms = rooms_of_hours(hours, businesses)
        if mapped.rooms is not None:
            facts[mapped.rooms] = list(rooms) or None
        if mapped.hours is not None:
            field = self._practice.clinician[mapped.hours]
            numbered = rooms if field.rooms is not None else ()
            facts[mapped.hours] = (
                availability_cell(hours, businesses, numbered)
                if field.kind == "availability"
                else weekly_cell(hours)
            )
        if not hours and mapped.hours is not None:
            remedy = "enter the working hours in Cliniko; without hours no time fits"
            self._warn("clinicians", clinician, "has no hours in Cliniko", remedy)
        if mapped.absences is not None:
            blocks = {
                business: some
                for business, some in self._directory.blocks.get(practitioner, {}).items()
                if business in businesses
            }
            today = self._now.astimezone(zone).date()
            facts[mapped.absences] = absences(hours, blocks, zone, today)

    def _zone_of(
        self, clinician: str, hours: Sequence[BusinessHours], facts: dict[str, RawValue]
    ) -> ZoneInfo | None:
        """The zone of a clinician's hours; None where they cannot be written on one clock."""
        mapped, today = self._mapping.facts, self._now.date()
        own = ZoneInfo(self._practice.timezone)
        zones = [self._zones.get(each) for each in dict.fromkeys(h.business for h in hours)]
        if None in zones:
            remedy = f"write [cliniko] timezone; {UNCHANGED}"
            self._warn("clinicians", clinician, "works at a business of an unknown zone", remedy)
            return None
        zone = next((each for each in zones if each is not None), own)
        if not all(same_clock(zone, each, today) for each in zones if each is not None):
            remedy = f"give each business a clinician of its own; {UNCHANGED}"
            self._warn("clinicians", clinician, "works on two clocks", remedy)
            return None
        if mapped.timezone is None:
            if same_clock(zone, own, today):
                return zone
            remedy = f"map `timezone`, so that their hours are read on it; {UNCHANGED}"
            self._warn("clinicians", clinician, f"works on the clock of {zone.key}", remedy)
            return None
        levels = self._practice.clinician[mapped.timezone].levels
        alike = [zone.key, *(each for each in levels if _is_zone_like(each, zone, today))]
        named = next((each for each in alike if each in levels), None)
        if named is None:
            remedy = f"add {zone.key} to the levels of {mapped.timezone}; {UNCHANGED}"
            self._warn("clinicians", clinician, f"works on the clock of {zone.key}", remedy)
            return None
        facts[mapped.timezone] = named
        return zone

    def _add_times(
        self, practitioner: str, clinician: str, facts: dict[str, RawValue], times: TimeFacts
    ) -> None:
        mapped = self._mapping.facts
        if mapped.next_available is not None:
            if practitioner in times.next_days:
                facts[mapped.next_available] = times.next_days[practitioner]
                if times.next_days[practitioner] is None:
                    problem = "has no free first session as far ahead as online bookings go"
                    remedy = f"{mapped.next_available} is empty, which means not known: close "
                    remedy += "their intake if they are full"
                    self._warn("clinicians", clinician, problem, remedy)
            else:
                problem = "cannot be booked online for a first session"
                remedy = "show practitioner, business and appointment type in Cliniko's online "
                remedy += f"bookings; {UNCHANGED}"
                self._warn("clinicians", clinician, problem, remedy)
        if mapped.weeks_free is not None and practitioner in times.weeks_free:
            facts[mapped.weeks_free] = times.weeks_free[practitioner]

    def _add_fees(self, practitioner: str, clinician: str, facts: dict[str, RawValue]) -> None:
        prices: dict[str, set[Decimal]] = defaultdict(set)
        for each, field in self._mapping.fee_fields.items():
            if practitioner not in self._directory.offers.get(each, ()):
                continue
            price, problem = price_of(self._directory, each)
            if price is None:
                remedy = f"correct it in Cliniko, or leave fee_field out; {UNCHANGED}"
                self._warn("appointment_types", each, problem, remedy)
            else:
                prices[field].add(price)
        for field, found in prices.items():
            if len(found) == 1:
                facts[field] = str(found.pop())
            else:
                remedy = f"leave fee_field to one type for each clinician; {UNCHANGED}"
                self._warn("clinicians", clinician, f"has several prices for {field}", remedy)

    def _warn_of_others(self) -> None:
        mapping, directory = self._mapping, self._directory
        for each in sorted(set(directory.active) - set(mapping.practitioners)):
            remedy = f'add "{each}" = "clinician id" under [practitioners], or leave it'
            self._warn("practitioners", each, "is active and not in the mapping", remedy)
        for each in sorted(set(mapping.businesses) - set(directory.businesses)):
            remedy = "correct the id, or remove the business from the mapping"
            self._warn("businesses", each, "is not, or no longer, in Cliniko", remedy)
        for each in sorted(set(mapping.appointment_types) - set(directory.types)):
            if mapping.appointment_types[each].first_session or each in mapping.fee_fields:
                remedy = "correct the id, or remove the type from the mapping"
                problem = "is not, or no longer, in Cliniko"
                self._warn("appointment_types", each, problem, remedy)


def _is_zone_like(level: str, zone: ZoneInfo, today: date) -> bool:
    other = zone_of(level)
    return other is not None and same_clock(other, zone, today)


def business_zones(
    mapping: ClinikoMapping, practice: Practice, directory: ClinikoDirectory
) -> dict[str, ZoneInfo]:
    """The zone of each mapped business of which one is known."""
    zones = {
        each: zone_named(mapping, practice, record.time_zone_identifier)
        for each, record in directory.businesses.items()
        if each in mapping.businesses
    }
    return {each: zone for each, zone in zones.items() if zone is not None}
