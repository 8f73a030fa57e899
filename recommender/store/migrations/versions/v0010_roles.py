"""Several roles for one account."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """One column, null for accounts of before, whose one role is in `role`."""
    op.add_column("staff_accounts", sa.Column("roles", sa.Text(), nullable=True))
