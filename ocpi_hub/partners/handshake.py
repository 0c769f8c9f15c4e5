"""The credentials handshake in both directions (credentials.asciidoc).

`our_…`: what the partner presents to us; `their_…`: what we present to the partner. While we talk to the partner no
transaction is open; what we have learned is then written in one. Whatever fails before, nothing is kept.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4

import structlog
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from structlog.contextvars import bound_contextvars

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.dialects.speaking import unwrapped
from ocpi_hub.partners import keyring, roster
from ocpi_hub.partners.client import PartnerClient, Refused, Result, Told
from ocpi_hub.partners.directory import Caller, Directory
from ocpi_hub.partners.enrolment import check_claims, check_succession, enrol, leave
from ocpi_hub.partners.exploring import Explored, HandshakeFailed, explore
from ocpi_hub.partners.journal import About
from ocpi_hub.partners.tables import Platform
from ocpi_hub.wire import json as wire_json
from ocpi_hub.wire.errors import MethodNotAllowed, NotAuthenticated, OcpiError, from_validation
from ocpi_hub.wire.parties import ConnectionStatus, Credentials, InterfaceRole, ModuleId

log = structlog.get_logger()

EXCHANGE_SECONDS = 30.0
"""How long POST or PUT /credentials may take: the partner calls us back meanwhile."""
_CREDENTIALS = About("handshake", ModuleId.CREDENTIALS.value)
REMOVED = "this connection has been removed"


P = ParamSpec("P")
T = TypeVar("T")


def _one_story(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """All that is said in a handshake that we begin has one correlation id."""

    @wraps(work)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T:
        with bound_contextvars(correlation_id=str(uuid4())):
            return await work(*args, **kwargs)

    return told


def our_credentials(resources: Resources, our_token: str) -> dict[str, Any]:
    """The credentials object that we give away. A hub reports itself only, as role HUB (credentials.asciidoc)."""
    settings = resources.settings
    return {
        "token": our_token,
        "url": f"{settings.api_url}/ocpi/versions",
        "roles": [
            {
                "role": "HUB",
                "business_details": {"name": settings.name},
                "party_id": settings.party_id,
                "country_code": settings.country_code,
            }
        ],
    }


# --- the partner begins -------------------------------------------------------------------------------------------


def only_invited(caller: Caller) -> None:
    """Raises MethodNotAllowed when the caller has registered before (credentials.asciidoc, POST)."""
    if caller.purpose != keyring.INVITE:
        raise MethodNotAllowed("this platform is already registered: use PUT to update, DELETE to unregister")


def only_registered(caller: Caller) -> None:
    """Raises MethodNotAllowed when the caller has not registered yet (credentials.asciidoc, PUT, DELETE)."""
    if caller.purpose != keyring.LIVE:
        raise MethodNotAllowed("this platform is not registered yet: use POST")


async def receive(resources: Resources, caller: Caller, credentials: Credentials, *, version: str) -> dict[str, Any]:
    """POST and PUT: exchange credentials with a partner that began; gives those for the answer.

    The partner is called back for its endpoints every time. An invitation is used up by this; a live token works
    until the new one is seen, or for the grace. Raises ClaimRefused, UnableToUseApi, UnsupportedVersion or
    NoMatchingEndpoints: then everything is as it was; NotAuthenticated when the token was used up meanwhile.
    """
    async with resources.sessions() as db:
        platform = await db.get(Platform, caller.platform.id)
    if platform is None:
        raise NotAuthenticated(REMOVED)
    check_claims(platform, credentials.roles, await resources.one(Directory).now())
    explored = await _explore_for_caller(resources, caller, credentials, version=version)
    async with resources.unit_of_work() as db:
        platform = await _locked(db, caller.platform.id)
        if not await keyring.holds(db, resources, caller.presented_token):
            raise NotAuthenticated("this credentials token has been used up or replaced meanwhile")
        await check_succession(db, platform, credentials.roles)
        await enrol(db, resources, platform, credentials, explored)
        if caller.purpose == keyring.INVITE:
            await keyring.revoke(db, resources, platform.id)
        else:
            await keyring.retire(db, resources, platform.id)
        our_token = await keyring.issue(db, resources, platform.id, purpose=keyring.LIVE)
    event = "partner.registered" if caller.purpose == keyring.INVITE else "partner.updated"
    log.info(event, platform=caller.platform.id, parties=[str(role.party) for role in credentials.roles])
    return our_credentials(resources, our_token)


async def _explore_for_caller(
    resources: Resources, caller: Caller, credentials: Credentials, *, version: str
) -> Explored:
    try:
        return await explore(
            resources, credentials.url, credentials.token, first_encoding=caller.encoding, only_version=version
        )
    except HandshakeFailed as failure:
        log.warning("partner.handshake_failed", platform=caller.platform.id, reason=failure.reason, **failure.details)
        raise failure.kind(f"your {failure.step}: {failure.reason}") from None


async def unregister(resources: Resources, caller: Caller) -> None:
    """DELETE: the partner's credentials and ours end at once."""
    async with resources.unit_of_work() as db:
        platform = await _locked(db, caller.platform.id)
        await keyring.revoke(db, resources, platform.id)
        await leave(db, resources, platform)
    log.info("partner.unregistered", platform=caller.platform.id)


