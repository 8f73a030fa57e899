"""Search of the work list as people type it: part of a client code, of an id or of a reference.

Each kind of text is sought along its own index; codes of clients are compared one by one, in the
table of clients, whose rows are short.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Select, func, select

from recommender.journal.wishes import read_reference
from recommender.journal.work_items import NOTHING, WorkItem, pairing_items, request_items
from recommender.store.schema import decisions, pairings, recommendations, subjects, wishes

SHORTEST = 2
"""Characters of a client code from which it is sought."""
SHORTEST_ID = 4
"""Characters of a request id from which it is sought; the list shows eight."""
MOST_SUBJECTS = 200
"""Clients whose requests are looked up; of more, those with the shortest codes."""
_SEPARATORS = re.compile(r"[-_\s.]")
_START_OF_ID = re.compile(f"[0-9a-f]{{{SHORTEST_ID},64}}")
_AFTER_HEX = "g"


def search_work(
    connection: Connection,
    sought: str,
    clinician_ids: Collection[str],
    early_sessions: tuple[int, int],
    *,
    limit: int,
) -> tuple[WorkItem, ...]:
    """Requests and pairings without one that a text may mean, newest first.

    `clinician_ids` are the clinicians whose names have the text: what was decided on, begun with or
    wished for with them is found too.
    """
    theirs = _subjects(connection, sought)
    names = set[str]()
    for statement in _requests(sought, theirs, clinician_ids):
        names.update(connection.execute(statement.limit(limit)).scalars())
    met = pairings.c.subject_id.in_(theirs) & pairings.c.recommendation_id.is_(None)
    begun = select(pairings.c.pairing_id).where(met).order_by(pairings.c.recorded_at.desc())
    alone = tuple(connection.execute(begun.limit(limit)).scalars())
    items = [
        *request_items(connection, names, early_sessions).values(),
        *pairing_items(connection, alone, NOTHING).values(),
    ]
    return tuple(sorted(items, key=lambda each: each.at, reverse=True)[:limit])


def _requests(
    sought: str, theirs: Collection[str], clinician_ids: Collection[str]
) -> "Iterable[Select[Any]]":
    name, at = recommendations.c.recommendation_id, recommendations.c.recorded_at
    if theirs:
        of_clients = select(name).where(recommendations.c.subject_id.in_(theirs))
        yield of_clients.order_by(at.desc())
    start = sought.lower()
    if _START_OF_ID.fullmatch(start):
        # A range, which the index of ids answers under any collation.
        yield select(name).where(name >= start, name < start + _AFTER_HEX)
    reference = read_reference(sought)
    if reference is not None:
        yield select(wishes.c.recommendation_id).where(wishes.c.reference == reference)
    if clinician_ids:
        for table in (decisions, pairings, wishes):
            of_clinicians = select(table.c.recommendation_id).where(
                table.c.clinician_id.in_(clinician_ids), table.c.recommendation_id.is_not(None)
            )
            yield of_clinicians.order_by(table.c.recorded_at.desc())


def _subjects(connection: Connection, sought: str) -> tuple[str, ...]:
    """Subjects whose code contains the text in any case, separators aside."""
    plain = _SEPARATORS.sub("", sought).lower()
    if len(plain) < SHORTEST:
        return ()
    code = func.lower(subjects.c.client_id)
    for separator in "-_.":
        code = func.replace(code, separator, "")
    statement = (
        select(subjects.c.subject_id)
        .where(code.contains(plain, autoescape=True))
        .order_by(func.length(subjects.c.client_id), subjects.c.client_id)
        .limit(MOST_SUBJECTS)
    )
    return tuple(connection.execute(statement).scalars())
