"""The case register: what people decided and which numbers were given (the second truth of the system).

First table: issue numbers. A number is given once per issue and never changes, whatever is run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.exc import OperationalError

from caifeng.core.errors import UsageError

metadata = MetaData()

issue_numbers = Table(
    "issue_numbers",
    metadata,
    Column("issue_no", String(20), primary_key=True),
    Column("year", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("issue_key", String(64), nullable=False, unique=True),
    Column("allotted_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("year", "sequence"),
)


class Register:
    """The register behind a SQLAlchemy address; its tables are brought up to date on opening."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        try:
            _upgrade(self.engine)
        except OperationalError as error:
            raise UsageError(f"register {url}: cannot be opened: {error.orig}") from error

    def allot_numbers(self, keys: Sequence[str], year: int, at: datetime) -> dict[str, str]:
        """Numbers YQ-<year>-<nnnn> for the given issue keys, in their order; known keys keep their number.

        Args:
            keys: stable keys of the issues, in the order in which numbers are to be given.
            year: year of detection, for keys that have no number yet.
            at: moment that is recorded with new numbers.
        """
        with self.engine.begin() as connection:
            known = dict(
                connection.execute(
                    select(issue_numbers.c.issue_key, issue_numbers.c.issue_no).where(
                        issue_numbers.c.issue_key.in_(keys)
                    )
                )
                .tuples()
                .all()
            )
            last = connection.scalar(
                select(func.coalesce(func.max(issue_numbers.c.sequence), 0)).where(issue_numbers.c.year == year)
            )
            new = [key for key in dict.fromkeys(keys) if key not in known]
            rows = [
                {
                    "issue_no": f"YQ-{year}-{sequence:04d}",
                    "year": year,
                    "sequence": sequence,
                    "issue_key": key,
                    "allotted_at": at,
                }
                for sequence, key in enumerate(new, start=int(last or 0) + 1)
            ]
            if rows:
                connection.execute(insert(issue_numbers), rows)
        return known | {str(row["issue_key"]): str(row["issue_no"]) for row in rows}

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)

        @event.listens_for(engine, "connect")
        def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA busy_timeout = 30000")

        @event.listens_for(engine, "begin")
        def _lock(connection) -> None:  # type: ignore[no-untyped-def]
            # Numbers are read and given in one transaction: take the write lock at once.
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _upgrade(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
