"""A home of one inbox and three messages, run from landing to documents; every word of others carries a mark."""

import csv
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from sqlalchemy import create_engine

from caifeng.core import clock
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.import_file import import_file
from caifeng.jobs.publish import publish
from caifeng.jobs.stages import run_stages
from caifeng.notify.outbox import Outbox

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
DAY = date(2026, 3, 10)
#: Stands in title, text and address of every message, and nowhere else in the world.
MARK = "zqxjkvmark"
SOURCE = """
id = "box"
name = "测试信箱"
family = "inbox"
class = "message_board"
reach = "county"
board = "信箱"
[columns]
title = ["标题"]
text = "内容"
url = "链接"
published_at = "时间"
views = "阅读"
"""
COMPLAINT, PRAISE, LOST = (f"https://board.example/{MARK}/{n}.html" for n in ("a1", "b2", "c3"))
ROWS = (
    (
        f"蒙城县统计局人口普查入户登记态度差 {MARK}",
        f"今天蒙城县统计局的普查员入户登记，态度很差，我要投诉。{MARK}",
        COMPLAINT,
    ),
    (f"感谢蒙城县统计局公布GDP数据 {MARK}", f"蒙城县统计局公布的地区生产总值数据很清楚，谢谢。{MARK}", PRAISE),
    (f"寻物启事 {MARK}", f"昨天在公园丢了一把雨伞，捡到请联系。{MARK}", LOST),
)


def configured(config: Path) -> Path:
    """A configuration with the one inbox."""
    for path in (config / "sources").glob("*.toml"):
        path.unlink()
    (config / "sources" / "box.toml").write_text(SOURCE, "utf8")
    return config


def opened(config: Path, home: Path, at: datetime = AT) -> Env:
    """The home at a moment."""
    return Env.open(Settings(home=home, config=config, as_of=at))


def landed(config: Path, home: Path, folder: Path, at: datetime = AT) -> Env:
    """The messages imported at a moment."""
    folder.mkdir(exist_ok=True)
    file = folder / "letters.csv"
    with file.open("w", encoding="utf8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["标题", "内容", "链接", "时间", "阅读"])
        writer.writerows([title, text, url, "2026-03-10 08:30", "12"] for title, text, url in ROWS)
    env = opened(config, home, at)
    import_file(env, file, "box")
    return env


def lived(config: Path, home: Path, folder: Path) -> Env:
    """A whole day: landed, run, published."""
    landed(configured(config), home, folder)
    env = opened(config, home, clock.end_of_day(DAY))
    assert len(list(run_stages(env.settings, DAY))) == 7
    publish(env)
    return env


def after(env: Env, days: int) -> Env:
    """The same home so many days after the end of its day."""
    return opened(env.settings.config, env.settings.home, clock.end_of_day(DAY) + timedelta(days=days))


def readable(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte of a home, as somebody would read it: files as they are, Parquet, office files and DuckDB unpacked."""
    for file in sorted(path for path in home.rglob("*") if path.is_file()):
        name = file.relative_to(home).as_posix()
        yield f"{name} (name)", name.encode()
        yield name, file.read_bytes()
        if file.suffix == ".parquet":
            yield (
                f"{name} (rows)",
                json.dumps(pl.read_parquet(file).to_dicts(), default=str, ensure_ascii=False).encode(),
            )
        elif zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as packed:
                yield from ((f"{name}/{part}", packed.read(part)) for part in packed.namelist())
        elif file.suffix == ".duckdb":
            yield f"{name} (rows)", _tables(file)


def finds(home: Path, mark: str) -> list[str]:
    """Where a mark can be read in a home; and the sweep must have met all kinds of files."""
    swept = [(name, mark.encode() in content) for name, content in readable(home)]
    assert len(swept) > 100, "hardly anything was swept"
    assert {"parquet", "duckdb"} <= {name.split(" ")[0].rpartition(".")[2] for name, _ in swept}
    return [name for name, found in swept if found]


def copy_of(env: Env, home: Path) -> Env:
    """The same home elsewhere."""
    shutil.copytree(env.settings.home, home)
    return opened(env.settings.config, home, env.now())


def _tables(file: Path) -> bytes:
    import duckdb

    with duckdb.connect(str(file), read_only=True) as connection:  # noqa: TID251 - only to look
        tables = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        assert tables
        rows = [connection.execute(f"SELECT * FROM {table}").fetchall() for (table,) in tables]
    return str(rows).encode()


def messages(home: Path, mark: str) -> None:
    """A message sent long ago in the outbox, its words as those of a post."""
    register = home / "register.db"
    engine = create_engine(f"sqlite:///{register}")
    Outbox(engine)
    engine.dispose()
    with sqlite3.connect(register) as database:
        database.execute(
            "INSERT INTO outbox (key, kind, stage, channel, roles, subject, text, created_at, not_before, state, "
            "attempts, repeats) VALUES (?, 'alert', 's', 'c', 'office', ?, ?, ?, ?, 'sent', 1, 0)",
            ("k1", mark, mark, str(AT.replace(tzinfo=None)), str(AT.replace(tzinfo=None))),
        )
    database.close()
