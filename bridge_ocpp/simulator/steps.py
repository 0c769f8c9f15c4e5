"""The steps of scripts: what each does at EVSE 1 of a charger."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from websockets.exceptions import ConnectionClosed

from bridge_ocpp.simulator.car import Car, NoContract
from bridge_ocpp.simulator.charger import SimulatedCharger
from bridge_ocpp.simulator.dynamic import PRIORITY
from bridge_ocpp.simulator.paying import SHOWN_AS

EVSE = 1
PATIENCE = 600.0
"""Seconds that a script waits for what somebody else must do."""
PAUSE = 0.05


class ScriptFailed(Exception):
    """A script could not go on; the text says at which step."""


@dataclass(slots=True)
class Play:
    """A script being played; `reference` is what the payment provider calls the payment of it."""

    charger: SimulatedCharger
    card: str
    seconds: float
    car: Car
    vat_number: str | None = None
    reference: str = ""


# --- charges ----------------------------------------------------------------------------------------------------------


async def _swipe(scene: Play, _value: Any) -> None:
    await _hold(scene, scene.card)


async def _swipe_needing(scene: Play, _value: Any) -> None:
    await _hold(scene, scene.card, car=scene.car)


async def _swipe_reserved(scene: Play, _value: Any) -> None:
    reservation = scene.charger.evses[EVSE].reservation
    await _hold(scene, reservation.token if reservation is not None else scene.card)


async def _hold(scene: Play, card: str, *, car: Car | None = None) -> None:
    verdict = await scene.charger.swipe(EVSE, card, car=car)
    if verdict != "Accepted":
        raise ScriptFailed(f"the card {card} was refused: {verdict}")


async def _wait(scene: Play, share: Any) -> None:
    await asyncio.sleep(scene.seconds * float(share))


async def _leave(scene: Play, _value: Any) -> None:
    await scene.charger.charge_ends(EVSE)


async def _departure(scene: Play, _value: Any) -> None:
    """The car leaves when it said, with what it has got by then."""
    charger, place = scene.charger, scene.charger.evses[EVSE]
    departs, charge = charger.needs.departure(EVSE), place.charge
    if departs is None or charge is None:
        raise ScriptFailed("the car is gone before its time")
    await charger.until(departs)
    got = charge.got_wh(place.read(charger.now())) / 1000
    charger.tell("needs", f"the car leaves with {got:.3f} of {scene.car.wants_wh / 1000:.3f} kWh")
    await charger.charge_ends(EVSE)


async def _reserved(scene: Play, _value: Any) -> None:
    scene.charger.tell("script", "waits for a reservation of EVSE 1")
    await _until(lambda: scene.charger.evses[EVSE].reservation is not None, "nobody reserved EVSE 1")


# --- Plug & Charge ----------------------------------------------------------------------------------------------------


async def _contract(scene: Play, _value: Any) -> None:
    """A contract for a car that has none."""
    if not scene.car.chain:
        await _with_contract(scene.charger.contracts.fetch(scene.car))


async def _renew(scene: Play, _value: Any) -> None:
    await _with_contract(scene.charger.contracts.fetch(scene.car))


async def _look(scene: Play, _value: Any) -> None:
    await _with_contract(scene.charger.contracts.look(scene.car))


async def _plug(scene: Play, _value: Any) -> None:
    verdict = await _with_contract(scene.charger.plug_and_charge(EVSE, scene.car))
    if verdict != "Accepted":
        raise ScriptFailed(f"the contract {scene.car.emaid} was refused: {verdict}")


async def _with_contract(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except NoContract as error:
        raise ScriptFailed(str(error)) from None
    except (ConnectionError, ConnectionClosed, TimeoutError):
        raise ScriptFailed("the central system did not answer") from None


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def _cut(scene: Play, _value: Any) -> None:
    await scene.charger.cut()


async def _mend(scene: Play, _value: Any) -> None:
    scene.charger.mend()
    await asyncio.wait_for(scene.charger.online.wait(), PATIENCE)
    await scene.charger.said_all()


async def _clock(scene: Play, shift: Any) -> None:
    scene.charger.clock_shift = shift or timedelta(0)
    scene.charger.tell("clock", f"it is {scene.charger.now():%Y-%m-%d %H:%M} here")


async def _slow(scene: Play, share: Any) -> None:
    scene.charger.thinks = scene.seconds * float(share)


async def _tampered(scene: Play, _value: Any) -> None:
    await scene.charger.safe.notice("TamperDetectionActivated", "the lid was opened")


async def _fault(scene: Play, _value: Any) -> None:
    await scene.charger.fault(EVSE)
    await _problem(scene, "true")


async def _mended(scene: Play, _value: Any) -> None:
    scene.charger.tell("fault", f"EVSE {EVSE} is mended")
    await scene.charger.set_status(EVSE, "Available")
    await _problem(scene, "false")


async def _problem(scene: Play, value: str) -> None:
    """1.6 tells it by the status of the connector alone."""
    if scene.charger.protocol != "ocpp1.6":
        await scene.charger.watch.alert("ChargingStation", "Problem", value, cleared=value == "false")


async def _maker(scene: Play, _value: Any) -> None:
    """Something that only the maker understands."""
    answer = await scene.charger.say(*scene.charger.speech.data(scene.charger.vendor, "lid", "closed"))
    said = answer.get("status", "nothing")
    scene.charger.tell("maker", f"says by DataTransfer that the lid is closed; the answer is {said}")


# --- upkeep -----------------------------------------------------------------------------------------------------------


async def _updated(scene: Play, share: Any) -> None:
    """Each word of the update takes this share of the time."""
    workshop = scene.charger.workshop
    workshop.pace = scene.seconds * float(share)
    scene.charger.tell("script", "waits for an update of its firmware")
    await _until(lambda: workshop.last is not None, "no update of the firmware came to an end")
    scene.charger.tell("script", f"the update ended: {workshop.last}; runs {scene.charger.firmware}")


async def _certificate(scene: Play, kind: Any) -> None:
    safe = scene.charger.safe
    before = safe.chains.get(kind)
    await safe.request_certificate(kind)
    if safe.signing != "Accepted":
        raise ScriptFailed(f"the request for a {kind} was not taken: {safe.signing}")
    await _until(lambda: safe.chains.get(kind) != before, f"nobody signed the {kind}")


# --- limits, payments, the grid ---------------------------------------------------------------------------------------


async def _limit(scene: Play, amperes: Any) -> None:
    await scene.charger.limits.set(Decimal(amperes))


async def _lift(scene: Play, _value: Any) -> None:
    await scene.charger.limits.lift()


async def _priority(scene: Play, _value: Any) -> None:
    charger = scene.charger
    charger.tell("script", f"waits for a profile of purpose {PRIORITY}")
    await _until(lambda: any(one.purpose == PRIORITY for one in charger.stack.kept), f"no profile of {PRIORITY} came")
    await charger.dynamic.prefer(EVSE)


async def _no_priority(scene: Play, _value: Any) -> None:
    await scene.charger.dynamic.prefer(EVSE, on=False)


async def _pay(scene: Play, _value: Any) -> None:
    """The terminal reserves the money; what it calls the payment is what the charge is authorised by."""
    charger = scene.charger
    if scene.vat_number is not None and not await charger.till.ask_vat(scene.vat_number, EVSE):
        raise ScriptFailed(f"the VAT number {scene.vat_number} was refused")
    scene.reference = charger.till.reference()
    await charger.charge_begins(EVSE, scene.reference, shown_as=SHOWN_AS)


async def _settle(scene: Play, _value: Any) -> None:
    charger, charge = scene.charger, scene.charger.evses[EVSE].charge
    await charger.charge_ends(EVSE)
    if charge is None:
        raise ScriptFailed("the charge was over before it was paid")
    await charger.said_all()
    cost = (charge.cost or {}).get("totalCost", {}).get("total", {})
    shown = charger.watch.costs[-1] if charger.watch.costs else 0
    amount = Decimal(str(cost.get("inclTax", cost.get("exclTax", shown))))
    await charger.till.settle(scene.reference, charge, amount)


async def _alarm(scene: Play, ended: Any) -> None:
    await scene.charger.grid.alarm("LVMustTrip", "UnderVoltage", ended=bool(ended))


async def _swap(scene: Play, _value: Any) -> None:
    charger = scene.charger
    if not charger.slots.stocked:
        raise ScriptFailed("this charger swaps no batteries: it needs them, and two EVSEs (--batteries --evses 2)")
    answer = await charger.say(*charger.speech.authorize(scene.card))
    verdict = charger.speech.verdict(answer)
    if verdict != "Accepted":
        raise ScriptFailed(f"the card {scene.card} was refused: {verdict}")
    await charger.slots.swap({"idToken": scene.card, "type": "ISO14443"})


async def _until(true: Callable[[], bool], otherwise: str) -> None:
    for _ in range(int(PATIENCE / PAUSE)):
        if true():
            return
        await asyncio.sleep(PAUSE)
    raise ScriptFailed(f"{otherwise} within {PATIENCE:.0f} s")


STEPS: Mapping[str, Callable[[Play, Any], Awaitable[None]]] = {
    "alarm": _alarm,
    "certificate": _certificate,
    "clock": _clock,
    "contract": _contract,
    "cut": _cut,
    "departure": _departure,
    "fault": _fault,
    "leave": _leave,
    "lift": _lift,
    "limit": _limit,
    "look": _look,
    "maker": _maker,
    "mend": _mend,
    "mended": _mended,
    "no-priority": _no_priority,
    "pay": _pay,
    "plug": _plug,
    "priority": _priority,
    "renew": _renew,
    "reserved": _reserved,
    "settle": _settle,
    "slow": _slow,
    "swap": _swap,
    "swipe": _swipe,
    "swipe-needing": _swipe_needing,
    "swipe-reserved": _swipe_reserved,
    "tampered": _tampered,
    "updated": _updated,
    "wait": _wait,
}
