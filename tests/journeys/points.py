"""Charge points made with the PyPI `ocpp` library: other people's code, with its own schemas, on real WebSockets."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from ocpp.routing import on
from ocpp.v16 import ChargePoint as Library16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Library201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

Point = TypeVar("Point", "Point16", "Point201")


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Point16(Library16):  # type: ignore[misc]
    """An OCPP 1.6J charge point. `asked` are the calls that the central system made."""

    protocol = "ocpp1.6"

    def __init__(self, charger_id: str, socket: Any) -> None:
        super().__init__(charger_id, socket)
        self.asked: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.answer = "Accepted"

    async def unplug(self) -> None:
        """Close the socket, as when the power goes."""
        await self._connection.close()

    async def boot(self) -> Any:
        return await self.call(call16.BootNotification(charge_point_model="One", charge_point_vendor="Acme"))

    async def status(self, word: str, connector_id: int = 1, *, at: datetime | None = None) -> None:
        await self.call(
            call16.StatusNotification(
                connector_id=connector_id,
                error_code="NoError",
                status=word,
                timestamp=stamp(at) if at is not None else None,
            ),
            suppress=False,
        )

    async def authorize(self, id_tag: str) -> str:
        answer = await self.call(call16.Authorize(id_tag=id_tag), suppress=False)
        return str(answer.id_tag_info["status"])

    async def begin(self, id_tag: str, at: datetime, *, meter: int, connector_id: int = 1) -> Any:
        return await self.call(
            call16.StartTransaction(connector_id=connector_id, id_tag=id_tag, meter_start=meter, timestamp=stamp(at)),
            suppress=False,
        )

    async def meter(self, transaction_id: int, at: datetime, wh: int, *, connector_id: int = 1) -> None:
        value = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        await self.call(
            call16.MeterValues(
                connector_id=connector_id,
                transaction_id=transaction_id,
                meter_value=[{"timestamp": stamp(at), "sampled_value": [value]}],
            ),
            suppress=False,
        )

    async def end(self, transaction_id: int, at: datetime, *, meter: int, id_tag: str | None = None) -> None:
        await self.call(
            call16.StopTransaction(
                meter_stop=meter, timestamp=stamp(at), transaction_id=transaction_id, id_tag=id_tag, reason="Local"
            ),
            suppress=False,
        )

    @on("RemoteStartTransaction")
    async def _remote_start(self, **payload: Any) -> Any:
        self.asked.put_nowait(("RemoteStartTransaction", payload))
        return result16.RemoteStartTransaction(status=self.answer)

    @on("RemoteStopTransaction")
    async def _remote_stop(self, **payload: Any) -> Any:
        self.asked.put_nowait(("RemoteStopTransaction", payload))
        return result16.RemoteStopTransaction(status=self.answer)


class Point201(Library201):  # type: ignore[misc]
    """An OCPP 2.0.1 charging station. `asked` are the calls that the central system made."""

    protocol = "ocpp2.0.1"

    def __init__(self, charger_id: str, socket: Any) -> None:
        super().__init__(charger_id, socket)
        self.asked: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.answer = "Accepted"
        self._numbers = iter(range(1000))

    async def boot(self) -> Any:
        station = {"model": "Two", "vendor_name": "Acme"}
        return await self.call(call201.BootNotification(charging_station=station, reason="PowerUp"), suppress=False)

    async def status(self, word: str, at: datetime, *, evse_id: int = 1) -> None:
        await self.call(
            call201.StatusNotification(timestamp=stamp(at), connector_status=word, evse_id=evse_id, connector_id=1),
            suppress=False,
        )

    async def authorize(self, id_token: str) -> str:
        token = {"id_token": id_token, "type": "ISO14443"}
        answer = await self.call(call201.Authorize(id_token=token), suppress=False)
        return str(answer.id_token_info["status"])

    async def event(
        self, kind: str, at: datetime, transaction: dict[str, Any], *, wh: int | None = None, **more: Any
    ) -> Any:
        """A TransactionEvent: `kind` Started, Updated or Ended; `wh` is the meter."""
        contexts = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}
        if wh is not None:
            context = contexts.get(kind, "Sample.Periodic")
            value = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register"}
            more["meter_value"] = [{"timestamp": stamp(at), "sampled_value": [value]}]
        return await self.call(
            call201.TransactionEvent(
                event_type=kind,
                timestamp=stamp(at),
                seq_no=next(self._numbers),
                transaction_info=transaction,
                **({"trigger_reason": "Authorized"} | more),
            ),
            suppress=False,
        )

    @on("RequestStartTransaction")
    async def _remote_start(self, **payload: Any) -> Any:
        self.asked.put_nowait(("RequestStartTransaction", payload))
        return result201.RequestStartTransaction(status=self.answer)

    @on("RequestStopTransaction")
    async def _remote_stop(self, **payload: Any) -> Any:
        self.asked.put_nowait(("RequestStopTransaction", payload))
        return result201.RequestStopTransaction(status=self.answer)


@asynccontextmanager
async def plugged_in(kind: type[Point], url: str, charger_id: str, *, password: str) -> AsyncIterator[Point]:
    """A charge point that is connected and has booted."""
    basic = base64.b64encode(f"{charger_id}:{password}".encode()).decode()
    async with connect(
        f"{url}/{charger_id}",
        subprotocols=[Subprotocol(kind.protocol)],
        additional_headers={"Authorization": f"Basic {basic}"},
        proxy=None,
    ) as socket:
        point = kind(charger_id, socket)
        reading = asyncio.create_task(point.start())
        try:
            assert (await point.boot()).status == "Accepted"
            yield point
        finally:
            reading.cancel()
