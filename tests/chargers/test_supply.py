"""The operator's own cards and tariffs."""

from datetime import timedelta
from typing import Any

import pytest

from ocpi_hub.chargers import cards, placing, tariffs
from ocpi_hub.chargers.tables import OwnCard
from ocpi_hub.objects.kinds import TARIFFS
from ocpi_hub.wire import json
from ocpi_hub.wire.errors import InvalidParameters
from ocpi_hub.wire.headers import PartyId
from tests.chargers.house import START, House
from tests.world import objects


async def delete(house: House, tariff_id: str) -> bool:
    async with house.resources.unit_of_work() as db:
        return await tariffs.delete(house.resources, tariff_id, db)


async def test_a_tariff_of_ours_is_kept_and_owed_to_partners(house: House) -> None:
    await house.add_partner()
    await house.add_tariff("DAY", country_code=None, party_id=None, id=None, last_updated=None)
    document = await house.document(TARIFFS, "day")
    expected = objects.tariff("DAY", last_updated="2026-03-02T10:00:00Z")
    assert document == expected
    assert await house.owed() == ["de/msp:tariffs/nl/cpo/day"]
    async with house.resources.unit_of_work() as db:
        assert [json.loads(text) for text in await tariffs.every(db)] == [expected]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"elements": []}, "elements"),
        ({"elements": [{"price_components": [{"type": "SPEED", "price": 1, "step_size": 1}]}]}, "type"),
        ({"elements": [{"price_components": [], "restrictions": {}}]}, "price_components"),
        ({"currency": None}, "currency"),
        ({"id": "OTHER"}, "id"),
    ],
)
async def test_a_tariff_that_nobody_can_read_is_refused(house: House, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidParameters, match=says):
        await house.add_tariff("DAY", **changes)
    assert await house.document(TARIFFS, "DAY") is None


async def test_a_tariff_of_a_partners_party_is_not_ours_to_set(house: House) -> None:
    await house.add_partner()
    with pytest.raises(InvalidParameters, match="belongs to a partner"):
        await house.add_tariff("DAY", owner=("DE", "MSP"))


async def test_a_tariff_goes_once_no_connector_names_it(house: House) -> None:
    await house.add_partner()
    await house.add_tariff("DAY")
    await house.add_charger(tariff_ids=["day"])
    with pytest.raises(InvalidParameters, match="still the tariff of BOX-1, LOC1/EVSE1/1"):
        await delete(house, "DAY")
    async with house.resources.unit_of_work() as db:
        await placing.change(house.resources, "BOX-1", db, tariff_ids=[])
    await house.settle()
    assert await delete(house, "Day")
    assert await house.document(TARIFFS, "DAY") is None
    assert await house.owed() == ["de/msp:tariffs/nl/cpo/day"]
    assert not await delete(house, "DAY")


async def test_a_tariff_of_another_operator_goes_too(house: House) -> None:
    await house.add_tariff("DAY", owner=("BE", "OPR"))
    assert await delete(house, "DAY")
    assert await house.document(TARIFFS, "DAY", PartyId("BE", "OPR")) is None


async def test_cards_are_kept_changed_listed_and_forgotten(house: House) -> None:
    await house.add_card("04BB", group_id="FLEET", master=True)
    await house.add_card("04AA", status="Blocked")
    house.tick(hours=1)
    await house.add_card("04bb", expires_at=START + timedelta(days=1))
    async with house.resources.unit_of_work() as db:
        found = await cards.every(db)
        assert [(card.uid, card.status, card.group_id) for card in found] == [
            ("04AA", "Blocked", None),
            ("04BB", "Accepted", None),
        ]
        assert await cards.every(db, limit=1, offset=1) == [found[1]]
        assert await cards.delete(db, "04aa")
        assert not await cards.delete(db, "04aa")
    [card] = await house.rows(OwnCard)
    assert (card.updated_at, card.master) == (house.now, False)


async def test_a_card_cannot_be_anything(house: House) -> None:
    with pytest.raises(ValueError, match="status: must be one of Accepted, Blocked, Expired, Invalid"):
        await house.add_card("04AA", status="ConcurrentTx")
