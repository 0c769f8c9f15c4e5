"""`ocpi-hub serve`: the whole hub on one machine, under one supervisor with one thread.

The order of things: folder, keys, servers, migrations, parts, `ready`; and back again. What a part does inside
it does not know.
"""

import gc
import importlib
import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import NoReturn

from pydantic import SecretStr

from ocpi_hub.base.settings import Settings
from ocpi_hub.embedded.processes import OWN_SERVERS, EmbeddedError, server_user

if sys.platform == "win32":
    raise EmbeddedError(f"`ocpi-hub serve` needs Linux or macOS: {OWN_SERVERS}, and start the parts one by one")

from ocpi_hub.embedded.daemon import Daemon
from ocpi_hub.embedded.folders import DataFolder
from ocpi_hub.embedded.forks import Fork, Target, stop_forks
from ocpi_hub.embedded.keeper import Keeper, Stopped, Unit, Wake, wait_ready
from ocpi_hub.embedded.keys import with_keys
from ocpi_hub.embedded.runfile import announced
from ocpi_hub.embedded.servers import embedded_postgres, embedded_valkey, wait_for

_START_WITHIN = 60.0
_STOP_WITHIN = 20.0


def serve(settings: Settings, parts: Mapping[str, str]) -> int:
    """Run the hub until Ctrl-C or SIGTERM, and return the exit status. Call it in a process with one thread.

    `parts` maps a name to the `module:function` of `(settings, ready)` that runs it: it calls `ready()` once when it
    serves, and returns after SIGTERM. Progress goes to stdout, an error to stderr as one sentence.
    """
    with Wake() as wake:
        try:
            with ExitStack() as opened:
                _run(settings, parts, wake=wake, opened=opened)
        except Stopped:
            pass
        except EmbeddedError as error:
            print(f"ocpi-hub: {error}", file=sys.stderr)
            return 1
    return 0


def _run(settings: Settings, parts: Mapping[str, str], *, wake: Wake, opened: ExitStack) -> NoReturn:
    """Start everything in order; what is opened is closed by `opened`, the last first. Ends by raising Stopped."""
    folder = _open_folder(settings, opened)
    settings = _with_keys(settings.model_copy(update={"data_dir": folder.path}))
    require_ports(settings, parts)
    servers, urls = _start_servers(settings, folder, wake=wake, opened=opened)
    settings = settings.model_copy(update=urls)
    migration = Fork("migrate", _migration(settings), pid_file=folder.path / "migrate.pid")
    migration.start()
    opened.callback(stop_forks, [migration], within=_STOP_WITHIN, hurry=lambda: False)
    _load(parts.values())
    _wait_for_migration(migration, wake)
    opened.enter_context(announced(settings))
    forks = [Fork(name, _part(path, settings), pid_file=folder.path / f"{name}.pid") for name, path in parts.items()]
    opened.callback(_stop_parts, forks, wake)
    for fork in forks:
        fork.start()
    wait_ready(forks, wake, within=_START_WITHIN, announce=lambda fork: say(fork.name, _where(fork.name, settings)))
    say("ready")
    units: list[Unit] = [*servers, *forks]
    Keeper(units).keep(wake)


def say(what: str, how: str = "") -> None:
    """One line of progress."""
    print(f"{what:<11} {how}".rstrip(), flush=True)


def _open_folder(settings: Settings, opened: ExitStack) -> DataFolder:
    embedded = settings.database_url is None or settings.redis_url is None
    folder = DataFolder.open(settings.data_dir, server_user(settings.embedded_user) if embedded else None)
    opened.enter_context(folder.locked())
    say("data", str(folder.path))
    return folder


def _with_keys(settings: Settings) -> Settings:
    keys = with_keys(settings)
    if keys.path is not None:
        say("keys", f"{keys.path}{' (made now, for you alone: keep it)' if keys.made else ''}")
    return keys.settings


