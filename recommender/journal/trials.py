"""Trials of the order: their start, their clients with pairings and ratings, looks and the end."""

import json
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from recommender.errors import ConflictError, NotFoundError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.pairings import outcomes_of
from recommender.journal.rated_pairings import RatedPairing
from recommender.journal.ratings import ratings_by_pairing
from recommender.journal.trial_arms import OpenTrial, open_trial, trials_of_harm
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import (
    pairings,
    recommendations,
    trial_arms,
    trial_ends,
    trial_looks,
    trial_restorations,
    trials,
)


@dataclass(frozen=True, slots=True)
class StoredLook:
    """A look as stored: rated clients, the decision, and what was found as JSON values."""

    rated: int
    decision: str
    result: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """A trial with its looks, oldest first; `ended` is the reason, None while it is open."""

    trial: OpenTrial
    looks: tuple[StoredLook, ...]
    ended: str | None


@dataclass(frozen=True, slots=True)
class TrialClient:
    """A client of a trial by the first request, and the first pairing that began after it.

    Attributes
    ----------
    pairing
        With its current ratings, which may be none; None where nothing began yet.
    ended_on
        The last day of that pairing; None while it is open.
    """

    arm: str
    client_part: float
    model_order: tuple[str, ...]
    pairing: RatedPairing | None
    ended_on: date | None


def start_trial(connection: Connection, protocol: str, *, digest: str, actor: str) -> str:
    """Registers a trial and gives its id; clients are randomised from now on.

    Raises
    ------
    ConflictError
        When a trial is open.
    """
    advisory_lock(connection, "trial")
    if open_trial(connection) is not None:
        remedy = "end it first: recommender trial stop --reason CODE"
        raise ConflictError("trial", "is open already", remedy)
    trial_id = secrets.token_hex(16)
    at = database_time(connection)
    values = {"trial_id": trial_id, "protocol": protocol, "seed": secrets.token_hex(16)}
    connection.execute(insert(trials).values(**values, actor=actor, recorded_at=at))
    facts = {"trial_id": trial_id, "protocol": digest}
    append(connection, AuditEntry(actor, "trial.started", facts))
    return trial_id


def newest_trial(connection: Connection) -> StoredTrial:
    """The trial that started last, open or not; raises `NotFoundError` where there was none."""
    row = connection.execute(select(trials).order_by(trials.c.recorded_at.desc())).first()
    if row is None:
        remedy = "start one: recommender trial start --help"
        raise NotFoundError("trial", "was never started", remedy)
    trial = OpenTrial(row.trial_id, row.protocol, row.seed)
    looks = connection.execute(
        select(trial_looks)
        .where(trial_looks.c.trial_id == row.trial_id)
        .order_by(trial_looks.c.rated)
    )
    ended = select(trial_ends.c.reason).where(trial_ends.c.trial_id == row.trial_id)
    return StoredTrial(
        trial,
        tuple(
            StoredLook(each.rated, each.decision, json.loads(each.result), each.recorded_at)
            for each in looks
        ),
        connection.execute(ended).scalar(),
    )


def record_look(
    connection: Connection,
    trial_id: str,
    rated: int,
    decision: str,
    result: Mapping[str, Any],
    *,
    actor: str,
) -> None:
    """Stores a look; it cannot be changed."""
    connection.execute(
        insert(trial_looks).values(
            trial_id=trial_id,
            rated=rated,
            decision=decision,
            result=json.dumps(dict(result)),
            actor=actor,
            recorded_at=database_time(connection),
        )
    )
    facts = {"trial_id": trial_id, "rated": rated, "decision": decision}
    append(connection, AuditEntry(actor, "trial.looked", facts))


def end_trial(connection: Connection, trial_id: str, reason: str, *, actor: str) -> None:
    """Ends a trial: nobody is randomised from now on. Raises `ConflictError` when it has ended."""
    advisory_lock(connection, "trial")
    current = open_trial(connection)
    if current is None or current.trial_id != trial_id:
        raise ConflictError("trial", "has ended", "read its report: recommender trial report")
    at = database_time(connection)
    values = {"trial_id": trial_id, "reason": reason, "actor": actor, "recorded_at": at}
    connection.execute(insert(trial_ends).values(**values))
    append(connection, AuditEntry(actor, "trial.ended", {"trial_id": trial_id, "reason": reason}))


