"""graded.issues of a day -> graded.issue_grades, immutable rows per issue, moment and rule version."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from caifeng.cases.corrections import final_answers
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.bursts import load_calendar
from caifeng.jobs.gates import gated
from caifeng.jobs.marts import Evaluation
from transforms.grade.grade import grade as grade_issues
from transforms.grade.measure import measure_issues, second_waves
from transforms.grade.rules_frame import rules_frame
from transforms.understand.bursts import with_release_flag
from transforms.understand.issues import latest_links


def grade(env: Env, day: date, as_of: datetime) -> JobReport:
    """Measure and grade the day's issues at `as_of` by the rules in force."""
    rules = env.settings.grading()
    issues = env.lake.read("graded.issues", day)
    first = day - LOOKBACK
    links = latest_links(env.lake.read_range("graded.issue_posts", first, day)).drop("day")
    posts = with_release_flag(
        env.lake.read_range("graded.posts", first, day).drop("day"), load_calendar(env.settings.config)
    )
    grouping = load_model(env.settings.config / "grouping.toml", GroupingRules)
    with env.register() as register:
        answers = final_answers(register.events(until=as_of))
    measures = measure_issues(
        issues,
        links=links,
        posts=posts,
        metrics=env.lake.read_range("clean.post_metrics", first, day).filter(pl.col("observed_at") <= as_of),
        earlier=env.lake.read_range("graded.issues", day - timedelta(days=90), day).filter("is_new"),
        as_of=as_of,
        known=second_waves(links, posts, answers, grouping),
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
