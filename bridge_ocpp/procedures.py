"""Every command that a charger is asked: what takes several messages by a procedure of its room, all else as one."""

from collections.abc import Mapping

from bridge_ocpp import commands
from bridge_ocpp.connected import Connected, Procedure
from bridge_ocpp.devices import asking
from bridge_ocpp.port import Command, ListCertificates, Outcome, RotatePassword, UnpublishFirmware
from bridge_ocpp.security import delivering, rotating
from bridge_ocpp.upkeep import publishing

PROCEDURES: Mapping[type[Command], Procedure] = {
    **asking.PROCEDURES,
    RotatePassword: rotating.rotate,
    ListCertificates: delivering.list_certificates,
    UnpublishFirmware: publishing.unpublish,
}


async def execute(connection: Connected, command: Command, *, within: float) -> Outcome:
    """Ask a charger, in several messages where the command needs them."""
    procedure = PROCEDURES.get(type(command), commands.execute)
    return await procedure(connection, command, within=within)
