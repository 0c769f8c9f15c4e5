"""Periodic event streams of 2.1 (N11 to N16): opened and closed by a call, filled by SEND. Pure tables."""

from collections.abc import Mapping

from bridge_ocpp import meter
from bridge_ocpp.clock import read_time
from bridge_ocpp.dialects.stream_words import StreamClosed, StreamOpened, StreamTold
from bridge_ocpp.dialects.words import Inbound, Payload, Reply, nothing


def _opened(payload: Payload) -> StreamOpened:
    about = payload["constantStreamData"]
    params = about["params"]
    return StreamOpened(
        int(about["id"]), int(about["variableMonitoringId"]), _optional(params, "interval"), _optional(params, "values")
    )


def _opened_answer(reply: Reply) -> Payload:
    return {"status": "Accepted" if reply.accepted else "Rejected"}


def _told(payload: Payload) -> StreamTold:
    distances = ((meter.read_number(element["t"]), element["v"]) for element in payload["data"])
    values = tuple((distance, value) for distance, value in distances if distance is not None)
    return StreamTold(int(payload["id"]), read_time(payload.get("basetime")), int(payload["pending"]), values)


def _optional(params: Payload, name: str) -> int | None:
    return int(params[name]) if name in params else None


INBOUND: Mapping[str, Inbound] = {
    "OpenPeriodicEventStream": Inbound(_opened, _opened_answer),
    "ClosePeriodicEventStream": Inbound(lambda payload: StreamClosed(int(payload["id"])), nothing),
}
SENDS: Mapping[str, Inbound] = {"NotifyPeriodicEventStream": Inbound(_told, nothing)}
