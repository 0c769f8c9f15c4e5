"""The object store against a dictionary: whatever is put, patched and removed, in any order (X37).

A short run always, the same every time. OCPI_HUB_TEST_STEPS=10000 makes it a long one, new every time, that also
looks for the shortest way to what it finds.
"""

import asyncio
import os
from copy import deepcopy
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from ocpi_hub.base.resources import Resources, open_resources
from ocpi_hub.base.settings import Settings
from ocpi_hub.objects.kinds import CDRS, KINDS, LOCATIONS, SESSIONS, TARIFFS, TOKENS, Kind
from ocpi_hub.objects.reading import Sight
from ocpi_hub.wire import json
from ocpi_hub.wire.errors import OcpiError
from ocpi_hub.wire.headers import PartyId
from tests.objects.hub import Hub
from tests.world import objects

DEFAULT_STEPS = 600
STEPS = int(os.environ.get("OCPI_HUB_TEST_STEPS", DEFAULT_STEPS))
STEPS_IN_ONE = 60
SHORT = STEPS == DEFAULT_STEPS

OWNERS = [("NL", "CPO"), ("be", "bec")]
owners = st.sampled_from(OWNERS)
ids = st.sampled_from(["A", "a", "B", "C"])
times = st.sampled_from([f"2026-03-01T{hour:02}:00:00Z" for hour in range(4)])
names = st.sampled_from(["One", "Two"])
statuses = st.sampled_from(["AVAILABLE", "CHARGING", "REMOVED"])
connectors = st.builds(objects.connector, ids, max_amperage=st.sampled_from([16, 32]), last_updated=times)
evses = st.builds(
    objects.evse,
    ids,
    status=statuses,
    connectors=st.lists(connectors, min_size=1, max_size=2, unique_by=lambda one: one["id"].lower()),
    last_updated=times,
)
locations = {"name": names, "evses": st.lists(evses, max_size=2, unique_by=lambda one: one["uid"].lower())}
periods = st.lists(st.builds(objects.charging_period, times, kwh=st.sampled_from([0.5, 1.10])), max_size=2)
ends = st.sampled_from(["ACTIVE", "COMPLETED", "INVALID"])

Document = dict[str, Any]
Place = tuple[str, str, str]


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if name != "last_updated"}
    return [without_times(one) for one in value] if isinstance(value, list) else value


class Refused(Exception):
    """What the model refuses, with the HTTP status."""


def place_of(things: list[Document], field: str, key: str) -> int | None:
    found = [index for index, one in enumerate(things) if one[field].lower() == key.lower()]
    return found[0] if found else None


