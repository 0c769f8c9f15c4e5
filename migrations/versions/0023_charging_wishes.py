"""Sites learn which phases a car loads and keep what a remote start gave; what is wished for a charge is kept."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("idle_phases", "seen_idle"):
        op.add_column("ocpp_share", sa.Column(name, sa.SmallInteger(), nullable=False, server_default="0"))
        op.alter_column("ocpp_share", name, server_default=None)
    op.add_column("ocpp_share", sa.Column("seen_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ocpp_share", sa.Column("expected_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "ocpp_charging_wish",
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("departure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("energy_wh", sa.Numeric(), nullable=True),
        sa.Column("fast", sa.Boolean(), nullable=False),
        sa.Column("maximum_a", sa.Numeric(), nullable=True),
        sa.Column("maximum_w", sa.Numeric(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", "source", name="pk_ocpp_charging_wish"),
    )
    op.create_index("ix_ocpp_charging_wish_charger", "ocpp_charging_wish", ["charger_key"])


def downgrade() -> None:
    op.drop_table("ocpp_charging_wish")
    for name in ("expected_until", "seen_since", "seen_idle", "idle_phases"):
        op.drop_column("ocpp_share", name)
