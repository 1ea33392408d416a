"""The database's shape: migrations are numbered files, and the head is the highest number."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import exc, inspect
from sqlalchemy import text as sql

from exchange import database
from exchange.config import config

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "migrations"


@lru_cache(maxsize=1)
def head() -> str:
    """The number of the newest migration (`0007`)."""
    numbers = [m.group(1) for p in (MIGRATIONS / "versions").glob("*.py") if (m := re.match(r"(\d{4})_", p.name))]
    return max(numbers, default="0000")


def present() -> str | None:
    """The number the database stands at, or None when it holds nothing yet."""
    with database.engine().connect() as connection:
        try:
            return connection.scalar(sql("SELECT version_num FROM alembic_version"))
        except exc.ProgrammingError:
            return None


def reason_not_ready() -> str | None:
    """Why the database's shape is not the one this code needs, or None when it is."""
    stands = present()
    return None if stands == head() else f"migrations: database at {stands or 'nothing'}, code at {head()}"


def is_empty() -> bool:
    """Whether the database holds no table of ours."""
    return not inspect(database.engine()).get_table_names()


def upgrade() -> None:
    """Bring the database to the newest migration; all of them or none."""
    if present() != head():
        upgrade_at(config().database_url)


def upgrade_at(url: str) -> None:
    """Bring the database at an address to the newest migration; all of them or none."""
    from alembic import command

    command.upgrade(alembic_config(url), "head")


def alembic_config(url: str) -> Any:
    """Alembic's own settings, without its ini file. Alembic is imported only where it is used: it is slow to load."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.set_main_option("path_separator", "os")
    settings.attributes["url"] = url
    return settings
