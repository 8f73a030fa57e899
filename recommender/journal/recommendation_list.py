"""The list of recommendations, page by page, newest first, with filters.

Nothing is decrypted for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from recommender.journal.closings import CLOSED, closings_by_recommendation, is_closed
from recommender.journal.recommendations import CHOSEN, OVERRIDE
from recommender.store.schema import decisions, recommendations, shown, subjects

UNDECIDED, DECIDED, OVERRIDDEN = "undecided", "decided", "overridden"
STATES = (UNDECIDED, DECIDED, OVERRIDDEN, CLOSED)
_STATE_OF = {None: UNDECIDED, CHOSEN: DECIDED, OVERRIDE: OVERRIDDEN}


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which recommendations are listed; None does not restrict.

    Attributes
    ----------
    actor
        Who asked.
    since, before
        Recorded from this moment on; recorded before this moment.
    state
        One of `STATES`, by the decision in force unless the request is closed.
    clinician_id
        Chosen by the decision in force.
    """

    actor: str | None = None
    client_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    state: str | None = None
    mode: str | None = None
    clinician_id: str | None = None


@dataclass(frozen=True, slots=True)
class ListedRecommendation:
    """One recommendation of the list.

    `eligible` is None where it was recorded before the number was. `chosen` is the clinician of the
    decision in force, None without one. `closed_for` is why it was closed, None while it is open.
    """

    recommendation_id: str
    client_id: str | None
    asked_on: date
    recorded_at: datetime
    mode: str
    eligible: int | None
    shown: tuple[str, ...]
    state: str
    chosen: str | None
    closed_for: str | None


def recommendation_list(
    connection: Connection,
    wanted: ListFilter,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> tuple[ListedRecommendation, ...]:
    """At most `limit` recommendations, newest first, that come after a position.

    Positions are times and ids: a recommendation that is added or erased between two pages moves
    no other across the border between them. Makes three queries.
    """
    table, decision = recommendations.c, decisions.alias("decision")
    in_force = (
        select(decisions.c.decision_id)
        .where(decisions.c.recommendation_id == table.recommendation_id)
        .order_by(decisions.c.recorded_at.desc(), decisions.c.decision_id.desc())
        .limit(1)
        .correlate(recommendations)
        .scalar_subquery()
    )
    statement = (
        select(recommendations, subjects.c.client_id, decision.c.kind, decision.c.clinician_id)
        .select_from(
            recommendations.join(subjects).outerjoin(decision, decision.c.decision_id == in_force)
        )
        .where(*_conditions(wanted, decision.c.kind, decision.c.clinician_id))
        .order_by(table.recorded_at.desc(), table.recommendation_id.desc())
        .limit(limit)
    )
    if after is not None:
        at, name = after
        same_moment = and_(table.recorded_at == at, table.recommendation_id < name)
        statement = statement.where(or_(table.recorded_at < at, same_moment))
    rows = connection.execute(statement).all()
    names = [row.recommendation_id for row in rows]
    listed, closed = _shown_by(connection, names), closings_by_recommendation(connection, names)
    reasons = {name: some[-1].reason for name, some in closed.items()}
    return tuple(
        ListedRecommendation(
            recommendation_id=row.recommendation_id,
            client_id=row.client_id,
            asked_on=row.asked_on,
            recorded_at=row.recorded_at,
            mode=row.mode,
            eligible=row.eligible,
            shown=listed.get(row.recommendation_id, ()),
            state=CLOSED if reasons.get(row.recommendation_id) else _STATE_OF[row.kind],
            chosen=row.clinician_id,
            closed_for=reasons.get(row.recommendation_id),
        )
        for row in rows
    )


def _conditions(
    wanted: ListFilter, kind: ColumnElement[str], chosen: ColumnElement[str]
) -> list[ColumnElement[bool]]:
    table = recommendations.c
    conditions = []
    if wanted.actor is not None:
        conditions.append(table.actor == wanted.actor)
    if wanted.client_id is not None:
        conditions.append(subjects.c.client_id == wanted.client_id)
    if wanted.since is not None:
        conditions.append(table.recorded_at >= wanted.since)
    if wanted.before is not None:
        conditions.append(table.recorded_at < wanted.before)
    if wanted.mode is not None:
        conditions.append(table.mode == wanted.mode)
    if wanted.clinician_id is not None:
        conditions.append(chosen == wanted.clinician_id)
    if wanted.state is not None:
        closed = is_closed(table.recommendation_id)
        conditions.append(closed if wanted.state == CLOSED else ~closed)
    if wanted.state in _STATE_OF.values():
        of_kind = next(each for each, state in _STATE_OF.items() if state == wanted.state)
        conditions.append(kind.is_(None) if of_kind is None else kind == of_kind)
    return conditions


def _shown_by(
    connection: Connection, recommendation_ids: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Ids of everybody shown by each recommendation, first rank first."""
    statement = (
        select(shown.c.recommendation_id, shown.c.clinician_id)
        .where(shown.c.recommendation_id.in_(recommendation_ids))
        .order_by(shown.c.recommendation_id, shown.c.rank)
    )
    listed: dict[str, tuple[str, ...]] = {}
    for name, clinician_id in connection.execute(statement):
        listed[name] = (*listed.get(name, ()), clinician_id)
    return listed
