"""A charging station of OCPP 2.1 that is not ours: the PyPI `ocpp` library, which validates every answer."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from ocpp.routing import on
from ocpp.v21 import ChargePoint, call, call_result
from ocpp.v21.enums import Action

from bridge_ocpp import port
from bridge_ocpp.port import AuthStatus, IdToken, RawCall, StartCharging, StopCharging, Verdict
from tests.bridge.chargers import dialled, now
from tests.bridge.conftest import Place
from tests.world.waiting import until

logging.getLogger("ocpp").setLevel(logging.CRITICAL)

TOKEN = {"id_token": "TAG", "type": "ISO14443"}


class Box21(ChargePoint):  # type: ignore[misc]
    """Starts and stops when it is told to."""

    seq = 0

    @on(Action.request_start_transaction)
    async def start_remotely(self, id_token: dict[str, Any], remote_start_id: int, **_: Any) -> Any:
        self.later = asyncio.create_task(self.begin(id_token, remote_start_id=remote_start_id))
        return call_result.RequestStartTransaction(status="Accepted", transaction_id="TX-21")

    @on(Action.request_stop_transaction)
    async def stop_remotely(self, transaction_id: str, **_: Any) -> Any:
        self.later = asyncio.create_task(self.end())
        return call_result.RequestStopTransaction(status="Accepted")

    @on(Action.get_tariffs)
    async def tariffs(self, evse_id: int, **_: Any) -> Any:
        return call_result.GetTariffs(status="NoTariff")

    async def boot(self) -> Any:
        station = {"model": "M", "vendor_name": "V"}
        return await self.call(call.BootNotification(charging_station=station, reason="PowerUp"), suppress=False)

    async def tell(self, kind: str, wh: float, *, state: str, **more: Any) -> Any:
        info = {"transaction_id": "TX-21", "charging_state": state} | more.pop("info", {})
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        answer = await self.call(
            call.TransactionEvent(
                event_type=kind,
                timestamp=now(),
                trigger_reason="RemoteStart" if kind == "Started" else "MeterValuePeriodic",
                seq_no=self.seq,
                transaction_info=info,
                evse={"id": 1, "connector_id": 1},
                meter_value=[{"timestamp": now(), "sampled_value": [{"value": wh, "context": context}]}],
                **more,
            ),
            suppress=False,
        )
        self.seq += 1
        return answer

    async def begin(self, id_token: dict[str, Any], *, remote_start_id: int | None = None) -> Any:
        info: dict[str, Any] = {"operation_mode": "ChargingOnly"}
        info |= {} if remote_start_id is None else {"remote_start_id": remote_start_id}
        return await self.tell("Started", 100.0, state="Charging", id_token=id_token, info=info)

    async def end(self) -> None:
        await self.tell("Ended", 1600.5, state="EVConnected", info={"stopped_reason": "Remote"})


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[Box21]:
    await place.register("BOX")
    async with dialled(place.bridge.url, "BOX", "ocpp2.1") as socket:
        box = Box21("BOX", socket, response_timeout=5)
        reading = asyncio.create_task(box.start())
        try:
            assert (await box.boot()).status == "Accepted"
            yield box
        finally:
            reading.cancel()


async def test_2_1_boots_authorises_charges_and_is_stopped(place: Place) -> None:
    async with running(place) as box:
        assert (await box.call(call.Heartbeat(), suppress=False)).current_time
        status = call.StatusNotification(timestamp=now(), connector_status="Available", evse_id=1, connector_id=1)
        await box.call(status, suppress=False)
        place.hub.verdict = Verdict(AuthStatus.ACCEPTED, IdToken("FAMILY", "Central"))
        authorised = await box.call(call.Authorize(id_token=TOKEN), suppress=False)
        assert authorised.id_token_info["group_id_token"] == {"id_token": "FAMILY", "type": "Central"}
        started = await box.begin(TOKEN)
        assert started.id_token_info["status"] == "Accepted"
        await box.tell("Updated", 1100.25, state="SuspendedEV")
        (transaction,) = await place.transactions(active=True)
        assert transaction.energy_wh == Decimal("1000.25")
        assert (await place.ask("BOX", StopCharging(transaction.id))).accepted
        (ended,) = await until(lambda: place.told(port.TransactionEnded))
    assert ended.transaction.energy_wh == Decimal("1500.5")
    assert (await place.record("BOX")).protocol == "ocpp2.1"


async def test_2_1_starts_remotely_and_says_what_for(place: Place) -> None:
    async with running(place):
        await place.seated("BOX")
        assert (await place.ask("BOX", StartCharging(IdToken("TAG", "Central"), 42, evse_id=1))).accepted
        (started,) = await until(lambda: place.told(port.TransactionStarted))
        assert (started.transaction.remote_start_id, started.transaction.ocpp_id) == (42, "TX-21")


async def test_2_1_says_and_hears_what_is_new(place: Place) -> None:
    async with running(place) as box:
        data = {"id": 1, "variable_monitoring_id": 2, "params": {"interval": 5, "values": 3}}
        opened = await box.call(call.OpenPeriodicEventStream(constant_stream_data=data), suppress=False)
        assert opened.status == "Accepted"
        await box.call(call.ClosePeriodicEventStream(id=1), suppress=False)
        await box.call(call.NotifyDERStartStop(control_id="c", started=True, timestamp=now()), suppress=False)
        await place.seated("BOX")
        answer = await place.ask("BOX", RawCall("GetTariffs", {"evseId": 1}))
        assert answer.payload == {"status": "NoTariff"}
        answered = await box.call(call.VatNumberValidation(vat_number="NL123456789B01"), suppress=False)
        assert (answered.status, answered.status_info["reason_code"]) == ("Rejected", "NotConfigured")
