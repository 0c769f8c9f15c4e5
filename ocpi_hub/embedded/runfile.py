"""How other commands find the hub that `serve` runs here: by a file that only its owner can read."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ocpi_hub.base.settings import Settings
from ocpi_hub.embedded.folders import is_served
from ocpi_hub.embedded.keys import with_kept_keys
from ocpi_hub.embedded.processes import EmbeddedError


def _path(data_dir: Path) -> Path:
    return data_dir / "serve.json"


@contextmanager
def announced(settings: Settings) -> Iterator[None]:
    """Tell other commands what is in force here, as long as it is."""
    values = {name: _plain(getattr(settings, name)) for name in settings.model_fields_set - {"data_dir"}}
    path = _path(settings.data_dir)
    making = path.with_suffix(".new")
    with os.fdopen(os.open(making, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(values, file, indent=1, default=str)
    making.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def attach(settings: Settings) -> Settings:
    """The settings of the hub that runs here; what the caller has set itself stays.

    With both server URLs set, only kept keys are filled in. Raises EmbeddedError when no hub is to be found.
    """
    if settings.database_url is not None and settings.redis_url is not None:
        return with_kept_keys(settings)
    path = _path(settings.data_dir)
    if not is_served(settings.data_dir) or not path.exists():
        raise EmbeddedError(
            f"no hub is running here (in {settings.data_dir}): start `ocpi-hub serve`, "
            "or set OCPI_HUB_DATABASE_URL and OCPI_HUB_REDIS_URL"
        )
    known: dict[str, Any] = json.loads(path.read_text())
    running = Settings.model_validate(known)
    return settings.model_copy(
        update={name: getattr(running, name) for name in known if name not in settings.model_fields_set}
    )
