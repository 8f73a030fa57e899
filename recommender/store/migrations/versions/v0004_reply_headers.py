"""Headers of a stored reply, so that a repeated request gets them without parsing the body."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """One column with JSON, null for replies stored before."""
    op.add_column("idempotency", sa.Column("headers", sa.Text(), nullable=True))
