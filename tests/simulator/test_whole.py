"""What the simulated charger can say and be asked is all that there is: proven for each version, at a real hub.

docs/simulator.md and docs/ocpp-actions.md say so; here it is exchanged.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.simulator import ANSWERS, Car, SimulatedCharger, play
from ocpi_hub.simulator.provider import SimulatedProvider
from tests.bridge.test_actions import edition_of, script
from tests.bridge.test_every_action import said
from tests.simulator.lab import CARD, at_the_hub, call, until
from tests.spoken import listening
from tests.world.hub import Hub

VERSIONS = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.protocol)
EMAID = "NLSIMC00000001"


@pytest.fixture
async def provider(tmp_path) -> AsyncIterator[SimulatedProvider]:
    async with SimulatedProvider(tmp_path).serving() as found:
        yield found


@pytest.fixture
def settings(provider: SimulatedProvider) -> dict[str, Any]:
    return {name.removeprefix("OCPI_HUB_").lower(): value for name, value in provider.settings().items()}


def asked_of_chargers(dialect: Dialect) -> set[str]:
    actions = script()
    return set(edition_of(dialect).actions - (actions.FROM_CHARGER - actions.BOTH_WAYS))


@VERSIONS
async def test_it_answers_whatever_it_may_be_asked(hub: Hub, dialect: Dialect) -> None:
    assert set(ANSWERS[dialect.protocol]) == asked_of_chargers(dialect)
    async with at_the_hub(hub, dialect.protocol) as box:
        for action in sorted(ANSWERS[dialect.protocol]):
            answer = await call(hub, action, said(dialect, action))
            assert "code" not in answer, f"{action}: {answer}"
            assert edition_of(dialect).response_heard(action).holds(answer), f"{action}: {answer}"
        box.unable.add("DataTransfer")
        assert (await call(hub, "DataTransfer", {"vendorId": "X"}))["code"] == "NotImplemented"


def _later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


MONITOR = {
    "value": 1,
    "type": "UpperThreshold",
    "severity": 5,
    "component": {"name": "EVSE"},
    "variable": {"name": "Power"},
}
MESSAGE = {"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Welcome"}}
LOG = {"remoteLocation": "http://127.0.0.1:1/log"}
IMAGE = "https://images.example/box-2.0.0.bin"
CURVE = {"curveData": [{"x": 50, "y": 0}], "priority": 1, "yUnit": "PctMaxW"}


def profile(kind: str = "Absolute", **more: Any) -> dict[str, Any]:
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}
    about = {"id": 9, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": kind}
    return {"evseId": 1, "chargingProfile": {**about, **more, "chargingSchedule": [schedule]}}


def calls_of_16() -> list[tuple[str, Any]]:
    signed = {"location": IMAGE, "retrieveDateTime": _later(0), "signingCertificate": "A", "signature": "A"}
    return [
        ("GetDiagnostics", {"location": "http://127.0.0.1:1/log"}),
        ("GetLog", {"log": LOG, "logType": "SecurityLog", "requestId": 1}),
        ("UpdateFirmware", {"location": IMAGE, "retrieveDate": _later(0)}),
        ("SignedUpdateFirmware", {"requestId": 2, "firmware": signed}),
    ]


def calls_of_201() -> list[tuple[str, Any]]:
    token = {"idToken": CARD, "type": "ISO14443"}
    customer = {"requestId": 1, "report": True, "clear": False, "idToken": token}
    return [
        ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}),
        ("GetLog", {"log": LOG, "logType": "SecurityLog", "requestId": 1}),
        ("CustomerInformation", customer),
        ("SetDisplayMessage", {"message": MESSAGE}),
        ("GetDisplayMessages", {"requestId": 1}),
        ("SetVariableMonitoring", {"setMonitoringData": [MONITOR]}),
        ("GetMonitoringReport", {"requestId": 1}),
        ("SetChargingProfile", profile()),
        ("GetChargingProfiles", {"requestId": 1, "chargingProfile": {}}),
        ("ReserveNow", {"id": 1, "expiryDateTime": _later(0.5), "idToken": token, "evseId": 1}),
        ("PublishFirmware", {"location": IMAGE, "checksum": "0" * 32, "requestId": 1}),
        ("TriggerMessage", {"requestedMessage": "MeterValues"}),
    ]


def update_of_201() -> tuple[str, Any]:
    """The charger restarts after it."""
    return "UpdateFirmware", {"requestId": 3, "firmware": {"location": IMAGE, "retrieveDateTime": _later(0)}}


def calls_of_21() -> list[tuple[str, Any]]:
    control = {"isDefault": False, "controlId": "C1", "controlType": "VoltWatt"}
    streamed = {**MONITOR, "id": 77, "periodicEventStream": {"interval": 0, "values": 1}}
    return [
        ("SetVariableMonitoring", {"setMonitoringData": [streamed]}),
        ("SetDERControl", {**control, "curve": {**CURVE, "startTime": _later(0.2)}}),
        ("GetDERControl", {"requestId": 1}),
        ("SetChargingProfile", profile("Dynamic", dynUpdateInterval=1)),
    ]


SCENES = {
    "ocpp1.6": ["charge", "trouble", "certificate"],
    "ocpp2.0.1": ["charge", "trouble", "certificate", "contract", "needs", "limit"],
    "ocpp2.1": ["charge", "trouble", "certificate", "contract", "needs", "limit", "payment", "grid", "swap"],
}


@VERSIONS
async def test_it_says_whatever_there_is_to_say(hub: Hub, provider: SimulatedProvider, dialect: Dialect) -> None:
    everything = {action for action in edition_of(dialect).actions if action in script().FROM_CHARGER}
    everything |= set(edition_of(dialect).unanswered)
    for token in (EMAID, "PSP-BOX-1-1"):
        await hub.admin("PUT", f"/tokens/{token}", {})
    await hub.admin("PUT", "/sites/garage", {"limit_a": 32, "chargers": []})
    with listening() as heard:
        swaps = dialect.protocol == "ocpp2.1"
        made = {"power_w": Decimal(22_000), "evses": 2 if swaps else 1, "batteries": swaps, "heartbeat_every": 0.5}
        async with at_the_hub(hub, dialect.protocol, **made) as box:
            await hub.admin("PUT", "/sites/garage", {"limit_a": 32, "chargers": ["BOX-1"]})
            await _play_all(hub, box, provider, dialect.protocol)
            if dialect.protocol == "ocpp1.6":
                await _ask_all(hub, box, calls_of_16())
            else:
                await _ask_all(hub, box, calls_of_201() + (calls_of_21() if dialect.protocol == "ocpp2.1" else []))

            def missing() -> set[str]:
                told = {action for version, way, action in heard if (version, way) == (dialect.protocol, "in")}
                return everything - told

            if dialect.protocol == "ocpp2.1":
                await until(lambda: box.streams.open)
                assert (await call(hub, "ClearVariableMonitoring", {"id": [77]}))["clearMonitoringResult"]
                await until(lambda: missing() <= {"FirmwareStatusNotification"})
            if dialect.protocol != "ocpp1.6":
                await call(hub, *update_of_201())
            try:
                await until(lambda: not missing())
            except TimeoutError:
                pytest.fail(f"it did not say {sorted(missing())}")


async def _play_all(hub: Hub, box: SimulatedCharger, provider: SimulatedProvider, protocol: str) -> None:
    car = Car(wants_wh=Decimal(5), departs_in=3.0)
    for name in SCENES[protocol]:
        vat = {"vat_number": provider.vat_number} if name == "payment" else {}
        await asyncio.wait_for(play(box, name, card=CARD, seconds=0.3, car=car, **vat), 60)
    if protocol == "ocpp2.1":
        await box.swipe(1, CARD)
        first = profile(id=8, chargingProfilePurpose="PriorityCharging")
        assert (await call(hub, "SetChargingProfile", first))["status"] == "Accepted"
        assert await box.dynamic.prefer(1)
        await box.charge_ends(1)


async def _ask_all(hub: Hub, box: SimulatedCharger, calls: list[tuple[str, Any]]) -> None:
    for action, payload in calls:
        answer = await call(hub, action, payload)
        assert "code" not in answer, f"{action}: {answer}"
        await until(lambda: all(place.reservation is None for place in box.evses.values()))
