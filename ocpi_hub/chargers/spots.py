"""Where a command goes: from a Location, an EVSE and a Connector of OCPI to a charger and its numbers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ocpi_hub.chargers.tables import ChargerEvse, ChargerPlacement
from ocpi_hub.wire.commands import CommandResponseType
from ocpi_hub.wire.errors import InvalidParameters, UnknownLocation
from ocpi_hub.wire.headers import PartyId


class Declined(Exception):
    """A command that is answered with another result than ACCEPTED (mod_commands, CommandResponseType)."""

    def __init__(self, result: CommandResponseType, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Spot:
    """The charger that a command goes to, and as much of the EVSE and connector as it names."""

    placement: ChargerPlacement
    evse_id: int | None = None
    connector_id: int | None = None


async def find_spot(
    db: AsyncSession,
    location_id: str,
    evse_uid: str | None,
    *,
    to_party: PartyId | None,
    hidden: Collection[PartyId] = (),
    connector_id: str | None = None,
) -> Spot:
    """Find the charger. Raises UnknownLocation, InvalidParameters for an EVSE or Connector that is not there, Declined
    where a Location has several chargers and no EVSE is named. `hidden` are parties of ours unknown to the asker.
    """
    placements = await _placements(db, location_id, to_party, hidden)
    if not placements:
        raise UnknownLocation(f"location_id: there is no location {location_id} with chargers of ours")
    if not evse_uid:
        return Spot(_only(placements))
    query = select(ChargerEvse).where(
        col(ChargerEvse.charger_key).in_([placement.key for placement in placements]),
        ChargerEvse.uid_key == evse_uid.lower(),
    )
    evse = await db.scalar(query)
    if evse is None:
        raise InvalidParameters(f"evse_uid: there is no EVSE {evse_uid} at location {location_id}")
    placement = next(one for one in placements if one.key == evse.charger_key)
    return Spot(placement, evse.evse_id, _connector_number(evse, connector_id) if connector_id else None)


async def _placements(
    db: AsyncSession, location_id: str, to_party: PartyId | None, hidden: Collection[PartyId]
) -> list[ChargerPlacement]:
    query = select(ChargerPlacement).where(ChargerPlacement.location_key == location_id.lower())
    if to_party is not None:
        query = query.where(ChargerPlacement.owner_key == to_party.key)
    query = query.where(col(ChargerPlacement.owner_key).not_in([party.key for party in hidden]))
    found = list(await db.scalars(query.order_by(col(ChargerPlacement.key))))
    if len({placement.owner_key for placement in found}) > 1:
        raise InvalidParameters("location_id: several parties have a location with this id; say which by OCPI-to")
    return found


def _only(placements: Iterable[ChargerPlacement]) -> ChargerPlacement:
    first, *others = placements
    if others:
        raise Declined(CommandResponseType.NOT_SUPPORTED, "Several chargers stand there: evse_uid is needed")
    return first


def _connector_number(evse: ChargerEvse, connector_id: str) -> int:
    for number, known in enumerate(evse.connector_ids, start=1):
        if known.lower() == connector_id.lower():
            return number
    raise InvalidParameters(f"connector_id: EVSE {evse.uid} has no connector {connector_id}")
