"""The periodic event streams of our chargers (OCPP 2.1), for operators."""

from typing import Any

from fastapi import APIRouter

from bridge_ocpp.port import StreamBook
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import Json, ResourcesDep
from ocpi_hub.admin.charger_shapes import StreamAnswer

router = APIRouter(default_response_class=Json)


@router.get("/chargers/{charger_id}/event-streams", response_model=list[StreamAnswer])
async def get_event_streams(charger_id: str, resources: ResourcesDep) -> Any:
    """The streams that this charger has open, with the newest values of each."""
    await known.charger(resources, charger_id)
    async with resources.unit_of_work() as db:
        found = await resources.get(StreamBook).streams(charger_id, db)  # type: ignore[type-abstract]
    return Json(
        [
            {
                "id": stream.id,
                "monitoring_id": stream.monitoring_id,
                "interval": stream.interval,
                "most_values": stream.most_values,
                "opened_at": stream.opened_at,
                "heard_at": stream.heard_at,
                "heard": stream.heard,
                "pending": stream.pending,
                "values": [{"at": at, "value": value} for at, value in stream.values],
            }
            for stream in found
        ]
    )
