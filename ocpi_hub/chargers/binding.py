"""How a process of ours reaches the bridge: the ChargerPort over Valkey, and the ChargerBook on the bridge's tables.

Called once by every entry point, before anything asks for either.
"""

from datetime import timedelta

from bridge_ocpp.book import Book, PublicationBook, Signing, Sites, Streams, Strongbox, UpkeepBook, WatchBook
from bridge_ocpp.port import ChargerBook, ChargerPort, DeviceBook, SecurityBook, SmartBook, StreamBook
from bridge_ocpp.port import PublicationBook as Publications
from bridge_ocpp.port import UpkeepBook as Upkeep
from bridge_ocpp.port import WatchBook as Watch
from bridge_ocpp.relay import RedisChargerPort
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault


def pepper(resources: Resources) -> bytes:
    """The key that chargers' passwords are digested with. Raises ValueError without OCPI_HUB_SECRET_KEY."""
    return Vault.of(resources.settings).derive("chargers")


def signing(resources: Resources) -> Signing:
    """How chargers' certificates are signed here. Raises ValueError without OCPI_HUB_SECRET_KEY."""
    settings = resources.settings
    return Signing(
        Vault.of(settings).derive("charger-ca"),
        name=settings.name,
        own=settings.charger_ca == "own",
        own_for_cars=settings.v2g_ca == "own",
        lifetime=timedelta(days=settings.charger_certificate_days),
    )


def bind(resources: Resources) -> None:
    """Bind the Protocols into this process's resources. Raises ValueError without OCPI_HUB_SECRET_KEY."""
    book = Book(pepper(resources), now=resources.clock)
    upkeep: Upkeep = UpkeepBook(now=resources.clock)
    publications: Publications = PublicationBook(now=resources.clock)
    watch: Watch = WatchBook(now=resources.clock)
    streams: StreamBook = Streams()
    smart: SmartBook = Sites(now=resources.clock)
    port: ChargerPort = RedisChargerPort(resources.redis)
    resources.put(ChargerBook, book)  # type: ignore[type-abstract]
    resources.put(DeviceBook, book)  # type: ignore[type-abstract]
    resources.put(Upkeep, upkeep)  # type: ignore[type-abstract]
    resources.put(Publications, publications)  # type: ignore[type-abstract]
    resources.put(Watch, watch)  # type: ignore[type-abstract]
    resources.put(StreamBook, streams)  # type: ignore[type-abstract]
    resources.put(SmartBook, smart)  # type: ignore[type-abstract]
    resources.put(ChargerPort, port)  # type: ignore[type-abstract]
    strongbox: SecurityBook = Strongbox(signing(resources), now=resources.clock)
    resources.put(SecurityBook, strongbox)  # type: ignore[type-abstract]
