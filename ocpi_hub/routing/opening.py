"""Open routing: whom a message is for when it names nobody, or only the hub; found by what it is about (row R15).

What the hub keeps and owes (locations, tariffs, tokens, sessions, CDRs that are pushed) is for the hub itself:
delivery/audience.py finds its readers. What asks for something, here finds the one that can answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.objects import reading
from ocpi_hub.objects.kinds import DEFAULT_TOKEN_TYPE, LOCATIONS, SESSIONS, TOKENS
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.routing import rewriting, trails
from ocpi_hub.routing.address import Here, Nobody, There, address
from ocpi_hub.routing.call import Call
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.errors import InvalidParameters, MethodNotAllowed, UnknownReceiver
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import InterfaceRole, ModuleId, Role

_AT_LOCATION = (CommandType.START_SESSION, CommandType.RESERVE_NOW, CommandType.UNLOCK_CONNECTOR)


@dataclass(frozen=True, slots=True)
class Everyone:
    """All eMSPs are to be asked at once; `only` those that say the token is theirs, where some do."""

    only: tuple[PartyId, ...] | None = None


Found = Here | There | Nobody | Everyone


async def find(resources: Resources, call: Call, snapshot: Snapshot) -> Found:
    """Where a call goes that is addressed to the hub, or to nobody. Raises what its body makes impossible."""
    here = Here(snapshot.hub)
    async with resources.sessions() as db:
        match call.target.module, call.target.interface, call.method, call.target.rest:
            case ModuleId.COMMANDS, InterfaceRole.RECEIVER, "POST", (command,):
                about = await _by_command(db, call, command, resources)
                return _one(call, snapshot, about, what=_subject(command)) or here
            case ModuleId.CHARGING_PROFILES, InterfaceRole.RECEIVER, ("GET" | "PUT" | "DELETE"), (session_id,):
                about = await _session_owners(db, call, snapshot, session_id, resources)
                return _one(call, snapshot, about, what="session") or _unknown("session")
            case ModuleId.SESSIONS, InterfaceRole.SENDER, "PUT", (session_id, "charging_preferences"):
                _require_open(call)
                about = await _session_owners(db, call, snapshot, session_id, resources)
                return _one(call, snapshot, about, what="session") or _unknown("session")
            case ModuleId.TOKENS, InterfaceRole.SENDER, "POST", (uid, "authorize"):
                _require_open(call)
                if call.body:
                    _ = call.document  # what is no LocationReferences at all is nobody's to answer
                return await _by_token(db, call, snapshot, uid)
            case ModuleId.CHARGING_PROFILES, InterfaceRole.SENDER, "PUT", (session_id,):
                _require_open(call)
                at = resources.clock()
                setter = await trails.newest_reader(db, trails.PROFILE, session_id, owner=call.from_, at=at)
                about = [setter] if setter is not None else []
                what = "charging profile for this session"
                return _one(call, snapshot, about, what=what) or _unknown(what)
            case ((ModuleId.COMMANDS | ModuleId.CHARGING_PROFILES), InterfaceRole.SENDER, "POST", _):
                return Nobody(InvalidParameters("post a result to the response_url of its request, or name OCPI-to"))
            case ((ModuleId.COMMANDS | ModuleId.CHARGING_PROFILES), InterfaceRole.SENDER, _, _):
                return Nobody(MethodNotAllowed("this method is not part of this interface"))
            case ModuleId.CHARGING_PROFILES, InterfaceRole.RECEIVER, method, _ if method not in (
                "GET",
                "PUT",
                "DELETE",
            ):
                return Nobody(MethodNotAllowed("this method is not part of this interface"))
            case ModuleId.LOCATIONS, InterfaceRole.SENDER, "GET", (location_id, *_) if call.routing.to is None:
                owners = [one for one in await _location_owners(db, location_id) if _may(call, snapshot, one)]
                # The hub answers with what it keeps, in the name of the owner; several are for the module to refuse.
                return Here(owners[0]) if len(owners) == 1 else here
    return here


def _require_open(call: Call) -> None:
    """What is written to a SENDER interface is for one party: the hub's own address says nothing (transport_and_format,
    overview of the scenarios)."""
    if call.routing.to is not None:
        raise InvalidParameters("OCPI-to: leave it out for open routing, or name the party; this is not for the hub")


async def _by_command(db: AsyncSession, call: Call, command: str, resources: Resources) -> list[PartyId]:
    """The owners of what a command is about; nobody: our own chargers' module answers, or refuses."""
    document = call.document
    if command in _AT_LOCATION:
        return await _location_owners(db, _text(document.get("location_id")))
    if command == CommandType.STOP_SESSION:
        return await _known_sessions(db, call, _text(document.get("session_id")), resources)
    if command == CommandType.CANCEL_RESERVATION:
        reservation_id = _text(document.get("reservation_id"))
        at = resources.clock()
        found = await trails.owners(db, trails.RESERVATION, reservation_id, reader=call.from_, at=at)
        return list(found[:1])  # a second RESERVE_NOW with the same id elsewhere replaced the first
    return []


