"""What recommendations were used for, counted: who was shown, who was chosen, which model answered.

Nothing sealed is opened for it. Imported by `serving`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from recommender.store.schema import decisions, pairings, recommendations, shown


@dataclass(frozen=True, slots=True)
class Exposure:
    """How often a clinician was shown, stood first, was decided on, and began."""

    shown: int = 0
    first: int = 0
    chosen: int = 0
    begun: int = 0


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model by its digest, and the requests it answered in one mode."""

    digest: str
    mode: str
    requests: int
    first_at: datetime
    last_at: datetime


def exposures(connection: Connection, *, since: datetime) -> dict[str, Exposure]:
    """Counts by clinician since then; of several decisions on a request the last one counts."""
    counted = _shown(connection, since)
    chosen, begun = _chosen(connection, since), _begun(connection, since)
    return {
        name: Exposure(*counted.get(name, (0, 0)), chosen[name], begun[name])
        for name in sorted({*counted, *chosen, *begun})
    }


def model_uses(connection: Connection) -> tuple[ModelUse, ...]:
    """Every model that answered a kept request, the one that answered last first."""
    first, last = (made(recommendations.c.recorded_at) for made in (func.min, func.max))
    names = (recommendations.c.model_digest, recommendations.c.mode)
    statement = select(*names, func.count(), first, last).group_by(*names)
    rows = connection.execute(statement.order_by(last.desc(), *names))
    return tuple(ModelUse(*row) for row in rows)


def _shown(connection: Connection, since: datetime) -> Mapping[str, tuple[int, int]]:
    first = func.sum(case((shown.c.rank == 1, 1), else_=0))
    statement = (
        select(shown.c.clinician_id, func.count(), first)
        .join(recommendations, recommendations.c.recommendation_id == shown.c.recommendation_id)
        .where(recommendations.c.recorded_at >= since)
        .group_by(shown.c.clinician_id)
    )
    return {name: (int(times), int(ahead)) for name, times, ahead in connection.execute(statement)}


def _chosen(connection: Connection, since: datetime) -> Counter[str]:
    statement = select(decisions.c.recommendation_id, decisions.c.clinician_id).order_by(
        decisions.c.recorded_at, decisions.c.decision_id
    )
    rows = connection.execute(statement.where(decisions.c.recorded_at >= since))
    standing = {row.recommendation_id: row.clinician_id for row in rows}
    return Counter(standing.values())


def _begun(connection: Connection, since: datetime) -> Counter[str]:
    statement = select(pairings.c.clinician_id).where(pairings.c.recorded_at >= since)
    return Counter(connection.execute(statement).scalars())
