"""Whether a charger takes charging profiles: asked once per charger and firmware, or learned when one is set; and its
EVSEs say so (mod_locations, Capability CHARGING_PROFILE_CAPABLE).
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import ChargerBooted, ChargerPort, GetComposite, Outcome, OutcomeStatus
from ocpi_hub.base.jobs import job, ring_after_commit
from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers import placing
from ocpi_hub.chargers.tables import ChargerPlacement

CAPABLE = "CHARGING_PROFILE_CAPABLE"
LOOK = 60
"""Seconds that a charger is asked to look ahead, only to see whether it can."""


def booted(placement: ChargerPlacement, event: ChargerBooted, db: AsyncSession) -> None:
    """A charger, or a firmware, that we have not asked yet."""
    model = "/".join(part or "" for part in (event.vendor, event.model, event.firmware_version, event.protocol))
    if placement.profiles_asked_of != model:
        placement.profiles_asked_of, placement.takes_profiles = model, None
        ring_after_commit(db, learn, placement.charger_id)


@job("chargers.learn_profiles")
async def learn(resources: Resources, charger_id: str) -> None:
    """Ask for a composite schedule: whoever has one takes profiles, and whoever does not know the message does not."""
    within = timedelta(seconds=resources.settings.charger_timeout)
    port = resources.get(ChargerPort)  # type: ignore[type-abstract]
    outcome = await port.ask(charger_id, GetComposite(1, LOOK), within=within)
    async with resources.unit_of_work() as db:
        await learned(resources, charger_id, outcome, db)


async def learned(resources: Resources, charger_id: str, outcome: Outcome, db: AsyncSession) -> None:
    """What an answer says: yes, no, or nothing; the EVSEs follow."""
    takes = {OutcomeStatus.ACCEPTED: True, OutcomeStatus.NOT_SUPPORTED: False}.get(outcome.status)
    placement = await placing.find(db, charger_id, lock=True)
    if placement is None or takes is None:
        if placement is not None and placement.takes_profiles is None:
            placement.profiles_asked_of = None  # asked again with the next boot
        return
    if placement.takes_profiles != takes:
        placement.takes_profiles = takes
        await placing.publish_capability(placement, CAPABLE, takes, db, at=resources.clock())
