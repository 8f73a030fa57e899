"""Trials of the order, and what a second model would have shown."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TABLES = ("trials", "trial_arms", "trial_looks", "trial_ends", "shadow_scores")


def upgrade() -> None:
    """Five tables whose rows are never changed."""
    op.create_table("trials", _text("trial_id"), _text("protocol"), _text("seed"), *_written_by(),
                    _key("trials", "trial_id"))  # fmt: skip
    op.create_table(
        "trial_arms",
        _text("recommendation_id"),
        _text("trial_id"),
        _text("arm"),
        sa.Column("chance", sa.Float(), nullable=False),
        sa.Column("client_part", sa.Float(), nullable=False),
        _text("model_order"),
        _text("usual_order"),
        *_written_by(),
        *_of_recommendation("trial_arms"),
    )
    op.create_table(
        "trial_looks",
        _text("trial_id"),
        sa.Column("rated", sa.Integer(), nullable=False, autoincrement=False),
        _text("result"),
        _text("decision"),
        *_written_by(),
        _key("trial_looks", "trial_id", "rated"),
        _of_trial("trial_looks"),
    )
    op.create_table("trial_ends", _text("trial_id"), _text("reason"), *_written_by(),
                    _key("trial_ends", "trial_id"), _of_trial("trial_ends"))  # fmt: skip
    op.create_table(
        "shadow_scores",
        _text("recommendation_id"),
        _text("model_digest"),
        _text("model_order"),
        _text("predicted"),
        sa.Column("agreement", sa.Float(), nullable=True),
        *_written_by(),
        *_of_recommendation("shadow_scores"),
    )
    op.create_index("ix_trial_arms_trial_id", "trial_arms", ["trial_id"])
    op.create_index("ix_shadow_scores_model_digest", "shadow_scores", ["model_digest"])
    for table in TABLES:
        op.create_index(f"ix_{table}_recorded_at", table, ["recorded_at"])
        _never_changed(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _written_by() -> tuple[sa.Column[str], sa.Column[object]]:
    return _text("actor"), sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _of_trial(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["trial_id"], ["trials.trial_id"], name=f"fk_{table}_trial_id")


def _of_recommendation(table: str) -> tuple[sa.Constraint, ...]:
    column = "recommendation_id"
    foreign = sa.ForeignKeyConstraint(
        [column],
        [f"recommendations.{column}"],
        name=f"fk_{table}_{column}",
        ondelete="CASCADE",
    )
    return foreign, _key(table, column)


def _never_changed(table: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION never_changed()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} BEGIN "
            f"SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
        )
