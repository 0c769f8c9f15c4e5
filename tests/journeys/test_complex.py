"""J4 under the specification's complex tariff, across an element change: the eMSP gets what `ocpi-hub price` prints."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ocpp.v16 import call

from ocpi_hub.cli.price import run
from ocpi_hub.wire import json as wire_json
from tests.journeys.conftest import World
from tests.journeys.points import Point16, stamp
from tests.journeys.test_j4_charge import CARD, give_card

EXAMPLE = Path(__file__).parents[1] / "spec_examples" / "tariff_4_complex.json"
ZONE = ZoneInfo("Europe/Amsterdam")


def next_monday_at_five(now: datetime) -> datetime:
    """17:00 local time of a coming Monday: charging until 17:40, parking is priced until 18:00 and free after that."""
    day = now.astimezone(ZONE) + timedelta(days=7 - now.astimezone(ZONE).weekday())
    return day.replace(hour=17, minute=0, second=0, microsecond=0)


async def meter(box: Point16, transaction_id: int, at: datetime, *, wh: int, amperes: int) -> None:
    energy = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    current = {"value": str(amperes), "measurand": "Current.Import", "unit": "A"}
    values = [{"timestamp": stamp(at), "sampled_value": [energy, current]}]
    await box.call(call.MeterValues(connector_id=1, transaction_id=transaction_id, meter_value=values))


async def test_the_complex_tariff_across_an_element_change(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await give_card(world)
    clock = world.hub.clock
    start = next_monday_at_five(clock())
    clock.advance((start - clock()).total_seconds())
    box = await world.plug_in(Point16, tariff_ids=["14"])
    put = await world.hub.admin("PUT", "/tariffs/14", _ours(json.loads(EXAMPLE.read_text())))
    assert put.status_code == 200, put.text
    assert await box.authorize(CARD) == "Accepted"
    began = await box.begin(CARD, start, meter=0)
    await box.status("Charging", at=start)
    await meter(box, began.transaction_id, start, wh=0, amperes=43)
    clock.advance(40 * 60)
    full = start + timedelta(minutes=40)
    await meter(box, began.transaction_id, full, wh=20_000, amperes=43)
    await box.status("SuspendedEV", at=full)
    clock.advance(50 * 60)
    await box.end(began.transaction_id, start + timedelta(minutes=90), meter=20_000, id_tag=CARD)
    cdr = await world.hears("cdrs", "POST")
    # 2.50 flat, 40 minutes at 2.00 an hour, and 20 of 50 parked minutes at 5.00 an hour; a CDR says hours with four
    # decimals, and its cost is that of what it says.
    total = cdr["total_cost"]
    assert (round(total["excl_vat"], 2), round(total["incl_vat"], 2)) == (5.5, 6.31)
    assert round(cdr["total_parking_cost"]["excl_vat"], 2) == 1.67
    kinds = [dimension["type"] for period in cdr["charging_periods"] for dimension in period["dimensions"]]
    assert kinds.count("PARKING_TIME") == 2, "parking is cut where its price changes"
    assert _printed(cdr, tmp_path, capsys) == Decimal(str(total["excl_vat"]))


def _ours(tariff: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tariff.items() if name not in ("country_code", "party_id", "last_updated")}


def _printed(cdr: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> Decimal:
    """What `ocpi-hub price` says of the CDR, whose own totals must agree."""
    files = {"cdr.json": cdr, "tariff.json": cdr["tariffs"][0]}
    for name, document in files.items():
        (folder / name).write_text(wire_json.dumps(document))
    capsys.readouterr()
    status = run(folder / "tariff.json", folder / "cdr.json", time_zone="Europe/Amsterdam", as_json=True)
    printed = wire_json.loads(capsys.readouterr().out)
    assert status == 0, printed
    total: Decimal = (
        printed["report"]["total_cost"]["excl_vat"] if "report" in printed else printed["total_cost"]["excl_vat"]
    )
    return round(total, 4)
