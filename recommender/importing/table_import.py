"""Imports the files of a practice's systems into its four tables, by a mapping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from recommender.importing.agreement import NO_AGREEMENT, filters_by_agreement
from recommender.importing.import_report import ImportLog, ImportReport
from recommender.importing.mapping_check import check_columns, check_definition
from recommender.importing.mapping_file import MappingFile
from recommender.importing.misread import Misread
from recommender.importing.named_people import (
    names_of_clients,
    names_of_clinicians,
    rename_people,
)
from recommender.importing.output_check import sound_tables
from recommender.importing.output_tables import OutputTable
from recommender.importing.pairing_rows import (
    ImportedPairing,
    PairingKey,
    attended_appointments,
    imported_pairings,
    rows_to_use,
)
from recommender.importing.people_fields import ImportedPeople, UsedRows, keys_of
from recommender.importing.people_rows import read_clients, read_clinicians
from recommender.importing.pseudonyms import Pseudonyms
from recommender.importing.rating_rows import ImportedRating, imported_ratings
from recommender.importing.report_columns import complete_report
from recommender.importing.source_files import listed_files, read_sources, warn_of
from recommender.importing.table_rows import pairing_table, people_table, rating_table
from recommender.practice.definition import Practice


@dataclass(frozen=True, slots=True)
class ImportedTables:
    """The four tables of an import, and its report."""

    tables: Mapping[str, OutputTable]
    report: ImportReport


def import_files(
    mapping: MappingFile,
    name: str,
    paths: Sequence[Path],
    practice: Practice,
    pseudonyms: Pseudonyms,
    today: date,
) -> ImportedTables:
    """The tables in files of a practice's systems.

    Every row of every file is used, or left out with a reason in the report.

    Parameters
    ----------
    mapping, name
        What becomes which field, and how messages call the mapping.
    paths
        Files, and folders of files; each is used where its name is like one of the mapping.
    practice
        The definition, which has the fields of clients and clinicians.
    pseudonyms
        Under the practice's key.
    today
        The practice's day; later appointments and ratings are left out.

    Raises
    ------
    MappingError
        When the mapping does not fit the definition or the files, with every fault.
    """
    check_definition(mapping, practice, name)
    log, misread = ImportLog(mapping.mapping.title), Misread(name)
    if not filters_by_agreement(mapping):
        log.note(NO_AGREEMENT)
    sources, unused = read_sources(mapping, name, listed_files(paths), warn_of(log))
    check_columns(mapping, sources, name)
    zone = ZoneInfo(practice.timezone)
    rows: dict[str, UsedRows] = {}
    for key, source in sources.items():
        declared = mapping.files[key]
        for table in source.tables:
            log.read(table.file, table.size)
        used = rows_to_use(name, source, declared, log)
        named = [keys_of(source, spec) for spec in (declared.client, declared.clinician)]
        rows[key] = UsedRows(source, used, *named)
    clinicians = read_clinicians(mapping, practice.clinician, rows, pseudonyms, zone, misread, log)
    appointments = rows[mapping.pairings.appointments]
    spec = mapping.files[mapping.pairings.appointments].date
    assert spec is not None
    attended = attended_appointments(appointments, spec, clinicians.ids, zone, today, misread, log)
    first_day: dict[str, date] = {}
    for each in attended:
        first_day[each.client] = min(each.day, first_day.get(each.client, each.day))
    listed = {
        key for file in mapping.clients.rows if file in rows for key in rows[file].clients if key
    }
    people = read_clients(mapping, practice.client, rows, first_day, pseudonyms, zone, misread, log)
    pairings = imported_pairings(
        attended,
        people.ids,
        listed,
        mapping.pairings.ended_after_days,
        appointments.source,
        pseudonyms,
        log,
    )
    ratings: list[ImportedRating] = []
    for each_mapping in mapping.ratings:
        if each_mapping.file in rows:
            ratings += imported_ratings(
                each_mapping,
                rows[each_mapping.file],
                pairings,
                people.ids,
                practice.instruments,
                zone,
                today,
                misread,
                log,
            )
    rename_of = {
        "clients": names_of_clients(pseudonyms, people),
        "clinicians": names_of_clinicians(clinicians),
    }
    rename_people(people, practice.client, rename_of, rows, log)
    rename_people(clinicians, practice.clinician, rename_of, rows, log)
    _account_for_joined(mapping, rows, people, log)
    misread.refuse()
    tables = _checked(people, clinicians, pairings, ratings, rows, practice, today, log)
    by_table = {"clients": people, "clinicians": clinicians}
    complete_report(mapping, practice, sources, tables, by_table, unused, log)
    return ImportedTables(tables, log.report())


def _account_for_joined(
    mapping: MappingFile, rows: Mapping[str, UsedRows], people: ImportedPeople, log: ImportLog
) -> None:
    """Leaves out rows of files that only add fields, and are about nobody who is written."""
    owners = {*mapping.clients.rows, *mapping.clinicians.rows, mapping.pairings.appointments}
    owners |= {rating.file for rating in mapping.ratings}
    for key, each in rows.items():
        if key in owners:
            continue
        seen: set[str] = set()
        unknown, again = [], []
        for row in each.rows:
            if each.clients[row] not in people.ids:
                unknown.append(row)
            elif each.clients[row] in seen:
                again.append(row)
            seen.add(each.clients[row])
        each.source.leave_out(log, "its client is in no file of clients, or was left out", unknown)
        each.source.leave_out(log, "repeats a client of an earlier row", again)


def _checked(
    people: ImportedPeople,
    clinicians: ImportedPeople,
    pairings: Mapping[PairingKey, ImportedPairing],
    ratings: Sequence[ImportedRating],
    rows: Mapping[str, UsedRows],
    practice: Practice,
    today: date,
    log: ImportLog,
) -> dict[str, OutputTable]:
    """The four tables, without what their readers would refuse."""
    client_keys = sorted(people.ids, key=lambda key: people.ids[key])
    clinician_keys = sorted(clinicians.ids, key=lambda key: clinicians.ids[key])
    pairing_keys = sorted(pairings, key=lambda key: pairings[key].pairing_id)
    in_order = sorted(
        ratings, key=lambda r: (r.pairing_id, r.session, r.instrument, r.rater, r.row, r.column)
    )
    tables = {
        "clients": people_table("client_id", client_keys, people, practice.client, names=False),
        "clinicians": people_table(
            "clinician_id", clinician_keys, clinicians, practice.clinician, names=True
        ),
        "pairings": pairing_table(pairing_keys, pairings, people, clinicians),
        "ratings": rating_table(in_order),
    }

    refused: dict[int, str] = {}

    def leave_out(table: str, row: int, column: str | None, problem: str) -> bool:
        reason = f"{column} {problem}" if column else problem
        if table == "ratings":
            refused[row] = reason
            return True
        if table == "pairings":
            log.note(f"A pairing is left out: {reason}.")
            return True
        side, keys = (people, client_keys) if table == "clients" else (clinicians, clinician_keys)
        file, at = side.origin[keys[row]]
        declared = practice.client if table == "clients" else practice.clinician
        known = declared.get(column or "")
        source = rows[file].source
        if (known is not None and not known.required) or column == "name":
            source.leave_out_cells(log, column or "", problem, [at])
            return False
        source.leave_out(log, reason, [at])
        return True

    sound = sound_tables(tables, practice, today, leave_out)
    _leave_out_ratings(in_order, refused, log)
    return sound


def _leave_out_ratings(
    ratings: Sequence[ImportedRating], refused: Mapping[int, str], log: ImportLog
) -> None:
    """Records refused ratings: as rows where nothing of a row is used, else as cells."""
    used = {
        (rating.source.key, rating.row)
        for place, rating in enumerate(ratings)
        if place not in refused
    }
    for place, reason in refused.items():
        rating = ratings[place]
        if (rating.source.key, rating.row) in used:
            rating.source.leave_out_cells(log, rating.column, reason, [rating.row])
        else:
            rating.source.leave_out(log, reason, [rating.row])
