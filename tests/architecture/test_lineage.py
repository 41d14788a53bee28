"""SQL flows one way: marts read graded, clean, cases, ops and each other, never raw."""

import pytest

from caifeng.core.contracts import load_contracts
from caifeng.core.errors import ConfigError
from caifeng.core.warehouse import mart_queries, tables_read


def test_marts_read_known_tables_of_lower_layers_only(root):
    contracts = load_contracts(root / "sql")
    queries = mart_queries(root / "sql")
    assert len(queries) >= 5
    for mart, query in queries.items():
        tables = tables_read(query, root)
        assert tables, mart
        assert tables <= set(contracts), mart
        assert {table.split(".")[0] for table in tables} <= {"graded", "clean", "cases", "ops", "marts"}, mart


def test_a_mart_comes_after_the_marts_it_reads(root):
    seen: set[str] = set()
    for mart, query in mart_queries(root / "sql").items():
        assert {t for t in tables_read(query, root) if t.startswith("marts.")} <= seen, mart
        seen.add(mart)
    assert "marts.daily_summary" in seen


@pytest.mark.parametrize(
    "text", ["INSERT INTO a.b SELECT 1", "SELECT 1; SELECT 2", "CREATE TABLE a.b AS SELECT 1", "SELEKT", ""]
)
def test_anything_but_one_select_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match=r"bad\.sql"):
        tables_read(text, tmp_path / "bad.sql")
