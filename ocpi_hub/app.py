"""The HTTP process: OCPI for partners, the admin REST for operators, probes and metrics; and how it is run.

Nothing is decided here. What can be asked is in api.py and admin/, what is counted in base/metrics.py.
"""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import structlog
from alembic.script import ScriptDirectory
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.loops.auto import auto_loop_factory

from bridge_ocpp.port import ChargerBook, SecurityBook, WatchBook
from ocpi_hub import __version__
from ocpi_hub.admin import uploads
from ocpi_hub.admin.api import create_admin
from ocpi_hub.api import create_ocpi, openapi
from ocpi_hub.base import memory
from ocpi_hub.base.jobs import Bellringer, use_broker
from ocpi_hub.base.log import configure_logs
from ocpi_hub.base.metrics import REGISTRY
from ocpi_hub.base.resources import Resources, open_resources, required_urls
from ocpi_hub.base.serving import Server, server_config
from ocpi_hub.base.settings import Settings
from ocpi_hub.chargers.binding import bind
from ocpi_hub.clearing.sending import stuck
from ocpi_hub.delivery.tables import Owed
from ocpi_hub.embedded.migrate import alembic_config
from ocpi_hub.partners.tables import Platform

log = structlog.get_logger()

PROBE_SECONDS = 2.0
POOL_SIZE = 20


