"""The stages clean and understand as a whole: posts a second, and how much memory a large day takes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import polars as pl

from bench.synthetic import random_texts
from caifeng.core.clock import end_of_day
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import Settings, load_model
from caifeng.core.text.identity import content_hash
from caifeng.jobs import clean as clean_job
from caifeng.jobs import understand as understand_job
from caifeng.jobs.base import Env
from caifeng.jobs.reposts import place_names
from transforms.clean.clean import clean_posts
from transforms.parts import PIECE_ROWS, pieces_of
from transforms.understand.reposts import group_reposts
from transforms.understand.understand import understand

POSTS = 1_000_000
STAGES = ("clean", "understand", "reposts")
JOBS = {"clean": clean_job.clean, "understand": understand_job.understand}
AT = datetime(2026, 11, 22, 4, tzinfo=UTC)


def run(posts: int = POSTS) -> dict[str, Any]:
    """Clean, understand and group one day of short posts, most of them irrelevant.

    `stages` are the pure functions, fed as the jobs feed them; each is a process of its own that reads what the one
    before wrote. Kernels are compiled and tables read before the clock starts; memory is that of the whole process.
    `jobs` are the same days in the product: with the lake, the gates before every table, and what they import.
    """
    with TemporaryDirectory() as folder:
        _this("write", posts, folder)
        stages = {name: json.loads(_this(name, posts, folder).splitlines()[-1]) for name in STAGES}
        jobs = {name: json.loads(_this(f"{name}_job", posts, folder).splitlines()[-1]) for name in JOBS}
    seconds = stages["clean"]["seconds"] + stages["understand"]["seconds"]
    return {"posts": posts, "clean_understand_per_second": round(posts / seconds), "stages": stages, "jobs": jobs}


def _this(task: str, posts: int, folder: str) -> str:
    command = [sys.executable, "-m", "bench.stage", task, str(posts), folder]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - this module


def write(posts: int, folder: Path) -> None:
    """Made-up raw.posts of one day, as a file and in the lake of a home."""
    raw, sources, _ = raw_day(posts)
    raw.write_parquet(folder / "raw.parquet")
    lake = _home(folder).lake
    lake.replace("ops.sources", AT.date(), sources)
    lake.replace("raw.posts", AT.date(), raw)


def measure(stage: str, folder: Path) -> dict[str, Any]:
    """Figures of one stage; what it makes goes into the folder for the next one."""
    settings = Settings.load()
    taxonomy, office, stance = settings.taxonomy(), settings.office(), settings.stance()
    rules = load_model(settings.config / "grouping.toml", GroupingRules)
    places = place_names(taxonomy)
    _, sources, known = raw_day(1)

    def clean(raw: pl.LazyFrame) -> pl.DataFrame:
        return clean_posts(pieces_of(raw.collect(), "post_id"), sources, known).posts

    def understand_(posts: pl.LazyFrame) -> pl.DataFrame:
        starts = range(0, posts.select(pl.len()).collect().item(), PIECE_ROWS)
        pieces = (posts.slice(start, PIECE_ROWS).collect() for start in starts)
        return understand(pieces, taxonomy, office, stance).posts

    def reposts(posts: pl.LazyFrame) -> pl.DataFrame:
        # without the running number again: texts that differ in a figure only are the worst case of this step alone
        same = posts.with_columns(pl.col("text").str.replace(r"\d+楼$", "")).with_columns(
            text_hash=content_hash(pl.col("title"), pl.col("text"))
        )
        frame = same.collect()
        return group_reposts(frame, _nothing_known(frame), rules, places)

    work = {"clean": clean, "understand": understand_, "reposts": reposts}[stage]
    few = clean(raw_day(1_000)[0].lazy()).lazy()
    work(raw_day(1_000)[0].lazy() if stage == "clean" else few if stage == "understand" else understand_(few).lazy())
    before, after = {"clean": ("raw", "posts"), "understand": ("posts", "kept"), "reposts": ("kept", "groups")}[stage]
    figures = _measured(lambda: work(pl.scan_parquet(folder / f"{before}.parquet")))
    made: pl.DataFrame = figures.pop("made")
    made.write_parquet(folder / f"{after}.parquet", row_group_size=PIECE_ROWS)
    return {"rows": made.height, **figures}


def measure_job(stage: str, folder: Path) -> dict[str, Any]:
    """Figures of one stage as a job of the product."""
    env = _home(folder)
    figures = _measured(lambda: JOBS[stage](env, AT.date(), end_of_day(AT.date())))
    return {**figures.pop("made").counts, **figures}


def _measured(work: Callable[[], Any]) -> dict[str, Any]:
    before, started, worked = _peak_mb(), perf_counter(), process_time()
    made = work()
    return {
        "made": made,
        "seconds": round(perf_counter() - started, 2),
        "cpu_seconds": round(process_time() - worked, 2),
        "memory_mb_before": before,
        "peak_memory_mb": _peak_mb(),
    }


def _home(folder: Path) -> Env:
    return Env.open(Settings(home=folder / "home"))


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def raw_day(posts: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Made-up raw.posts of one day, every text its own; the day's sources; and nothing known before."""
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
        published_at=pl.lit(AT - timedelta(hours=1)),
        published_precision=pl.lit("minute"),
        fetched_at=pl.lit(AT),
        observed_at=pl.lit(AT),
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
    elif task.endswith("_job"):
        print(json.dumps(measure_job(task.removesuffix("_job"), folder)))  # noqa: T201 - read by run()
    else:
        print(json.dumps(measure(task, folder)))  # noqa: T201 - read by run()
