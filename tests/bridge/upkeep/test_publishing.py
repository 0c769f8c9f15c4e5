"""Local controllers that publish images: fetched, checked, served, taken back, and what goes wrong on the way."""

from datetime import timedelta

import pytest

from bridge_ocpp.book import PublicationBook
from bridge_ocpp.port import (
    NewPublication,
    NotPossible,
    OutcomeStatus,
    Publication,
    PublicationState,
    UnpublishFirmware,
)
from tests.bridge.chargers import raw
from tests.bridge.conftest import Place
from tests.bridge.upkeep.conftest import IMAGE, Yard
from tests.world.waiting import until

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
OTHER = "0cc175b9c0f1b6a831c399e269772661"


async def publish(place: Place, charger_id: str = "LC-1", **more) -> Publication:
    wanted = NewPublication(**({"charger": charger_id, "location": IMAGE, "checksum": MD5.upper()} | more))
    async with place.work() as db:
        return await PublicationBook(now=place.clock).publish(wanted, db)


async def found(place: Place, publication_id: str) -> Publication:
    async with place.work() as db:
        record = await PublicationBook(now=place.clock).publication(publication_id, db)
    assert record is not None
    return record


async def becomes(place: Place, publication_id: str, state: PublicationState) -> Publication:
    async def looked() -> Publication | None:
        await place.bridge.go_round()
        record = await found(place, publication_id)
        return record if record.state is state else None

    result: Publication = await until(looked, within=15)
    return result


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_an_image_is_fetched_checked_served_and_taken_back(yard: Yard, protocol):
    place, box = yard.place, await yard.charger("LC-1", protocol)
    made = await publish(place, "lc-1")
    assert (made.charger, made.state, made.checksum, made.uris) == ("LC-1", PublicationState.WAITING, MD5, ())
    served = await becomes(place, made.id, PublicationState.PUBLISHED)
    assert (served.uris, served.progress, served.detail) == (("http://lc-1.local/box-2.0.0.bin",), "Published", None)
    assert box.workshop.published == {MD5}
    box.workshop.in_use = True
    assert (await place.ask("LC-1", UnpublishFirmware(MD5))).status is OutcomeStatus.REJECTED
    assert (await found(place, made.id)).state is PublicationState.PUBLISHED
    box.workshop.in_use = False
    assert (await place.ask("LC-1", UnpublishFirmware(MD5))).accepted
    gone = await found(place, made.id)
    assert (gone.state, gone.uris) == (PublicationState.WITHDRAWN, ())
    assert (await place.ask("LC-1", UnpublishFirmware(MD5))).status is OutcomeStatus.UNKNOWN


async def test_what_the_controller_has_lost_is_withdrawn_as_well(yard: Yard):
    place, box = yard.place, await yard.charger("LC-1", "ocpp2.0.1")
    made = await publish(place)
    await becomes(place, made.id, PublicationState.PUBLISHED)
    box.workshop.published.clear()
    assert (await place.ask("LC-1", UnpublishFirmware(MD5))).status is OutcomeStatus.UNKNOWN
    assert (await found(place, made.id)).state is PublicationState.WITHDRAWN


@pytest.mark.parametrize(
    ("ends", "detail"),
    [
        ("DownloadFailed", "the download failed"),
        ("InvalidChecksum", "the image's MD5 is another than the checksum"),
        ("PublishFailed", "the controller could not publish it"),
    ],
)
async def test_what_goes_wrong_is_told(yard: Yard, ends, detail):
    box = await yard.charger("LC-1", "ocpp2.0.1")
    box.workshop.publishes = ends
    failed = await becomes(yard.place, (await publish(yard.place)).id, PublicationState.FAILED)
    assert (failed.progress, failed.detail, failed.uris) == (ends, detail, ())


async def test_1_6_publishes_nothing(yard: Yard):
    await yard.charger("LC-1", "ocpp1.6")
    failed = await becomes(yard.place, (await publish(yard.place)).id, PublicationState.FAILED)
    assert failed.detail == "ocpp1.6 has no PublishFirmware"


