"""Partitions are replaced whole or not at all, and the same frame gives the same bytes."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest

from caifeng.core.contracts import load_contracts
from caifeng.core.errors import DataError, UsageError
from caifeng.core.files import machine
from caifeng.core.lake import Lake

DAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path, root) -> Lake:
    return Lake(tmp_path / "lake", load_contracts(root / "sql"))


def metrics(*views: int | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"post_id": [f"p{i}" for i in range(len(views))], "observed_at": AT, "views": list(views)},
        schema_overrides={"views": pl.Int64},
    ).with_columns(pl.lit(None, pl.Int64).alias(c) for c in ("reposts", "comments", "heat"))


def test_written_rows_come_back_with_null_and_zero_apart(lake):
    lake.replace("clean.post_metrics", DAY, metrics(0, None, 5))
    assert lake.read("clean.post_metrics", DAY)["views"].to_list() == [0, None, 5]


def test_a_partition_is_replaced_not_added_to(lake):
    lake.replace("clean.post_metrics", DAY, metrics(1, 2, 3))
    lake.replace("clean.post_metrics", DAY, metrics(9))
    assert lake.read("clean.post_metrics", DAY)["views"].to_list() == [9]


def test_parts_of_one_partition_stand_side_by_side(lake):
    lake.replace("clean.post_metrics", DAY, metrics(1), "a")
    lake.replace("clean.post_metrics", DAY, metrics(1, 2).tail(1), "b")
    assert lake.read("clean.post_metrics", DAY)["views"].to_list() == [1, 2]


def test_the_same_frame_gives_the_same_bytes(lake):
    first = lake.replace("clean.post_metrics", DAY, metrics(1, None)).read_bytes()
    assert lake.replace("clean.post_metrics", DAY, metrics(1, None).reverse()).read_bytes() == first


def test_bytes_do_not_depend_on_how_the_frame_lies_in_memory(lake):
    frame = metrics(*range(250_000))
    first = lake.replace("clean.post_metrics", DAY, frame).read_bytes()
    chunks = pl.concat([frame[:70_001], frame[70_001:70_002], frame[70_002:]])
    assert chunks.n_chunks() == 3
    assert lake.replace("clean.post_metrics", DAY, chunks).read_bytes() == first


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_pieces_are_the_partition_in_order(lake, rows):
    lake.replace("clean.post_metrics", DAY, metrics(1, 2, 3, 4, 5, 6, 7), "a")
    lake.replace("clean.post_metrics", DAY, metrics(8, None), "b")
    pieces = list(lake.pieces("clean.post_metrics", DAY, rows))
    assert pl.concat(pieces).equals(lake.read("clean.post_metrics", DAY))
    assert max(piece.height for piece in pieces) <= rows
    assert len(pieces) >= 2


def test_no_partition_and_an_empty_one_are_one_empty_piece(lake):
    names = lake.contracts["clean.post_metrics"].names
    assert [(p.height, p.columns) for p in lake.pieces("clean.post_metrics", DAY, 5)] == [(0, names)]
    lake.replace("clean.post_metrics", DAY, metrics())
    assert [(p.height, p.columns) for p in lake.pieces("clean.post_metrics", DAY, 5)] == [(0, names)]


def test_a_column_that_came_later_is_unknown_in_older_files_also_alone_and_in_pieces(lake):
    target = lake.replace("clean.post_metrics", DAY, metrics(1, 2, 3))
    pl.read_parquet(target).drop("heat").write_parquet(target)
    names = lake.contracts["clean.post_metrics"].names
    assert lake.read("clean.post_metrics", DAY).columns == names
    assert [piece.columns for piece in lake.pieces("clean.post_metrics", DAY, 2)] == [names, names]
    assert lake.read_range("clean.post_metrics", DAY, DAY, ["heat"])["heat"].to_list() == [None] * 3


def test_a_file_with_other_columns_is_an_error_whatever_is_read_of_it(lake):
    target = lake.replace("clean.post_metrics", DAY, metrics(1))
    pl.read_parquet(target).rename({"post_id": "id"}).write_parquet(target)
    for read in (
        lambda: lake.read("clean.post_metrics", DAY),
        lambda: lake.read_range("clean.post_metrics", DAY, DAY, ["views"]),
        lambda: list(lake.pieces("clean.post_metrics", DAY, 5)),
    ):
        with pytest.raises(DataError, match=r"data\.parquet: columns differ from the contract"):
            read()


def test_a_missing_partition_is_an_empty_frame_with_the_contracts_columns(lake):
    assert lake.read("clean.post_metrics", DAY).columns == lake.contracts["clean.post_metrics"].names
    assert lake.read_range("clean.post_metrics", DAY, DAY, ["post_id"]).columns == ["day", "post_id"]


def test_a_range_is_read_in_day_order_with_its_days(lake):
    for day in (date(2026, 11, 21), date(2026, 11, 19), date(2026, 11, 25)):
        lake.replace("clean.post_metrics", day, metrics(day.day))
    rows = lake.read_range("clean.post_metrics", date(2026, 11, 19), DAY, ["views"])
    assert rows.rows() == [(date(2026, 11, 19), 19), (date(2026, 11, 21), 21)]


def test_a_frame_that_breaks_the_contract_leaves_the_old_partition(lake):
    lake.replace("clean.post_metrics", DAY, metrics(1))
    with pytest.raises(DataError):
        lake.replace("clean.post_metrics", DAY, metrics(2, 3).with_columns(post_id=pl.lit("same")))
    assert lake.read("clean.post_metrics", DAY)["views"].to_list() == [1]


def test_leftovers_of_dead_writers_are_never_read_and_swept_those_of_living_ones_stay(lake):
    target = lake.replace("clean.post_metrics", DAY, metrics(1))
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    of_dead = target.with_name(f".data.parquet.{machine()}.{dead.stdout.strip()}.tmp")
    of_living = target.with_name(f".data.parquet.{machine()}.{os.getppid()}.tmp")
    elsewhere = target.with_name(f".data.parquet.other_worker.{dead.stdout.strip()}.tmp")
    long_ago = target.with_name(".data.parquet.lost_worker.7.tmp")
    for leftover in (of_dead, of_living, elsewhere, long_ago):
        leftover.write_bytes(b"half a file")
    os.utime(long_ago, (0, 0))
    assert lake.read("clean.post_metrics", DAY).height == 1
    assert sorted(lake.sweep()) == sorted([of_dead, long_ago])
    assert of_living.exists()
    assert elsewhere.exists()


def test_a_corrupted_file_is_an_error_that_names_it(lake):
    target = lake.replace("clean.post_metrics", DAY, metrics(1))
    target.write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match=r"data\.parquet: cannot be read"):
        lake.read("clean.post_metrics", DAY)


def test_a_place_that_cannot_be_written_is_one_clear_error(lake):
    lake.root.parent.mkdir(exist_ok=True)
    lake.root.write_text("a file where the lake should be")
    with pytest.raises(UsageError, match="cannot be written"):
        lake.replace("clean.post_metrics", DAY, metrics(1))
