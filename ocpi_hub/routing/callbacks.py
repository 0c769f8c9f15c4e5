"""The response_url of commands and charging profiles: replaced by a URL of ours on the way out (row R17).

In a body the bytes around it stay as they came; in a query the other parameters do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ocpi_hub.base.resources import Resources
from ocpi_hub.dialects.speaking import unwrapped
from ocpi_hub.partners.directory import Directory
from ocpi_hub.routing import proxies, rewriting
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.routing.proxies import LONGEST, End
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.parties import InterfaceRole, ModuleId
from ocpi_hub.wire.types import parse_datetime

RESPONSE_URL = "response_url"
GRACE = timedelta(minutes=1)
"""How long a result may still come after the receiver's own timeout, or after a reservation ended."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call's body and query as they go on; `ours` is our URL in the place of the sender's, where it gave one."""

    body: bytes
    query: str
    ours: str | None = None
    reserved_until: datetime | None = None


async def stand_in(resources: Resources, call: Call, target: End) -> Outgoing:
    """The call with a response_url of ours. Raises InvalidParameters for one that nobody may be sent to."""
    if call.target.interface is not InterfaceRole.RECEIVER:
        return Outgoing(call.body, call.query)
    in_body = (call.target.module, call.method) in _IN_BODY
    if in_body:
        _require_none_in(call.query)
        given = call.document.get(RESPONSE_URL)
    elif call.target.module == ModuleId.CHARGING_PROFILES:
        given = _the_one_in(call.query)
    else:
        given = None
    if given is None:
        return Outgoing(call.body, call.query)
    assert call.caller is not None
    await require_usable(resources, given, call.caller.platform.id)
    reserved_until = _reserved_until(call.document) if in_body else None
    async with resources.unit_of_work() as db:
        ours = await proxies.make(
            db,
            resources,
            given,
            purpose=proxies.RESULT,
            module=call.target.module or "",
            caller=target,
            target=End(call.caller.platform.id, call.from_),
            until=max(resources.clock() + proxies.LIFETIME, reserved_until) if reserved_until else None,
        )
    body = rewriting.replace_member(call.body, RESPONSE_URL, ours) if in_body else call.body
    query = call.query if in_body else rewriting.replace_query_value(call.query, RESPONSE_URL, ours)
    return Outgoing(body, query, ours, reserved_until)


# A second URL, or one that only the receiver would see, would lead it around the hub with its credentials in hand.


def _require_none_in(query: str) -> None:
    if rewriting.spellings(query, RESPONSE_URL):
        raise InvalidParameters(f"{RESPONSE_URL}: belongs in the body")


def _the_one_in(query: str) -> str | None:
    spelled, found = rewriting.spellings(query, RESPONSE_URL), rewriting.query_value(query, RESPONSE_URL)
    if spelled != ([RESPONSE_URL] if found else []):
        raise InvalidParameters(f"{RESPONSE_URL}: must stand once in the query, after a & and spelled so")
    return found[0] if found else None


_IN_BODY = ((ModuleId.COMMANDS, "POST"), (ModuleId.CHARGING_PROFILES, "PUT"))


async def require_usable(resources: Resources, url: Any, platform_id: str) -> None:
    """Raise InvalidParameters for a response_url that is none, that leads where partners may not live, or to none of
    the platform's own hosts: it is called with what we present to the platform."""
    if not isinstance(url, str) or len(url) > LONGEST:
        raise InvalidParameters(f"{RESPONSE_URL}: must be a URL of at most {LONGEST} characters")
    own = (await resources.one(Directory).now()).origins_of(platform_id)
    problem = own.problem(resources.settings.partner_networks, url)
    if problem is not None:
        raise InvalidParameters(f"{RESPONSE_URL}: {problem}")


async def settle(resources: Resources, outgoing: Outgoing, passed: Passed) -> None:
    """After the answer it is known how long a result may come: the receiver's own timeout, or the reservation's end."""
    if outgoing.ours is None:
        return
    data = unwrapped(passed.data)
    timeout = data.get("timeout") if isinstance(data, dict) else None
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 0 <= timeout <= 10**6:
        return
    until = resources.clock() + timedelta(seconds=timeout) + GRACE
    if outgoing.reserved_until is not None and data.get("result") == "ACCEPTED":
        until = max(until, outgoing.reserved_until)
    async with resources.unit_of_work() as db:
        await proxies.keep_until(db, resources, outgoing.ours, until)


def _reserved_until(document: dict[str, Any]) -> datetime | None:
    """The end of a RESERVE_NOW, up to which the CPO may take it back (mod_commands)."""
    try:
        return parse_datetime(str(document["expiry_date"])) + GRACE
    except (KeyError, ValueError, OverflowError):
        return None
