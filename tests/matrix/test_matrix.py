"""Nobody reads or writes what is another's (X13): 6 parties × modules × verbs × {own, other, spoofed OCPI-from, spoofed
owner in the body, spoofed owner in the URL}, at the hub and through it, in an open hub and in a closed one.

Real HTTP, real PostgreSQL. What is allowed is written in words.py and is compared with what happens, both ways.
"""

import json
from collections.abc import AsyncIterator

import pytest

from tests.matrix.words import (
    DRIVERS_OF,
    HUB,
    MODULES,
    PARTIES,
    PRIVATE,
    ROLES,
    VERBS,
    WRITES,
    Attempt,
    attempts,
    friends,
    may_write,
    owns,
    reads,
    tells,
)
from tests.matrix.world import World, document, ids_of, keep, marks, six_parties
from tests.world.objects import token


@pytest.fixture(params=["open", "closed"])
async def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with six_parties(database_url, redis_url, closed=request.param == "closed") as running:
        yield running


def victim(me: str, module: str) -> str:
    """Another party that has such objects."""
    return next(party for party in PARTIES if party != me and owns(party, module))


async def attempt(world: World, me: str, verb: str, module: str, tried: Attempt, to: str | None) -> tuple[str, bool]:
    """Try it. Says what it was, and whether the answer was a success."""
    object_id = ids_of(module)[0][0]
    changed = {"z_by": f"{me} as {tried.variant}"}
    body, path = None, f"{tried.url}/{object_id}"
    if verb == "PATCH":
        body = {"country_code": tried.body[:2], "party_id": tried.body[3:], "last_updated": "2026-03-03T10:00:00Z"}
        body |= changed
    elif verb == "POST":
        path, body = "", document(module, tried.body, f"{module}-{me[:2]}-{tried.variant[-4:]}", **changed)
    elif verb == "PUT":
        body = document(module, tried.body, object_id, **changed)
    what = f"{me} {verb} {module} to {to}: {tried}"
    answer = await world.ask(me, verb, module, path, from_=tried.from_, to=to, body=body, what=what)
    assert answer.status_code < 500, answer.text
    success = answer.status_code < 300 and answer.json()["status_code"] == 1000
    if verb == "GET" and success:
        assert marks(answer) == {f"{me} {object_id}"}, what
    return what, success


async def test_nobody_writes_what_is_not_its_own_at_the_hub(world: World) -> None:
    """Every attempt is answered as the words say, and no row of anybody else is different after it."""
    wrong, tried = [], 0
    kept = await world.owned()
    for me in PARTIES:
        for module in MODULES:
            for one in attempts(me, victim(me, module)):
                for verb in VERBS:
                    before, tried = kept, tried + 1
                    what, success = await attempt(world, me, verb, module, one, HUB if tried % 2 else None)
                    kept = await world.owned()
                    changed = {key for key in before.keys() | kept.keys() if before.get(key) != kept.get(key)}
                    if success is not may_write(me, module, verb, one):
                        wrong.append(f"{what}: {'taken' if success else 'refused'}")
                    if {owner for _, owner, _ in changed} - {me} or (changed and not success):
                        wrong.append(f"{what}: changed {changed}")
                    if verb == "DELETE" and success:
                        await keep(world, me, module)
                        kept = await world.owned()
    assert wrong == []
    assert tried == 6 * 5 * 6 * 5


async def test_nothing_that_is_refused_reaches_anybody(world: World) -> None:
    """What is addressed to a party goes to it alone, and only from its owner and if the two may talk."""
    wrong = []
    for me in PARTIES:
        for module in MODULES:
            for one in attempts(me, victim(me, module)):
                for to in PARTIES if one.variant == "own" else PARTIES[:3]:
                    for verb in sorted(WRITES[module]) if to != me else ():
                        may = may_write(me, module, verb, one) and tells(me, to, module, closed=world.closed)
                        what, success = await attempt(world, me, verb, module, one, to)
                        reached = world.heard().get(list(world.sent)[-1], set())
                        if success is not may or reached != ({to} if may else set()):
                            wrong.append(f"{what}: {'passed on' if success else 'refused'}, reached {reached}")
                world.forget()
    assert wrong == []
    assert {document["z_mark"][:6] for document in map(json.loads, (await world.owned()).values())} <= set(PARTIES)


