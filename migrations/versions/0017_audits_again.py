"""Audits of CDRs that are only passed on, and audits that are made again."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _new() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("location_key", sa.String(), nullable=True),
        sa.Column("session_key", sa.String(), nullable=True),
        sa.Column("first_audited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("basis", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("changes", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("addressed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in _new():
        op.add_column("cdr_audit", column)
    op.execute("UPDATE cdr_audit SET first_audited_at = audited_at")
    op.execute("""
        UPDATE cdr_audit SET session_key = cdr.session_key, location_key = lower(cdr.document #>> '{cdr_location,id}')
        FROM cdr WHERE cdr.key = cdr_audit.key AND cdr.owner_key = cdr_audit.owner_key
    """)
    op.alter_column("cdr_audit", "first_audited_at", nullable=False)
    op.create_index("ix_cdr_audit_session", "cdr_audit", ["owner_key", "session_key"], unique=False)
    op.create_index("ix_cdr_audit_location", "cdr_audit", ["owner_key", "location_key"], unique=False)
    op.create_index(
        "ix_cdr_audit_unsent", "cdr_audit", ["pk"], unique=False, postgresql_where=sa.text("raw IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_cdr_audit_unsent", table_name="cdr_audit", postgresql_where=sa.text("raw IS NOT NULL"))
    op.drop_index("ix_cdr_audit_location", table_name="cdr_audit")
    op.drop_index("ix_cdr_audit_session", table_name="cdr_audit")
    for column in reversed(_new()):
        op.drop_column("cdr_audit", column.name)
