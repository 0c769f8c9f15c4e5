"""What operators do with connections: invite, look, suspend, resume, remove."""

from typing import Any

import pytest
from sqlalchemy import text

from ocpi_hub.partners import register
from ocpi_hub.partners.register import NotRegistered, UnknownPartner
from ocpi_hub.wire.errors import InvalidParameters
from tests.world.hub import Hub
from tests.world.partner import Partner


async def test_an_invitation_shows_its_token_once(hub: Hub) -> None:
    invitation = await hub.invitation("GreenApp", parties=[("EMSP", "de", "xyz")])

    assert invitation.versions_url == hub.versions_url
    assert len(invitation.credentials_token) == 43
    assert invitation.credentials_token not in repr(invitation)
    [platform] = await hub.platforms()
    assert platform["id"] == invitation.platform_id
    assert platform["name"] == "GreenApp"
    assert platform["status"] == "PLANNED"
    assert platform["expected_parties"] == [{"country_code": "de", "party_id": "xyz", "role": "EMSP"}]
    assert platform["parties"] == platform["endpoints"] == []
    [credential] = platform["credentials"]
    assert credential["purpose"] == "invite"
    assert round((credential["expires_at"] - credential["created_at"]).total_seconds()) == 14 * 24 * 3600
    assert invitation.credentials_token not in str(platform)


async def test_two_invitations_are_two_tokens(hub: Hub) -> None:
    first = await hub.invitation()
    async with hub.resources.unit_of_work() as db:
        second = await register.invite_again(db, hub.resources, first.platform_id)
    assert first.credentials_token != second.credentials_token
    async with Partner() as partner:
        assert (await partner.register(hub.versions_url, first.credentials_token)).status_code == 200
        assert (await partner.request("GET", hub.versions_url, token=second.credentials_token)).status_code == 401


@pytest.mark.parametrize(
    "party",
    [
        {"country_code": "NL", "party_id": "ABC"},
        {"country_code": "NL", "party_id": "ABC", "role": "BOSS"},
        {"country_code": "NLD", "party_id": "ABC", "role": "CPO"},
        {"country_code": "N/", "party_id": "ABC", "role": "CPO"},
        {"country_code": None, "party_id": "ABC", "role": "CPO"},
        {"country_code": "NL", "party_id": "", "role": "CPO"},
    ],
)
async def test_a_party_that_cannot_be_is_refused(hub: Hub, party: dict[str, Any]) -> None:
    async with hub.resources.sessions() as db:
        with pytest.raises(InvalidParameters):
            await register.invite(db, hub.resources, name="x", parties=[party])


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
async def test_a_name_is_needed(hub: Hub, name: str) -> None:
    async with hub.resources.sessions() as db:
        with pytest.raises(InvalidParameters, match="name"):
            await register.invite(db, hub.resources, name=name)


async def test_who_is_not_there_is_unknown(hub: Hub) -> None:
    async with hub.resources.sessions() as db:
        for doing in (register.suspend, register.resume, register.remove, register.invite_again):
            with pytest.raises(UnknownPartner):
                await doing(db, hub.resources, "nobody")
        with pytest.raises(UnknownPartner):
            await register.show(db, "nobody")


async def test_only_a_registered_partner_can_be_suspended(hub: Hub) -> None:
    invitation = await hub.invitation()
    async with hub.resources.sessions() as db:
        with pytest.raises(NotRegistered, match="PLANNED"):
            await register.suspend(db, hub.resources, invitation.platform_id)
        with pytest.raises(NotRegistered):
            await register.resume(db, hub.resources, invitation.platform_id)


async def test_a_removed_partner_leaves_no_row_and_no_way_in(hub: Hub) -> None:
    async with Partner() as partner:
        await partner.register(hub.versions_url, await hub.invite())
        platform_id = (await hub.platform()).id
        async with hub.resources.unit_of_work() as db:
            await register.remove(db, hub.resources, platform_id)
        assert (await partner.get("locations")).status_code == 401
        async with hub.resources.sessions() as db:
            for table in ("platform", "party", "endpoint", "credentials_token", "owed"):
                assert await db.scalar(text(f"SELECT count(*) FROM {table}")) == 0
        assert (await partner.register(hub.versions_url, await hub.invite("again"))).status_code == 200


async def test_the_admin_rest_shows_a_partner_and_renews_its_tokens(hub: Hub) -> None:
    async with Partner(("EMSP", "DE", "XYZ")) as partner:
        body = {"name": "XYZ", "versions_url": partner.versions_url, "credentials_token": partner.issue()}
        created = await hub.admin("POST", "/partners/connect", body)
        assert created.status_code == 201
        assert created.json()["status"] == "CONNECTED"
        before = partner.hub_token
        renewed = await hub.admin("POST", f"/partners/{created.json()['id']}/rotate")
        assert renewed.status_code == 200
        assert partner.hub_token != before
        for secret in (before or "", partner.hub_token or "", *partner.accepts):
            assert secret not in renewed.text
