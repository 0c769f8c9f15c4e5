"""Commands as these tests send them: by an eMSP to BOX-1, whose charger the test plays."""

from typing import Any

from sqlmodel import col

from bridge_ocpp.port import TransactionStarted
from ocpi_hub.chargers import commands, jobs
from ocpi_hub.chargers.tables import PartnerCommand
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.wire import json
from ocpi_hub.wire.commands import CommandType
from ocpi_hub.wire.headers import PartyId
from tests.chargers.house import CPO, EMSP, House, transaction
from tests.world import objects

URL = "https://msp.example.com/ocpi/commands/START_SESSION/7"
APP = "bdf21bce-fc97-11e8-8eb2-f2801f1b9fd1"
OTHER = PartyId("FR", "TWO")


async def command(house: House, kind: str, *, sender: PartyId = EMSP, to: PartyId | None = CPO, **body: Any) -> Any:
    """Send a command and give the CommandResponse."""
    asked = commands.Asked(
        type=CommandType(kind),
        body={"response_url": URL, **body},
        platform_id="MSP",
        from_party=sender,
        to_party=to,
        correlation_id="corr-7",
    )
    async with house.resources.unit_of_work() as db:
        response = await commands.accept(house.resources, asked, db)
    return response.document()


async def start_session(house: House, **body: Any) -> Any:
    token = objects.token(APP, type="APP_USER", whitelist="NEVER")
    plain = {"token": token, "location_id": "LOC1", "evse_uid": "EVSE1", "authorization_reference": "REF-1"}
    return await command(house, "START_SESSION", **(plain | body))


async def work(house: House) -> None:
    """Run the jobs whose bells rang."""
    bells, house.bells[:] = list(house.bells), []
    for name, ids in bells:
        if name == "chargers.execute":
            await jobs.execute(house.resources, *ids)


async def rows(house: House) -> list[PartnerCommand]:
    return list(await house.rows(PartnerCommand, col(PartnerCommand.id)))


async def results(house: House) -> list[tuple[str | None, Any]]:
    return [(row.url, json.loads(row.body or "null")) for row in await house.rows(Owed, col(Owed.id)) if row.url]


async def running(house: House) -> str:
    await house.add_token()
    await house.hear(TransactionStarted("BOX-1", house.now, transaction()))
    await house.settle()
    return str((await house.link()).session_id)