async def test_everybody_is_told_of_what_is_for_it_and_of_nothing_else(world: World) -> None:
    for module in MODULES:
        for owner in (party for party in PARTIES if owns(party, module)):
            world.forget()
            for object_id, driver in ids_of(module):
                new = f"{object_id}-new" if module == "cdrs" else object_id
                changes = {"z_by": "told"}
                if module in PRIVATE:
                    changes["cdr_token"] = document(module, owner, object_id)["cdr_token"]
                verb, path = ("POST", "") if module == "cdrs" else ("PUT", f"{owner}/{object_id}")
                body = document(module, owner, new) | changes
                answer = await world.ask(owner, verb, module, path, body=body)
                assert answer.json()["status_code"] == 1000, answer.text
                await world.told()
                name = list(world.sent)[-1]
                closed = world.closed
                expected = {
                    party
                    for party in PARTIES
                    if party != owner and reads(party, owner, module, closed=closed, driver_of=driver)
                }
                assert world.heard().get(name, set()) == expected, (module, owner, object_id)


async def test_everybody_reads_what_is_for_it_and_nothing_else(world: World) -> None:
    """Lists with the hub or nobody in OCPI-to, single objects, and all of it again in another's name."""
    for me in PARTIES:
        for module in MODULES:
            expected = {
                f"{owner} {object_id}"
                for owner in PARTIES
                if owns(owner, module)
                for object_id, driver in ids_of(module)
                if reads(me, owner, module, closed=world.closed, driver_of=driver)
            }
            for to in (HUB, None):
                listed = await world.ask(me, "GET", module, "?date_from=2020-01-01T00:00:00Z", role="SENDER", to=to)
                assert marks(listed) == expected, (me, module, to)
                assert int(listed.headers["x-total-count"]) == len(expected), (me, module)
            if module == "locations":
                one = await world.ask(me, "GET", module, "locations-1", role="SENDER", to=None)
                assert marks(one) <= expected
            for other in (party for party in PARTIES if party != me):
                pretended = await world.ask(
                    me, "GET", module, "?date_from=2020-01-01T00:00:00Z", role="SENDER", from_=other
                )
                assert (marks(pretended), pretended.json()["status_code"]) == (set(), 2001), (me, module, other)


async def test_a_party_is_asked_only_by_those_who_may_talk_with_it(world: World) -> None:
    """GET of a party's own SENDER interface, commands and authorizations through the hub."""
    wrong = []
    for me in PARTIES:
        for to in (party for party in PARTIES if party != me):
            for module in MODULES:
                path = "?date_from=2020-01-01T00:00:00Z"
                answer = await world.ask(me, "GET", module, path, role="SENDER", to=to)
                may = tells(to, me, module, closed=world.closed)
                wrong += _unexpected(world, answer.json()["status_code"], may=may, to=to)
            drives, charges = "EMSP" in ROLES[me], "CPO" in ROLES[to]
            may = drives and charges and friends(me, to, "commands", closed=world.closed)
            url = world.partners[me].result_url()
            for owner in (me, *(party for party in DRIVERS_OF if party != me)):
                body = {"response_url": url, "location_id": "locations-1"}
                body |= {"token": token(owner=(owner[:2], owner[3:]))}
                answer = await world.ask(me, "POST", "commands", "START_SESSION", to=to, body=body)
                wrong += _unexpected(world, answer.json()["status_code"], may=may and owner == me, to=to)
    assert wrong == []


def _unexpected(world: World, status_code: int, *, may: bool, to: str) -> list[str]:
    """What is wrong with how the last request ended: the answer, or whom it reached."""
    name, what = list(world.sent.items())[-1]
    reached = world.heard().get(name, set())
    right = (status_code == 1000) is may and reached == ({to} if may else set())
    return [] if right else [f"{what}: {status_code}, reached {reached}, may: {may}"]


def test_the_words_can_be_wrong() -> None:
    """A table that allowed nothing, or everything, would prove nothing."""
    every = [
        may_write(me, module, verb, one)
        for me in PARTIES
        for module in MODULES
        for verb in VERBS
        for one in attempts(me, victim(me, module))
    ]
    assert 0 < sum(every) < len(every) / 4
    seen = {
        json.dumps([closed, reads(a, b, module, closed=closed, driver_of="DE/MSP")])
        for a in PARTIES
        for b in PARTIES
        for module in MODULES
        for closed in (False, True)
    }
    assert len(seen) == 4
