"""Writing of recommendations: checked and compressed first, then stored in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert

from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.closings import resume_closed
from recommender.journal.consents import SCOPES, store_consent
from recommender.journal.recommendations import ShownRecommendation
from recommender.journal.request_versions import first_version
from recommender.journal.shadows import record_shadow
from recommender.journal.subjects import Subject, packed, subject_for
from recommender.journal.trial_arms import record_arm
from recommender.journal.validation import canonical_json, choice_faults, digest, id_faults, refuse
from recommender.store.database import database_time
from recommender.store.driver_statement import DriverStatement
from recommender.store.schema import payloads, recommendations, shown

_INSERT, _INSERT_PAYLOAD, _INSERT_SHOWN = (
    DriverStatement(insert(each)) for each in (recommendations, payloads, shown)
)


@dataclass(frozen=True, slots=True)
class PreparedRecommendation:
    """A checked recommendation with its contents as they are encrypted.

    `explained` is None where the record has none. `digests` are those of request and response.
    """

    record: ShownRecommendation
    request: bytes = field(repr=False)
    response: bytes = field(repr=False)
    explained: bytes | None = field(repr=False)
    digests: Mapping[str, str]


def prepare_recommendation(record: ShownRecommendation) -> PreparedRecommendation:
    """A recommendation made ready to store, before the transaction in which nobody else can write.

    Raises
    ------
    FeedbackError
        When an id is no pseudonym or a consent has an unknown scope.
    """
    scopes = record.consent.scopes if record.consent else {}
    faults = id_faults(
        recommendation_id=record.recommendation_id,
        client_id=record.client_id,
        replaces=record.replaces,
    )
    refuse([*faults, *(f for scope in scopes for f in choice_faults("scope", scope, SCOPES))])
    request = _request_of(record).encode()
    return PreparedRecommendation(
        record,
        packed(request),
        packed(record.response),
        # Already as short as compressed content.
        record.explained,
        {"request": digest(request), "response": digest(record.response)},
    )


def record_recommendation(
    connection: Connection, prepared: PreparedRecommendation, *, actor: str
) -> Subject:
    """Stores a prepared recommendation and gives the subject it is about."""
    record = prepared.record
    subject, at = subject_for(connection, record.client_id), database_time(connection)
    columns = ("recommendation_id", "asked_on", "practice_digest", "roster_version")
    stored = (*columns, "model_digest", "mode", "eligible", "replaces")
    values = {name: getattr(record, name) for name in stored}
    values["first_id"] = first_version(connection, record.replaces) if record.replaces else None
    by = {"subject_id": subject.subject_id, "actor": actor, "recorded_at": at}
    _INSERT.execute(connection, values | by)
    _store_contents(connection, prepared, subject)
    if record.arm is not None:
        record_arm(connection, record.recommendation_id, record.arm, actor=actor, at=at)
    if record.shadow is not None:
        record_shadow(connection, record.recommendation_id, record.shadow, actor=actor, at=at)
    if record.replaces:
        resume_closed(connection, record.replaces, actor=actor)
    if record.consent:
        store_consent(connection, subject, record.consent, stated_at=at, actor=actor)
    facts = {name: values[name] for name in ("roster_version", "model_digest", "mode")}
    details = {"recommendation_id": record.recommendation_id, **prepared.digests}
    if record.replaces:
        details["replaces"] = record.replaces
    append(connection, AuditEntry(actor, "recommendation.shown", facts, subject, details))
    return subject


def _request_of(record: ShownRecommendation) -> str:
    consent = None
    if record.consent:
        consent = {"version": record.consent.version, "scopes": dict(record.consent.scopes)}
    request = {"answers": dict(record.answers), "consent": consent, "modes": dict(record.modes)}
    return canonical_json(request | ({"declared": record.declared} if record.declared else {}))


def _store_contents(
    connection: Connection, prepared: PreparedRecommendation, subject: Subject
) -> None:
    name, explained = prepared.record.recommendation_id, prepared.explained
    contents = {
        "recommendation_id": name,
        "request_sealed": subject.encrypt_packed(f"request/{name}", prepared.request),
        "response_sealed": subject.encrypt_packed(f"response/{name}", prepared.response),
        "explained_sealed": explained and subject.encrypt_packed(f"explained/{name}", explained),
    }
    _INSERT_PAYLOAD.execute(connection, contents)
    rows = [
        {
            "recommendation_id": name,
            "rank": rank,
            "clinician_id": each.clinician_id,
            "score": each.score,
            "propensity": each.propensity,
        }
        for rank, each in enumerate(prepared.record.shortlist, 1)
    ]
    if rows:
        _INSERT_SHOWN.execute(connection, *rows)
