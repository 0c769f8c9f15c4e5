"""Direct routing: a message from one party to another, passed on as it is, and its answer passed back (row R7).

Only what would lead around the hub is replaced: the endpoint's URL, the ids of the request, and URLs to call back.
"""

from ocpi_hub.base.resources import Resources
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.routing import callbacks, proxies, trails
from ocpi_hub.routing.address import There
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.routing.checks import require_own
from ocpi_hub.routing.forward import endpoint_of, forward, joined, message_for, within
from ocpi_hub.routing.inspection import inspect
from ocpi_hub.routing.proxies import End
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import InterfaceRole, ModuleId


async def direct(resources: Resources, call: Call, there: There, snapshot: Snapshot) -> Passed:
    """Pass a call on to a party. Raises what the checks find, and the hub's own errors."""
    assert call.target.module is not None
    assert call.target.interface is not None
    assert call.caller is not None
    require_own(call)
    party, module, interface = there.party, call.target.module, call.target.interface
    platform, endpoint = endpoint_of(snapshot, party, there.platform, module, interface)
    looked = await inspect(resources, call, party)
    if isinstance(looked, Passed):
        return looked
    outgoing = await callbacks.stand_in(resources, call, End(platform.id, party))
    url = joined(endpoint, call.path, outgoing.query)
    message = message_for(call, party, platform, url=url, hub=snapshot.hub, body=outgoing.body)
    passed = await forward(resources, message, timeout=within(call, resources.settings.partner_timeout))
    await callbacks.settle(resources, outgoing, passed)
    if looked is not None:
        await looked(passed)
    if 1000 <= passed.status_code < 2000:
        await _learn(resources, call, party)
    return await proxies.stand_in(resources, passed, message, caller_platform_id=call.caller.platform.id)


async def _learn(resources: Resources, call: Call, party: PartyId) -> None:
    """Leave a trail for later messages about the same session, reservation or profile."""
    match call.target.module, call.target.interface, call.method, call.target.rest:
        case ModuleId.SESSIONS, InterfaceRole.RECEIVER, "PUT", (_, _, session_id):
            about, key, owner, reader = trails.SESSION, session_id, call.from_, party
        case ModuleId.CHARGING_PROFILES, InterfaceRole.RECEIVER, "PUT", (session_id,):
            about, key, owner, reader = trails.PROFILE, session_id, party, call.from_
        case ModuleId.COMMANDS, InterfaceRole.RECEIVER, "POST", ("RESERVE_NOW",):
            reservation_id = call.document.get("reservation_id")
            key = reservation_id if isinstance(reservation_id, str) else ""
            about, owner, reader = trails.RESERVATION, party, call.from_
        case _:
            return
    async with resources.unit_of_work() as db:
        await trails.leave(db, about, key, owner=owner, reader=reader, at=resources.clock())
