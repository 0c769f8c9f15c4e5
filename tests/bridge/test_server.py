"""Who may come in: authentication before the upgrade, subprotocols, sizes."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from bridge_ocpp.bridge import Bridge
from bridge_ocpp.port import RawCall
from bridge_ocpp.server import charger_id_of, is_loopback
from tests.bridge.chargers import dialled, raw
from tests.bridge.conftest import PASSWORD, Place
from tests.world.waiting import until

KEY = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"


async def status_of(
    place: Place, charger_id: str, *protocols: str, bridge: Bridge | None = None, **options: Any
) -> int:
    """The HTTP status of a handshake."""
    try:
        async with dialled((bridge or place.bridge).url, charger_id, *(protocols or ("ocpp1.6",)), **options):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize(
    ("path", "charger_id"),
    [
        ("/ocpp/CP1", "CP1"),
        ("/ocpp/CP1/", "CP1"),
        ("/ocpp/CP%201", "CP 1"),
        ("/ocpp/CP%2F1", "CP/1"),
        ("/ocpp/CP1?x=1", "CP1"),
        ("/ocpp/%C3%A9", "é"),
        ("/ocpp/", None),
        ("/ocpp", None),
        ("/ocpp/a/b", None),
        ("/other/CP1", None),
        ("/ocpp/%ff", None),
        ("/ocpp/%00", None),
        ("/ocpp/" + "x" * 300, None),
    ],
)
def test_the_charger_id_in_a_path(path: str, charger_id: str | None) -> None:
    assert charger_id_of(path) == charger_id


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.1.1", False),
        ("example.com", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


async def test_a_registered_charger_comes_in_whatever_the_case_of_its_id(place: Place) -> None:
    await place.register("Box-1")
    assert await status_of(place, "Box-1") == 101
    assert await status_of(place, "BOX-1") == 101
    assert await status_of(place, "box-1", user="BOX-1") == 101


async def test_an_id_is_percent_decoded(place: Place) -> None:
    await place.register("Box 1é:2")
    assert await status_of(place, "Box 1é:2") == 101


async def test_unknown_chargers_and_wrong_passwords_get_the_same_answer(place: Place) -> None:
    await place.register("CP1")
    answers = []
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("CP1", {"password": "wrong-password"}),
        ("CP1", {"password": None}),
        ("CP1", {"password": ""}),
        ("CP1", {"user": "CP2"}),
        ("nobody", {}),
        ("nobody", {"password": None}),
    ]
    for charger_id, options in attempts:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(place.bridge.url, charger_id, "ocpp1.6", **options):
                pass
        response = refused.value.response
        answers.append((response.status_code, response.headers["WWW-Authenticate"], bytes(response.body)))
    assert set(answers) == {(401, 'Basic realm="ocpp", charset="UTF-8"', b"unknown charger or wrong password\n")}


async def test_an_authorization_key_is_accepted_as_hex_and_as_bytes(place: Place) -> None:
    await place.register("CP1", password=KEY)
    assert await status_of(place, "CP1", password=KEY) == 101
    assert await status_of(place, "CP1", password=bytes.fromhex(KEY)) == 101


async def test_no_password_passes_only_where_it_was_allowed_and_registered_so(place: Place) -> None:
    await place.register("open", password=None, profile=0)
    await place.register("CP1")
    assert await status_of(place, "open", password=None) == 401
    async with place.another(open_allowed=True) as bridge:
        assert await status_of(place, "open", bridge=bridge, password=None) == 101
        assert await status_of(place, "open", bridge=bridge, password="whatever-it-is") == 101
        assert await status_of(place, "CP1", bridge=bridge, password=None) == 401


async def test_no_password_passes_only_where_the_listener_is_on_loopback(place: Place) -> None:
    await place.register("open", password=None, profile=0)
    async with place.another(host="0.0.0.0", open_allowed=True) as bridge:
        with pytest.raises(InvalidStatus) as refused:
            async with dialled(bridge.url.replace("0.0.0.0", "127.0.0.1"), "open", "ocpp1.6", password=None):
                pass
        assert refused.value.response.status_code == 401


async def test_a_profile_that_needs_a_certificate_is_not_satisfied_by_a_password(place: Place) -> None:
    await place.register("CP3", profile=3)
    assert await status_of(place, "CP3") == 401


async def test_another_path_is_not_found(place: Place) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(place.bridge.url.replace("/ocpp", "/other"), "CP1", "ocpp1.6"):
            pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (["ocpp1.6"], "ocpp1.6"),
        (["ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.5", "ocpp1.6"], "ocpp1.6"),
    ],
)
async def test_the_best_version_that_is_offered_is_spoken(place: Place, offered: list[str], spoken: str) -> None:
    await place.register("CP1")
    async with dialled(place.bridge.url, "CP1", *offered) as socket:
        assert socket.subprotocol == spoken

        async def known() -> str | None:
            return (await place.record("CP1")).protocol

        assert await until(known) == spoken


async def test_no_version_that_we_speak_is_refused(place: Place) -> None:
    await place.register("CP1")
    assert await status_of(place, "CP1", "ocpp1.5") == 400
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(place.bridge.url, "CP1"):
            pass
    assert refused.value.response.status_code == 400


async def test_a_password_that_was_changed_counts_from_the_next_connection(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1") as charger:
        async with place.work() as db:
            assert await place.book.set_password("cp1", "another-password", db)
        assert "currentTime" in await charger.call("Heartbeat", {})
    assert await status_of(place, "CP1", password=PASSWORD) == 401
    assert await status_of(place, "CP1", password="another-password") == 101


async def test_a_guesser_waits_and_the_real_charger_from_elsewhere_does_not(place: Place) -> None:
    await place.register("CP1")
    elsewhere = {"local_addr": ("127.0.0.2", 0)}
    for _ in range(10):
        assert await status_of(place, "CP1", password="guess-guess") == 401
    assert await status_of(place, "CP1") == 401
    assert await status_of(place, "CP1", **elsewhere) == 101
    place.clock.shift += timedelta(minutes=16)
    assert await status_of(place, "CP1") == 101


async def test_a_frame_that_is_too_long_closes_with_1009(place: Place) -> None:
    await place.register("CP1")
    async with dialled(place.bridge.url, "CP1", "ocpp1.6") as socket:
        await socket.send('[2,"1","Heartbeat",{"x":"' + "x" * 60_000 + '"}]')
        assert '"currentTime"' in str(await socket.recv())
        await socket.send('[2,"1","Heartbeat",{"x":"' + "x" * 70_000 + '"}]')
        with pytest.raises(ConnectionClosedError):
            await socket.recv()
        assert socket.close_code == 1009


async def test_a_frame_that_carries_certificates_may_be_longer(place: Place) -> None:
    await place.register("CP1")
    async with dialled(place.bridge.url, "CP1", "ocpp2.0.1", max_size=None) as socket:
        await socket.send('[2, "1", "SignCertificate", {"csr": "' + "x" * 900_000 + '"}]')
        assert json.loads(str(await socket.recv()))[:2] in ([3, "1"], [4, "1"])
        await socket.send('[2, "2", "SignCertificate", {"csr": "' + "x" * 1_100_000 + '"}]')
        with pytest.raises(ConnectionClosedError):
            await socket.recv()
        assert socket.close_code == 1009


async def test_an_answer_that_lists_certificates_may_be_longer(place: Place) -> None:
    await place.register("CP1")
    async with raw(place.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await place.seated("CP1")
        for action, payload in (("GetInstalledCertificateIds", {}), ("ClearCache", {})):
            asking = asyncio.create_task(place.ask("CP1", RawCall(action, payload)))
            _, message_id, *_ = await charger.asked()
            await charger.say([3, message_id, {"status": "Accepted", "customData": {"vendorId": "x" * 70_000}}])
            assert (await asking).accepted is (action == "GetInstalledCertificateIds")
        await until(lambda: charger.socket.close_code == 1009)


async def test_no_compression_is_agreed(place: Place) -> None:
    await place.register("CP1")
    async with dialled(place.bridge.url, "CP1", "ocpp1.6") as socket:
        assert socket.protocol.extensions == []


async def test_a_removed_charger_loses_its_socket(place: Place) -> None:
    await place.register("CP1")
    async with dialled(place.bridge.url, "CP1", "ocpp1.6") as socket:
        await until(lambda: place.bridge.connections)
        async with place.work() as db:
            assert await place.book.remove("CP1", db)
        with pytest.raises(ConnectionClosedError):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (1008, "this charger was removed, or taken for lost")
    assert await status_of(place, "CP1") == 401
