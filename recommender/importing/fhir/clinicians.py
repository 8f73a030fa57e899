"""The table of clinicians from practitioners, roles, places, services and free slots."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from recommender.importing.fhir.availability import next_free_days, practitioner_of
from recommender.importing.fhir.clinician_cells import CELLS, absences
from recommender.importing.fhir.clinician_codes import codes_from, is_coded
from recommender.importing.fhir.concepts import Tokens
from recommender.importing.fhir.imported_rows import ImportedRows
from recommender.importing.fhir.mapping import ClinicianColumn, FhirMapping
from recommender.importing.fhir.person import Circumstances, Person, person_of
from recommender.importing.fhir.resources import Body, Resource, Resources
from recommender.importing.fhir.times import first_day, instant_of, last_day
from recommender.importing.import_report import ImportLog
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.columns import read_cell
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.values.kinds import RawValue

SOURCE = "Practitioner"
NO_IDENTITY = "has no id, or no identifier of the system that the mapping names"
_ROLE_SOURCES = ("role_code", "specialty", "qualification")


@dataclass(frozen=True, slots=True)
class ImportedClinicians:
    """The rows, and the pseudonym of each of their clinicians by key of the practitioner."""

    rows: ImportedRows
    ids: Mapping[str, str]


def import_clinicians(
    resources: Resources,
    mapping: FhirMapping,
    practice: Practice,
    pseudonyms: Pseudonyms,
    now: datetime,
    log: ImportLog,
) -> ImportedClinicians:
    """The clinicians that the mapping takes, in the order of reading."""
    zone = ZoneInfo(practice.timezone)
    around = Circumstances(
        practice, zone, practice.day_at(now), mapping.roster.registration_system, {}
    )
    people = _people(resources, mapping, around, log)
    away = {each.practitioner.key: absences(each, around)[0] for each in people}
    _log_slots(resources, now, log)
    around = replace(around, free_days=next_free_days(resources, away, now, zone))
    rows: list[dict[str, RawValue]] = []
    origins = []
    ids: dict[str, str] = {}
    for person in people:
        body = person.practitioner.body
        name = identity_of(person.practitioner, mapping.ids.clinician)
        if name is None:
            log.leave_out_rows(SOURCE, NO_IDENTITY, [person.practitioner.number])
            continue
        pseudonym = pseudonyms.of("clinician", name)
        ids[person.practitioner.key] = pseudonym
        cells: dict[str, RawValue] = {"clinician_id": pseudonym, "name": name_of(body)}
        for field, column in mapping.clinicians.items():
            cells[field] = _cell(practice.clinician[field], column, person, around, log)
        rows.append(cells)
        origins.append((SOURCE, person.practitioner.number))
    names = () if "name" in practice.clinician else ("name",)
    header = ("clinician_id", *names, *practice.clinician)
    found = ImportedRows(header, rows, origins)
    columns = mapping.clinicians.items()
    sources = {name: each.sources or ("one value",) for name, each in columns}
    found.log_columns("clinicians", sources, log)
    return ImportedClinicians(found, ids)


def _people(
    resources: Resources, mapping: FhirMapping, around: Circumstances, log: ImportLog
) -> list[Person]:
    """The practitioners that the mapping takes for clinicians of the practice."""
    roles: dict[str, list[Resource]] = {}
    for role in resources.of("PractitionerRole"):
        reason = _ended(role.body, around)
        owner = practitioner_of(resources, role)
        if owner is None:
            reason = "names no practitioner that was read"
        if reason is not None or owner is None:
            log.leave_out_rows("PractitionerRole", reason or "", [role.number])
        else:
            roles.setdefault(owner.key, []).append(role)
    people = []
    for practitioner in resources.of("Practitioner"):
        own = tuple(roles.get(practitioner.key, ()))
        person = person_of(practitioner, own, resources)
        if _is_taken(person, mapping, around):
            people.append(person)
            continue
        reason = "has no profession and no code that the mapping takes for its clinicians"
        log.leave_out_rows(SOURCE, reason, [practitioner.number])
        numbers = [role.number for role in own]
        log.leave_out_rows("PractitionerRole", "is of no clinician of the practice", numbers)
    _log_unused(resources, people, log)
    return people


def _ended(role: Body, around: Circumstances) -> str | None:
    period = role.get("period") or {}
    start = first_day(period.get("start"), around.zone)
    end = last_day(period.get("end"), around.zone)
    if end is not None and end < around.today:
        return "has ended"
    return "has not begun" if start is not None and start > around.today else None


def _is_taken(person: Person, mapping: FhirMapping, around: Circumstances) -> bool:
    wanted = mapping.roster
    if not wanted.professions and not wanted.codes:
        return True
    professions = {token for each in codes_from("profession", person, around) for token in each}
    codes = {
        token
        for source in _ROLE_SOURCES
        for each in codes_from(source, person, around)
        for token in each
    }
    return bool(professions & set(wanted.professions) or codes & set(wanted.codes))


def _log_unused(resources: Resources, people: list[Person], log: ImportLog) -> None:
    used = {
        "Location": {each.key for person in people for each in person.places},
        "HealthcareService": {each.key for person in people for each in person.services},
    }
    for kind, keys in used.items():
        numbers = [each.number for each in resources.of(kind) if each.key not in keys]
        log.leave_out_rows(kind, "is named by no role of a clinician", numbers)


def _log_slots(resources: Resources, now: datetime, log: ImportLog) -> None:
    """Records slots and schedules that tell nothing about a free time of a clinician."""
    for slot in resources.of("Slot"):
        schedule = resources.follow(slot.body.get("schedule"), slot, "Schedule")
        reason = None
        if schedule is None:
            reason = "names no schedule that was read"
        elif slot.body.get("status") != "free":
            reason = "is not free"
        elif (start := instant_of(slot.body.get("start"))) is None or start < now:
            reason = "is over"
        if reason is not None:
            log.leave_out_rows("Slot", reason, [slot.number])
    for schedule in resources.of("Schedule"):
        actors = schedule.body.get("actor") or []
        wanted = ("Practitioner", "PractitionerRole")
        if not any(resources.follow(each, schedule, *wanted) for each in actors):
            reason = "is of no practitioner that was read"
            log.leave_out_rows("Schedule", reason, [schedule.number])


def identity_of(resource: Resource, system: str) -> str | None:
    """By what a person is known: an identifier of a naming system, or the resource's id or address.

    None where there is no such identifier, or none that is the only one.
    """
    if not system:
        return resource.id or resource.full_url or None
    values = {
        str(each.get("value"))
        for each in resource.body.get("identifier") or []
        if each.get("system") == system and each.get("value")
    }
    return values.pop() if len(values) == 1 else None


def name_of(practitioner: Body) -> str | None:
    """A clinician's name as it is written, the official or usual one first; None without one."""
    names = practitioner.get("name") or []
    order = {"official": 0, "usual": 1, None: 2}
    for each in sorted(names, key=lambda one: order.get(one.get("use"), 3)):
        parts = [*(each.get("prefix") or []), *(each.get("given") or []), each.get("family") or ""]
        text = each.get("text") or " ".join(filter(None, parts))
        if text and each.get("use") != "old":
            return str(text)
    return None


