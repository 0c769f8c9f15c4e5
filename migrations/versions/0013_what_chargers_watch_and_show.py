"""What chargers watch and show."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "ocpp_alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("component", sa.String(), nullable=True),
        sa.Column("variable", sa.String(), nullable=True),
        sa.Column("severity", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("tech_code", sa.String(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_alert"),
    )
    op.create_index("ix_ocpp_alert_charger", "ocpp_alert", ["charger_key", "id"], unique=False)
    op.create_index(
        "ix_ocpp_alert_cleared", "ocpp_alert", ["cleared_at"], unique=False, postgresql_where="cleared_at IS NOT NULL"
    )
    op.create_index(
        "uq_ocpp_alert_standing",
        "ocpp_alert",
        ["charger_key", "subject"],
        unique=True,
        postgresql_where="cleared_at IS NULL",
    )
    op.create_table(
        "ocpp_customer",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("charger_key", "request_id", "part", name="pk_ocpp_customer"),
    )
    op.create_index("ix_ocpp_customer_at", "ocpp_customer", ["at"], unique=False)
    op.create_table(
        "ocpp_display_message",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("charger_key", "message_id", name="pk_ocpp_display_message"),
    )
    op.create_table(
        "ocpp_monitor",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("monitor_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("component_instance", sa.String(), nullable=False),
        sa.Column("variable", sa.String(), nullable=False),
        sa.Column("variable_instance", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("transaction", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("charger_key", "monitor_id", name="pk_ocpp_monitor"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("ocpp_monitor")
    op.drop_table("ocpp_display_message")
    op.drop_index("ix_ocpp_customer_at", table_name="ocpp_customer")
    op.drop_table("ocpp_customer")
    op.drop_index("uq_ocpp_alert_standing", table_name="ocpp_alert", postgresql_where="cleared_at IS NULL")
    op.drop_index("ix_ocpp_alert_cleared", table_name="ocpp_alert", postgresql_where="cleared_at IS NOT NULL")
    op.drop_index("ix_ocpp_alert_charger", table_name="ocpp_alert")
    op.drop_table("ocpp_alert")
