"""By whom the model's order was shown again after a trial that ended for harm."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

TABLE = "trial_restorations"


def upgrade() -> None:
    """One table whose rows are never changed."""
    op.create_table(
        TABLE,
        sa.Column("trial_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("trial_id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.trial_id"], name=f"fk_{TABLE}_trial_id"),
    )
    op.create_index(f"ix_{TABLE}_recorded_at", TABLE, ["recorded_at"])
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {TABLE}_never_changed BEFORE UPDATE ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION never_changed()"
        )
    else:
        op.execute(
            f"CREATE TRIGGER {TABLE}_never_changed BEFORE UPDATE ON {TABLE} BEGIN "
            f"SELECT RAISE(ABORT, 'rows of {TABLE} are never changed'); END"
        )
