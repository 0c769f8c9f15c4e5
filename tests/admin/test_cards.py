"""Own cards and partners' tokens at a charger of each version: statuses, groups, masters, and the local list."""

import pytest

from bridge_ocpp.simulator import SimulatedCharger
from ocpi_hub.chargers import list_jobs
from tests.world import objects
from tests.world.chargers import LOCATION, running
from tests.world.partner import Partner
from tests.world.waiting import until


@pytest.fixture
def changed():
    return {"concurrent_transactions": False, "charger_timeout": 5}


@pytest.fixture(params=["ocpp1.6", "ocpp2.0.1"])
async def box(request, hub, bridge):
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1", "location": LOCATION})
    charger = SimulatedCharger(
        bridge.url, "BOX-1", password=added.json()["password"], protocol=request.param, evses=2, sample_every=60
    )
    async with running(charger):
        yield charger


async def card(hub, uid, **body):
    answer = await hub.admin("PUT", f"/tokens/{uid}", body)
    assert answer.status_code in (200, 201), answer.text


async def listed(hub):
    return (await hub.admin("GET", "/chargers/BOX-1")).json()["local_list"]


async def synced(hub, entries):
    """Look for changes, and wait until the charger's list has so many entries."""
    await list_jobs.look(hub.resources)

    async def there():
        found = await listed(hub)
        return found is not None and found["state"] in ("SYNCED", "TRUNCATED") and found["entries"] == entries

    await until(there)


# --- at the reader -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Accepted", "Blocked", "Expired", "Invalid"])
async def test_each_status_reaches_the_charger_as_itself(hub, box, status):
    await card(hub, "CARD1", status=status)
    assert await box.swipe(1, "CARD1") == status


async def test_a_card_that_expires_is_expired(hub, box):
    await card(hub, "CARD1", expires_at="2020-01-01T00:00:00Z")
    assert await box.swipe(1, "CARD1") == "Expired"


async def test_one_card_of_a_group_starts_and_another_stops(hub, box):
    await card(hub, "CARD1", group_id="FLEET")
    await card(hub, "CARD2", group_id="FLEET")
    await card(hub, "CARD3", group_id="OTHERS")
    assert await box.swipe(1, "CARD1") == "Accepted"
    assert await box.swipe(1, "CARD3") == "Accepted"
    assert box.evses[1].charge is not None
    assert await box.swipe(1, "CARD2") == "Accepted"
    assert box.evses[1].charge is None


async def test_a_master_card_stops_any_transaction_and_starts_none(hub, box):
    await card(hub, "MASTER", master=True)
    await card(hub, "CARD1")
    if box.speech.protocol != "ocpp1.6":
        name = {"component": "AuthCtrlr", "variable": "MasterPassGroupId", "value": "MASTERPASS"}
        await hub.admin("POST", "/chargers/BOX-1/variables/set", {"variables": [name]})
    assert await box.swipe(1, "CARD1") == "Accepted"
    await box.swipe(1, "MASTER")
    await until(lambda: box.evses[1].charge is None)

    async def stopped():
        return (await hub.admin("GET", "/transactions?active=false")).json()

    (transaction,) = await until(stopped)
    assert transaction["reason"] == ("Remote" if box.speech.protocol == "ocpp1.6" else "MasterPass")
    await box.charge_begins(2, "MASTER")

    async def refused():
        rows = (await hub.admin("GET", "/transactions?token=MASTER")).json()
        return rows and rows[0]["cdr_id"] is None

    await until(refused)


async def test_a_token_that_charges_elsewhere_is_concurrent_if_it_may_not(hub, box, bridge):
    await card(hub, "CARD1")
    answer = await start(box, 1, "CARD1")
    assert answer == "Accepted"
    assert await start(box, 2, "CARD1") == "ConcurrentTx"
    assert await box.swipe(1, "CARD1") == "Accepted", "it may stop its own"


async def start(box, evse, token):
    """Begin a charge, and the verdict in the answer to its start."""
    heard = []
    name = box.speech.name_charge
    box.speech.name_charge = lambda charge, answer: (heard.append(box.speech.verdict(answer)), name(charge, answer))
    await box.charge_begins(evse, token)
    box.speech.name_charge = name
    return heard[0]


# --- the local list ------------------------------------------------------------------------------------------------


async def test_the_list_is_kept_in_step_with_the_cards(hub, box):
    for number in range(45):
        await card(hub, f"CARD{number}", group_id="FLEET")
    await card(hub, "BAD", status="Blocked")
    await synced(hub, 46)
    assert box.device.knows("CARD7") == "Accepted"
    assert box.device.knows("bad") == "Blocked"
    assert box.device.group_of("CARD7") == "FLEET"
    first = box.device.list_version
    await card(hub, "CARD7", status="Blocked")
    await hub.admin("DELETE", "/tokens/CARD8")
    await synced(hub, 45)
    assert box.device.knows("CARD7") == "Blocked"
    assert box.device.knows("CARD8") is None
    assert box.device.list_version == first + 1, "two changes are one difference"
    await list_jobs.look(hub.resources)
    assert box.device.list_version == first + 1, "nothing changed, nothing is sent"


