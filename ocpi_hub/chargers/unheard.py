"""Asking all eMSPs about a token that none of them told us of: the fan-out of routing/, for our own chargers.

Who may be asked is decided there; what comes back is a value, as in realtime.py. Nothing is written here.
"""

import uuid
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from bridge_ocpp.port import AuthStatus, IdToken
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers.mapping import token_type
from ocpi_hub.chargers.realtime import Answered, NoAnswer, allowed, refused
from ocpi_hub.partners.access import may_talk
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.snapshot import Snapshot
from ocpi_hub.routing.address import Target
from ocpi_hub.routing.authorize import ask_everyone
from ocpi_hub.routing.call import Call, Passed
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import OcpiError, UnknownToken
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import InterfaceRole, ModuleId
from ocpi_hub.wire.tokens import Token
from ocpi_hub.wire.types import same_id


async def ask(
    resources: Resources, token: IdToken, *, from_party: PartyId, location_id: str, evse_uids: Sequence[str]
) -> Answered | NoAnswer:
    """Ask every eMSP that our party may talk with, within `authorize_timeout` seconds for all of them together.

    ACCEPTED only with a whole Token of the eMSP that allowed it: without one nobody could be billed.
    """
    snapshot = await resources.one(Directory).now()
    references = {"location_id": location_id, "evse_uids": list(evse_uids)}
    call = _call(token, from_party=from_party, body=wire_json.dumps(references).encode())
    try:
        passed = await ask_everyone(resources, call, snapshot)
    except UnknownToken:
        return Answered(AuthStatus.UNKNOWN)  # there is nobody to ask
    except OcpiError as error:
        return NoAnswer(error.message)
    return _judge(passed, token, call, snapshot)


def _call(token: IdToken, *, from_party: PartyId, body: bytes) -> Call:
    """The authorize request as the door would have made it of a partner's. The type is what the charger read."""
    return Call(
        method="POST",
        target=Target(ModuleId.TOKENS.value, InterfaceRole.SENDER, (token.value, "authorize")),
        path=f"{quote(token.value, safe='')}/authorize",
        query=urlencode({"type": token_type(token.type)}),
        body=body,
        headers={"content-type": "application/json"},
        caller=None,
        routing=Routing(to=None, from_=from_party),
        correlation_id=str(uuid.uuid4()),
        rule="open:token",
    )


def _judge(passed: Passed, token: IdToken, call: Call, snapshot: Snapshot) -> Answered | NoAnswer:
    if not 1000 <= passed.status_code < 2000:
        return refused(passed.http_status, passed.status_code, "no provider knows this token")
    found = allowed(
        passed.data, lambda one: _is_its_own(one, token, passed.routing.from_, snapshot) and _may(call, one, snapshot)
    )
    if isinstance(found, Answered) and found.status is AuthStatus.ACCEPTED and found.token is None:
        return NoAnswer("the provider allowed it without a Token of its own to bill")
    return found


def _may(call: Call, one: Token, snapshot: Snapshot) -> bool:
    """A platform may have several parties, and answer for another than the one that was asked."""
    return may_talk(snapshot, call.from_, one.party, ModuleId.TOKENS)


def _is_its_own(one: Token, token: IdToken, answered: PartyId | None, snapshot: Snapshot) -> bool:
    """Whether a Token is the one that was asked about, and belongs to the platform that answered."""
    if answered is None or not same_id(one.uid, token.value):
        return False
    homes = [snapshot.platform_of(who, ModuleId.TOKENS, InterfaceRole.SENDER) for who in (one.party, answered)]
    return homes[0] is not None and homes[0] is homes[1]
