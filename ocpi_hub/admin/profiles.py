"""Security profiles of our chargers: changing them, and why one cannot come in as things stand."""

from sqlalchemy.ext.asyncio import AsyncSession

from bridge_ocpp.port import ChargerBook
from ocpi_hub.admin.answers import AdminError
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.settings import Settings


async def set_profile(resources: Resources, charger_id: str, profile: int, db: AsyncSession) -> None:
    """The lowest profile at which it may come in from now on; lower than before, too. Raises AdminError 422."""
    try:
        await resources.get(ChargerBook).set_profile(charger_id, profile, db)  # type: ignore[type-abstract]
    except ValueError as error:
        raise AdminError(422, "invalid", str(error)) from None


def unreachable(settings: Settings, profile: int) -> list[str]:
    """Why a charger of this security profile cannot come in, as far as the settings of this process say."""
    if profile == 0 and not settings.ocpp_profile_0:
        return ["security profile 0: it is let in only with OCPI_HUB_OCPP_PROFILE_0=true, and only on loopback"]
    tls = bool(settings.ocpp_tls_certificate)
    if profile == 3 and not tls:
        return ["security profile 3: the bridge needs OCPI_HUB_OCPP_TLS_CERTIFICATE to see client certificates"]
    if profile == 2 and not tls and not settings.ocpp_tls_proxies:
        return ["security profile 2: the bridge needs OCPI_HUB_OCPP_TLS_CERTIFICATE or OCPI_HUB_OCPP_TLS_PROXIES"]
    return []
