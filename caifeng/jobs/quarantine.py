"""Rows that gates set aside: what they are, and whether they are good now (clean.quarantine).

A row is set aside by the gate of a stage. After a rule, a source or the configuration was corrected, the stage is run
again for that day: `replay` does so and accounts for every row that had been set aside.
"""

from __future__ import annotations

from datetime import date, datetime
from importlib import import_module
from typing import NamedTuple

import polars as pl

from caifeng.core import clock
from caifeng.core.errors import DataError, UsageError
from caifeng.core.listing import Listing
from caifeng.jobs.base import Env, timed
from caifeng.jobs.lineage import FLOWS
from caifeng.jobs.lives import check_recomputable
from caifeng.jobs.marts import evaluations
from caifeng.jobs.stages import STAGES
from expectations.gate import row_keys

_KEY = ("table_name", "part", "row_key")


class Replay(NamedTuple):
    """What became of the rows of a day that had been set aside."""

    day: date
    stages: tuple[str, ...]
    """Stages that were run again."""
    before: int
    came_back: int
    """They pass the gate now and stand in their table."""
    still: int
    """They are set aside as before."""
    dropped: int
    """Their stage makes no such row any more: the observation is a reject with its reason, or another row now."""
    new: int
    """Rows that were good and are set aside now."""

    def words(self) -> str:
        """Lines for a terminal."""
        if not self.stages:
            return f"{self.day}: nothing is set aside"
        later = STAGES[max(STAGES.index(stage) for stage in self.stages) + 1]
        return (
            f"{self.day}: ran {', '.join(self.stages)}; of {self.before} rows set aside {self.came_back} came back, "
            f"{self.still} are still set aside, {self.dropped} are no rows any more; {self.new} newly set aside\n"
            f"next: caifeng run --day {self.day} --from {later}"
        )


def set_aside(env: Env, first: date, last: date, table: str | None = None, rule: str | None = None) -> pl.DataFrame:
    """How many rows are set aside, by day, table, part and rule.

    Args:
        env: where things are.
        first: first day.
        last: last day.
        table: only rows meant for this table.
        rule: only rows that break this rule; its name, with or without its columns.

    Returns:
        `day`, `table_name`, `part`, `rule`, `rows`; a row that breaks two rules counts under both.
    """
    return (
        _chosen(env, first, last, table, rule)
        .explode("rules")
        .rename({"rules": "rule"})
        .filter(pl.lit(rule is None) | _is_rule(pl.col("rule"), rule))
        .group_by("day", "table_name", "part", "rule")
        .agg(rows=pl.len().cast(pl.Int64))
        .sort("day", "table_name", "part", "rule")
    )


def quarantine_listing(env: Env, first: date, last: date, table: str | None = None, rule: str | None = None) -> Listing:
    """`caifeng quarantine list`: what `set_aside` counts."""
    found = set_aside(env, first, last, table, rule)
    heads = ("日期", "表", "分区文件", "规则", "行数")
    return Listing("搁置的行", heads, found.rows(), found.to_dicts(), "nothing is set aside")


def rows_set_aside(env: Env, day: date, table: str | None = None, rule: str | None = None) -> pl.DataFrame:
    """The rows themselves, scrubbed as they are kept; payload and key are empty once their 14 days are over.

    Returns:
        Rows of clean.quarantine with `day`.
    """
    return _chosen(env, day, day, table, rule)


