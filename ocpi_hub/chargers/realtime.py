"""Asking an eMSP whether a token may charge, now: POST tokens/{uid}/authorize, inside a hard time budget.

The answer is a value. Nothing is written here, and nothing is locked while the partner thinks.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from bridge_ocpp.port import AuthStatus
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.chargers.mapping import verdict_of
from ocpi_hub.dialects.speaking import unwrapped
from ocpi_hub.partners.access import may_talk
from ocpi_hub.partners.client import PartnerClient, Refused, Result, Told
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.journal import About
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.headers import PartyId, Routing
from ocpi_hub.wire.parties import ConnectionStatus, InterfaceRole, ModuleId
from ocpi_hub.wire.tokens import Token
from ocpi_hub.wire.types import same_id


@dataclass(frozen=True, slots=True)
class Answered:
    """The eMSP decided. `token` is its newest Token document where it sent a proper one."""

    status: AuthStatus
    evse_uids: tuple[str, ...] = ()
    authorization_reference: str | None = None
    message: str | None = None
    token: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No decision: not connected, too slow, or an answer that says nothing about the token."""

    reason: str


async def ask(
    resources: Resources,
    token: Mapping[str, Any],
    *,
    from_party: PartyId,
    location_id: str,
    evse_uids: Sequence[str],
) -> Answered | NoAnswer:
    """Ask the token's owner about these EVSEs, within `authorize_timeout` seconds for everything together."""
    try:
        async with asyncio.timeout(resources.settings.authorize_timeout):
            return await _ask(
                resources, token, from_party=from_party, references={"location_id": location_id, "evse_uids": evse_uids}
            )
    except TimeoutError:
        return NoAnswer(f"no answer within {resources.settings.authorize_timeout:g} s")


async def _ask(
    resources: Resources, token: Mapping[str, Any], *, from_party: PartyId, references: Mapping[str, Any]
) -> Answered | NoAnswer:
    owner = PartyId(token["country_code"], token["party_id"])
    snapshot = await resources.one(Directory).now()
    platform = snapshot.platform_of(owner, ModuleId.TOKENS, InterfaceRole.SENDER)
    if platform is None or platform.status is not ConnectionStatus.CONNECTED:
        return NoAnswer("the provider is not connected")
    if not may_talk(snapshot, from_party, owner, ModuleId.TOKENS):
        return Answered(AuthStatus.NOT_AT_THIS_LOCATION)
    endpoint = snapshot.endpoint(platform.id, ModuleId.TOKENS, InterfaceRole.SENDER)
    if endpoint is None or platform.their_credentials_token is None:
        return NoAnswer("the provider offers no authorization")
    url = f"{endpoint}/{quote(token['uid'], safe='')}/authorize?{urlencode({'type': token['type']})}"
    result = await resources.one(PartnerClient).call(
        "POST",
        url,
        credentials_token=Vault.of(resources.settings).unseal(platform.their_credentials_token),
        encoding=platform.token_encoding,
        platform_id=platform.id,
        body=wire_json.dumps(references).encode(),
        routing=Routing(to=owner, from_=from_party),
        correlation_id=str(uuid.uuid4()),
        timeout=resources.settings.authorize_timeout,
        about=About("open:token", ModuleId.TOKENS.value, InterfaceRole.SENDER.value),
        profile=platform.profile,
    )
    return judge(result, token)


def judge(result: Result, asked: Mapping[str, Any]) -> Answered | NoAnswer:
    """What the answer about the Token `asked` means for the charger (mod_tokens, POST)."""
    if isinstance(result, Told):
        return allowed(result.answer.data, lambda token: _is(token, asked))
    if isinstance(result, Refused):
        return refused(result.http_status, result.ocpi_status, result.message)
    return NoAnswer(result.reason)


def refused(http_status: int, ocpi_status: int | None, message: str) -> Answered | NoAnswer:
    """An answer without AuthorizationInfo: 2xxx is about the token, everything else says nothing of it."""
    if http_status == 404 or ocpi_status == 2004:
        return Answered(AuthStatus.UNKNOWN)
    if ocpi_status is not None and 2000 <= ocpi_status < 3000:
        return Answered(AuthStatus.INVALID, message=message[:250])
    return NoAnswer(f"the provider failed: {message[:200]}")


def allowed(data: Any, is_it: Callable[[Token], bool]) -> Answered | NoAnswer:
    """An AuthorizationInfo; its Token is taken where `is_it` says that it is the one that was asked about."""
    data = unwrapped(data)
    if not isinstance(data, Mapping) or not isinstance(data.get("allowed"), str):
        return NoAnswer("the provider's answer does not say whether the token is allowed")
    location, info, reference = data.get("location"), data.get("info"), data.get("authorization_reference")
    uids = location.get("evse_uids") if isinstance(location, Mapping) else None
    return Answered(
        verdict_of(data["allowed"]),
        evse_uids=tuple(str(uid) for uid in uids) if isinstance(uids, list) else (),
        authorization_reference=str(reference)[:36] if reference else None,
        message=str(info.get("text"))[:250] if isinstance(info, Mapping) and info.get("text") else None,
        token=_token(data.get("token"), is_it),
    )


def _token(document: Any, is_it: Callable[[Token], bool]) -> dict[str, Any] | None:
    """The Token of the answer, if it is a whole one and the one that we asked about."""
    try:
        token = Token.model_validate(document)
    except ValidationError:
        return None
    return dict(document) if is_it(token) else None


def _is(token: Token, asked: Mapping[str, Any]) -> bool:
    same = same_id(token.uid, asked["uid"]) and token.party == PartyId(asked["country_code"], asked["party_id"])
    return same and token.type == asked["type"]
