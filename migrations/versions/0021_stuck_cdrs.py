"""Released CDRs that are sent with growing waits, and that are stuck in the end."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _new() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("trying_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("send_error", sa.String(), nullable=True),
        sa.Column("stuck_at", sa.DateTime(timezone=True), nullable=True),
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in _new():
        op.add_column("cdr_audit", column)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in reversed(_new()):
        op.drop_column("cdr_audit", column.name)
