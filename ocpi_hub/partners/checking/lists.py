"""Checks of the lists and objects of a partner's functional modules."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

from pydantic import ValidationError

from ocpi_hub.dialects.speaking import unwrapped, with_params, with_slash
from ocpi_hub.objects.kinds import Kind
from ocpi_hub.partners.checking.asking import Asker, Reply
from ocpi_hub.partners.checking.configuration import routing
from ocpi_hub.partners.checking.findings import HTTP, OBJECTS, PAGES, TIMES, Report, Verdict
from ocpi_hub.partners.ends import serves
from ocpi_hub.partners.origins import Origins, host_of
from ocpi_hub.partners.snapshot import PartyEntry
from ocpi_hub.wire.errors import from_validation
from ocpi_hub.wire.paging import read_next
from ocpi_hub.wire.parties import InterfaceRole
from ocpi_hub.wire.types import format_datetime, parse_datetime

PAGE = 20
UNKNOWN = "ocpi-hub-check-unknown"
SHOWN = 3


class Lists:
    """The checks of one module's SENDER interface. `to` is the party that is asked, `own` are the partner's hosts."""

    def __init__(
        self, asker: Asker, report: Report, kind: Kind, url: str, parties: Sequence[PartyEntry], *, own: Origins
    ) -> None:
        self.asker, self.report, self.kind = asker, report, kind
        self.module, self.own = kind.module.value, own
        self.url = with_slash(url, asker.profile.trailing_slash)
        self.parties = [entry.party for entry in parties if serves(entry.role, self.module, InterfaceRole.SENDER)]
        self.to = next(iter(dict.fromkeys(self.parties)), None)
        self.since = asker.resources.clock() - timedelta(days=365)

    async def run(self) -> None:
        """Everything about this list, the cheap things first."""
        page = await self._get({"limit": str(PAGE)})
        said = ("its list can be read", f"GET {self.module}: {page.said}")
        if not self._judge("list.read", PAGES, page.ok and page.objects is not None, said, "the hub cannot pull it"):
            return
        objects = page.objects or []
        routing(self.report, page, self.module)
        total = self._counts(page, objects)
        await self._limit(total)
        await self._dates()
        self._objects(objects)
        await self._one(objects)

    async def _get(self, params: dict[str, str], *, dated: bool = True) -> Reply:
        since = {"date_from": format_datetime(self.since)} if self.kind.dated and dated else {}
        return await self.asker.get(with_params(self.url, since | params), to=self.to, routed=True)

    def _judge(
        self, id_: str, section: str, good: bool, said: tuple[str, str], advice: str = "", bad: Verdict = Verdict.FAIL
    ) -> bool:
        return self.report.judge(id_, section, good, said, advice, bad=bad, module=self.module)

    def _counts(self, page: Reply, objects: list[Any]) -> int | None:
        total, most = _count(page, "x-total-count"), _count(page, "x-limit")
        said = (f"X-Total-Count says {total}", "X-Total-Count is missing or no number")
        self._judge("list.total", PAGES, total is not None, said, "nobody knows when a list is whole", Verdict.WARN)
        said = (f"X-Limit says {most}", "X-Limit is missing or no number")
        self._judge("list.x_limit", PAGES, most is not None, said, "it is required", Verdict.WARN)
        if total is not None:
            said = ("the page fits its total", f"{len(objects)} objects on a page, though X-Total-Count says {total}")
            self._judge("list.fits", PAGES, len(objects) <= total, said, "the count must be right")
        return total

    async def _limit(self, total: int | None) -> None:
        """limit=1, and the link to the page after it."""
        page = await self._get({"limit": "1"})
        objects = page.objects or []
        said = ("limit is kept", f"limit=1 gave {len(objects)} objects ({page.said})")
        if not self._judge("list.limit", PAGES, page.ok and len(objects) <= 1, said, "limit must be kept"):
            return
        link = read_next(page.headers.get("link"))
        if total is None or total < 2 or not objects:
            said = ("there is no link after the last page", "there is a next link after the last page")
            ended = link is None or total is None or total > 1
            self._judge("list.last", PAGES, ended, said, "it must be left out", Verdict.WARN)
            return
        advice = "the hub counts offsets instead (profile: link)"
        said = ("there is a link to the next page", "there is no usable next link, though there is more")
        if not self._judge("list.link", PAGES, link is not None, said, advice, Verdict.WARN):
            return
        there = urljoin(page.url, link or "")
        said = ("it stays on its hosts", f"the next link leads to {host_of(there)}, which is not one of its hosts")
        advice = f"{advice}, unless the operator adds the host (profile: hosts): tokens go nowhere else"
        if not self._judge("list.link_host", PAGES, self.own.has(there), said, advice):
            return
        after = await self.asker.get(there, to=self.to, routed=True)
        other = after.ok and bool(after.objects) and after.objects != objects
        said = ("the next page has other objects", f"the next page has the same objects, or none ({after.said})")
        self._judge("list.next", PAGES, other, said, "a crawl never gets to its end")

    async def _dates(self) -> None:
        """date_from in the future and date_to in the past leave nothing."""
        now = self.asker.resources.clock()
        for name, when in (("date_from", now + timedelta(days=2)), ("date_to", now - timedelta(days=20 * 365))):
            page = await self._get({name: format_datetime(when), "limit": str(PAGE)}, dated=name == "date_to")
            found = len(page.objects or [])
            said = (f"{name} is kept", f"{name}={format_datetime(when)} gave {found} objects ({page.said})")
            advice = "deltas are whole lists; raise the interval of its pull" if page.ok else "the filter must be taken"
            bad = Verdict.WARN if page.ok else Verdict.FAIL
            self._judge(f"list.{name}", PAGES, page.ok and found == 0, said, advice, bad)

    def _objects(self, objects: list[Any]) -> None:
        """Every object of a page against the model, its owner and its times."""
        bad, foreign, odd, keys = [], set(), 0, []
        for thing in objects:
            try:
                self.kind.model.model_validate(thing)
            except ValidationError as error:
                bad.append(from_validation(error).message)
                continue
            owner = self.kind.owner_of(thing)
            keys.append((owner.key, self.kind.object_key(thing)))
            if owner not in self.parties:
                foreign.add(str(owner))
            odd += not _strict(thing.get("last_updated"))
        first = bad[0][:300] if bad else ""
        said = (f"{len(objects)} objects are valid", f"{len(bad)} of {len(objects)} are not: {first}")
        self._judge("objects.valid", OBJECTS, not bad, said, "the hub skips these; the reasons are in its runs")
        said = ("they are of its own parties", f"some are of {', '.join(sorted(foreign)[:SHOWN])}")
        self._judge("objects.owner", OBJECTS, not foreign, said, "the hub takes only those of its parties")
        said = ("their times are UTC as the specification writes them", f"last_updated is odd in {odd}")
        self._judge("objects.times", TIMES, odd == 0, said, "the hub reads them; others may not", Verdict.WARN)
        said = ("no id comes twice", "an id comes twice on a page")
        self._judge("objects.unique", OBJECTS, len(set(keys)) == len(keys), said, "the last one counts", Verdict.WARN)

    async def _one(self, objects: list[Any]) -> None:
        """An object by its id, where the module has that; and one that is not there."""
        if not self.kind.by_id:
            return
        first = objects[0].get(self.kind.key_field) if objects and isinstance(objects[0], dict) else None
        if isinstance(first, str):
            reply = await self.asker.get(_below(self.asker, self.url, first), to=self.to, routed=True)
            data = reply.answer.data if reply.answer is not None else None
            found = unwrapped(data)
            same = reply.ok and isinstance(found, dict) and found.get(self.kind.key_field) == first
            said = ("an object can be read by its id", f"GET of its own object {first[:36]}: {reply.said}")
            self._judge("object.by_id", OBJECTS, same, said, "GET by id is part of the interface")
        reply = await self.asker.get(_below(self.asker, self.url, UNKNOWN), to=self.to, routed=True)
        not_found(self.report, reply, self.module, interface="SENDER")


async def receiver(asker: Asker, report: Report, kind: Kind, url: str, parties: Sequence[PartyEntry]) -> None:
    """The RECEIVER interface of a module: an object of the hub that is not there."""
    to = next((e.party for e in parties if serves(e.role, kind.module, InterfaceRole.RECEIVER)), None)
    if kind.immutable or to is None:
        return
    names = (asker.hub.country_code, asker.hub.party_id, UNKNOWN)
    base = with_slash(url, "never")
    reply = await asker.get(_below(asker, base, "/".join(names)), to=to, routed=True)
    not_found(report, reply, kind.module.value, interface="RECEIVER")


def not_found(report: Report, reply: Reply, module: str, *, interface: str) -> None:
    """An id that does not exist is HTTP 404 (status_codes: "GET of a resource that does not exist")."""
    in_ocpi = reply.status is not None and reply.status < 500 and reply.answer is not None
    gentle = in_ocpi and reply.answer is not None and not reply.answer.ok
    said = ("an unknown id gets HTTP 404", f"an unknown id gets {reply.said}")
    bad = Verdict.WARN if gentle or reply.status == 404 else Verdict.FAIL
    good = reply.status == 404 and reply.answer is not None
    report.judge(f"object.unknown.{interface.lower()}", HTTP, good, said,
                 "it has to answer HTTP 404 with an envelope", bad=bad, module=module)  # fmt: skip


def _below(asker: Asker, url: str, path: str) -> str:
    """The URL of something below an endpoint."""
    base, mark, query = url.partition("?")
    return with_slash(f"{base.rstrip('/')}/{path}{mark}{query}", asker.profile.trailing_slash)


def _count(reply: Reply, name: str) -> int | None:
    text = reply.headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _strict(value: Any) -> bool:
    """Whether a DateTime is written as the specification has it: UTC without an offset, at most 25 characters."""
    try:
        parse_datetime(value)
    except (ValueError, TypeError):
        return False
    return len(value) <= 25 and "+" not in value and value.count("-") == 2 and " " not in value
