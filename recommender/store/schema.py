"""The tables of the store.

Personal content is in `*_sealed` columns only, encrypted with the subject's key; a client's
pseudonym is in `subjects` only. Rows of the journal are added, never changed, and deleted by
erasure and retention. Keys, accounts and sessions change in place and leave audit entries; drafts
change in place too.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Instant(TypeDecorator[datetime]):
    """A time in UTC with its zone, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time in UTC; SQLite stores it without its zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Numbers count up in both databases only when SQLite sees INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *parts: Any) -> Table:
    return Table(name, metadata, *parts)


def _text(name: str, *parts: Any, **options: Any) -> Column[str]:
    return Column(name, Text, *parts, **({"nullable": False} | options))


def _written_by() -> tuple[Column[Any], ...]:
    """Who wrote a row, and when by the database's clock."""
    return _text("actor"), Column("recorded_at", Instant, nullable=False, index=True)


def _subject(**options: Any) -> Column[str]:
    return _text("subject_id", ForeignKey("subjects.subject_id"), index=True, **options)


subjects = _table(
    "subjects",
    _text("subject_id", primary_key=True),
    Column("client_id", Text, unique=True),
    Column("key", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)

consents = _table(
    "consents",
    _text("consent_id", primary_key=True),
    _subject(),
    _text("scope"),
    Column("given", Boolean, nullable=False),
    _text("version"),
    Column("stated_at", Instant, nullable=False),
    *_written_by(),
)

recommendations = _table(
    "recommendations",
    _text("recommendation_id", primary_key=True),
    _subject(),
    Column("asked_on", Date, nullable=False),
    _text("practice_digest"),
    _text("roster_version"),
    _text("model_digest"),
    _text("mode"),
    *_written_by(),
    Column("eligible", Integer, nullable=True),
    # The request whose answers this one changes, and the first of all such changes.
    Column("replaces", Text),
    Column("first_id", Text, index=True),
    Index("ix_recommendations_actor", "actor", "recorded_at", "recommendation_id"),
)

payloads = _table(
    "payloads",
    _text(
        "recommendation_id",
        ForeignKey("recommendations.recommendation_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("request_sealed", LargeBinary, nullable=False),
    Column("response_sealed", LargeBinary, nullable=False),
    Column("explained_sealed", LargeBinary),
)

shown = _table(
    "shown",
    _text(
        "recommendation_id",
        ForeignKey("recommendations.recommendation_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    _text("clinician_id"),
    Column("score", Float),
    Column("propensity", Float),
)

# Feedback may name a recommendation or a pairing unknown here: no foreign key turns it away.
decisions = _table(
    "decisions",
    _text("decision_id", primary_key=True),
    _text("recommendation_id", index=True),
    _text("clinician_id"),
    _text("kind"),
    Column("reason", Text),
    *_written_by(),
    Index("ix_decisions_clinician", "clinician_id", "recorded_at"),
)

# A wish names a recommendation whose wishes share one reference; None asks for help to choose.
wishes = _table(
    "wishes",
    _text("wish_id", primary_key=True),
    _text("recommendation_id", index=True),
    Column("clinician_id", Text),
    _text("reference", index=True),
    *_written_by(),
    Index("ix_wishes_clinician", "clinician_id", "recorded_at"),
)

# A row closes a request, or opens it again.
closings = _table(
    "closings",
    _text("closing_id", primary_key=True),
    _text("recommendation_id", index=True),
    _text("kind"),
    Column("reason", Text),
    *_written_by(),
)

# A trial of the order: its registered protocol, and the seed from which arms are drawn.
trials = _table(
    "trials",
    _text("trial_id", primary_key=True),
    _text("protocol"),
    _text("seed"),
    *_written_by(),
)

# The arm of a recommendation, with what both orders would have shown.
trial_arms = _table(
    "trial_arms",
    _text(
        "recommendation_id",
        ForeignKey("recommendations.recommendation_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _text("trial_id", index=True),
    _text("arm"),
    Column("chance", Float, nullable=False),
    Column("client_part", Float, nullable=False),
    _text("model_order"),
    _text("usual_order"),
    *_written_by(),
)

trial_looks = _table(
    "trial_looks",
    _text("trial_id", ForeignKey("trials.trial_id"), primary_key=True),
    Column("rated", Integer, primary_key=True, autoincrement=False),
    _text("result"),
    _text("decision"),
    *_written_by(),
)

# Clients are randomised until a row here.
trial_ends = _table(
    "trial_ends",
    _text("trial_id", ForeignKey("trials.trial_id"), primary_key=True),
    _text("reason"),
    *_written_by(),
)

# After a trial that ended for harm the model's order is not shown until a row here.
trial_restorations = _table(
    "trial_restorations",
    _text("trial_id", ForeignKey("trials.trial_id"), primary_key=True),
    _text("reason"),
    *_written_by(),
)

# What a second model would have shown for a recommendation; it is never shown.
shadow_scores = _table(
    "shadow_scores",
    _text(
        "recommendation_id",
        ForeignKey("recommendations.recommendation_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _text("model_digest", index=True),
    _text("model_order"),
    _text("predicted"),
    Column("agreement", Float),
    *_written_by(),
)

# Answers not sent yet, of one account; `changes` is the request they change, "" for a new one.
drafts = _table(
    "drafts",
    _text("actor", primary_key=True),
    _text("changes", primary_key=True),
    _subject(),
    _text("writer"),
    _text("version"),
    Column("content_sealed", LargeBinary, nullable=False),
    Column("saved_at", Instant, nullable=False, index=True),
)

pairings = _table(
    "pairings",
    _text("pairing_id", primary_key=True),
    _subject(),
    _text("clinician_id"),
    Column("recommendation_id", Text, index=True),
    *_written_by(),
    Index("ix_pairings_clinician", "clinician_id", "recorded_at"),
)

pairing_events = _table(
    "pairing_events",
    _text("event_id", primary_key=True),
    _text("pairing_id", index=True),
    _text("kind"),
    Column("happened_on", Date, nullable=False),
    Column("session", Integer),
    Column("reason", Text),
    *_written_by(),
    # The hour of an appointment on the practice's clock.
    Column("local_time", Text),
)

ratings = _table(
    "ratings",
    _text("rating_id", primary_key=True),
    _text("pairing_id"),
    Column("session", Integer, nullable=False),
    _text("instrument"),
    _text("rater"),
    Column("recorded_at", Instant, nullable=False, index=True),
    UniqueConstraint("pairing_id", "session", "instrument", "rater"),
)

rating_versions = _table(
    "rating_versions",
    _text("rating_id", ForeignKey("ratings.rating_id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _text("metric"),
    Column("score", Float),
    Column("items", Text),
    Column("rated_on", Date, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("reason", Text),
    *_written_by(),
)

roster_versions = _table(
    "roster_versions",
    Column("number", Number, primary_key=True, autoincrement=False),
    _text("etag", unique=True),
    _text("cause"),
    *_written_by(),
)

roster_rows = _table(
    "roster_rows",
    _text("clinician_id", primary_key=True),
    Column(
        "number",
        Number,
        ForeignKey("roster_versions.number"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("cells", Text),
)

idempotency = _table(
    "idempotency",
    _text("principal", primary_key=True),
    _text("route", primary_key=True),
    _text("key", primary_key=True),
    _text("fingerprint"),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    _subject(nullable=True),
    Column("created_at", Instant, nullable=False, index=True),
    Column("headers", Text, nullable=True),
)

audit = _table(
    "audit",
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    _text("actor"),
    _text("action"),
    Column("subject_id", Text),
    _text("facts"),
    Column("details_sealed", LargeBinary),
    _text("prev_hash"),
    _text("row_hash"),
    Index(None, "subject_id"),
)

audit_head = _table(
    "audit_head",
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", Number, nullable=False),
    _text("row_hash"),
)

audit_pruned = _table(
    "audit_pruned",
    Column("up_to", Number, primary_key=True, autoincrement=False),
    _text("row_hash"),
    Column("at", Instant, nullable=False),
)

trained_on = _table(
    "trained_on",
    _text("model_digest", primary_key=True),
    _text("pairing_id", primary_key=True),
    Column("recorded_at", Instant, nullable=False),
    Index(None, "pairing_id"),
)

extracts = _table(
    "extracts",
    _text("extract_id", primary_key=True),
    *_written_by(),
)

extract_pairings = _table(
    "extract_pairings",
    _text("extract_id", ForeignKey("extracts.extract_id"), primary_key=True),
    _text("pairing_id", primary_key=True),
    Index(None, "pairing_id"),
)

erasures = _table(
    "erasures",
    _text("erasure_id", primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    _text("tombstone"),
    _text("model_digests"),
    *_written_by(),
)

# Secrets stand here as hashes only; who may do what is `access`.
access_keys = _table(
    "access_keys",
    _text("key_id", primary_key=True),
    _text("name", index=True),
    _text("role"),
    Column("only", Text),
    Column("secret_hash", LargeBinary, nullable=False),
    _text("pepper_mark"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("last_used_on", Date),
    Column("origins", Text),
    Column("sandbox", Boolean),
)

staff_accounts = _table(
    "staff_accounts",
    _text("staff_id", primary_key=True),
    _text("name", unique=True),
    _text("role"),
    # Null for accounts of before that have one role, which is in `role`.
    _text("roles", nullable=True),
    _text("password_hash"),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("removed_at", Instant),
    # Somebody else set it; null as false.
    Column("password_temporary", Boolean),
)

# An identity at an OpenID provider is a digest of its issuer and subject.
staff_identities = _table(
    "staff_identities",
    Column("identity_hash", LargeBinary, primary_key=True),
    _text("staff_id", ForeignKey("staff_accounts.staff_id"), index=True),
    Column("linked_at", Instant, nullable=False),
)

staff_sessions = _table(
    "staff_sessions",
    Column("token_hash", LargeBinary, primary_key=True),
    _text("staff_id", ForeignKey("staff_accounts.staff_id"), index=True),
    Column("opened_at", Instant, nullable=False, index=True),
    Column("seen_at", Instant, nullable=False),
    # Opened with a temporary password; null as false.
    Column("restricted", Boolean),
)

# The secret of an endpoint is not stored: it follows from its id, its version and the pepper.
webhook_endpoints = _table(
    "webhook_endpoints",
    _text("endpoint_id", primary_key=True),
    _text("url"),
    _text("kinds"),
    _text("pepper_mark"),
    Column("secret_version", Integer, nullable=False),
    Column("former_secret_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("failing_since", Instant),
    Column("off_since", Instant),
    Column("off_reason", Text),
)

webhook_events = _table(
    "webhook_events",
    _text("event_id", primary_key=True),
    _text("kind"),
    Column("recommendation_id", Text, index=True),
    Column("pairing_id", Text, index=True),
    Column("rating_id", Text),
    Column("change", Text),
    Column("recorded_at", Instant, nullable=False, index=True),
)

webhook_deliveries = _table(
    "webhook_deliveries",
    _text("event_id", ForeignKey("webhook_events.event_id", ondelete="CASCADE"), primary_key=True),
    _text(
        "endpoint_id",
        ForeignKey("webhook_endpoints.endpoint_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _text("state"),
    Column("attempts", Integer, nullable=False),
    # While an attempt is made, the time from which another server may repeat it.
    Column("due_at", Instant, nullable=False),
    Column("attempted_at", Instant),
    Column("outcome", Text),
    Column("status", Integer),
    Index(None, "state", "due_at"),
    Index(None, "endpoint_id"),
)

_CHANGED = (
    "drafts",
    "idempotency",
    "audit_head",
    "access_keys",
    "staff_accounts",
    "staff_identities",
    "staff_sessions",
    "webhook_endpoints",
    "webhook_deliveries",
)
NEVER_CHANGED = tuple(table.name for table in metadata.sorted_tables if table.name not in _CHANGED)
"""Tables with a trigger against updates."""
