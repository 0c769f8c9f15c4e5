"""The two keys of an installation: made once, kept in the data folder for nobody but its owner."""

import os
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from ocpi_hub.base.secrets import new_secret
from ocpi_hub.base.settings import Settings

_NAMES = ("admin_key", "secret_key")


class Keys(NamedTuple):
    """The settings with both keys in them, and where those that were not set are kept (None: both were set)."""

    settings: Settings
    path: Path | None
    made: bool


def keys_path(data_dir: Path) -> Path:
    return data_dir / "keys.env"


def with_kept_keys(settings: Settings) -> Settings:
    """The settings, with keys that are not set taken from the data folder if they are kept there."""
    path = keys_path(settings.data_dir)
    kept = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line) if path.exists() else {}
    found = {name: kept.get(f"OCPI_HUB_{name.upper()}") for name in _NAMES if getattr(settings, name) is None}
    return settings.model_copy(update={name: SecretStr(value) for name, value in found.items() if value})


def with_keys(settings: Settings) -> Keys:
    """The settings with both keys: set ones first, then kept ones, then new ones, which are kept from now on."""
    missing = [name for name in _NAMES if getattr(settings, name) is None]
    if not missing:
        return Keys(settings, None, made=False)
    settings = with_kept_keys(settings)
    new = {name: new_secret() for name in missing if getattr(settings, name) is None}
    path = keys_path(settings.data_dir)
    if new:
        _append(path, "".join(f"OCPI_HUB_{name.upper()}={value}\n" for name, value in new.items()))
    return Keys(settings.model_copy(update={n: SecretStr(v) for n, v in new.items()}), path, made=bool(new))


def _append(path: Path, lines: str) -> None:
    """On disk for good before it is used: what is sealed with a lost key is lost."""
    before = path.read_text() if path.exists() else ""
    making = path.with_suffix(".new")
    with os.fdopen(os.open(making, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(before + lines)
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
