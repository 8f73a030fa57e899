"""Versions of the roster, changed with optimistic locking.

A version stores the rows it changed; the roster at a version is the newest row of each clinician
until then.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, func, insert, select

from recommender.errors import ConflictError, Fault, NotFoundError, StaleError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.validation import canonical_json, digest, id_faults, refuse
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import roster_rows, roster_versions
from recommender.tables.cells import NAME_COLUMN, NAME_REMEDY, read_name
from recommender.tables.roster import Roster, snapshot
from recommender.values.ids import near_misses, with_question
from recommender.values.kinds import RawValue

Cells = Mapping[str, RawValue]
"""A clinician's raw cells by field, and `name` where they have one."""

_REMEDY = "read it again, then change that"
_ETAG_LENGTH = 32


@dataclass(frozen=True, slots=True)
class RosterVersion:
    """The whole roster at one version: cells by clinician id, ordered by id.

    Before the first version the number is 0, the time None and the etag empty; the etag is the
    digest of this change and all before it.
    """

    number: int
    etag: str
    recorded_at: datetime | None
    rows: Mapping[str, Cells]

    def etag_of(self, clinician_id: str) -> str:
        """The version of one clinician's row.

        Raises
        ------
        NotFoundError
            When no clinician has this id.
        """
        if clinician_id not in self.rows:
            near = near_misses([clinician_id], list(self.rows)).get(clinician_id, ())
            remedy = with_question(near, "check it")
            raise NotFoundError("clinician_id", "is not on the roster", remedy)
        return digest(canonical_json([clinician_id, self.rows[clinician_id]]))[:_ETAG_LENGTH]

    def roster(self, practice: Practice) -> Roster:
        """The roster as the engine reads it.

        Raises
        ------
        IntakeError
            When a row does not fit the practice definition, which may have changed since.
        """
        cells = [_fields(row) for row in self.rows.values()]
        names = [read_name(row.get(NAME_COLUMN))[0] for row in self.rows.values()]
        columns = read_rows(practice.clinician, cells)
        if self.recorded_at is None:
            raise NotFoundError("roster", "has no version yet", "put one clinician at least")
        return snapshot(tuple(self.rows), names, columns, self.recorded_at)


def current_roster(connection: Connection) -> RosterVersion:
    """The newest version."""
    newest = select(roster_versions).order_by(roster_versions.c.number.desc()).limit(1)
    row = connection.execute(newest).first()
    if row is None:
        return RosterVersion(0, "", None, MappingProxyType({}))
    return RosterVersion(row.number, row.etag, row.recorded_at, _rows_at(connection, row.number))


def newest_number(connection: Connection) -> int:
    """Number of the newest version, without its rows; 0 before the first."""
    return int(connection.execute(select(func.max(roster_versions.c.number))).scalar_one() or 0)


def replace_roster(
    connection: Connection,
    practice: Practice,
    rows: Mapping[str, Cells],
    *,
    seen: str,
    actor: str,
) -> RosterVersion:
    """Replaces the whole roster; a clinician who is not in `rows` is removed.

    Equal rows give a new version too, which confirms the roster. `seen` is the roster's etag that
    the caller has seen; empty when there was none.

    Raises
    ------
    StaleError
        When the roster changed since.
    IntakeError, FeedbackError
        With every cell that does not fit the practice definition.
    """
    before = _held(connection)
    if before.etag != seen:
        raise StaleError("roster", "changed since it was read", _REMEDY)
    _check(practice, rows)
    changes: dict[str, Cells | None] = {
        name: row for name, row in rows.items() if before.rows.get(name) != _plain(row)
    }
    changes |= {name: None for name in before.rows if name not in rows}
    cause = "roster.replaced" if changes else "roster.confirmed"
    return _changed(connection, before, changes, cause, actor)


def put_clinician(
    connection: Connection,
    practice: Practice,
    clinician_id: str,
    cells: Cells,
    *,
    seen: str | None,
    actor: str,
) -> RosterVersion:
    """Replaces one clinician's row; `seen` is its etag, None for a new clinician.

    Raises
    ------
    StaleError
        When the row changed since, was removed, or exists although `seen` is None.
    IntakeError, FeedbackError
        With every cell that does not fit the practice definition.
    """
    before = _held(connection)
    known = before.etag_of(clinician_id) if clinician_id in before.rows else None
    if known != seen:
        raise StaleError("clinician_id", "changed since it was read", _REMEDY)
    _check(practice, {clinician_id: cells})
    return _changed(connection, before, {clinician_id: cells}, "clinician.put", actor)


def patch_clinician(
    connection: Connection,
    practice: Practice,
    clinician_id: str,
    cells: Cells,
    *,
    seen: str,
    actor: str,
) -> RosterVersion:
    """Changes some cells of one clinician, None emptying a cell; see `put_clinician` for errors.

    Raises
    ------
    NotFoundError
        When no clinician has this id.
    """
    before = _held(connection)
    _refuse_stale(before, clinician_id, seen)
    merged = {**before.rows[clinician_id], **cells}
    cells_left = {name: cell for name, cell in merged.items() if cell is not None}
    _check(practice, {clinician_id: cells_left})
    return _changed(connection, before, {clinician_id: cells_left}, "clinician.patched", actor)


