"""Lineage: declared for the jobs, read off the SELECTs for the marts, printed for people."""

import ast
from pathlib import Path

import pytest

from caifeng.core.contracts import load_contracts
from caifeng.core.errors import UsageError
from caifeng.jobs.lineage import (
    FLOWS,
    GATES,
    column_sources,
    downstream,
    lineage_of,
    lineage_page,
    steps,
    upstream,
)

_SCHEMAS = ("raw", "clean", "graded", "cases", "ops")
#: Written by every job that has a gate, or by the loader for everyone.
_ANY = {*GATES, "ops.runs"}


def written_in(module: Path) -> set[str]:
    """Tables that a job's code names where it replaces a part."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("replace", "gated_replace"):
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            found |= {text for text in texts if text.count(".") == 1 and text.split(".")[0] in _SCHEMAS}
    return found


def test_every_table_that_code_writes_is_declared_with_its_job(root):
    declared = {flow.job: set(flow.writes) for flow in FLOWS}
    swept = 0
    for module in sorted((root / "caifeng" / "jobs").rglob("*.py")):
        written = written_in(module) - _ANY
        assert written <= declared.get(module.stem, set()), module.name
        swept += len(written)
    assert swept > 20


def test_flows_name_jobs_and_tables_that_exist(root):
    contracts = load_contracts(root / "sql")
    assert len({flow.job for flow in FLOWS}) == len(FLOWS) > 15
    for flow in FLOWS:
        assert (root / "caifeng" / "jobs" / f"{flow.job}.py").exists(), flow.job
        assert {*flow.reads, *flow.writes} <= set(contracts), flow.job


def test_every_table_of_the_lake_is_made_by_a_declared_job(root):
    made = {step.table for step in steps(root / "sql")} | set(GATES)
    assert set(load_contracts(root / "sql")) - made == set()


def test_a_mart_rests_on_raw_and_raw_goes_into_the_log(root):
    assert {"marts.daily_log", "graded.posts", "raw.posts"} <= upstream(root / "sql", "marts.daily_summary")
    assert "marts.daily_summary" in downstream(root / "sql", "raw.posts")
    assert "raw.posts" not in upstream(root / "sql", "ops.exports")


def test_columns_of_a_mart_are_traced_through_its_select(root):
    contracts = load_contracts(root / "sql")
    found = column_sources("marts.escalations", contracts, root / "sql")
    assert found["url"] == ("marts.daily_log.url",)
    assert found["as_of"] == ()
    assert set(found) == set(contracts["marts.escalations"].names)


def test_up_and_down_of_a_column_are_printed_to_the_lake(root):
    lines = lineage_of("marts.escalations.url", load_contracts(root / "sql"), root / "sql")
    assert "  marts.daily_log.url" in lines
    assert any(line.strip().startswith("graded.") for line in lines)
    below = lineage_of("marts.daily_log.url", load_contracts(root / "sql"), root / "sql")
    assert "  marts.escalations.url" in below


def test_up_and_down_of_a_table_are_printed():
    root = Path(__file__).resolve().parents[2]
    lines = lineage_of("graded.posts", load_contracts(root / "sql"), root / "sql")
    assert "  understand: clean.posts, ops.sources" in lines
    assert any("raw.posts" in line for line in lines)
    assert any("marts.daily_log" in line for line in lines)


@pytest.mark.parametrize(("name", "says"), [("marts.nothing", "no table"), ("raw.posts.author", "no column")])
def test_what_does_not_exist_is_said(root, name, says):
    with pytest.raises(UsageError, match=says):
        lineage_of(name, load_contracts(root / "sql"), root / "sql")


def test_the_lineage_in_docs_is_current(root):
    made = lineage_page(load_contracts(root / "sql"), root / "sql")
    assert (root / "docs" / "lineage.md").read_text("utf8") == made, "run: caifeng lineage > docs/lineage.md"
    assert made.count("```mermaid") == 2
