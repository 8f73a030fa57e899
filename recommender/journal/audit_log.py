"""The audit log: a chain of hashes in which a changed, moved or missing row is detected.

Each row's hash covers the row and the hash before it. Personal details are encrypted with the
subject's key and hashed in that form, so that the chain still verifies after an erasure.
"""

import base64
import json
import os
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from recommender.journal.subjects import Subject
from recommender.journal.validation import canonical_json, digest
from recommender.store.database import Store, advisory_lock, database_time
from recommender.store.driver_statement import DriverStatement
from recommender.store.schema import audit, audit_head, audit_pruned

PRUNED = "audit.pruned"
_BEGINNING = "0" * 64
_BATCH = 1000
_INSERT = DriverStatement(insert(audit))
_UPDATE_HEAD = DriverStatement(
    update(audit_head).values(seq=bindparam("seq"), row_hash=bindparam("row_hash"))
)
_SELECT_HEAD = DriverStatement(select(audit_head.c.seq, audit_head.c.row_hash))


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action, named `noun.verb`, of an actor: the id of a key or a person, never a name.

    `facts` are stored in clear text, also after an erasure: internal ids, digests, counts.
    `details` are encrypted with the subject's key, and not stored without a subject.
    """

    actor: str
    action: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    subject: Subject | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest row of the chain; 0 and zeros before the first."""

    seq: int
    row_hash: str


@dataclass(frozen=True, slots=True)
class ChainVerification:
    """Rows checked, the newest sound one, and the first that is not, with its problem."""

    rows: int
    head: ChainHead
    first_bad: int | None = None
    problem: str | None = None

    @property
    def holds(self) -> bool:
        """Whether every row is sound."""
        return self.first_bad is None


def append(connection: Connection, entry: AuditEntry) -> int:
    """Adds a row at the end and gives its number.

    Other writers wait until this transaction ends, so append last.
    """
    advisory_lock(connection, "audit")
    last = head(connection)
    row: dict[str, Any] = {
        "seq": last.seq + 1,
        "at": database_time(connection),
        "actor": entry.actor,
        "action": entry.action,
        "subject_id": entry.subject.subject_id if entry.subject else None,
        "facts": canonical_json(entry.facts),
        "details_sealed": _encrypted_details(entry, last.seq + 1),
        "prev_hash": last.row_hash,
    }
    row["row_hash"] = row_hash(row)
    _INSERT.execute(connection, row)
    values = {"seq": row["seq"], "row_hash": row["row_hash"]}
    if not _UPDATE_HEAD.execute(connection, values):
        connection.execute(insert(audit_head).values(one=1, **values))
    return last.seq + 1


def head(connection: Connection) -> ChainHead:
    """The newest row."""
    row = _SELECT_HEAD.first(connection)
    return ChainHead(**row) if row else ChainHead(0, _BEGINNING)


def details_of(row: "Row[Any]", subject: Subject) -> Mapping[str, Any] | None:
    """The decrypted details of a row about this subject."""
    if row.details_sealed is None:
        return None
    opened: Mapping[str, Any] = json.loads(
        subject.decrypt(_purpose(row.seq), bytes(row.details_sealed))
    )
    return opened


def row_hash(row: Mapping[str, Any]) -> str:
    """What a row's hash must be, from its other columns."""
    encrypted = row["details_sealed"]
    hashed = {
        "seq": row["seq"],
        "at": row["at"].isoformat(timespec="microseconds"),
        "actor": row["actor"],
        "action": row["action"],
        "subject": row["subject_id"],
        "facts": row["facts"],
        "details": None if encrypted is None else base64.b64encode(bytes(encrypted)).decode(),
    }
    return digest(row["prev_hash"] + canonical_json(hashed))


def verify(connection: Connection, anchors: Path | None = None) -> ChainVerification:
    """Verifies the chain from its first stored row and stops at the first that is wrong.

    Parameters
    ----------
    connection
        May be a reading one.
    anchors
        The file `anchor` writes. Only with it is a chain detected that an owner of the database
        rewrote from end to end.
    """
    start, anchored = _start(connection), read_anchors(anchors) if anchors else {}
    if not _honestly_pruned(connection, start, anchored):
        return ChainVerification(0, start, start.seq, "was pruned without a record of it")
    walked = _walk(connection, start, anchored)
    if not walked.holds:
        return walked
    last, written_last = walked.head, head(connection)
    if max([written_last.seq, *anchored]) > last.seq:
        return replace(walked, first_bad=last.seq + 1, problem="is missing, and every later row")
    if written_last != last:
        return replace(walked, first_bad=last.seq, problem="is not the row that was written last")
    return walked


