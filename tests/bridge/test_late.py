"""What a charger tells late, or with a clock that is wrong: both times kept, one of them counting."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from bridge_ocpp import port
from tests.bridge.chargers import RawCharger, raw, stamp
from tests.bridge.conftest import Place
from tests.bridge.test_transactions import event, metered, start, stop


@pytest.fixture
async def here(place: Place) -> Place:
    await place.register("CP1")
    return place


def near(one: datetime, other: datetime) -> bool:
    return abs(one - other) < timedelta(seconds=30)


async def charge(charger: RawCharger, begin: str, end: str, *, samples: dict[str, Any] | None = None) -> int:
    """A charge of 1.6 with these times."""
    number = int((await charger.call("StartTransaction", start(timestamp=begin)))["transactionId"])
    for at, wh in (samples or {}).items():
        await charger.call("MeterValues", metered(number, datetime.fromisoformat(at), wh))
    await charger.call("StopTransaction", stop(number, timestamp=end))
    return number


async def live_charge(charger: RawCharger) -> None:
    """A charge just now: it shows that the clock is right and that nothing is queued."""
    now = stamp(datetime.now(UTC))
    await charge(charger, now, now)


async def last(place: Place) -> port.Transaction:
    """The transaction whose end was told last."""
    return place.told(port.TransactionEnded)[-1].transaction


async def test_a_charge_made_offline_keeps_its_own_times(here: Place) -> None:
    begin, end = datetime.now(UTC) - timedelta(hours=20), datetime.now(UTC) - timedelta(hours=18)
    async with raw(here.bridge.url, "CP1") as charger:
        await charge(charger, stamp(begin), stamp(end), samples={stamp(begin + timedelta(hours=1)): "2000"})
    found = await last(here)
    assert (found.started_at, found.ended_at, found.flags, found.suspect) == (begin, end, (), False)
    assert here.told(port.TransactionEnded)[-1].samples[1].at == begin + timedelta(hours=1)


async def test_what_was_queued_counts_even_when_its_delivery_is_interrupted(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await live_charge(charger)
    here.clock.shift += timedelta(hours=24)
    base = here.clock() - timedelta(hours=20)
    for part in range(3):
        async with raw(here.bridge.url, "CP1") as charger:
            for hour in range(3):
                begin = base + timedelta(hours=3 * part + hour)
                await charge(charger, stamp(begin), stamp(begin + timedelta(minutes=30)))
                found = await last(here)
                assert (found.started_at, found.ended_at, found.flags) == (begin, begin + timedelta(minutes=30), ())


async def test_x31_the_same_charges_offline_and_online_are_the_same(here: Place) -> None:
    """A charger tells a day of charges at once, the bridge restarted twice in between."""
    here.clock.shift = timedelta(hours=24)
    base = datetime.now(UTC)
    sessions = [base + timedelta(minutes=20 * number) for number in range(12)]
    for portion in range(3):
        async with here.another() as bridge, raw(bridge.url, "CP1") as charger:
            for begin in sessions[4 * portion : 4 * portion + 4]:
                middle, end = begin + timedelta(minutes=5), begin + timedelta(minutes=10)
                await charge(charger, stamp(begin), stamp(end), samples={stamp(middle): "1700"})
    told = here.told(port.TransactionEnded)
    assert [(found.transaction.started_at, found.transaction.ended_at) for found in told] == [
        (begin, begin + timedelta(minutes=10)) for begin in sessions
    ]
    assert {found.transaction.energy_wh for found in told} == {Decimal(2500)}
    assert {found.transaction.flags for found in told} == {()}
    assert [[sample.value for sample in found.samples] for found in told] == [[1000, 1700, 3500]] * 12


@pytest.mark.parametrize(
    ("offset", "flags"),
    [
        pytest.param(timedelta(hours=2), ("clock_ahead",), id="two hours ahead"),
        pytest.param(-timedelta(hours=2), ("clock_behind",), id="two hours behind"),
    ],
)
async def test_x26_a_wrong_clock_online_is_flagged_and_our_time_counts(
    here: Place, offset: timedelta, flags: tuple[str, ...]
) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await live_charge(charger)
        begin = datetime.now(UTC) + offset
        await charge(charger, stamp(begin), stamp(begin + timedelta(seconds=40)))
    found = await last(here)
    assert found.flags == flags
    assert not found.suspect
    assert near(found.started_at, datetime.now(UTC))
    assert found.ended_at is not None
    assert found.ended_at >= found.started_at
    assert await here.value("SELECT said_at FROM ocpp_transaction_event ORDER BY id DESC LIMIT 1") == begin + timedelta(
        seconds=40
    )


async def test_x26_1970_is_flagged_and_suspect_where_it_may_have_been_queued(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charge(charger, "1970-01-01T00:10:00Z", "1970-01-01T00:50:00Z")
    found = await last(here)
    assert (found.flags, found.suspect) == (("clock_impossible",), True)
    assert near(found.started_at, datetime.now(UTC))
    assert found.ended_at is not None
    assert found.ended_at >= found.started_at


async def test_x26_a_clock_without_a_zone_is_taken_as_utc_and_flagged(here: Place) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=10)
    async with raw(here.bridge.url, "CP1") as charger:
        text = begin.replace(tzinfo=None).isoformat()
        await charge(charger, text, (begin + timedelta(minutes=5)).replace(tzinfo=None).isoformat())
    found = await last(here)
    assert (found.started_at, found.ended_at, found.flags, found.suspect) == (
        begin,
        begin + timedelta(minutes=5),
        ("naive_time",),
        False,
    )


async def test_x26_a_clock_that_jumps_back_makes_no_negative_duration(here: Place) -> None:
    now = datetime.now(UTC)
    async with raw(here.bridge.url, "CP1") as charger:
        await charge(charger, stamp(now + timedelta(minutes=8)), stamp(now - timedelta(minutes=8)))
    found = await last(here)
    assert (found.flags, found.suspect) == (("clock_backwards",), True)
    assert found.ended_at is not None
    assert timedelta() <= found.ended_at - found.started_at < timedelta(seconds=30)
    assert near(found.started_at, now)


async def test_a_time_that_cannot_be_read_is_our_time_and_flagged(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charge(charger, "half past nine", "soon")
    found = await last(here)
    assert found.flags == ("no_time",)
    assert near(found.started_at, datetime.now(UTC))


async def test_samples_inside_a_stop_keep_their_distance_under_a_wrong_clock(here: Place) -> None:
    wrong = datetime.now(UTC) + timedelta(days=400)
    data = [
        {"timestamp": stamp(wrong - timedelta(minutes=minute)), "sampledValue": [{"value": str(2000 - minute)}]}
        for minute in (9, 6, 3)
    ]
    async with raw(here.bridge.url, "CP1") as charger:
        number = (await charger.call("StartTransaction", start()))["transactionId"]
        await charger.call("StopTransaction", stop(number, timestamp=stamp(wrong), transactionData=data))
    (ended,) = here.told(port.TransactionEnded)
    assert ended.transaction.flags == ("clock_ahead",)
    inside = [sample.at for sample in ended.samples if sample.context == "Sample.Periodic"]
    assert [later - earlier for earlier, later in pairwise(inside)] == [timedelta(minutes=3)] * 2
    assert near(inside[-1] + timedelta(minutes=3), datetime.now(UTC))


async def test_2_0_1_says_itself_that_it_was_offline(here: Place) -> None:
    begin = datetime.now(UTC) - timedelta(hours=5)
    async with raw(here.bridge.url, "CP1", "ocpp2.0.1") as charger:
        await charger.call("TransactionEvent", event("Started", 0, datetime.now(UTC), wh=1, evse={"id": 1}))
        offline = {"info": {"transactionId": "TX-2"}, "offline": True}
        await charger.call("TransactionEvent", event("Started", 0, begin, wh=1, evse={"id": 1}, **offline))
        await charger.call("TransactionEvent", event("Ended", 1, begin + timedelta(hours=1), wh=9, **offline))
        online = {"info": {"transactionId": "TX-3"}, "offline": False}
        await charger.call("TransactionEvent", event("Started", 0, begin, wh=1, evse={"id": 1}, **online))
    found = {transaction.ocpp_id: transaction for transaction in await here.transactions()}
    assert (found["TX-2"].started_at, found["TX-2"].flags) == (begin, ())
    assert near(found["TX-3"].started_at, datetime.now(UTC))
    assert found["TX-3"].flags == ("clock_behind",)


async def test_a_wrong_clock_is_a_quirk_of_the_charger(here: Place) -> None:
    async with raw(here.bridge.url, "CP1") as charger:
        await charge(charger, "2035-01-01T00:00:00", "2035-01-01T01:00:00")
    await here.has_quirks("CP1", "naive_time", "clock_ahead")


@pytest.mark.parametrize("time", [None, "1970-01-01T00:00:30Z", "2038-01-19T03:14:07Z"])
async def test_a_clock_that_stands_still_hides_no_charge_behind_another(here: Place, time: str | None) -> None:
    """Each charge begins with the same words, for the meter counts from 0 each time."""
    begin = {"connectorId": 1, "idTag": "TAG", "meterStart": 0} | ({"timestamp": time} if time else {})
    async with raw(here.bridge.url, "CP1") as charger:
        first = await charger.call("StartTransaction", begin)
        assert await charger.call("StartTransaction", begin) == first, "sent again, it is the same"
        await charger.call("StopTransaction", {**stop(first["transactionId"], meterStop=500), "timestamp": time or ""})
        second = await charger.call("StartTransaction", begin)
        assert second["transactionId"] != first["transactionId"]
        await charger.call("StopTransaction", {**stop(second["transactionId"], meterStop=700), "timestamp": time or ""})
    told = here.told(port.TransactionEnded)
    assert [(found.transaction.energy_wh, "second_end" in found.transaction.flags) for found in told] == [
        (Decimal(500), False),
        (Decimal(700), False),
    ]
    assert here.told(port.TransactionCorrected) == []
