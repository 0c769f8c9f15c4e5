"""X31: a charger that was away for a day delivers 200 messages to a hub that was restarted twice meanwhile.

Its CDR is the one that the same charge has at a charger that was never away; signed meter values are as they came.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpi_hub.bridge import bridge_of
from ocpi_hub.chargers.binding import bind
from tests.bridge.chargers import RawCharger, raw, stamp
from tests.journeys.conftest import LOCATION, PASSWORD, TARIFF
from tests.world import objects
from tests.world.hub import Hub, running_hub
from tests.world.partner import Partner
from tests.world.waiting import until

DAY = timedelta(hours=24)
STEP = timedelta(minutes=7)
MESSAGES = 200
CARD = "04A1B2C3D4E5F6"
BOOT = {
    "ocpp1.6": {"chargePointVendor": "V", "chargePointModel": "M"},
    "ocpp2.0.1": {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}},
}
OCMF = 'OCMF|{"FV":"1.0","GI":"ü \\u00e4","RD":[{"RV":%d.10}]}|{"SD":"3045+/="}'


@pytest.fixture
async def hub(database_url: str, redis_url: str) -> AsyncIterator[Hub]:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_hub(database_url, redis_url, works=True, ocpp_port=0))
        bind(hub.resources)
        emsp = await stack.enter_async_context(Partner(("EMSP", "DE", "MSP"), name="An eMSP"))
        await emsp.register(hub.versions_url, await hub.invite("An eMSP"))
        told = await emsp.put("tokens", f"DE/MSP/{CARD}", objects.token(CARD, whitelist="ALWAYS"))
        assert told.status_code in (200, 201), told.text
        assert (await hub.admin("PUT", "/tariffs/FAST", TARIFF)).status_code == 200
        for number in (1, 2):
            body = {"location": LOCATION if number == 1 else {"id": "LOC1"}, "evses": [{"uid": f"EVSE{number}"}]}
            body |= {"id": f"BOX-{number}", "password": PASSWORD, "tariff_ids": ["FAST"]}
            assert (await hub.admin("POST", "/chargers", body)).status_code == 201
        yield hub


def charge_16(begin: datetime) -> list[tuple[datetime, str, dict[str, Any]]]:
    """A charge of 200 messages in OCPP 1.6; the transaction's number is filled in when it is known."""
    start = {"connectorId": 1, "idTag": CARD, "meterStart": 1000, "timestamp": stamp(begin)}
    found = [(begin, "StartTransaction", start)]
    for number in range(1, MESSAGES - 1):
        at = begin + STEP * number
        sampled = [{"value": str(1000 + 50 * number), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}]
        if number == 1:
            sampled.append({"value": OCMF % 1, "format": "SignedData", "context": "Sample.Periodic"})
        value = {"timestamp": stamp(at), "sampledValue": sampled}
        found.append((at, "MeterValues", {"connectorId": 1, "transactionId": None, "meterValue": [value]}))
    at = begin + STEP * (MESSAGES - 1)
    signed = {"value": OCMF % 2, "format": "SignedData", "context": "Transaction.End"}
    plain = {"value": "11000", "context": "Transaction.End"}
    data = [{"timestamp": stamp(at), "sampledValue": [plain, signed]}]
    stop = {"transactionId": None, "idTag": CARD, "meterStop": 11000, "timestamp": stamp(at), "transactionData": data}
    return [*found, (at, "StopTransaction", stop)]


def charge_201(begin: datetime) -> list[tuple[datetime, str, dict[str, Any]]]:
    """The same in OCPP 2.0.1."""
    found = []
    for number in range(MESSAGES):
        at, last = begin + STEP * number, number == MESSAGES - 1
        kind, context = ("Ended", "Transaction.End") if last else ("Updated", "Sample.Periodic")
        if number == 0:
            kind, context = "Started", "Transaction.Begin"
        sample: dict[str, Any] = {"value": 11000 if last else 1000 + 50 * number, "context": context}
        if number in (0, MESSAGES - 1):
            signed = {"signedMeterData": OCMF % number, "signingMethod": "ECDSA", "publicKey": "QUJD"}
            sample["signedMeterValue"] = signed | {"encodingMethod": "OCMF"}
        event = {
            "eventType": kind,
            "timestamp": stamp(at),
            "triggerReason": "Authorized" if number == 0 else "MeterValuePeriodic",
            "seqNo": number,
            "transactionInfo": {"transactionId": "TX", "chargingState": "Idle" if last else "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": stamp(at), "sampledValue": [sample]}],
        }
        if number == 0:
            event["idToken"] = {"idToken": CARD, "type": "ISO14443"}
        found.append((at, "TransactionEvent", event))
    return found


CHARGES = {"ocpp1.6": charge_16, "ocpp2.0.1": charge_201}


class Teller:
    """Says the messages of a charge; remembers the number that a 1.6 transaction was given."""

    def __init__(self) -> None:
        self.number: int | None = None

    async def say(self, charger: RawCharger, action: str, payload: dict[str, Any], **more: Any) -> None:
        if "transactionId" in payload:
            payload = {**payload, "transactionId": self.number}
        answer = await charger.call(action, {**payload, **more})
        assert isinstance(answer, dict), answer
        self.number = answer.get("transactionId", self.number)


@pytest.mark.parametrize("protocol", list(CHARGES))
async def test_the_cdr_of_a_day_offline_is_that_of_a_day_online(hub: Hub, protocol: str) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) - DAY
    messages, password = CHARGES[protocol](begin), {"password": PASSWORD}
    hub.clock.ahead = begin - datetime.now(UTC) - timedelta(minutes=5)
    async with bridge_of(hub.resources).run() as bridge:
        async with raw(bridge.url, "BOX-2", protocol, **password) as away:
            await away.call("BootNotification", BOOT[protocol])
        async with raw(bridge.url, "BOX-1", protocol, **password) as there:
            await there.call("BootNotification", BOOT[protocol])
            teller = Teller()
            for at, action, payload in messages:
                hub.clock.ahead = at - datetime.now(UTC)
                await teller.say(there, action, payload)
    await until(lambda: cdrs(hub, 1))
    hub.clock.ahead = timedelta(0)
    teller, offline = Teller(), {"offline": True} if protocol == "ocpp2.0.1" else {}
    for part in (messages[:70], messages[70:140], messages[140:]):
        async with (
            bridge_of(hub.resources).run() as bridge,
            raw(bridge.url, "BOX-2", protocol, **password) as back,
        ):
            await back.call("BootNotification", BOOT[protocol])
            for _, action, payload in part:
                await teller.say(back, action, payload, **offline)
    one, other = await until(lambda: cdrs(hub, 2))
    assert told(one) == told(other)
    assert one["total_energy"] == pytest.approx(10)
    values = [value["signed_data"] for value in one["signed_data"]["signed_values"]]
    assert values == [OCMF % n for n in ((1, 2) if protocol == "ocpp1.6" else (0, MESSAGES - 1))]


async def cdrs(hub: Hub, count: int) -> list[Any] | None:
    found: list[Any] = (await hub.admin("GET", "/cdrs")).json()
    return found if len(found) == count else None


def told(cdr: dict[str, Any]) -> dict[str, Any]:
    """What a CDR says, without what names it, its session and its EVSE."""
    own = {"id", "session_id", "last_updated"}
    place = {key: value for key, value in cdr["cdr_location"].items() if key not in ("evse_uid", "evse_id")}
    return {key: value for key, value in cdr.items() if key not in own} | {"cdr_location": place}
