"""The jobs clean and understand work through a large day in pieces: files are the same, whatever their size."""

from datetime import timedelta
from functools import partial
from hashlib import sha256

import polars as pl
import pytest

import caifeng.jobs.clean as clean_job
import caifeng.jobs.understand as understand_job
from bench.stage import AT, raw_day
from caifeng.core.clock import business_day, end_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from transforms.parts import pieces_of

DAY = business_day(AT)


@pytest.fixture
def env(tmp_path) -> Env:
    env = Env.open(Settings(home=tmp_path))
    raw, sources, _ = raw_day(300)
    # out of order, seen again an hour later, read again, and some of them known from the day before
    raw = raw.with_columns(pl.col("post_id").reverse())
    again = raw[::3].with_columns(pl.col("fetched_at", "observed_at") + timedelta(hours=1), views=pl.lit(7, pl.Int64))
    reread = raw[::7].with_columns(text=pl.lit("正文重新读取。") + pl.col("text"), read_at=pl.col("fetched_at"))
    env.lake.replace("ops.sources", DAY, sources)
    for part, frame in {"a": raw, "b": again, "c": reread}.items():
        env.lake.replace("raw.posts", DAY, frame, part)
    before = DAY - timedelta(days=1)
    env.lake.replace("ops.sources", before, sources)
    env.lake.replace(
        "raw.posts", before, raw[:50].with_columns(pl.col("fetched_at", "observed_at") - timedelta(days=1))
    )
    clean_job.clean(env, before, end_of_day(before))
    return env


def written(env: Env) -> dict[str, str]:
    for job in (clean_job.clean, understand_job.understand):
        job(env, DAY, end_of_day(DAY))
    files = [f for t in ("clean", "graded") for f in sorted((env.lake.root / t).glob(f"*/day={DAY}/*.parquet"))]
    return {str(file.relative_to(env.lake.root)): sha256(file.read_bytes()).hexdigest() for file in files}


def test_files_do_not_depend_on_the_pieces(env, monkeypatch):
    whole = written(env)
    monkeypatch.setattr(clean_job, "pieces_of", partial(pieces_of, rows=17))
    monkeypatch.setattr(understand_job, "PIECE_ROWS", 23)
    assert written(env) == whole
    tables = {file.split("/")[1] for file in whole}
    assert tables == {"posts", "post_metrics", "answers", "rejects"}
    assert env.lake.read("clean.posts", DAY).height == 250
    assert min(env.lake.read(table, DAY).height for table in ("graded.posts", "clean.rejects")) > 20
    assert env.lake.read("clean.posts", DAY)["text"].str.starts_with("正文重新读取。").any()
