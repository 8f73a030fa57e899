"""Rows that count: those that meet a file's conditions, attended appointments, and pairings."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from recommender.importing.cell_values import OTHER_ORDER, date_of, field_cells, folded
from recommender.importing.import_report import ImportLog, shareable_counts
from recommender.importing.mapping_file import Cell, RowCondition, SourceFile
from recommender.importing.misread import Misread
from recommender.importing.people_fields import DATE, UsedRows
from recommender.importing.pseudonyms import Pseudonyms
from recommender.importing.shipped_mappings import how_to_edit
from recommender.importing.source_files import Source
from recommender.tables.cells import PLAUSIBLE_YEARS
from recommender.values.counts import counted
from recommender.values.kinds import RawValue, is_missing
from recommender.values.table_format import DATE_FORMS

PairingKey = tuple[str, str]
"""The keys of the client and of the clinician."""


@dataclass(frozen=True, slots=True)
class Attended:
    """One attended appointment: its row, whom it is of, and its day."""

    row: int
    client: str
    clinician: str
    day: date


@dataclass(frozen=True, slots=True)
class ImportedPairing:
    """One client with one clinician: the days of the attended appointments, sorted."""

    pairing_id: str
    days: tuple[date, ...]
    ended_on: date | None


def rows_to_use(name: str, source: Source, declared: SourceFile, log: ImportLog) -> list[int]:
    """The rows of a source that meet its conditions; the others are left out with the reason.

    `name` is how messages call the mapping.
    """
    rows = list(range(source.size))
    if declared.row_id:
        cells = source.cells(declared.row_id) or [None] * source.size
        seen: set[RawValue] = set()
        again = []
        for row in rows:
            if not is_missing(cells[row]) and cells[row] in seen:
                again.append(row)
            seen.add(cells[row])
        source.leave_out(log, "repeats an earlier row", again)
        rows = _without(rows, again)
    for condition in declared.drop:
        cells = source.cells(condition.column) or [None] * source.size
        gone = [row for row in rows if _meets(condition, cells[row])]
        source.leave_out(log, condition.reason, gone)
        rows = _without(rows, gone)
    for condition in declared.keep:
        cells = source.cells(condition.column) or [None] * source.size
        gone = [row for row in rows if not _meets(condition, cells[row])]
        source.leave_out(log, condition.reason, gone)
        if condition.equals is not None and gone:
            _note_values(name, source, condition, [cells[row] for row in gone], log)
        rows = _without(rows, gone)
    return rows


def _without(rows: list[int], gone: Collection[int]) -> list[int]:
    left = set(gone)
    return [row for row in rows if row not in left]


def _meets(condition: RowCondition, cell: RawValue) -> bool:
    if condition.filled is not None:
        return condition.filled != is_missing(cell)
    wanted = {folded(value) for value in condition.equals or ()}
    return ("" if is_missing(cell) else folded(cell)) in wanted


def _note_values(
    name: str, source: Source, condition: RowCondition, cells: list[RawValue], log: ImportLog
) -> None:
    counts = shareable_counts(str(cell).strip() for cell in cells if not is_missing(cell))
    if counts:
        listed = ", ".join(f"{value} ({count:,})" for value, count in counts.items())
        log.note(
            f"{source.label}, {condition.column[0]}: rows were left out with {listed}, which the "
            f"mapping does not name; add what counts to equals of files.{source.key}.keep, and the "
            f"rest to drop{how_to_edit(name, f'files.{source.key}')}."
        )


def days_of(
    source: Source,
    spec: Cell,
    rows: list[int],
    zone: tzinfo,
    today: date,
    misread: Misread,
    log: ImportLog,
) -> dict[int, date]:
    """The day of each row; rows whose day is missing, unreadable or to come are left out."""
    cells = source.raw_cells(spec)
    read = field_cells(DATE, spec, [cells[row] for row in rows], source.written, zone)
    place = ", ".join(names[0] for names in spec.named)
    misread.add(source, place, read, rows)
    for reason, wrong in read.left_out.items():
        lost = [rows[at] for at in wrong]
        source.leave_out(log, f"{place} {reason}", lost)
        log.note(_lost_sessions(source, place, reason, lost, spec))
    days = {
        row: date_of(cell) for row, cell in zip(rows, read.cells, strict=True) if cell is not None
    }
    unreadable = {rows[at] for wrong in read.left_out.values() for at in wrong}
    empty = [row for row in rows if row not in days and row not in unreadable]
    source.leave_out(log, f"{place} is empty", empty)
    first, last = PLAUSIBLE_YEARS
    strange = [row for row, day in days.items() if not first <= day.year <= last]
    source.leave_out(log, f"{place} lies outside {first} to {last}", strange)
    days = {row: day for row, day in days.items() if first <= day.year <= last}
    coming = [row for row, day in days.items() if day > today]
    source.leave_out(log, "is in the future", coming)
    return {row: day for row, day in days.items() if day <= today}


def _lost_sessions(source: Source, place: str, reason: str, lost: list[int], spec: Cell) -> str:
    """What it means that the days of some appointments could not be read, and what helps."""
    form = DATE_FORMS[spec.format(source.written).dates]
    appointments = counted(len(lost), "appointment")
    text = (
        f"{source.label}: {place} {reason} in {source.rows_text(lost)}. {appointments} left out "
        f"for it, so sessions are missing: write the date as {form} and import again."
    )
    if reason.startswith(OTHER_ORDER):
        text += " Dates beside it that fit both orders may have been exchanged."
    return text


def attended_appointments(
    each: UsedRows,
    spec: Cell,
    clinicians: Collection[str],
    zone: tzinfo,
    today: date,
    misread: Misread,
    log: ImportLog,
) -> list[Attended]:
    """The appointments of known clinicians; the others are left out."""
    source = each.source
    nobody = [row for row in each.rows if not each.clients[row]]
    source.leave_out(log, "names no client", nobody)
    rows = _without(each.rows, nobody)
    alone = [row for row in rows if not each.clinicians[row]]
    source.leave_out(log, "names no clinician", alone)
    rows = _without(rows, alone)
    lost = [row for row in rows if each.clinicians[row] not in clinicians]
    source.leave_out(log, "its clinician is in no file of clinicians", lost)
    rows = _without(rows, lost)
    days = days_of(source, spec, rows, zone, today, misread, log)
    return [
        Attended(row, each.clients[row], each.clinicians[row], day) for row, day in days.items()
    ]


def imported_pairings(
    attended: list[Attended],
    clients: Mapping[str, str],
    listed: Collection[str],
    ended_after_days: int | None,
    source: Source,
    pseudonyms: Pseudonyms,
    log: ImportLog,
) -> dict[PairingKey, ImportedPairing]:
    """The pairings of clients who are written; appointments of others are left out.

    `clients` has their ids by key, `listed` the keys of all clients in a file of clients.
    """
    gone = [each.row for each in attended if each.client not in clients]
    unknown = [each.row for each in attended if each.client not in listed]
    source.leave_out(log, "its client is in no file of clients", unknown)
    source.leave_out(log, "its client was left out", _without(gone, unknown))
    days: defaultdict[PairingKey, list[date]] = defaultdict(list)
    for each in attended:
        if each.client in clients:
            days[each.client, each.clinician].append(each.day)
    newest = max((each.day for each in attended), default=date.min)
    quiet = None if ended_after_days is None else newest - timedelta(days=ended_after_days)
    pairings = {}
    for (client, clinician), some in days.items():
        ended = max(some) if quiet is not None and max(some) < quiet else None
        identity = pseudonyms.of("pairing", f"{client}/{clinician}")
        pairings[client, clinician] = ImportedPairing(identity, tuple(sorted(some)), ended)
    return pairings
