"""An evaluation's levels, grades and bursts -> graded.alerts: what the office is warned of, each thing one time."""

from __future__ import annotations

from datetime import UTC, date

import polars as pl

from caifeng.cases.corrections import corrections_of
from caifeng.core.model.grading import GradingRules
from caifeng.jobs.base import LOOKBACK, Env
from caifeng.jobs.gates import gated
from caifeng.jobs.marts import Evaluation
from caifeng.jobs.standing import load_early_warning
from transforms.grade.warnings import early_warnings

_ISSUE_COLUMNS = ["issue_no", "first_published_at", "detected_at"]


def early_warning(
    env: Env, day: date, evaluation: Evaluation, rules: GradingRules, graded: pl.DataFrame, levels: pl.DataFrame
) -> pl.DataFrame:
    """Write the evaluation's file of graded.alerts; one that has nothing to say leaves no file.

    Args:
        env: where things are.
        day: the day that was graded.
        evaluation: its moment and rule version.
        rules: the grading rules that it used.
        graded: what it graded, columns as graded.issue_grades.
        levels: graded.issue_levels of the evaluation (`caifeng.jobs.standing`).

    Returns:
        The rows written.

    Raises:
        ConfigError: config/early_warning.toml breaks the model.
        GateError: a rule of the table is broken.
    """
    as_of, part = evaluation.as_of, evaluation.part
    with env.register() as register:
        merged = corrections_of(register.events(until=as_of)).merged
    issues = env.lake.read_range("graded.issues", day - LOOKBACK, day, _ISSUE_COLUMNS)
    found = early_warnings(
        levels,
        graded,
        # an issue may be graded again because of a fact that a person set, without a new post
        issues.sort("day").unique("issue_no", keep="last").drop("day"),
        env.lake.read("graded.bursts", day),
        given_elsewhere(env, day, evaluation),
        merged=merged,
        topics={topic.id: topic.name for topic in env.settings.taxonomy().topics},
        rules=load_early_warning(env.settings.config),
        attention=rules.attention,
        as_of=as_of,
        rule_version=evaluation.rule_version,
    )
    alerts = gated(env, "graded.alerts", day, found)
    if alerts.height or (env.lake.directory("graded.alerts", day) / f"{part}.parquet").exists():
        env.lake.replace("graded.alerts", day, alerts, part)
    return alerts


def given_elsewhere(env: Env, day: date, evaluation: Evaluation) -> pl.DataFrame:
    """Alerts of all other evaluations, later ones included, so that what is run again says nothing twice."""
    own = (pl.col("as_of") == evaluation.as_of.astimezone(UTC)) & (pl.col("rule_version") == evaluation.rule_version)
    return env.lake.scan("graded.alerts", day - LOOKBACK, date.max).filter(~own).drop("day").collect()
