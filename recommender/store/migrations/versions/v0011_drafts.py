"""Drafts of requests that were not sent yet, and which request replaces which."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """One table whose rows change in place, and two columns, null for requests of before."""
    op.create_table(
        "drafts",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor", "changes", name="pk_drafts"),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name="fk_drafts_subject_id"
        ),
    )
    op.create_index("ix_drafts_subject_id", "drafts", ["subject_id"])
    op.create_index("ix_drafts_saved_at", "drafts", ["saved_at"])
    for column in ("replaces", "first_id"):
        op.add_column("recommendations", sa.Column(column, sa.Text(), nullable=True))
    op.create_index("ix_recommendations_first_id", "recommendations", ["first_id"])