def replay(env: Env, day: date, table: str | None = None, as_of: datetime | None = None) -> Replay:
    """Run the stages again whose gates set rows of a day aside, and say what came back.

    Later stages rest on what these write and are to be run after it; the result names the first of them.

    Args:
        env: where things are.
        day: the day.
        table: only the stage that makes this table.
        as_of: moment up to which observations count; that of the day's last evaluation, else its end.

    Raises:
        UsageError: the words of the day have ended their life, so that it is never recomputed; or no stage makes the
            table.
        DataError: a row is neither back nor set aside, and its stage dropped it without a trace.
        GateError: a rule that stops the day is broken; the table stays as it was.
    """
    before = _chosen(env, day, day, table, None)
    if before.is_empty():
        return Replay(day, (), 0, 0, 0, 0, 0)
    check_recomputable(env, day)
    if (before["row_key"] == "").any():
        raise UsageError(f"{day}: the keys of the rows set aside have ended their life; run the day again: caifeng run")
    stages = _stages(before.select("table_name", "part").unique().rows())
    moments = [found.as_of for found in evaluations(env, day)]
    moment = as_of or (moments[-1] if moments else min(env.now(), clock.end_of_day(day)))
    for stage in stages:
        job = getattr(import_module(f"caifeng.jobs.{stage}"), stage)
        with timed(env, stage, day, moment) as reports:
            reports.append(job(env, day, moment))
    after = _chosen(env, day, day, table, None)
    return _account(env, day, stages, before, after)


def _account(env: Env, day: date, stages: tuple[str, ...], before: pl.DataFrame, after: pl.DataFrame) -> Replay:
    still = before.join(after, on=_KEY, how="semi").height
    new = after.join(before, on=_KEY, how="anti").height
    left = before.join(after, on=_KEY, how="anti")
    came_back, dropped = 0, 0
    for (name,), rows in left.group_by(["table_name"], maintain_order=True):
        back = rows["row_key"].is_in(_keys_of(env, str(name), day, rows["row_key"]))
        gone = rows.filter(~back)
        came_back, dropped = came_back + int(back.sum()), dropped + gone.height
        # in = out + rejected: an observation that is no such row any more is a reject, or a post after all
        posts = gone["payload"].str.json_path_match("$.post_id").drop_nulls()
        known = pl.concat([env.lake.read(other, day)["post_id"] for other in ("clean.rejects", "clean.posts")])
        if len(lost := posts.filter(~posts.is_in(known.implode()))):
            raise DataError(f"{day}: {name}: rows set aside are neither back nor rejected: {', '.join(lost[:3])}")
    return Replay(day, stages, before.height, came_back, still, dropped, new)


def _keys_of(env: Env, table: str, day: date, sought: pl.Series) -> list[str]:
    """Keys of the rows that stand in a table; of a large one only those that can be among the keys sought."""
    grain = env.contracts[table].grain
    standing = env.lake.read(table, day)
    if standing.schema[grain[0]] == pl.String:
        firsts = sought.str.split(" ").list.first()
        standing = standing.filter(pl.col(grain[0]).is_in(firsts.implode()))
    return row_keys(standing, grain)


def _stages(found: list[tuple[str, str]]) -> tuple[str, ...]:
    """Stages whose gates checked these tables and parts, in the order of a day."""
    wanted = set()
    for table, part in found:
        # raw posts are checked when they are cleaned; rejects have one part for each stage that rejects
        stage = "clean" if table == "raw.posts" else part if table == "clean.rejects" else _maker(table)
        if stage is None:
            raise UsageError(f"{table}: no stage of a day makes it; it cannot be replayed")
        wanted.add(stage)
    return tuple(stage for stage in STAGES if stage in wanted)


def _maker(table: str) -> str | None:
    return next((flow.stage for flow in FLOWS if table in flow.writes and flow.stage), None)


def _chosen(env: Env, first: date, last: date, table: str | None, rule: str | None) -> pl.DataFrame:
    if table is not None and table not in env.contracts:
        raise UsageError(f"no table {table!r}")
    rows = env.lake.read_range("clean.quarantine", first, last)
    if table is not None:
        rows = rows.filter(pl.col("table_name") == table)
    if rule is not None:
        rows = rows.filter(pl.col("rules").list.eval(_is_rule(pl.element(), rule)).list.any())
    return rows


def _is_rule(name: pl.Expr, rule: str | None) -> pl.Expr:
    """Rules are kept with their columns, `not_null: title`; their name alone is enough."""
    return (name == (rule or "")) | name.str.starts_with(f"{rule}: ")
