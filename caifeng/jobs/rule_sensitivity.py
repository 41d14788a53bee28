"""How much the levels of the last 90 days hang on single weights and cuts: ops.rule_sensitivity."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from caifeng.core.listing import Cell, Listing
from caifeng.core.model.grading import GradingRules
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.jobs.base import Env
from caifeng.jobs.marts import evaluations
from transforms.grade.inputs import MEASURES
from transforms.grade.sensitivity import sensitivity

#: How far back measures are looked at.
WINDOW = timedelta(days=90)

_FACTOR_OF = {"weight": "权重", "level": "起点"}


def rule_sensitivity(env: Env, day: date, as_of: datetime, rules: GradingRules) -> pl.DataFrame:
    """Rows of ops.rule_sensitivity for a rule version.

    Args:
        env: environment.
        day: last of the 90 days whose issues are looked at.
        as_of: evaluations after this moment are not known.
        rules: the rule version.

    Returns:
        Two rows for each weight and cut, over the latest measures of each issue.
    """
    return sensitivity(latest_measures(env, day, as_of), rules)


def write_rule_sensitivity(env: Env, day: date, as_of: datetime, rules: GradingRules) -> None:
    """Write ops.rule_sensitivity on the first day that a rule version grades; later days add nothing."""
    part = rules.rule_version
    earlier = (found for found in env.lake.days("ops.rule_sensitivity") if found < day)
    if any(file.stem == part for found in earlier for file in env.lake.files("ops.rule_sensitivity", found)):
        return
    env.lake.replace("ops.rule_sensitivity", day, rule_sensitivity(env, day, as_of, rules), part)


def latest_measures(env: Env, day: date, as_of: datetime) -> pl.DataFrame:
    """The measures of each issue of the last 90 days as they were last graded, by any rules: columns `MEASURES`."""
    files = []
    for found in env.lake.days("graded.issue_grades"):
        if day - WINDOW < found <= day:
            made = [evaluation for evaluation in evaluations(env, found) if evaluation.as_of <= as_of]
            folder = env.lake.directory("graded.issue_grades", found)
            # the last evaluation of a day has all its issues, and the same measures by whatever rules
            files += [folder / f"{made[-1].part}.parquet"] if made else []
    if not files:
        return pl.DataFrame(schema=MEASURES)
    columns = ["as_of", *MEASURES.names()]
    return (
        pl.concat(pl.read_parquet(file, columns=columns, hive_partitioning=False) for file in files)
        .sort("as_of")
        .unique("issue_no", keep="last", maintain_order=True)
        .sort("issue_no")
        .drop("as_of")
    )


def sensitivity_listing(frame: pl.DataFrame) -> Listing:
    """`caifeng grade --sensitivity`: in how many issues the level changes by 10 % of one weight or cut."""
    rows = frame.to_dicts()
    of = f"规则 {rows[0]['rule_version']}：近90天{rows[0]['issues']}件事项" if rows else ""
    return Listing(
        f"{of}，单个权重或界限变动10%时改变等级的件数",
        ("参数", "变动", "件数", "占比", "升", "降", "例"),
        [_cells(row) for row in rows],
        rows,
        "没有可试算的事项",
    )


def _cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    table, _, name = row["parameter"].partition(".")
    parameter = _FACTOR_OF[table] + (LEVEL_NAMES[name][0] if table == "level" else name)
    move = f"{'上调' if row['direction'] == 'up' else '下调'}至{row['value']:g}"
    share = None if row["share"] is None else f"{100 * row['share']:.1f}%"
    return parameter, move, row["flipped"], share, row["raised"], row["lowered"], row["examples"]
