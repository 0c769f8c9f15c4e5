"""Commands that run the hub or a part of it: serve, api, bridge, worker, migrate, demo, settings."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from ocpi_hub.base.settings import Settings
from ocpi_hub.cli.output import CommandFailed, print_json, read_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: OCPI_HUB_PORT=8080 ocpi-hub serve")(serve)
    app.command(epilog="Example: ocpi-hub api")(api)
    app.command(epilog="Example: ocpi-hub bridge")(bridge)
    app.command(epilog="Example: ocpi-hub worker")(worker)
    app.command(epilog="Example: ocpi-hub migrate")(migrate)
    app.command(epilog="Example: ocpi-hub health")(health)
    app.command(epilog="Example: ocpi-hub demo --once")(demo)
    app.command(epilog="Example: ocpi-hub settings --json")(settings)
    app.command("price", epilog="Example: ocpi-hub price tariff.json cdr.json --time-zone Europe/Amsterdam")(price)


def serve() -> None:
    """The whole hub on one machine: API, OCPP bridge and worker; embedded servers unless yours are set."""
    from ocpi_hub.embedded.serve import serve as run_all

    sys.exit(run_all(read_settings(), parts()))


def parts() -> dict[str, str]:
    """The processes of a hub, as `module:function` of (settings, ready)."""
    return {
        "api": "ocpi_hub.app:run_api",
        "bridge": "ocpi_hub.bridge:run_bridge",
        "worker": "ocpi_hub.worker:run_worker",
    }


def _part(name: str) -> None:
    import importlib

    from ocpi_hub.cli.servers import naming_servers
    from ocpi_hub.embedded.serve import require_ports

    settings = read_settings()
    _require_servers(name, settings)
    require_ports(settings, [name])
    module, function = parts()[name].split(":")
    run = getattr(importlib.import_module(module), function)
    with naming_servers(settings):
        run(settings, lambda: print(f"{name} ready", flush=True))


def _require_servers(command: str, settings: Settings, *, valkey: bool = True) -> str:
    """The database's URL. Raises CommandFailed naming what is not set: a part alone brings no servers."""
    missing = ["OCPI_HUB_DATABASE_URL"] if settings.database_url is None else []
    missing += ["OCPI_HUB_REDIS_URL"] if valkey and settings.redis_url is None else []
    if missing or settings.database_url is None:
        need = " and ".join(missing)
        raise CommandFailed(f"`{command}` needs {need}; on one machine `ocpi-hub serve` runs all, and brings servers")
    return settings.database_url.get_secret_value()


def api() -> None:
    """The HTTP API alone, for production; needs OCPI_HUB_DATABASE_URL, OCPI_HUB_REDIS_URL and OCPI_HUB_SECRET_KEY."""
    _part("api")


def bridge() -> None:
    """The OCPP bridge alone, for production."""
    _part("bridge")


def worker() -> None:
    """A Celery worker alone, for production."""
    _part("worker")


def migrate() -> None:
    """Bring the database that OCPI_HUB_DATABASE_URL names up to date."""
    from ocpi_hub.cli.servers import naming_servers
    from ocpi_hub.embedded.migrate import migrate as upgrade

    settings = read_settings()
    url = _require_servers("migrate", settings, valkey=False)
    with naming_servers(settings):
        upgrade(url)
    print("the database is up to date")


def health() -> None:
    """Whether the API of this machine is ready; exit status 0 when it is."""
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    from ocpi_hub.cli.servers import reason_of

    settings = read_settings()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    try:
        with urlopen(f"http://{host}:{settings.port}/health/ready", timeout=4) as answer:
            print(answer.read().decode())
    except HTTPError as error:
        raise CommandFailed(f"not ready: {error.read().decode(errors='replace')}") from None
    except URLError as error:
        reason = reason_of(error.reason) if isinstance(error.reason, OSError) else error.reason
        raise CommandFailed(
            f"no hub answers at {host}:{settings.port} ({reason}): start it with `ocpi-hub serve`, "
            "or say by OCPI_HUB_HOST and OCPI_HUB_PORT where it is"
        ) from None


def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself once a CDR has arrived at the eMSP.")] = False,
) -> None:
    """See a car charge roam: a hub, two simulated partners and two simulated chargers on this machine.

    It brings its own servers and keeps what it makes in the folder `demo` of OCPI_HUB_DATA_DIR, which it empties first.
    OCPI_HUB_PORT and OCPI_HUB_OCPP_PORT say where it listens; where they are not set and taken, on free ones.
    """
    from ocpi_hub.simulator.demo import run_demo

    try:
        sys.exit(asyncio.run(run_demo(read_settings(), once=once)))
    except KeyboardInterrupt:
        sys.exit(0)


def price(
    tariff: Annotated[Path, typer.Argument(help="A file with an OCPI Tariff.")],
    cdr: Annotated[Path, typer.Argument(help="A file with an OCPI CDR.")],
    time_zone: Annotated[str, typer.Option("--time-zone", help="The location's zone, such as Europe/Amsterdam.")],
    as_json: AsJson = False,
) -> None:
    """The priced CDR, line by line; exit status 1 when the CDR's own totals differ."""
    from ocpi_hub.cli.price import run

    sys.exit(run(tariff, cdr, time_zone=time_zone, as_json=as_json))


def settings(as_json: AsJson = False) -> None:
    """Every setting with its value, default and meaning; secrets are masked."""
    values = read_settings()
    rows = [_setting(name, values) for name in Settings.model_fields]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        default = "" if row["value"] == row["default"] else f"   (default: {row['default']})"
        print(f"{row['name']}={row['value']}{default}\n    {row['meaning']}")


def _setting(name: str, values: Settings) -> dict[str, str]:
    from pydantic import SecretStr

    field = Settings.model_fields[name]
    value = getattr(values, name)
    shown = "***" if isinstance(value, SecretStr) else _text(value)
    default = _text(field.get_default(call_default_factory=True))
    return {"name": f"OCPI_HUB_{name.upper()}", "value": shown, "default": default, "meaning": field.description or ""}


def _text(value: object) -> str:
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