def _cell(
    field: Field, column: ClinicianColumn, person: Person, around: Circumstances, log: ImportLog
) -> RawValue:
    """The cell of a field; what was left out of it is recorded."""
    row = [person.practitioner.number]
    cell: RawValue = column.value
    for source in column.sources:
        if is_coded(source):
            cell = _from_codes(source, column, field, person, around, log)
        else:
            cell, problems = CELLS[source][1](person, around)
            for place, reason in problems:
                log.leave_out_cells(SOURCE, place, reason, row)
        if cell is not None:
            break
    if cell is None:
        return None
    _, error = read_cell(field, cell)
    if error is not None:
        log.leave_out_cells(SOURCE, field.name, error.problem, row)
        return None
    return cell


def _from_codes(
    source: str,
    column: ClinicianColumn,
    field: Field,
    person: Person,
    around: Circumstances,
    log: ImportLog,
) -> RawValue:
    row = [person.practitioner.number]
    levels: list[str] = []
    for tokens in codes_from(source, person, around):
        level = _level_of(tokens, column, field)
        if level is None:
            reason = "has a code that the mapping does not name"
            log.leave_out_cells(SOURCE, source, reason, row, tokens[:1])
        elif level not in levels:
            levels.append(level)
    if not levels:
        return None
    if field.kind == "tags":
        return levels
    if len(levels) > 1:
        reason = f"has codes for different levels of {field.name}"
        log.leave_out_cells(SOURCE, source, reason, row)
        return None
    return levels[0]


def _level_of(tokens: Tokens, column: ClinicianColumn, field: Field) -> str | None:
    """The level of a concept; where the mapping has no codes, a code that is a level itself."""
    if column.codes:
        return next((column.codes[token] for token in tokens if token in column.codes), None)
    return next((token for token in tokens if token in field.levels), None)
