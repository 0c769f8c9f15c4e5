"""A new password for a charger: which one counts, whatever the charger answers, and whoever crashes in between."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from bridge_ocpp.port import Outcome, OutcomeStatus, RotatePassword
from tests.bridge.chargers import RawCharger, dialled, raw
from tests.bridge.conftest import PASSWORD, Place
from tests.world.waiting import until


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


async def comes_in(place: Place, password: str) -> bool:
    try:
        async with dialled(place.bridge.url, "CP1", "ocpp1.6", password=password) as socket:
            await until(lambda: place.bridge.connections)
            assert socket.subprotocol
    except InvalidStatus as refused:
        return refused.response.status_code != 401
    await until(lambda: not place.bridge.connections)
    return True


async def asked(place: Place, charger: RawCharger, answer: Any, *, version: str = "1.6") -> tuple[Outcome, str]:
    """Rotate; how it ended, and the password that the charger was told. `answer` None: it says nothing."""
    await place.seated("CP1")
    asking = asyncio.create_task(place.ask("CP1", RotatePassword(), within=1.0))
    _, message_id, action, payload = await charger.asked()
    if version == "1.6":
        assert (action, payload["key"]) == ("ChangeConfiguration", "AuthorizationKey")
        password = payload["value"]
    else:
        (data,) = payload["setVariableData"]
        assert (action, data["component"], data["variable"]) == (
            "SetVariables",
            {"name": "SecurityCtrlr"},
            {"name": "BasicAuthPassword"},
        )
        password = data["attributeValue"]
        if isinstance(answer, dict):
            named = {"component": data["component"], "variable": data["variable"]}
            answer = {"setVariableResult": [{"attributeStatus": answer["status"], **named}]}
    if answer is not None:
        await charger.say([3, message_id, answer] if isinstance(answer, dict) else [4, message_id, answer, "", {}])
    return await asking, password


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_what_the_charger_accepted_counts_and_nothing_else(here: Place, version: str) -> None:
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        outcome, password = await asked(here, charger, {"status": "Accepted"}, version=version)
        assert outcome.accepted
        assert (len(password), int(password, 16) > 0) == (40, True)
        assert password not in repr(outcome)
    await until(lambda: not here.bridge.connections)
    assert not await comes_in(here, PASSWORD)
    assert await comes_in(here, password)


@pytest.mark.parametrize(
    ("answer", "version", "status"),
    [
        ({"status": "Rejected"}, "1.6", OutcomeStatus.REJECTED),
        ({"status": "NotSupported"}, "1.6", OutcomeStatus.NOT_SUPPORTED),
        ("NotSupported", "1.6", OutcomeStatus.NOT_SUPPORTED),
        ("InternalError", "1.6", OutcomeStatus.FAILED),
        ({"status": "Rejected"}, "2.0.1", OutcomeStatus.REJECTED),
        ({"status": "UnknownVariable"}, "2.0.1", OutcomeStatus.NOT_SUPPORTED),
    ],
)
async def test_what_the_charger_refused_never_counts(
    here: Place, answer: Any, version: str, status: OutcomeStatus
) -> None:
    async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
        outcome, password = await asked(here, charger, answer, version=version)
        assert outcome.status is status
    await until(lambda: not here.bridge.connections)
    assert not await comes_in(here, password)
    assert await comes_in(here, PASSWORD)


@pytest.mark.parametrize("answer", [None, {"status": "RebootRequired"}, {"status": "Perhaps"}])
async def test_until_the_new_one_is_used_both_count(here: Place, answer: Any) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        outcome, password = await asked(here, charger, answer)
        assert not outcome.accepted
    await until(lambda: not here.bridge.connections)
    assert await comes_in(here, PASSWORD)
    assert await comes_in(here, PASSWORD)
    assert await comes_in(here, password)
    assert not await comes_in(here, PASSWORD)


async def test_a_socket_that_closes_before_the_answer_locks_nobody_out(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", RotatePassword(), within=2.0))
        *_, payload = await charger.asked()
    assert (await asking).status is OutcomeStatus.OFFLINE
    assert await comes_in(here, PASSWORD)
    assert await comes_in(here, payload["value"])
    assert not await comes_in(here, PASSWORD)


async def test_each_of_several_lost_passwords_still_opens_until_a_later_one_is_used(here: Place) -> None:
    told = []
    for _ in range(3):
        async with raw(here.bridge.url, "CP1") as charger:
            told.append((await asked(here, charger, None))[1])
        await until(lambda: not here.bridge.connections)
    assert await comes_in(here, told[1])
    assert not await comes_in(here, PASSWORD)
    assert not await comes_in(here, told[0])
    assert await comes_in(here, told[2])
    assert not await comes_in(here, told[1])


async def test_no_password_that_waits_is_ever_forgotten(here: Place) -> None:
    await here.execute(
        "UPDATE ocpp_charger SET pending_passwords = (SELECT jsonb_agg(jsonb_build_object("
        "'salt', repeat('00', 16), 'digest', repeat('0' || n, 32))) FROM generate_series(1, 8) n)"
    )
    async with raw(here.bridge.url, "CP1"):
        await here.seated("CP1")
        outcome = await here.ask("CP1", RotatePassword())
    assert (outcome.status, "PATCH" in outcome.detail) == (OutcomeStatus.FAILED, True)
    async with here.work() as db:
        assert await here.book.set_password("CP1", "the-operators-word", db)
    assert await here.value("SELECT jsonb_array_length(pending_passwords) FROM ocpp_charger") == 0
    await until(lambda: not here.bridge.connections)
    assert await comes_in(here, "the-operators-word")


async def test_the_operators_word_overtakes_a_rotation(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await here.seated("CP1")
        asking = asyncio.create_task(here.ask("CP1", RotatePassword()))
        _, message_id, _, payload = await charger.asked()
        async with here.work() as db:
            assert await here.book.set_password("CP1", "the-operators-word", db)
        await charger.say([3, message_id, {"status": "Accepted"}])
        assert (await asking).accepted
    await until(lambda: not here.bridge.connections)
    assert await comes_in(here, "the-operators-word")
    assert not await comes_in(here, payload["value"])


async def test_no_password_stands_in_the_journal_the_database_or_the_log(
    here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for version in ("1.6", "2.0.1"):
        async with raw(here.bridge.url, "CP1", f"ocpp{version}") as charger:
            password = told[-1] if told else PASSWORD
            assert password
            told.append((await asked(here, charger, {"status": "RebootRequired"}, version=version))[1])
        await until(lambda: not here.bridge.connections)
    await here.bridge.flush()
    tables = ("ocpp_charger", "ocpp_frame", "ocpp_notice")
    dump = "".join([str(await here.value(f"SELECT string_agg(t::text, '') FROM {table} t")) for table in tables])
    assert "AuthorizationKey" in dump
    assert "BasicAuthPassword" in dump
    said = capsys.readouterr()
    for password in told:
        assert password not in dump
        assert password not in said.out + said.err


async def test_a_charger_that_is_away_keeps_its_password(here: Place) -> None:
    assert (await here.ask("CP1", RotatePassword())).status is OutcomeStatus.OFFLINE
    assert await here.value("SELECT jsonb_array_length(pending_passwords) FROM ocpp_charger") == 0
