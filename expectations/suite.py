"""All rules of a table."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from caifeng.core.contracts import Contract
from expectations.baseline import baseline_rules
from expectations.common import common_rules
from expectations.rule import Rule


@cache
def suite(contract: Contract) -> tuple[Rule, ...]:
    """Rules from the contract, from the names of columns, and from the table's own module if it has one.

    Built once per process and contract; their keys are distinct.
    """
    rules = (*baseline_rules(contract), *common_rules(contract), *own_rules(contract.table))
    keys = [rule.key for rule in rules]
    assert len(keys) == len(set(keys)), contract.table
    return rules


def own_rules(table: str) -> tuple[Rule, ...]:
    """Rules of `expectations/<schema>_<table>.py`; none without such a module."""
    module = f"expectations.{table.replace('.', '_')}"
    if find_spec(module) is None:
        return ()
    rules: tuple[Rule, ...] = import_module(module).rules()
    return rules
