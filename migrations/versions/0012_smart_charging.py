"""Smart charging: profiles and reservations at chargers, ceilings, limits of others; sites and what their chargers may
draw."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _document() -> sa.Column[object]:
    return sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(), nullable=nullable)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "ocpp_charging_profile",
        _text("charger_key"),
        _text("source"),
        sa.Column("profile_id", sa.BigInteger(), nullable=False),
        _text("charger_id"),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        _text("purpose"),
        sa.Column("stack_level", sa.Integer(), nullable=False),
        _text("transaction_id", nullable=True),
        _document(),
        _moment("set_at", nullable=False),
        sa.PrimaryKeyConstraint("charger_key", "source", "profile_id", name="pk_ocpp_charging_profile"),
    )
    op.create_index("ix_ocpp_charging_profile_transaction", "ocpp_charging_profile", ["transaction_id"])
    op.create_table(
        "ocpp_ceiling",
        _text("transaction_id"),
        _document(),
        _moment("set_at", nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_ocpp_ceiling"),
    )
    op.create_table(
        "ocpp_charging_limit",
        _text("charger_key"),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        _text("topic"),
        _document(),
        _moment("told_at", nullable=False),
        sa.PrimaryKeyConstraint("charger_key", "evse_id", "topic", name="pk_ocpp_charging_limit"),
    )
    op.create_table(
        "ocpp_reservation",
        _text("charger_key"),
        sa.Column("reservation_id", sa.BigInteger(), nullable=False),
        _text("charger_id"),
        sa.Column("evse_id", sa.Integer(), nullable=True),
        _text("id_token"),
        _text("status"),
        _moment("expires_at", nullable=False),
        _moment("changed_at", nullable=False),
        sa.PrimaryKeyConstraint("charger_key", "reservation_id", name="pk_ocpp_reservation"),
    )
    op.create_index("ix_ocpp_reservation_changed", "ocpp_reservation", ["changed_at"])
    op.create_table(
        "ocpp_site",
        _text("key"),
        _text("id"),
        _document(),
        sa.Column("external_a", sa.Numeric(), nullable=True),
        _moment("external_until"),
        _moment("updated_at", nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_ocpp_site"),
    )
    op.create_table(
        "ocpp_share",
        _text("charger_key"),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        _text("site_key"),
        _text("transaction_id", nullable=True),
        sa.Column("asked", sa.Numeric(), nullable=True),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("worst", sa.Numeric(), nullable=True),
        _moment("asking_until"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.SmallInteger(), nullable=False),
        sa.Column("refusals", sa.SmallInteger(), nullable=False),
        _moment("refused_at"),
        _moment("since"),
        _moment("raised_at"),
        sa.Column("drawing", sa.Numeric(), nullable=True),
        _moment("drawing_at"),
        sa.PrimaryKeyConstraint("charger_key", "evse_id", name="pk_ocpp_share"),
    )
    op.create_index("ix_ocpp_share_site", "ocpp_share", ["site_key"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in (
        "ocpp_share",
        "ocpp_site",
        "ocpp_reservation",
        "ocpp_charging_limit",
        "ocpp_ceiling",
        "ocpp_charging_profile",
    ):
        op.drop_table(table)
