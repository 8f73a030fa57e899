"""The first tables of the journal, and triggers that refuse updates."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NEVER_CHANGED = (
    "audit",
    "audit_pruned",
    "consents",
    "decisions",
    "erasures",
    "extract_pairings",
    "extracts",
    "pairing_events",
    "pairings",
    "payloads",
    "rating_versions",
    "ratings",
    "recommendations",
    "roster_rows",
    "roster_versions",
    "shown",
    "subjects",
    "trained_on",
)
LASTING = "{old}.seq > (SELECT coalesce(max(up_to), 0) FROM audit_pruned)"
"""Audit rows that retention has not pruned from the chain."""


def upgrade() -> None:
    """Creates the tables, then the triggers."""
    _tables()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _sqlite_guards() if sqlite else _postgresql_guards():
        op.execute(statement)


def _sqlite_guards() -> Iterator[str]:
    for table in NEVER_CHANGED:
        yield f"""CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} BEGIN
            SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"""
    yield f"""CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit
        WHEN {LASTING.format(old="OLD")} BEGIN
        SELECT RAISE(ABORT, 'rows of audit are never deleted'); END"""


def _postgresql_guards() -> Iterator[str]:
    yield """CREATE FUNCTION never_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$"""
    yield f"""CREATE FUNCTION never_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF {LASTING.format(old="OLD")} THEN
            RAISE EXCEPTION 'rows of % are never deleted', TG_TABLE_NAME;
        END IF;
        RETURN OLD; END $$"""
    for table in NEVER_CHANGED:
        yield f"""CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION never_changed()"""
    yield """CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit
        FOR EACH ROW EXECUTE FUNCTION never_deleted()"""
    yield """CREATE TRIGGER audit_never_truncated BEFORE TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION never_changed()"""


def _tables() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("details_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_subject_id", "audit", ["subject_id"])
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_audit_head"),
    )
    op.create_table(
        "audit_pruned",
        sa.Column("up_to", NUMBER, autoincrement=False, nullable=False),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("up_to", name="pk_audit_pruned"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("clinician_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_recommendation_id", "decisions", ["recommendation_id"])
    op.create_index("ix_decisions_recorded_at", "decisions", ["recorded_at"])
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("tombstone", sa.Text(), nullable=False),
        sa.Column("model_digests", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("erasure_id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_recorded_at", "erasures", ["recorded_at"])
    op.create_table(
        "extracts",
        sa.Column("extract_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("extract_id", name="pk_extracts"),
    )
    op.create_index("ix_extracts_recorded_at", "extracts", ["recorded_at"])
    op.create_table(
        "pairing_events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("pairing_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_pairing_events"),
    )
    op.create_index("ix_pairing_events_pairing_id", "pairing_events", ["pairing_id"])
    op.create_index("ix_pairing_events_recorded_at", "pairing_events", ["recorded_at"])
    op.create_table(
        "ratings",
        sa.Column("rating_id", sa.Text(), nullable=False),
        sa.Column("pairing_id", sa.Text(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("rating_id", name="pk_ratings"),
        sa.UniqueConstraint(
            "pairing_id", "session", "instrument", "rater", name="uq_ratings_pairing_id"
        ),
    )
    op.create_index("ix_ratings_recorded_at", "ratings", ["recorded_at"])
    op.create_table(
        "roster_versions",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_roster_versions"),
        sa.UniqueConstraint("etag", name="uq_roster_versions_etag"),
    )
    op.create_index("ix_roster_versions_recorded_at", "roster_versions", ["recorded_at"])
    op.create_table(
        "subjects",
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_subjects"),
        sa.UniqueConstraint("client_id", name="uq_subjects_client_id"),
    )
    op.create_table(
        "trained_on",
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("pairing_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("model_digest", "pairing_id", name="pk_trained_on"),
    )
    op.create_index("ix_trained_on_pairing_id", "trained_on", ["pairing_id"])
    op.create_table(
        "consents",
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("stated_at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name="fk_consents_subject_id"
        ),
        sa.PrimaryKeyConstraint("consent_id", name="pk_consents"),
    )
    op.create_index("ix_consents_recorded_at", "consents", ["recorded_at"])
    op.create_index("ix_consents_subject_id", "consents", ["subject_id"])
    op.create_table(
        "extract_pairings",
        sa.Column("extract_id", sa.Text(), nullable=False),
        sa.Column("pairing_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extract_id"], ["extracts.extract_id"], name="fk_extract_pairings_extract_id"
        ),
        sa.PrimaryKeyConstraint("extract_id", "pairing_id", name="pk_extract_pairings"),
    )
    op.create_index("ix_extract_pairings_pairing_id", "extract_pairings", ["pairing_id"])
    op.create_table(
        "idempotency",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name="fk_idempotency_subject_id"
        ),
        sa.PrimaryKeyConstraint("principal", "route", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
    op.create_index("ix_idempotency_subject_id", "idempotency", ["subject_id"])
    op.create_table(
        "pairings",
        sa.Column("pairing_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("clinician_id", sa.Text(), nullable=False),
        sa.Column("recommendation_id", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name="fk_pairings_subject_id"
        ),
        sa.PrimaryKeyConstraint("pairing_id", name="pk_pairings"),
    )
    op.create_index("ix_pairings_recommendation_id", "pairings", ["recommendation_id"])
    op.create_index("ix_pairings_recorded_at", "pairings", ["recorded_at"])
    op.create_index("ix_pairings_subject_id", "pairings", ["subject_id"])
    op.create_table(
        "rating_versions",
        sa.Column("rating_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("items", sa.Text(), nullable=True),
        sa.Column("rated_on", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["rating_id"],
            ["ratings.rating_id"],
            name="fk_rating_versions_rating_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("rating_id", "version", name="pk_rating_versions"),
    )
    op.create_index("ix_rating_versions_recorded_at", "rating_versions", ["recorded_at"])
    op.create_table(
        "recommendations",
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("practice_digest", sa.Text(), nullable=False),
        sa.Column("roster_version", sa.Text(), nullable=False),
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name="fk_recommendations_subject_id"
        ),
        sa.PrimaryKeyConstraint("recommendation_id", name="pk_recommendations"),
    )
    op.create_index("ix_recommendations_recorded_at", "recommendations", ["recorded_at"])
    op.create_index("ix_recommendations_subject_id", "recommendations", ["subject_id"])
    op.create_table(
        "roster_rows",
        sa.Column("clinician_id", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("cells", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["number"], ["roster_versions.number"], name="fk_roster_rows_number"
        ),
        sa.PrimaryKeyConstraint("clinician_id", "number", name="pk_roster_rows"),
    )
    op.create_table(
        "payloads",
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("request_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("response_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendations.recommendation_id"],
            name="fk_payloads_recommendation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("recommendation_id", name="pk_payloads"),
    )
    op.create_table(
        "shown",
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clinician_id", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("propensity", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendations.recommendation_id"],
            name="fk_shown_recommendation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("recommendation_id", "rank", name="pk_shown"),
    )