async def test_a_charger_that_lost_its_list_gets_the_whole_one(hub, box):
    await card(hub, "CARD1")
    await synced(hub, 1)
    box.device.local_list, box.device.list_version = {}, 0
    await card(hub, "CARD2")
    await synced(hub, 2)
    assert sorted(box.device.local_list) == ["card1", "card2"]


async def test_a_difference_that_does_not_apply_is_followed_by_the_whole_list(hub, box):
    await card(hub, "CARD1")
    await synced(hub, 1)
    take, refused = box.device.take_list, []

    def stubborn(version, entries, *, full):
        if not full and not refused:
            refused.append(version)
            return "VersionMismatch"
        return take(version, entries, full=full)

    box.device.take_list = stubborn
    await card(hub, "CARD2")
    await synced(hub, 2)
    assert refused
    assert sorted(box.device.local_list) == ["card1", "card2"]


async def test_what_does_not_fit_is_left_out_and_shown(hub, box):
    room = box.device.key("LocalAuthListMaxLength")
    room.most = 3
    assert (await hub.admin("POST", "/chargers/BOX-1/reports", {})).status_code == 202

    async def reported():
        document = (await hub.admin("GET", "/chargers/BOX-1/variables")).json()
        wishes = [one["wish"]["state"] for one in document["variables"] if one["wish"]]
        return wishes and set(wishes) == {"DONE"}

    await until(reported)
    await card(hub, "AAA", status="Blocked")
    for number in range(4):
        await card(hub, f"CARD{number}")
    await synced(hub, 3)
    assert set(box.device.local_list) <= {f"card{n}" for n in range(4)}, "those that may charge go first"
    assert (await listed(hub))["state"] == "TRUNCATED"


async def test_it_can_be_switched_off_and_sent_anew(hub, box):
    await card(hub, "CARD1")
    await synced(hub, 1)
    off = await hub.admin("PATCH", "/chargers/BOX-1", {"local_list": False})
    assert off.json()["local_list"]["enabled"] is False
    await list_jobs.look(hub.resources)
    await until(lambda: box.device.local_list == {})
    await hub.admin("PATCH", "/chargers/BOX-1", {"local_list": True})
    await synced(hub, 1)
    box.device.local_list.clear()
    sent = await hub.admin("POST", "/chargers/BOX-1/local-list")
    assert (sent.json()["state"], sent.json()["entries"]) == ("SYNCED", 1)
    assert sorted(box.device.local_list) == ["card1"]


async def test_a_charger_without_lists_is_left_alone(hub, box):
    box.unable.add("GetLocalListVersion")
    await card(hub, "CARD1")
    await list_jobs.look(hub.resources)

    async def known():
        return (await listed(hub))["state"] == "NOT_SUPPORTED"

    await until(known)


async def test_a_blocked_card_is_forgotten_where_it_was_accepted(hub, box):
    await card(hub, "CARD1")
    await list_jobs.look(hub.resources)
    assert await box.swipe(1, "CARD1") == "Accepted"
    await box.charge_ends(1)
    assert box.device.remembered == {"card1": "Accepted"}
    await card(hub, "CARD1", status="Blocked")
    await list_jobs.look(hub.resources)
    await until(lambda: box.device.remembered == {})


async def test_partners_tokens_are_listed_as_their_whitelist_says(hub, box):
    async with Partner(("EMSP", "DE", "MSP")) as emsp:
        await emsp.register(hub.versions_url, await hub.invite("An eMSP"))
        for uid, whitelist, valid in (
            ("ALWAYS", "ALWAYS", True),
            ("ALLOWED", "ALLOWED", True),
            ("OFFLINE", "ALLOWED_OFFLINE", True),
            ("NEVER", "NEVER", True),
            ("INVALID", "ALWAYS", False),
        ):
            token = objects.token(uid, whitelist=whitelist, valid=valid, group_id="G" * 25)
            answer = await emsp.put("tokens", f"DE/MSP/{uid}", token)
            assert answer.status_code in (200, 201), answer.text
        await card(hub, "OWN")
        await synced(hub, 5)
        known = {uid: box.device.knows(uid) for uid in ("ALWAYS", "ALLOWED", "OFFLINE", "NEVER", "INVALID", "OWN")}
        assert known == {
            "ALWAYS": "Accepted", "ALLOWED": "Accepted", "OFFLINE": "Accepted",
            "NEVER": None, "INVALID": "Blocked", "OWN": "Accepted",
        }  # fmt: skip
        assert box.device.group_of("ALWAYS") == (None if box.speech.protocol == "ocpp1.6" else "G" * 25)


async def test_away_from_the_hub_the_list_decides(hub, box, bridge):
    await card(hub, "CARD1")
    await card(hub, "CARD2", status="Blocked")
    await synced(hub, 2)
    box.device.remembered.clear()
    box.url = "ws://127.0.0.1:1/ocpp/BOX-1"
    await bridge.connections["box-1"].socket.close(1012, "away")
    await until(lambda: not box.online.is_set())
    assert await box.swipe(1, "CARD1") == "Accepted"
    assert await box.swipe(2, "CARD2") == "Blocked"
    assert await box.swipe(2, "CARD3") == "Invalid"