async def _locked(db: AsyncSession, platform_id: str) -> Platform:
    platform = await db.scalar(select(Platform).where(Platform.id == platform_id).with_for_update())
    if platform is None:
        raise NotAuthenticated(REMOVED)
    return platform


# --- we begin -----------------------------------------------------------------------------------------------------


@_one_story
async def connect(resources: Resources, name: str, versions_url: str, credentials_token: str) -> str:
    """Register with a partner that gave us its versions URL and a credentials token (CREDENTIALS_TOKEN_A).

    Gives the platform's id. Our token (CREDENTIALS_TOKEN_B) opens versions and credentials before it is sent, for the
    partner calls back while our POST is open. Raises HandshakeFailed; our token is then revoked, nothing else is
    kept, and a partner that had already taken us is told that it is off.
    """
    explored = await explore(resources, versions_url, credentials_token)
    platform_id, our_token = await _prepare(resources, name, versions_url)
    try:
        theirs = await _exchange(resources, "POST", explored, our_token)
        try:
            async with resources.unit_of_work() as db:
                platform = await _locked(db, platform_id)
                if not await keyring.holds(db, resources, our_token):
                    raise NotAuthenticated("our credentials token was taken back, or ran out, meanwhile")
                await enrol(db, resources, platform, theirs, explored)
                await keyring.promote(db, resources, platform_id, token=our_token)
        except OcpiError as error:
            await _call(resources, "DELETE", explored, theirs.token)
            raise HandshakeFailed("parties", error.message) from None
    except Exception:
        await _forget(resources, platform_id, our_token)
        raise
    log.info("partner.connected", platform=platform_id, parties=[str(role.party) for role in theirs.roles])
    return platform_id


async def _prepare(resources: Resources, name: str, versions_url: str) -> tuple[str, str]:
    """The platform's row and our token for it. A row that an earlier try has left behind is taken up again."""
    now = resources.clock()
    same = select(Platform).where(
        Platform.name == name, Platform.versions_url == versions_url, col(Platform.registered_at).is_(None)
    )
    async with resources.unit_of_work() as db:
        platform = await db.scalar(same.limit(1).with_for_update())
        if platform is None:
            platform = Platform(
                id=str(uuid4()), name=name, versions_url=versions_url, created_at=now, status_changed_at=now
            )
            db.add(platform)
            await db.flush()
        expires_at = now + timedelta(seconds=4 * EXCHANGE_SECONDS)
        return platform.id, await keyring.issue(
            db, resources, platform.id, purpose=keyring.HANDSHAKE, expires_at=expires_at
        )


async def _forget(resources: Resources, platform_id: str, our_token: str) -> None:
    """A handshake that we began came to nothing: our token goes, and so does a platform that was never connected."""
    async with resources.unit_of_work() as db:
        await keyring.revoke(db, resources, platform_id, token=our_token)
        platform = await _locked(db, platform_id)
        if platform.status == ConnectionStatus.PLANNED:
            await db.delete(platform)
            await roster.refresh(db, platform_id, at=resources.clock())


