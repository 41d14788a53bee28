"""Tables of the register's database: brought up to date when it is opened, by one process and one thread at a time."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, func, select

#: Alembic keeps what it works on in its modules' globals.
_ALONE = Lock()


def upgrade_tables(engine: Engine, folder: Path) -> None:
    """Run the migrations of a folder that the database has not seen, all or none.

    Args:
        engine: of the database; on SQLite a transaction must hold the write lock from its beginning.
        folder: alembic's, with `env.py` and `versions`; its path within the package names the lock on PostgreSQL.
    """
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    with _ALONE, engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two processes may open it for the first time at once.
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"caifeng.{folder.parent.name}"))))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
