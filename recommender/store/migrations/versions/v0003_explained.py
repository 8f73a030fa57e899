"""The contributions of a recommendation, encrypted beside the response."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds one column, empty for earlier rows."""
    op.add_column("payloads", sa.Column("explained_sealed", sa.LargeBinary(), nullable=True))
