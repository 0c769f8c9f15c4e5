"""mod_cdrs over HTTP: POST once, with a URL to read it again; never changed."""

import asyncio
import json
from urllib.parse import unquote, urlsplit

import pytest

from tests.modules.owned.talking import ABC, MSP, data, ids, registered, said
from tests.world.hub import Hub
from tests.world.objects import cdr, cdr_token, tariff
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("slash", ["", "/"])
async def test_it_is_read_again_at_its_location(hub: Hub, cpo: Partner, slash: str) -> None:
    url = cpo.hub_endpoints[("cdrs", "RECEIVER")] + slash
    answer = await cpo.request("POST", url, json=cdr("C1", owner=ABC), from_="NL/ABC")
    assert said(answer) == (201, 1000)
    assert "data" not in answer.json()
    assert answer.headers["Location"] == f"{hub.url}/ocpi/2.2.1/receiver/cdrs/NL/ABC/C1"
    assert data(await cpo.request("GET", answer.headers["Location"], from_="NL/ABC")) == cdr("C1", owner=ABC)


async def test_a_repeat_gets_the_same_answer_but_creates_nothing(cpo: Partner, emsp: Partner) -> None:
    first = await cpo.post("cdrs", "", cdr("C1", owner=ABC))
    again = await cpo.post("cdrs", "", cdr("C1", owner=ABC, last_updated="2026-03-02T00:00:00Z"))
    assert (said(first), said(again)) == ((201, 1000), (200, 1000))
    assert again.headers["Location"] == first.headers["Location"]
    assert data(await emsp.get("cdrs")) == [cdr("C1", owner=ABC)]


async def test_many_repeats_at_once_create_one(cpo: Partner, emsp: Partner) -> None:
    answers = await asyncio.gather(*(cpo.post("cdrs", "", cdr("C1", owner=ABC)) for _ in range(8)))
    assert sorted(said(answer) for answer in answers) == [(200, 1000)] * 7 + [(201, 1000)]
    assert (await emsp.get("cdrs")).headers["X-Total-Count"] == "1"


async def test_a_repeat_with_its_numbers_written_otherwise_is_the_same_cdr(cpo: Partner) -> None:
    """As by another part of the platform, or in its list."""
    document = cdr("C1", owner=ABC, total_energy=1.5)
    assert said(await cpo.post("cdrs", "", document)) == (201, 1000)
    for energy, expected in (("1.50", 1000), ("15e-1", 1000), ("1.51", 2001), ('"1.5"', 2001)):
        body = json.dumps(document).replace('"total_energy": 1.5', f'"total_energy": {energy}')
        assert said(await cpo.call("POST", "cdrs", content=body.encode())) == (200, expected), energy
    kept = await cpo.get("cdrs", "NL/ABC/C1", role="RECEIVER")
    assert b'"total_energy":1.5,' in kept.content, "the digits that came first"


async def test_other_content_is_refused(cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", cdr("C1", owner=ABC))
    answer = await cpo.post("cdrs", "", cdr("c1", owner=ABC, total_cost={"excl_vat": 9}))
    assert said(answer) == (200, 2001)
    assert data(await emsp.get("cdrs")) == [cdr("C1", owner=ABC)]


async def test_a_credit_cdr_is_another_cdr(cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", cdr("C1", owner=ABC))
    total = {"excl_vat": -3.00, "incl_vat": -3.63}
    credit = cdr("C1-credit", owner=ABC, credit=True, credit_reference_id="C1", total_cost=total)
    assert said(await cpo.post("cdrs", "", credit)) == (201, 1000)
    assert ids(await emsp.get("cdrs")) == ["C1", "C1-credit"]
    nameless = cdr("C2-credit", owner=ABC, credit=True)
    assert said(await cpo.post("cdrs", "", nameless)) == (200, 2001)


@pytest.mark.parametrize("cdr_id", ["2026/03/0001", "a b?#%2F&+"])
async def test_any_id_has_a_location_that_works(cpo: Partner, cdr_id: str) -> None:
    answer = await cpo.post("cdrs", "", cdr(cdr_id, owner=ABC))
    assert said(answer) == (201, 1000)
    location = answer.headers["Location"]
    assert unquote(unquote(urlsplit(location).path)).endswith(f"/{cdr_id}")
    assert data(await cpo.request("GET", location, from_="NL/ABC"))["id"] == cdr_id


async def test_a_cdr_of_another_owner_is_refused(cpo: Partner, emsp: Partner) -> None:
    for owner in (("BE", "BEC"), ("NL", "CPO")):
        answer = await cpo.post("cdrs", "", cdr("C1", owner=owner))
        assert said(answer) == (200, 2001)
        assert "country_code, party_id" in answer.json()["status_message"]
    answer = await emsp.post("cdrs", "", cdr("C1", owner=MSP))
    assert said(answer) == (200, 2001)
    assert "CPO" in answer.json()["status_message"]


async def test_only_its_owner_reads_it_at_the_receiver(cpo: Partner, emsp: Partner) -> None:
    location = (await cpo.post("cdrs", "", cdr("C1", owner=ABC))).headers["Location"]
    assert said(await emsp.request("GET", location, from_=emsp.here)) == (404, 2001)
    assert said(await cpo.request("GET", f"{location}x", from_="NL/ABC")) == (404, 2001)


async def test_only_the_token_s_owner_finds_it_in_the_list(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", cdr("C1", owner=ABC))
    await cpo.post("cdrs", "", cdr("C2", owner=ABC, cdr_token=cdr_token(owner=("FR", "EMP"))))
    async with registered(hub, ("EMSP", "FR", "EMP")) as other, registered(hub, ("CPO", "BE", "BEC")) as stranger:
        lists = [await one.get("cdrs") for one in (cpo, emsp, other, stranger)]
        assert [ids(one) for one in lists] == [["C1", "C2"], ["C1"], ["C2"], []]
        assert [one.headers["X-Total-Count"] for one in lists] == ["2", "1", "1", "0"]


async def test_a_list_may_name_the_owner_by_ocpi_to(cpo: Partner, emsp: Partner) -> None:
    await cpo.post("cdrs", "", cdr("C1", owner=ABC))
    assert ids(await emsp.get("cdrs", to="NL/CPO")) == []


async def test_a_wrong_tariff_inside_is_named(cpo: Partner) -> None:
    broken = cdr("C1", owner=ABC, tariffs=[tariff(owner=ABC, currency=None)])
    answer = await cpo.post("cdrs", "", broken)
    assert said(answer) == (200, 2001)
    assert "tariffs.0.currency: is required" in answer.json()["status_message"]
