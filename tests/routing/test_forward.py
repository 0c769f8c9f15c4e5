"""Direct routing over real HTTP: rows R1-R3, R5-R11, R19-R21, P5, T10, T15."""

from uuid import UUID

import httpx
import pytest

from ocpi_hub.partners import register
from tests.routing.roaming import Roaming, exactly, raw_paths, routed, said
from tests.world import faults
from tests.world.objects import cdr, evse, location, session, tariff, token
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")

ABC = ("NL", "ABC")
LATER = "2026-03-01T12:00:00Z"
ODD = (
    b'\xef\xbb\xbf{ "party_id":"ABC",\t"country_code" : "NL", "id":"LOC1", "z_own":{"b":1.0,"a":[1e2,-0.0,1.10]},\r\n'
    b'"name":"Caf\\u00e9 \xe2\x82\xac","big":12345678901234567890.123456789012345678901234567890 ,"last":null}\n'
)


# --- what goes on untouched (R1-R3, T15) ------------------------------------------------------------------------------


async def test_a_request_and_its_answer_pass_byte_for_byte(world: Roaming) -> None:
    answered = b'{"timestamp":"2026-01-01T00:00:00Z" ,"status_code":1000,"own":1.50,"data":{"b":0.10,"a":1E2}}\n'
    world.emsp.misbehave(exactly(answered, status=201))

    ids = {"X-Request-ID": "req-1", "X-Correlation-ID": "corr-1"}
    answer = await world.cpo.call("PUT", "locations", "NL/ABC/LOC1", content=ODD, to="de/msp", headers=ids)

    assert said(answer) == (201, 1000)
    assert answer.content == answered
    assert routed(answer) == ("NL/ABC", "DE/MSP")
    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == ("req-1", "corr-1")
    [heard] = world.emsp.heard
    assert (heard.method, heard.module, heard.interface, heard.path) == ("PUT", "locations", "receiver", "NL/ABC/LOC1")
    assert heard.body == ODD
    assert routed(heard) == ("DE/MSP", "NL/ABC")
    assert heard.headers["X-Correlation-ID"] == "corr-1"
    assert UUID(heard.headers["X-Request-ID"])
    assert heard.headers["Content-Type"] == "application/json"
    assert world.others(world.emsp) == []


@pytest.mark.parametrize(
    "tail",
    [
        "/NL/ABC/a%20b%3Fc%23d",
        "/NL/ABC/AZ*az:@!$&'(),;=~",
        "/NL/ABC/%C3%A9%e2%82%ac",
        "/NL/ABC/1?type=APP_USER",
        "?date_from=2026-01-01T00%3A00%3A00%2B00:00&x=a+b%20c&own=1&own=%7B%7d",
    ],
)
async def test_paths_and_queries_pass_as_they_came(world: Roaming, tail: str) -> None:
    seen: list[str] = []
    world.emsp.misbehave(raw_paths(seen))
    base = world.cpo.hub_endpoints[("locations", "RECEIVER")]
    await world.cpo.request("GET", f"{base}{tail}", from_="NL/ABC", to="DE/MSP")
    assert seen == [f"/ocpi/receiver/locations{tail}"]


async def test_modules_of_partners_own_pass_too(world: Roaming) -> None:
    seen: list[str] = []
    async with Partner(("CPO", "BE", "OWN"), name="own") as partner:
        partner.endpoints += [{"identifier": "beown-parking", "role": "RECEIVER", "url": f"{partner.url}/park?key=1"}]
        await partner.register(world.hub.versions_url, await world.hub.invite("own"))
        partner.misbehave(raw_paths(seen))
        partner.misbehave(exactly(b'{"status_code":1900,"timestamp":"2026-01-01T00:00:00Z"}'))
        url = f"{world.hub.url}/ocpi/2.2.1/receiver/beown-parking/spot/7?a=1"
        answer = await world.emsp.request("PATCH", url, content=b"not JSON at all", from_="DE/MSP", to="BE/OWN")
        assert said(answer) == (200, 1900)
        assert partner.heard[-1].body == b"not JSON at all"
        partner.behave()
        partner.misbehave(raw_paths(seen))
        await world.emsp.request("PATCH", url, content=b"", from_="DE/MSP", to="BE/OWN")
        assert seen[-1] == "/park/spot/7?key=1&a=1"
        await partner.request("DELETE", partner.credentials_url)


