"""One rule of a gate: what is expected of which columns, why, who looks after it, and what happens if it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

OnFail = Literal["stop", "quarantine", "log"]
"""stop: the day stops before the table is replaced. quarantine: bad rows are set aside, the rest goes on.
log: a warning, somebody looks at it."""
Owner = Literal["maintainer", "monitor", "office"]
"""maintainer: the code is wrong. monitor (监测员): a source is wrong. office (政务公开办): the rules need tuning."""


@dataclass(frozen=True, eq=False)
class Rule:
    """A Great Expectations expectation by its type name, with its arguments.

    Where no expectation says it, `verdict` is a boolean expression over the frame, and the expectation is that it
    is true in every row; null is unknown and passes.
    """

    name: str
    columns: tuple[str, ...]
    """Columns it is about; none: the whole table."""
    expectation: str
    reason: str
    """Why, with the source of the rule."""
    on_fail: OnFail = "stop"
    owner: Owner = "maintainer"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    verdict: pl.Expr | None = None
    screen: pl.Expr | None = None
    """The same question for Polars, row by row, where every row counts; null passes. Rules with a screen are judged
    together first, and one by one only if a row breaks one of them."""
    min_rows: int = 0
    """With fewer rows it is not judged: shares of a handful say nothing."""

    @property
    def severity(self) -> Literal["fail", "warn"]:
        """`warn` for rules that only log, `fail` for all others."""
        return "warn" if self.on_fail == "log" else "fail"

    @property
    def column_name(self) -> str:
        """Its columns as text; * for the whole table."""
        return ", ".join(self.columns) or "*"

    @property
    def key(self) -> str:
        """What identifies it within its table."""
        return f"{self.name}: {self.column_name}"

    @property
    def inputs(self) -> list[pl.Expr]:
        """Columns of the frame that the expectation is judged on."""
        if self.verdict is not None:
            return [self.verdict.alias(self.key)]
        return [pl.col(column) for column in self.columns]

    @property
    def kwargs(self) -> dict[str, Any]:
        """Arguments of the expectation, its columns included."""
        if self.verdict is not None:
            return {"column": self.key, "value_set": [True], **self.arguments}
        return {**_placed(self.expectation, self.columns), **self.arguments}


def expects(
    expectation: str,
    *columns: str,
    name: str,
    reason: str,
    on_fail: OnFail = "stop",
    owner: Owner = "maintainer",
    min_rows: int = 0,
    screen: pl.Expr | None = None,
    **arguments: Any,
) -> Rule:
    """A rule that Great Expectations has an expectation for.

    Args:
        expectation: its type, such as `expect_column_values_to_be_between`.
        columns: the columns, in the order in which the expectation takes them.
        name: name of the rule within its table.
        reason: why.
        on_fail: what happens if it fails.
        owner: who looks after it.
        min_rows: rows needed to judge.
        screen: the same question for Polars, if it has a simple one.
        arguments: further arguments of the expectation.
    """
    return Rule(name, columns, expectation, reason, on_fail, owner, arguments, None, screen, min_rows)


def holds(
    verdict: pl.Expr,
    *columns: str,
    name: str,
    reason: str,
    on_fail: OnFail = "stop",
    owner: Owner = "maintainer",
    min_rows: int = 0,
    mostly: float = 1.0,
) -> Rule:
    """A rule about rows that Polars judges: `verdict` must be true, in at least the share `mostly` of the rows."""
    every_row = mostly == 1.0 and min_rows == 0
    return Rule(
        name,
        columns,
        "expect_column_values_to_be_in_set",
        reason,
        on_fail,
        owner,
        {} if every_row else {"mostly": mostly},
        verdict,
        verdict if every_row else None,
        min_rows,
    )


def _placed(expectation: str, columns: tuple[str, ...]) -> dict[str, Any]:
    if expectation.startswith("expect_compound_columns_"):
        return {"column_list": list(columns)}
    if expectation.startswith("expect_column_pair_"):
        return {"column_A": columns[0], "column_B": columns[1]}
    return {"column": columns[0]} if columns else {}
