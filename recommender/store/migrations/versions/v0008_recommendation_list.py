"""What the list of recommendations shows and is read by."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """One column, null for recommendations of before, and one index for lists of one caller."""
    op.add_column("recommendations", sa.Column("eligible", sa.Integer(), nullable=True))
    op.create_index(
        "ix_recommendations_actor", "recommendations", ["actor", "recorded_at", "recommendation_id"]
    )