async def test_every_module_and_verb_reaches_the_interface_of_its_side(world: Roaming) -> None:
    calls = [
        (world.cpo, "PUT", "tariffs", "NL/ABC/T", tariff("T", owner=ABC), "DE/MSP"),
        (world.cpo, "DELETE", "tariffs", "NL/ABC/T", None, "DE/MSP"),
        (world.cpo, "PATCH", "locations", "NL/ABC/L/E", {"status": "BLOCKED", "last_updated": LATER}, "DE/MSP"),
        (world.cpo, "PUT", "locations", "NL/ABC/L/E", evse("E"), "DE/MSP"),
        (world.cpo, "PUT", "sessions", "NL/ABC/S", session("S", owner=ABC), "DE/MSP"),
        (world.cpo, "POST", "cdrs", "", cdr(owner=ABC), "DE/MSP"),
        (world.emsp, "PUT", "tokens", "DE/MSP/T", token("T"), "NL/ABC"),
        (world.emsp, "PUT", "tokens", "DE/MSP/T?type=RFID", token("T"), "NL/ABC"),
    ]
    for sender, verb, module, path, body, to in calls:
        receiver = world.emsp if to == "DE/MSP" else world.cpo
        receiver.heard.clear()
        answer = await sender.call(verb, module, path, json=body, to=to)
        assert answer.json()["status_code"] == 1000, (verb, module, answer.text)
        [heard] = receiver.heard
        assert (heard.interface, heard.module, heard.method) == ("receiver", module, verb)
    world.cpo.heard.clear()
    world.cpo.objects["locations"] = [location("X", owner=ABC)]
    assert (await world.emsp.get("locations", "X", to="NL/ABC")).json()["data"]["id"] == "X"
    assert world.cpo.heard[0].interface == "sender"


# --- which platform (R11) ---------------------------------------------------------------------------------------------


async def test_the_role_of_the_party_decides_which_of_its_platforms_is_asked(world: Roaming) -> None:
    async with (
        Partner(("CPO", "SE", "TWO"), name="SE as CPO") as as_cpo,
        Partner(("EMSP", "SE", "TWO"), name="SE as eMSP") as as_emsp,
    ):
        for partner in (as_cpo, as_emsp):
            await partner.register(world.hub.versions_url, await world.hub.invite(partner.name))
            partner.heard.clear()
        await world.emsp.put("tokens", "DE/MSP/T", token("T"), to="SE/TWO")
        await world.cpo.put("locations", "NL/ABC/L", location("L", owner=ABC), to="se/two")
        await world.emsp.get("locations", to="SE/TWO")
        await world.cpo.get("tokens", to="SE/TWO")
        assert [(h.interface, h.module) for h in as_cpo.heard] == [("receiver", "tokens"), ("sender", "locations")]
        assert [(h.interface, h.module) for h in as_emsp.heard] == [("receiver", "locations"), ("sender", "tokens")]
        assert routed(as_emsp.heard[0]) == ("SE/TWO", "NL/ABC")
        for partner in (as_cpo, as_emsp):
            await partner.request("DELETE", partner.credentials_url)


# --- refusals (R8-R10) ------------------------------------------------------------------------------------------------


async def put(world: Roaming, to: str = "DE/MSP") -> httpx.Response:
    return await world.cpo.put("locations", "NL/ABC/LOC1", location("LOC1", owner=ABC), to=to)


@pytest.mark.parametrize("to", ["XX/YYY", "BE/BEC", "NL/ABC"])
async def test_an_unknown_receiver_and_one_that_is_none_of_its_business_are_4001(world: Roaming, to: str) -> None:
    answer = await put(world, to)
    assert said(answer) == (200, 4001)
    assert routed(answer) == ("NL/ABC", "NL/HUB")
    assert world.others() == []


