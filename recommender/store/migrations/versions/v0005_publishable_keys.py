"""Origins of the pages that hold a publishable key, and keys with which nothing is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Two columns; the keys of before belong to no page and are no sandbox keys."""
    op.add_column("access_keys", sa.Column("origins", sa.Text(), nullable=True))
    # Empty for the keys of before: a backup of them is verified by its content after the upgrade.
    op.add_column("access_keys", sa.Column("sandbox", sa.Boolean(), nullable=True))
