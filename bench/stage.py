"""The stages clean and understand as a whole: posts a second, and how much memory a large day takes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import polars as pl

from bench.synthetic import random_texts
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import Settings, load_model
from caifeng.core.text.identity import content_hash
from caifeng.jobs.reposts import place_names
from transforms.clean.clean import clean_posts
from transforms.understand.reposts import group_reposts
from transforms.understand.understand import understand

POSTS = 1_000_000
STAGES = ("clean", "understand", "reposts")
_AT = datetime(2026, 11, 22, 4, tzinfo=UTC)


def run(posts: int = POSTS) -> dict[str, Any]:
    """Clean, understand and group one day of short posts, most of them irrelevant.

    Each stage is a process of its own that reads what the one before wrote, as in the product; kernels are compiled and
    tables read before the clock starts, and memory is that of the whole process.
    """
    with TemporaryDirectory() as folder:
        _this("write", posts, folder)
        stages = {name: json.loads(_this(name, posts, folder).splitlines()[-1]) for name in STAGES}
    seconds = stages["clean"]["seconds"] + stages["understand"]["seconds"]
    return {"posts": posts, "clean_understand_per_second": round(posts / seconds), "stages": stages}


def _this(task: str, posts: int, folder: str) -> str:
    command = [sys.executable, "-m", "bench.stage", task, str(posts), folder]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - this module


def write(posts: int, folder: Path) -> None:
    """Made-up raw.posts of one day as a file."""
    raw, _, _ = _input(posts)
    raw.write_parquet(folder / "raw.parquet")


def measure(stage: str, folder: Path) -> dict[str, Any]:
    """Figures of one stage; what it makes goes into the folder for the next one."""
    settings = Settings.load()
    taxonomy, office, stance = settings.taxonomy(), settings.office(), settings.stance()
    rules = load_model(settings.config / "grouping.toml", GroupingRules)
    places = place_names(taxonomy)
    _, sources, known = _input(1)

    def clean(raw: pl.DataFrame) -> pl.DataFrame:
        return clean_posts(raw, sources, known).posts

    def understand_(posts: pl.DataFrame) -> pl.DataFrame:
        return understand(posts, taxonomy, office, stance).posts

    def reposts(posts: pl.DataFrame) -> pl.DataFrame:
        return group_reposts(posts, _nothing_known(posts), rules, places)

    work = {"clean": clean, "understand": understand_, "reposts": reposts}[stage]
    few = clean(_input(1_000)[0])
    work(_input(1_000)[0] if stage == "clean" else few if stage == "understand" else understand_(few))
    before, after = {"clean": ("raw", "posts"), "understand": ("posts", "kept"), "reposts": ("kept", "groups")}[stage]
    frame = pl.read_parquet(folder / f"{before}.parquet")
    if stage == "reposts":
        # without the running number again: texts that differ in a figure only are the worst case of this step alone
        frame = frame.with_columns(pl.col("text").str.replace(r"\d+楼$", "")).with_columns(
            text_hash=content_hash(pl.col("title"), pl.col("text"))
        )
    read, started, worked = _peak_mb(), perf_counter(), process_time()
    made = work(frame)
    figures = {
        "rows": made.height,
        "seconds": round(perf_counter() - started, 2),
        "cpu_seconds": round(process_time() - worked, 2),
        "memory_mb_when_read": read,
        "peak_memory_mb": _peak_mb(),
    }
    made.write_parquet(folder / f"{after}.parquet")
    return figures


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _input(posts: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    contracts = Settings.load().contracts()
    number = pl.int_range(pl.len())
    # a running number makes every text its own, so that nothing is judged once for many
    texts = random_texts(posts).with_columns(text=pl.format("{}{}楼", "text", number + 1))
    raw = texts.select(
        post_id=number.cast(pl.String).str.zfill(16),
        source_id=pl.lit("board"),
        board=pl.lit(None, pl.String),
        url=pl.format("https://example.org/{}", number),
        title="title",
        text="text",
        published_at=pl.lit(_AT - timedelta(hours=1)),
        published_precision=pl.lit("minute"),
        fetched_at=pl.lit(_AT),
        observed_at=pl.lit(_AT),
        views=number % 1000,
        encoding=pl.lit("utf-8"),
        date_source=pl.lit("rule"),
        date_guessed=pl.lit(value=False),
    )
    schema = contracts["raw.posts"].polars_schema()
    raw = raw.with_columns(pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in raw.columns)
    source = {"source_id": "board", "name": "论坛", "source_class": "board", "media_tier": "self", "reach": "county"}
    sources = pl.DataFrame(
        [{**source, "local_board": False, "official_channel": False, "silent_after_hours": 48}],
        schema=contracts["ops.sources"].polars_schema(),
    )
    return raw.select(list(schema)).cast(dict(schema)), sources, pl.DataFrame(schema={"post_id": pl.String})  # type: ignore[arg-type]


def _nothing_known(posts: pl.DataFrame) -> pl.DataFrame:
    return posts.clear().select("title", "text", "first_fetched_at", group_id=pl.lit(""))


if __name__ == "__main__":
    task, folder = sys.argv[1], Path(sys.argv[3])
    if task == "write":
        write(int(sys.argv[2]), folder)
    else:
        print(json.dumps(measure(task, folder)))  # noqa: T201 - read by run()
