"""Lists over HTTP (transport_and_format, Pagination): filters, headers, next links, and a crawl while others write."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from ocpi_hub.objects.kinds import CDRS, SESSIONS, TARIFFS
from tests.modules.owned.talking import ABC, data, ids, keep, next_url, said
from tests.world.hub import Hub
from tests.world.objects import cdr, session, tariff
from tests.world.partner import Partner

pytestmark = pytest.mark.asyncio(loop_scope="package")


def at(hour: int) -> str:
    return f"2026-03-01T{hour:02}:00:00Z"


async def ask(partner: Partner, module: str, query: str = "", **kw: Any) -> httpx.Response:
    url = partner.hub_endpoints[(module, "SENDER")]
    return await partner.request("GET", f"{url}?{query}" if query else url, from_=partner.here, **kw)


@pytest_asyncio.fixture(loop_scope="package")
async def five(hub: Hub) -> AsyncIterator[None]:
    """T0 to T4, last updated from 0:00 to 4:00, of our own chargers."""
    for n in range(5):
        await keep(hub.resources, TARIFFS, tariff(f"T{n}", last_updated=at(n)))
    yield


class TestHeaders:
    async def test_a_whole_list_has_no_link(self, emsp: Partner, five: None) -> None:
        answer = await ask(emsp, "tariffs")
        assert ids(answer) == ["T0", "T1", "T2", "T3", "T4"]
        assert (answer.headers["X-Total-Count"], answer.headers["X-Limit"]) == ("5", "200")
        assert "Link" not in answer.headers

    async def test_an_empty_list(self, emsp: Partner, hub: Hub) -> None:
        answer = await ask(emsp, "tariffs")
        assert (data(answer), answer.headers["X-Total-Count"], next_url(answer)) == ([], "0", None)

    async def test_the_link_is_absolute_and_has_the_filters(self, emsp: Partner, hub: Hub, five: None) -> None:
        answer = await ask(emsp, "tariffs", f"date_from={at(1)}&date_to=2026-03-01T04:00:00&limit=2&offset=0")
        assert (ids(answer), answer.headers["X-Total-Count"]) == (["T1", "T2"], "3")
        url = next_url(answer)
        assert url is not None
        assert url.startswith(f"{hub.url}/ocpi/2.2.1/sender/tariffs?")
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query.pop("cursor")
        assert query == {"date_from": at(1), "date_to": at(4), "limit": "2", "offset": "2"}
        following = await emsp.request("GET", url, from_=emsp.here)
        assert (ids(following), next_url(following)) == (["T3"], None)
        assert following.headers["X-Total-Count"] == "3"

    async def test_links_lead_through_the_list(self, emsp: Partner, five: None) -> None:
        answer = await ask(emsp, "tariffs", "limit=2")
        pages = [ids(answer)]
        while (url := next_url(answer)) is not None:
            answer = await emsp.request("GET", url, from_=emsp.here)
            pages.append(ids(answer))
        assert pages == [["T0", "T1"], ["T2", "T3"], ["T4"]]

    async def test_the_limit_of_the_server_counts(self, emsp: Partner, hub: Hub) -> None:
        async with hub.resources.unit_of_work() as db:
            for n in range(201):
                await keep(hub.resources, TARIFFS, tariff(f"T{n}"), db=db)
        answer = await ask(emsp, "tariffs", "limit=1000")
        assert (len(data(answer)), answer.headers["X-Limit"], answer.headers["X-Total-Count"]) == (200, "200", "201")
        assert "limit=200" in str(next_url(answer))


class TestQueries:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("offset=3", ["T3", "T4"]),
            ("offset=9", []),
            ("limit=1", ["T0"]),
            ("offset=&limit=", ["T0", "T1", "T2", "T3", "T4"]),
            ("date_from=2026-03-01T03:00:00Z", ["T3", "T4"]),
            ("date_to=2026-03-01T01:00:00.000Z", ["T0"]),
            ("date_from=2026-03-01T04:00:00.001Z", []),
            ("date_from=2026-03-01T05:00:00%2B01:00", ["T4"]),
            ("date_from=2026-03-01T03:00:00&date_to=2026-03-01T02:00:00", []),
            ("unknown=1", ["T0", "T1", "T2", "T3", "T4"]),
        ],
    )
    async def test_what_they_find(self, emsp: Partner, five: None, query: str, found: list[str]) -> None:
        assert ids(await ask(emsp, "tariffs", query)) == found

    @pytest.mark.parametrize(
        "query",
        [
            *("limit=-1", "limit=0", "limit=ten", "limit=1.5", "offset=-1", "offset=99999999999999999999"),
            *("date_from=yesterday", "date_to=2026-13-01T00:00:00Z", "date_from=%00"),
            *("cursor=x", "cursor=AAAAAAAAAAAA", "cursor=//////////8", "cursor=AAAAAAAAAA!", "cursor=é"),
        ],
    )
    async def test_what_they_refuse(self, emsp: Partner, five: None, query: str) -> None:
        answer = await ask(emsp, "tariffs", query)
        assert said(answer) == (200, 2001)
        assert query.partition("=")[0] in answer.json()["status_message"] or "control" in answer.text

    async def test_a_cursor_opens_nothing_that_is_not_ones_own_to_see(self, emsp: Partner, cpo: Partner) -> None:
        assert ids(await ask(cpo, "tariffs", "cursor=AAAAAAAAAAA")) == []

    async def test_sessions_need_a_date_from(self, emsp: Partner, hub: Hub) -> None:
        answer = await ask(emsp, "sessions")
        assert said(answer) == (200, 2001)
        assert "date_from" in answer.json()["status_message"]


@pytest.mark.parametrize(("kind", "build"), [(SESSIONS, session), (CDRS, cdr)], ids=["sessions", "cdrs"])
async def test_totals_count_only_what_the_caller_may_see(
    kind: Any, build: Any, hub: Hub, cpo: Partner, emsp: Partner
) -> None:
    theirs = {"uid": "X", "type": "RFID", "contract_id": "C", "country_code": "FR", "party_id": "EMP"}
    for n in range(3):
        await keep(hub.resources, kind, build(f"MINE{n}", last_updated=at(n)))
        await keep(hub.resources, kind, build(f"THEIRS{n}", cdr_token=theirs, last_updated=at(n)))
    await keep(hub.resources, kind, build("ABC1", owner=ABC, cdr_token=theirs), source="elsewhere")
    since = "date_from=2020-01-01T00:00:00Z"
    answer = await ask(emsp, kind.module, f"{since}&limit=2")
    assert (ids(answer), answer.headers["X-Total-Count"]) == (["MINE0", "MINE1"], "3")
    later = await ask(emsp, kind.module, f"date_from={at(1)}&date_to={at(2)}")
    assert (ids(later), later.headers["X-Total-Count"]) == (["MINE1"], "1")
    own = await ask(cpo, kind.module, since)
    assert (ids(own), own.headers["X-Total-Count"]) == (["ABC1"], "1")
    if not kind.dated:
        assert (await ask(emsp, kind.module)).headers["X-Total-Count"] == "3"


async def test_a_crawl_while_others_write_sees_what_stays_exactly_once(hub: Hub, cpo: Partner, emsp: Partner) -> None:
    """X20, over HTTP: tariffs come, change and go while an eMSP follows the links."""
    stays = [f"S{n}" for n in range(40)]
    goes = [f"G{n}" for n in range(40)]
    for pair in zip(goes, stays, strict=True):
        for name in pair:
            await keep(hub.resources, TARIFFS, tariff(name))
    crawling = True

    async def write() -> None:
        n = 0
        while crawling:
            n += 1
            await cpo.put("tariffs", f"NL/ABC/NEW{n}", tariff(f"NEW{n}", owner=ABC))
            await keep(hub.resources, TARIFFS, tariff(stays[n % 40], currency="SEK", last_updated=at(n % 24)))
            await keep(hub.resources, TARIFFS, tariff(goes[n % 40]), remove=True)

    writing = asyncio.create_task(write())
    answer = await ask(emsp, "tariffs", "limit=7")
    seen = ids(answer)
    while (url := next_url(answer)) is not None:
        answer = await emsp.request("GET", url, from_=emsp.here)
        seen += ids(answer)
    crawling = False
    await writing
    assert [name for name in seen if name in stays] == stays
    assert len(seen) == len(set(seen))