def anchor(store: Store, path: Path) -> ChainHead:
    """Adds the newest row's hash to a file outside the database, and gives it.

    Store the file where the owner of the database cannot write; hourly is often enough.
    """
    with store.reading() as connection:
        last, at = head(connection), database_time(connection)
    line = canonical_json({"seq": last.seq, "row_hash": last.row_hash, "at": at.isoformat()}) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return last


def read_anchors(path: Path) -> dict[int, str]:
    """Hashes stored outside the database, by row number; empty when there is no such file."""
    if not path.exists():
        return {}
    anchors = {}
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        # A crash may have cut the last line short.
        if line.endswith("\n"):
            anchor_line = json.loads(line)
            anchors[int(anchor_line["seq"])] = str(anchor_line["row_hash"])
    return anchors


def prune(connection: Connection, before: datetime, actor: str) -> int:
    """Deletes rows before a moment, records that in the chain, and counts them."""
    start = _start(connection)
    younger = select(func.min(audit.c.seq)).where(audit.c.at >= before)
    first_left = connection.execute(younger).scalar_one() or head(connection).seq + 1
    last_taken = select(audit.c.seq, audit.c.row_hash).where(audit.c.seq == first_left - 1)
    row = connection.execute(last_taken).first()
    last = ChainHead(row.seq, row.row_hash) if row else start
    if last != start:
        append(connection, AuditEntry(actor, PRUNED, _pruning(last)))
        connection.execute(
            insert(audit_pruned).values(
                up_to=last.seq, row_hash=last.row_hash, at=database_time(connection)
            )
        )
        connection.execute(audit.delete().where(audit.c.seq <= last.seq))
    return last.seq - start.seq


def _encrypted_details(entry: AuditEntry, seq: int) -> bytes | None:
    if entry.subject is None or entry.details is None:
        return None
    return entry.subject.encrypt_json(_purpose(seq), entry.details)


def _purpose(seq: int) -> str:
    return f"audit/{seq}"


def _rows(connection: Connection) -> Generator[Mapping[str, Any], None, None]:
    statement = select(audit).order_by(audit.c.seq).execution_options(yield_per=_BATCH)
    # Closed also where the walk ends early, so that no cursor stays open in the database.
    with connection.execute(statement) as result:
        for row in result:
            yield row._asdict()


def _walk(
    connection: Connection, start: ChainHead, anchors: Mapping[int, str]
) -> ChainVerification:
    """Checks row by row up to the first that is wrong."""
    last, count = start, 0
    with closing(_rows(connection)) as rows:
        for row in rows:
            problem = _problem(row, last, anchors)
            if problem:
                return ChainVerification(count, last, last.seq + 1, problem)
            last, count = ChainHead(row["seq"], row["row_hash"]), count + 1
    return ChainVerification(count, last)


def _start(connection: Connection) -> ChainHead:
    """The row before the first that is stored."""
    newest = select(audit_pruned).order_by(audit_pruned.c.up_to.desc()).limit(1)
    row = connection.execute(newest).first()
    return ChainHead(row.up_to, row.row_hash) if row else ChainHead(0, _BEGINNING)


def _pruning(up_to: ChainHead) -> dict[str, Any]:
    return {"row_hash": up_to.row_hash, "up_to": up_to.seq}


def _honestly_pruned(connection: Connection, start: ChainHead, anchors: Mapping[int, str]) -> bool:
    """Whether the chain has a record of where it begins, and no anchor contradicts it."""
    if start.seq == 0:
        return True
    if max(anchors, default=start.seq) < start.seq:
        return False
    recorded = select(audit.c.seq).where(
        audit.c.action == PRUNED, audit.c.facts == canonical_json(_pruning(start))
    )
    anchored = anchors.get(start.seq, start.row_hash) == start.row_hash
    return anchored and connection.execute(recorded).first() is not None


def _problem(row: Mapping[str, Any], last: ChainHead, anchors: Mapping[int, str]) -> str | None:
    if row["seq"] != last.seq + 1:
        return "is missing"
    if row["prev_hash"] != last.row_hash:
        return "does not follow the row before it"
    if row["row_hash"] != row_hash(row):
        return "was changed after it was written"
    if anchors.get(row["seq"], row["row_hash"]) != row["row_hash"]:
        return "is not the row that was anchored outside the database"
    return None
