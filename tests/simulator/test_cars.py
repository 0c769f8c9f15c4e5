"""Cars at a simulated charger: by contract at a real hub that asks a simulated provider, and with needs at a site."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from bridge_ocpp.simulator import Car, ScriptFailed, play
from ocpi_hub.simulator.provider import COMPANY, SimulatedProvider
from tests.simulator.lab import CARD, at_the_hub, kept, transactions, until
from tests.world.hub import Hub

VERSIONS = pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
EMAID = "NLSIMC00000001"


@pytest.fixture
async def provider(tmp_path) -> AsyncIterator[SimulatedProvider]:
    async with SimulatedProvider(tmp_path).serving() as found:
        yield found


@pytest.fixture
def settings(provider: SimulatedProvider) -> dict[str, Any]:
    return {name.removeprefix("OCPI_HUB_").lower(): value for name, value in provider.settings().items()}


# --- contracts -------------------------------------------------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("central", [False, True], ids=["by hashes", "by certificates"])
async def test_a_car_charges_by_its_contract(hub: Hub, provider, protocol, central) -> None:
    await hub.admin("PUT", f"/tokens/{EMAID}", {})
    heard = []
    provider._tell = lambda kind, text: heard.append((kind, text))
    async with at_the_hub(hub, protocol) as box:
        box.device.named("ISO15118Ctrlr", "CentralContractValidationAllowed").value = str(central).lower()
        car = Car()
        await play(box, "contract", card=CARD, seconds=0.5, car=car)
    assert car.emaid == EMAID
    (transaction,) = await transactions(hub, active="false")
    assert (transaction["id_token"], Decimal(str(transaction["energy_wh"])) > 0) == (EMAID, True)
    assert heard[0] == ("contract", f"install at BOX-1: {EMAID} for {car.vehicle}")
    assert ("ocsp", f"certificate {car.chain[0].serial_number:x} is good") in heard


@VERSIONS
async def test_a_contract_is_renewed(hub: Hub, provider, protocol) -> None:
    async with at_the_hub(hub, protocol) as box:
        car = Car()
        await play(box, "contract-renewal", card=CARD, seconds=0.1, car=car)
        serial = car.chain[0].serial_number
        await box.contracts.fetch(car)
    assert (car.emaid, provider.emaids) == (EMAID, {car.vehicle: EMAID})
    assert car.chain[0].serial_number != serial


@VERSIONS
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"standing": "revoked"}, "is revoked"),
        ({"standing": "unknown"}, "is unknown"),
        ({"contracts": False}, "no contract: no contract for this car"),
    ],
)
async def test_a_contract_that_does_not_count(hub: Hub, provider, protocol, change, why) -> None:
    await hub.admin("PUT", f"/tokens/{EMAID}", {})
    for name, value in change.items():
        setattr(provider, name, value)
    async with at_the_hub(hub, protocol) as box:
        with pytest.raises(ScriptFailed, match=why):
            await play(box, "contract", card=CARD, seconds=0.1)
        car = Car()
        if "standing" in change:
            await box.contracts.fetch(car)
            assert await box.plug_and_charge(1, car) == "Invalid", "the hub sees it, too"
        assert box.evses[1].status == "Available"
    assert await transactions(hub) == []


@VERSIONS
async def test_a_contract_that_nobody_knows_is_refused(hub: Hub, protocol) -> None:
    async with at_the_hub(hub, protocol) as box:
        with pytest.raises(ScriptFailed, match=f"the contract {EMAID} was refused: (Unknown|Invalid)"):
            await play(box, "contract", card=CARD, seconds=0.1)


async def test_what_the_operator_switches_off(hub: Hub) -> None:
    async with at_the_hub(hub, "ocpp2.1") as box:
        for name, why in (
            ("PnCEnabled", "PnCEnabled"),
            ("ContractCertificateInstallationEnabled", "forbids to install"),
        ):
            asked = {"variables": [{"component": "ISO15118Ctrlr", "variable": name, "value": "false"}]}
            assert (await hub.admin("POST", "/chargers/BOX-1/variables/set", asked)).status_code == 200
            with pytest.raises(ScriptFailed, match=why):
                await play(box, "contract", card=CARD, seconds=0.1)


@pytest.mark.parametrize("settings", [{}])
async def test_a_hub_without_a_provider_says_so(hub: Hub) -> None:
    async with at_the_hub(hub, "ocpp2.0.1") as box:
        with pytest.raises(ScriptFailed, match="this hub is connected to no provider of contract certificates"):
            await play(box, "contract", card=CARD, seconds=0.1)


# --- payments --------------------------------------------------------------------------------------------------------


async def test_a_driver_pays_at_the_terminal(hub: Hub, provider) -> None:
    async with at_the_hub(hub, "ocpp2.1") as box:
        await hub.admin("PUT", "/tokens/PSP-BOX-1-1", {})
        await play(box, "payment", card=CARD, seconds=0.3, vat_number=provider.vat_number)
        with pytest.raises(ScriptFailed, match="the VAT number BE0999999999 was refused"):
            await play(box, "payment", card=CARD, seconds=0.3, vat_number="BE0999999999")
    (transaction,) = await transactions(hub, active="false")
    (settled,) = await kept(hub, "ocpp_notice", "NotifySettlement")
    assert settled["transactionId"] == transaction["ocpp_id"]
    assert (settled["status"], settled["pspRef"], settled["vatCompany"]) == ("Settled", "PSP-BOX-1-1", COMPANY)


# --- needs -----------------------------------------------------------------------------------------------------------

SITE = {"limit_a": 32, "chargers": ["BOX-1"]}


@VERSIONS
@pytest.mark.parametrize("dc", [False, True], ids=["AC", "DC"])
async def test_a_car_says_what_it_needs_and_follows_its_schedule(hub: Hub, protocol, dc) -> None:
    async with at_the_hub(hub, protocol, power_w=Decimal(22_000), dc=dc) as box:
        assert (await hub.admin("PUT", "/sites/garage", SITE)).status_code in (200, 201)
        car = Car(wants_wh=Decimal(10), departs_in=8.0, dc=dc)
        playing = asyncio.create_task(play(box, "needs", card=CARD, seconds=6.0, car=car))

        async def planned() -> Any:
            (found,) = (await hub.admin("GET", "/charging-needs?charger=BOX-1")).json() or [{}]
            return found if found.get("plan_fits") else None

        told = await until(planned)
        await asyncio.wait_for(playing, 30)
    words = told["needs"]
    assert words["requestedEnergyTransfer"] == ("DC" if dc else "AC_three_phase")
    assert words["dcChargingParameters" if dc else "acChargingParameters"]["energyAmount"] == 10
    limits = [each["limit"] for plan in box.needs.plans for each in plan["chargingSchedule"]["chargingSchedulePeriod"]]
    assert 0 < max(limits) <= 32
    assert box.needs.answered == "Accepted"
    (transaction,) = await transactions(hub, active="false")
    assert transaction["energy_wh"] in ("10", 10), "the car takes what it wanted, and no more"


async def test_without_a_site_a_car_is_promised_nothing_and_charges(hub: Hub) -> None:
    async with at_the_hub(hub, "ocpp2.0.1", power_w=Decimal(22_000)) as box:
        box.needs.patience = 0.2
        await play(box, "needs", card=CARD, seconds=1.5)
        assert box.needs.answered == "Rejected", "no schedule will follow"
    (transaction,) = await transactions(hub, active="false")
    assert Decimal(str(transaction["energy_wh"])) > 0


async def test_needs_that_cannot_be_said_are_no_reason_to_wait(hub: Hub) -> None:
    async with at_the_hub(hub, "ocpp2.1") as box:
        place = box.evses[1]
        await box.swipe(1, CARD, car=Car())
        await until(lambda: box.needs.answered)
        await until(lambda: place.charge is not None and not place.charge.waits)
        await box.charge_ends(1)
        assert box.needs.departure(1) is None
