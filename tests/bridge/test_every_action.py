"""Every action of every version, each way: the least that its schema allows is said, and must be answered.

The meaning of each is tested where it lives; this proves that none is forgotten, and none breaks the connection.
"""

import asyncio
import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from bridge_ocpp.config import BridgeConfig
from bridge_ocpp.dialects import DIALECTS
from bridge_ocpp.dialects.words import Dialect
from bridge_ocpp.port import RawCall
from bridge_ocpp.schemas import Edition
from tests.bridge.chargers import RawCharger, now, raw
from tests.bridge.conftest import Place
from tests.bridge.test_actions import edition_of, script


@pytest.fixture
def config(config: BridgeConfig) -> BridgeConfig:
    return replace(config, provisioning=False)


def schema(edition: Edition, name: str) -> dict[str, Any]:
    text = (files("ocpp") / edition.folder / "schemas" / f"{name}.json").read_text(encoding="utf-8-sig")
    found: dict[str, Any] = json.loads(text)
    return found


def least(part: dict[str, Any], root: dict[str, Any]) -> Any:
    """The smallest value that the schema allows."""
    if "$ref" in part:
        return least(root["definitions"][part["$ref"].rpartition("/")[2]], root)
    if "enum" in part:
        return part["enum"][0]
    kind = part.get("type")
    if kind == "object":
        return {name: least(part["properties"][name], root) for name in part.get("required", ())}
    if kind == "array":
        return [least(part["items"], root) for _ in range(part.get("minItems", 0))]
    if kind in ("integer", "number"):
        return max(1, int(part.get("minimum", 1)))
    if kind == "string":
        return now() if part.get("format") == "date-time" else "1"
    return False


def said(dialect: Dialect, action: str, *, response: bool = False) -> Any:
    edition = edition_of(dialect)
    document = schema(edition, action + ("Response" if response else edition.request_suffix))
    return least(document, document)


PROTOCOLS = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.protocol)


async def booted(place: Place, charger: RawCharger, dialect: Dialect) -> None:
    answer = await charger.call("BootNotification", said(dialect, "BootNotification"))
    assert answer["status"] == "Accepted"
    await place.seated("CP1")


@PROTOCOLS
async def test_whatever_a_charger_says_is_answered(place: Place, dialect: Dialect) -> None:
    await place.register("CP1")
    edition, from_charger = edition_of(dialect), script().FROM_CHARGER
    async with raw(place.bridge.url, "CP1", dialect.protocol) as charger:
        await booted(place, charger, dialect)
        for action in sorted(edition.actions & from_charger):
            answer = await charger.call(action, said(dialect, action))
            if action in dialect.inbound:
                assert isinstance(answer, dict), f"{action}: {answer}"
                assert edition.response_sent(action).holds(answer)
            else:
                assert answer[2] == "NotSupported", action
        for action in sorted(edition.unanswered):
            await charger.say([6, f"send-{action}", action, least(schema(edition, action), schema(edition, action))])
        assert "currentTime" in await charger.call("Heartbeat", {})


@PROTOCOLS
async def test_whatever_a_charger_may_be_asked_reaches_it_word_for_word(place: Place, dialect: Dialect) -> None:
    await place.register("CP1")
    actions = script()
    asked = edition_of(dialect).actions - (actions.FROM_CHARGER - actions.BOTH_WAYS)
    async with raw(place.bridge.url, "CP1", dialect.protocol) as charger:
        await booted(place, charger, dialect)
        for action in sorted(asked):
            payload, answer = said(dialect, action), said(dialect, action, response=True)
            asking = asyncio.create_task(place.ask("CP1", RawCall(action, payload)))
            _, message_id, heard, heard_payload = await charger.asked()
            assert (heard, heard_payload) == (action, payload)
            await charger.say([3, message_id, answer])
            assert (await asking).payload == answer, action


@PROTOCOLS
async def test_what_only_we_may_say_is_not_taken_from_a_charger(place: Place, dialect: Dialect) -> None:
    await place.register("CP1")
    actions = script()
    asked = edition_of(dialect).actions - actions.FROM_CHARGER
    async with raw(place.bridge.url, "CP1", dialect.protocol) as charger:
        await booted(place, charger, dialect)
        for action in sorted(asked):
            assert (await charger.call(action, said(dialect, action)))[2] == "NotSupported", action
