"""What cars need is kept whole; shares know how long they were told to last, and which cars wait to be told."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_WISH = {
    "minimum_a": sa.Numeric(),
    "minimum_w": sa.Numeric(),
    "phases": sa.SmallInteger(),
    "most_periods": sa.Integer(),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM ocpp_charging_limit WHERE topic IN ('needs', 'plan')")  # of a form that nothing reads
    for name, kind in _WISH.items():
        op.add_column("ocpp_charging_wish", sa.Column(name, kind, nullable=True))
    for name in ("early_until", "lasts_until"):
        op.add_column("ocpp_share", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for table, name in (("ocpp_charging_wish", "dynamic"), ("ocpp_share", "again")):
        op.add_column(table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
        op.alter_column(table, name, server_default=None)


def downgrade() -> None:
    for name in ("again", "lasts_until", "early_until"):
        op.drop_column("ocpp_share", name)
    for name in ("dynamic", *reversed(_WISH)):
        op.drop_column("ocpp_charging_wish", name)
