"""The four tables of a practice from resources of FHIR."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from recommender.importing.fhir.by_hand import ByHand, with_cells_by_hand
from recommender.importing.fhir.clients import import_clients, intake_links
from recommender.importing.fhir.clinicians import import_clinicians
from recommender.importing.fhir.imported_rows import ImportedRows
from recommender.importing.fhir.mapping import FhirMapping
from recommender.importing.fhir.meetings import read_meetings
from recommender.importing.fhir.ratings import PeopleIds, import_pairings, import_ratings
from recommender.importing.fhir.resources import Document, collect
from recommender.importing.fhir.responses import KIND, Response, complete_responses
from recommender.importing.import_report import ImportLog
from recommender.importing.offered_clinicians import offered_clinicians
from recommender.importing.output_check import sound_tables
from recommender.importing.output_tables import OutputTable
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.definition import Practice

MAX_NAMED = 10
"""Addresses of questionnaires that a note lists."""
_ADDRESS = re.compile(r"(https?://|urn:)[A-Za-z0-9._:/#-]{1,200}")


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What an import of FHIR depends on beside the resources.

    `now` carries a zone; `by_hand` has cells of clinicians that no resource has.
    """

    mapping: FhirMapping
    practice: Practice
    pseudonyms: Pseudonyms
    now: datetime
    by_hand: ByHand = field(default_factory=dict)


def import_documents(
    documents: Iterable[Document], settings: ImportSettings, log: ImportLog
) -> dict[str, OutputTable]:
    """The tables in some documents, by name; what is left out is recorded in the log.

    Clinicians are there if any were read. Clients, pairings and ratings are there together, if any
    client was.
    """
    mapping, practice = settings.mapping, settings.practice
    zone = ZoneInfo(practice.timezone)
    resources = collect(documents, log)
    roster = import_clinicians(resources, mapping, practice, settings.pseudonyms, settings.now, log)
    meetings = read_meetings(resources, roster.ids, zone, log)
    known = intake_links(mapping, practice)
    responses = list(complete_responses(resources, zone, log))
    intakes = [each for each in responses if each.questionnaire in known]
    ratings = [each for each in responses if each.questionnaire in mapping.ratings]
    _log_unknown(responses, {*known, *mapping.ratings}, log)
    clients = import_clients(
        resources, intakes, meetings, roster.ids, mapping, practice, settings.pseudonyms, log
    )
    people = PeopleIds(clients.ids, roster.ids)
    pairings, pairing_ids = import_pairings(meetings, people, settings.pseudonyms, log)
    rated = import_ratings(ratings, resources, meetings, pairing_ids, mapping, practice, log)
    complete = roster.rows
    if settings.by_hand:
        complete = with_cells_by_hand(complete, settings.by_hand, log)
    rows = {
        "clients": clients.rows,
        "clinicians": complete,
        "pairings": pairings,
        "ratings": rated,
    }
    tables = _sound(rows, practice, settings.now, log)
    _log_missing(rows, practice, log)
    if mapping.dropped:
        unused = ", ".join(mapping.dropped)
        log.note(f"The practice definition has no use for these of the mapping: {unused}.")
    return tables


def _sound(
    rows: Mapping[str, ImportedRows], practice: Practice, now: datetime, log: ImportLog
) -> dict[str, OutputTable]:
    """The tables that have rows, without what their readers would refuse."""

    def leave_out(table: str, row: int, column: str | None, problem: str) -> bool:
        kind, number = rows[table].origins[row]
        side = practice.client if table == "clients" else practice.clinician
        known = side.get(column or "") if table in ("clients", "clinicians") else None
        if known is None or known.required or column is None:
            log.leave_out_rows(kind, f"{column or table}: {problem}", [number])
            return True
        log.leave_out_cells(kind, column, problem, [number])
        return False

    tables = {name: each.table() for name, each in rows.items()}
    sound = sound_tables(tables, practice, practice.day_at(now), leave_out)
    has_clients = bool(sound["clients"].rows)
    written = {
        name: table
        for name, table in sound.items()
        if (table.rows if name == "clinicians" else has_clients)
    }
    for name, table in written.items():
        log.write(name, len(table.rows))
    if "clinicians" in written:
        clinicians = written["clinicians"]
        log.offer(offered_clinicians(practice, clinicians.header, clinicians.rows))
    return written


def _log_missing(rows: Mapping[str, ImportedRows], practice: Practice, log: ImportLog) -> None:
    for name, fields in (("clients", practice.client), ("clinicians", practice.clinician)):
        for known in fields.values():
            given = any(row.get(known.name) is not None for row in rows[name].rows)
            if rows[name].rows and not given and known.use != "audit":
                log.lack(name, known.name, known.missing, required=known.required)


def _log_unknown(responses: Iterable[Response], known: set[str], log: ImportLog) -> None:
    unknown = [each for each in responses if each.questionnaire not in known]
    reason = "is to a questionnaire that the mapping does not name"
    log.leave_out_rows(KIND, reason, [each.number for each in unknown])
    counts = Counter(e.questionnaire for e in unknown if _ADDRESS.fullmatch(e.questionnaire))
    if counts:
        named = ", ".join(f"{url} ({count})" for url, count in counts.most_common(MAX_NAMED))
        log.note(f"Questionnaires that the mapping does not name: {named}.")
