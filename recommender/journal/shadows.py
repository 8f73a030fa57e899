"""What a second model would have shown for each request, stored and never shown."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from recommender.store.schema import shadow_scores, shown


@dataclass(frozen=True, slots=True)
class ShadowOrder:
    """The order of a second model for one request.

    Attributes
    ----------
    model_digest
        Of that model.
    model_order
        Ids of its shortlist, first rank first.
    predicted
        Its predicted alliance of each clinician of its own shortlist and of the one that was
        shown, in points of the displayed scale.
    agreement
        Correlation of both models' pairing parts over the eligible clinicians; None where fewer
        than three are eligible or a model does not tell them apart.
    """

    model_digest: str
    model_order: tuple[str, ...]
    predicted: dict[str, float]
    agreement: float | None


@dataclass(frozen=True, slots=True)
class ShadowedRequest:
    """A request that a second model scored as well."""

    recommendation_id: str
    shadow: ShadowOrder


_INSERT = insert(shadow_scores)


def record_shadow(
    connection: Connection, recommendation_id: str, shadow: ShadowOrder, *, actor: str, at: datetime
) -> None:
    """Stores what a second model would have shown, in the recommendation's transaction."""
    connection.execute(
        _INSERT,
        {
            "recommendation_id": recommendation_id,
            "model_digest": shadow.model_digest,
            "model_order": json.dumps(shadow.model_order),
            "predicted": json.dumps(shadow.predicted),
            "agreement": shadow.agreement,
            "actor": actor,
            "recorded_at": at,
        },
    )


def shadow_digests(connection: Connection) -> tuple[str, ...]:
    """Digests of the second models with stored orders, the last used first."""
    last = func.max(shadow_scores.c.recorded_at)
    asked = select(shadow_scores.c.model_digest).group_by(shadow_scores.c.model_digest)
    return tuple(connection.execute(asked.order_by(last.desc())).scalars())


def shadowed_requests(connection: Connection, model_digest: str) -> tuple[ShadowedRequest, ...]:
    """Every request that one second model scored, oldest first."""
    asked = (
        select(shadow_scores)
        .where(shadow_scores.c.model_digest == model_digest)
        .order_by(shadow_scores.c.recorded_at, shadow_scores.c.recommendation_id)
    )
    return tuple(
        ShadowedRequest(
            row.recommendation_id,
            ShadowOrder(
                row.model_digest,
                tuple(json.loads(row.model_order)),
                json.loads(row.predicted),
                row.agreement,
            ),
        )
        for row in connection.execute(asked)
    )


def shown_beside(connection: Connection, model_digest: str) -> dict[str, dict[str, float]]:
    """Of each request that one second model scored: predictions of who was shown, in their order.

    Requests for which nobody was shown are left out.
    """
    asked = (
        select(shown.c.recommendation_id, shown.c.clinician_id, shown.c.score)
        .join(shadow_scores, shadow_scores.c.recommendation_id == shown.c.recommendation_id)
        .where(shadow_scores.c.model_digest == model_digest, shown.c.score.is_not(None))
        .order_by(shown.c.recommendation_id, shown.c.rank)
    )
    found: dict[str, dict[str, float]] = {}
    for row in connection.execute(asked):
        found.setdefault(row.recommendation_id, {})[row.clinician_id] = row.score
    return found
