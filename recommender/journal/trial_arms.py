"""Arms of a trial: which trial is open, who was drawn into which arm, and what both orders were.

And whether the model's order is withdrawn, because a trial ended for harm.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, union

from recommender.journal.request_versions import all_versions
from recommender.store.schema import (
    trial_arms,
    trial_ends,
    trial_looks,
    trial_restorations,
    trials,
)


@dataclass(frozen=True, slots=True)
class OpenTrial:
    """The trial that clients are randomised in; `seed` stays in the database."""

    trial_id: str
    protocol: str
    seed: str


@dataclass(frozen=True, slots=True)
class TrialArm:
    """The arm of one recommendation, its chance, and what both orders would have shown.

    `client_part` is in points of the displayed scale.
    """

    trial_id: str
    arm: str
    chance: float
    client_part: float
    model_order: tuple[str, ...]
    usual_order: tuple[str, ...]


HARM = "harm"
"""Reason of an end, and decision of a look, after which the model's order is withdrawn."""
_HARMED = union(
    select(trial_ends.c.trial_id).where(trial_ends.c.reason == HARM),
    select(trial_looks.c.trial_id).where(trial_looks.c.decision == HARM),
).subquery()
_NOT_RESTORED = select(_HARMED.c.trial_id).where(
    _HARMED.c.trial_id.not_in(select(trial_restorations.c.trial_id))
)
_OPEN = select(trials).where(
    ~select(trial_ends.c.trial_id).where(trial_ends.c.trial_id == trials.c.trial_id).exists()
)
# Built once: building a statement takes three times as long as executing it.
_INSERT = insert(trial_arms)


def open_trial(connection: Connection) -> OpenTrial | None:
    """The trial that has not ended; None where there is none."""
    row = connection.execute(_OPEN).first()
    if row is None:
        return None
    return OpenTrial(row.trial_id, row.protocol, row.seed)


def trials_of_harm(connection: Connection) -> tuple[str, ...]:
    """Ids of trials that ended for harm, after which nobody restored the model's order."""
    return tuple(connection.execute(_NOT_RESTORED).scalars())


def arm_of_request(connection: Connection, trial_id: str, recommendation_id: str) -> str | None:
    """The arm in which any version of a request was made in a trial; None where in none."""
    versions = all_versions(connection, [recommendation_id])
    asked = select(trial_arms.c.arm).where(
        trial_arms.c.trial_id == trial_id, trial_arms.c.recommendation_id.in_(versions)
    )
    return connection.execute(asked.order_by(trial_arms.c.recorded_at)).scalar()


def record_arm(
    connection: Connection, recommendation_id: str, arm: TrialArm, *, actor: str, at: datetime
) -> None:
    """Stores the arm of a recommendation, in the transaction that stores the recommendation."""
    connection.execute(
        _INSERT,
        {
            "recommendation_id": recommendation_id,
            "trial_id": arm.trial_id,
            "arm": arm.arm,
            "chance": arm.chance,
            "client_part": arm.client_part,
            "model_order": json.dumps(arm.model_order),
            "usual_order": json.dumps(arm.usual_order),
            "actor": actor,
            "recorded_at": at,
        },
    )
