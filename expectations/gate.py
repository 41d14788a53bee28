"""Judge a frame before it is handed on: what stops the day, which rows are set aside, what is only noted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from caifeng.core.contracts import Contract
from caifeng.core.errors import DataError
from caifeng.core.text.scrub import scrub
from expectations.baseline import structure, structure_rule
from expectations.engine import Judgement, judge
from expectations.rule import Rule, holds
from expectations.suite import suite

#: If more rows than both are bad, it is no single bad row: something is broken, and the day stops.
QUARANTINE_ROWS, QUARANTINE_SHARE = 20, 0.2
#: Rows named as examples.
EXAMPLES = 3


class GateError(DataError):
    """A rule that stops the day is broken; names table, rule, count and examples."""


@dataclass(frozen=True)
class RuleResult:
    """What came of one rule."""

    rule: Rule
    success: bool | None
    """Null: too few rows to judge."""
    checked: int | None = None
    unexpected: int | None = None
    rows: tuple[int, ...] = ()
    """Positions of the rows that break a failed rule."""
    examples: tuple[str, ...] = ()
    """Grain of the first of them, personal data scrubbed."""
    observed: str | None = None
    """What was found, where the rule is not about single rows."""

    @property
    def detail(self) -> str | None:
        """Examples or observation as text."""
        return "; ".join(self.examples) or self.observed


@dataclass(frozen=True)
class GateReport:
    """What came of all rules of a table."""

    table: str
    grain: tuple[str, ...]
    height: int
    """Rows that were checked."""
    results: tuple[RuleResult, ...]

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """Results that stop the day: no `quarantine` is possible, or too many rows would go there."""
        return tuple(r for r in self.results if r.success is False and self._stops(r))

    @property
    def quarantined(self) -> tuple[RuleResult, ...]:
        """Results whose rows are set aside."""
        broken = [r for r in self.results if r.success is False and r.rule.on_fail == "quarantine"]
        return tuple(r for r in broken if not self._stops(r))

    @property
    def warned(self) -> tuple[RuleResult, ...]:
        """Results that are only logged."""
        return tuple(r for r in self.results if r.success is False and r.rule.severity == "warn")

    def raise_if_failed(self) -> None:
        """Stop the day.

        Raises:
            GateError: a rule of `failed` is broken.
        """
        if self.failed:
            raise GateError("; ".join(f"{self.table}: {in_words(result)}" for result in self.failed))

    def _stops(self, result: RuleResult) -> bool:
        if result.rule.on_fail != "quarantine":
            return result.rule.on_fail == "stop"
        bad = len(result.rows)
        return bad == 0 or (bad > QUARANTINE_ROWS and bad > QUARANTINE_SHARE * self.height)


def in_words(result: RuleResult) -> str:
    """One line: rule, columns, count, examples, reason."""
    count = "" if result.unexpected is None else f", {result.unexpected} of {result.checked} rows"
    found = f" ({result.detail})" if result.detail else ""
    return f"rule {result.rule.key}{count}{found}: {result.rule.reason}"


def check(table: str, frame: pl.DataFrame, contract: Contract) -> GateReport:
    """Judge a frame by all rules of its table.

    Args:
        table: its name.
        frame: its rows, with the columns and types of the contract; never changed.
        contract: the table's contract.

    Returns:
        A result for every rule. If columns or types are not those of the contract, only that one.
    """
    rule = structure_rule(contract)
    declared = contract.polars_schema()
    if dict(frame.schema) != dict(declared):
        wanted, found = structure(declared), structure(frame.schema)
        missing, surplus = (
            ", ".join(a["column"].filter(~a["column"].is_in(b["column"].to_list()))) or "-"
            for a, b in ((wanted, found), (found, wanted))
        )
        observed = f"declared but not there: {missing}; there but not declared: {surplus}"
        result = RuleResult(rule, judge(found, [rule])[0].success, observed=observed)
        return GateReport(table, contract.grain, frame.height, (result,))
    results = judge_rules(frame, suite(contract), contract.grain)
    return GateReport(table, contract.grain, frame.height, (RuleResult(rule, success=True), *results))


def judge_rules(frame: pl.DataFrame, rules: Sequence[Rule], grain: tuple[str, ...]) -> tuple[RuleResult, ...]:
    """Judge a frame by rules: those with a screen together, in one expectation, and singly only if it is broken.

    An expectation costs Great Expectations about 7 ms of CPU whatever the rows, so forty a table would take longer
    than the day's work. Rows are looked for only where a rule is broken.

    Args:
        frame: the rows.
        rules: rules with distinct keys.
        grain: columns by which examples are named.

    Returns:
        One result per rule, in their order; and one more, if the rules broke together but none of them singly.
    """
    judged = [rule for rule in rules if frame.height >= rule.min_rows]
    screens = {rule: rule.screen.alias(rule.key) for rule in judged if rule.screen is not None}
    # What several screens share is cheap; looking for it takes half as long again as the screens of a large day.
    screened = frame.lazy().select(screens.values()).collect(optimizations=pl.QueryOptFlags(comm_subexpr_elim=False))
    alone = [rule for rule in judged if rule.screen is None]
    if screens:
        every_rule = screened.select(pl.all_horizontal(pl.all())).to_series()
        alone.append(holds(pl.lit(every_rule), name="rows", reason="every rule about rows holds"))
    found = {rule: Judgement(success=True, checked=screened[rule.key].count(), unexpected=0) for rule in screens}
    found |= dict(zip(alone, judge(frame, alone), strict=True))
    broken = [rule for rule in alone if not found[rule].success and found[rule].unexpected]
    suspects = [rule for rule in screens if not screened[rule.key].all()]
    found |= dict(zip([*broken, *suspects], judge(frame, [*broken, *suspects], locate=True), strict=True))
    together = alone[-1:] if screens else []
    unexplained = [rule for rule in together if rule in broken and all(found[s].success for s in suspects)]
    return tuple(_result(frame, rule, found.get(rule), grain) for rule in (*rules, *unexplained))


def _result(frame: pl.DataFrame, rule: Rule, judgement: Judgement | None, grain: tuple[str, ...]) -> RuleResult:
    if judgement is None:
        return RuleResult(rule, success=None)
    rows = tuple(sorted(judgement.rows))
    return RuleResult(
        rule,
        judgement.success,
        judgement.checked,
        judgement.unexpected,
        rows,
        tuple(row_keys(frame[list(rows[:EXAMPLES])], grain)),
        scrub(judgement.observed) if judgement.observed else None,
    )


def quarantine(frame: pl.DataFrame, report: GateReport) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part a checked frame into good and bad rows.

    Args:
        frame: the frame that was checked.
        report: what came of it.

    Returns:
        The good rows; and the bad ones with `_row` (position in `frame`), `_rules` (those it breaks) and
        `_reason`. Together they are the frame, each in its order. Rules that stop the day set nothing aside.
    """
    broken: dict[int, list[Rule]] = defaultdict(list)
    for result in report.quarantined:
        for row in result.rows:
            broken[row].append(result.rule)
    why = pl.DataFrame(
        {
            "_row": list(broken),
            "_rules": [[rule.key for rule in rules] for rules in broken.values()],
            "_reason": ["; ".join(dict.fromkeys(rule.reason for rule in rules)) for rules in broken.values()],
        },
        schema={"_row": pl.Int64, "_rules": pl.List(pl.String), "_reason": pl.String},
    )
    numbered = frame.with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    if why.is_empty():  # nearly always: a large day is not copied
        return frame, numbered.clear().join(why, on="_row").select(*frame.columns, *why.columns)
    good = numbered.join(why, on="_row", how="anti", maintain_order="left").drop("_row")
    return good, numbered.join(why, on="_row", maintain_order="left").select(*frame.columns, *why.columns)


