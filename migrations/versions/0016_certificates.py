"""Certificates of chargers, the authorities of ours that sign them, and security events."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "ocpp_authority",
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_ocpp_authority"),
    )
    op.create_table(
        "ocpp_certificate",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("csr", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("serial", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("chain", sa.Text(), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renewal_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_certificate"),
    )
    op.create_index("ix_ocpp_certificate_charger", "ocpp_certificate", ["charger_key", "requested_at"], unique=False)
    op.create_index("ix_ocpp_certificate_requested", "ocpp_certificate", ["requested_at"], unique=False)
    op.create_index(
        "ix_ocpp_certificate_fingerprint",
        "ocpp_certificate",
        ["fingerprint"],
        unique=False,
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
    )
    op.create_table(
        "ocpp_security_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("info", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_security_event"),
    )
    op.create_index("ix_ocpp_security_event_charger", "ocpp_security_event", ["charger_key", "id"], unique=False)
    op.create_index("ix_ocpp_security_event_received", "ocpp_security_event", ["received_at"], unique=False)


def downgrade() -> None:
    op.drop_table("ocpp_security_event")
    op.drop_table("ocpp_certificate")
    op.drop_table("ocpp_authority")
