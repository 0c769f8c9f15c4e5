"""Variables: read and written in as many messages as a charger takes, wishes kept until they are true."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bridge_ocpp import port
from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.devices import booting
from bridge_ocpp.devices.booting import SETTLING
from bridge_ocpp.devices.limits import Limits, chunks
from bridge_ocpp.devices.variables import agrees
from bridge_ocpp.errands import delay_of
from bridge_ocpp.port import GetVariables, OutcomeStatus, SetVariables, VariableName, VariableSetting
from tests.bridge.chargers import RawCharger, now, raw
from tests.bridge.conftest import Place
from tests.world.waiting import until

BOOT_16 = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1"}
BOOT_2X = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M", "firmwareVersion": "1"}}
Answer = Callable[[str, dict[str, Any]], dict[str, Any] | tuple[str, str]]


class Player:
    """A charger that answers each call by a function; `heard` are the calls."""

    def __init__(self, charger: RawCharger, answer: Answer) -> None:
        self.charger = charger
        self.answer = answer
        self.heard: list[tuple[str, dict[str, Any]]] = []

    async def play(self) -> None:
        while True:
            _, message_id, action, payload = await self.charger.calls.get()
            self.heard.append((action, payload))
            said = self.answer(action, payload)
            if isinstance(said, tuple):
                await self.charger.say([4, message_id, said[0], said[1], {}])
            else:
                await self.charger.say([3, message_id, said])

    def payloads(self, action: str) -> list[dict[str, Any]]:
        return [payload for heard, payload in self.heard if heard == action]


@asynccontextmanager
async def playing(place: Place, answer: Answer, protocol: str = "ocpp1.6") -> AsyncIterator[Player]:
    async with raw(place.bridge.url, "CP1", protocol) as charger:
        await place.seated("CP1")
        player = Player(charger, answer)
        task = asyncio.create_task(player.play())
        try:
            yield player
        finally:
            task.cancel()


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


def keys(**values: str) -> Answer:
    """A 1.6 charger with these configuration keys, all writable."""

    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any] | tuple[str, str]:
        if action == "GetConfiguration":
            asked = payload.get("key") or list(values)
            known = [{"key": key, "readonly": False, "value": values[key]} for key in asked if key in values]
            return {"configurationKey": known, "unknownKey": [key for key in asked if key not in values]}
        if action == "ChangeConfiguration":
            if payload["key"] not in values:
                return {"status": "NotSupported"}
            values[payload["key"]] = payload["value"]
            return {"status": "Accepted"}
        return ("NotSupported", action)

    return answer


def variables(values: dict[str, str], *, at_most: int = 100) -> Answer:
    """A 2.0.1 charger whose variables are named Component.Variable; it takes so many at once."""

    def one(wanted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        named = {"component": wanted["component"], "variable": wanted["variable"]}
        return f"{wanted['component']['name']}.{wanted['variable']['name']}", named

    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any] | tuple[str, str]:
        items = payload.get("getVariableData") or payload.get("setVariableData") or []
        if len(items) > at_most:
            return ("OccurrenceConstraintViolation", "too many at once")
        results = []
        for item in reversed(items):  # no version promises the order
            name, named = one(item)
            if name not in values:
                results.append({**named, "attributeStatus": "UnknownVariable"})
            elif "attributeValue" in item:
                values[name] = item["attributeValue"]
                results.append({**named, "attributeStatus": "Accepted"})
            else:
                results.append({**named, "attributeStatus": "Accepted", "attributeValue": values[name]})
        return {"getVariableResult" if action == "GetVariables" else "setVariableResult": results}

    return answer


async def wish(place: Place, *settings: VariableSetting) -> None:
    async with place.work() as db:
        await place.book.wish("CP1", settings, db)


async def records(place: Place, **which: Any) -> list[port.VariableRecord]:
    async with place.work() as db:
        return list(await place.book.variables("CP1", db, **which))


async def state(place: Place, variable: str) -> str | None:
    return next((one.wish_state for one in await records(place) if one.name.variable == variable), None)


def said(outcome: port.Outcome) -> list[tuple[str, str, str | None]]:
    assert outcome.payload is not None
    return [(one["variable"], one["status"], one["value"]) for one in outcome.payload["variables"]]


# --- reading and writing -------------------------------------------------------------------------------------------


async def test_configuration_keys_are_read_in_one_message_and_answered_in_order(here: Place) -> None:
    async with playing(here, keys(HeartbeatInterval="300", Other="x")) as player:
        outcome = await here.ask("CP1", GetVariables(tuple(map(VariableName, ("Other", "Nope", "heartbeatinterval")))))
    assert player.payloads("GetConfiguration") == [{"key": ["Other", "Nope", "heartbeatinterval"]}]
    assert said(outcome)[:2] == [("Other", "Accepted", "x"), ("Nope", "UnknownVariable", None)]
    assert said(outcome)[2] == ("heartbeatinterval", "UnknownVariable", None)


async def test_what_the_operator_knows_of_the_limits_splits_the_messages(here: Place) -> None:
    async with here.work() as db:
        await here.book.set_items_per_message("CP1", {"get_variables": 2}, db)
    async with playing(here, keys(A="1", B="2", C="3", D="4", E="5")) as player:
        outcome = await here.ask("CP1", GetVariables(tuple(map(VariableName, "EDCBA"))))
    assert [payload["key"] for payload in player.payloads("GetConfiguration")] == [["E", "D"], ["C", "B"], ["A"]]
    assert [value for _, _, value in said(outcome)] == ["5", "4", "3", "2", "1"]


async def test_what_the_charger_reports_of_its_limits_splits_the_messages(here: Place) -> None:
    values = {f"C.V{n}": str(n) for n in range(5)} | {"DeviceDataCtrlr.ItemsPerMessage": "3"}
    limit = VariableName("ItemsPerMessage", "DeviceDataCtrlr", variable_instance="GetVariables")
    async with playing(here, variables(values), "ocpp2.0.1") as player:
        await here.ask("CP1", GetVariables((limit,)))
        outcome = await here.ask("CP1", GetVariables(tuple(VariableName(f"V{n}", "C") for n in range(5))))
    assert [len(payload["getVariableData"]) for payload in player.payloads("GetVariables")] == [1, 3, 2]
    assert [value for _, _, value in said(outcome)] == ["0", "1", "2", "3", "4"]


async def test_a_charger_that_says_too_many_is_asked_in_halves(here: Place) -> None:
    values = {f"C.V{n}": str(n) for n in range(6)}
    async with playing(here, variables(values, at_most=2), "ocpp2.0.1") as player:
        outcome = await here.ask("CP1", GetVariables(tuple(VariableName(f"V{n}", "C") for n in range(6))))
    assert [value for _, _, value in said(outcome)] == ["0", "1", "2", "3", "4", "5"]
    assert [len(payload["getVariableData"]) for payload in player.payloads("GetVariables")] == [6, 3, 1, 2, 3, 1, 2]


async def test_1_6_is_told_one_key_at_a_time_and_read_back(here: Place) -> None:
    settings = (VariableSetting(VariableName("A"), "9"), VariableSetting(VariableName("Nope"), "1"))
    async with playing(here, keys(A="1", B="2")) as player:
        outcome = await here.ask("CP1", SetVariables(settings))
    assert [(name, status) for name, status, _ in said(outcome)] == [("A", "Accepted"), ("Nope", "NotSupported")]
    assert [action for action, _ in player.heard] == ["ChangeConfiguration", "ChangeConfiguration", "GetConfiguration"]
    assert [(one.name.variable, one.value) for one in await records(here)] == [("A", "9")]


async def test_a_variable_of_2_x_needs_its_component(here: Place) -> None:
    async with playing(here, variables({}), "ocpp2.0.1") as player:
        outcome = await here.ask("CP1", GetVariables((VariableName("V"),)))
    assert outcome.status is OutcomeStatus.INVALID
    assert "component" in outcome.detail
    assert player.heard == []


async def test_a_charger_that_cannot_says_so(here: Place) -> None:
    async with playing(here, lambda action, _payload: ("NotImplemented", action)):
        outcome = await here.ask("CP1", GetVariables((VariableName("V"),)))
    assert outcome.status is OutcomeStatus.NOT_SUPPORTED


async def test_passwords_are_neither_answered_nor_kept(here: Place) -> None:
    async with playing(here, keys(AuthorizationKey="deadbeef")):
        outcome = await here.ask("CP1", GetVariables((VariableName("AuthorizationKey"),)))
        raw_answer = await here.ask("CP1", port.RawCall("GetConfiguration", {"key": ["AuthorizationKey"]}))
    assert said(outcome) == [("AuthorizationKey", "Accepted", None)]
    assert raw_answer.payload is not None
    assert raw_answer.payload["configurationKey"][0]["value"] == "***"
    assert await here.value("SELECT count(*) FROM ocpp_variable WHERE value IS NOT NULL") == 0
    with pytest.raises(ValueError, match="secret"):
        await wish(here, VariableSetting(VariableName("AuthorizationKey"), "another-password"))


# --- wishes --------------------------------------------------------------------------------------------------------


async def test_a_wish_made_while_the_charger_is_away_is_fulfilled_when_it_is_back(here: Place) -> None:
    async with playing(here, keys(A="1")):
        pass
    await until(lambda: here.bridge.connections == {})
    await wish(here, VariableSetting(VariableName("A"), "2"))
    assert await state(here, "A") == "WAITING"
    async with playing(here, keys(A="1")) as player:
        here.clock.shift += SETTLING + delay_of("cp1", here.config.errand_spread)
        await until(lambda: is_state(here, "A", "DONE"))
        await until(lambda: here_is_quiet(here))
    assert player.payloads("ChangeConfiguration") == [{"key": "A", "value": "2"}]
    assert await records(here, differing=True) == []


async def is_state(place: Place, variable: str, wanted: str) -> bool:
    return await state(place, variable) == wanted


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("Rejected", "REJECTED"), ("NotSupported", "NOT_SUPPORTED"), ("RebootRequired", "REBOOT_REQUIRED")],
)
async def test_what_a_charger_says_to_a_wish_is_shown_as_such(here: Place, word: str, wanted: str) -> None:
    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": word} if action == "ChangeConfiguration" else {}

    async with playing(here, answer):
        await wish(here, VariableSetting(VariableName("A"), "2"))
        await here.ask("CP1", SetVariables((VariableSetting(VariableName("A"), "2"),)))
        assert await state(here, "A") == wanted
        assert [one.name.variable for one in await records(here, differing=True)] == ["A"]


async def test_a_charger_that_accepts_and_does_not_do_it_differs_and_is_told_again(here: Place) -> None:
    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "ChangeConfiguration":
            return {"status": "Accepted"}
        return {"configurationKey": [{"key": "A", "readonly": False, "value": "1"}]}

    async with playing(here, answer) as player:
        await wish(here, VariableSetting(VariableName("A"), "2"))
        await here.ask("CP1", SetVariables((VariableSetting(VariableName("A"), "2"),)))
        assert await state(here, "A") == "DIFFERS"
        here.clock.shift += SETTLING * 10
        await until(lambda: len(player.payloads("ChangeConfiguration")) == 2)


async def test_a_value_that_needs_a_reboot_is_read_back_after_it(here: Place) -> None:
    values = {"A": "1"}

    def answer(action: str, payload: dict[str, Any]) -> Any:
        if action == "ChangeConfiguration":
            values["A"] = payload["value"]
            return {"status": "RebootRequired"}
        return {"configurationKey": [{"key": "A", "readonly": False, "value": values["A"]}]}

    async with playing(here, answer) as player:
        await wish(here, VariableSetting(VariableName("A"), "2"))
        await here.ask("CP1", SetVariables((VariableSetting(VariableName("A"), "2"),)))
        assert await state(here, "A") == "REBOOT_REQUIRED"
        async with here.work() as db:
            await booting.provision(db, "cp1", now=here.clock(), spread=0)
        here.clock.shift += SETTLING
        await until(lambda: is_state(here, "A", "DONE"))
        assert len(player.payloads("ChangeConfiguration")) == 1, "it is read back, not told again"


async def test_a_newer_wish_is_not_answered_by_an_older_one(here: Place) -> None:
    async with playing(here, keys(A="1")) as player:
        await wish(here, VariableSetting(VariableName("A"), "3"))
        await here.ask("CP1", SetVariables((VariableSetting(VariableName("A"), "2"),)))
        assert await state(here, "A") == "WAITING"
        await until(lambda: len(player.heard) >= 2)


async def test_a_wish_for_a_charger_that_was_never_here_is_refused(here: Place) -> None:
    with pytest.raises(ValueError, match="never been here"):
        await wish(here, VariableSetting(VariableName("A"), "1"))
    with pytest.raises(KeyError):
        async with here.work() as db:
            await here.book.wish("CP9", (), db)


@pytest.mark.parametrize(
    ("reported", "wanted", "kind", "same"),
    [
        ("300", "300", None, True),
        ("300", " 300.0", None, True),
        ("TRUE", "true", None, True),
        ("b, A", "a,b", None, True),
        ("b,a", "a,b", "SequenceList", False),
        ("a,b", "a", None, False),
        ("", "a", None, False),
        (None, "", None, False),
        ("1e2", "100", None, True),
    ],
)
def test_when_a_report_agrees_with_a_wish(reported: str | None, wanted: str, kind: str | None, same: bool) -> None:
    assert agrees(reported, wanted, kind) is same


def test_messages_hold_what_the_limits_allow() -> None:
    assert chunks([1, 2, 3], Limits(2), lambda _: 1) == [[1, 2], [3]]
    assert chunks([10, 10, 500, 10], Limits(9, 120), lambda size: size) == [[10, 10], [500], [10]]
    assert chunks([], Limits(2), lambda _: 1) == []


def test_the_turns_of_many_chargers_are_spread() -> None:
    turns = sorted(delay_of(f"box-{n}", 60).total_seconds() for n in range(600))
    assert 0 <= turns[0] < turns[-1] < 60
    per_second = [sum(second <= turn < second + 10 for turn in turns) for second in range(0, 60, 10)]
    assert max(per_second) < 3 * min(per_second)


# --- reports -------------------------------------------------------------------------------------------------------


class TestReports:
    """After a boot, everything is asked for once per firmware."""

    @pytest.fixture
    def config(self, config: BridgeConfig) -> BridgeConfig:
        return replace(config, provisioning=True, wishes={"meter_interval": "60", "heartbeat_interval": "120"})

    async def test_1_6_answers_with_all_its_keys_and_gets_the_default_wishes(self, here: Place) -> None:
        values = {"HeartbeatInterval": "300", "MeterValueSampleInterval": "60", "Other": "x"}
        async with playing(here, keys(**values)) as player:
            await player.charger.call("BootNotification", BOOT_16)
            here.clock.shift += SETTLING
            await until(lambda: is_state(here, "HeartbeatInterval", "DONE"))
            await until(lambda: here_is_quiet(here))
            assert player.heard[0] == ("GetConfiguration", {})
            assert player.payloads("ChangeConfiguration") == [
                {"key": "HeartbeatInterval", "value": "120"},
                {"key": "MeterValueSampleInterval", "value": "60"},
            ]
            before = len(player.heard)
            await player.charger.call("BootNotification", BOOT_16)
            here.clock.shift += SETTLING
            await until(lambda: here_is_quiet(here))
            assert len(player.heard) == before, "the same firmware is not asked again"
            await player.charger.call("BootNotification", {**BOOT_16, "firmwareVersion": "2"})
            here.clock.shift += SETTLING
            await until(lambda: len(player.heard) > before)
        found = {one.name.variable: one for one in await records(here)}
        assert found["Other"].value == "x"
        assert found["Other"].wanted is None
        assert (found["HeartbeatInterval"].wanted, found["HeartbeatInterval"].wanted_by) == ("120", "hub")

    async def test_an_operators_wish_goes_before_the_default(self, here: Place) -> None:
        async with playing(here, keys(HeartbeatInterval="300")) as player:
            await wish(here, VariableSetting(VariableName("HeartbeatInterval"), "77"))
            await player.charger.call("BootNotification", BOOT_16)
            here.clock.shift += SETTLING
            await until(lambda: is_state(here, "HeartbeatInterval", "DONE"))
            assert player.payloads("ChangeConfiguration") == [{"key": "HeartbeatInterval", "value": "77"}]

    async def test_2_0_1_reports_in_parts_that_come_in_any_order(self, here: Place) -> None:
        async with playing(here, lambda _action, _payload: {"status": "Accepted"}, "ocpp2.0.1") as player:
            await player.charger.call("BootNotification", BOOT_2X)
            here.clock.shift += SETTLING
            await until(lambda: player.heard)
            action, asked = player.heard[0]
            assert (action, asked["reportBase"]) == ("GetBaseReport", "FullInventory")
            last = part(asked["requestId"], 1, more=False, variable="B", value="2")
            assert await player.charger.call("NotifyReport", last) == {}
            assert await report_state(here) == "ASKED"
            assert await player.charger.call("NotifyReport", last) == {}
            first = part(asked["requestId"], 0, more=True, variable="A", value="1", maxLimit=10.5)
            assert await player.charger.call("NotifyReport", first) == {}
            assert await report_state(here) == "COMPLETE"
        found = {one.name.variable: one for one in await records(here)}
        assert {name: one.value for name, one in found.items()} == {"A": "1", "B": "2"}
        assert (found["A"].max_limit, found["A"].data_type, found["A"].mutability) == ("10.5", "integer", "ReadOnly")

    async def test_what_a_new_report_does_not_mention_is_gone(self, here: Place) -> None:
        async with playing(here, lambda _action, _payload: {"status": "Accepted"}, "ocpp2.0.1") as player:
            for number, (firmware, variable) in enumerate((("1", "Old"), ("2", "New"))):
                station = {"vendorName": "V", "model": "M", "firmwareVersion": firmware}
                await player.charger.call("BootNotification", {"reason": "PowerUp", "chargingStation": station})
                here.clock.shift += SETTLING
                await until(lambda: len(player.payloads("GetBaseReport")) == number + 1)  # noqa: B023
                asked = player.payloads("GetBaseReport")[-1]["requestId"]
                await player.charger.call("NotifyReport", part(asked, 0, more=False, variable=variable, value="1"))
            assert [one.name.variable for one in await records(here)] == ["New"]

    async def test_a_report_that_does_not_come_is_asked_for_again(self, here: Place) -> None:
        async with playing(here, lambda _action, _payload: {"status": "Accepted"}, "ocpp2.0.1") as player:
            await player.charger.call("BootNotification", BOOT_2X)
            here.clock.shift += SETTLING
            await until(lambda: len(player.heard) == 1)
            await until(lambda: put_off(here))
            here.clock.shift += SETTLING * 100
            await until(lambda: len(player.heard) == 2)
            ids = [payload["requestId"] for payload in player.payloads("GetBaseReport")]
            assert ids[0] != ids[1]

    async def test_a_charger_without_a_full_inventory_gives_its_configuration(self, here: Place) -> None:
        def answer(_action: str, payload: dict[str, Any]) -> dict[str, Any]:
            full = payload["reportBase"] == "FullInventory"
            return {"status": "NotSupported" if full else "Accepted"}

        async with playing(here, answer, "ocpp2.0.1") as player:
            await player.charger.call("BootNotification", BOOT_2X)
            here.clock.shift += SETTLING
            await until(lambda: len(player.heard) == 2)
            assert player.heard[1][1]["reportBase"] == "ConfigurationInventory"

    async def test_one_that_cannot_report_is_left_alone(self, here: Place) -> None:
        async with playing(here, lambda action, _payload: ("NotSupported", action), "ocpp2.0.1") as player:
            await player.charger.call("BootNotification", BOOT_2X)
            here.clock.shift += SETTLING
            await until(lambda: report_is(here, "REFUSED"))
            await until(lambda: here_is_quiet(here))

    async def test_an_errand_outlives_the_process(self, here: Place) -> None:
        """The process that leased it died: its lease runs out, and another does it."""
        async with playing(here, keys(A="1")) as player:
            await player.charger.call("BootNotification", BOOT_16)
            await here.execute("UPDATE ocpp_errand SET leased_until = now() + interval '5 minutes'")
            here.clock.shift += SETTLING
            await here.ask("CP1", port.Attend())
            assert player.heard == []
            here.clock.shift += SETTLING * 100
            await until(lambda: player.heard)


def part(request_id: int, seq_no: int, *, more: bool, variable: str, value: str, **kind: Any) -> dict[str, Any]:
    return {
        "requestId": request_id,
        "generatedAt": now(),
        "seqNo": seq_no,
        "tbc": more,
        "reportData": [
            {
                "component": {"name": "C"},
                "variable": {"name": variable},
                "variableAttribute": [{"value": value, "mutability": "ReadOnly"}],
                "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False, **kind},
            }
        ],
    }


async def report_state(place: Place) -> str | None:
    async with place.work() as db:
        found = await place.book.report("CP1", db)
    return found.state if found is not None else None


async def report_is(place: Place, wanted: str) -> bool:
    return await report_state(place) == wanted


async def here_is_quiet(place: Place) -> bool:
    return bool(await place.value("SELECT count(*) = 0 FROM ocpp_errand"))


async def put_off(place: Place) -> bool:
    return bool(
        await place.value("SELECT attempts = 1 AND leased_until IS NULL FROM ocpp_errand WHERE kind = 'report'")
    )