def quarantine_frame(bad: pl.DataFrame, report: GateReport, part: str = "data") -> pl.DataFrame:
    """Rows of clean.quarantine for the bad rows of `quarantine`: the row as JSON, personal data scrubbed."""
    rows = bad.drop("_row", "_rules", "_reason")
    payload = [json.dumps(_scrubbed(row), ensure_ascii=False) for row in rows.iter_rows(named=True)]
    return bad.select(
        pl.lit(report.table).alias("table_name"),
        pl.lit(part).alias("part"),
        pl.col("_row").alias("row_no"),
        pl.Series("row_key", row_keys(rows, report.grain), pl.String),
        pl.col("_rules").alias("rules"),
        pl.col("_reason").alias("reason"),
        pl.Series("payload", payload, pl.String),
    )


def quality_frame(reports: Iterable[GateReport], part: str = "data") -> pl.DataFrame:
    """Rows of ops.quality: every rule of the reports, also those that hold."""
    rows = [
        {
            "table_name": report.table,
            "part": part,
            "rule": result.rule.name,
            "column_name": result.rule.column_name,
            "expectation": result.rule.expectation,
            "severity": result.rule.severity,
            "on_fail": result.rule.on_fail,
            "owner": result.rule.owner,
            "success": result.success,
            "rows": report.height,
            "checked": result.checked,
            "unexpected": result.unexpected,
            "detail": result.detail,
            "reason": result.rule.reason,
        }
        for report in reports
        for result in report.results
    ]
    kinds = {"success": pl.Boolean} | dict.fromkeys(("rows", "checked", "unexpected"), pl.Int64)
    names = (
        *("table_name", "part", "rule", "column_name", "expectation", "severity", "on_fail", "owner", "success"),
        *("rows", "checked", "unexpected", "detail", "reason"),
    )
    return pl.DataFrame(rows, schema={name: kinds.get(name, pl.String) for name in names})


def row_keys(rows: pl.DataFrame, grain: tuple[str, ...]) -> list[str]:
    """The grain of each row as text, as clean.quarantine and examples have it; what is unknown is —."""
    return [
        scrub(" ".join("—" if value is None else str(_plain(value)) for value in row))
        for row in rows.select(grain).iter_rows()
    ]


def _scrubbed(value: Any) -> Any:
    """A value as JSON takes it, personal data scrubbed from every text in it."""
    if isinstance(value, dict):
        return {name: _scrubbed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_scrubbed(inner) for inner in value]
    return scrub(value) if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
