"""What may happen at a simulated charger, as data: a script is a list of steps, played one after another.

`ocpi-hub simulate charger --script NAME` plays them in a lab, tests play them too. A wait is a share of the seconds
that the player is given. What each step does is in `steps`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bridge_ocpp.simulator.car import Car
from bridge_ocpp.simulator.charger import SimulatedCharger
from bridge_ocpp.simulator.steps import STEPS, Play, ScriptFailed

ALL = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
FROM_2 = ALL[1:]
FROM_21 = ALL[2:]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens; `value` is what the step needs, such as a share of the time to wait."""

    what: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Script:
    """What it shows, its steps, and the versions that have words for it."""

    text: str
    steps: tuple[Step, ...]
    versions: tuple[str, ...] = ALL


def _wait_for(share: float) -> Step:
    return Step("wait", share)


SCRIPTS: Mapping[str, Script] = {
    "charge": Script(
        "a card is held to the reader, a car charges and leaves",
        (Step("swipe"), _wait_for(1.0), Step("leave")),
    ),
    "offline-charge": Script(
        "the connection breaks while a car charges; what was said meanwhile arrives afterwards",
        (
            *(Step("swipe"), _wait_for(0.3), Step("cut"), _wait_for(0.4)),
            *(Step("leave"), _wait_for(0.3), Step("mend")),
        ),
    ),
    "faulty-clock": Script(
        "the clock says 1971 after a power cut, and is right again while a car charges",
        (
            *(Step("clock", timedelta(days=-20_300)), Step("swipe"), _wait_for(0.5)),
            *(Step("clock"), _wait_for(0.5), Step("leave")),
        ),
    ),
    "reservation": Script(
        "waits for a reservation, and the driver it is for comes and charges",
        (Step("reserved"), _wait_for(0.2), Step("swipe-reserved"), _wait_for(0.8), Step("leave")),
    ),
    "firmware": Script(
        "waits for a firmware update, fetches it, installs it and restarts; or fails, as the charger was told to",
        (Step("updated", 0.2),),
    ),
    "slow": Script(
        "a car charges at a charger that thinks long before each answer",
        (Step("slow", 0.2), Step("swipe"), _wait_for(1.0), Step("leave"), Step("slow", 0.0)),
    ),
    "trouble": Script(
        "the lid is opened while a car charges: a security event, an alert, a fault that ends the charge; it is mended",
        (
            *(Step("swipe"), _wait_for(0.4), Step("tampered"), Step("fault"), _wait_for(0.4)),
            *(Step("mended"), Step("maker"), _wait_for(0.2)),
        ),
    ),
    "certificate": Script(
        "asks for a certificate of its own and waits until it is signed",
        (Step("certificate", "ChargingStationCertificate"),),
    ),
    "v2g-certificate": Script(
        "asks for the certificate that it shows to cars and waits until it is signed",
        (Step("certificate", "V2GCertificate"),),
        FROM_2,
    ),
    "contract": Script(
        "Plug & Charge: a car gets a contract, its certificates are asked about, and it charges by its eMAID",
        (Step("contract"), Step("look"), Step("plug"), _wait_for(1.0), Step("leave")),
        FROM_2,
    ),
    "contract-renewal": Script(
        "a car whose contract ends soon gets a new one, and its certificates are asked about",
        (Step("contract"), Step("renew"), Step("look")),
        FROM_2,
    ),
    "needs": Script(
        "a car says how much it needs by when, follows the schedule that it is given, and leaves at that time",
        (Step("swipe-needing"), Step("departure")),
        FROM_2,
    ),
    "limit": Script(
        "the building allows a charging car only 8 A for a while",
        (
            *(Step("swipe"), _wait_for(0.3), Step("limit", Decimal(8)), _wait_for(0.4)),
            *(Step("lift"), _wait_for(0.3), Step("leave")),
        ),
        FROM_2,
    ),
    "payment": Script(
        "a driver pays at the terminal, with a VAT number on the receipt if there is one, and the payment is settled",
        (Step("pay"), _wait_for(1.0), Step("settle")),
        FROM_21,
    ),
    "priority": Script(
        "waits for a profile of purpose PriorityCharging while a car charges; then the driver asks to go first",
        (Step("swipe"), Step("priority"), _wait_for(1.0), Step("no-priority"), Step("leave")),
        FROM_21,
    ),
    "grid": Script(
        "the voltage of the grid falls below what it should be, and recovers",
        (Step("alarm", False), _wait_for(1.0), Step("alarm", True)),
        FROM_21,
    ),
    "swap": Script(
        "a driver swaps an empty battery for a charged one",
        (Step("swap"), _wait_for(1.0)),
        FROM_21,
    ),
}


async def play(
    charger: SimulatedCharger,
    name: str,
    *,
    card: str,
    seconds: float,
    car: Car | None = None,
    vat_number: str | None = None,
) -> None:
    """Play a script at EVSE 1 of a charger that is online, with this car or one that needs half of what it could get in
    these seconds. Raises ScriptFailed, and KeyError for no such script."""
    script = SCRIPTS[name]
    if charger.protocol not in script.versions:
        raise ScriptFailed(f"{name} needs {' or '.join(script.versions)}, and this charger speaks {charger.protocol}")
    scene = Play(charger, card, seconds, car or car_for(charger, seconds), vat_number)
    for step in script.steps:
        await STEPS[step.what](scene, step.value)


def car_for(charger: SimulatedCharger, seconds: float) -> Car:
    """A car that leaves after these seconds, with half of what it could get until then."""
    place = charger.evses[1]
    return Car(
        wants_wh=max(place.power_w * Decimal(str(seconds)) / 7200, Decimal(1)).quantize(Decimal(1)),
        departs_in=seconds,
        dc=place.dc,
    )


__all__ = ["SCRIPTS", "Script", "ScriptFailed", "Step", "car_for", "play"]