def require_ports(settings: Settings, parts: Iterable[str]) -> None:
    """Say at once that a listener cannot have its port, and not when everything else runs. Raises EmbeddedError."""
    listeners = {
        "api": (settings.host, settings.port, "OCPI_HUB_PORT"),
        "bridge": (settings.ocpp_host, settings.ocpp_port, "OCPI_HUB_OCPP_PORT"),
    }
    for host, port, name in (listeners[part] for part in parts if part in listeners):
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(address)
                listener.listen(1)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise EmbeddedError(f"cannot listen on {host}:{port} ({reason}): set {name} to another port") from None


def _start_servers(
    settings: Settings, folder: DataFolder, *, wake: Wake, opened: ExitStack
) -> tuple[list[Daemon], dict[str, SecretStr]]:
    """Start the servers that are not set; they stop in the opposite order: PostgreSQL is the truth and goes last."""
    servers: list[Daemon] = []
    urls: dict[str, SecretStr] = {}
    if settings.database_url is None:
        postgres = embedded_postgres(folder, pg_bin=settings.pg_bin)
        if not postgres.exists():
            say("PostgreSQL", f"{postgres.program.version}, making an empty database …")
            postgres.make()
            wake.check()
        servers.append(postgres)
        urls["database_url"] = SecretStr(postgres.url)
    if settings.redis_url is None:
        valkey = embedded_valkey(folder)
        servers.append(valkey)
        urls["redis_url"] = SecretStr(valkey.url)
    for server in servers:
        opened.callback(server.stop)
        server.start()
    from ocpi_hub.base.log import configure_logs  # takes a moment, in which they come up

    configure_logs(level=settings.log_level, form=settings.log_format)
    for server in servers:
        wait_for(server, meanwhile=wake.check)
        say(server.name, f"{server.program.version}, running")
    return servers, urls


def _migration(settings: Settings) -> Target:
    def run(ready: Callable[[], None]) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        from ocpi_hub.base.resources import required_urls
        from ocpi_hub.embedded.migrate import migrate

        try:
            migrate(required_urls(settings)[0])
        except SQLAlchemyError as error:
            raise EmbeddedError(str(error).partition("\n")[0]) from error

    return run


def _wait_for_migration(migration: Fork, wake: Wake) -> None:
    while (how := migration.ended()) is None:
        wake.pause(1.0)
    if how != "exit status 0":
        raise EmbeddedError(f"the database could not be brought up to date ({how}); the reason is above")
    say("database", "up to date")


def _function(path: str) -> Callable[[Settings, Callable[[], None]], None]:
    module, _, name = path.partition(":")
    function: Callable[[Settings, Callable[[], None]], None] = getattr(importlib.import_module(module), name)
    return function


def _load(paths: Iterable[str]) -> None:
    """Import all parts once, while the migration runs, instead of once in each of them after it."""
    gc.disable()  # it would walk through the modules again and again
    for path in paths:
        _function(path)
    gc.freeze()  # so that the parts go on sharing them
    gc.enable()


def _part(path: str, settings: Settings) -> Target:
    return lambda ready: _function(path)(settings, ready)


def _stop_parts(forks: Sequence[Fork], wake: Wake) -> None:
    say("stopping")
    asked = wake.requests
    stop_forks(forks, within=_STOP_WITHIN, hurry=lambda: wake.requests > max(asked, 1))


def _where(part: str, settings: Settings) -> str:
    """How the part is reached on this machine, and how others reach it when that is set."""
    here = settings.model_copy(update={"public_url": None, "ocpp_public_url": None})
    known = {
        "api": (here.api_url, settings.public_url),
        "bridge": (f"{here.ocpp_url}/ocpp/{{charger id}}", settings.ocpp_public_url),
        "worker": (f"{settings.worker_processes} processes", None),
    }
    local, public = known.get(part, ("", None))
    return f"{local} (others: {public})" if public else local
