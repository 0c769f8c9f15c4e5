"""Firmware and logs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        sa.schema.CreateSequence(
            sa.Sequence("ocpp_request_number", start=1, minvalue=1, maxvalue=2147483647, cycle=False, data_type=None)
        )
    )
    op.create_table(
        "ocpp_firmware_job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("retrieve_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("install_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signing_certificate", sa.String(), nullable=True),
        sa.Column("signature", sa.String(), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=True),
        sa.Column("retry_interval", sa.Integer(), nullable=True),
        sa.Column("at_once", sa.Integer(), nullable=False),
        sa.Column("stop_after_failures", sa.Integer(), nullable=True),
        sa.Column("forgiven", sa.Integer(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_firmware_job"),
    )
    op.create_index(
        "ix_ocpp_firmware_job_running",
        "ocpp_firmware_job",
        ["created_at"],
        unique=False,
        postgresql_where="status = 'Running'",
    )
    op.create_table(
        "ocpp_firmware_task",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("version_before", sa.String(), nullable=True),
        sa.Column("version_after", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "charger_key", name="pk_ocpp_firmware_task"),
        sa.UniqueConstraint("request_id", name="uq_ocpp_firmware_task_request"),
    )
    op.create_index("ix_ocpp_firmware_task_charger", "ocpp_firmware_task", ["charger_key", "asked_at"], unique=False)
    op.create_index("ix_ocpp_firmware_task_state", "ocpp_firmware_task", ["job_id", "state", "position"], unique=False)
    op.create_table(
        "ocpp_log",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("upload_key", sa.String(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=True),
        sa.Column("retry_interval", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("filename", sa.String(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_log"),
        sa.UniqueConstraint("request_id", name="uq_ocpp_log_request"),
        sa.UniqueConstraint("upload_key", name="uq_ocpp_log_upload"),
    )
    op.create_index("ix_ocpp_log_charger", "ocpp_log", ["charger_key", "created_at"], unique=False)
    op.create_index("ix_ocpp_log_created", "ocpp_log", ["created_at"], unique=False)
    op.create_index(
        "ix_ocpp_log_open",
        "ocpp_log",
        ["state"],
        unique=False,
        postgresql_where="state IN ('Waiting', 'Asked', 'Running')",
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(
        "ix_ocpp_log_open", table_name="ocpp_log", postgresql_where="state IN ('Waiting', 'Asked', 'Running')"
    )
    op.drop_index("ix_ocpp_log_created", table_name="ocpp_log")
    op.drop_index("ix_ocpp_log_charger", table_name="ocpp_log")
    op.drop_table("ocpp_log")
    op.drop_index("ix_ocpp_firmware_task_state", table_name="ocpp_firmware_task")
    op.drop_index("ix_ocpp_firmware_task_charger", table_name="ocpp_firmware_task")
    op.drop_table("ocpp_firmware_task")
    op.drop_index("ix_ocpp_firmware_job_running", table_name="ocpp_firmware_job", postgresql_where="status = 'Running'")
    op.drop_table("ocpp_firmware_job")
    op.execute(sa.schema.DropSequence(sa.Sequence("ocpp_request_number")))
