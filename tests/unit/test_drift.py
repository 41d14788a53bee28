"""A contract changes: older parts are read by what it declares, the warehouse follows, and nothing goes unseen."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.errors import ConfigError, DataError
from caifeng.core.lake import Lake
from caifeng.core.settings import Settings
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.base import Env
from caifeng.jobs.drift import FINGERPRINTS, drift, stamp, undeclared

DAY, NEXT = date(2026, 11, 21), date(2026, 11, 22)
BEFORE = [
    {"name": "id", "type": "string", "meaning": "which"},
    {"name": "views", "type": "int64", "meaning": "seen", "unit": "times", "null_means": "unknown"},
    {"name": "grade", "type": "int64", "meaning": "how good"},
    {"name": "old", "type": "string", "meaning": "goes"},
]
AFTER = [
    {"name": "id", "type": "string", "meaning": "which"},
    {"name": "reads", "type": "int64", "meaning": "read", "unit": "times", "null_means": "unknown"},
    {"name": "grade", "type": "string", "meaning": "how good"},
    {"name": "place", "type": "string", "meaning": "where", "null_means": "unknown"},
]
CHANGES = [
    {"version": 2, "date": "2026-11-22", "kind": "rename", "column": "reads", "was": "views", "what": "one word."},
    {"version": 2, "date": "2026-11-22", "kind": "retype", "column": "grade", "was": "int64", "what": "a code."},
    {"version": 2, "date": "2026-11-22", "kind": "drop", "column": "old", "what": "nobody read it."},
    {"version": 3, "date": "2026-11-23", "kind": "add", "column": "place", "what": "asked for.", "decision": "0003"},
]
ROWS = {"id": ["a", "b"], "views": [0, None], "grade": [1, 2], "old": ["x", "y"]}


def contract(columns: list[dict[str, Any]], **more: Any) -> Contract:
    return Contract.model_validate(
        {
            "table": "clean.things",
            "description": "Things. One row per thing.",
            "grain": ["id"],
            "retention": "10 years",
            "sensitivity": "open",
            "columns": columns,
            **more,
        }
    )


OLD, NEW = contract(BEFORE), contract(AFTER, version=3, changes=CHANGES)


def lake(root: Path, *, of: Contract) -> Lake:
    return Lake(root, {"clean.things": of})


def frame(of: Contract, rows: dict[str, list[Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=of.polars_schema())


def test_parts_of_an_earlier_version_are_read_as_todays(tmp_path):
    lake(tmp_path, of=OLD).replace("clean.things", DAY, frame(OLD, ROWS))
    today = lake(tmp_path, of=NEW)
    today.replace("clean.things", NEXT, frame(NEW, {"id": ["c"], "reads": [7], "grade": ["A"], "place": ["城关"]}))
    expected = [("a", 0, "1", None), ("b", None, "2", None)]
    assert today.read("clean.things", DAY).rows() == expected
    assert today.read("clean.things", DAY).schema == NEW.polars_schema()
    both = today.read_range("clean.things", DAY, NEXT)
    assert both.drop("day").rows() == [*expected, ("c", 7, "A", "城关")]
    assert both["day"].to_list() == [DAY, DAY, NEXT]
    assert today.scan("clean.things", DAY, NEXT).collect().select(both.columns).sort("id").equals(both)
    assert [piece.rows() for piece in today.pieces("clean.things", DAY, 1)] == [expected[:1], expected[1:]]


def test_a_column_that_comes_back_under_an_old_name_is_not_dropped_again(tmp_path):
    again = [*AFTER, {"name": "old", "type": "string", "meaning": "back", "null_means": "unknown"}]
    change = {"version": 4, "date": "2026-11-24", "kind": "add", "column": "old", "what": "back."}
    newest = contract(again, version=4, changes=[*CHANGES, change])
    lake(tmp_path, of=OLD).replace("clean.things", DAY, frame(OLD, ROWS))
    today = lake(tmp_path, of=newest)
    row = {"id": ["c"], "reads": [7], "grade": ["A"], "place": [None], "old": ["kept"]}
    today.replace("clean.things", NEXT, frame(newest, row))
    assert today.read("clean.things", DAY)["old"].to_list() == [None, None]
    assert today.read("clean.things", NEXT)["old"].to_list() == ["kept"]


def test_a_difference_that_no_change_explains_is_named(tmp_path):
    lake(tmp_path, of=OLD).replace("clean.things", DAY, frame(OLD, ROWS))
    silent = lake(tmp_path, of=contract(AFTER))
    with pytest.raises(DataError, match=r"day=2026-11-21.*grade Int64, not String") as caught:
        silent.read("clean.things", DAY)
    assert "old not in the contract" in str(caught.value)


def test_what_cannot_be_converted_is_an_error_and_not_unknown(tmp_path):
    numbers = contract([BEFORE[0], {"name": "n", "type": "string", "meaning": "n"}])
    lake(tmp_path, of=numbers).replace("clean.things", DAY, frame(numbers, {"id": ["a"], "n": ["many"]}))
    change = {"version": 2, "date": "2026-11-22", "kind": "retype", "column": "n", "was": "string", "what": "n."}
    typed = contract([BEFORE[0], {"name": "n", "type": "int64", "meaning": "n"}], version=2, changes=[change])
    with pytest.raises(DataError, match="cannot be read"):
        lake(tmp_path, of=typed).read("clean.things", DAY)


def test_a_table_that_never_changed_keeps_its_bytes(tmp_path):
    same = {"id": ["a"], "views": [1], "grade": [1], "old": ["x"]}
    path = lake(tmp_path, of=OLD).replace("clean.things", DAY, frame(OLD, same))
    assert b"contract_version" not in path.read_bytes()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"version": 2}, "changes must lead from version 2 to 2"),
        ({"changes": CHANGES}, "changes must lead"),
        ({"version": 3, "changes": CHANGES[::-1]}, "changes must lead"),
        ({"version": 3, "changes": [*CHANGES[1:3], CHANGES[0] | {"was": None}, CHANGES[3]]}, "needs `was`"),
        ({"version": 3, "changes": [CHANGES[1] | {"was": "number"}, CHANGES[3]]}, "is no type"),
        ({"version": 2, "changes": [CHANGES[3] | {"version": 2, "column": "grade"}]}, "without null_means: grade"),
    ],
)
def test_changes_that_do_not_lead_to_the_contract_are_refused(more, says):
    with pytest.raises(ValueError, match=says):
        contract(AFTER, **more)


# --- the warehouse ---------------------------------------------------------------------------------------------------


def warehouse(folder: Path, of: Contract) -> Warehouse:
    return Warehouse(folder / "warehouse.duckdb", {"clean.things": of}, folder / "sql")


def test_a_column_that_may_be_unknown_is_added_to_the_warehouse(tmp_path):
    old = lake(tmp_path / "lake", of=OLD)
    old.replace("clean.things", DAY, frame(OLD, ROWS))
    warehouse(tmp_path, OLD).load(old, DAY)
    loose = [column | ({"null_means": "unknown"} if column["name"] == "grade" else {}) for column in BEFORE]
    wider = contract([*loose, AFTER[3]])
    new = lake(tmp_path / "lake", of=wider)
    row = {"id": ["c"], "views": [1], "grade": [None], "old": ["z"], "place": ["城关"]}
    new.replace("clean.things", NEXT, frame(wider, row))
    house = warehouse(tmp_path, wider)
    assert {d.column: d.what for d in house.differences()["clean.things"]} == {
        "grade": "forbids null",
        "place": "missing",
    }
    house.load(new, NEXT)
    assert house.differences() == {}
    assert house.read("clean.things", DAY, NEXT).select("id", "grade", "place").rows() == [
        ("a", 1, None),
        ("b", 2, None),
        ("c", None, "城关"),
    ]


def test_what_no_mart_reads_stays_in_the_lake_and_leaves_a_warehouse_that_holds_it(tmp_path):
    here = lake(tmp_path / "lake", of=OLD)
    here.replace("clean.things", DAY, frame(OLD, ROWS))
    warehouse(tmp_path, OLD).load(here, DAY)
    house = warehouse(tmp_path, contract(BEFORE, lake_only=["views", "old"]))
    assert house.load(here, DAY) == {"clean.things": 2}
    assert house.differences() == {}
    assert house.read("clean.things", DAY).rows() == [(DAY, "a", 1), (DAY, "b", 2)]
    assert here.read("clean.things", DAY).columns == ["id", "views", "grade", "old"]


@pytest.mark.parametrize("name", ["nobody", "id"])
def test_a_lake_only_column_must_be_one_and_none_of_the_grain(tmp_path, name):
    with pytest.raises(ConfigError, match=rf"lake_only.*{name}"):
        load_contracts(write(tmp_path, contract(BEFORE, lake_only=[name])))


def test_a_warehouse_of_another_form_says_rebuild_and_stays_as_it_was(tmp_path):
    old = lake(tmp_path / "lake", of=OLD)
    old.replace("clean.things", DAY, frame(OLD, ROWS))
    warehouse(tmp_path, OLD).load(old, DAY)
    with pytest.raises(DataError, match=r"clean\.things has the form.*old not in the contract.*rebuild"):
        warehouse(tmp_path, NEW).load(lake(tmp_path / "lake", of=NEW), DAY)
    assert warehouse(tmp_path, OLD).read("clean.things", DAY).height == 2
    assert warehouse(tmp_path, OLD).differences() == {}
    (tmp_path / "warehouse.duckdb").unlink()
    assert warehouse(tmp_path, NEW).load(lake(tmp_path / "lake", of=NEW), DAY) == {"clean.things": 2}


# --- fingerprints ----------------------------------------------------------------------------------------------------


def write(sql_dir: Path, of: Contract) -> Path:
    (sql_dir / "clean").mkdir(parents=True, exist_ok=True)
    content = of.model_dump(mode="json", exclude={"table"})
    (sql_dir / "clean" / "things.yml").write_text(yaml.safe_dump(content), "utf8")
    return sql_dir


def test_the_fingerprints_of_the_product_are_current(root):
    """Changed a contract? Declare it under `changes`, then run: caifeng contracts --stamp."""
    assert undeclared(root / "sql") == []
    assert len(load_contracts(root / "sql")) >= 40


def test_columns_cannot_change_without_a_declared_change(tmp_path):
    sql = write(tmp_path, OLD)
    assert undeclared(sql) == [f"clean.things: new, not in {FINGERPRINTS} yet; run `caifeng contracts --stamp`"]
    assert stamp(sql) == ["clean.things"]
    assert undeclared(sql) == []
    write(sql, contract(AFTER))
    (fault,) = undeclared(sql)
    assert "old is gone; views is gone; place is new; reads is new; grade is string, was int64" in fault
    with pytest.raises(ConfigError, match="without an entry in `changes`"):
        stamp(sql)
    write(sql, contract(AFTER, version=3, changes=[{**CHANGES[0], "column": "place"}, CHANGES[3]]))
    assert "reads is new" in undeclared(sql)[0]
    write(sql, NEW)
    assert undeclared(sql) == [f"clean.things: version 3 is not in {FINGERPRINTS}; run `caifeng contracts --stamp`"]
    assert stamp(sql) == ["clean.things"]
    assert undeclared(sql) == []
    write(sql, OLD)
    assert "lower than the one agreed" in undeclared(sql)[0]


def test_allowing_null_is_a_change_too(tmp_path):
    sql = write(tmp_path, OLD)
    stamp(sql)
    loose = [column | ({"null_means": "unknown"} if column["name"] == "grade" else {}) for column in BEFORE]
    write(sql, contract(loose))
    assert "grade is int64?, was int64" in undeclared(sql)[0]
    change = {"version": 2, "date": "2026-11-22", "kind": "retype", "column": "grade", "was": "int64", "what": "?"}
    write(sql, contract(loose, version=2, changes=[change]))
    assert stamp(sql) == ["clean.things"]


# --- drift -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def env(tmp_path: Path, root: Path) -> Env:
    """An own copy of contracts and configuration, so that a contract can change."""
    shutil.copytree(root / "sql", tmp_path / "sql")
    shutil.copytree(root / "config", tmp_path / "config")
    (tmp_path / "sql" / FINGERPRINTS).unlink()
    stamp(tmp_path / "sql")
    settings = Settings(home=tmp_path / "home", config=root / "config")
    contracts = load_contracts(tmp_path / "sql")
    opened = Env.open(settings)
    house = Warehouse(opened.warehouse.file, contracts, tmp_path / "sql")
    return Env(settings, contracts, Lake(settings.lake_dir, contracts), house)


def test_an_untouched_home_has_no_drift(env):
    assert [line for line in drift(env) if FINGERPRINTS not in line] == []


def test_every_kind_of_drift_is_named_with_table_place_and_column(env):
    schema = env.contracts["ops.topics"].polars_schema()
    name = next(c.name for c in env.contracts["ops.topics"].columns if c.type == "string" and c.null_means is None)
    row = {c.name: "字" if c.type == "string" else None for c in env.contracts["ops.topics"].columns}
    folder = env.lake.root / "ops" / "topics"
    frames = {
        "surplus": pl.DataFrame([row], schema=schema).with_columns(author=pl.lit("?")),
        "missing": pl.DataFrame([row], schema=schema).drop(name),
        "type": pl.DataFrame([row], schema=schema).with_columns(pl.lit(1).alias(name)),
        "null": pl.DataFrame([row | {name: None}], schema=schema),
    }
    for part, made in frames.items():
        (folder / f"day={DAY}").mkdir(parents=True, exist_ok=True)
        made.write_parquet(folder / f"day={DAY}" / f"{part}.parquet")
    (folder / f"day={DAY}" / "torn.parquet").write_bytes(b"PAR1")
    lines = [line for line in drift(env) if line.startswith("ops.topics: lake")]
    said = "\n".join(lines)
    assert f"ops.topics: lake day={DAY}/surplus.parquet: author not in the contract" in said
    assert f"ops.topics: lake day={DAY}/missing.parquet: {name} missing" in said
    assert f"ops.topics: lake day={DAY}/type.parquet: {name} Int32, not String" in said
    assert f"ops.topics: lake day={DAY}/null.parquet: {name} holds 1 nulls" in said
    assert f"ops.topics: lake day={DAY}/torn.parquet: * cannot be read" in said


def test_the_warehouse_is_compared_too(env):
    env.warehouse.load(env.lake, DAY)
    assert env.warehouse.differences() == {}
    fewer = dict(env.contracts)
    topics = fewer.pop("ops.topics")
    cases = fewer["cases.claims"]
    fewer["cases.claims"] = cases.model_copy(update={"columns": cases.columns[:-1]})
    other = Env(env.settings, fewer, env.lake, Warehouse(env.warehouse.file, fewer, env.warehouse.sql_dir))
    lines = [line for line in drift(other) if "warehouse.duckdb" in line]
    assert f"{topics.table}: warehouse.duckdb: * table without a contract" in lines
    assert f"cases.claims: warehouse.duckdb: {cases.columns[-1].name} not in the contract" in lines
    assert len(lines) == 2
