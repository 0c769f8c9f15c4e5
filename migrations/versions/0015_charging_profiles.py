"""Charging profiles of partners: what they asked for, who is told of changes, and which chargers take them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("partner_command", sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("partner_command", sa.Column("duration", sa.Integer(), nullable=True))
    op.create_index("ix_partner_command_session", "partner_command", ["session_id", "received_at"])
    op.add_column("charger_placement", sa.Column("takes_profiles", sa.Boolean(), nullable=True))
    op.add_column("charger_placement", sa.Column("profiles_asked_of", sa.String(), nullable=True))
    op.create_table(
        "profile_setter",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("party_country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("command_id", sa.Integer(), nullable=True),
        sa.Column("told", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_profile_setter")),
    )
    op.create_index("ix_profile_setter_transaction", "profile_setter", ["transaction_id"])
    op.create_index(
        "ix_profile_setter_due", "profile_setter", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("profile_setter")
    op.drop_column("charger_placement", "profiles_asked_of")
    op.drop_column("charger_placement", "takes_profiles")
    op.drop_index("ix_partner_command_session", table_name="partner_command")
    op.drop_column("partner_command", "duration")
    op.drop_column("partner_command", "profile")
