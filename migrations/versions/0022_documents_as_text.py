"""JSON that is only kept and sent is text: `json` in place of `jsonb`. Every one of these tables is written anew."""

from collections.abc import Iterator, Sequence

from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_COLUMNS = {
    "addressed_token": ("document",),
    "cdr": ("document",),
    "cdr_audit": ("findings", "repriced", "document"),
    "charger_authorization": ("token",),
    "location": ("document",),
    "missing_cdr": ("finding",),
    "missing_object": ("document",),
    "owed": ("body",),
    "partner_command": ("token", "profile"),
    "session": ("document",),
    "session_link": ("place", "tariff", "later_tariffs", "preferences"),
    "tariff": ("document",),
    "token": ("document",),
}


def _become(kind: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, columns in _COLUMNS.items():
        op.execute(f"ALTER TABLE {table} " + ", ".join(_changes(columns, kind)))


def _changes(columns: Sequence[str], kind: str) -> Iterator[str]:
    for column in columns:
        yield f"ALTER COLUMN {column} TYPE {kind} USING {column}::{kind}"


def upgrade() -> None:
    _become("json")


def downgrade() -> None:
    _become("jsonb")
