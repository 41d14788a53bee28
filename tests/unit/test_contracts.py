"""A column is declared once; everything else is derived and enforced."""

from datetime import UTC, datetime

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.contracts import Contract, data_dictionary, load_contracts
from caifeng.core.errors import ConfigError, DataError

AT = datetime(2026, 11, 22, tzinfo=UTC)
CONTRACT = Contract.model_validate(
    {
        "table": "clean.things",
        "description": "Things. One row per thing.",
        "grain": ["id"],
        "retention": "10 years",
        "sensitivity": "open",
        "columns": [
            {"name": "id", "type": "string", "meaning": "which"},
            {"name": "kind", "type": "string", "meaning": "what", "values": ["a", "b"]},
            {"name": "count", "type": "int64", "meaning": "how many", "null_means": "unknown"},
            {"name": "tags", "type": "list[string]", "meaning": "words", "values": ["x", "y"]},
            {"name": "at", "type": "timestamp", "meaning": "when"},
        ],
    }
)
GOOD = pl.DataFrame(
    {"id": ["2", "1"], "kind": ["a", "b"], "count": [None, 0], "tags": [["x"], []], "at": [AT, AT]},
    schema_overrides={"tags": pl.List(pl.String), "at": pl.Datetime("us", "UTC")},
)


def test_a_good_frame_is_typed_ordered_and_sorted():
    frame = CONTRACT.conform(GOOD.select(reversed(GOOD.columns)))
    assert dict(frame.schema) == dict(CONTRACT.polars_schema())
    assert frame["id"].to_list() == ["1", "2"]
    assert frame["count"].to_list() == [0, None]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (GOOD.drop("kind"), "columns missing: kind"),
        (GOOD.with_columns(author=pl.lit("?")), "columns not in the contract: author"),
        (GOOD.with_columns(kind=pl.lit(None, pl.String)), "clean.things.kind: 2 of 2 rows are null"),
        (GOOD.with_columns(kind=pl.lit("c")), "clean.things.kind: not allowed: c"),
        (GOOD.with_columns(tags=pl.Series([["x"], ["z"]])), "clean.things.tags: not allowed: z"),
        (GOOD.with_columns(id=pl.lit("1")), r"1 rows repeat the grain \(id\)"),
        (GOOD.with_columns(count=pl.lit("many")), "clean.things"),
    ],
)
def test_a_broken_frame_is_refused_by_name(broken, says):
    with pytest.raises(DataError, match=says):
        CONTRACT.conform(broken)


def test_null_and_zero_stay_apart_in_an_empty_and_a_full_frame():
    empty = CONTRACT.conform(pl.DataFrame(schema=CONTRACT.polars_schema()))
    assert empty.height == 0
    assert empty.columns == CONTRACT.names


def test_ddl_marks_what_may_be_null():
    assert '"count" BIGINT,' in CONTRACT.ddl()
    assert '"kind" VARCHAR NOT NULL' in CONTRACT.ddl()


KEYED = CONTRACT.model_copy(
    update={
        "grain": ("kind", "count", "id"),
        "columns": tuple(c.model_copy(update={"null_means": "unknown", "values": None}) for c in CONTRACT.columns),
    }
)


@given(
    st.lists(
        st.tuples(*(st.sampled_from([None, *values]) for values in (("a", "ü", ""), (-1, 0, 9), ("1", "2")))),
        max_size=12,
    ),
    st.booleans(),
)
def test_rows_come_in_the_order_of_the_grain_and_a_second_one_is_told(rows, in_pieces):
    frame = pl.DataFrame(rows, {"kind": pl.String, "count": pl.Int64, "id": pl.String}, orient="row")
    frame = frame.with_columns(tags=pl.lit([], pl.List(pl.String)), at=pl.lit(AT, pl.Datetime("us", "UTC")))
    if in_pieces:
        frame = pl.concat([frame[:3], frame[3:]], rechunk=False)
    if len(set(rows)) < len(rows):
        with pytest.raises(DataError, match=f"{len(rows) - len(set(rows))} rows repeat the grain"):
            KEYED.conform(frame)
        return
    wanted = sorted(
        rows,
        key=lambda row: [(value is not None, value or (0 if place == 1 else "")) for place, value in enumerate(row)],
    )
    assert KEYED.conform(frame).select(KEYED.grain).rows() == wanted


def test_every_contract_of_the_product_loads_and_says_its_grain_in_words(root):
    contracts = load_contracts(root / "sql")
    assert len(contracts) >= 16
    for table, contract in contracts.items():
        last_sentence = contract.description.rstrip(".").split(". ")[-1]
        assert "ne row per" in last_sentence, table
        assert contract.polars_schema(), table


def test_the_data_dictionary_in_docs_is_current(root):
    assert (root / "docs" / "data-dictionary.md").read_text("utf8").rstrip("\n") == data_dictionary(
        load_contracts(root / "sql")
    ).rstrip("\n"), "run: caifeng dictionary > docs/data-dictionary.md"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surplus": 1}, "surplus"),
        ({"grain": ["nothing"]}, "grain"),
        ({"sensitivity": "secret"}, "sensitivity"),
        ({"columns": [{"name": "id", "type": "text", "meaning": "?"}]}, "columns.0.type"),
    ],
)
def test_a_bad_contract_names_file_and_field(tmp_path, change, field):
    content = CONTRACT.model_dump(mode="json", exclude={"table"}) | change
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "things.yml").write_text(yaml.safe_dump(content), "utf8")
    with pytest.raises(ConfigError) as caught:
        load_contracts(tmp_path)
    assert caught.value.field == field
    assert caught.value.path.endswith("clean/things.yml")