class Store(RuleBasedStateMachine):
    """Every rule does the same to the hub and to `self.kept`, and compares what comes back."""

    runner: asyncio.Runner
    resources: Resources

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[Place, Document] = {}
        self.hub = Hub(self.resources)
        self.runner.run(self.empty())

    async def empty(self) -> None:
        async with self.resources.unit_of_work() as db:
            for table in ("location", "tariff", "token", "session", "cdr", "kept_count"):
                await db.execute(text(f"DELETE FROM {table}"))

    def do(self, kind: Kind, place: Place, call: Any, model: Any) -> None:
        """Run both sides. The model changes `self.kept` in place and says whether what was named is new."""
        before = deepcopy(self.kept.get(place))
        kept = deepcopy(self.kept)
        try:
            created: bool | None = model()
        except Refused as refused:
            self.kept, status = kept, refused.args[0]
            with pytest.raises(OcpiError) as error:
                self.runner.run(call)
            assert error.value.http_status == status
            return
        written = self.runner.run(call)
        after = self.kept.get(place)
        if created is None:
            assert (written is None) == (before is None)
            return
        assert (written.created, written.changed) == (created, without_times(before) != without_times(after))
        assert json.loads(written.document) == json.loads(json.dumps(after))

    # -- whole objects ---------------------------------------------------------------------------------------------

    def put(self, kind: Kind, owner: tuple[str, str], document: Document) -> None:
        place = (kind.module.value, "/".join(owner).lower(), kind.object_key(document))

        def model() -> bool:
            created = place not in self.kept
            if kind is CDRS and not created:
                if without_times(self.kept[place]) != without_times(document):
                    raise Refused(200)
                return False
            if kind is SESSIONS and not created and self.overtaken(self.kept[place], document):
                return False
            self.kept[place] = deepcopy(document)
            return created

        self.do(kind, place, self.hub.put(kind, document), model)

    @rule(owner=owners, object_id=ids, at=times, changes=st.fixed_dictionaries(locations))
    def put_location(self, owner: tuple[str, str], object_id: str, at: str, changes: Document) -> None:
        self.put(LOCATIONS, owner, objects.location(object_id, owner=owner, last_updated=at, **changes))

    @rule(owner=owners, object_id=ids, at=times, currency=st.sampled_from(["EUR", "SEK"]))
    def put_tariff(self, owner: tuple[str, str], object_id: str, at: str, currency: str) -> None:
        self.put(TARIFFS, owner, objects.tariff(object_id, owner=owner, currency=currency, last_updated=at))

    @rule(owner=owners, uid=ids, at=times, token_type=st.sampled_from(["RFID", "OTHER"]), valid=st.booleans())
    def put_token(self, owner: tuple[str, str], uid: str, at: str, token_type: str, valid: bool) -> None:
        self.put(TOKENS, owner, objects.token(uid, owner=owner, type=token_type, valid=valid, last_updated=at))

    @rule(owner=owners, object_id=ids, at=times, charging_periods=periods, reader=owners, status=ends)
    def put_session(
        self,
        owner: tuple[str, str],
        object_id: str,
        at: str,
        charging_periods: list[Document],
        reader: tuple[str, str],
        status: str,
    ) -> None:
        token = objects.cdr_token(owner=reader)
        document = objects.session(
            object_id, owner=owner, charging_periods=charging_periods, cdr_token=token, last_updated=at, status=status
        )
        self.put(SESSIONS, owner, document)

    @rule(owner=owners, object_id=ids, at=times, kwh=st.sampled_from([1, 2.50]), reader=owners)
    def post_cdr(self, owner: tuple[str, str], object_id: str, at: str, kwh: float, reader: tuple[str, str]) -> None:
        # An id in another case is the same CDR, but not the same content.
        token = objects.cdr_token(owner=reader)
        self.put(
            CDRS,
            owner,
            objects.cdr(object_id.upper(), owner=owner, total_energy=kwh, cdr_token=token, last_updated=at),
        )

    @rule(object_id=ids)
    def remove_tariff(self, object_id: str) -> None:
        place = ("tariffs", "nl/cpo", object_id.lower())

        def model() -> None:
            self.kept.pop(place, None)

        self.do(TARIFFS, place, self.hub.remove(object_id), model)

    # -- parts ------------------------------------------------------------------------------------------------------

    @rule(location_id=ids, document=evses)
    def put_evse(self, location_id: str, document: Document) -> None:
        place = ("locations", "nl/cpo", location_id.lower())

        def model() -> bool:
            whole = self.found(place)
            return self.set_child(whole, "evses", "uid", document)

        self.do(LOCATIONS, place, self.hub.put_child(location_id, document["uid"], document=document), model)

    @rule(location_id=ids, uid=ids, document=connectors)
    def put_connector(self, location_id: str, uid: str, document: Document) -> None:
        place = ("locations", "nl/cpo", location_id.lower())

        def model() -> bool:
            whole = self.found(place)
            evse = self.child(whole, "evses", "uid", uid)
            created = self.set_child(evse, "connectors", "id", document)
            whole["last_updated"] = document["last_updated"]
            return created

        call = self.hub.put_child(location_id, uid, document["id"], document=document)
        self.do(LOCATIONS, place, call, model)

    @rule(
        location_id=ids,
        at=times,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "name": st.none() | names,
                "city": st.none() | names,
                "x_vendor": st.none() | st.integers(),
                "evses": st.none()
                | st.lists(
                    st.fixed_dictionaries({"uid": ids}, optional={"status": statuses}) | evses,
                    max_size=2,
                    unique_by=lambda one: one["uid"].lower(),
                ),
            },
        ),
    )
    def patch_location(self, location_id: str, at: str, changes: Document) -> None:
        place = ("locations", "nl/cpo", location_id.lower())

        def model() -> bool:
            whole = self.found(place)
            for name, value in changes.items():
                if name != "evses":
                    self.set_field(whole, name, value, required={"city"})
                    continue
                for change in value or []:
                    self.merge_evse(whole, change)
            whole["last_updated"] = at
            return False

        self.do(LOCATIONS, place, self.hub.patch(LOCATIONS, location_id, last_updated=at, **changes), model)

    @rule(location_id=ids, uid=ids, at=times, status=st.none() | statuses, floor=st.none() | names)
    def patch_evse(self, location_id: str, uid: str, at: str, status: str | None, floor: str | None) -> None:
        place = ("locations", "nl/cpo", location_id.lower())

        def model() -> bool:
            whole = self.found(place)
            evse = self.child(whole, "evses", "uid", uid)
            self.set_field(evse, "status", status, required={"status"})
            self.set_field(evse, "floor_level", floor, required=set())
            evse["last_updated"] = whole["last_updated"] = at
            return False

        call = self.hub.patch(LOCATIONS, location_id, uid, status=status, floor_level=floor, last_updated=at)
        self.do(LOCATIONS, place, call, model)

    @rule(location_id=ids, uid=ids, connector_id=ids, at=times, amperes=st.sampled_from([16, 32, -1]))
    def patch_connector(self, location_id: str, uid: str, connector_id: str, at: str, amperes: int) -> None:
        place = ("locations", "nl/cpo", location_id.lower())

        def model() -> bool:
            whole = self.found(place)
            evse = self.child(whole, "evses", "uid", uid)
            connector = self.child(evse, "connectors", "id", connector_id)
            if amperes < 0:
                raise Refused(200)
            connector["max_amperage"] = amperes
            connector["last_updated"] = evse["last_updated"] = whole["last_updated"] = at
            return False

        call = self.hub.patch(LOCATIONS, location_id, uid, connector_id, max_amperage=amperes, last_updated=at)
        self.do(LOCATIONS, place, call, model)

    @rule(session_id=ids, at=times, more=periods, kwh=st.sampled_from([0, 7]), again=st.booleans())
    def patch_session(self, session_id: str, at: str, more: list[Document], kwh: int, again: bool) -> None:
        place = ("sessions", "nl/cpo", session_id.lower())

        def model() -> bool:
            whole = self.found(place)
            if whole["status"] == "COMPLETED" and at < whole["last_updated"]:
                raise Refused(200)
            before = whole.get("charging_periods", [])
            sent_again = bool(more) and whole["last_updated"] == at and before[-len(more) :] == more
            whole["charging_periods"] = before if sent_again else before + more
            whole["kwh"], whole["last_updated"] = kwh, at
            return False

        for _ in range(2 if again else 1):
            call = self.hub.patch(SESSIONS, session_id, charging_periods=more, kwh=kwh, last_updated=at)
            self.do(SESSIONS, place, call, model)

    @rule(uid=ids, at=times, token_type=st.sampled_from([None, "RFID", "OTHER"]), valid=st.booleans())
    def patch_token(self, uid: str, at: str, token_type: str | None, valid: bool) -> None:
        place = ("tokens", "nl/cpo", f"{uid.lower()}/{token_type or 'RFID'}")

        def model() -> bool:
            whole = self.found(place)
            whole["valid"], whole["last_updated"] = valid, at
            return False

        call = self.hub.patch(TOKENS, uid, type=token_type, valid=valid, last_updated=at)
        self.do(TOKENS, place, call, model)

    def overtaken(self, kept: Document, document: Document) -> bool:
        """What a Session at its end does with another PUT."""
        readers = {
            f"{one['cdr_token']['country_code']}/{one['cdr_token']['party_id']}".lower() for one in (kept, document)
        }
        if len(readers) > 1:
            raise Refused(200)
        if kept["status"] == "COMPLETED" and document["last_updated"] >= kept["last_updated"]:
            if document["status"] == "ACTIVE":
                raise Refused(200)
            return False
        return bool(kept["status"] == "COMPLETED")

    # -- what the model does ------------------------------------------------------------------------------------------

    def found(self, place: Place) -> Document:
        if place not in self.kept:
            raise Refused(404)
        return self.kept[place]

    def child(self, parent: Document, field: str, key: str, wanted: str) -> Document:
        place = place_of(parent.get(field, []), key, wanted)
        if place is None:
            raise Refused(404)
        found: Document = parent[field][place]
        return found

    def set_child(self, parent: Document, field: str, key: str, document: Document) -> bool:
        siblings = parent.setdefault(field, [])
        place = place_of(siblings, key, document[key])
        if place is None:
            siblings.append(deepcopy(document))
        else:
            siblings[place] = deepcopy(document)
        parent["last_updated"] = document["last_updated"]
        return place is None

    def set_field(self, document: Document, name: str, value: Any, *, required: set[str]) -> None:
        if value is not None:
            document[name] = value
        elif name in required:
            raise Refused(200)
        else:
            document.pop(name, None)

    def merge_evse(self, location: Document, change: Document) -> None:
        siblings = location.setdefault("evses", [])
        place = place_of(siblings, "uid", change["uid"])
        if place is None:
            if "connectors" not in change:
                raise Refused(200)
            siblings.append(deepcopy(change))
            return
        evse = siblings[place]
        for name, value in change.items():
            if name == "connectors":
                for one in value:
                    at = place_of(evse["connectors"], "id", one["id"])
                    if at is None:
                        evse["connectors"].append(deepcopy(one))
                    else:
                        evse["connectors"][at] |= one | {"id": evse["connectors"][at]["id"]}
            elif name != "uid":
                evse[name] = value

    # -- what must hold after every step ----------------------------------------------------------------------------

    @initialize()
    def nothing_is_kept(self) -> None:
        self.lists_are_the_same()

    @invariant()
    def lists_are_the_same(self) -> None:
        self.runner.run(self.compare())

    async def compare(self) -> None:
        for kind in KINDS.values():
            of_kind = {place: document for place, document in self.kept.items() if place[0] == kind.module}
            page = await self.hub.page(kind)
            assert page.total == len(of_kind)
            assert [json.loads(one) for one in page.documents] == [
                json.loads(json.dumps(one)) for one in of_kind.values()
            ]
        for owner in OWNERS:
            seen = Sight.of(owners=[PartyId(*owner)])
            page = await self.hub.page(TARIFFS, sight=seen, limit=1)
            mine = [one for place, one in self.kept.items() if place[:2] == ("tariffs", seen_key(owner))]
            assert (page.total, page.last is not None) == (len(mine), len(mine) > 1)


def seen_key(owner: tuple[str, str]) -> str:
    return "/".join(owner).lower()


@pytest.mark.timeout(120 if SHORT else 0)
def test_the_store_behaves_like_a_dictionary(database_url: str, redis_url: str) -> None:
    hub_settings = Settings(_env_file=None, database_url=database_url, redis_url=redis_url)
    with asyncio.Runner() as runner:
        opened = open_resources(hub_settings)
        Store.runner, Store.resources = runner, runner.run(opened.__aenter__())
        try:
            run_state_machine_as_test(
                Store,
                settings=settings(
                    max_examples=max(1, STEPS // STEPS_IN_ONE),
                    stateful_step_count=STEPS_IN_ONE,
                    deadline=None,
                    derandomize=SHORT,
                    phases=[Phase.generate] if SHORT else [Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(opened.__aexit__(None, None, None))
