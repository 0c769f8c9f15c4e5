"""Who set a charging profile for a session, remembered for what follows (limits.py)."""

from sqlalchemy.ext.asyncio import AsyncSession

from ocpi_hub.base.resources import Resources
from ocpi_hub.chargers.tables import PartnerCommand, ProfileSetter


async def taken(resources: Resources, row: PartnerCommand, db: AsyncSession) -> None:
    """The charger took a partner's profile: from now on that partner is told of changes."""
    setter = await db.get(ProfileSetter, row.session_id, with_for_update=True)
    if setter is None:
        setter = ProfileSetter(
            session_id=str(row.session_id),
            transaction_id=str(row.transaction_id),
            platform_id=row.platform_id,
            party_country_code=row.from_country_code,
            party_id=row.from_party_id,
        )
        db.add(setter)
    setter.platform_id, setter.command_id, setter.told = row.platform_id, row.id, None
    setter.party_country_code, setter.party_id = row.from_country_code, row.from_party_id
