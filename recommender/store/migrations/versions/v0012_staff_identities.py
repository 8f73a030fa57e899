"""Identities at an OpenID provider that are linked to accounts of staff."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """One table; it has a digest of issuer and subject."""
    op.create_table(
        "staff_identities",
        sa.Column("identity_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_accounts.staff_id"], name="fk_staff_identities_staff_id"
        ),
        sa.PrimaryKeyConstraint("identity_hash", name="pk_staff_identities"),
    )
    op.create_index("ix_staff_identities_staff_id", "staff_identities", ["staff_id"])
