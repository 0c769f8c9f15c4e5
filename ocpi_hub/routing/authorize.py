"""A token that nobody told the hub of: every eMSP is asked at once, and the first that allows it wins (row R15).

No module above is known here; the door and our own chargers both ask through `ask_everyone`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from ocpi_hub.base.resources import Resources
from ocpi_hub.dialects.speaking import unwrapped
from ocpi_hub.partners.access import may_ask
from ocpi_hub.partners.ends import serves
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.routing.forward import endpoint_of, forward, joined, message_for
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import OcpiError, ReceiverTimeout, UnknownToken
from ocpi_hub.wire.headers import PartyId
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole, ModuleId

log = structlog.get_logger()

# The more a refusal says about the token, the better it is: an eMSP that knows it, then one that would have to know
# where, then one that does not know it (mod_tokens, AllowedType; status_codes 2002, 2004).
_KNOWING = ("BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED")


async def ask_everyone(
    resources: Resources, call: Call, snapshot: Snapshot, *, only: Sequence[PartyId] | None = None
) -> Passed:
    """The answer to an authorize request (`tokens/{uid}/authorize`), asked of all eMSPs or `only` of these.

    Takes `authorize_timeout` seconds at most. Raises UnknownToken (HTTP 404) when there is nobody to ask; else, when
    nobody gave an OCPI answer, ReceiverTimeout or the last error of the hub's own.
    """
    asked = _asked(call, snapshot) if only is None else list(only)
    if not asked:
        raise UnknownToken("no eMSP here knows this token", http_status=404)
    waiting = {asyncio.create_task(_ask(resources, call, snapshot, party)) for party in asked}
    refusals: list[Passed] = []
    errors: list[OcpiError] = []
    try:
        async with asyncio.timeout(resources.settings.authorize_timeout):
            for next_ in asyncio.as_completed(waiting):
                found = await next_
                if isinstance(found, OcpiError):
                    errors.append(found)
                elif _allowed(found) == "ALLOWED":
                    return found
                else:
                    refusals.append(found)
    except TimeoutError:
        errors.insert(0, ReceiverTimeout("no eMSP answered in time"))
    finally:
        for task in waiting:
            task.cancel()
        log.info("authorize.asked", eMSPs=len(asked), refused=len(refusals), failed=len(errors))
    if refusals:
        return min(refusals, key=_rank)
    raise next((error for error in errors if isinstance(error, ReceiverTimeout)), errors[-1])


def _asked(call: Call, snapshot: Snapshot) -> list[PartyId]:
    """The eMSPs that may be asked by this caller and can be: never those of its own platform."""
    own = call.caller.platform.id if call.caller is not None else None
    found = []
    for entry in snapshot.parties:
        platform = snapshot.platform(entry.platform_id)
        if (
            serves(entry.role, ModuleId.TOKENS, InterfaceRole.SENDER)
            and platform is not None
            and platform.id != own
            and platform.status is ConnectionStatus.CONNECTED
            and snapshot.endpoint(platform.id, ModuleId.TOKENS, InterfaceRole.SENDER) is not None
            and may_ask(snapshot, call.from_, entry.party, ModuleId.TOKENS, InterfaceRole.SENDER)
        ):
            found.append(entry.party)
    return list(dict.fromkeys(found))


async def _ask(resources: Resources, call: Call, snapshot: Snapshot, party: PartyId) -> Passed | OcpiError:
    platform = snapshot.platform_of(party, ModuleId.TOKENS, InterfaceRole.SENDER)
    try:
        platform, endpoint = endpoint_of(snapshot, party, platform, ModuleId.TOKENS, InterfaceRole.SENDER)
        url = joined(endpoint, call.path, call.query)
        message = message_for(call, party, platform, url=url, hub=snapshot.hub)
        passed = await forward(resources, message, timeout=resources.settings.authorize_timeout)
        return _plain(passed) if platform.profile.wraps_objects else passed
    except OcpiError as error:
        return error


def _plain(passed: Passed) -> Passed:
    """The answer with its object as an object: the hub chose who answers, so what the caller gets is OCPI."""
    data = unwrapped(passed.data)
    if data is passed.data:
        return passed
    whole = wire_json.loads(passed.body) | {"data": data}
    return replace(passed, body=wire_json.dumps(whole).encode(), data=data)


def _allowed(passed: Passed) -> str | None:
    data: Any = unwrapped(passed.data)
    known = 1000 <= passed.status_code < 2000 and isinstance(data, dict)
    return str(data.get("allowed")) if known else None


def _rank(passed: Passed) -> int:
    allowed = _allowed(passed)
    if allowed is not None:
        return _KNOWING.index(allowed) if allowed in _KNOWING else len(_KNOWING)
    return {2002: 10, 2004: 11}.get(passed.status_code, 12)
