"""Requests that were closed, and the hour of an appointment."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """One table whose rows are never changed, and a column, null for events of before."""
    op.create_table(
        "closings",
        sa.Column("closing_id", sa.Text(), nullable=False),
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("closing_id", name="pk_closings"),
    )
    for column in ("recommendation_id", "recorded_at"):
        op.create_index(f"ix_closings_{column}", "closings", [column])
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER closings_never_changed BEFORE UPDATE ON closings "
            "FOR EACH ROW EXECUTE FUNCTION never_changed()"
        )
    else:
        op.execute(
            "CREATE TRIGGER closings_never_changed BEFORE UPDATE ON closings BEGIN "
            "SELECT RAISE(ABORT, 'rows of closings are never changed'); END"
        )
    op.add_column("pairing_events", sa.Column("local_time", sa.Text(), nullable=True))