def restore_order(connection: Connection, reason: str, *, actor: str) -> int:
    """Lets servers show the model's order again after trials that ended for harm; how many.

    Raises
    ------
    ConflictError
        When the order is not withdrawn.
    """
    advisory_lock(connection, "trial")
    withdrawn_by = trials_of_harm(connection)
    if not withdrawn_by:
        remedy = "nothing is to be restored: see how far a trial is with recommender trial progress"
        raise ConflictError("order", "is not withdrawn", remedy)
    at = database_time(connection)
    for trial_id in withdrawn_by:
        values = {"trial_id": trial_id, "reason": reason, "actor": actor, "recorded_at": at}
        connection.execute(insert(trial_restorations).values(**values))
        facts = {"trial_id": trial_id, "reason": reason}
        append(connection, AuditEntry(actor, "trial.order_restored", facts))
    return len(withdrawn_by)


def requests_per_month(connection: Connection, *, since: datetime) -> float | None:
    """Clients a month who asked since then, by their first requests; None without any.

    Counted from the first of them, so that a store that is younger is not called slow.
    """
    asked = select(func.count(), func.min(recommendations.c.recorded_at)).where(
        recommendations.c.recorded_at >= since, recommendations.c.replaces.is_(None)
    )
    number, first = connection.execute(asked).one()
    if not number:
        return None
    months = (database_time(connection) - first).total_seconds() / (86400 * 365.25 / 12)
    return float(number / max(months, 1.0))


def trial_clients(connection: Connection, trial_id: str) -> tuple[TrialClient, ...]:
    """Every client of a trial once, by the first request in it, oldest first.

    A client without a pseudonym is known by the pairing that came of a version of the request.
    """
    began = _begun(connection)
    by_request = {root: subject for root, subject, _, _ in began if root is not None}
    of_root: defaultdict[str, list[tuple[date, int]]] = defaultdict(list)
    of_subject: defaultdict[str, list[tuple[date, int]]] = defaultdict(list)
    for place, (began_for, subject, pairing, _) in enumerate(began):
        of_subject[subject].append((pairing.started_on, place))
        if began_for is not None:
            of_root[began_for].append((pairing.started_on, place))
    root = func.coalesce(recommendations.c.first_id, recommendations.c.recommendation_id)
    arms = connection.execute(
        select(trial_arms, recommendations.c.subject_id, root.label("root"))
        .select_from(trial_arms.join(recommendations))
        .where(trial_arms.c.trial_id == trial_id)
        .order_by(trial_arms.c.recorded_at, trial_arms.c.recommendation_id)
    )
    clients: dict[str, TrialClient] = {}
    for row in arms:
        subject = by_request.get(row.root, row.subject_id)
        if subject in clients:
            continue
        asked_on = row.recorded_at.date()
        own = [*of_root[row.root], *(each for each in of_subject[subject] if each[0] >= asked_on)]
        first = began[min(own)[1]][2:] if own else (None, None)
        clients[subject] = TrialClient(
            row.arm, row.client_part, tuple(json.loads(row.model_order)), *first
        )
    return tuple(clients.values())


def begun_by_request(connection: Connection) -> dict[str, RatedPairing]:
    """The first pairing that came of any version of a request, by the first version's id."""
    found: dict[str, RatedPairing] = {}
    for root, _, pairing, _ in _begun(connection):
        if root is not None:
            found.setdefault(root, pairing)
    return found


def _begun(
    connection: Connection,
) -> list[tuple[str | None, str, RatedPairing, date | None]]:
    """Pairings that began: first version of their request, subject, pairing and last day."""
    outcomes, rated = outcomes_of(connection), ratings_by_pairing(connection)
    root = func.coalesce(recommendations.c.first_id, recommendations.c.recommendation_id)
    rows = connection.execute(
        select(pairings, root.label("root"))
        .select_from(
            pairings.outerjoin(
                recommendations,
                recommendations.c.recommendation_id == pairings.c.recommendation_id,
            )
        )
        .order_by(pairings.c.recorded_at, pairings.c.pairing_id)
    )
    found = []
    for row in rows:
        outcome = outcomes.get(row.pairing_id)
        if outcome is None or outcome.withdrawn or outcome.started_on is None:
            continue
        ratings = rated.get(row.pairing_id, ())
        pairing = RatedPairing(row.pairing_id, row.clinician_id, outcome.started_on, ratings)
        found.append((row.root, row.subject_id, pairing, outcome.ended_on))
    return found
