"""The case register: what people decided and which numbers were given (the second truth of the system).

Issue numbers are given once per issue and never change, whatever is run again. Events are only ever added: the
database refuses to change or delete one, each carries the hash of the one before, and `caifeng.cases.service` decides
whether it may be added at all.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.types import TypeDecorator

from caifeng.cases.model import GENESIS, Actor, ConflictError, Event, OnBehalf, chain_hash, payload_hash
from caifeng.core.errors import UsageError

metadata = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """A moment, stored in UTC and read with its zone; SQLite itself would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        """To UTC."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """With its zone."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


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

events = Table(
    "events",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("subject", String(40), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("name", String(40), nullable=False),
    Column("from_state", String(20)),
    Column("to_state", String(20)),
    Column("actor_role", String(20), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("on_behalf_role", String(20)),
    Column("decided_at", UtcTime()),
    Column("medium", String(10)),
    Column("scan_hash", String(64)),
    Column("at", UtcTime(), nullable=False),
    Column("idempotency_key", String(100), unique=True),
    Column("codes", JSON, nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    UniqueConstraint("subject", "sequence"),
)

#: Free words stand apart: erasing them one day, where the law asks for it, leaves the chain of hashes whole.
event_texts = Table(
    "event_texts",
    metadata,
    Column("position", Integer, ForeignKey("events.position"), primary_key=True, autoincrement=False),
    Column("salt", String(32), nullable=False),
    Column("texts", JSON, nullable=False),
)


class Book:
    """The register within one transaction that alone may write: what is read here cannot change before it is done."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def knows(self, issue_no: str) -> bool:
        """Whether this number was given."""
        found = self._connection.scalar(select(issue_numbers.c.issue_no).where(issue_numbers.c.issue_no == issue_no))
        return found is not None

    def events(self, subject: str) -> tuple[Event, ...]:
        """Events of a subject, in order."""
        return _events(self._connection, _reading().where(events.c.subject == subject))

    def by_key(self, idempotency_key: str) -> Event | None:
        """The event that was added under this key."""
        found = _events(self._connection, _reading().where(events.c.idempotency_key == idempotency_key))
        return found[0] if found else None

    def append(
        self,
        subject: str,
        name: str,
        *,
        states: tuple[str | None, str | None],
        actor: Actor,
        on_behalf: OnBehalf | None,
        at: datetime,
        codes: Mapping[str, Any],
        texts: Mapping[str, Any],
        idempotency_key: str | None,
    ) -> Event:
        """Add one event at the end of the chain; whether it may be added is for the caller to know.

        Raises:
            ConflictError: the place or the key is taken.
        """
        last = self._connection.execute(
            select(events.c.position, events.c.hash).order_by(events.c.position.desc()).limit(1)
        ).first()
        sequence = self._connection.scalar(
            select(func.coalesce(func.max(events.c.sequence), 0)).where(events.c.subject == subject)
        )
        salt = secrets.token_hex(16)
        event = Event(
            position=(last.position if last else 0) + 1,
            subject=subject,
            sequence=int(sequence or 0) + 1,
            name=name,
            from_state=states[0],
            to_state=states[1],
            actor_role=actor.role,
            actor_id=actor.id,
            on_behalf=on_behalf,
            at=at,
            idempotency_key=idempotency_key,
            codes=dict(codes),
            payload_hash=payload_hash({**codes, **texts}, salt),
            previous_hash=last.hash if last else GENESIS,
            hash="",
            texts=dict(texts),
            salt=salt,
        )
        event = replace(event, hash=chain_hash(event))
        try:
            self._connection.execute(insert(events), [_row(event)])
            self._connection.execute(insert(event_texts), [{"position": event.position, "salt": salt, "texts": texts}])
        except IntegrityError as error:
            raise ConflictError("刚刚有人先登记了这一步，请刷新后再试") from error
        return event

    def erase(self, position: int) -> None:
        """Delete the free words of an event; that it was done is for the caller to register first.

        Raises:
            UsageError: the event has no words.
        """
        # The wall against deleting comes down within this transaction only; nobody else sees it down.
        wall = _TextWall(self._connection)
        wall.take_down()
        gone = self._connection.execute(delete(event_texts).where(event_texts.c.position == position)).rowcount
        wall.put_up()
        if gone != 1:
            raise UsageError(f"no words to erase: event {position} does not exist or was erased before")


class _TextWall:
    """The trigger that refuses to delete from `event_texts`, as migration 0002 made it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_postgresql = connection.dialect.name == "postgresql"
        self._made = ""

    def take_down(self) -> None:
        """Until `put_up`, or to the end of the transaction if that is rolled back."""
        if self._is_postgresql:
            self._connection.execute(text("ALTER TABLE event_texts DISABLE TRIGGER event_texts_append_only"))
            return
        self._made = str(
            self._connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'event_texts_no_delete'"))
        )
        self._connection.execute(text("DROP TRIGGER event_texts_no_delete"))

    def put_up(self) -> None:
        """As it was before."""
        if self._is_postgresql:
            self._connection.execute(text("ALTER TABLE event_texts ENABLE TRIGGER event_texts_append_only"))
        else:
            self._connection.exec_driver_sql(self._made)


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

    def known_numbers(self, keys: Sequence[str]) -> dict[str, str]:
        """Numbers of those of the given issue keys that have one."""
        query = select(issue_numbers.c.issue_key, issue_numbers.c.issue_no).where(issue_numbers.c.issue_key.in_(keys))
        with self.engine.connect() as connection:
            return dict(connection.execute(query).tuples().all())

    @contextmanager
    def writing(self) -> Iterator[Book]:
        """One transaction that alone may write; it is kept whole or not at all.

        Raises:
            ConflictError: the register stayed locked by somebody else.
        """
        try:
            with self.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("LOCK TABLE events IN EXCLUSIVE MODE"))
                yield Book(connection)
        except OperationalError as error:
            raise ConflictError(f"登记库正忙，请稍后再试（{error.orig}）") from error

    def events(self, subject: str | None = None, until: datetime | None = None) -> tuple[Event, ...]:
        """Events in the order in which they were added: all, or of one subject, or up to a moment."""
        query = _reading()
        if subject is not None:
            query = query.where(events.c.subject == subject)
        if until is not None:
            query = query.where(events.c.at <= until)
        with self.engine.connect() as connection:
            return _events(connection, query)

    def issue_numbers(self) -> tuple[str, ...]:
        """Every number that was given, in order."""
        query = select(issue_numbers.c.issue_no).order_by(issue_numbers.c.year, issue_numbers.c.sequence)
        with self.engine.connect() as connection:
            return tuple(connection.scalars(query))

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()


def _reading() -> Select[Any]:
    joined = events.outerjoin(event_texts, events.c.position == event_texts.c.position)
    return select(events, event_texts.c.salt, event_texts.c.texts).select_from(joined).order_by(events.c.position)


def _events(connection: Connection, query: Select[Any]) -> tuple[Event, ...]:
    return tuple(_event(row) for row in connection.execute(query))


def _event(row: Row[Any]) -> Event:
    values = dict(row._mapping)
    role, medium = values.pop("on_behalf_role"), values.pop("medium")
    decided_at, scan_hash = values.pop("decided_at"), values.pop("scan_hash")
    behalf = None
    if any((role, decided_at, medium, scan_hash)):  # half of it would be tampering, for the chain to find
        behalf = OnBehalf(role or "", decided_at or values["at"], medium or "", scan_hash)
    return Event(on_behalf=behalf, **values)


def _row(event: Event) -> dict[str, Any]:
    values = {column.name: getattr(event, column.name, None) for column in events.columns}
    behalf = event.on_behalf
    return values | {
        "on_behalf_role": behalf and behalf.role,
        "decided_at": behalf and behalf.decided_at,
        "medium": behalf and behalf.medium,
        "scan_hash": behalf and behalf.scan_hash,
    }


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).parent.mkdir(parents=True, exist_ok=True)

        @event.listens_for(engine, "connect")
        def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA busy_timeout = 30000")
            connection.execute("PRAGMA foreign_keys = ON")

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
