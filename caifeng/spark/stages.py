"""The stages of a day on Spark: the jobs of the house, with their pure functions carried to the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from caifeng.core import clock
from caifeng.core.lake import Lake
from caifeng.core.model.grading import GradingRules
from caifeng.core.model.office import Office
from caifeng.core.model.stance import StanceRules
from caifeng.core.model.taxonomy import Taxonomy
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env, JobReport, timed
from caifeng.jobs.clean import clean
from caifeng.jobs.cluster import cluster
from caifeng.jobs.grade import grade
from caifeng.jobs.load import load
from caifeng.jobs.marts import marts
from caifeng.jobs.understand import understand
from caifeng.spark.marts import marts_on_spark
from caifeng.spark.session import in_partitions
from transforms.clean.clean import Cleaned, clean_posts
from transforms.grade.grade import grade as grade_issues
from transforms.understand.understand import Understood
from transforms.understand.understand import understand as understand_posts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run_on_spark(
    session: SparkSession, settings: Settings, day: date, stages: Iterable[str], as_of: datetime | None = None
) -> Iterator[JobReport]:
    """`caifeng.jobs.stages.run_stages` on Spark; the lake is the same, byte for byte.

    clean, understand and grade are carried to the workers, and so is the join of the day's texts with those of the
    window before it. The marts' SELECTs run on Spark, too, and are compared with what DuckDB makes of the same lake.

    Raises:
        DataError: a mart differs between the engines; it is named.
    """
    env, moment = Env.open(settings), as_of or clock.end_of_day(day)
    jobs: dict[str, Callable[[Env, date, datetime], JobReport]] = {
        "clean": partial(clean, work=partial(_clean, session)),
        "understand": partial(understand, work=partial(_understand, session)),
        "cluster": partial(cluster, share=partial(_sharing_marks, session)),
        "grade": partial(grade, work=partial(_grade, session)),
        "load": load,
        "marts": partial(_marts, session),
    }
    for stage in stages:
        with timed(env, stage, day, moment) as reports:
            reports.append(jobs[stage](env, day, moment))
        yield reports[0]


def _clean(
    session: SparkSession, raw: pl.DataFrame | Iterable[pl.DataFrame], sources: pl.DataFrame, known: pl.DataFrame
) -> Cleaned:
    pieces = [raw] if isinstance(raw, pl.DataFrame) else raw
    found = Cleaned(*in_partitions(session, pieces, "post_id", partial(clean_posts, sources=sources, known=known)))
    order = ("source_id", "post_id", "observed_at")
    return found._replace(rejects=found.rejects.sort(order, maintain_order=True))


def _understand(
    session: SparkSession,
    posts: pl.DataFrame | Iterable[pl.DataFrame],
    taxonomy: Taxonomy,
    office: Office,
    stance_rules: StanceRules,
    judgements: pl.DataFrame | None = None,
) -> Understood:
    work = partial(understand_posts, taxonomy=taxonomy, office=office, stance_rules=stance_rules, judgements=judgements)
    pieces = [posts] if isinstance(posts, pl.DataFrame) else posts
    return Understood(*in_partitions(session, pieces, "post_id", work))


def _grade(session: SparkSession, issues: pl.DataFrame, rules: GradingRules) -> pl.DataFrame:
    (graded,) = in_partitions(session, [issues], "issue_no", partial(_graded, rules=rules))
    return issues.select("issue_no").join(graded, on="issue_no", maintain_order="left").select(graded.columns)


def _graded(issues: pl.DataFrame, rules: GradingRules) -> list[pl.DataFrame]:
    return [grade_issues(issues, rules)]


def _sharing_marks(session: SparkSession, lake: Lake, first: date, last: date, wanted: pl.DataFrame) -> pl.DataFrame:
    """`caifeng.jobs.reposts.sharing_marks` of stored days; the marks of a day are small beside those of a month."""
    from pyspark.sql.functions import broadcast, lit, to_date  # noqa: PLC0415 - an extra

    found = lake.files_of("clean.repost_bands", first, last)
    if not found:
        return pl.DataFrame(schema={"day": pl.Date, "group_id": pl.String})
    asked = broadcast(session.createDataFrame(wanted.to_arrow()))
    hits = [
        session.read.parquet(*map(str, files))
        .join(asked, on="mark", how="left_semi")
        .select(to_date(lit(day.isoformat())).alias("day"), "group_id")
        for day, files in found.items()
    ]
    every = hits[0]
    for more in hits[1:]:
        every = every.unionByName(more)
    frame = pl.from_arrow(every.distinct().toArrow())
    assert isinstance(frame, pl.DataFrame)
    return frame.cast({"day": pl.Date, "group_id": pl.String})


def _marts(session: SparkSession, env: Env, day: date, as_of: datetime) -> JobReport:
    report = marts(env, day, as_of)
    return JobReport("marts", day, as_of, {**report.counts, **marts_on_spark(session, env, day, as_of)})
