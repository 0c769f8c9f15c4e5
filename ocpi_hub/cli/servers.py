"""Which server failed a command, and what to do about it: PostgreSQL and Valkey by their names, never by an errno."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

from ocpi_hub.base.settings import Settings
from ocpi_hub.cli.failing import CommandFailed

_LOOK = 2.0
"""Seconds that a server may take to be connected to."""


@contextmanager
def naming_servers(settings: Settings) -> Iterator[None]:
    """What fails in this block because a server is away, or refuses, becomes a CommandFailed that names the server."""
    from redis.exceptions import RedisError
    from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

    try:
        yield
    except ArgumentError:
        raise CommandFailed("OCPI_HUB_DATABASE_URL: must be like postgresql://user:password@host:5432/name") from None
    except (OSError, TimeoutError, RedisError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise CommandFailed(_away(settings) or f"a server failed: {reason_of(error)}") from error
    except DBAPIError as error:
        away = _away(settings) if isinstance(error, OperationalError | InterfaceError) else None
        raise CommandFailed(away or refused(settings, error.orig or error)) from error
    except Exception as error:
        if not type(error).__module__.startswith("asyncpg."):
            raise
        raise CommandFailed(refused(settings, error)) from error


def refused(settings: Settings, error: BaseException) -> str:
    """PostgreSQL is there and says no: in its own words, without the driver's class before them."""
    said = str(error).strip().partition("\n")[0].rpartition(">: ")[2]
    return f"PostgreSQL at {_place(settings.database_url)} refuses: {said} (OCPI_HUB_DATABASE_URL names it)"


def reason_of(error: BaseException) -> str:
    """An operating system's error without its number."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "the host name was not found"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error).partition("\n")[0] or type(error).__name__


def _away(settings: Settings) -> str | None:
    """The first server that cannot be connected to now, and what to do; None when both can."""
    servers = (
        ("PostgreSQL", settings.database_url, "OCPI_HUB_DATABASE_URL"),
        ("Valkey", settings.redis_url, "OCPI_HUB_REDIS_URL"),
    )
    for name, url, setting in servers:
        if url is None:
            continue
        try:
            _connect(url)
        except OSError as error:
            place = _place(url)
            return f"{name} at {place} cannot be reached ({reason_of(error)}): start it, or set {setting} to another"
    return None


def _connect(url: SecretStr) -> None:
    host, port = _address(url)
    if port is None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_LOOK)
            connection.connect(host)
        return
    socket.create_connection((host, port), timeout=_LOOK).close()


def _place(url: SecretStr | None) -> str:
    if url is None:
        return "nowhere"
    host, port = _address(url)
    return host if port is None else f"{host}:{port}"


def _address(url: SecretStr) -> tuple[str, int | None]:
    """Where a server listens: host and port, or the path of its socket and None."""
    parts = urlsplit(url.get_secret_value())
    if parts.scheme == "unix":
        return parts.path, None
    folder = parse_qs(parts.query).get("host", [""])[0]
    default = 6379 if parts.scheme.startswith("redis") else 5432
    if folder.startswith("/"):
        return f"{folder}/.s.PGSQL.{parts.port or default}", None
    return folder or unquote(parts.hostname or "localhost"), parts.port or default