def _subject(command: str) -> str:
    return "session" if command == CommandType.STOP_SESSION else "location"


async def _location_owners(db: AsyncSession, location_id: str) -> list[PartyId]:
    kept = await reading.find(db, LOCATIONS, location_id)
    return [PartyId(row.country_code, row.party_id) for row in kept]


async def _known_sessions(db: AsyncSession, call: Call, session_id: str, resources: Resources) -> list[PartyId]:
    """The CPOs with a session of this id for the sender's token: kept ones, and those that were told directly."""
    kept = await reading.find(db, SESSIONS, session_id)
    own = [PartyId(row.country_code, row.party_id) for row in kept if row.reader_key == call.from_.key]
    told = await trails.owners(db, trails.SESSION, session_id, reader=call.from_, at=resources.clock())
    return list(dict.fromkeys([*own, *told]))


async def _session_owners(
    db: AsyncSession, call: Call, snapshot: Snapshot, session_id: str, resources: Resources
) -> list[PartyId]:
    found = await _known_sessions(db, call, session_id, resources)
    if found or Role.SCSP not in snapshot.roles_of(call.from_):
        return found
    # A smart charging provider is no party of the session; the CPO knows which ones may limit it.
    kept = await reading.find(db, SESSIONS, session_id)
    return [PartyId(row.country_code, row.party_id) for row in kept]


async def _by_token(db: AsyncSession, call: Call, snapshot: Snapshot, uid: str) -> Found:
    """The eMSP that told the hub of this token; everyone when nobody did (mod_tokens: the type is RFID if none is
    given)."""
    given = rewriting.query_value(call.query, "type")
    kept = await reading.find(db, TOKENS, uid, token_type=given[0] if given and given[0] else DEFAULT_TOKEN_TYPE)
    owners = list(dict.fromkeys(PartyId(row.country_code, row.party_id) for row in kept))
    owners = [owner for owner in owners if _may(call, snapshot, owner)]
    if len(owners) == 1:
        return _to(call, snapshot, owners[0])
    return Everyone(tuple(owners) or None)


def _one(call: Call, snapshot: Snapshot, owners: Iterable[PartyId], *, what: str) -> Here | There | Nobody | None:
    """The one owner that the sender may talk with; one that it may not looks like none. Ids are unique per party only:
    several owners are for the sender to tell apart (2001)."""
    places = [place for owner in dict.fromkeys(owners) if not isinstance(place := _to(call, snapshot, owner), Nobody)]
    if len(places) > 1:
        return Nobody(InvalidParameters(f"several parties have a {what} with this id: name one by OCPI-to"))
    return places[0] if places else None


def _to(call: Call, snapshot: Snapshot, owner: PartyId) -> Here | There | Nobody:
    return address(call.target, Routing(to=owner, from_=call.from_), snapshot)


def _may(call: Call, snapshot: Snapshot, owner: PartyId) -> bool:
    return not isinstance(_to(call, snapshot, owner), Nobody)


def _unknown(what: str) -> Nobody:
    return Nobody(UnknownReceiver(f"no {what} is known here by this id: name its party by OCPI-to"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
