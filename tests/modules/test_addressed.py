"""OCPI-to names the party of our own chargers: what it offers, what it keeps for itself alone, and what it refuses."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.port import AuthStatus, ChargerBook, IdToken, Transaction, TransactionStarted, Where
from ocpi_hub.chargers import placing
from ocpi_hub.chargers import told as known
from ocpi_hub.chargers.binding import bind
from ocpi_hub.chargers.events import HubEvents
from ocpi_hub.objects.kinds import CDRS, LOCATIONS, SESSIONS, TARIFFS
from ocpi_hub.wire.headers import PartyId
from tests.modules.owned.talking import LATER, data, ids, keep, registered, said
from tests.routing.roaming import routed
from tests.world.hub import Hub, running_hub
from tests.world.objects import cdr, location, session, tariff, token
from tests.world.partner import Partner

HUB, OURS = "NL/HUB", "NL/CPO"
MSP, ABC = ("DE", "MSP"), ("NL", "ABC")
CARD = "04A1B2C3D4E5F6"
PLACE = location("LOC1", evses=None) | {"time_zone": "Europe/Amsterdam"}


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with running_hub(database_url, redis_url, authorize_timeout=0.5) as running:
        bind(running.resources)
        yield running


@pytest.fixture
async def cpo(hub: Hub) -> AsyncIterator[Partner]:
    async with registered(hub, ("CPO", *ABC)) as partner:
        yield partner


@pytest.fixture
async def emsp(hub: Hub) -> AsyncIterator[Partner]:
    async with registered(hub, ("EMSP", *MSP)) as partner:
        yield partner


@pytest.fixture
async def charger(hub: Hub) -> None:
    async with hub.resources.unit_of_work() as db:
        place = {name: value for name, value in PLACE.items() if name not in ("country_code", "party_id")}
        new = placing.NewPlace(id="BOX-1", password="12345678", location=place, evses=[{"uid": "EVSE1"}])
        await placing.add(hub.resources, new, db)


async def tapped(hub: Hub, uid: str = CARD) -> AuthStatus:
    async with hub.resources.unit_of_work() as db:
        return (await HubEvents(hub.resources).may_charge(IdToken(uid), Where("BOX-1", 1), db)).status


async def told(emsp: Partner, to: str | None = OURS, uid: str = CARD, **changes: Any) -> tuple[int, int]:
    document = token(uid, owner=MSP, whitelist="ALWAYS", **changes)
    return said(await emsp.put("tokens", f"DE/MSP/{uid}", document, to=to))


# --- tokens for our chargers alone --------------------------------------------------------------------------------


async def test_a_token_for_our_party_alone_opens_our_chargers_and_is_seen_nowhere_else(
    hub: Hub, cpo: Partner, emsp: Partner, charger: None
) -> None:
    rung = list(hub.rung)
    answer = await emsp.put("tokens", f"DE/MSP/{CARD}", token(owner=MSP, whitelist="ALWAYS"), to="nl/cpo")
    assert hub.rung == rung, "nobody is owed it"
    assert (said(answer), routed(answer)) == ((201, 1000), ("DE/MSP", OURS))
    assert await tapped(hub) is AuthStatus.ACCEPTED
    assert emsp.told("tokens") == [], "its whitelist says that nobody need be asked"
    for to in (None, HUB):
        assert data(await cpo.get("tokens", to=to)) == []
    assert data(await emsp.get("tokens", to=HUB)) == []
    assert said(await emsp.call("GET", "tokens", f"DE/MSP/{CARD}", to=HUB)) == (404, 2004)
    assert data(await emsp.call("GET", "tokens", f"DE/MSP/{CARD.lower()}", to=OURS))["uid"] == CARD


async def test_it_is_told_again_changed_and_read_back(hub: Hub, emsp: Partner, charger: None) -> None:
    assert await told(emsp) == (201, 1000)
    assert await told(emsp, visual_number="NEW") == (200, 1000)
    changes = {"valid": False, "last_updated": LATER}
    assert said(await emsp.patch("tokens", f"DE/MSP/{CARD}", changes, to=OURS)) == (200, 1000)
    seen = data(await emsp.call("GET", "tokens", f"DE/MSP/{CARD}", to=OURS))
    assert (seen["valid"], seen["visual_number"]) == (False, "NEW")
    assert await tapped(hub) is AuthStatus.BLOCKED


async def test_of_what_everybody_and_what_we_were_told_the_newer_counts(
    hub: Hub, cpo: Partner, emsp: Partner, charger: None
) -> None:
    assert await told(emsp, HUB) == (201, 1000)
    changes = {"valid": False, "last_updated": LATER}
    assert said(await emsp.patch("tokens", f"DE/MSP/{CARD}", changes, to=OURS)) == (200, 1000)
    assert await tapped(hub) is AuthStatus.BLOCKED
    assert [one["valid"] for one in data(await cpo.get("tokens"))] == [True], "the others were told nothing"
    assert await told(emsp, HUB, last_updated="2026-03-01T13:00:00Z") == (200, 1000)
    assert await tapped(hub) is AuthStatus.ACCEPTED
    assert data(await emsp.call("GET", "tokens", f"DE/MSP/{CARD}", to=OURS))["valid"] is True


async def test_the_type_belongs_to_the_token(hub: Hub, emsp: Partner, charger: None) -> None:
    document = token("APP-1", owner=MSP, type="APP_USER", whitelist="ALWAYS")
    assert said(await emsp.put("tokens", "DE/MSP/APP-1?type=APP_USER", document, to=OURS)) == (201, 1000)
    assert said(await emsp.put("tokens", "DE/MSP/APP-1?type=RFID", document, to=OURS)) == (200, 2001)
    assert said(await emsp.call("GET", "tokens", "DE/MSP/APP-1", to=OURS)) == (404, 2004)
    assert data(await emsp.call("GET", "tokens", "DE/MSP/APP-1?type=APP_USER", to=OURS))["type"] == "APP_USER"


async def test_nobody_takes_over_a_card_by_naming_it_later(hub: Hub, emsp: Partner, charger: None) -> None:
    """Neither a Token for everybody after one for us alone, nor one for us alone after one for everybody."""

    async def owners(uid: str) -> list[str]:
        async with hub.resources.unit_of_work() as db:
            return [one["country_code"] for one in await known.by_uid(db, PartyId("NL", "CPO"), uid)]

    async with registered(hub, ("EMSP", "FR", "TWO")) as other:
        for uid, first, then in (("AA", OURS, HUB), ("BB", HUB, OURS), ("CC", OURS, OURS), ("DD", HUB, HUB)):
            assert await told(emsp, first, uid) == (201, 1000)
            thief = token(uid, owner=("FR", "TWO"), whitelist="ALWAYS")
            assert said(await other.put("tokens", f"FR/TWO/{uid}", thief, to=then)) == (201, 1000)
            assert await told(emsp, first, uid, visual_number="AGAIN") == (200, 1000)
            assert await owners(uid.lower()) == ["DE", "FR"], uid


@pytest.mark.parametrize(
    ("path", "changes", "expected"),
    [
        (f"DE/MSP/{CARD}", {"uid": "ANOTHER"}, (200, 2001)),
        (f"DE/MSP/{CARD}", {"party_id": "TWO"}, (200, 2001)),
        (f"DE/MSP/{CARD}", {"valid": None}, (200, 2001)),
        (f"FR/TWO/{CARD}", {"country_code": "FR", "party_id": "TWO"}, (404, 2004)),
    ],
)
async def test_a_wrong_token_is_refused_in_the_words_of_ocpi(
    hub: Hub, emsp: Partner, path: str, changes: dict[str, Any], expected: tuple[int, int]
) -> None:
    document = token(owner=MSP, **changes)
    assert said(await emsp.put("tokens", path, document, to=OURS)) == expected


async def test_a_patch_needs_its_time_and_something_to_change(hub: Hub, emsp: Partner) -> None:
    assert said(await emsp.patch("tokens", f"DE/MSP/{CARD}", {"valid": False}, to=OURS)) == (200, 2001)
    changes = {"valid": False, "last_updated": LATER}
    assert said(await emsp.patch("tokens", f"DE/MSP/{CARD}", changes, to=OURS)) == (404, 2004)
    await told(emsp)
    assert said(await emsp.patch("tokens", f"DE/MSP/{CARD}", {**changes, "whitelist": 7}, to=OURS)) == (200, 2001)
    assert said(await emsp.call("DELETE", "tokens", f"DE/MSP/{CARD}", to=OURS)) == (405, 2000)


# --- what it offers ------------------------------------------------------------------------------------------------


async def test_lists_that_name_our_party_have_its_objects_only(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    resources = hub.resources
    await keep(resources, LOCATIONS, location("OURS"))
    await keep(resources, TARIFFS, tariff("OURS"))
    await keep(resources, SESSIONS, session("OURS"))
    await keep(resources, CDRS, cdr("OURS"))
    await cpo.put("locations", "NL/ABC/THEIRS", location("THEIRS", owner=ABC), to=HUB)
    await cpo.put("tariffs", "NL/ABC/THEIRS", tariff("THEIRS", owner=ABC), to=HUB)
    await cpo.put("sessions", "NL/ABC/THEIRS", session("THEIRS", owner=ABC), to=HUB)
    await cpo.post("cdrs", "", cdr("THEIRS", owner=ABC), to=HUB)
    for module in ("locations", "tariffs", "sessions?date_from=2020-01-01T00:00:00Z", "cdrs"):
        module, _, query = module.partition("?")
        url = emsp.hub_endpoints[(module, "SENDER")] + (f"?{query}" if query else "")
        answer = await emsp.request("GET", url, from_="DE/MSP", to=OURS)
        assert (ids(answer), routed(answer)) == (["OURS"], ("DE/MSP", OURS)), module
        assert answer.headers["x-total-count"] == "1"
        everything = await emsp.request("GET", url, from_="DE/MSP", to=HUB)
        assert ids(everything) == ["OURS", "THEIRS"], module


async def test_one_object_by_its_id_is_that_of_our_party(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await keep(hub.resources, LOCATIONS, location("SAME", name="Ours"))
    await cpo.put("locations", "NL/ABC/SAME", location("SAME", owner=ABC), to=HUB)
    await cpo.put("locations", "NL/ABC/THEIRS", location("THEIRS", owner=ABC), to=HUB)
    assert data(await emsp.get("locations", "SAME", to=OURS))["name"] == "Ours"
    assert data(await emsp.get("locations", "SAME/EVSE1/1", to=OURS))["id"] == "1"
    assert said(await emsp.get("locations", "THEIRS", to=OURS)) == (404, 2003)
    assert said(await emsp.get("locations", "SAME", to=HUB)) == (200, 2001), "two parties have it"


# --- what it refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "module", "role", "path"),
    [
        ("PUT", "locations", "RECEIVER", "DE/MSP/L"),
        ("PATCH", "locations", "RECEIVER", "DE/MSP/L/E"),
        ("PUT", "tariffs", "RECEIVER", "DE/MSP/T"),
        ("DELETE", "tariffs", "RECEIVER", "DE/MSP/T"),
        ("PUT", "sessions", "RECEIVER", "DE/MSP/S"),
        ("POST", "cdrs", "RECEIVER", ""),
    ],
)
async def test_an_emsp_owns_none_of_these(
    hub: Hub, emsp: Partner, method: str, module: str, role: str, path: str
) -> None:
    answer = await emsp.call(method, module, path, role=role, json={"id": "L", "last_updated": LATER}, to=OURS)
    assert said(answer) == (200, 2001)
    assert "is not registered as CPO" in answer.json()["status_message"]


@pytest.mark.parametrize(
    ("method", "module", "role", "path"),
    [
        ("GET", "tokens", "SENDER", ""),
        ("POST", "tokens", "SENDER", f"{CARD}/authorize"),
        ("POST", "commands", "SENDER", "START_SESSION"),
        ("PUT", "chargingprofiles", "SENDER", "S1"),
    ],
)
async def test_a_cpo_does_not_offer_what_an_emsp_does(
    hub: Hub, emsp: Partner, method: str, module: str, role: str, path: str
) -> None:
    answer = await emsp.call(method, module, path, role=role, json={}, to=OURS)
    assert (said(answer), routed(answer)) == ((200, 4000), ("DE/MSP", OURS))
    assert answer.json()["status_message"] == f"NL/CPO does not offer {module} {role}"


@pytest.mark.parametrize(
    ("method", "module", "role", "path"),
    [
        ("PUT", "sessions", "RECEIVER", "NL/ABC/S"),
        ("POST", "cdrs", "RECEIVER", ""),
        ("PUT", "locations", "RECEIVER", "NL/ABC/L"),
        ("GET", "locations", "SENDER", ""),
        ("GET", "tokens", "RECEIVER", f"DE/MSP/{CARD}"),
        ("POST", "commands", "RECEIVER", "START_SESSION"),
    ],
)
async def test_another_cpo_has_nothing_to_say_to_ours(
    hub: Hub, cpo: Partner, method: str, module: str, role: str, path: str
) -> None:
    """Two CPOs exchange no module at all, so ours looks unknown, as any CPO of a partner would."""
    answer = await cpo.call(method, module, path, role=role, json={}, to=OURS)
    assert said(answer) == (200, 4001)


async def test_a_cdr_for_our_party_is_not_kept(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", cdr("C1", owner=ABC), to=OURS)
    assert data(await emsp.get("cdrs", to=HUB)) == []


async def test_a_module_of_partners_own_is_not_ours(hub: Hub, emsp: Partner) -> None:
    url = emsp.hub_endpoints[("tokens", "RECEIVER")].replace("tokens", "nltnm-own")
    assert said(await emsp.request("GET", url, from_="DE/MSP", to=OURS)) == (200, 4000)


# --- charging preferences ------------------------------------------------------------------------------------------


class Charging:
    """A transaction at BOX-1 that runs, as the bridge knows it."""

    def __init__(self, at: datetime) -> None:
        token = IdToken(CARD)
        self.found = Transaction("T1", "BOX-1", "1", 1, 1, token, started_at=at, energy_wh=Decimal(1000))

    async def transaction(self, transaction_id: str, db: Any) -> Any:
        return self.found, (), ()


@pytest.mark.parametrize("to", [OURS, None])
async def test_charging_preferences_are_answered_with_a_bare_word(
    hub: Hub, emsp: Partner, charger: None, to: str | None
) -> None:
    """Row S1: the answer is a string; an EVSE without the capability is HTTP 404 and 2001."""
    await told(emsp)
    started = Charging(hub.clock())
    hub.resources.put(ChargerBook, started)  # type: ignore[type-abstract]
    async with hub.resources.unit_of_work() as db:
        await HubEvents(hub.resources).heard(TransactionStarted("BOX-1", hub.clock(), started.found), db)
    query = "?date_from=2020-01-01T00:00:00Z"
    [session] = data(await emsp.request("GET", emsp.hub_endpoints[("sessions", "SENDER")] + query, from_="DE/MSP"))

    async def wish(**preferences: Any) -> Any:
        path = f"{session['id']}/charging_preferences"
        return await emsp.call("PUT", "sessions", path, role="SENDER", json=preferences, to=to)

    assert said(await wish(profile_type="FAST")) == (404, 2001)
    for tariff_id, of_type in (("R", "REGULAR"), ("F", "PROFILE_FAST")):
        put = await hub.admin("PUT", f"/tariffs/{tariff_id}", tariff(tariff_id, type=of_type))
        assert put.status_code == 200, put.text
    async with hub.resources.unit_of_work() as db:
        await placing.change(hub.resources, "BOX-1", db, tariff_ids=["R", "F"])
    answer = await wish(profile_type="FAST")  # the connector did not offer it when the session started
    assert (data(answer), routed(answer)) == ("PROFILE_TYPE_NOT_SUPPORTED", ("DE/MSP", OURS))
    assert said(await wish(profile_type="SLOW")) == (200, 2001)
    assert said(await wish()) == (200, 2001)
    url = emsp.hub_endpoints[("sessions", "SENDER")] + "/nothing/charging_preferences"
    unknown = await emsp.request("PUT", url, json={"profile_type": "FAST"}, from_="DE/MSP", to=to)
    assert said(unknown) == ((404, 2001) if to else (200, 4001))
    async with registered(hub, ("EMSP", "FR", "TWO")) as other:
        path = f"{session['id']}/charging_preferences"
        foreign = await other.call("PUT", "sessions", path, role="SENDER", json={"profile_type": "FAST"}, to=OURS)
        assert said(foreign) == (404, 2001)
