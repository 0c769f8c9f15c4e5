"""Firmware images that local controllers publish for the chargers behind them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "ocpp_publication",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=True),
        sa.Column("retry_interval", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("uris", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_publication"),
        sa.UniqueConstraint("request_id", name="uq_ocpp_publication_request"),
    )
    op.create_index("ix_ocpp_publication_charger", "ocpp_publication", ["charger_key", "created_at"])
    op.create_index("ix_ocpp_publication_created", "ocpp_publication", ["created_at"])
    op.create_index(
        "ix_ocpp_publication_open",
        "ocpp_publication",
        ["state"],
        postgresql_where=sa.text("state IN ('Waiting', 'Asked', 'Running')"),
    )


def downgrade() -> None:
    op.drop_table("ocpp_publication")
