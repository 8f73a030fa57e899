"""Wishes of clients for a clinician they were shown, which staff work on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """One table whose rows are never changed."""
    op.create_table(
        "wishes",
        sa.Column("wish_id", sa.Text(), nullable=False),
        sa.Column("recommendation_id", sa.Text(), nullable=False),
        sa.Column("clinician_id", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("wish_id", name="pk_wishes"),
    )
    for column in ("recommendation_id", "reference", "recorded_at"):
        op.create_index(f"ix_wishes_{column}", "wishes", [column])
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER wishes_never_changed BEFORE UPDATE ON wishes "
            "FOR EACH ROW EXECUTE FUNCTION never_changed()"
        )
    else:
        op.execute(
            "CREATE TRIGGER wishes_never_changed BEFORE UPDATE ON wishes BEGIN "
            "SELECT RAISE(ABORT, 'rows of wishes are never changed'); END"
        )
