"""What may happen at a simulated charger, as data: a script is a list of steps, played one after another.

`ocpi-hub simulate charger --script NAME` plays them in a lab, tests play them too. A wait is a share of the seconds
that the player is given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge_ocpp.simulator.charger import SimulatedCharger

EVSE = 1
PATIENCE = 600.0
"""Seconds that a script waits for what somebody else must do."""
PAUSE = 0.05


class ScriptFailed(Exception):
    """A script could not go on; the text says at which step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens; `value` is what the step needs, such as a share of the time to wait."""

    what: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Script:
    """What it shows, and its steps."""

    text: str
    steps: tuple[Step, ...]


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
            *(Step("clock", timedelta(days=-20_000)), Step("swipe"), _wait_for(0.5)),
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
}


@dataclass(frozen=True, slots=True)
class _Play:
    """A script being played."""

    charger: "SimulatedCharger"
    card: str
    seconds: float


async def play(charger: "SimulatedCharger", name: str, *, card: str, seconds: float) -> None:
    """Play a script at EVSE 1 of a charger that is online. Raises ScriptFailed, and KeyError for no such script."""
    scene = _Play(charger, card, seconds)
    for step in SCRIPTS[name].steps:
        await _STEPS[step.what](scene, step.value)


async def _swipe(scene: _Play, _value: Any) -> None:
    await _hold(scene, scene.card)


async def _swipe_reserved(scene: _Play, _value: Any) -> None:
    reservation = scene.charger.evses[EVSE].reservation
    await _hold(scene, reservation[1] if reservation is not None else scene.card)


async def _hold(scene: _Play, card: str) -> None:
    verdict = await scene.charger.swipe(EVSE, card)
    if verdict != "Accepted":
        raise ScriptFailed(f"the card was refused: {verdict}")


async def _wait(scene: _Play, share: Any) -> None:
    await asyncio.sleep(scene.seconds * float(share))


async def _leave(scene: _Play, _value: Any) -> None:
    await scene.charger.charge_ends(EVSE)


async def _cut(scene: _Play, _value: Any) -> None:
    await scene.charger.cut()


async def _mend(scene: _Play, _value: Any) -> None:
    scene.charger.mend()
    await asyncio.wait_for(scene.charger.online.wait(), PATIENCE)
    await scene.charger.said_all()


async def _clock(scene: _Play, shift: Any) -> None:
    scene.charger.clock_shift = shift or timedelta(0)
    scene.charger.tell("clock", f"it is {scene.charger.now():%Y-%m-%d %H:%M} here")


async def _slow(scene: _Play, share: Any) -> None:
    scene.charger.thinks = scene.seconds * float(share)


async def _reserved(scene: _Play, _value: Any) -> None:
    await _until(lambda: scene.charger.evses[EVSE].reservation is not None, "nobody reserved EVSE 1")


async def _updated(scene: _Play, share: Any) -> None:
    """Each word of the update takes this share of the time."""
    workshop = scene.charger.workshop
    workshop.pace = scene.seconds * float(share)
    await _until(lambda: workshop.last is not None, "no update of the firmware came to an end")
    scene.charger.tell("script", f"the update ended: {workshop.last}; runs {scene.charger.firmware}")


async def _until(true: Callable[[], bool], otherwise: str) -> None:
    for _ in range(int(PATIENCE / PAUSE)):
        if true():
            return
        await asyncio.sleep(PAUSE)
    raise ScriptFailed(f"{otherwise} within {PATIENCE:.0f} s")


_STEPS: Mapping[str, Callable[[_Play, Any], Awaitable[None]]] = {
    "swipe": _swipe,
    "swipe-reserved": _swipe_reserved,
    "wait": _wait,
    "leave": _leave,
    "cut": _cut,
    "mend": _mend,
    "clock": _clock,
    "slow": _slow,
    "reserved": _reserved,
    "updated": _updated,
}
