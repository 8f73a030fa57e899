"""One client forgotten, end to end: rows gone, key destroyed, no later extract, models named.

Imported by `serving` and `commands`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.canonical_json import canonical_json
from recommender.journal.model_lineage import models_that_learned_from
from recommender.journal.subject_export import known_subject, remove, subject_rows
from recommender.store.database import Store, database_time
from recommender.store.schema import erasures


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did.

    Attributes
    ----------
    rows
        How many rows were deleted, by table.
    model_digests
        Models that learned from this client and go on until they are trained anew without them.
    """

    erasure_id: str
    rows: Mapping[str, int]
    model_digests: tuple[str, ...]


def erase_subject(store: Store, client_id: str, *, actor: str) -> Erasure:
    """Forgets a client; the audit chain stays whole and unreadable where it was about them.

    Should the same pseudonym come again it is served, and never again learned from.

    Raises
    ------
    NotFoundError
        When nothing is kept of them.
    """
    with store.writing() as connection:
        erased = _erase(connection, client_id, actor)
    store.scrub(tuple(erased.rows))
    return erased


def erased_before(connection: Connection) -> Callable[[str], bool]:
    """Tells of a pseudonym whether it was ever erased."""
    tombstones = [(bytes(row.salt), row.tombstone) for row in connection.execute(select(erasures))]
    return lambda client_id: any(_tombstone(salt, client_id) == stone for salt, stone in tombstones)


def _erase(connection: Connection, client_id: str, actor: str) -> Erasure:
    subject = known_subject(connection, client_id)
    holdings = subject_rows(connection, subject)
    digests = models_that_learned_from(connection, holdings.pairing_ids)
    erased = Erasure(secrets.token_hex(16), remove(connection, holdings), digests)
    salt = secrets.token_bytes(32)
    connection.execute(
        insert(erasures).values(
            erasure_id=erased.erasure_id,
            salt=salt,
            tombstone=_tombstone(salt, client_id),
            model_digests=canonical_json(digests),
            actor=actor,
            recorded_at=database_time(connection),
        )
    )
    facts = {"erasure_id": erased.erasure_id, "models": digests, "rows": dict(erased.rows)}
    append(connection, AuditEntry(actor, "subject.erased", facts, subject))
    return erased


def _tombstone(salt: bytes, client_id: str) -> str:
    """Recognises a pseudonym without keeping it."""
    return hmac.new(salt, client_id.encode(), hashlib.sha256).hexdigest()
