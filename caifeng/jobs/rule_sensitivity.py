"""How much the levels of the last 90 days hang on single weights and cuts: ops.rule_sensitivity."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from caifeng.core.model.grading import GradingRules
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.jobs.base import Env
from caifeng.jobs.json_lines import to_line
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


def sensitivity_lines(frame: pl.DataFrame, *, as_json: bool) -> list[str]:
    """The table for a terminal, in Chinese, or one JSON line per row."""
    rows = frame.to_dicts()
    if as_json:
        return [to_line(row) for row in rows]
    if not rows:
        return []
    issues = rows[0]["issues"]
    lines = [f"规则 {rows[0]['rule_version']}：近90天{issues}件事项，单个权重或界限变动10%时改变等级的件数"]
    for row in rows:
        table, _, name = row["parameter"].partition(".")
        shown = LEVEL_NAMES[name][0] if table == "level" else name
        share = "—" if row["share"] is None else f"{100 * row['share']:.1f}%"
        move = "上调" if row["direction"] == "up" else "下调"
        counts = f"{row['flipped']:>5} 件 {share:>6}  升{row['raised']} 降{row['lowered']}"
        examples = f"  例：{'、'.join(row['examples'])}" if row["examples"] else ""
        lines.append(f"{_FACTOR_OF[table]}{shown} {move}至{row['value']:g}：{counts}{examples}")
    return lines
