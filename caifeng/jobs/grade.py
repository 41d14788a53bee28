"""graded.issues of a day -> graded.issue_grades, immutable rows per issue, moment and rule version."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.gates import gated
from caifeng.jobs.marts import Evaluation
from transforms.grade.grade import grade as grade_issues
from transforms.grade.measure import measure_issues
from transforms.grade.rules_frame import rules_frame


def grade(env: Env, day: date, as_of: datetime) -> JobReport:
    """Measure and grade the day's issues at `as_of` by the rules in force."""
    rules = env.settings.grading()
    issues = env.lake.read("graded.issues", day)
    first = day - LOOKBACK
    measures = measure_issues(
        issues,
        links=env.lake.read_range("graded.issue_posts", first, day).drop("day"),
        posts=env.lake.read_range("graded.posts", first, day).drop("day"),
        metrics=env.lake.read_range("clean.post_metrics", first, day).filter(pl.col("observed_at") <= as_of),
        earlier=env.lake.read_range("graded.issues", day - timedelta(days=90), day).filter("is_new"),
        as_of=as_of,
    )
    graded = grade_issues(measures.drop("evidence"), rules).join(measures.select("issue_no", "evidence"), on="issue_no")
    graded = graded.with_columns(
        as_of=pl.lit(as_of.astimezone(UTC)).cast(pl.Datetime("us", "UTC")),
        rule_version=pl.lit(rules.rule_version),
    )
    graded = gated(env, "graded.issue_grades", day, graded)
    env.lake.replace("graded.issue_grades", day, graded, Evaluation(as_of, rules.rule_version).part)
    env.lake.replace("ops.grading_rules", day, rules_frame(rules), rules.rule_version)
    levels = {str(level): count for level, count in sorted(graded["level"].value_counts().iter_rows())}
    return JobReport("grade", day, as_of, {"issues": graded.height, **levels})
