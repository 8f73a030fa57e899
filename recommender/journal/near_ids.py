"""Recorded ids that an id which is not recorded nearly equals."""

import re
from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, func, or_, select

from recommender.store.schema import pairings, subjects
from recommender.values.ids import is_id, near_key, near_misses

MAX_PATTERNS = 50
"""Ids that are sought by a pattern each; for more, every recorded id is compared."""


def near_clients(connection: Connection, client_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Pseudonyms of recorded clients, at most three, that each unrecorded one may mean."""
    return _near(connection, subjects.c.client_id, client_ids)


def similar_clients(connection: Connection, client_id: str) -> tuple[str, ...]:
    """Pseudonyms of other recorded clients, at most three, that are nearly equal to one."""
    others = subjects.c.client_id != client_id
    return _near(connection, subjects.c.client_id, [client_id], others).get(client_id, ())


def near_pairings(connection: Connection, pairing_id: str) -> tuple[str, ...]:
    """Ids of recorded pairings, at most three, that an unrecorded one may mean."""
    return _near(connection, pairings.c.pairing_id, [pairing_id]).get(pairing_id, ())


def _near(
    connection: Connection,
    column: ColumnElement[str],
    texts: Collection[str],
    among: ColumnElement[bool] | None = None,
) -> dict[str, tuple[str, ...]]:
    texts = [each for each in texts if is_id(each)]
    if not texts:
        return {}
    statement = select(column).where(column.is_not(None))
    if among is not None:
        statement = statement.where(among)
    if len(texts) <= MAX_PATTERNS:
        plain = func.replace(func.replace(func.lower(column), "-", ""), "_", "")
        statement = statement.where(or_(*(plain.like(_pattern(text)) for text in texts)))
    return near_misses(texts, list(connection.execute(statement).scalars()))


def _pattern(text: str) -> str:
    """A pattern of SQL that every id nearly equal to a text matches, and few others."""
    # An id has neither % nor, as a key, an underscore: nothing needs to be escaped.
    parts = re.findall(r"[0-9]+|[a-z.]+", near_key(text))
    return f"%{'%'.join(parts)}%"
