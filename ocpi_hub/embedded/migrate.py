"""Brings a database up to date with the migrations that this hub was installed with."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData

import ocpi_hub

_PACKAGE = Path(ocpi_hub.__file__).parent


def migrations_folder() -> Path:
    """Where the migrations are: inside the installed package, or beside it in a checkout."""
    for folder in (_PACKAGE / "_migrations", _PACKAGE.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise FileNotFoundError(f"this installation has no migrations in {_PACKAGE}")


def alembic_config(database_url: str, *, metadata: MetaData | None = None) -> Config:
    """What alembic's commands need; `metadata` is for those that compare the database with the models."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    config.attributes["metadata"] = metadata
    return config


def migrate(database_url: str) -> None:
    """Upgrade to the newest migration. Raises OSError or SQLAlchemyError when the database cannot be reached.

    Call it where no event loop runs. Hubs that migrate the same database at once wait for each other.
    """
    command.upgrade(alembic_config(database_url), "head")
