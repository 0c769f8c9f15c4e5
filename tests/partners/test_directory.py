"""The picture of who is connected: fresh in every process, with Valkey and without; and who a token is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from ocpi_hub.base.resources import Resources, open_resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.partners import directory, keyring, register
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.tables import CredentialsToken
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from tests.world import ocpi
from tests.world.hub import running_hub, settings_for
from tests.world.partner import Partner


@asynccontextmanager
async def processes(database_url: str, redis_url: str) -> AsyncIterator[tuple[Resources, Resources]]:
    """Two processes of one hub."""
    settings = settings_for(database_url, redis_url)
    async with open_resources(settings) as one, open_resources(settings) as two:
        yield one, two


async def invite(resources: Resources) -> register.Invitation:
    async with resources.unit_of_work() as db:
        return await register.invite(db, resources, name="Partner")


async def names(resources: Resources) -> list[str]:
    return [platform.name for platform in (await resources.one(Directory).now()).platforms]


async def comes_true(question: Callable[[], Awaitable[bool]], *, within: float = 30) -> None:
    async with asyncio.timeout(within):
        while not await question():
            await asyncio.sleep(0.01)


async def test_a_change_is_seen_at_once_here_and_soon_in_other_processes(database_url: str, redis_url: str) -> None:
    async with processes(database_url, redis_url) as (one, two):
        assert (await names(one), await names(two)) == ([], [])
        await invite(one)
        assert await names(one) == ["Partner"]

        async def heard() -> bool:
            return await names(two) == ["Partner"]

        await comes_true(heard, within=2)  # long before the five seconds


async def test_transactions_that_hold_every_connection_get_the_picture(database_url: str, redis_url: str) -> None:
    async with (
        open_resources(settings_for(database_url, redis_url), pool_size=1) as resources,
        contextlib.AsyncExitStack() as stack,
    ):
        for _ in range(2):  # all that a pool of this size has
            await stack.enter_async_context(resources.engine.connect())
        async with asyncio.timeout(5):  # the pool itself gives up after ten
            assert await names(resources) == []


async def test_a_rolled_back_change_is_not_announced(database_url: str, redis_url: str) -> None:
    async with processes(database_url, redis_url) as (one, _):
        before = await one.one(Directory).now()
        with contextlib.suppress(RuntimeError):
            async with one.unit_of_work() as db:
                await register.invite(db, one, name="Partner")
                raise RuntimeError
        assert await names(one) == []
        assert await one.one(Directory).now() is before


async def test_without_valkey_the_picture_is_taken_again_when_it_is_old(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MAX_AGE", 0.2)
    async with processes(database_url, "redis://127.0.0.1:1/0") as (one, two):
        assert await names(two) == []
        invitation = await invite(one)

        async def old_enough() -> bool:
            return await names(two) == ["Partner"]

        await comes_true(old_enough)
        assert await two.one(Directory).authenticate(ocpi.encode(invitation.credentials_token))


async def test_a_token_that_is_newer_than_the_picture_is_found(database_url: str, redis_url: str) -> None:
    """Without waiting for Valkey or for the picture to grow old."""
    async with processes(database_url, "redis://127.0.0.1:1/0") as (one, two):
        await two.one(Directory).now()
        invitation = await invite(one)
        caller = await two.one(Directory).authenticate(ocpi.encode(invitation.credentials_token))
        assert caller is not None
        assert caller.platform.name == "Partner"
        assert caller.purpose == "invite"


@pytest.mark.parametrize("header", [None, "", "Token", "Token %%%", "Basic abc", "Token " + "x" * 5000])
async def test_nonsense_is_nobody(database_url: str, redis_url: str, header: str | None) -> None:
    async with processes(database_url, redis_url) as (one, _):
        assert await one.one(Directory).authenticate(header) is None


async def test_a_token_that_is_itself_base64_is_found_raw_and_encoded(database_url: str, redis_url: str) -> None:
    """T2: `YWJjZGVmZ2g=` may be the token, or the encoded token `abcdefgh`."""
    async with processes(database_url, redis_url) as (one, _):
        given: dict[str, str] = {}
        for name in ("plain", "encoded"):
            async with one.unit_of_work() as db:
                given[name] = (await register.invite(db, one, name=name)).platform_id
        vault = Vault.of(one.settings)
        for name, token in (("plain", "abcdefgh"), ("encoded", "YWJjZGVmZ2g=")):
            async with one.unit_of_work() as db:
                statement = update(CredentialsToken).where(col(CredentialsToken.platform_id) == given[name])
                await db.execute(statement.values(digest=vault.digest(token)))
                one.one(Directory).changed(db)
        for header, name, encoding in (
            ("Token abcdefgh", "plain", "raw"),
            ("Token YWJjZGVmZ2g=", "encoded", "raw"),
            ("Token WVdKalpHVm1aMmc9", "encoded", "base64"),
        ):
            caller = await one.one(Directory).authenticate(header)
            assert caller is not None
            assert (caller.platform.name, caller.encoding) == (name, encoding)


async def test_a_caller_never_shows_its_token(database_url: str, redis_url: str) -> None:
    async with processes(database_url, redis_url) as (one, _):
        token = (await invite(one)).credentials_token
        caller = await one.one(Directory).authenticate(ocpi.encode(token))
        assert caller is not None
        assert caller.presented_token == token
        assert token not in repr(caller)


async def test_many_askers_take_one_picture(database_url: str, redis_url: str) -> None:
    async with processes(database_url, redis_url) as (one, _):
        pictures = await asyncio.gather(*(one.one(Directory).now() for _ in range(50)))
        assert len(set(map(id, pictures))) <= 2  # one more when the channel has opened meanwhile


async def test_parties_of_our_chargers_are_hosted(database_url: str, redis_url: str) -> None:
    async with processes(database_url, redis_url) as (one, _):
        async with one.unit_of_work() as db:
            await register.host(db, one, PartyId("be", "own"))
            await register.host(db, one, PartyId("BE", "OWN"))
        snapshot = await one.one(Directory).now()
        assert snapshot.hosted == {PartyId("NL", "CPO"), PartyId("BE", "OWN")}


async def test_a_party_of_a_partner_cannot_be_hosted(database_url: str, redis_url: str) -> None:
    async with running_hub(database_url, redis_url) as hub, Partner(("EMSP", "NL", "ABC")) as partner:
        await partner.register(hub.versions_url, await hub.invite())
        with pytest.raises(InvalidParameters, match="nl/abc belongs"):
            async with hub.resources.unit_of_work() as db:
                await register.host(db, hub.resources, PartyId("nl", "abc"))


async def test_a_used_up_token_is_unknown_to_the_rows(database_url: str, redis_url: str) -> None:
    async with processes(database_url, redis_url) as (one, _):
        invitation = await invite(one)
        async with one.unit_of_work() as db:
            assert await keyring.holds(db, one, invitation.credentials_token)
            await keyring.revoke(db, one, invitation.platform_id)
            assert not await keyring.holds(db, one, invitation.credentials_token)


async def test_a_header_that_was_let_in_once_is_nobodys_when_its_token_is_gone(
    database_url: str, redis_url: str
) -> None:
    async with processes(database_url, redis_url) as (one, _):
        directory = one.one(Directory)
        invitation = await invite(one)
        header = ocpi.encode(invitation.credentials_token)
        for _ in range(2):
            caller = await directory.authenticate(header)
            assert caller is not None
            assert caller.presented_token == invitation.credentials_token
        async with one.unit_of_work() as db:
            await db.execute(delete(CredentialsToken))
            directory.changed(db)
        assert await directory.authenticate(header) is None
        assert await directory.authenticate(header) is None
