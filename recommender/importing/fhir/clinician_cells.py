"""Sources of whole cells about a clinician: hours, rooms, absences, dates and whether active."""

from collections.abc import Callable, Mapping

from recommender.importing.fhir.availability import absences_of, range_text, weekly_times
from recommender.importing.fhir.clinician_codes import registrations, zones_of_time
from recommender.importing.fhir.person import Circumstances, Person
from recommender.importing.fhir.resources import Body
from recommender.importing.fhir.times import first_day, last_day
from recommender.practice.definition import Practice
from recommender.values.kinds import RawValue
from recommender.values.parsers import MAX_ROOMS, DateRange

Problem = tuple[str, str]
"""A column and why something of it was left out."""


def _active(person: Person, _: Circumstances) -> tuple[RawValue, list[Problem]]:
    flags = [person.practitioner.body.get("active"), *(r.body.get("active") for r in person.roles)]
    if False in flags:
        return False, []
    return (True if person.roles or True in flags else None), []


def _rooms(person: Person, around: Circumstances) -> tuple[RawValue, list[Problem]]:
    points, problems = room_points(person, around)
    return ([point for _, point in points] or None), problems


def room_points(
    person: Person, around: Circumstances
) -> tuple[list[tuple[str, str]], list[Problem]]:
    """Key of the place and its point or postcode as a cell writes it, for each place with one."""
    found: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for place in person.places:
        position = place.body.get("position") or {}
        postcode = str((place.body.get("address") or {}).get("postalCode") or "")
        if "latitude" in position and "longitude" in position:
            point = f"{position['latitude']},{position['longitude']}"
        elif postcode in _postcodes(around.practice):
            point = postcode
        else:
            reason = "a location has no position, and no postcode that the practice declares"
            problems.append(("location", reason))
            continue
        if len(found) < MAX_ROOMS:
            found.append((place.key, point))
    return found, problems


def _postcodes(practice: Practice) -> Mapping[str, object]:
    return practice.locations.postcodes


def _hours(person: Person, around: Circumstances) -> tuple[RawValue, list[Problem]]:
    points, _ = room_points(person, around)
    numbers = {key: str(number) for number, (key, _) in enumerate(points, start=1)}
    cells: list[str] = []
    problems: list[Problem] = []
    for role, places in zip(person.roles, person.locations, strict=True):
        here = [e for e in role.body.get("availableTime") or [] if _in_a_known_zone(e, around)]
        times, reasons = weekly_times({**role.body, "availableTime": here})
        if len(here) < len(role.body.get("availableTime") or []):
            reasons.append("a time is in a zone that no field of the definition has")
        problems += [("availableTime", reason) for reason in reasons]
        rooms = [numbers[each.key] for each in places if each.key in numbers]
        is_one_of_several = len(numbers) > 1 and len(places) == len(rooms) == 1
        cells += [time.text(rooms[0] if is_one_of_several else "") for time in times]
    return (list(dict.fromkeys(cells)) or None), problems


def _in_a_known_zone(time: Body, around: Circumstances) -> bool:
    """Whether hours are in the practice's zone, or in one that a field of clinicians can say."""
    known = {level for each in around.practice.clinician.values() for level in each.levels}
    return all(
        zone in known or zone == around.practice.timezone
        for tokens in zones_of_time(time)
        for zone in tokens
    )


def absences(person: Person, around: Circumstances) -> tuple[list[DateRange], list[Problem]]:
    """The days on which every role of a person is away.

    An absence of one role among several leaves the others open, so it is not the person's.
    """
    ranges: list[list[DateRange]] = []
    problems: list[Problem] = []
    for role in person.roles:
        found, reasons = absences_of(role.body, around.today, around.zone)
        problems += [("notAvailable", reason) for reason in reasons]
        ranges.append(found)
    common = [each for each in (ranges[0] if ranges else []) if all(each in r for r in ranges)]
    lost = sum(map(len, ranges)) - len(common) * len(ranges)
    if lost:
        reason = "an absence is of one role, and the clinician has others"
        problems += [("notAvailable", reason)] * lost
    return common, problems


def _absences(person: Person, around: Circumstances) -> tuple[RawValue, list[Problem]]:
    ranges, problems = absences(person, around)
    return ([range_text(each) for each in ranges] or None), problems


def _next_free_day(person: Person, around: Circumstances) -> tuple[RawValue, list[Problem]]:
    day = around.free_days.get(person.practitioner.key)
    return (None if day is None else day.isoformat()), []


def _registration_period(
    element: str,
) -> Callable[[Person, Circumstances], tuple[RawValue, list[Problem]]]:
    """Reads the first start, or the last end, of the periods of registrations."""
    day_of, chosen_of = (first_day, min) if element == "start" else (last_day, max)

    def read(person: Person, around: Circumstances) -> tuple[RawValue, list[Problem]]:
        ends = [
            (period or {}).get(element)
            for period in _periods(person.practitioner.body, around.registration_system)
        ]
        days = [day for day in (day_of(end, around.zone) for end in ends) if day is not None]
        return (chosen_of(days).isoformat() if days else None), []

    return read


def _periods(practitioner: Body, system: str) -> list[Body | None]:
    """Periods of registrations: of the identifier, or of the qualification that has it."""
    found = [each.get("period") for each in registrations(practitioner, system)]
    for qualification in practitioner.get("qualification") or []:
        if any(each.get("system") == system for each in qualification.get("identifier") or []):
            found.append(qualification.get("period"))
    return found


CELLS: Mapping[
    str, tuple[frozenset[str], Callable[[Person, Circumstances], tuple[RawValue, list[Problem]]]]
] = {
    "active": (frozenset({"flag"}), _active),
    "rooms": (frozenset({"place"}), _rooms),
    "hours": (frozenset({"availability", "weekly_hours"}), _hours),
    "absences": (frozenset({"date_ranges"}), _absences),
    "next_free_day": (frozenset({"date"}), _next_free_day),
    "registered_from": (frozenset({"date"}), _registration_period("start")),
    "registered_until": (frozenset({"date"}), _registration_period("end")),
}
"""Sources of whole cells, by name: the kinds of field they fill, and how they are read."""
