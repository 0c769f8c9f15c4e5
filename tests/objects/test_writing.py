"""What is kept of what was written, on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ocpi_hub.objects.kinds import CDRS, KINDS, LOCATIONS, SESSIONS, TARIFFS, TOKENS, Kind
from ocpi_hub.wire import json
from ocpi_hub.wire.errors import InvalidParameters, NotFound
from tests.objects.hub import AT, BUILDERS, CPO, EMSP, Hub
from tests.world import objects

LATER = "2026-03-01T12:00:00Z"


class TestPut:
    @pytest.mark.parametrize("kind", KINDS.values(), ids=str)
    async def test_every_kind_is_kept_as_it_came(self, hub: Hub, kind: Kind) -> None:
        document = BUILDERS[kind.module]("Id-1", x_vendor={"deep": [1, None, "é"]})
        written = await hub.put(kind, document)
        assert (written.created, written.changed, written.object_id) == (True, True, "Id-1")
        kept = await hub.row(kind, "ID-1", owner=kind.owner_of(document))
        assert json.loads(kept.document) == json.loads(json.dumps(document)) == json.loads(written.document)
        assert (kept.object_id, kept.platform_id, kept.received_at) == ("Id-1", "p1", AT)

    async def test_numbers_keep_every_digit(self, hub: Hub) -> None:
        text = '{"excl_vat":0.10,"incl_vat":1.2300}'
        await hub.put(SESSIONS, objects.session(total_cost=json.loads(text)))
        assert '"excl_vat":0.10' in (await hub.row(SESSIONS, "SESSION1")).document
        assert (await hub.document(SESSIONS, "SESSION1"))["total_cost"]["incl_vat"].as_tuple() == (
            Decimal("1.2300").as_tuple()
        )

    async def test_a_put_replaces_all_of_it(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location(evses=[objects.evse("A"), objects.evse("B")], name="Old"))
        after = objects.location(evses=[objects.evse("B")], name=None, last_updated=LATER)
        written = await hub.put(LOCATIONS, after)
        assert (written.created, written.changed) == (False, True)
        assert await hub.document(LOCATIONS, "LOC1") == after

    async def test_an_id_in_another_case_is_the_same_object(self, hub: Hub) -> None:
        first = await hub.put(LOCATIONS, objects.location("LOC1"))
        again = await hub.put(LOCATIONS, objects.location("loc1", owner=("nl", "cpo")), owner=CPO)
        assert (first.created, again.created) == (True, False)
        kept = await hub.row(LOCATIONS, "Loc1")
        assert (kept.object_id, kept.country_code, kept.key, kept.owner_key) == ("loc1", "nl", "loc1", "nl/cpo")

    async def test_equal_content_is_no_change(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        again = await hub.put(LOCATIONS, dict(reversed(objects.location().items())))
        assert (again.created, again.changed) == (False, False)

    async def test_new_timestamps_alone_are_kept_but_are_no_change(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        touched = objects.location(
            last_updated=LATER,
            evses=[objects.evse(last_updated=LATER, connectors=[objects.connector(last_updated=LATER)])],
        )
        written = await hub.put(LOCATIONS, touched)
        assert written.changed is False
        assert await hub.document(LOCATIONS, "LOC1") == touched
        assert (await hub.row(LOCATIONS, "LOC1")).last_updated == datetime(2026, 3, 1, 12, tzinfo=UTC)

    async def test_a_field_that_only_ends_like_a_time_of_update_is_content(self, hub: Hub) -> None:
        odd = 'x"last_updated'
        await hub.put(LOCATIONS, objects.location(**{odd: "one"}))
        assert (await hub.put(LOCATIONS, objects.location(**{odd: "two"}))).changed
        assert not (await hub.put(LOCATIONS, objects.location(**{odd: "two"}, last_updated=LATER))).changed

    async def test_the_same_id_of_two_owners_is_two_objects(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location(name="Ours"))
        other = await hub.put(LOCATIONS, objects.location(owner=("BE", "BEC"), name="Theirs"))
        assert other.created
        assert (await hub.document(LOCATIONS, "LOC1"))["name"] == "Ours"

    async def test_a_body_of_another_owner_is_refused(self, hub: Hub) -> None:
        with pytest.raises(InvalidParameters, match="party_id"):
            await hub.put(LOCATIONS, objects.location(owner=("NL", "XXX")), owner=CPO)

    async def test_what_the_model_refuses_is_not_kept(self, hub: Hub) -> None:
        broken = objects.location(evses=[objects.evse(connectors=[objects.connector(power_type=None)])])
        with pytest.raises(InvalidParameters, match=r"evses\.0\.connectors\.0\.power_type: is required"):
            await hub.put(LOCATIONS, broken)
        assert await hub.find(LOCATIONS, "LOC1") == []

    async def test_one_of_many_writers_creates(self, hub: Hub) -> None:
        all_at_once = [hub.put(LOCATIONS, objects.location(name=f"Name {n}")) for n in range(12)]
        written = await asyncio.gather(*all_at_once)
        assert [one.created for one in written].count(True) == 1
        page = await hub.page(LOCATIONS)
        assert (len(page.documents), page.total) == (1, 1)


class TestColumns:
    async def test_of_a_location(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location(publish=False))
        kept: Any = await hub.row(LOCATIONS, "LOC1")
        assert (kept.latitude, kept.longitude, kept.publish) == (52.089444, 5.110278, False)

    async def test_of_a_token_its_uid_and_type_are_the_key(self, hub: Hub) -> None:
        await hub.put(TOKENS, objects.token("AbC"))
        other = await hub.put(TOKENS, objects.token("AbC", type="APP_USER"))
        assert (other.created, other.key) == (True, "abc/APP_USER")
        kept: Any = await hub.row(TOKENS, "ABC", owner=EMSP)
        assert (kept.uid_key, kept.type, kept.key) == ("abc", "RFID", "abc/RFID")

    @pytest.mark.parametrize("kind", [SESSIONS, CDRS], ids=str)
    async def test_the_reader_is_the_owner_of_the_token(self, hub: Hub, kind: Kind) -> None:
        written = await hub.put(kind, BUILDERS[kind.module]("X"))
        assert written.reader_key == (await hub.row(kind, "X")).reader_key == "de/msp"

    async def test_of_a_session_and_a_cdr(self, hub: Hub) -> None:
        await hub.put(SESSIONS, objects.session())
        await hub.put(CDRS, objects.cdr())
        session: Any = await hub.row(SESSIONS, "SESSION1")
        cdr: Any = await hub.row(CDRS, "CDR1")
        assert (session.status, cdr.session_key) == ("ACTIVE", "session1")


class TestCdrs:
    """mod_cdrs: CDRs cannot be replaced or updated; a repeat is recognised by owner and id."""

    async def test_a_repeat_is_the_same_cdr(self, hub: Hub) -> None:
        first = await hub.put(CDRS, objects.cdr())
        again = await hub.put(CDRS, objects.cdr(last_updated="2026-03-02T00:00:00Z"))
        assert (first.created, again.created, again.changed) == (True, False, False)
        assert again.last_updated == first.last_updated
        assert (await hub.document(CDRS, "CDR1"))["last_updated"] == objects.cdr()["last_updated"]

    async def test_other_content_under_the_same_id_is_refused(self, hub: Hub) -> None:
        await hub.put(CDRS, objects.cdr())
        with pytest.raises(InvalidParameters, match="cannot change"):
            await hub.put(CDRS, objects.cdr("cdr1", total_cost={"excl_vat": 1}))
        assert (await hub.document(CDRS, "CDR1"))["total_cost"]["incl_vat"] == Decimal("3.63")

    async def test_many_posts_at_once_keep_one(self, hub: Hub) -> None:
        written = await asyncio.gather(*(hub.put(CDRS, objects.cdr()) for _ in range(12)))
        assert [one.created for one in written].count(True) == 1


class TestChildren:
    async def test_an_evse_is_replaced_whole_and_carried_up(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location(evses=[objects.evse("A", floor_level="1"), objects.evse("B")]))
        written = await hub.put_child("loc1", "a", document=objects.evse("A", status="CHARGING", last_updated=LATER))
        assert (written.created, written.changed, written.object_id) == (False, True, "LOC1")
        kept = await hub.document(LOCATIONS, "LOC1")
        assert kept["evses"] == [objects.evse("A", status="CHARGING", last_updated=LATER), objects.evse("B")]
        assert kept["last_updated"] == LATER

    async def test_a_new_evse_is_created(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location(evses=None))
        assert (await hub.put_child("LOC1", "A", document=objects.evse("A"))).created
        assert (await hub.put_child("LOC1", "A", "2", document=objects.connector("2"))).created
        kept = await hub.document(LOCATIONS, "LOC1")
        assert kept["evses"][0]["connectors"] == [objects.connector("1"), objects.connector("2")]

    @pytest.mark.parametrize("ids", [("NO", "A"), ("LOC1", "NO", "1")])
    async def test_an_unknown_parent_is_not_found(self, hub: Hub, ids: tuple[str, ...]) -> None:
        await hub.put(LOCATIONS, objects.location())
        document = objects.evse("A") if len(ids) == 2 else objects.connector()
        with pytest.raises(NotFound) as error:
            await hub.put_child(*ids, document=document)
        assert (error.value.http_status, error.value.status_code) == (404, 2003)

    async def test_another_id_in_the_body_is_refused(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        with pytest.raises(InvalidParameters, match="uid"):
            await hub.put_child("LOC1", "EVSE1", document=objects.evse("EVSE2"))

    async def test_an_invalid_child_is_refused_with_its_own_path(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        with pytest.raises(InvalidParameters, match=r"^connectors: "):
            await hub.put_child("LOC1", "EVSE1", document=objects.evse(connectors=[]))

    async def test_writers_of_many_evses_lose_nothing(self, hub: Hub) -> None:
        uids = [f"E{n}" for n in range(12)]
        await hub.put(LOCATIONS, objects.location(evses=[objects.evse(uid) for uid in uids]))
        await asyncio.gather(
            *(hub.patch(LOCATIONS, "LOC1", uid, status="CHARGING", last_updated=LATER) for uid in uids[:6]),
            *(hub.put_child("LOC1", uid, document=objects.evse(uid, status="CHARGING")) for uid in uids[6:]),
        )
        kept = await hub.document(LOCATIONS, "LOC1")
        assert [(one["uid"], one["status"]) for one in kept["evses"]] == [(uid, "CHARGING") for uid in uids]


class TestPatch:
    async def test_an_evse_status(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        written = await hub.patch(LOCATIONS, "LOC1", "EVSE1", status="CHARGING", last_updated=LATER)
        assert (written.created, written.changed, written.last_updated) == (False, True, AT)
        expected = objects.location(evses=[objects.evse(status="CHARGING", last_updated=LATER)], last_updated=LATER)
        assert await hub.document(LOCATIONS, "LOC1") == expected == json.loads(written.document)

    async def test_a_connector(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        await hub.patch(LOCATIONS, "LOC1", "EVSE1", "1", tariff_ids=["15"], last_updated=LATER)
        kept = await hub.document(LOCATIONS, "LOC1")
        assert kept["evses"][0]["connectors"] == [objects.connector(tariff_ids=["15"], last_updated=LATER)]
        assert (kept["evses"][0]["last_updated"], kept["last_updated"]) == (LATER, LATER)

    async def test_a_removed_evse_stays_and_may_lose_its_evse_id(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        await hub.patch(LOCATIONS, "LOC1", "EVSE1", status="REMOVED", evse_id=None, last_updated=LATER)
        kept = await hub.document(LOCATIONS, "LOC1")
        assert kept["evses"] == [objects.evse(status="REMOVED", evse_id=None, last_updated=LATER)]

    async def test_the_same_again_is_no_change(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        await hub.patch(LOCATIONS, "LOC1", "EVSE1", status="CHARGING", last_updated=LATER)
        again = await hub.patch(LOCATIONS, "LOC1", "EVSE1", status="CHARGING", last_updated="2026-03-02T00:00:00Z")
        assert again.changed is False
        assert (await hub.document(LOCATIONS, "LOC1"))["last_updated"] == "2026-03-02T00:00:00Z"

    async def test_a_required_field_cannot_be_taken_away(self, hub: Hub) -> None:
        await hub.put(LOCATIONS, objects.location())
        with pytest.raises(InvalidParameters, match="city: is required"):
            await hub.patch(LOCATIONS, "LOC1", city=None, last_updated=LATER)
        with pytest.raises(InvalidParameters, match=r"evses\.0\.status"):
            await hub.patch(LOCATIONS, "LOC1", "EVSE1", status="BROKEN", last_updated=LATER)
        assert await hub.document(LOCATIONS, "LOC1") == objects.location()

    async def test_without_last_updated_nothing_is_looked_for(self, hub: Hub) -> None:
        with pytest.raises(InvalidParameters) as error:
            await hub.patch(LOCATIONS, "NOWHERE", name="New")
        assert (error.value.http_status, error.value.status_code) == (200, 2001)

    @pytest.mark.parametrize(
        ("kind", "ids", "status_code"),
        [
            (LOCATIONS, ("NO",), 2003),
            (LOCATIONS, ("LOC1", "NO"), 2003),
            (LOCATIONS, ("LOC1", "EVSE1", "9"), 2003),
            (SESSIONS, ("NO",), 2001),
            (TOKENS, ("NO",), 2004),
        ],
    )
    async def test_what_is_unknown(self, hub: Hub, kind: Kind, ids: tuple[str, ...], status_code: int) -> None:
        await hub.put(LOCATIONS, objects.location())
        with pytest.raises(NotFound) as error:
            await hub.patch(kind, *ids, last_updated=LATER)
        assert (error.value.http_status, error.value.status_code) == (404, status_code)

    async def test_a_token_of_a_type(self, hub: Hub) -> None:
        await hub.put(TOKENS, objects.token("T1", type="APP_USER"))
        with pytest.raises(NotFound):
            await hub.patch(TOKENS, "T1", owner=EMSP, valid=False, last_updated=LATER)
        await hub.patch(TOKENS, "T1", owner=EMSP, type="APP_USER", valid=False, last_updated=LATER)
        assert (await hub.document(TOKENS, "T1", owner=EMSP, type="APP_USER"))["valid"] is False

    async def test_another_token_moves_no_session_to_another_reader(self, hub: Hub) -> None:
        await hub.put(SESSIONS, objects.session())
        theirs = objects.cdr_token(owner=("FR", "EMP"))
        with pytest.raises(InvalidParameters, match="cdr_token: a Session stays with the party"):
            await hub.patch(SESSIONS, "SESSION1", cdr_token=theirs, last_updated=LATER)

    async def test_of_many_at_once_none_is_lost(self, hub: Hub) -> None:
        await hub.put(SESSIONS, objects.session())
        starts = [f"2026-03-01T10:{minute:02}:00Z" for minute in range(12)]
        await asyncio.gather(
            *(
                hub.patch(SESSIONS, "SESSION1", charging_periods=[objects.charging_period(start)], last_updated=start)
                for start in starts
            )
        )
        periods = (await hub.document(SESSIONS, "SESSION1"))["charging_periods"]
        assert sorted(one["start_date_time"] for one in periods) == starts


class TestRemove:
    async def test_a_tariff_is_gone_and_may_come_back(self, hub: Hub) -> None:
        await hub.put(TARIFFS, objects.tariff())
        gone = await hub.remove("tariff1")
        assert gone is not None
        assert (gone.created, gone.changed, gone.object_id) == (False, True, "TARIFF1")
        assert json.loads(gone.document) == json.loads(json.dumps(objects.tariff()))
        assert await hub.remove("TARIFF1") is None
        assert (await hub.put(TARIFFS, objects.tariff())).created
