"""The stages clean and understand as a whole: posts a second, and how much memory a large day takes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
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
_AT = datetime(2026, 11, 22, 4, tzinfo=UTC)


def run(posts: int = POSTS) -> dict[str, Any]:
    """Clean, understand and group one day of short posts, most of them irrelevant; a process of its own."""
    done = subprocess.run(  # noqa: S603 - this module
        [sys.executable, "-m", "bench.stage", str(posts)], capture_output=True, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(posts: int) -> dict[str, Any]:
    """Figures of one day; memory is that of the whole process."""
    settings = Settings.load()
    taxonomy, office, stance = settings.taxonomy(), settings.office(), settings.stance()
    rules = load_model(settings.config / "grouping.toml", GroupingRules)
    places = place_names(taxonomy)
    _day(1_000, taxonomy, office, stance, rules, places)  # kernels are compiled, tables read
    raw, sources, known = _input(posts)
    steps: dict[str, float] = {}
    peaks: dict[str, int] = {"input": _peak_mb()}
    started, worked = perf_counter(), process_time()

    def step(name: str, since: float) -> float:
        now = perf_counter()
        steps[name] = round(now - since, 2)
        peaks[name] = _peak_mb()
        return now

    cleaned = clean_posts(raw, sources, known)
    at = step("clean", started)
    del raw
    understood = understand(cleaned.posts, taxonomy, office, stance)
    at = step("understand", at)
    # without the running number again: texts that differ in a figure only are the worst case of this step alone
    kept = understood.posts.with_columns(pl.col("text").str.replace(r"\d+楼$", "")).with_columns(
        text_hash=content_hash(pl.col("title"), pl.col("text"))
    )
    groups = group_reposts(kept, _nothing_known(understood.posts), rules, places)
    step("reposts", at)
    seconds = perf_counter() - started
    return {
        "posts": posts,
        "relevant": understood.posts.height,
        "groups": groups["group_id"].n_unique(),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(process_time() - worked, 2),
        "per_second": round(posts / seconds),
        "clean_understand_per_second": round(posts / max(steps["clean"] + steps["understand"], 0.01)),
        "steps": steps,
        "peak_after_mb": peaks,
        "peak_memory_mb": _peak_mb(),
        "cores": os.cpu_count(),
    }


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _day(posts: int, taxonomy: Any, office: Any, stance: Any, rules: GroupingRules, places: list[str]) -> None:
    raw, sources, known = _input(posts)
    kept = understand(clean_posts(raw, sources, known).posts, taxonomy, office, stance).posts
    group_reposts(kept, _nothing_known(kept), rules, places)


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
    print(json.dumps(measure(int(sys.argv[1]))))  # noqa: T201 - read by run()
