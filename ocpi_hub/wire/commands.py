"""Commands to chargers (mod_commands) and their two answers: the CPO's at once is a CommandResponse, the charger's
later is a CommandResult."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import model_validator

from ocpi_hub.wire.tokens import Token
from ocpi_hub.wire.types import CiString, DateTime, DisplayText, HttpUrl, Id36, Many, NaturalInt, OcpiModel


class CommandType(StrEnum):
    """The commands of 2.2.1 (mod_commands.asciidoc, CommandType). It is the last part of the URL."""

    CANCEL_RESERVATION = "CANCEL_RESERVATION"
    RESERVE_NOW = "RESERVE_NOW"
    START_SESSION = "START_SESSION"
    STOP_SESSION = "STOP_SESSION"
    UNLOCK_CONNECTOR = "UNLOCK_CONNECTOR"


class CommandResponseType(StrEnum):
    """Whether the CPO takes a command up (mod_commands.asciidoc, CommandResponseType)."""

    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class CommandResultType(StrEnum):
    """What the charger made of a command (mod_commands.asciidoc, CommandResultType)."""

    ACCEPTED = "ACCEPTED"
    CANCELED_RESERVATION = "CANCELED_RESERVATION"
    EVSE_OCCUPIED = "EVSE_OCCUPIED"
    EVSE_INOPERATIVE = "EVSE_INOPERATIVE"
    FAILED = "FAILED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TIMEOUT = "TIMEOUT"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"


class CommandRequest(OcpiModel):
    """What every command has: where its CommandResult shall be posted."""

    response_url: HttpUrl


class CancelReservation(CommandRequest):
    """Give up a reservation (mod_commands.asciidoc, CancelReservation)."""

    reservation_id: Id36


class ReserveNow(CommandRequest):
    """Keep an EVSE for a driver; the same reservation_id replaces (mod_commands.asciidoc, ReserveNow)."""

    token: Token
    expiry_date: DateTime
    reservation_id: Id36
    location_id: Id36
    evse_uid: Annotated[str, CiString(36)] | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None


class StartSession(CommandRequest):
    """Start charging with a token that the eMSP has authorized (mod_commands.asciidoc, StartSession)."""

    token: Token
    location_id: Id36
    evse_uid: Annotated[str, CiString(36)] | None = None
    connector_id: Annotated[str, CiString(36)] | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None

    @model_validator(mode="after")
    def _says_whose_connector(self) -> Self:
        if self.connector_id and not self.evse_uid:
            raise ValueError("evse_uid is required beside connector_id")
        return self


class StopSession(CommandRequest):
    """End a session (mod_commands.asciidoc, StopSession)."""

    session_id: Id36


class UnlockConnector(CommandRequest):
    """Free a stuck cable, asked by a help desk only (mod_commands.asciidoc, UnlockConnector)."""

    location_id: Id36
    evse_uid: Id36
    connector_id: Id36


COMMANDS: Final[Mapping[CommandType, type[CommandRequest]]] = {
    CommandType.CANCEL_RESERVATION: CancelReservation,
    CommandType.RESERVE_NOW: ReserveNow,
    CommandType.START_SESSION: StartSession,
    CommandType.STOP_SESSION: StopSession,
    CommandType.UNLOCK_CONNECTOR: UnlockConnector,
}


class CommandResponse(OcpiModel):
    """The CPO's answer at once; timeout in seconds (mod_commands.asciidoc, CommandResponse)."""

    result: CommandResponseType
    timeout: NaturalInt
    message: Many[DisplayText] = ()


class CommandResult(OcpiModel):
    """The charger's answer, posted to response_url (mod_commands.asciidoc, CommandResult)."""

    result: CommandResultType
    message: Many[DisplayText] = ()
