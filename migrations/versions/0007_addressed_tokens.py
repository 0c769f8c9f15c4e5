"""Tokens that eMSPs told one party of our own chargers alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "addressed_token",
        sa.Column("party_key", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("uid_key", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("arrived_after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party_key", "owner_key", "key", name=op.f("pk_addressed_token")),
    )
    op.create_index("ix_addressed_token_uid", "addressed_token", ["party_key", "uid_key"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_addressed_token_uid", table_name="addressed_token")
    op.drop_table("addressed_token")