def remove_clinician(
    connection: Connection, clinician_id: str, *, seen: str, actor: str
) -> RosterVersion:
    """The roster without one clinician, whose earlier rows stay; see `patch_clinician`."""
    before = _held(connection)
    _refuse_stale(before, clinician_id, seen)
    return _changed(connection, before, {clinician_id: None}, "clinician.removed", actor)


def take_place(
    connection: Connection, practice: Practice, clinician_id: str, field: str, *, actor: str
) -> RosterVersion:
    """One open place less; of two who take the last one, one is refused.

    `field` counts open places. Where it is empty nothing is counted and the roster stays as it is.

    Raises
    ------
    ConflictError
        When no place is left.
    NotFoundError
        When no clinician has this id.
    """
    return _count_place(connection, practice, clinician_id, field, -1, actor)


def give_place(
    connection: Connection, practice: Practice, clinician_id: str, field: str, *, actor: str
) -> RosterVersion:
    """One open place more, when a booking is cancelled or a pairing ends; see `take_place`."""
    return _count_place(connection, practice, clinician_id, field, 1, actor)


def _count_place(
    connection: Connection,
    practice: Practice,
    clinician_id: str,
    field: str,
    change: int,
    actor: str,
) -> RosterVersion:
    before = _held(connection)
    before.etag_of(clinician_id)
    cells = before.rows[clinician_id]
    if practice.clinician[field].is_missing(cells.get(field)):
        return before
    left = int(float(cells[field])) + change
    if left < 0:
        raise ConflictError(field, "has no open place left", "choose another clinician")
    changed = {clinician_id: {**cells, field: left}}
    _check(practice, changed)
    cause = "place.taken" if change < 0 else "place.given"
    return _changed(connection, before, changed, cause, actor)


def _held(connection: Connection) -> RosterVersion:
    """The newest version, locked until this transaction ends."""
    advisory_lock(connection, "roster")
    return current_roster(connection)


def _refuse_stale(before: RosterVersion, clinician_id: str, seen: str) -> None:
    if before.etag_of(clinician_id) != seen:
        raise StaleError("clinician_id", "changed since it was read", _REMEDY)


def _check(practice: Practice, rows: Mapping[str, Cells]) -> None:
    faults = [fault for clinician_id in rows for fault in id_faults(clinician_id=clinician_id)]
    problems = (read_name(row.get(NAME_COLUMN))[1] for row in rows.values())
    refuse(faults + [Fault(NAME_COLUMN, each, NAME_REMEDY) for each in problems if each])
    read_rows(practice.clinician, [_fields(row) for row in rows.values()])


def _fields(row: Cells) -> dict[str, RawValue]:
    return {name: cell for name, cell in row.items() if name != NAME_COLUMN}


def _plain(row: Cells) -> Cells:
    """A row as it will be read back."""
    plain: Cells = json.loads(canonical_json(dict(row)))
    return plain


def _changed(
    connection: Connection,
    before: RosterVersion,
    changes: Mapping[str, Cells | None],
    cause: str,
    actor: str,
) -> RosterVersion:
    texts = {
        name: None if row is None else canonical_json(dict(row)) for name, row in changes.items()
    }
    number = before.number + 1
    etag = digest(canonical_json([before.etag, number, texts]))[:_ETAG_LENGTH]
    version = {"number": number, "etag": etag}
    at = database_time(connection)
    connection.execute(
        insert(roster_versions).values(**version, cause=cause, actor=actor, recorded_at=at)
    )
    rows = [{"clinician_id": name, "number": number, "cells": text} for name, text in texts.items()]
    if rows:
        connection.execute(insert(roster_rows), rows)
    append(connection, AuditEntry(actor, cause, {**version, "clinicians": sorted(texts)}))
    merged = {**before.rows, **{name: json.loads(text or "null") for name, text in texts.items()}}
    stored = {name: merged[name] for name in sorted(merged) if merged[name] is not None}
    return RosterVersion(number, etag, at, MappingProxyType(stored))


def _rows_at(connection: Connection, number: int) -> Mapping[str, Cells]:
    newest = (
        select(roster_rows.c.clinician_id, func.max(roster_rows.c.number).label("number"))
        .where(roster_rows.c.number <= number)
        .group_by(roster_rows.c.clinician_id)
        .subquery()
    )
    statement = select(roster_rows.c.clinician_id, roster_rows.c.cells).join(
        newest,
        (newest.c.clinician_id == roster_rows.c.clinician_id)
        & (newest.c.number == roster_rows.c.number),
    )
    cells = {row.clinician_id: row.cells for row in connection.execute(statement)}
    rows: dict[str, Any] = {
        name: json.loads(cells[name]) for name in sorted(cells) if cells[name] is not None
    }
    return MappingProxyType(rows)


def last_known(connection: Connection) -> Mapping[str, Cells]:
    """Every clinician there ever was, with the newest row they had; ordered by id."""
    statement = (
        select(roster_rows.c.clinician_id, roster_rows.c.cells)
        .where(roster_rows.c.cells.is_not(None))
        .order_by(roster_rows.c.number)
    )
    rows = {row.clinician_id: row.cells for row in connection.execute(statement)}
    return {name: json.loads(rows[name]) for name in sorted(rows)}
