"""The outbox: every message, where it was to go, and what became of it. A table beside the register, in its database.

A row is claimed before it is sent and noted afterwards, each in a transaction of its own. What was claimed and never
noted is `unclear`: the sender was killed, and nobody knows whether the message arrived. It is sent once more, marked
as a possible repetition, and then left to people.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    and_,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from caifeng.core.migrations import upgrade_tables
from caifeng.core.model.notify import RetryRules
from caifeng.core.model.terms import SCALE
from caifeng.notify.channels import Outcome, Parcel
from caifeng.notify.message import REPEAT_MARK, Message

VERSION_TABLE = "outbox_version"
#: States in which a row still waits for its turn.
WAITING = ("waiting", "muted", "failed")
#: Messages are sent again at most once when it is unclear whether they arrived.
MAX_REPEATS = 1

#: PostgreSQL refuses NUL; half a surrogate pair has no bytes.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

metadata = MetaData()
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(300), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("issue_no", String(20)),
    Column("level", String(20)),
    Column("stage", String(120), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("roles", String(200), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("text", String(1000), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("not_before", DateTime(timezone=True), nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("claimed_at", DateTime(timezone=True)),
    Column("last_error", String(200)),
    Column("sent_at", DateTime(timezone=True)),
    Index("outbox_due", "channel", "state", "not_before"),
)

_AGAIN = and_(outbox.c.state == "unclear", outbox.c.repeats < MAX_REPEATS)


@dataclass(frozen=True)
class Notice:
    """A message for some roles, before it is known how it gets there."""

    key: str
    """What it is about; with the channel it names the row. The same thing is told once."""
    kind: str
    """alert, duty, test."""
    issue_no: str | None
    level: str | None
    stage: str
    """Step of the ladder with its duty, or kind of alert."""
    roles: tuple[str, ...]
    message: Message
    not_before: datetime


@dataclass(frozen=True)
class OutboxRow:
    """One row as it stands."""

    id: int
    key: str
    kind: str
    issue_no: str | None
    level: str | None
    stage: str
    channel: str
    """Id in config/notify.toml; empty: no channel reaches these roles."""
    roles: tuple[str, ...]
    subject: str
    text: str
    created_at: datetime
    not_before: datetime
    state: str
    """Of caifeng.core.model.notify.OUTBOX_STATE_NAMES."""
    attempts: int
    """Tries begun."""
    repeats: int
    """Tries begun while it was unclear whether an earlier one had arrived."""
    claimed_at: datetime | None
    """When the last try began."""
    last_error: str | None
    """What the server said last, or what happened."""
    sent_at: datetime | None
    """When the server confirmed it."""

    def parcel(self, at: datetime) -> Parcel:
        """What is handed to the channel; a possible repetition says so."""
        mark = REPEAT_MARK if self.repeats else ""
        return Parcel(self.key, self.roles, Message(mark + self.subject, mark + self.text), at)


class Outbox:
    """The table behind an engine, that of the register; it is made or brought up to date on opening."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        upgrade_tables(engine, Path(__file__).parent / "migrations")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One writer at a time. SQLite's transactions hold the write lock from the start (caifeng.cases.store)."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("caifeng.outbox"))))
            yield connection

    def enqueue(self, notice: Notice, channel: str, at: datetime, muted: bool = False) -> bool:
        """Add a row, unless its key is there; an empty channel is `no_channel`.

        Returns:
            Whether it was added.
        """
        state = "no_channel" if not channel else "muted" if muted else "waiting"
        row = {
            "key": f"{notice.key}@{channel}",
            "kind": notice.kind,
            "issue_no": notice.issue_no,
            "level": notice.level,
            "stage": notice.stage,
            "channel": channel,
            "roles": ",".join(notice.roles),
            "subject": _fit(notice.message.subject, outbox.c.subject),
            "text": _fit(notice.message.text, outbox.c.text),
            "created_at": at.astimezone(UTC),
            "not_before": notice.not_before.astimezone(UTC),
            "state": state,
            "attempts": 0,
            "repeats": 0,
        }
        insert = postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert
        with self._writing() as connection:
            added = insert(outbox).values(row).on_conflict_do_nothing(index_elements=["key"]).returning(outbox.c.id)
            return connection.execute(added).first() is not None

    def withdraw(self, valid: Iterable[str], at: datetime) -> int:
        """Take back reminders that are not true any more: the duty is done, or a later step has come.

        Args:
            valid: keys of the notices of duties that hold now.
            at: moment.

        Returns:
            Number of rows taken back.
        """
        holding = {*valid}
        # One of which it is unclear whether it arrived is not sent again either; what is known of it stays noted.
        pending = or_(outbox.c.state.in_(WAITING), _AGAIN)
        query = select(outbox.c.id, outbox.c.key).where(outbox.c.kind == "duty", pending)
        with self._writing() as connection:
            gone = [row.id for row in connection.execute(query) if row.key.rpartition("@")[0] not in holding]
            if gone:
                connection.execute(_set(outbox.c.id.in_(gone), state="withdrawn", not_before=at.astimezone(UTC)))
        return len(gone)

    def without_channel(self, configured: Collection[str]) -> int:
        """Say of rows whose channel is not configured any more that they have none."""
        with self._writing() as connection:
            where = and_(outbox.c.state.in_(WAITING), outbox.c.channel.not_in([*configured]))
            return connection.execute(_set(where, state="no_channel", last_error="渠道已从配置中移除")).rowcount

    def mark_unclear(self, at: datetime, rules: RetryRules) -> int:
        """Say of rows that were claimed long ago and never noted that nobody knows what became of them."""
        before = at.astimezone(UTC) - timedelta(minutes=rules.unclear_after_minutes)
        where = and_(outbox.c.state == "sending", outbox.c.claimed_at <= before)
        with self._writing() as connection:
            return connection.execute(
                _set(where, state="unclear", last_error="发送进程中断，是否发出不明", not_before=at.astimezone(UTC))
            ).rowcount

    def claim(self, channel: str, at: datetime, per_minute: int, only: int | None = None) -> OutboxRow | None:
        """Take the most urgent row whose turn it is, for one attempt; nobody else gets it meanwhile.

        Args:
            channel: its channel.
            at: moment of the attempt.
            per_minute: attempts of the channel allowed in a minute, whoever makes them.
            only: this row or none.

        Returns:
            The row as claimed; None: nothing is due, or the minute is full.
        """
        moment = at.astimezone(UTC)
        due = [
            outbox.c.channel == channel,
            or_(outbox.c.state.in_(WAITING), _AGAIN),
            outbox.c.not_before <= moment,
        ]
        if only is not None:
            due.append(outbox.c.id == only)
        rank = case({str(level): n for n, level in enumerate(SCALE)}, value=outbox.c.level, else_=0)
        query = select(outbox).where(*due).order_by(rank.desc(), outbox.c.created_at, outbox.c.id).limit(1)
        with self._writing() as connection:
            recent = select(func.count()).where(
                outbox.c.channel == channel, outbox.c.claimed_at > moment - timedelta(minutes=1)
            )
            if (connection.scalar(recent) or 0) >= per_minute:
                return None
            found = connection.execute(query).first()
            if found is None:
                return None
            row = _row(found)
            claimed = replace(
                row,
                state="sending",
                attempts=row.attempts + 1,
                repeats=row.repeats + (row.state == "unclear"),
                claimed_at=moment,
            )
            connection.execute(
                _set(
                    outbox.c.id == row.id,
                    state=claimed.state,
                    attempts=claimed.attempts,
                    repeats=claimed.repeats,
                    claimed_at=moment,
                )
            )
            return claimed

    def note(self, row: OutboxRow, outcome: Outcome, at: datetime, rules: RetryRules) -> OutboxRow:
        """Write down what became of a claimed row, and when it is tried again.

        Only the attempt that was claimed is noted: if the row was given to another sender since, nothing is changed.
        """
        moment, said = at.astimezone(UTC), outcome.said
        state: str = outcome.state
        if state == "failed" and row.attempts >= rules.attempts:
            state = "given_up"
        if state in ("failed", "given_up") and row.repeats:
            said = f"此前一次是否发出不明；{said or ''}"[:200]
        pause = timedelta(minutes=rules.pauses_minutes[min(row.attempts, len(rules.pauses_minutes)) - 1])
        values = {
            "state": state,
            "last_error": said,
            "not_before": moment + max(pause, outcome.wait or timedelta()),
            "sent_at": moment if state == "sent" else None,
        }
        where = and_(
            outbox.c.id == row.id, outbox.c.attempts == row.attempts, outbox.c.state.in_(("sending", "unclear"))
        )
        with self._writing() as connection:
            connection.execute(_set(where, **values))
            if outcome.wait:
                later = and_(outbox.c.channel == row.channel, outbox.c.not_before < moment + outcome.wait)
                connection.execute(_set(and_(later, outbox.c.state.in_(WAITING)), not_before=moment + outcome.wait))
            return _row(connection.execute(select(outbox).where(outbox.c.id == row.id)).one())

    def remark(self, channel: str, said: str) -> int:
        """Say on the waiting rows of a channel why it cannot be used; they go on waiting."""
        with self._writing() as connection:
            where = and_(outbox.c.channel == channel, outbox.c.state.in_(WAITING))
            return connection.execute(_set(where, last_error=said[:200])).rowcount

    def rows(self, limit: int | None = None, states: Collection[str] = ()) -> list[OutboxRow]:
        """Rows, the newest first; of some states, or of all."""
        query = select(outbox).order_by(outbox.c.created_at.desc(), outbox.c.id.desc()).limit(limit)
        if states:
            query = query.where(outbox.c.state.in_([*states]))
        with self.engine.connect() as connection:
            return [_row(row) for row in connection.execute(query)]

    def due(self, at: datetime) -> list[OutboxRow]:
        """Rows that would be tried at a moment, in order of urgency by channel; nothing is claimed."""
        moment = at.astimezone(UTC)
        rank = {str(level): n for n, level in enumerate(SCALE)}
        found = [
            row
            for row in self.rows(states=(*WAITING, "unclear"))
            if row.not_before <= moment and (row.state != "unclear" or row.repeats < MAX_REPEATS)
        ]
        return sorted(found, key=lambda row: (row.channel, -rank.get(row.level or "", 0), row.created_at, row.id))

    def by_key(self, key: str, channel: str) -> OutboxRow | None:
        """The row of a notice on a channel."""
        with self.engine.connect() as connection:
            found = connection.execute(select(outbox).where(outbox.c.key == f"{key}@{channel}")).first()
        return _row(found) if found else None


def _set(where: ColumnElement[bool], **values: Any) -> Any:
    return update(outbox).where(where).values(**values)


def _row(row: Row[Any]) -> OutboxRow:
    values = {field.name: row._mapping[field.name] for field in fields(OutboxRow)}
    # SQLite drops the zone; what was stored is UTC.
    times = {
        name: value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        for name, value in values.items()
        if isinstance(value, datetime)
    }
    return OutboxRow(**{**values, **times, "roles": tuple(values["roles"].split(","))})


def _fit(words: str, column: Column[str]) -> str:
    """What the column takes: PostgreSQL keeps to its length and refuses what SQLite would swallow."""
    return _UNSTORABLE.sub(" ", words)[: column.type.length]  # type: ignore[attr-defined]
