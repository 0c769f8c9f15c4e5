"""What the bridge is asked for each command of a partner. Rows in, bridge commands out; nothing is sent here."""

from collections.abc import Callable

from bridge_ocpp.port import (
    CancelReservation,
    Command,
    IdToken,
    ReserveNow,
    StartCharging,
    StopCharging,
    UnlockConnector,
)
from ocpi_hub.chargers import profile_words as profiles
from ocpi_hub.chargers.mapping import id_token_type
from ocpi_hub.chargers.tables import PartnerCommand
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.commands import CommandType


def charger_command(row: PartnerCommand) -> Command:
    """What the bridge is asked for a row. The partner's own reservation id never reaches a charger (mod_commands)."""
    if row.type in profiles.WISHES:
        return profiles.charger_command(row)
    return _COMMANDS[CommandType(row.type)](row)


def _id_token(row: PartnerCommand) -> IdToken:
    token = wire_json.loads(row.token or "{}")
    return IdToken(str(row.id_token), id_token_type(token.get("type", "RFID")))


def _group(row: PartnerCommand) -> IdToken | None:
    """Who shares the token's right, so that another card of the group may stop (mod_tokens, Token.group_id)."""
    group = wire_json.loads(row.token or "{}").get("group_id")
    return IdToken(group) if group else None


def _start(row: PartnerCommand) -> Command:
    return StartCharging(
        _id_token(row),
        remote_start_id=int(row.id or 0),
        evse_id=row.evse_id,
        connector_id=row.connector_id,
        group=_group(row),
    )


def _reserve(row: PartnerCommand) -> Command:
    assert row.reserved_until is not None
    return ReserveNow(
        reservation_id=int(row.reservation_number or 0),
        id_token=_id_token(row),
        expires_at=row.reserved_until,
        evse_id=row.evse_id,
        group=_group(row),
    )


_COMMANDS: dict[CommandType, Callable[[PartnerCommand], Command]] = {
    CommandType.START_SESSION: _start,
    CommandType.STOP_SESSION: lambda row: StopCharging(str(row.transaction_id)),
    CommandType.RESERVE_NOW: _reserve,
    CommandType.CANCEL_RESERVATION: lambda row: CancelReservation(int(row.reservation_number or 0)),
    CommandType.UNLOCK_CONNECTOR: lambda row: UnlockConnector(int(row.evse_id or 1), row.connector_id or 1),
}
