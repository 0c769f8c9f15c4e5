"""Logs: JSON lines of event names with keys, and one processor that keeps secrets out of all of them.

`structlog.get_logger()` is used everywhere and writes its lines itself, which costs half of the way by `logging`. The
libraries' own records pass through the same processors.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, TextIO

import structlog

MASK = "***"

# Keys whose values are secrets or name a driver, wherever they stand in a record.
_SECRET_KEY = re.compile(
    r"(authorization|token|password|secret|admin_key|api_key|cookie|credential|pepper|"
    r"authorizationkey|basicauthpassword|id_?tag|uid|contract_id|visual_number|(database|redis|broker)_url)",
    re.IGNORECASE,
)
_HARMLESS_KEY = re.compile(r"^(token_type|evse_uid|tokens|token_encoding|uid_type)$", re.IGNORECASE)
_SECRET_TEXT = (
    (re.compile(r"(?i)\b(token|bearer|basic)\s+[A-Za-z0-9+/=_.~-]{8,}"), r"\1 " + MASK),
    (re.compile(r"(?i)(://[^/\s:@]*:)[^@\s/]+@"), r"\1" + MASK + "@"),
    (
        re.compile(
            r"(?i)(\"?(?:token|password|authorization|idtag|idToken|AuthorizationKey|BasicAuthPassword)\"?"
            r"\s*[:=]\s*\"?)[^\"\s,;}&]+"
        ),
        r"\1" + MASK,
    ),
)
# What every pattern above has something of: most texts have none, and are looked at once.
_SUSPECT = ("token", "bearer", "basic", "://", "password", "authorization", "idtag")


@lru_cache(maxsize=4096)
def _is_secret(key: str) -> bool:
    return bool(_SECRET_KEY.search(key) and not _HARMLESS_KEY.match(key))


def _is_suspect(text: str) -> bool:
    small = text.lower()
    return any(part in small for part in _SUSPECT)


def redact(value: Any, *, key: str = "") -> Any:
    """The value with every secret masked: by its key, and by its shape in free text."""
    if key and _is_secret(key):
        return MASK if value not in (None, "") else value
    if isinstance(value, str):
        if _is_suspect(value):
            for pattern, replacement in _SECRET_TEXT:
                value = pattern.sub(replacement, value)
        return value
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {k: redact(v, key=str(k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    if isinstance(value, bytes):
        return redact(value.decode("utf-8", "replace"))
    return value


def _redaction(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(value, key=key) for key, value in event.items()}


def _plain(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("color_message", None)  # uvicorn says everything twice, the second time for a terminal
    return event


_ENCODER = json.JSONEncoder(default=str)


def _as_json(event: Any, **_: Any) -> str:
    return _ENCODER.encode(event)


def configure_logs(*, level: str, form: str, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (stderr) as JSON lines, or as text for people.

    `form` is json, console, or auto: text where the stream is a terminal.
    """
    out = stream or sys.stderr
    for_people = form == "console" or (form == "auto" and out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if for_people else "iso", utc=True),
        structlog.processors.format_exc_info,
        _redaction,
    ]
    render = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=24)
        if for_people
        else structlog.processors.JSONRenderer(serializer=_as_json)
    )
    structlog.configure(
        processors=[*shared, render],
        logger_factory=structlog.WriteLoggerFactory(file=out),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _plain, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in (
        "uvicorn.access",
        "httpx",
        "httpcore",
        "asyncio",
        "websockets",
        "celery.worker.strategy",
        "celery.app.trace",
        "kombu",
        "alembic",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
