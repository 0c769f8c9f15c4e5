"""Devices: how a boot was answered, variables and wishes, reports, availability, errands."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("ocpp_charger", sa.Column("boot_reason", sa.String(), nullable=True))
    op.add_column("ocpp_charger", sa.Column("boot_answer", sa.String(), nullable=True))
    op.add_column(
        "ocpp_charger",
        sa.Column(
            "items_per_message",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )
    # Whoever has booted before was told so then.
    op.execute("UPDATE ocpp_charger SET boot_answer = boot_status WHERE booted_at IS NOT NULL")
    op.create_table(
        "ocpp_variable",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("component_instance", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("variable", sa.String(), nullable=False),
        sa.Column("variable_instance", sa.String(), nullable=False),
        sa.Column("attribute", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("mutability", sa.String(), nullable=True),
        sa.Column("data_type", sa.String(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("min_limit", sa.String(), nullable=True),
        sa.Column("max_limit", sa.String(), nullable=True),
        sa.Column("values_list", sa.Text(), nullable=True),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=True),
        _moment("reported_at"),
        sa.Column("wanted", sa.Text(), nullable=True),
        sa.Column("wanted_by", sa.String(), nullable=True),
        _moment("wanted_at"),
        sa.Column("wish_state", sa.String(), nullable=True),
        sa.Column("wish_detail", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("charger_key", "name_key", name="pk_ocpp_variable"),
    )
    op.create_index(
        "ix_ocpp_variable_wanted", "ocpp_variable", ["charger_key"], postgresql_where=sa.text("wanted IS NOT NULL")
    )
    op.create_table(
        "ocpp_device_report",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("last_part", sa.Integer(), nullable=True),
        sa.Column("firmware_version", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        _moment("asked_at", nullable=False),
        _moment("completed_at"),
        sa.PrimaryKeyConstraint("charger_key", name="pk_ocpp_device_report"),
    )
    op.create_table(
        "ocpp_availability",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("operative", sa.Boolean(), nullable=False),
        _moment("wanted_at", nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        _moment("told_at"),
        sa.PrimaryKeyConstraint("charger_key", "evse_id", "connector_id", name="pk_ocpp_availability"),
    )
    op.create_table(
        "ocpp_errand",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        _moment("due_at", nullable=False),
        _moment("leased_until"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("charger_key", "kind", name="pk_ocpp_errand"),
    )
    op.create_index("ix_ocpp_errand_due", "ocpp_errand", ["due_at"])


def downgrade() -> None:
    for table in ("ocpp_errand", "ocpp_availability", "ocpp_device_report", "ocpp_variable"):
        op.drop_table(table)
    for column in ("items_per_message", "boot_answer", "boot_reason"):
        op.drop_column("ocpp_charger", column)