REFUSED = [
    (faults.status(401), 4000),
    (faults.refuses(2000, "who?", code=401), 4000),
    (faults.status(403), 4000),
    (faults.refuses(2000, "no", code=403), 4000),
    (faults.status(500), 4000),
    (faults.html(), 4000),
    (faults.html(502), 4000),
    (faults.status(404), 4000),
    (faults.says({"hello": 1}), 4000),
    (faults.says([]), 4000),
    (faults.redirects("http://127.0.0.1:1/"), 4000),
    (faults.endless(), 4000),
    (faults.hangs(), 4002),
    (faults.drops(), 4003),
]


@pytest.mark.parametrize(("fault", "status_code"), REFUSED)
async def test_what_the_receiver_does_wrong_is_an_error_of_the_hub(
    world: Roaming, fault: faults.Fault, status_code: int
) -> None:
    world.emsp.misbehave(fault)
    answer = await put(world)
    assert said(answer) == (200, status_code)
    assert "DE/MSP" in answer.json()["status_message"]
    assert "data" not in answer.json()
    assert routed(answer) == ("NL/ABC", "NL/HUB")
    assert answer.headers.get("www-authenticate") is None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.refuses(2001, "bad"), (200, 2001)),
        (faults.refuses(2003, "where?"), (200, 2003)),
        (faults.refuses(3000, "oh"), (200, 3000)),
        (faults.refuses(2001, "no such", code=404), (404, 2001)),
        (faults.refuses(2001, "no such", code=400), (400, 2001)),
        (faults.refuses(3000, "oh", code=500), (200, 3000)),
        (faults.refuses(4001, "a hub behind", code=200), (200, 4001)),
    ],
)
async def test_an_ocpi_error_of_the_receiver_goes_back_unchanged(
    world: Roaming, fault: faults.Fault, expected: tuple[int, int]
) -> None:
    """R7."""
    world.emsp.misbehave(fault)
    answer = await put(world)
    assert said(answer) == expected
    assert answer.json()["status_message"] in ("bad", "where?", "oh", "no such", "a hub behind")
    assert routed(answer) == ("NL/ABC", "DE/MSP")


async def test_a_receiver_that_is_down_is_4003(world: Roaming) -> None:
    async with Partner(("EMSP", "FR", "GON"), name="gone") as gone:
        await gone.register(world.hub.versions_url, await world.hub.invite("gone"))
        assert said(await put(world, "FR/GON")) == (201, 1000)
    try:
        assert said(await put(world, "FR/GON")) == (200, 4003)
    finally:
        await world.hub.admin("DELETE", f"/partners/{(await world.hub.platform('gone')).id}")
    assert said(await put(world, "FR/GON")) == (200, 4001)


async def test_a_suspended_receiver_is_4003_and_is_not_asked(world: Roaming) -> None:
    platform = await world.hub.platform("FR/EM2")
    async with world.hub.resources.unit_of_work() as db:
        await register.suspend(db, world.hub.resources, platform.id)
    try:
        assert said(await put(world, "FR/EM2")) == (200, 4003)
        assert world.emsp2.heard == []
    finally:
        async with world.hub.resources.unit_of_work() as db:
            await register.resume(db, world.hub.resources, platform.id)


async def test_a_module_that_the_receiver_does_not_offer_is_4000_and_named(world: Roaming) -> None:
    """R9: the sender is not to blame."""
    url = f"{world.hub.url}/ocpi/2.2.1/sender/bookings"
    answer = await world.emsp.request("GET", url, from_="DE/MSP", to="NL/ABC")
    assert said(answer) == (200, 4000)
    assert "bookings SENDER" in answer.json()["status_message"]
    ours = await world.emsp.call("POST", "commands", "START_SESSION", role="SENDER", json={}, to="NL/CPO")
    assert said(ours) == (200, 4000)
    assert "commands SENDER" in ours.json()["status_message"]


@pytest.mark.parametrize("verb", ["TRACE", "OPTIONS", "HEAD"])
async def test_only_verbs_of_ocpi_pass(world: Roaming, verb: str) -> None:
    answer = await world.cpo.call(verb, "locations", "NL/ABC/L", to="DE/MSP")
    assert answer.status_code == 405
    assert world.others() == []


# --- whose it is (R5, R6, X13) ----------------------------------------------------------------------------------------


