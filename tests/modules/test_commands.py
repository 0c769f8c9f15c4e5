"""The commands module over HTTP: a real partner commands, is answered at once, and hears the result at its own URL."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bridge_ocpp.port import ChargerOnline, ChargerPort, Command, Outcome, OutcomeStatus, StartCharging
from ocpi_hub.base.jobs import JOBS
from ocpi_hub.chargers.binding import bind
from ocpi_hub.chargers.events import HubEvents
from ocpi_hub.wire.headers import Routing
from tests.world import objects
from tests.world.hub import Hub
from tests.world.partner import Partner

OURS = "NL/CPO"
LOCATION = {
    "id": "LOC1",
    "address": "Damrak 1",
    "city": "Amsterdam",
    "country": "NLD",
    "coordinates": {"latitude": "52.37403", "longitude": "4.88969"},
    "time_zone": "Europe/Amsterdam",
}
TOKEN = objects.token("APP-1", owner=("DE", "XYZ"), type="APP_USER", whitelist="NEVER")


@dataclass
class PlayedCharger:
    """A ChargerPort that does what it is asked and writes it down."""

    outcome: Outcome = field(default_factory=lambda: Outcome(OutcomeStatus.ACCEPTED))
    asked: list[Command] = field(default_factory=list)

    async def ask(self, charger_id: str, command: Command, *, within: timedelta) -> Outcome:
        self.asked.append(command)
        return self.outcome


@pytest.fixture
async def charger(hub: Hub, emsp: Partner) -> PlayedCharger:
    """One charger of ours, online, and an eMSP that is registered."""
    bind(hub.resources)
    await emsp.register(hub.versions_url, await hub.invite())
    added = await hub.admin("POST", "/chargers", {"id": "BOX-1", "location": LOCATION, "evses": [{"uid": "EVSE1"}]})
    assert added.status_code == 201, added.text
    async with hub.resources.unit_of_work() as db:
        await HubEvents(hub.resources).heard(ChargerOnline("BOX-1", hub.clock(), online=True), db)
    played = PlayedCharger()
    hub.resources.put(ChargerPort, played)  # type: ignore[type-abstract]
    hub.rung.clear()
    return played


async def work(hub: Hub) -> None:
    """Run what rang, and what rings then, as a worker would."""
    while hub.rung:
        name, ids = hub.rung.pop(0)
        await JOBS[name](hub.resources, *ids)


async def start(emsp: Partner, *, to: str | None = OURS, command: str = "START_SESSION", **body: Any) -> Any:
    plain = {"response_url": emsp.result_url("7"), "token": TOKEN, "location_id": "LOC1", "evse_uid": "EVSE1"}
    return await emsp.post("commands", command, plain | body, to=to)


async def test_start_session_is_answered_at_once_and_its_result_posted(
    hub: Hub, emsp: Partner, charger: PlayedCharger
) -> None:
    answer = await start(emsp)
    assert (answer.status_code, answer.json()["status_code"]) == (200, 1000)
    assert answer.json()["data"] == {"result": "ACCEPTED", "timeout": 40}
    assert emsp.told("results") == []
    await work(hub)
    [asked] = charger.asked
    assert isinstance(asked, StartCharging)
    assert (asked.id_token.value, asked.evse_id) == ("APP-1", 1)
    [result] = emsp.told("results", "POST")
    assert (result.path, result.json) == ("7", {"result": "ACCEPTED"})
    assert str(Routing.read(result.headers).from_) == OURS
    assert str(Routing.read(result.headers).to) == "DE/XYZ"
    assert result.headers["X-Correlation-ID"] == answer.headers["X-Correlation-ID"]


@pytest.mark.parametrize("to", [None, "NL/HUB"])
async def test_without_a_receiver_the_location_decides(
    hub: Hub, emsp: Partner, charger: PlayedCharger, to: str | None
) -> None:
    assert (await start(emsp, to=to)).json()["data"]["result"] == "ACCEPTED"


async def test_the_chargers_refusal_is_the_result(hub: Hub, emsp: Partner, charger: PlayedCharger) -> None:
    charger.outcome = Outcome(OutcomeStatus.OCCUPIED, "there is a car")
    await start(emsp)
    await work(hub)
    [result] = emsp.told("results", "POST")
    assert result.json == {"result": "EVSE_OCCUPIED", "message": [{"language": "en", "text": "there is a car"}]}


@pytest.mark.parametrize(
    ("body", "status_code", "says"),
    [
        ({"command": "DANCE"}, 2001, "there is no command DANCE"),
        ({"command": "start_session"}, 2001, "there is no command start_session"),
        ({"location_id": "LOC9"}, 2003, "LOC9"),
        ({"token": objects.token("APP-1", owner=("FR", "TWO"))}, 2001, "token"),
        ({"token": None}, 2001, "token: is required"),
        ({"response_url": "http://169.254.169.254/"}, 2001, "response_url"),
        ({"response_url": 7}, 2001, "response_url"),
    ],
)
async def test_bad_commands_are_refused_in_the_words_of_ocpi(
    hub: Hub, emsp: Partner, charger: PlayedCharger, body: dict[str, Any], status_code: int, says: str
) -> None:
    answer = await start(emsp, **body)
    assert (answer.status_code, answer.json()["status_code"]) == (200, status_code)
    assert says in answer.json()["status_message"]
    assert "data" not in answer.json()
    assert hub.rung == []


async def test_an_unknown_session_and_a_broken_body(hub: Hub, emsp: Partner, charger: PlayedCharger) -> None:
    body = {"response_url": emsp.result_url(), "session_id": "nothing"}
    answer = await emsp.post("commands", "STOP_SESSION", body, to=OURS)
    assert answer.json()["data"]["result"] == "UNKNOWN_SESSION"
    broken = await emsp.call("POST", "commands", "STOP_SESSION", content=b"{", to=OURS)
    assert (broken.status_code, broken.json()["status_code"]) == (400, 2001)
    assert (await emsp.call("GET", "commands", "START_SESSION", to=OURS)).status_code == 405


async def test_a_platform_of_several_parties_says_which_one_commands(hub: Hub, charger: PlayedCharger) -> None:
    many = Partner(("EMSP", "AT", "ONE"), more=(("EMSP", "AT", "TWO"),), name="Two eMSPs")
    async with many as partner:
        await partner.register(hub.versions_url, await hub.invite("Two"))
        token = objects.token("APP-1", owner=("AT", "TWO"))
        assert (await start(partner, token=token)).json()["status_code"] == 2001
        body = {"response_url": partner.result_url(), "token": token, "location_id": "LOC1", "evse_uid": "EVSE1"}
        answer = await partner.post("commands", "START_SESSION", body, to=OURS, from_="AT/TWO")
        assert answer.json()["data"]["result"] == "ACCEPTED"
