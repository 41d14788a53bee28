"""The case register: what people decided and which numbers were given (the second truth of the system).

Issue numbers are given once per issue and never change, whatever is run again. Events are only ever added: the
database refuses to change or delete one, each carries the hash of the one before, and `caifeng.cases.service` decides
whether it may be added at all. SQLite and PostgreSQL keep the same events and refuse in the same words.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    URL,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    ExceptionContext,
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
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.types import TypeDecorator

from caifeng.cases.model import (
    GENESIS,
    Actor,
    ConflictError,
    Event,
    GuardError,
    OnBehalf,
    chain_hash,
    payload_hash,
)
from caifeng.core.errors import CaifengError, DataError, UsageError
from caifeng.core.migrations import upgrade_tables

#: psycopg is the one driver that is tested; other names for the same database (Airflow's has psycopg2) lead to it.
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2")
#: Writers wait so long for each other; a writer that froze is cut off by the server after the second span.
_LOCK_SECONDS, _FROZEN_SECONDS = 30, 60
#: What the databases call it: PostgreSQL's SQLSTATE, SQLite's result code.
_NO_RIGHT = ("42501", "25006")
_BUSY = ("55P03", "57014", "40001", "40P01", sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LONGEST_KEY = 100
#: PostgreSQL refuses NUL, and half a surrogate pair has no bytes; both databases are to keep the same.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

metadata = MetaData()


class LostError(CaifengError):
    """The database went away in the middle: what was to be written is there whole or not at all, nobody knows yet."""


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
    Column("allotted_at", UtcTime(), nullable=False),
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
        if not _storable(issue_no):
            return False
        found = self._connection.scalar(select(issue_numbers.c.issue_no).where(issue_numbers.c.issue_no == issue_no))
        return found is not None

    def events(self, subject: str) -> tuple[Event, ...]:
        """Events of a subject, in order."""
        if not _storable(subject):
            return ()
        return _events(self._connection, _reading().where(events.c.subject == subject))

    def by_key(self, idempotency_key: str) -> Event | None:
        """The event that was added under this key.

        Raises:
            GuardError: no event can be added under it.
        """
        if not _storable(idempotency_key) or len(idempotency_key) > _LONGEST_KEY:
            raise GuardError("payload", f"编号超过{_LONGEST_KEY}个字符，或含有不能保存的字符")
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
            GuardError: a text holds what no database keeps: NUL, half a character.
        """
        if not _storable([subject, actor.id, idempotency_key, codes, texts]):
            raise GuardError("payload", "填写的内容含有不能保存的字符")
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
        # The wall knows: it lets words go whose erasure is registered, and no others (migration 0003).
        if self._connection.dialect.name == "postgresql":
            gone = self._connection.scalar(select(func.erase_words(position)))
        else:
            gone = self._connection.execute(delete(event_texts).where(event_texts.c.position == position)).rowcount
        if gone != 1:
            raise UsageError(f"no words to erase: event {position} does not exist or was erased before")


class Register:
    """The register behind an address; its tables are brought up to date on opening.

    `sqlite:///FILE` is a file; `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` a database, through psycopg. Every
    method may raise `UsageError` (no connection, no right), `LostError` (the connection broke) and `ConflictError`
    (somebody else wrote for too long); each is one line, without the password.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        try:
            upgrade_tables(self.engine, Path(__file__).parent / "migrations")
        except DBAPIError as error:
            raise UsageError(f"register {_shown(self.engine.url)}: cannot be opened: {_first_line(error)}") from error

    def allot_numbers(self, keys: Sequence[str], year: int, at: datetime) -> dict[str, str]:
        """Numbers YQ-<year>-<nnnn> for the given issue keys, in their order; known keys keep their number.

        Args:
            keys: stable keys of the issues, in the order in which numbers are to be given.
            year: year of detection, for keys that have no number yet.
            at: moment that is recorded with new numbers.
        """
        with self._alone() as connection:
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
        with self._alone() as connection:
            yield Book(connection)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Not LOCK TABLE: that asks for rights to change and delete, which a writer need not have.
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("caifeng.register"))))
            yield connection

    def events(self, subject: str | None = None, until: datetime | None = None) -> tuple[Event, ...]:
        """Events in the order in which they were added: all, or of one subject, or up to a moment."""
        query = _reading()
        if not _storable(subject):
            return ()
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


def _storable(value: Any) -> bool:
    match value:
        case str():
            return not _UNSTORABLE.search(value)
        case Mapping():
            return all(_storable(item) for item in value.values())
        case list() | tuple():
            return all(_storable(item) for item in value)
    return True


def _engine(address: str) -> Engine:
    url = _url(address)
    is_file = url.drivername == "sqlite"
    try:
        # Without the ping a connection that outlived the server's restart would fail the next call.
        engine = create_engine(url, pool_pre_ping=True, **({} if is_file else {"isolation_level": "READ COMMITTED"}))
    except ModuleNotFoundError as error:
        missing = f"the driver {error.name} is not installed: pip install 'psycopg[binary]'"
        raise UsageError(f"register {_shown(url)}: {missing}") from error
    event.listen(engine, "handle_error", _tell)
    if is_file:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)

        @event.listens_for(engine, "connect")
        def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1000}")
            connection.execute("PRAGMA foreign_keys = ON")

        @event.listens_for(engine, "begin")
        def _lock(connection) -> None:  # type: ignore[no-untyped-def]
            # Numbers are read and given in one transaction: take the write lock at once.
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    else:

        @event.listens_for(engine, "connect")
        def _configure(connection, _record) -> None:  # type: ignore[no-untyped-def]
            # What SQLite read without a zone is UTC, whatever zone the server lives in.
            connection.execute("SET TIME ZONE 'UTC'")
            connection.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
            connection.execute(f"SET idle_in_transaction_session_timeout = '{_FROZEN_SECONDS}s'")
            connection.commit()

    return engine


def _url(address: str) -> URL:
    forms = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise UsageError(f"the register's address cannot be read; write {forms}") from None  # it may hold a password
    if url.drivername in _POSTGRESQL:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite" or url.database in (None, "", ":memory:"):
        raise UsageError(f"register {_shown(url)}: write {forms}")
    return url


def _shown(url: URL) -> str:
    """An address fit for logs and screens: neither password nor options."""
    return url.set(query={}).render_as_string(hide_password=True)


def _first_line(error: BaseException) -> str:
    said = str(getattr(error, "orig", None) or error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def _tell(context: ExceptionContext) -> None:
    """What the database says, as one line that says what to do. SQLAlchemy raises it in place of its own error."""
    if context.is_pre_ping or context.engine is None or not isinstance(context.sqlalchemy_exception, DBAPIError):
        return
    error = context.original_exception
    said, name = _first_line(error), _shown(context.engine.url)
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes hold it
    if code in _NO_RIGHT:
        raise UsageError(f"register {name}: this account may not do that: {said} (docs/deploy.md, the register)")
    if code in _DAMAGED:
        raise DataError(f"register {name}: is damaged: {said}; bring it back from a backup (docs/recovery.md)")
    if context.connection is None:
        raise UsageError(f"register {name}: cannot be opened: {said}")
    if context.is_disconnect:
        raise LostError(f"登记库连接中断，请稍后刷新，先看这一步是否已登记（register {name}: {said}）")
    if code in _BUSY:
        raise ConflictError(f"登记库正忙，请稍后再试（{said}）")
    if isinstance(context.sqlalchemy_exception, OperationalError):  # the disk is full, the file is read-only, …
        raise UsageError(f"register {name}: {said}")
