"""Indexes by which the work list finds what concerns a clinician."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One index a table."""
    for table in ("decisions", "pairings", "wishes"):
        op.create_index(f"ix_{table}_clinician", table, ["clinician_id", "recorded_at"])
