"""How a process of ours reaches the bridge: the ChargerPort over Valkey, and the ChargerBook on the bridge's tables.

Called once by every entry point, before anything asks for either.
"""

from bridge_ocpp.book import Book, Sites, Streams, UpkeepBook, WatchBook
from bridge_ocpp.port import ChargerBook, ChargerPort, DeviceBook, SmartBook, StreamBook
from bridge_ocpp.port import UpkeepBook as Upkeep
from bridge_ocpp.port import WatchBook as Watch
from bridge_ocpp.relay import RedisChargerPort
from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault


def pepper(resources: Resources) -> bytes:
    """The key that chargers' passwords are digested with. Raises ValueError without OCPI_HUB_SECRET_KEY."""
    return Vault.of(resources.settings).derive("chargers")


def bind(resources: Resources) -> None:
    """Bind the Protocols into this process's resources. Raises ValueError without OCPI_HUB_SECRET_KEY."""
    book = Book(pepper(resources), now=resources.clock)
    upkeep: Upkeep = UpkeepBook(now=resources.clock)
    watch: Watch = WatchBook(now=resources.clock)
    streams: StreamBook = Streams()
    smart: SmartBook = Sites(now=resources.clock)
    port: ChargerPort = RedisChargerPort(resources.redis)
    resources.put(ChargerBook, book)  # type: ignore[type-abstract]
    resources.put(DeviceBook, book)  # type: ignore[type-abstract]
    resources.put(Upkeep, upkeep)  # type: ignore[type-abstract]
    resources.put(Watch, watch)  # type: ignore[type-abstract]
    resources.put(StreamBook, streams)  # type: ignore[type-abstract]
    resources.put(SmartBook, smart)  # type: ignore[type-abstract]
    resources.put(ChargerPort, port)  # type: ignore[type-abstract]
