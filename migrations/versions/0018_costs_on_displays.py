"""Which chargers show their drivers what they pay."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("ocpp_charger", sa.Column("shows_cost", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("ocpp_charger", "shows_cost", server_default=None)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("ocpp_charger", "shows_cost")