def create_app(resources: Resources) -> ASGIApp:
    """The whole HTTP face over one process's resources, which the caller opens and closes."""
    app = FastAPI(title="OCPI hub", version=__version__, openapi_url=None, redirect_slashes=False)
    ocpi = create_ocpi(resources)
    app.state.resources = resources
    app.mount("/admin/v1", create_admin(resources))
    app.include_router(uploads.router)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        """Whether requests can be served: 200, or 503 with the reasons."""
        checks = await _checks(resources)
        reasons = [f"{name}: {checks[name]}" for name in ("database", "schema") if checks[name] != "ok"]
        document: dict[str, Any] = {"status": "not ready" if reasons else "ready", **checks}
        return JSONResponse(document | ({"reasons": reasons} if reasons else {}), 503 if reasons else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        """For Prometheus: what this process counted, and what the database says now."""
        scrape = CollectorRegistry()
        scrape.register(_Families(await _families(resources)))
        return Response(
            generate_latest(REGISTRY) + generate_latest(scrape), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    @app.get("/openapi/ocpi.json")
    async def ocpi_document() -> dict[str, Any]:
        """What the OCPI side takes and gives, for machines."""
        return openapi(ocpi.routes)

    return _OcpiFirst(app, ocpi=ocpi.door)


class _OcpiFirst:
    """Sends everything below /ocpi to its own app, before any route of this one: `//ocpi/versions/` too."""

    def __init__(self, app: ASGIApp, *, ocpi: ASGIApp) -> None:
        self._app, self._ocpi = app, ocpi

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["type"] == "http" and scope["path"].lstrip("/").partition("/")[0] == "ocpi"
        await (self._ocpi if below else self._app)(scope, receive, send)


# --- health -------------------------------------------------------------------------------------------------------


async def _checks(resources: Resources) -> dict[str, str]:
    """What each part says: ok, or what is wrong. Without Valkey the hub works on, more slowly."""
    database, schema = await _database(resources)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await resources.redis.ping()
        valkey = "ok"
    except (RedisError, OSError, TimeoutError) as error:
        valkey = f"not reachable ({type(error).__name__}); pushes wait for the next sweep"
    return {"database": database, "schema": schema, "valkey": valkey}


async def _database(resources: Resources) -> tuple[str, str]:
    try:
        async with asyncio.timeout(PROBE_SECONDS), resources.sessions() as db:
            there = await db.scalar(text("SELECT to_regclass('alembic_version')"))
            found = await db.scalar(text("SELECT version_num FROM alembic_version")) if there else None
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        return f"not reachable ({type(error).__name__})", "unknown"
    return "ok", _schema(found)


def _schema(found: str | None) -> str:
    """Whether a database at this migration serves this code. One that is newer than the code does."""
    scripts = _scripts()
    head = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    if found == head or (found is not None and found not in known):
        return "ok"
    return "migrations are missing: run `ocpi-hub migrate`"


@functools.cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config(""))


# --- metrics ------------------------------------------------------------------------------------------------------


class _Families(Collector):
    """What was read for one scrape."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


async def _families(resources: Resources) -> list[Metric]:
    """What the database knows; only `ocpi_database_up 0` when it does not answer."""
    up = GaugeMetricFamily("ocpi_database_up", "Whether the database answers", value=1)
    try:
        async with asyncio.timeout(PROBE_SECONDS), resources.sessions() as db:
            families = [up, *await _debts(db, resources.clock()), *await _platforms(db)]
            families += await _pulls(db, resources.clock())
            families.append(_gauge("ocpi_stuck_cdrs", "Released CDRs that wait for an operator", await stuck(db)))
            with contextlib.suppress(LookupError):
                chargers = await resources.get(ChargerBook).chargers(db)  # type: ignore[type-abstract]
                families.append(_gauge("ocpi_chargers", "Chargers of our own", len(chargers)))
                online = sum(charger.online for charger in chargers)
                families.append(_gauge("ocpi_chargers_online", "Chargers that are connected now", online))
                families.append(await _alerts(resources, db))
                families.append(await _security_events(resources.get(SecurityBook), db))  # type: ignore[type-abstract]
            return families
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("metrics.no_database", error=type(error).__name__)
        return [_gauge("ocpi_database_up", "Whether the database answers", 0)]


def _gauge(name: str, text_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text_, value=value)


async def _alerts(resources: Resources, db: AsyncSession) -> Metric:
    family = GaugeMetricFamily("ocpi_charger_alerts", "Alerts that stand, by OCPP severity", labels=["severity"])
    counts = await resources.get(WatchBook).alert_counts(db)  # type: ignore[type-abstract]
    for severity, count in counts.items():
        family.add_metric(["unknown" if severity is None else str(severity)], count)
    return family


async def _debts(db: AsyncSession, now: datetime) -> list[Metric]:
    labels = ["platform", "name"]
    owed = GaugeMetricFamily("ocpi_debts", "Pushes that a platform is owed", labels=labels)
    oldest = GaugeMetricFamily("ocpi_oldest_debt_seconds", "Age of the oldest of them", labels=labels)
    dead = GaugeMetricFamily("ocpi_dead_debts", "Pushes that were given up", labels=labels)
    alive = col(Owed.dead_at).is_(None)
    counts = (
        select(
            col(Platform.id),
            col(Platform.name),
            func.count(col(Owed.id)).filter(alive),
            func.min(col(Owed.owed_since)).filter(alive),
            func.count(col(Owed.id)).filter(~alive),
        )
        .join(Owed, col(Owed.platform_id) == col(Platform.id), isouter=True)
        .group_by(col(Platform.id), col(Platform.name))
    )
    for platform_id, name, count, since, given_up in (await db.execute(counts)).all():
        owed.add_metric([platform_id, name], count)
        oldest.add_metric([platform_id, name], (now - since).total_seconds() if since else 0)
        dead.add_metric([platform_id, name], given_up)
    return [owed, oldest, dead]


_PULLS = text("""
SELECT pull.platform_id, platform.name, pull.module, pull.failures, pull.watermark,
       (SELECT count(*) FROM missing_object AS missing
        WHERE missing.platform_id = pull.platform_id AND missing.module = pull.module)
FROM pull JOIN platform ON platform.id = pull.platform_id
""")


async def _pulls(db: AsyncSession, now: datetime) -> list[Metric]:
    labels = ["platform", "name", "module"]
    failures = GaugeMetricFamily("ocpi_pull_failures", "Pulls of a list that failed one after the other", labels=labels)
    age = GaugeMetricFamily("ocpi_pull_age_seconds", "How long ago a list was last known whole", labels=labels)
    missing = GaugeMetricFamily("ocpi_missing_objects", "Kept objects that a partner's list lost", labels=labels)
    for platform_id, name, module, failed, watermark, gone in (await db.execute(_PULLS)).all():
        failures.add_metric([platform_id, name, module], failed)
        missing.add_metric([platform_id, name, module], gone)
        if watermark is not None:
            age.add_metric([platform_id, name, module], (now - watermark).total_seconds())
    return [failures, age, missing]


async def _security_events(book: SecurityBook, db: AsyncSession) -> Metric:
    text_ = "Security events of our chargers in the last 90 days, by type (OCPP's own, or other)"
    family = GaugeMetricFamily("ocpi_charger_security_events", text_, labels=["type", "critical"])
    for kind, critical, count in await book.event_counts(db):
        family.add_metric([kind, str(critical).lower()], count)
    return family


async def _platforms(db: AsyncSession) -> list[Metric]:
    family = GaugeMetricFamily("ocpi_platforms", "Platforms by status", labels=["status"])
    rows = await db.execute(select(col(Platform.status), func.count()).group_by(col(Platform.status)))
    for status, count in rows.all():
        family.add_metric([status], count)
    text_ = "Whether a platform refuses the hub's credentials token"
    refusing = GaugeMetricFamily("ocpi_platform_needs_handshake", text_, labels=["platform", "name"])
    query = select(col(Platform.id), col(Platform.name), col(Platform.credentials_refused_at).is_not(None))
    for platform_id, name, refuses in (await db.execute(query)).all():
        refusing.add_metric([platform_id, name], float(refuses))
    return [family, refusing]


# --- running ------------------------------------------------------------------------------------------------------


def run_api(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve on the settings' host and port until SIGTERM or SIGINT; `ready` is called once it listens.

    Requests that run may end. Raises ValueError when a setting is missing; exits with 1 when the port is taken.
    """
    configure_logs(level=settings.log_level, form=settings.log_format)
    use_broker(required_urls(settings)[1])
    memory.settle()
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[], None]) -> None:
    ringer = Bellringer()
    async with open_resources(settings, pool_size=POOL_SIZE, ring=ringer) as resources:
        resources.put(Bellringer, ringer)
        bind(resources)
        await Server(server_config(create_app(resources), host=settings.host, port=settings.port), ready).serve()
