"""The table of clients: answers of intake forms, and the age in years.

Of a patient nothing but the pseudonym and the age is written: no name, address or date of birth.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from recommender.importing.fhir.clinicians import NO_IDENTITY, identity_of
from recommender.importing.fhir.imported_rows import ImportedRows
from recommender.importing.fhir.mapping import FhirMapping
from recommender.importing.fhir.meetings import HeldMeetings
from recommender.importing.fhir.questionnaire import canonical_url
from recommender.importing.fhir.questionnaire_answers import (
    LinkedField,
    answers_in,
    own_links,
)
from recommender.importing.fhir.resources import Resource, Resources
from recommender.importing.fhir.responses import KIND, Response
from recommender.importing.fhir.times import whole_day, years_between
from recommender.importing.import_report import ImportLog
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.columns import read_cell
from recommender.practice.definition import Practice
from recommender.practice.forms import AUDIENCES
from recommender.values.kinds import RawValue


@dataclass(frozen=True, slots=True)
class ImportedClients:
    """The rows, and the pseudonym of each of their clients by key of the patient."""

    rows: ImportedRows
    ids: Mapping[str, str]


def intake_links(mapping: FhirMapping, practice: Practice) -> dict[str, Mapping[str, LinkedField]]:
    """The items that answer fields, by canonical address of the questionnaire."""
    asked = practice.fields("client", "score", "filter")
    own = [canonical_url(practice, audience) for audience in AUDIENCES]
    links: dict[str, Mapping[str, LinkedField]] = {
        url: own_links(asked, url) for url in (*own, *mapping.forms)
    }
    for url, form in mapping.intake.items():
        links[url] = {
            item.link: LinkedField(asked[name], item.codes) for name, item in form.items()
        }
    return links


def import_clients(
    resources: Resources,
    intakes: Iterable[Response],
    meetings: HeldMeetings,
    clinicians: Mapping[str, str],
    mapping: FhirMapping,
    practice: Practice,
    pseudonyms: Pseudonyms,
    log: ImportLog,
) -> ImportedClients:
    """Clients with an intake or a meeting, in the order in which patients were read.

    A client with several intakes has the last one before the first meeting, or else the first.

    Parameters
    ----------
    clinicians
        Pseudonyms of the roster, by key of the practitioner.
    """
    links = intake_links(mapping, practice)
    chosen = _chosen(intakes, meetings, log)
    rows: list[dict[str, RawValue]] = []
    origins = []
    ids: dict[str, str] = {}
    for patient in resources.of("Patient"):
        response, first = chosen.get(patient.key), meetings.first_of(patient.key)
        if response is None and first is None:
            reason = "has neither an intake nor a meeting with a clinician of the roster"
            log.leave_out_rows("Patient", reason, [patient.number])
            continue
        cells: dict[str, RawValue] = {}
        if response is not None:
            cells = _answers(response, links[response.questionnaire], resources, clinicians, log)
        since = response.authored if response is not None else first.day if first else None
        _add_age(cells, patient, since, mapping.clients.age_field, practice)
        reason = _missing(cells, practice)
        identity = identity_of(patient, mapping.ids.client)
        if identity is None:
            reason = NO_IDENTITY
        if reason or identity is None:
            log.leave_out_rows("Patient", reason, [patient.number])
            continue
        ids[patient.key] = pseudonyms.of("client", identity)
        rows.append({"client_id": ids[patient.key], **cells})
        origins.append(("Patient", patient.number))
    header = ("client_id", *practice.client)
    found = ImportedRows(header, rows, origins)
    found.log_columns("clients", dict.fromkeys(practice.client, (KIND,)), log)
    return ImportedClients(found, ids)


def _chosen(
    intakes: Iterable[Response], meetings: HeldMeetings, log: ImportLog
) -> dict[str, Response]:
    """One intake for each client; the others are recorded."""
    several: dict[str, list[Response]] = {}
    for each in intakes:
        several.setdefault(each.client.key, []).append(each)
    chosen: dict[str, Response] = {}
    for key, responses in several.items():
        responses.sort(key=lambda each: each.authored)
        first = meetings.first_of(key)
        before = [each for each in responses if first is None or each.authored <= first.day]
        chosen[key] = before[-1] if before else responses[0]
        rest = [each.number for each in responses if each is not chosen[key]]
        log.leave_out_rows(KIND, "is another intake of the same client", rest)
    return chosen


def _answers(
    response: Response,
    links: Mapping[str, LinkedField],
    resources: Resources,
    clinicians: Mapping[str, str],
    log: ImportLog,
) -> dict[str, RawValue]:
    named = _with_pseudonyms(response.resource, resources, clinicians)
    cells, unread = answers_in(named, links)
    for each in unread:
        log.leave_out_cells(KIND, each.column, each.reason, [response.number])
    known = set(clinicians.values())
    for link in links.values():
        name = link.field.name
        people = cells.get(name)
        if link.field.kind != "ids" or link.field.people_named != "clinicians" or not people:
            continue
        # A name that somebody typed is no pseudonym and is not written.
        cells[name] = [each for each in people if each in known] or None
        if len(cells[name] or []) < len(people):
            log.leave_out_cells(KIND, name, "names nobody of the roster", [response.number])
    return {name: cell for name, cell in cells.items() if cell is not None}


def _with_pseudonyms(
    owner: Resource, resources: Resources, clinicians: Mapping[str, str]
) -> dict[str, Any]:
    """The response with references to clinicians as their pseudonyms, texts and all."""

    def renamed(part: Any) -> Any:
        if isinstance(part, list):
            return [renamed(each) for each in part]
        if not isinstance(part, Mapping):
            return part
        if "valueReference" in part:
            person = resources.follow(part["valueReference"], owner, "Practitioner")
            pseudonym = clinicians.get(person.key) if person is not None else None
            rest = {name: renamed(each) for name, each in part.items() if name != "valueReference"}
            return {**rest, "valueString": pseudonym} if pseudonym is not None else rest
        return {name: renamed(each) for name, each in part.items()}

    return {"item": renamed(owner.body.get("item") or [])}


def _add_age(
    cells: dict[str, RawValue],
    patient: Resource,
    day: date | None,
    name: str,
    practice: Practice,
) -> None:
    """Adds whole years of age on a day where the intake has no answer and the birth date is one."""
    field = practice.client.get(name)
    born = whole_day(patient.body.get("birthDate"), ZoneInfo(practice.timezone))
    if field is None or field.kind != "number" or cells.get(name) is not None:
        return
    if born is not None and day is not None and born <= day:
        years = years_between(born, day)
        if read_cell(field, years)[1] is None:
            cells[name] = years


def _missing(cells: Mapping[str, RawValue], practice: Practice) -> str:
    """Why a client without required answers is left out; "" for others."""
    lost = [f.name for f in practice.client.values() if f.required and cells.get(f.name) is None]
    return f"has no {' and no '.join(lost)}" if lost else ""
