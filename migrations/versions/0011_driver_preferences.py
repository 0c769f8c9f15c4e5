"""What a connector offered when a session started, and what its driver chose on the way."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "session_link",
        sa.Column("offered", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    op.add_column("session_link", sa.Column("later_tariffs", postgresql.JSONB(), nullable=True))
    op.add_column("session_link", sa.Column("preferences", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("session_link", "preferences")
    op.drop_column("session_link", "later_tariffs")
    op.drop_column("session_link", "offered")
