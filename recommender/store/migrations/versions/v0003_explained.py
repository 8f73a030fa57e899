"""What a recommendation's explanations were made of, sealed beside the response."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One column, empty for what was shown before."""
    op.add_column("payloads", sa.Column("explained_sealed", sa.LargeBinary(), nullable=True))
