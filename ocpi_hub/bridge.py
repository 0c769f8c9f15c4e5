"""The OCPP bridge as a process of the hub: the tower's listener with our chargers' business side behind the port."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from uvicorn.loops.auto import auto_loop_factory

from bridge_ocpp.bridge import Bridge
from bridge_ocpp.config import BridgeConfig, TlsFiles
from ocpi_hub.base import memory
from ocpi_hub.base.jobs import Bellringer, use_broker
from ocpi_hub.base.log import configure_logs
from ocpi_hub.base.resources import Resources, open_resources, required_urls
from ocpi_hub.base.settings import Settings
from ocpi_hub.chargers.binding import bind, pepper, signing
from ocpi_hub.chargers.events import HubEvents
from ocpi_hub.chargers.outside import HubOutside

POOL_SIZE = 20


def bridge_of(resources: Resources) -> Bridge:
    """The bridge of this process, not yet listening. Raises OSError or ValueError for PEM files that cannot serve."""
    settings = resources.settings
    config = BridgeConfig(
        host=settings.ocpp_host,
        port=settings.ocpp_port,
        secret=pepper(resources),
        heartbeat_interval=settings.heartbeat_interval,
        boot_interval=settings.boot_interval,
        ping_interval=settings.ping_interval,
        charger_timeout=settings.charger_timeout,
        settle_window=settings.settle_window,
        update_interval=settings.session_interval / 4,
        provisioning=settings.provisioning,
        wishes=wishes_of(settings),
        errand_spread=settings.provisioning_spread,
        open_allowed=settings.ocpp_profile_0,
        tls=_tls_files(settings),
        tls_port=settings.ocpp_tls_port,
        tls_proxies=settings.ocpp_tls_proxies,
        signing=signing(resources),
        contract_authorities=settings.contract_authorities.read_bytes() if settings.contract_authorities else b"",
    )
    return Bridge(
        config,
        unit_of_work=resources.unit_of_work,
        redis=resources.redis,
        hub=HubEvents(resources),
        outside=HubOutside(resources),
        now=resources.clock,
    )


def wishes_of(settings: Settings) -> dict[str, str]:
    """What is wished of every charger that can, in the bridge's words; what is empty or 0 is not wished."""
    wished = {
        "heartbeat_interval": settings.heartbeat_interval,
        "ping_interval": settings.charger_ping_interval,
        "meter_interval": settings.meter_interval,
        "measurands": settings.measurands,
        "aligned_interval": settings.aligned_interval,
        "aligned_measurands": settings.stop_measurands,
        "stop_measurands": settings.stop_measurands,
        "master_group": settings.master_group,
    }
    if settings.local_lists:
        # The list is for when the hub cannot be asked: a token on it may have lost its right a moment ago.
        wished |= {"local_list": "true", "local_offline": "true", "local_preauthorize": "false"}
    return {name: str(value) for name, value in wished.items() if value}


def _tls_files(settings: Settings) -> TlsFiles | None:
    pairs = tuple(zip(settings.ocpp_tls_certificate, settings.ocpp_tls_key, strict=True))
    return TlsFiles(pairs, settings.ocpp_tls_client_ca) if pairs else None


def run_bridge(settings: Settings, ready: Callable[[], None]) -> None:
    """Listen until SIGTERM or SIGINT; `ready` is called once chargers can connect. Raises ValueError or OSError."""
    configure_logs(level=settings.log_level, form=settings.log_format)
    use_broker(required_urls(settings)[1])
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_listen(settings, ready))


@asynccontextmanager
async def bridging(resources: Resources) -> AsyncIterator[Bridge]:
    """The bridge of this process while inside. Chargers stay for months: what they are made of is set aside."""
    settling = asyncio.create_task(memory.keep_settled())
    try:
        async with bridge_of(resources).run() as bridge:
            yield bridge
    finally:
        settling.cancel()


async def _listen(settings: Settings, ready: Callable[[], None]) -> None:
    told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    ringer = Bellringer()
    async with open_resources(settings, pool_size=POOL_SIZE, ring=ringer) as resources:
        resources.put(Bellringer, ringer)
        bind(resources)
        async with bridging(resources):
            ready()
            await told_to_stop.wait()
