"""A practitioner of FHIR with roles, places and services, from which a clinician is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from recommender.importing.fhir.resources import Resource, Resources
from recommender.practice.definition import Practice


@dataclass(frozen=True, slots=True)
class Person:
    """A practitioner with the roles and their places and services.

    Attributes
    ----------
    practitioner, roles
        The practitioner, and the roles that are active on the day of the import.
    locations
        By role, in the order of `roles`: the places that were read.
    services
        The healthcare services of all roles, each once.
    """

    practitioner: Resource
    roles: tuple[Resource, ...]
    locations: tuple[tuple[Resource, ...], ...]
    services: tuple[Resource, ...]

    @property
    def places(self) -> tuple[Resource, ...]:
        """The places of all roles, each once, in their order."""
        unique = {each.key: each for several in self.locations for each in several}
        return tuple(unique.values())


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What sources depend on beside the person.

    Attributes
    ----------
    practice, zone, today
        The definition, its time zone and its day.
    registration_system
        Naming system of registration numbers.
    free_days
        The day of the next free slot by key of the practitioner; filled after absences are read.
    """

    practice: Practice
    zone: ZoneInfo
    today: date
    registration_system: str
    free_days: Mapping[str, date]


def person_of(practitioner: Resource, roles: tuple[Resource, ...], resources: Resources) -> Person:
    """A practitioner with what the roles refer to and was read."""
    locations = tuple(tuple(_followed(role, "location", resources)) for role in roles)
    services = [s for role in roles for s in _followed(role, "healthcareService", resources)]
    unique = {each.key: each for each in services if each.body.get("active") is not False}
    return Person(practitioner, roles, locations, tuple(unique.values()))


def _followed(role: Resource, element: str, resources: Resources) -> Iterator[Resource]:
    kinds = {"location": "Location", "healthcareService": "HealthcareService"}
    for reference in role.body.get(element) or []:
        found = resources.follow(reference, role, kinds[element])
        if found is not None and found.body.get("status") not in ("inactive", "suspended"):
            yield found
