"""Passwords that wait to be used by their charger, and the certificate that it last showed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "ocpp_charger",
        sa.Column("pending_passwords", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]"),
    )
    op.alter_column("ocpp_charger", "pending_passwords", server_default=None)
    op.add_column("ocpp_charger", sa.Column("certificate_serial", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("ocpp_charger", "certificate_serial")
    op.drop_column("ocpp_charger", "pending_passwords")
