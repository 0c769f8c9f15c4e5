"""Charge points that are not ours: the PyPI `ocpp` library, which validates every answer with its own schemas."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v16.enums import Action as Action16
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201
from ocpp.v201.enums import Action as Action201
from websockets.exceptions import ConnectionClosed

from bridge_ocpp import port
from bridge_ocpp.port import AuthStatus, ChargingState, IdToken, RawCall, StartCharging, StopCharging, Verdict
from tests.bridge.chargers import dialled, now
from tests.bridge.conftest import Place
from tests.world.waiting import until

logging.getLogger("ocpp").setLevel(logging.CRITICAL)


class Box16(ChargePoint16):  # type: ignore[misc]
    """A charge point of 1.6 that starts and stops when it is told to."""

    number: int | None = None

    @on(Action16.remote_start_transaction)
    async def start_remotely(self, id_tag: str, **_: Any) -> Any:
        self.later = asyncio.create_task(self.begin(id_tag))
        return result16.RemoteStartTransaction(status="Accepted")

    @on(Action16.remote_stop_transaction)
    async def stop_remotely(self, transaction_id: int) -> Any:
        known = transaction_id == self.number
        if known:
            self.later = asyncio.create_task(self.end())
        return result16.RemoteStopTransaction(status="Accepted" if known else "Rejected")

    async def begin(self, id_tag: str) -> Any:
        answer = await self.call(
            call16.StartTransaction(connector_id=1, id_tag=id_tag, meter_start=100, timestamp=now())
        )
        self.number = answer.transaction_id
        return answer

    async def end(self) -> None:
        await self.call(call16.StopTransaction(transaction_id=self.number, meter_stop=1600, timestamp=now()))


class Box201(ChargePoint201):  # type: ignore[misc]
    """A charge point of 2.0.1 that starts and stops when it is told to."""

    seq = 0

    @on(Action201.request_start_transaction)
    async def start_remotely(self, id_token: dict[str, Any], remote_start_id: int, **_: Any) -> Any:
        self.later = asyncio.create_task(self.begin(id_token, remote_start_id=remote_start_id))
        return result201.RequestStartTransaction(status="Accepted", transaction_id="TX-201")

    @on(Action201.request_stop_transaction)
    async def stop_remotely(self, transaction_id: str) -> Any:
        self.later = asyncio.create_task(self.end())
        return result201.RequestStopTransaction(status="Accepted")

    async def tell(self, kind: str, wh: float, *, state: str, **more: Any) -> Any:
        info = {"transaction_id": "TX-201", "charging_state": state} | more.pop("info", {})
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        answer = await self.call(
            call201.TransactionEvent(
                event_type=kind,
                timestamp=now(),
                trigger_reason="RemoteStart" if kind == "Started" else "MeterValuePeriodic",
                seq_no=self.seq,
                transaction_info=info,
                evse={"id": 1, "connector_id": 1},
                meter_value=[{"timestamp": now(), "sampled_value": [{"value": wh, "context": context}]}],
                **more,
            )
        )
        self.seq += 1
        return answer

    async def begin(self, id_token: dict[str, Any], *, remote_start_id: int | None = None) -> Any:
        info = {} if remote_start_id is None else {"remote_start_id": remote_start_id}
        return await self.tell("Started", 100.0, state="Charging", id_token=id_token, info=info)

    async def end(self) -> None:
        await self.tell("Ended", 1600.5, state="EVConnected", info={"stopped_reason": "Remote"})


@asynccontextmanager
async def running(place: Place, kind: type, protocol: str) -> AsyncIterator[Any]:
    """A charge point of the library, connected."""
    await place.register("BOX")
    async with dialled(place.bridge.url, "BOX", protocol) as socket:
        box = kind("BOX", socket, response_timeout=5)
        reading = asyncio.create_task(box.start())
        try:
            yield box
        finally:
            reading.cancel()
            with pytest.raises((asyncio.CancelledError, ConnectionClosed)):
                await reading


async def test_1_6_boots_authorises_charges_and_is_stopped(place: Place) -> None:
    async with running(place, Box16, "ocpp1.6") as box:
        booted = await box.call(call16.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        assert (booted.status, booted.interval) == ("Accepted", 300)
        assert abs((datetime.fromisoformat(booted.current_time) - datetime.now(UTC)).total_seconds()) < 10
        assert (await box.call(call16.Heartbeat())).current_time
        await box.call(call16.StatusNotification(connector_id=1, error_code="NoError", status="Available"))
        place.hub.verdict = Verdict(AuthStatus.ACCEPTED, group=IdToken("FAMILY"), expires_at=datetime.now(UTC))
        authorised = await box.call(call16.Authorize(id_tag="TAG"))
        assert authorised.id_tag_info["parent_id_tag"] == "FAMILY"
        started = await box.begin("TAG")
        assert started.id_tag_info["status"] == "Accepted"
        sampled = [{"value": "1.1", "unit": "kWh", "measurand": "Energy.Active.Import.Register"}]
        await box.call(
            call16.MeterValues(
                connector_id=1,
                transaction_id=box.number,
                meter_value=[{"timestamp": now(), "sampled_value": sampled}],
            )
        )
        (transaction,) = await place.transactions(active=True)
        assert transaction.energy_wh == 1000
        assert (await place.ask("BOX", StopCharging(transaction.id))).accepted
        await until(lambda: place.told(port.TransactionEnded))
    assert place.told(port.TransactionEnded)[0].transaction.energy_wh == 1500
    assert await until(lambda: place.heard("TransactionEnded")) == 1


async def test_1_6_starts_remotely_and_knows_what_for(place: Place) -> None:
    async with running(place, Box16, "ocpp1.6"):
        await place.seated("BOX")
        assert (await place.ask("BOX", StartCharging(IdToken("TAG"), 42, evse_id=1))).accepted
        (started,) = await until(lambda: place.told(port.TransactionStarted))
        assert (started.transaction.remote_start_id, started.transaction.id_token) == (42, IdToken("TAG"))


async def test_1_6_other_messages_are_answered_within_their_schemas(place: Place) -> None:
    async with running(place, Box16, "ocpp1.6") as box:
        assert (await box.call(call16.DataTransfer(vendor_id="x", data="y"))).status == "UnknownVendorId"
        await box.call(call16.FirmwareStatusNotification(status="Installed"))
        await box.call(call16.DiagnosticsStatusNotification(status="Idle"))
        answer = await place.ask("BOX", RawCall("GetConfiguration", {"key": ["HeartbeatInterval"]}))
        assert answer.error is not None
        assert answer.error["code"] in ("NotImplemented", "NotSupported")
    topics = await place.value("SELECT string_agg(topic, ' ' ORDER BY id) FROM ocpp_notice")
    assert topics == "FirmwareStatusNotification DiagnosticsStatusNotification"


async def test_2_0_1_boots_authorises_charges_and_is_stopped(place: Place) -> None:
    async with running(place, Box201, "ocpp2.0.1") as box:
        station = {"model": "M", "vendor_name": "V"}
        booted = await box.call(call201.BootNotification(charging_station=station, reason="PowerUp"))
        assert (booted.status, booted.interval) == ("Accepted", 300)
        assert (await box.call(call201.Heartbeat())).current_time
        await box.call(
            call201.StatusNotification(timestamp=now(), connector_status="Available", evse_id=1, connector_id=1)
        )
        token = {"id_token": "TAG", "type": "ISO14443"}
        place.hub.verdict = Verdict(AuthStatus.ACCEPTED, IdToken("FAMILY", "Central"), datetime.now(UTC), "Welcome")
        authorised = await box.call(call201.Authorize(id_token=token))
        assert authorised.id_token_info["group_id_token"] == {"id_token": "FAMILY", "type": "Central"}
        started = await box.begin(token)
        assert started.id_token_info["personal_message"]["content"] == "Welcome"
        await box.tell("Updated", 1100.25, state="SuspendedEV")
        (transaction,) = await place.transactions(active=True)
        assert transaction.energy_wh == Decimal("1000.25")
        assert (await place.ask("BOX", StopCharging(transaction.id))).accepted
        (ended,) = await until(lambda: place.told(port.TransactionEnded))
    assert ended.transaction.energy_wh == Decimal("1500.5")
    assert [change.state for change in ended.states] == [
        ChargingState.CHARGING,
        ChargingState.SUSPENDED_EV,
        ChargingState.EV_CONNECTED,
    ]


async def test_2_0_1_starts_remotely_and_says_what_for(place: Place) -> None:
    async with running(place, Box201, "ocpp2.0.1"):
        await place.seated("BOX")
        assert (await place.ask("BOX", StartCharging(IdToken("TAG", "Central"), 42, evse_id=1))).accepted
        (started,) = await until(lambda: place.told(port.TransactionStarted))
        assert (started.transaction.remote_start_id, started.transaction.ocpp_id) == (42, "TX-201")


async def test_2_0_1_other_messages_are_answered_within_their_schemas(place: Place) -> None:
    async with running(place, Box201, "ocpp2.0.1") as box:
        assert (await box.call(call201.DataTransfer(vendor_id="x"))).status == "UnknownVendorId"
        await box.call(call201.SecurityEventNotification(type="FirmwareUpdated", timestamp=now()))
        await box.call(call201.LogStatusNotification(status="Idle"))
        await box.call(call201.NotifyReport(request_id=1, generated_at=now(), seq_no=0))
        sampled = [{"value": 230.0, "measurand": "Voltage"}]
        await box.call(call201.MeterValues(evse_id=0, meter_value=[{"timestamp": now(), "sampled_value": sampled}]))
    assert await place.value("SELECT kind FROM ocpp_security_event") == "FirmwareUpdated"
