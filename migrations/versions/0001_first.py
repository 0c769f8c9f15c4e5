"""The first tables: what is kept, who speaks, what is owed, our chargers, and the bridge's own."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        sa.schema.CreateSequence(
            sa.Sequence("ocpp_transaction_number", start=1, maxvalue=2147483647, cycle=False, data_type=None)
        )
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("ocpi_status", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_correlation", "attempt", ["correlation_id"], unique=False)
    op.create_index("ix_attempt_lane", "attempt", ["lane"], unique=False)
    op.create_index("ix_attempt_platform", "attempt", ["platform_id", "id"], unique=False)
    op.create_table(
        "audit_policy",
        sa.Column("cpo_key", sa.String(), nullable=False),
        sa.Column("emsp_key", sa.String(), nullable=False),
        sa.Column("on_warning", sa.String(), nullable=False),
        sa.Column("on_error", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("cpo_key", "emsp_key", name=op.f("pk_audit_policy")),
    )
    op.create_table(
        "cdr",
        sa.Column("pk", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("replaced", sa.String(), nullable=True),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("reader_key", sa.String(), nullable=True),
        sa.Column("session_key", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint(
            "pk", name=op.f("pk_cdr"), postgresql_include=["owner_key", "reader_key", "last_updated"]
        ),
        sa.UniqueConstraint("key", "owner_key", name=op.f("uq_cdr_key_owner_key")),
    )
    op.create_index(
        "ix_cdr_last_updated",
        "cdr",
        ["last_updated", "pk"],
        unique=False,
        postgresql_include=["owner_key", "reader_key"],
    )
    op.create_index("ix_cdr_owner", "cdr", ["owner_key", "pk"], unique=False)
    op.create_index("ix_cdr_reader", "cdr", ["reader_key", "pk"], unique=False)
    op.create_index("ix_cdr_session", "cdr", ["session_key"], unique=False)
    op.create_table(
        "cdr_audit",
        sa.Column("pk", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("cdr_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("reader_key", sa.String(), nullable=False),
        sa.Column("place_key", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worst", sa.String(), nullable=True),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        sa.Column("repriced", postgresql.JSONB(), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("document", postgresql.JSONB(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_cdr_audit")),
        sa.UniqueConstraint("key", "owner_key", name=op.f("uq_cdr_audit_key_owner_key")),
    )
    op.create_index("ix_cdr_audit_decision", "cdr_audit", ["decision", "pk"], unique=False)
    op.create_index("ix_cdr_audit_place", "cdr_audit", ["place_key", "ended_at"], unique=False)
    op.create_index("ix_cdr_audit_worst", "cdr_audit", ["worst", "pk"], unique=False)
    op.create_table(
        "charger_authorization",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("id_token_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("auth_method", sa.String(), nullable=True),
        sa.Column("token", postgresql.JSONB(), nullable=True),
        sa.Column("authorization_reference", sa.String(), nullable=True),
        sa.Column("command_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charger_authorization")),
    )
    op.create_index("ix_charger_authorization_at", "charger_authorization", ["at"], unique=False)
    op.create_index(
        "ix_charger_authorization_token", "charger_authorization", ["charger_key", "id_token_key", "at"], unique=False
    )
    op.create_table(
        "charger_placement",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("location_key", sa.String(), nullable=True),
        sa.Column("tariff_ids", postgresql.JSONB(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_charger_placement")),
    )
    op.create_index("ix_charger_placement_location", "charger_placement", ["owner_key", "location_key"], unique=False)
    op.create_table(
        "hosted_party",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_hosted_party")),
    )
    op.create_table(
        "kept_count",
        sa.Column("module", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("reader_key", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("module", "owner_key", "reader_key", "slot", name=op.f("pk_kept_count")),
    )
    op.create_table(
        "listed_party",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listed_party")),
        sa.UniqueConstraint("key", "role", name=op.f("uq_listed_party_key_role")),
    )
    op.create_index("ix_listed_party_news", "listed_party", ["id"], unique=False, postgresql_where="NOT announced")
    op.create_index("ix_listed_party_platform", "listed_party", ["platform_id"], unique=False)
    op.create_table(
        "location",
        sa.Column("pk", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("replaced", sa.String(), nullable=True),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("reader_key", sa.String(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("publish", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "pk", name=op.f("pk_location"), postgresql_include=["owner_key", "reader_key", "last_updated"]
        ),
        sa.UniqueConstraint("key", "owner_key", name=op.f("uq_location_key_owner_key")),
    )
    op.create_index(
        "ix_location_last_updated",
        "location",
        ["last_updated", "pk"],
        unique=False,
        postgresql_include=["owner_key", "reader_key"],
    )
    op.create_index("ix_location_owner", "location", ["owner_key", "pk"], unique=False)
    op.create_table(
        "missing_cdr",
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("session_key", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("reader_key", sa.String(), nullable=True),
        sa.Column("finding", postgresql.JSONB(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("owner_key", "session_key", name=op.f("pk_missing_cdr")),
    )
    op.create_index(
        "ix_missing_cdr_open", "missing_cdr", ["found_at"], unique=False, postgresql_where="settled_at IS NULL"
    )
    op.create_table(
        "ocpp_bridge",
        sa.Column("process_id", sa.Uuid(), nullable=False),
        sa.Column("alive_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process_id", name="pk_ocpp_bridge"),
    )
    op.create_table(
        "ocpp_charger",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("security_profile", sa.SmallInteger(), nullable=False),
        sa.Column("password_salt", sa.LargeBinary(), nullable=True),
        sa.Column("password_digest", sa.LargeBinary(), nullable=True),
        sa.Column("boot_status", sa.String(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.Uuid(), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("behind_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("protocol", sa.String(), nullable=True),
        sa.Column("vendor", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("serial_number", sa.String(), nullable=True),
        sa.Column("firmware_version", sa.String(), nullable=True),
        sa.Column("booted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quirks", postgresql.JSONB(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_ocpp_charger"),
    )
    op.create_index("ix_ocpp_charger_process", "ocpp_charger", ["process_id"], unique=False, postgresql_where="online")
    op.create_table(
        "ocpp_connector",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("info", sa.String(), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("charger_key", "evse_id", "connector_id", name="pk_ocpp_connector"),
    )
    op.create_table(
        "ocpp_frame",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_frame"),
    )
    op.create_index("ix_ocpp_frame_at", "ocpp_frame", ["at"], unique=False)
    op.create_index("ix_ocpp_frame_charger", "ocpp_frame", ["charger_key", "id"], unique=False)
    op.create_table(
        "ocpp_notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_notice"),
    )
    op.create_index("ix_ocpp_notice_charger", "ocpp_notice", ["charger_key", "topic", "id"], unique=False)
    op.create_table(
        "ocpp_remote_start",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("token_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=True),
        sa.Column("remote_start_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_remote_start"),
    )
    op.create_index(
        "ix_ocpp_remote_start_token", "ocpp_remote_start", ["charger_key", "token_key", "asked_at"], unique=False
    )
    op.create_table(
        "ocpp_sample",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.Uuid(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("ocpp_id", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measurand", sa.String(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=True),
        sa.Column("context", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("signed", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_sample"),
        sa.UniqueConstraint("transaction_id", "fingerprint", name="uq_ocpp_sample_fingerprint"),
    )
    op.create_index(
        "ix_ocpp_sample_loose", "ocpp_sample", ["received_at"], unique=False, postgresql_where="transaction_id IS NULL"
    )
    op.create_table(
        "ocpp_transaction",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("ocpp_id", sa.String(), nullable=False),
        sa.Column("stray_key", sa.String(), nullable=False),
        sa.Column("start_key", sa.String(), nullable=True),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("id_token", sa.String(), nullable=True),
        sa.Column("id_token_type", sa.String(), nullable=True),
        sa.Column("token_key", sa.String(), nullable=True),
        sa.Column("group_token", sa.String(), nullable=True),
        sa.Column("group_token_type", sa.String(), nullable=True),
        sa.Column("authorized", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("energy_wh", sa.Numeric(), nullable=True),
        sa.Column("meter_begin", sa.Numeric(), nullable=True),
        sa.Column("meter_last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("charging_state", sa.String(), nullable=True),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_reason", sa.String(), nullable=True),
        sa.Column("remote_start_id", sa.BigInteger(), nullable=True),
        sa.Column("reservation_id", sa.BigInteger(), nullable=True),
        sa.Column("first_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("start_seen", sa.Boolean(), nullable=False),
        sa.Column("start_told", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settle_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspect", sa.Boolean(), nullable=False),
        sa.Column("flags", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_transaction"),
        sa.UniqueConstraint("charger_key", "ocpp_id", "stray_key", name="uq_ocpp_transaction_ocpp_id"),
        sa.UniqueConstraint("charger_key", "start_key", name="uq_ocpp_transaction_start_key"),
    )
    op.create_index("ix_ocpp_transaction_charger", "ocpp_transaction", ["charger_key", "started_at"], unique=False)
    op.create_index(
        "ix_ocpp_transaction_open",
        "ocpp_transaction",
        ["charger_key", "evse_id"],
        unique=False,
        postgresql_where="ended_at IS NULL",
    )
    op.create_index(
        "ix_ocpp_transaction_settle",
        "ocpp_transaction",
        ["settle_at"],
        unique=False,
        postgresql_where="settle_at IS NOT NULL",
    )
    op.create_index("ix_ocpp_transaction_started", "ocpp_transaction", ["started_at", "id"], unique=False)
    op.create_index("ix_ocpp_transaction_token", "ocpp_transaction", ["token_key", "started_at"], unique=False)
    op.create_table(
        "ocpp_transaction_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("seq_no", sa.BigInteger(), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("charging_state", sa.String(), nullable=True),
        sa.Column("verdict", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ocpp_transaction_event"),
        sa.UniqueConstraint("transaction_id", "digest", name="uq_ocpp_transaction_event_digest"),
    )
    op.create_index(
        "ix_ocpp_transaction_event_seq", "ocpp_transaction_event", ["transaction_id", "seq_no"], unique=False
    )
    op.create_table(
        "own_card",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("master", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_own_card")),
    )
    op.create_table(
        "partner_command",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("from_key", sa.String(), nullable=False),
        sa.Column("from_country_code", sa.String(), nullable=False),
        sa.Column("from_party_id", sa.String(), nullable=False),
        sa.Column("owner_country_code", sa.String(), nullable=False),
        sa.Column("owner_party_id", sa.String(), nullable=False),
        sa.Column("response_url", sa.String(), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=True),
        sa.Column("connector_id", sa.Integer(), nullable=True),
        sa.Column("transaction_id", sa.String(), nullable=True),
        sa.Column("token", postgresql.JSONB(), nullable=True),
        sa.Column("id_token", sa.String(), nullable=True),
        sa.Column("id_token_key", sa.String(), nullable=True),
        sa.Column("authorization_reference", sa.String(), nullable=True),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("reservation_id", sa.String(), nullable=True),
        sa.Column("reservation_key", sa.String(), nullable=True),
        sa.Column("reservation_number", sa.Integer(), nullable=True),
        sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("late_outcome", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_command")),
    )
    op.create_index(
        "ix_partner_command_open", "partner_command", ["deadline"], unique=False, postgresql_where="state <> 'ANSWERED'"
    )
    op.create_index("ix_partner_command_reservation", "partner_command", ["from_key", "reservation_key"], unique=False)
    op.create_index("ix_partner_command_token", "partner_command", ["id_token_key", "received_at"], unique=False)
    op.create_table(
        "platform",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("versions_url", sa.String(), nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("their_credentials_token", sa.String(), nullable=True),
        sa.Column("token_encoding", sa.String(), nullable=False),
        sa.Column("expected", postgresql.JSONB(), nullable=False),
        sa.Column("profile", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("list_owed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform")),
    )
    op.create_table(
        "session",
        sa.Column("pk", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("replaced", sa.String(), nullable=True),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("reader_key", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "pk", name=op.f("pk_session"), postgresql_include=["owner_key", "reader_key", "last_updated"]
        ),
        sa.UniqueConstraint("key", "owner_key", name=op.f("uq_session_key_owner_key")),
    )
    op.create_index(
        "ix_session_last_updated",
        "session",
        ["last_updated", "pk"],
        unique=False,
        postgresql_include=["owner_key", "reader_key"],
    )
    op.create_index("ix_session_owner", "session", ["owner_key", "pk"], unique=False)
    op.create_index("ix_session_reader", "session", ["reader_key", "pk"], unique=False)
    op.create_index("ix_session_status", "session", ["status"], unique=False)
    op.create_table(
        "session_link",
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("charger_id", sa.String(), nullable=False),
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("id_token_key", sa.String(), nullable=True),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("payer", sa.String(), nullable=False),
        sa.Column("cdr_token", postgresql.JSONB(), nullable=False),
        sa.Column("auth_method", sa.String(), nullable=False),
        sa.Column("authorization_reference", sa.String(), nullable=True),
        sa.Column("location_id", sa.String(), nullable=True),
        sa.Column("evse_uid", sa.String(), nullable=True),
        sa.Column("place", postgresql.JSONB(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("tariff", postgresql.JSONB(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("command_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("charging_state", sa.String(), nullable=True),
        sa.Column("reserved_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cdr_id", sa.String(), nullable=True),
        sa.Column("cdr_number", sa.Integer(), nullable=False),
        sa.Column("authorized", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("suspect", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_session_link")),
        sa.UniqueConstraint("session_id", name=op.f("uq_session_link_session_id")),
    )
    op.create_index("ix_session_link_evse", "session_link", ["charger_key", "evse_id", "started_at"], unique=False)
    op.create_index(
        "ix_session_link_open",
        "session_link",
        ["charger_key", "id_token_key"],
        unique=False,
        postgresql_where="ended_at IS NULL",
    )
    op.create_index(
        "ix_session_link_reserved",
        "session_link",
        ["reserved_until"],
        unique=False,
        postgresql_where="status = 'RESERVATION'",
    )
    op.create_table(
        "tariff",
        sa.Column("pk", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("replaced", sa.String(), nullable=True),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("reader_key", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint(
            "pk", name=op.f("pk_tariff"), postgresql_include=["owner_key", "reader_key", "last_updated"]
        ),
        sa.UniqueConstraint("key", "owner_key", name=op.f("uq_tariff_key_owner_key")),
    )
    op.create_index(
        "ix_tariff_last_updated",
        "tariff",
        ["last_updated", "pk"],
        unique=False,
        postgresql_include=["owner_key", "reader_key"],
    )
    op.create_index("ix_tariff_owner", "tariff", ["owner_key", "pk"], unique=False)
    op.create_table(
        "token",
        sa.Column("pk", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("replaced", sa.String(), nullable=True),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("reader_key", sa.String(), nullable=True),
        sa.Column("uid_key", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(
            "pk", name=op.f("pk_token"), postgresql_include=["owner_key", "reader_key", "last_updated"]
        ),
        sa.UniqueConstraint("key", "owner_key", name=op.f("uq_token_key_owner_key")),
    )
    op.create_index(
        "ix_token_last_updated",
        "token",
        ["last_updated", "pk"],
        unique=False,
        postgresql_include=["owner_key", "reader_key"],
    )
    op.create_index("ix_token_owner", "token", ["owner_key", "pk"], unique=False)
    op.create_index("ix_token_uid", "token", ["uid_key", "type"], unique=False)
    op.create_table(
        "trail",
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("reader_key", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("about", "key", "owner_key", "reader_key", name=op.f("pk_trail")),
    )
    op.create_index(op.f("ix_trail_expires_at"), "trail", ["expires_at"], unique=False)
    op.create_table(
        "charger_evse",
        sa.Column("charger_key", sa.String(), nullable=False),
        sa.Column("evse_id", sa.Integer(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("uid_key", sa.String(), nullable=False),
        sa.Column("connector_ids", postgresql.JSONB(), nullable=False),
        sa.Column("statuses", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["charger_key"],
            ["charger_placement.key"],
            name=op.f("fk_charger_evse_charger_key_charger_placement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("charger_key", "evse_id", name=op.f("pk_charger_evse")),
        sa.UniqueConstraint("owner_key", "uid_key", name=op.f("uq_charger_evse_owner_key_uid_key")),
    )
    op.create_table(
        "credentials_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platform.id"], name=op.f("fk_credentials_token_platform_id_platform"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_credentials_token_digest")),
    )
    op.create_index("ix_credentials_token_platform", "credentials_token", ["platform_id"], unique=False)
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platform.id"], name=op.f("fk_endpoint_platform_id_platform"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
        sa.UniqueConstraint("platform_id", "identifier", "role", name=op.f("uq_endpoint_platform_id_identifier_role")),
    )
    op.create_table(
        "outage",
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platform.id"], name=op.f("fk_outage_platform_id_platform"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("platform_id", name=op.f("pk_outage")),
    )
    op.create_table(
        "owed",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("body", postgresql.JSONB(), nullable=True),
        sa.Column("from_party", sa.String(), nullable=True),
        sa.Column("to_party", sa.String(), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owed_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platform.id"], name=op.f("fk_owed_platform_id_platform"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owed")),
        sa.UniqueConstraint("platform_id", "lane", name=op.f("uq_owed_platform_id_lane")),
    )
    op.create_index(
        "ix_owed_cdr", "owed", ["owed_since"], unique=False, postgresql_where="dead_at IS NULL AND kind = 'cdrs'"
    )
    op.create_index(
        "ix_owed_expiring",
        "owed",
        ["expires_at"],
        unique=False,
        postgresql_where="dead_at IS NULL AND expires_at IS NOT NULL",
    )
    op.create_index(
        "ix_owed_open", "owed", ["platform_id", "urgency", "due_at"], unique=False, postgresql_where="dead_at IS NULL"
    )
    op.create_table(
        "party",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("party_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("business_details", postgresql.JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platform.id"], name=op.f("fk_party_platform_id_platform"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
        sa.UniqueConstraint("key", "role", name=op.f("uq_party_key_role")),
    )
    op.create_index("ix_party_platform", "party", ["platform_id"], unique=False)
    op.create_table(
        "proxy",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("module", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("caller_platform_id", sa.String(), nullable=False),
        sa.Column("caller_party", sa.String(), nullable=False),
        sa.Column("target_platform_id", sa.String(), nullable=False),
        sa.Column("target_party", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["caller_platform_id"],
            ["platform.id"],
            name=op.f("fk_proxy_caller_platform_id_platform"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["target_platform_id"],
            ["platform.id"],
            name=op.f("fk_proxy_target_platform_id_platform"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_proxy")),
    )
    op.create_index(op.f("ix_proxy_caller_platform_id"), "proxy", ["caller_platform_id"], unique=False)
    op.create_index(op.f("ix_proxy_expires_at"), "proxy", ["expires_at"], unique=False)
    op.create_index(op.f("ix_proxy_target_platform_id"), "proxy", ["target_platform_id"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_proxy_target_platform_id"), table_name="proxy")
    op.drop_index(op.f("ix_proxy_expires_at"), table_name="proxy")
    op.drop_index(op.f("ix_proxy_caller_platform_id"), table_name="proxy")
    op.drop_table("proxy")
    op.drop_index("ix_party_platform", table_name="party")
    op.drop_table("party")
    op.drop_index("ix_owed_open", table_name="owed", postgresql_where="dead_at IS NULL")
    op.drop_index("ix_owed_expiring", table_name="owed", postgresql_where="dead_at IS NULL AND expires_at IS NOT NULL")
    op.drop_index("ix_owed_cdr", table_name="owed", postgresql_where="dead_at IS NULL AND kind = 'cdrs'")
    op.drop_table("owed")
    op.drop_table("outage")
    op.drop_table("endpoint")
    op.drop_index("ix_credentials_token_platform", table_name="credentials_token")
    op.drop_table("credentials_token")
    op.drop_table("charger_evse")
    op.drop_index(op.f("ix_trail_expires_at"), table_name="trail")
    op.drop_table("trail")
    op.drop_index("ix_token_uid", table_name="token")
    op.drop_index("ix_token_owner", table_name="token")
    op.drop_index("ix_token_last_updated", table_name="token", postgresql_include=["owner_key", "reader_key"])
    op.drop_table("token")
    op.drop_index("ix_tariff_owner", table_name="tariff")
    op.drop_index("ix_tariff_last_updated", table_name="tariff", postgresql_include=["owner_key", "reader_key"])
    op.drop_table("tariff")
    op.drop_index("ix_session_link_reserved", table_name="session_link", postgresql_where="status = 'RESERVATION'")
    op.drop_index("ix_session_link_open", table_name="session_link", postgresql_where="ended_at IS NULL")
    op.drop_index("ix_session_link_evse", table_name="session_link")
    op.drop_table("session_link")
    op.drop_index("ix_session_status", table_name="session")
    op.drop_index("ix_session_reader", table_name="session")
    op.drop_index("ix_session_owner", table_name="session")
    op.drop_index("ix_session_last_updated", table_name="session", postgresql_include=["owner_key", "reader_key"])
    op.drop_table("session")
    op.drop_table("platform")
    op.drop_index("ix_partner_command_token", table_name="partner_command")
    op.drop_index("ix_partner_command_reservation", table_name="partner_command")
    op.drop_index("ix_partner_command_open", table_name="partner_command", postgresql_where="state <> 'ANSWERED'")
    op.drop_table("partner_command")
    op.drop_table("own_card")
    op.drop_index("ix_ocpp_transaction_event_seq", table_name="ocpp_transaction_event")
    op.drop_table("ocpp_transaction_event")
    op.drop_index("ix_ocpp_transaction_token", table_name="ocpp_transaction")
    op.drop_index("ix_ocpp_transaction_started", table_name="ocpp_transaction")
    op.drop_index("ix_ocpp_transaction_settle", table_name="ocpp_transaction", postgresql_where="settle_at IS NOT NULL")
    op.drop_index("ix_ocpp_transaction_open", table_name="ocpp_transaction", postgresql_where="ended_at IS NULL")
    op.drop_index("ix_ocpp_transaction_charger", table_name="ocpp_transaction")
    op.drop_table("ocpp_transaction")
    op.drop_index("ix_ocpp_sample_loose", table_name="ocpp_sample", postgresql_where="transaction_id IS NULL")
    op.drop_table("ocpp_sample")
    op.drop_index("ix_ocpp_remote_start_token", table_name="ocpp_remote_start")
    op.drop_table("ocpp_remote_start")
    op.drop_index("ix_ocpp_notice_charger", table_name="ocpp_notice")
    op.drop_table("ocpp_notice")
    op.drop_index("ix_ocpp_frame_charger", table_name="ocpp_frame")
    op.drop_index("ix_ocpp_frame_at", table_name="ocpp_frame")
    op.drop_table("ocpp_frame")
    op.drop_table("ocpp_connector")
    op.drop_index("ix_ocpp_charger_process", table_name="ocpp_charger", postgresql_where="online")
    op.drop_table("ocpp_charger")
    op.drop_table("ocpp_bridge")
    op.drop_index("ix_missing_cdr_open", table_name="missing_cdr", postgresql_where="settled_at IS NULL")
    op.drop_table("missing_cdr")
    op.drop_index("ix_location_owner", table_name="location")
    op.drop_index("ix_location_last_updated", table_name="location", postgresql_include=["owner_key", "reader_key"])
    op.drop_table("location")
    op.drop_index("ix_listed_party_platform", table_name="listed_party")
    op.drop_index("ix_listed_party_news", table_name="listed_party", postgresql_where="NOT announced")
    op.drop_table("listed_party")
    op.drop_table("kept_count")
    op.drop_table("hosted_party")
    op.drop_index("ix_charger_placement_location", table_name="charger_placement")
    op.drop_table("charger_placement")
    op.drop_index("ix_charger_authorization_token", table_name="charger_authorization")
    op.drop_index("ix_charger_authorization_at", table_name="charger_authorization")
    op.drop_table("charger_authorization")
    op.drop_index("ix_cdr_audit_worst", table_name="cdr_audit")
    op.drop_index("ix_cdr_audit_place", table_name="cdr_audit")
    op.drop_index("ix_cdr_audit_decision", table_name="cdr_audit")
    op.drop_table("cdr_audit")
    op.drop_index("ix_cdr_session", table_name="cdr")
    op.drop_index("ix_cdr_reader", table_name="cdr")
    op.drop_index("ix_cdr_owner", table_name="cdr")
    op.drop_index("ix_cdr_last_updated", table_name="cdr", postgresql_include=["owner_key", "reader_key"])
    op.drop_table("cdr")
    op.drop_table("audit_policy")
    op.drop_index("ix_attempt_platform", table_name="attempt")
    op.drop_index("ix_attempt_lane", table_name="attempt")
    op.drop_index("ix_attempt_correlation", table_name="attempt")
    op.drop_table("attempt")
    op.execute(sa.schema.DropSequence(sa.Sequence("ocpp_transaction_number")))