SPOOFED = [
    ("PUT", "locations", "BE/BEC/L", location("L", owner=("BE", "BEC")), (404, 2003)),
    ("PUT", "locations", "NL/ABC/L", location("L", owner=("BE", "BEC")), (200, 2001)),
    ("PUT", "locations", "NL/ABC/L", location("OTHER", owner=ABC), (200, 2001)),
    ("PUT", "locations", "NL/ABC/L/E", evse("OTHER"), (200, 2001)),
    ("PATCH", "locations", "BE/BEC/L", {"last_updated": "2026-03-01T10:00:00Z"}, (404, 2003)),
    ("PATCH", "sessions", "NL/ABC/S", {"party_id": "BEC", "last_updated": "2026-03-01T10:00:00Z"}, (200, 2001)),
    ("GET", "locations", "BE/BEC/L", None, (404, 2003)),
    ("DELETE", "tariffs", "BE/BEC/T", None, (404, 2001)),
    ("POST", "cdrs", "", cdr(owner=("BE", "BEC")), (200, 2001)),
    ("PUT", "tariffs", "NL/ABC/T", [1], (200, 2001)),
    ("PUT", "tokens", "NL/ABC/T", token("T", owner=ABC), (200, 2001)),
]


@pytest.mark.parametrize(("verb", "module", "path", "body", "expected"), SPOOFED)
async def test_nobody_speaks_for_another_party(
    world: Roaming, verb: str, module: str, path: str, body: object, expected: tuple[int, int]
) -> None:
    answer = await world.cpo.call(verb, module, path, json=body, to="DE/MSP")
    assert said(answer) == expected
    assert world.others() == []


async def test_broken_json_is_400_and_goes_nowhere(world: Roaming) -> None:
    answer = await world.cpo.call("PUT", "locations", "NL/ABC/L", content=b'{"id":', to="DE/MSP")
    assert said(answer) == (400, 2001)
    assert world.emsp.heard == []


# --- rounds (R19) -----------------------------------------------------------------------------------------------------


async def test_a_message_that_has_been_here_before_goes_no_further(world: Roaming) -> None:
    await put(world)
    passed = world.emsp.heard[-1].headers["Via"]
    assert passed == "1.1 NL-HUB"
    for before in (passed, "1.1 other, 1.1 nl-hub (x)"):
        answer = await world.cpo.put("locations", "NL/ABC/L", {}, to="DE/MSP", headers={"Via": before})
        assert said(answer) == (200, 4000)
    await world.cpo.put("locations", "NL/ABC/L", {}, to="DE/MSP", headers={"Via": "1.1 another-hub"})
    assert [heard.headers["Via"] for heard in world.emsp.heard] == [passed, "1.1 another-hub, 1.1 NL-HUB"]


# --- R16: what is for one is for nobody else --------------------------------------------------------------------------


async def test_what_is_passed_on_is_not_kept(world: Roaming) -> None:
    for module, path, body in (
        ("locations", "NL/ABC/L", location("L", owner=ABC)),
        ("tariffs", "NL/ABC/T", tariff("T", owner=ABC)),
        ("sessions", "NL/ABC/S", session("S", owner=ABC)),
    ):
        assert (await world.cpo.put(module, path, body, to="DE/MSP")).json()["status_code"] == 1000
    assert (await world.cpo.post("cdrs", "", cdr(owner=ABC), to="DE/MSP")).json()["status_code"] == 1000
    for reader in (world.emsp, world.emsp2):
        for module in ("locations", "tariffs", "sessions", "cdrs"):
            path = "?date_from=2020-01-01T00:00:00Z"
            url = reader.hub_endpoints[(module, "SENDER")]
            answer = await reader.request("GET", url + path, from_=reader.here, to=world.hub.party)
            assert (said(answer), answer.json()["data"]) == ((200, 1000), []), module


async def test_a_partner_that_wants_its_token_raw_gets_it_so(world: Roaming) -> None:
    async with Partner(("EMSP", "IT", "RAW"), name="raw") as raw:
        raw.understands = {"raw"}
        assert (await raw.register(world.hub.versions_url, await world.hub.invite("raw"))).json()["status_code"] == 1000
        assert said(await put(world, "IT/RAW")) == (201, 1000)
        raw.heard.clear()
        assert said(await put(world, "IT/RAW")) == (200, 1000)
        assert len(raw.heard) == 1
        await raw.request("DELETE", raw.credentials_url)
