"""DuckDB's words in Spark's: what can be told without Spark."""

from datetime import UTC, date, datetime

import pytest

from caifeng.core.settings import Settings
from caifeng.core.warehouse import mart_queries
from caifeng.spark.marts import fingerprint, spark_query

PARAMETERS = {"day": date(2026, 11, 22), "as_of": datetime(2026, 11, 22, 16, tzinfo=UTC), "rule_version": "v"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("SELECT list(DISTINCT a ORDER BY a) FROM t", "SELECT SORT_ARRAY(COLLECT_SET(a)) FROM t"),
        (
            "SELECT list(a ORDER BY n) FROM t",
            "SELECT TRANSFORM(SORT_ARRAY(COLLECT_LIST(NAMED_STRUCT('f0', n, 'f1', a))), pair -> pair.f1) FROM t",
        ),
        ("SELECT timezone('Asia/Shanghai', a) FROM t", "SELECT FROM_UTC_TIMESTAMP(a, 'Asia/Shanghai') FROM t"),
        ("SELECT period[1:4] FROM t", "SELECT SUBSTRING(period, 1, 4) FROM t"),
        ("SELECT * FROM graded.issues AS i", "SELECT * FROM graded__issues AS i"),
        ("SELECT a FROM t WHERE day = $day", "SELECT a FROM t WHERE day = CAST('2026-11-22' AS DATE)"),
    ],
)
def test_what_sqlglot_leaves_is_said_in_sparks_words(said, expected):
    assert spark_query(said, PARAMETERS) == expected


def test_every_mart_of_a_day_is_transpiled_without_parameters_left(root):
    contracts = Settings.load().contracts()
    daily = {m: q for m, q in mart_queries(root / "sql").items() if contracts[m].partition == "day"}
    assert len(daily) >= 17
    for mart, query in daily.items():
        carried = spark_query(query, PARAMETERS)
        assert not any(f"${name}" in carried for name in PARAMETERS), mart
        assert "QUALIFY" not in carried, mart


def test_a_fingerprint_sees_values_and_order_but_not_the_last_digit_of_a_sum():
    import polars as pl

    one = pl.DataFrame({"a": [0.1 + 0.2, None]})
    assert fingerprint(one) == fingerprint(pl.DataFrame({"a": [0.3, None]}))
    assert fingerprint(one) != fingerprint(pl.DataFrame({"a": [None, 0.3]}))
    assert fingerprint(one) != fingerprint(pl.DataFrame({"a": [0.3, 0.0]}))
