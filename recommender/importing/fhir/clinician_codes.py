"""Sources of codes about a clinician, which a mapping turns into levels."""

from collections.abc import Callable, Mapping

from recommender.importing.fhir.concepts import Tokens, concepts_in, extension_values
from recommender.importing.fhir.person import Circumstances, Person
from recommender.importing.fhir.resources import Body, Resource

GENDER_IDENTITY = "http://hl7.org/fhir/StructureDefinition/individual-genderIdentity"
TIME_ZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
PROFESSION_LETTERS = 3
"""Letters at the start of an Ahpra registration number that say the profession, such as PSY."""


def _of_practitioner(element: str) -> Callable[[Person, Circumstances], list[Tokens]]:
    return lambda person, _: concepts_in(person.practitioner.body.get(element))


def _of_roles(element: str) -> Callable[[Person, Circumstances], list[Tokens]]:
    return lambda person, _: _of_each(person.roles, element)


def _of_services(element: str) -> Callable[[Person, Circumstances], list[Tokens]]:
    return lambda person, _: _of_each(person.services, element)


def _of_places(element: str) -> Callable[[Person, Circumstances], list[Tokens]]:
    return lambda person, _: _of_each(person.places, element)


def _of_each(resources: tuple[Resource, ...], element: str) -> list[Tokens]:
    return [tokens for each in resources for tokens in concepts_in(each.body.get(element))]


def _qualifications(person: Person, _: Circumstances) -> list[Tokens]:
    several = person.practitioner.body.get("qualification") or []
    return [tokens for each in several for tokens in concepts_in(each.get("code"))]


def _professions(person: Person, around: Circumstances) -> list[Tokens]:
    """The letters of registration numbers; a number without three letters says nothing."""
    system = around.registration_system
    found = registrations(person.practitioner.body, system)
    # The Agency's provider directory repeats the number in the role.
    for role in person.roles:
        found += registrations(role.body, system)
    letters = [str(each.get("value") or "")[:PROFESSION_LETTERS].upper() for each in found]
    return [(each,) for each in dict.fromkeys(letters) if each.isalpha()]


def registrations(body: Body, system: str) -> list[Body]:
    """Identifiers of a naming system: AU Base has them of a practitioner or of a qualification."""
    found = list(body.get("identifier") or [])
    for qualification in body.get("qualification") or []:
        found += qualification.get("identifier") or []
    return [each for each in found if each.get("system") == system]


def _time_zones(person: Person, _: Circumstances) -> list[Tokens]:
    """IANA zones of the places and of the roles' times, where the extension of FHIR says them."""
    found = [zone for place in person.places for zone in extension_values(place.body, TIME_ZONE)]
    for place in person.places:
        found += extension_values(place.body.get("address") or {}, TIME_ZONE)
    for role in person.roles:
        for time in role.body.get("availableTime") or []:
            found += zones_of_time(time)
    return list(dict.fromkeys(found))


def zones_of_time(time: Body) -> list[Tokens]:
    """The zones in which an `availableTime` begins and ends, where the extension says them."""
    ends = ("_availableStartTime", "_availableEndTime")
    return [zone for end in ends for zone in extension_values(time.get(end) or {}, TIME_ZONE)]


def _gender_identities(person: Person, _: Circumstances) -> list[Tokens]:
    return extension_values(person.practitioner.body, GENDER_IDENTITY)


CODED: Mapping[str, Callable[[Person, Circumstances], list[Tokens]]] = {
    "gender": _of_practitioner("gender"),
    "gender_identity": _gender_identities,
    "communication": _of_practitioner("communication"),
    "qualification": _qualifications,
    "profession": _professions,
    "role_code": _of_roles("code"),
    "specialty": _of_roles("specialty"),
    "service_category": _of_services("category"),
    "service_type": _of_services("type"),
    "service_specialty": _of_services("specialty"),
    "service_characteristic": _of_services("characteristic"),
    "service_program": _of_services("program"),
    "service_provision": _of_services("serviceProvisionCode"),
    "service_referral": _of_services("referralMethod"),
    "location_type": _of_places("type"),
    "location_physical_type": _of_places("physicalType"),
    "timezone": _time_zones,
}
"""Sources of codes, by name; `codes` of the mapping gives their levels."""
EXTENSIONS: Mapping[str, Callable[[Person], tuple[Resource, ...]]] = {
    "practitioner_extension:": lambda person: (person.practitioner,),
    "role_extension:": lambda person: person.roles,
    "service_extension:": lambda person: person.services,
    "location_extension:": lambda person: person.places,
}
"""Sources of codes in extensions: the prefix, behind which their address is written."""


def codes_from(source: str, person: Person, around: Circumstances) -> list[Tokens]:
    """The concepts of a source of codes."""
    for prefix, resources_of in EXTENSIONS.items():
        if source.startswith(prefix):
            url = source.removeprefix(prefix)
            several = resources_of(person)
            return [tokens for each in several for tokens in extension_values(each.body, url)]
    return CODED[source](person, around)


def is_coded(source: str) -> bool:
    """Whether a source gives codes."""
    return source in CODED or any(
        source.startswith(prefix) and len(source) > len(prefix) for prefix in EXTENSIONS
    )
