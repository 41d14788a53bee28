"""Stored grades for tests of what is done with them: invented measures, graded and written as the grade job does."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.core.model.grading import GradingRules
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.marts import Evaluation
from transforms.grade.grade import MEASURES, grade
from transforms.grade.rules_frame import rules_frame

CONFIG = Path(__file__).parents[2] / "config"

#: C = 45. R = 0.5*40 + 0.3*40 + 0.2*40 = 40. A = 40: 5,000 views, 500 reposts, 100 comments, 10 documents. S = 0.
#: M = 15. total = 0.25*45 + 0.20*40 + 0.25*40 + 0.15*15 = 11.25 + 8 + 10 + 2.25 = 31.5
WAGE: dict[str, Any] = {
    "issue_no": "YQ-2026-0001",
    "topic": "wage",
    "flags": [],
    "tone": "neutral",
    "geo": "county",
    "source_classes": 2,
    "active_days": 2,
    "views": 5000,
    "reposts": 500,
    "comments": 100,
    "distinct_docs": 10,
    "growth_24h": None,
    "neg_docs": 0,
    "counted_docs": 10,
    "emotive_docs": 0,
    "same_topic_issues_90d": 0,
    "media_tier": "self",
    "n_media": 1,
    "emergency_level": "none",
    "facts": [],
    "jurisdiction": "local",
}


def moment(day: str, hour: int = 16) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00+00:00").astimezone(UTC)


def open_env(home: Path, config: Path = CONFIG) -> Env:
    return Env.open(Settings(home=home, config=config))


def store(env: Env, as_of: datetime, *issues: dict[str, Any], rules: GradingRules | None = None) -> None:
    """Grade and write the issues of the day of `as_of`; columns that grading does not make are left empty."""
    rules = rules or env.settings.grading()
    day: date = as_of.date()
    graded = grade(pl.DataFrame([WAGE | issue for issue in issues], schema=MEASURES), rules).with_columns(
        as_of=pl.lit(as_of).cast(pl.Datetime("us", "UTC")), rule_version=pl.lit(rules.rule_version)
    )
    schema = env.contracts["graded.issue_grades"].polars_schema()
    rest = [
        (pl.lit([], dtype) if isinstance(dtype, pl.List) else pl.lit(None, dtype)).alias(name)
        for name, dtype in schema.items()
        if name not in graded.columns
    ]
    part = Evaluation(as_of, rules.rule_version).part
    env.lake.replace("graded.issue_grades", day, graded.with_columns(rest).select(list(schema)), part)
    env.lake.replace("ops.grading_rules", day, rules_frame(rules), rules.rule_version)
