"""Which models learned from which pairings, so that a client can be told and a model retired.

Imported within `journal` and by whoever trains on an extract.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from recommender.journal.audit_log import AuditEntry, append
from recommender.store.database import database_time
from recommender.store.schema import extract_pairings, trained_on


def record_training(
    connection: Connection, model_digest: str, pairing_ids: Iterable[str], *, actor: str
) -> int:
    """Keeps that a model learned from pairings, by the journal's ids; counts those newly told."""
    known = set(
        connection.execute(
            select(trained_on.c.pairing_id).where(trained_on.c.model_digest == model_digest)
        ).scalars()
    )
    at, new = database_time(connection), sorted(set(pairing_ids) - known)
    rows = [{"model_digest": model_digest, "pairing_id": each, "recorded_at": at} for each in new]
    if rows:
        connection.execute(insert(trained_on), rows)
    facts = {"model_digest": model_digest, "pairings": len(rows)}
    append(connection, AuditEntry(actor, "model.trained", facts))
    return len(rows)


def pairings_of_extract(connection: Connection, extract_id: str) -> tuple[str, ...]:
    """The journal's ids of the pairings an extract had, sorted, without those erased since."""
    statement = select(extract_pairings.c.pairing_id).where(
        extract_pairings.c.extract_id == extract_id
    )
    return tuple(sorted(connection.execute(statement).scalars()))


def models_that_learned_from(connection: Connection, pairing_ids: Iterable[str]) -> tuple[str, ...]:
    """Digests of the models that learned from any of these pairings, sorted."""
    statement = (
        select(trained_on.c.model_digest)
        .distinct()
        .where(trained_on.c.pairing_id.in_(tuple(pairing_ids)))
    )
    return tuple(sorted(connection.execute(statement).scalars()))