async def test_what_is_said_word_for_word_and_what_2_1_adds(yard: Yard):
    place = yard.place
    await place.register("LC-1")
    made = await publish(place, retries=2, retry_interval=30)
    async with raw(place.bridge.url, "LC-1", "ocpp2.1") as charger:
        await place.seated("LC-1")
        await place.bridge.go_round()
        _, message_id, action, payload = await charger.asked()
        number = payload.pop("requestId")
        assert (action, payload) == (
            "PublishFirmware",
            {"location": IMAGE, "checksum": MD5, "retries": 2, "retryInterval": 30},
        )
        await charger.say([3, message_id, {"status": "Accepted"}])
        say = "PublishFirmwareStatusNotification"
        assert await charger.call(say, {"status": "Downloading", "requestId": number}) == {}
        assert (await becomes(place, made.id, PublicationState.RUNNING)).progress == "Downloading"
        why = {"reasonCode": "NoDiskSpace", "additionalInfo": "12 MB missing"}
        await charger.call(say, {"status": "PublishFailed", "requestId": number, "statusInfo": why})
        failed = await found(place, made.id)
        assert failed.detail == "the controller could not publish it: NoDiskSpace: 12 MB missing"
        await charger.call(say, {"status": "Published", "location": ["http://10.0.0.2/f", "ftp://10.0.0.2/f"]})
        again = await found(place, made.id)
        assert (again.state, again.uris) == (PublicationState.PUBLISHED, ("http://10.0.0.2/f", "ftp://10.0.0.2/f"))
        assert await charger.call(say, {"status": "Idle"}) == {}
        assert (await found(place, made.id)).state is PublicationState.PUBLISHED
        assert await charger.call(say, {"status": "Downloading", "requestId": 2_000_000}) == {}
    assert await place.value("SELECT topic FROM ocpp_notice") == "PublishFirmwareStatusNotification"


async def test_a_controller_that_rejects_or_never_answers_fails(yard: Yard):
    place = yard.place
    await place.register("LC-1")
    first = await publish(place)
    async with raw(place.bridge.url, "LC-1", "ocpp2.0.1") as charger:
        await place.seated("LC-1")
        await place.bridge.go_round()
        await charger.say([3, (await charger.asked())[1], {"status": "Rejected"}])
        assert (await becomes(place, first.id, PublicationState.FAILED)).detail == "Rejected"
    second = await publish(place)
    place.clock.shift = timedelta(hours=25)
    late = await becomes(place, second.id, PublicationState.FAILED)
    assert late.detail == "it was not published in time"


async def test_one_image_after_another_and_none_twice(yard: Yard):
    place = yard.place
    await place.register("LC-1")
    first, second = await publish(place), await publish(place, checksum=OTHER)
    with pytest.raises(NotPossible, match="publishes this image already") as twice:
        await publish(place)
    assert twice.value.busy
    with pytest.raises(NotPossible, match="there is no charger NONE"):
        await publish(place, "NONE")
    async with raw(place.bridge.url, "LC-1", "ocpp2.0.1") as charger:
        await place.seated("LC-1")
        await becomes(place, first.id, PublicationState.ASKED)
        await charger.asked()
        await place.bridge.go_round()
        assert (await found(place, second.id)).state is PublicationState.WAITING
    async with place.work() as db:
        book = PublicationBook(now=place.clock)
        assert not await book.cancel(first.id, db)
        assert await book.cancel(second.id, db)
        assert [record.id for record in await book.publications(db, charger_id="lc-1")] == [second.id, first.id]
    assert (await found(place, second.id)).detail == "taken back before it was asked for"


async def test_publications_go_with_their_charger(yard: Yard):
    await yard.place.register("LC-1")
    made = await publish(yard.place)
    async with yard.place.work() as db:
        await yard.place.book.remove("LC-1", db)
        assert await PublicationBook(now=yard.place.clock).publication(made.id, db) is None