@_one_story
async def rotate(resources: Resources, platform_id: str) -> None:
    """New credentials tokens both ways, by PUT at the partner.

    Our new token is good for everything before it is sent, and the old one stays good until the new one is used or
    the grace has passed: wherever this is cut off, each side still holds a token that the other takes. Raises
    HandshakeFailed; where it is unknown whether the partner took it, both of our tokens stay good.
    """
    async with _alone(resources, platform_id):
        async with resources.sessions() as db:
            platform = await db.get(Platform, platform_id)
        if platform is None or platform.versions_url is None or platform.their_credentials_token is None:
            raise HandshakeFailed("credentials", "this platform is not registered")
        their_token = Vault.of(resources.settings).unseal(platform.their_credentials_token)
        explored = await explore(resources, platform.versions_url, their_token, first_encoding=platform.token_encoding)
        async with resources.unit_of_work() as db:
            our_token = await keyring.issue(db, resources, platform_id, purpose=keyring.LIVE)
        try:
            theirs = await _exchange(resources, "PUT", explored, our_token)
        except HandshakeFailed as failure:
            # A 401 may be a second answer: the first was lost, and the transport asked again with a dead token.
            if failure.refused and failure.http_status != 401:
                async with resources.unit_of_work() as db:
                    await keyring.revoke(db, resources, platform_id, token=our_token)
            raise
        async with resources.unit_of_work() as db:
            await enrol(db, resources, await _locked(db, platform_id), theirs, explored)
            await keyring.retire(db, resources, platform_id, successor=our_token)
    log.info("partner.rotated", platform=platform_id)


@asynccontextmanager
async def _alone(resources: Resources, platform_id: str) -> AsyncIterator[None]:
    """One rotation of a platform at a time, in all processes: of two answers nobody could tell which token is newer.

    The lock belongs to a connection and not to a transaction, so it ends with this process if nothing else ends it.
    """
    values = {"key": f"ocpi-hub/rotate/{platform_id}"}
    async with resources.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        locked = await connection.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), values)
        if not locked.scalar_one():
            raise HandshakeFailed("credentials", "another rotation of this partner is under way")
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), values)


@_one_story
async def disconnect(resources: Resources, platform_id: str) -> None:
    """End a connection from our side: DELETE at the partner, as well as it goes, and nothing is in force any more."""
    async with resources.sessions() as db:
        platform = await db.get(Platform, platform_id)
    url = (await resources.one(Directory).now()).endpoint_itself(
        platform_id, ModuleId.CREDENTIALS, InterfaceRole.SENDER
    )
    if platform is not None and platform.their_credentials_token is not None and url is not None:
        result = await resources.one(PartnerClient).call(
            "DELETE",
            url,
            credentials_token=Vault.of(resources.settings).unseal(platform.their_credentials_token),
            encoding=platform.token_encoding,
            platform_id=platform_id,
            about=_CREDENTIALS,
        )
        log.info("partner.told_to_end", platform=platform_id, outcome=type(result).__name__)
    async with resources.unit_of_work() as db:
        await keyring.revoke(db, resources, platform_id)
        await leave(db, resources, await _locked(db, platform_id))


async def _exchange(resources: Resources, method: str, explored: Explored, our_token: str) -> Credentials:
    """Give the partner our credentials, and read the ones it gives in return."""
    result = await _call(
        resources, method, explored, explored.credentials_token, body=our_credentials(resources, our_token)
    )
    if not isinstance(result, Told):
        reason = result.message if isinstance(result, Refused) else result.reason
        raise HandshakeFailed("credentials", f"{method} {explored.credentials_url}: {reason}", answered=result)
    try:
        return Credentials.model_validate(unwrapped(result.answer.data))
    except ValidationError as error:
        reason = f"the partner's credentials cannot be used: {from_validation(error, within='data').message}"
        raise HandshakeFailed("credentials", reason, answered=result) from None


async def _call(
    resources: Resources, method: str, explored: Explored, their_token: str, *, body: dict[str, Any] | None = None
) -> Result:
    return await resources.one(PartnerClient).call(
        method,
        explored.credentials_url,
        credentials_token=their_token,
        encoding=explored.token_encoding,
        body=wire_json.dumps(body).encode() if body is not None else None,
        timeout=EXCHANGE_SECONDS,
        about=_CREDENTIALS,
    )
