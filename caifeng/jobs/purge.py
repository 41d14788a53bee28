"""End what has lived long enough, certify it, and leave nothing readable behind (product.md, privacy and retention).

Lives of tables stand in their contracts (`life`), lives of files in FILES. A run writes down what it is going to
destroy before it does (`purge.jsonl`), so that a run that was killed is certified and finished by the next one. The
warehouse is made anew afterwards, for a deleted row stays readable in a database file until its block is used again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import delete, inspect, text

from caifeng.core import clock
from caifeng.core.contracts import Contract, Life
from caifeng.core.errors import CaifengError, DataError
from caifeng.core.files import replacing, sweep
from caifeng.core.listing import Listing
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.bodies import ending_bodies
from caifeng.jobs.lives import WORDS, is_over, moment
from caifeng.jobs.publish import rebuild
from caifeng.notify.outbox import WAITING, outbox

JOURNAL = "purge.jsonl"
CERTIFICATES = "purges"
#: Copies that only serve a repair live as long as irrelevant posts.
COPIES = "14d"
#: Logs: at least six months (网络安全法, obligations of operators), no longer than that asks for.
LOGS = "184d"
#: Folder below the home, pattern, life. A date in the path counts; where there is none, the last change of the file.
FILES = (
    ("outputs", "????-??-??/**/*", WORDS),
    ("outputs/dashboard", "*/**/*", WORDS),
    ("outputs/review", "*/**/*", WORDS),
    ("outputs/ledger", "*", WORDS),
    ("outputs/papers", "*/**/*", WORDS),
    ("", "**/*.rejected.*", COPIES),
    ("", "spool/*/*", COPIES),
    ("", "replaced-*/**/*", COPIES),
    ("logs", "*.log", LOGS),
    ("airflow/logs", "**/*", LOGS),
)
#: Takes the place of an address; of the form of those that lead to no page.
REMOVED = "inbox:removed/"
_WHATS = {
    "words": "数据行中的文字",
    "partition": "到期数据分区",
    "file": "文件",
    "messages": "已发提醒",
    "airflow": "Airflow 元数据（审批表单、任务间数据等）",
    "objection": "异议删除",
}


@dataclass(frozen=True)
class Due:
    """One thing that is to be destroyed, or was."""

    what: str
    place: str
    rule: str
    table_name: str | None = None
    of_day: date | None = None
    rows: int | None = None
    columns: tuple[str, ...] = ()
    hash_before: str | None = None


def due(env: Env, now: datetime | None = None) -> list[Due]:
    """What `purge` would destroy; destroys nothing."""
    return list(_Plan(env, now or env.now()).all())


def due_listing(env: Env, now: datetime) -> Listing:
    """`caifeng purge --dry-run`: the pages and words that have reached the end of their life at a moment."""
    pages = [
        Due("pages", f"{files} files and their key", f"pages {life}", of_day=day)
        for life, day, files in ending_bodies(env, now)
    ]
    found = [*pages, *due(env, now)]
    return Listing(
        "到期销毁",
        ("类别", "位置", "日期", "行数", "内容", "依据"),
        [(x.what, x.place, x.of_day, x.rows, x.columns or "全部", x.rule) for x in found],
        [asdict(each) for each in found],
        "nothing has reached the end of its life",
    )


def purge(env: Env, now: datetime | None = None) -> JobReport:
    """Destroy what is due, make the warehouse without it, and certify.

    May be run at any time and again: what is gone is not due. After a kill the next run goes on.

    Returns:
        Counts: things destroyed by kind, rows, and 1 where a certificate was written.

    Raises:
        DataError: a partition that is due cannot be read; named, and everything before it is certified by the next run.
        UsageError: no moment was given and the clock cannot be believed (`moment`).
    """
    now = moment(env, now)
    sweep(env.settings.home, "**/")  # half of something that a killed process wrote; its words are on no record
    plan = _Plan(env, now)
    for thing in plan.all():
        note(env, thing)
        plan.destroy(thing)
    done = certify(env, now)
    counts = {what: sum(row["what"] == what for row in done) for what in _WHATS if what not in ("airflow", "objection")}
    counts |= {"rows": sum(row["rows"] or 0 for row in done), "certificates": int(bool(done))}
    return JobReport("purge", clock.business_day(now), now, counts)


@dataclass
class _Plan:
    env: Env
    now: datetime
    _judged: dict[str, pl.Series] = field(default_factory=dict)

    def all(self) -> Iterator[Due]:
        """Everything that is due. Tables whose words say what is irrelevant come after those that need to know."""
        order = sorted(self.env.contracts, key=lambda table: self.env.contracts[table].life.irrelevant is None)
        for table in order:
            yield from self._of_table(table, self.env.contracts[table].life)
        yield from self._files()
        if rows := self._messages():
            yield Due("messages", "outbox", f"messages {WORDS}", rows=rows)

    def destroy(self, thing: Due) -> None:
        """Do it; what is gone already is gone."""
        if thing.what == "messages":
            self._drop_messages()
            return
        file = self.env.settings.home / thing.place
        if thing.what == "words":
            table, day = str(thing.table_name), thing.of_day
            assert day is not None
            frame = read_part(file, self.env.contracts[table])
            emptied = empty(frame, self.env.contracts[table], self._is_due(table, day, frame))
            self.env.lake.replace(table, day, emptied, file.stem)
            return
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == self.env.settings.home or any(folder.iterdir()):
                break
            folder.rmdir()

    def _of_table(self, table: str, life: Life) -> Iterator[Due]:
        contract, home = self.env.contracts[table], self.env.settings.home
        for day in self.env.lake.days(table):
            row_over = is_over(day, life.row, self.now)
            words = [span for span in (life.words, life.irrelevant) if span and is_over(day, span, self.now)]
            if not (row_over or words):
                continue
            for file in self.env.lake.files(table, day):
                place = file.relative_to(home).as_posix()
                frame = read_part(file, contract)
                if row_over:
                    rule = f"{table} row {life.row}"
                    yield Due("partition", place, rule, table, day, frame.height, (), file_hash(file))
                elif rows := int((self._is_due(table, day, frame) & _speaks(frame, contract)).sum()):
                    rule = f"{table} words {words[0]}"
                    yield Due("words", place, rule, table, day, rows, life.columns, file_hash(file))

    def _is_due(self, table: str, day: date, frame: pl.DataFrame) -> pl.Series:
        """Which rows of a partition have lost the right to their words."""
        life = self.env.contracts[table].life
        everything = pl.Series([True]).new_from_index(0, frame.height)
        if life.words and is_over(day, life.words, self.now):
            return ~frame["issue_no"].is_in(self._acted_on.implode()) if life.case_keeps else everything
        if life.irrelevant and is_over(day, life.irrelevant, self.now):
            return frame["post_id"].is_in(self._irrelevant.implode())
        return ~everything

    @cached_property
    def _irrelevant(self) -> pl.Series:
        """Posts that were judged and are not relevant; one that nobody has judged yet may be."""
        first, last = date.min, clock.business_day(self.now)
        relevant = self.env.lake.read_range("graded.posts", first, last, ["post_id"])["post_id"]
        rejected = self.env.lake.read_range("clean.rejects", first, last, ["post_id"])["post_id"].unique()
        return rejected.filter(~rejected.is_in(relevant.implode()))

    @cached_property
    def _acted_on(self) -> pl.Series:
        with self.env.register() as register:
            return pl.Series(sorted({event.subject for event in register.events()}), dtype=pl.String)

    def _files(self) -> Iterator[Due]:
        home = self.env.settings.home
        for folder, pattern, span in FILES:
            for file in sorted((home / folder).glob(pattern)):
                if file.is_file() and not file.is_symlink() and is_over(_day_of(file, home), span, self.now):
                    place = file.relative_to(home).as_posix()
                    yield Due(
                        "file", place, f"{pattern} {span}", of_day=_day_of(file, home), hash_before=file_hash(file)
                    )

    def _old_messages(self) -> Any:
        before = self.now - timedelta(days=int(WORDS[:-1]))
        return (outbox.c.created_at < before.replace(tzinfo=None)) & outbox.c.state.not_in(WAITING)

    def _messages(self) -> int:
        with self.env.register() as register:
            if not inspect(register.engine).has_table("outbox"):
                return 0
            with register.engine.connect() as connection:
                return len(connection.execute(outbox.select().where(self._old_messages())).all())

    def _drop_messages(self) -> None:
        with self.env.register() as register:
            with register.engine.begin() as connection:
                if register.engine.dialect.name == "sqlite":
                    connection.execute(text("PRAGMA secure_delete = ON"))  # should we be killed before we compact
                connection.execute(delete(outbox).where(self._old_messages()))
            file = register.engine.url.database if register.engine.dialect.name == "sqlite" else None
        if file:
            _compact(Path(file))


def empty(frame: pl.DataFrame, contract: Contract, rows: pl.Series) -> pl.DataFrame:
    """The rows of a table, some of them without their words.

    Args:
        frame: rows as the contract has them.
        contract: names the columns of words.
        rows: boolean, one per row.

    Returns:
        The same rows: null where the contract allows it, else an empty text or list; an address that must not be
        null becomes `inbox:removed/<hash>`, different for different addresses.
    """
    return frame.with_columns(
        pl.when(rows).then(blank(frame, contract, name)).otherwise(pl.col(name)).alias(name)
        for name in contract.life.columns
    )


def blank(frame: pl.DataFrame, contract: Contract, name: str) -> pl.Expr:
    """What stands in a column of words when they are gone."""
    column = next(c for c in contract.columns if c.name == name)
    if column.null_means is not None:
        return pl.lit(None, frame.schema[name])
    if name == "url":
        hashes = {url: hashlib.sha256(url.encode()).hexdigest()[:16] for url in frame["url"].unique().to_list()}
        gone = pl.col("url").str.starts_with(REMOVED)
        return pl.when(gone).then("url").otherwise(REMOVED + pl.col("url").replace_strict(hashes, default=""))
    return pl.lit([] if column.type == "list[string]" else "", frame.schema[name])


def _speaks(frame: pl.DataFrame, contract: Contract) -> pl.Series:
    """Which rows still have words."""
    said = [
        pl.col(name).list.len() > 0
        if frame.schema[name] == pl.List(pl.String)
        else (pl.col(name) != "") & ~pl.col(name).str.starts_with(REMOVED)
        for name in contract.life.columns
    ]
    return frame.select(pl.any_horizontal(e.fill_null(value=False) for e in said)).to_series()


def read_part(file: Path, contract: Contract) -> pl.DataFrame:
    """One part as it stands; columns that the contract gained later are unknown in it."""
    try:
        frame = pl.read_parquet(file, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: cannot be read, so its words cannot be removed: {error}") from error
    late = {name: kind for name, kind in contract.polars_schema().items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in late.items())


def _day_of(file: Path, home: Path) -> date:
    for part in file.relative_to(home).parts[:-1]:
        try:
            if len(part) == 10:
                return date.fromisoformat(part)
            if len(part) == 7:  # a month ends with the day before the next one
                first = date.fromisoformat(f"{part}-01")
                return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        except ValueError:
            continue
    return clock.business_day(datetime.fromtimestamp(file.stat().st_mtime, UTC))


def note(env: Env, thing: Due) -> None:
    """Write down what is going to be destroyed, forced to disk, before it is."""
    line = json.dumps(asdict(thing), ensure_ascii=False, default=str) + "\n"
    with (env.settings.home / JOURNAL).open("a", encoding="utf8") as journal:
        journal.write(line)
        journal.flush()
        os.fsync(journal.fileno())


def certify(env: Env, now: datetime) -> list[dict[str, Any]]:
    """Rebuild what was made from the destroyed, and turn the journal into a certificate."""
    home = env.settings.home
    journal = home / JOURNAL
    if not journal.exists():
        return []
    noted: dict[tuple[str, str], dict[str, Any]] = {}
    for line in journal.read_text("utf8").splitlines():
        try:
            thing = json.loads(line)
        except json.JSONDecodeError:  # killed while it wrote: the thing itself was not touched yet
            continue
        noted.setdefault((thing["what"], thing["place"]), thing)
    rows = []
    for thing in noted.values():
        file = home / thing["place"]
        after = file_hash(file) if thing["hash_before"] and file.is_file() else None
        if after is None or after != thing["hash_before"]:
            of_day = date.fromisoformat(thing["of_day"]) if thing["of_day"] else None
            rows.append({**thing, "of_day": of_day, "hash_after": after, "at": env.now(), "as_of": now})
    shutil.rmtree(home / "cache", ignore_errors=True)  # copies of columns of the lake; made again when needed
    if env.warehouse.file.exists() and any(row["table_name"] for row in rows):
        if env.lake.days("ops.sources"):
            rebuild(env)
        else:  # nothing is left to make it from
            env.warehouse.file.unlink()
            env.settings.analytics_file.unlink(missing_ok=True)
    if rows:
        _write_certificate(env, rows, now)
    journal.unlink()
    return rows


def _write_certificate(env: Env, rows: list[dict[str, Any]], now: datetime) -> None:
    contract = env.contracts["ops.purges"]
    frame = pl.DataFrame(rows, schema=contract.polars_schema()).sort("what", "place")
    digest = hashlib.sha256(frame.write_ndjson().encode()).hexdigest()[:8]
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{digest}"
    env.lake.replace("ops.purges", clock.business_day(now), frame, name)
    with replacing(env.settings.outputs_dir / CERTIFICATES / f"销毁证明-{name}.txt") as unfinished:
        unfinished.write_text(certificate(frame), "utf8")


def certificate(frame: pl.DataFrame) -> str:
    """The certificate of a run in words, from its rows of ops.purges; says what went, never what it said."""
    at, as_of = (frame[name].max() for name in ("at", "as_of"))
    assert isinstance(at, datetime)
    assert isinstance(as_of, datetime)

    def beijing(moment: datetime) -> str:
        return f"{moment.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M:%S}"

    lines = [
        "数据销毁证明",
        "",
        f"执行时间：{beijing(at)}（北京时间）",
        f"期限计算至：{beijing(as_of)}（北京时间）",
        "依据：《个人信息保护法》第四十七条；本单位规定的保存期限（各表契约 life）",
        "",
        "一、汇总",
    ]
    for (what,), part in frame.group_by("what", maintain_order=True):
        lines.append(f"　　{_WHATS[str(what)]}：{part.height} 项，{part['rows'].sum()} 行")
    lines += ["", "二、明细（哈希为 SHA-256；“—”表示无此项或文件已不存在）"]
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        lines += [
            f"{number}. {_WHATS[row['what']]}　{row['place']}",
            f"　　所属日期 {row['of_day'] or '—'}　行数 {'—' if row['rows'] is None else row['rows']}　"
            f"栏目 {'、'.join(row['columns']) or '全部'}　规则 {row['rule']}",
            f"　　销毁前 {row['hash_before'] or '—'}",
            f"　　销毁后 {row['hash_after'] or '—'}",
        ]
    return "\n".join([*lines, "", "本证明由系统自动生成，不含被销毁内容。", ""])


def clean_airflow(env: Env, now: datetime | None = None) -> JobReport:
    """Delete what Airflow's database keeps longer than words may live: runs, task data (XCom), answered forms.

    The database is that of AIRFLOW_HOME, or of CAIFENG_AIRFLOW_DATABASE: a task of Airflow does not see the address
    itself. A SQLite file is compacted afterwards, so that deleted rows are not readable in free pages.

    Raises:
        CaifengError: Airflow's own command failed; its last line is named.
    """
    now = now or env.now()
    before = now - timedelta(days=int(WORDS[:-1]))
    name = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    there = {key: value for key, value in os.environ.items() if key != name or "not-allowed" not in value}
    if own := os.environ.get("CAIFENG_AIRFLOW_DATABASE"):
        there[name] = own
    address = _airflow(there, "config", "get-value", "database", "sql_alchemy_conn").splitlines()[-1].strip()
    moment = before.astimezone(UTC).isoformat(sep=" ", timespec="seconds")
    # The dags and their versions are code, not what people wrote; a connection is a setting.
    _airflow(
        there,
        "db",
        "clean",
        "--clean-before-timestamp",
        moment,
        "--skip-archive",
        "--yes",
        "--error-on-cleanup-failure",
    )
    counts = {"compacted": 0}
    if address.startswith("sqlite:///"):
        _compact(Path(address.removeprefix("sqlite:///")))
        counts["compacted"] = 1
    return JobReport("clean_airflow", clock.business_day(now), now, counts)


def _compact(file: Path) -> None:
    """Write a SQLite file anew: rows that were deleted stay readable in its free pages and in the log beside it."""
    database = sqlite3.connect(file, isolation_level=None, timeout=60)
    try:
        for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            database.execute(statement)
    finally:
        database.close()


def _airflow(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - Airflow's own command with our arguments
        [sys.executable, "-m", "airflow", *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise CaifengError(f"airflow {' '.join(arguments[:2])}: {said[0]}")
    return done.stdout


def file_hash(file: Path) -> str:
    """SHA-256 of a file, in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
