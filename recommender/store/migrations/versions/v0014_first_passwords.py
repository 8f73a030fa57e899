"""Passwords that somebody else set, to be changed at the first sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Two columns, null for accounts and sessions of before: nothing is to be changed there."""
    op.add_column("staff_accounts", sa.Column("password_temporary", sa.Boolean(), nullable=True))
    op.add_column("staff_sessions", sa.Column("restricted", sa.Boolean(), nullable=True))
