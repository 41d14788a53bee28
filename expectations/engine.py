"""The only module that knows Great Expectations: rules and a frame in, judgements out.

An ephemeral context: no file, no project directory, no Data Docs, no network. Pandas frames, because there is no
Polars engine; they get only the columns that the rules need, through Arrow (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from expectations.rule import Rule


@dataclass(frozen=True)
class Judgement:
    """What the engine found of one rule. Counts are null where a rule is not about single rows."""

    success: bool
    checked: int | None
    """Values that were known and judged."""
    unexpected: int | None
    rows: tuple[int, ...] = ()
    """Positions of the rows that break it, if they were asked for."""
    observed: str | None = None
    """What was found, for rules about the whole table; the error, where a rule could not be judged."""


def judge(frame: pl.DataFrame, rules: Sequence[Rule], *, locate: bool = False) -> list[Judgement]:
    """Judge a frame by rules, all in one validation.

    Args:
        frame: the frame; columns that no rule names are not handed over.
        rules: rules with distinct keys.
        locate: also find the rows that break a rule; costs about twice the time.

    Returns:
        One judgement per rule, in their order. A rule whose expectation raises is not fulfilled.
    """
    if not rules:
        return []
    from great_expectations.core import ExpectationSuite  # noqa: PLC0415 - seconds to import
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: PLC0415
    from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: PLC0415

    inputs = {expression.meta.output_name(): expression for rule in rules for expression in rule.inputs}
    pandas = (frame.select(**inputs) if inputs else frame.select(pl.first())).to_pandas()
    expectations = [
        ExpectationConfiguration(
            type=rule.expectation,
            kwargs=rule.kwargs,
            meta={"rule": rule.key},
            severity=FailureSeverity.CRITICAL if rule.severity == "fail" else FailureSeverity.WARNING,
        ).to_domain_obj()
        for rule in rules
    ]
    batch = _batch_definition().get_batch({"dataframe": pandas})
    validated = batch.validate(
        ExpectationSuite(name="gate", expectations=expectations), result_format="COMPLETE" if locate else "BASIC"
    )
    found = {result.expectation_config.meta["rule"]: result for result in validated.results}
    return [_judgement(found[rule.key]) for rule in rules]


def _judgement(result: Any) -> Judgement:
    values: dict[str, Any] = result.result
    if not result.success and (error := _error(result.exception_info or {})):
        return Judgement(False, None, None, observed=f"could not be judged: {error}")
    by_row = "element_count" in values
    unexpected = values["unexpected_count"] if by_row else None
    checked = values["element_count"] - (values.get("missing_count") or 0) if by_row else None
    observed = values.get("observed_value")
    return Judgement(
        bool(result.success),
        checked,
        unexpected,
        tuple(values.get("unexpected_index_list") or ()),
        None if observed is None else str(observed),
    )


def _error(info: dict[str, Any]) -> str | None:
    """First message of an exception: the information is one record, or one per metric."""
    for record in (info, *info.values()):
        if isinstance(record, dict) and record.get("raised_exception"):
            return str(record.get("exception_message")).partition("\n")[0]
    return None


@cache
def _batch_definition() -> Any:
    """One context, data source and asset per process; each validation brings its own frame."""
    import great_expectations  # noqa: PLC0415 - seconds to import
    from great_expectations.data_context.types import base  # noqa: PLC0415

    config = base.DataContextConfig(
        # the default would make a directory for Data Docs
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=base.ProgressBarsConfig(globally=False),
    )
    context = great_expectations.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")
