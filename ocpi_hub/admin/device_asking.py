"""How the devices of our own chargers are asked for operators: one outcome, or one error of the admin REST."""

from datetime import timedelta
from typing import Any

from bridge_ocpp.port import Attend, ChargerPort, Command, DeviceBook, Outcome, OutcomeStatus
from ocpi_hub.admin import known
from ocpi_hub.admin.answers import AdminError
from ocpi_hub.base.resources import Resources


def book_of(resources: Resources) -> DeviceBook:
    """The bridge's book of devices."""
    return resources.get(DeviceBook)  # type: ignore[type-abstract]


async def ask(resources: Resources, charger_id: str, command: Command, *, times: int = 1) -> Outcome:
    """Ask a charger, `times` messages long at most. Raises AdminError 409, 422, 502 or 504 for what was no answer."""
    within = timedelta(seconds=resources.settings.charger_timeout * max(times, 1))
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    outcome = await port.ask(charger_id, command, within=within)
    word = type(command).__name__
    if outcome.status is OutcomeStatus.OFFLINE:
        raise AdminError(409, "charger_offline", f"{charger_id} is not connected")
    if outcome.status is OutcomeStatus.TIMEOUT:
        raise AdminError(504, "no_answer", f"{charger_id} did not answer {word} in time")
    if outcome.status is OutcomeStatus.NOT_SUPPORTED:
        raise AdminError(422, "not_supported", outcome.detail or f"the charger cannot do {word}", details=outcome.error)
    if outcome.status is OutcomeStatus.INVALID:
        raise AdminError(422, "invalid", outcome.detail)
    if outcome.status is OutcomeStatus.FAILED:
        raise AdminError(502, "failed", outcome.detail or f"{charger_id} failed", details=outcome.error)
    return outcome


async def attend(resources: Resources, charger_id: str) -> None:
    """Have what was just owed to the charger seen to at once, where it is connected; else it waits for it."""
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    await port.ask(charger_id, Attend(), within=timedelta(seconds=2))


async def command(resources: Resources, charger_id: str, order: Command) -> dict[str, Any]:
    """Ask for something that is done or refused at once; the outcome as a document. Raises AdminError."""
    await known.place(resources, charger_id, order)
    outcome = await ask(resources, charger_id, order)
    return {"status": outcome.status.value, "detail": outcome.detail, "payload": outcome.payload}
