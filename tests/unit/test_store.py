"""A lake in a bucket is the lake in a folder: same parts, whole or not at all, no writer lost unseen."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.contracts import load_contracts
from caifeng.core.errors import DataError, UsageError
from caifeng.core.lake import Lake
from caifeng.core.settings import Settings
from caifeng.core.store import Access
from tests.s3_server import KEY_ID, SECRET, s3_server

pytest.importorskip("obstore")
from caifeng.core.bucket import Bucket

TABLE, DAY = "clean.post_metrics", date(2026, 11, 22)
KEY = "home/clean/post_metrics/day=2026-11-22/data.parquet"


def metrics(*views: int | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"post_id": [f"p{i}" for i in range(len(views))], "observed_at": datetime(2026, 11, 22, tzinfo=UTC)}
        | {"views": list(views)},
        schema_overrides={"views": pl.Int64},
    ).with_columns(pl.lit(None, pl.Int64).alias(c) for c in ("reposts", "comments", "heat"))


def overtaken(lake: Lake, name: str, meanwhile, content: Path | None = None) -> None:
    """Replace a part, slowly."""
    with lake.store.replacing(name) as slow:
        slow.write_bytes(content.read_bytes() if content else b"late")
        meanwhile()


@pytest.fixture
def bucket():
    with s3_server() as server:
        yield server


@pytest.fixture
def worker(bucket, tmp_path, root):
    """Makes a lake as a worker with a directory of its own sees it."""
    numbers, contracts = count(1), load_contracts(root / "sql")

    def made(**patience) -> Lake:
        access = Access(KEY_ID, SECRET, region="cn-test-1", endpoint=bucket.address)
        return Lake(Bucket("s3://lake/home", tmp_path / f"worker{next(numbers)}", access, **patience), contracts)

    return made


def test_a_bucket_holds_the_bytes_that_a_folder_would(bucket, worker, tmp_path):
    here, there = Lake(tmp_path / "lake", worker().contracts), worker()
    for lake in (here, there):
        for part, frame in (("a", metrics(1, None)), ("b", metrics(3, 4, 5))):
            lake.replace(TABLE, DAY, frame, part)
            lake.replace(TABLE, DAY - timedelta(days=9), frame, part)
    wanted = {name: file.read_bytes() for name, file in here.store.parts()}
    assert len(wanted) == 4
    assert bucket.lake("home") == wanted
    other = worker()
    assert {name: file.read_bytes() for name, file in other.store.parts()} == wanted
    assert other.days(TABLE) == here.days(TABLE) == [DAY - timedelta(days=9), DAY]
    assert other.read(TABLE, DAY).equals(here.read(TABLE, DAY))
    span = (TABLE, date(2026, 11, 1), DAY)
    assert other.read_range(*span).equals(here.read_range(*span))
    order = ["day", "post_id", "views"]
    assert other.scan(*span).collect().sort(order).equals(here.scan(*span).collect().sort(order))
    assert [file.name for file in other.directory(TABLE, DAY).glob("*.parquet")] != []


def test_a_worker_sees_what_another_replaced_and_removed(bucket, worker):
    one, two = worker(), worker()
    one.replace(TABLE, DAY, metrics(1))
    assert two.read(TABLE, DAY)["views"].to_list() == [1]
    for views in range(2, 12):  # same size each time, within one second
        one.replace(TABLE, DAY, metrics(views))
        assert two.read(TABLE, DAY)["views"].to_list() == [views]
    del bucket.objects[KEY]
    assert two.files(TABLE, DAY) == []
    assert two.days(TABLE) == []
    assert list(two.root.rglob("*.parquet")) == []  # what the lake gave up is in no cache


def test_a_part_that_did_not_change_is_fetched_once(bucket, worker):
    worker().replace(TABLE, DAY, metrics(1))
    lake = worker()
    lake.read(TABLE, DAY)
    before = bucket.asked["GET"]
    for _ in range(5):
        lake.read(TABLE, DAY)
    assert bucket.asked["GET"] - before == 5  # one listing each


def test_a_second_writer_of_other_bytes_is_refused_and_of_the_same_bytes_is_not(bucket, worker):
    one, two = worker(), worker()
    one.replace(TABLE, DAY, metrics(1))
    name = f"clean/post_metrics/day={DAY}/data.parquet"
    same = metrics(2)
    overtaken(two, name, lambda: one.replace(TABLE, DAY, same), one.replace(TABLE, DAY - timedelta(days=1), same))
    one.replace(TABLE, DAY, metrics(3))
    with pytest.raises(DataError, match="another process replaced it meanwhile"):
        overtaken(two, name, lambda: one.replace(TABLE, DAY, metrics(7)))
    assert worker().read(TABLE, DAY)["views"].to_list() == [7]
    assert two.read(TABLE, DAY)["views"].to_list() == [7]


def test_two_first_writers_do_not_overwrite_each_other(worker):
    one, two = worker(), worker()
    name = f"clean/post_metrics/day={DAY}/data.parquet"
    with pytest.raises(DataError, match="run the stage again"):
        overtaken(two, name, lambda: one.replace(TABLE, DAY, metrics(7)))
    assert worker().read(TABLE, DAY)["views"].to_list() == [7]


def test_readers_of_a_part_that_is_being_replaced_see_the_old_or_the_new_one(worker):
    writer, readers = worker(), [worker(), worker()]
    writer.replace(TABLE, DAY, metrics(0, 0, 0))
    seen, errors, ended = [], [], threading.Event()

    def read(lake: Lake) -> None:
        while not ended.is_set():
            try:
                seen.append(tuple(lake.read(TABLE, DAY)["views"]))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=read, args=(lake,)) for lake in [readers[0], *readers]]
    for thread in threads:
        thread.start()
    views = 0
    while views < 30 or (len(seen) <= 10 and views < 1000):  # until the readers had their turn
        views += 1
        writer.replace(TABLE, DAY, metrics(views, views, views))
    ended.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(seen) > 10
    assert all(len(set(views)) == 1 and len(views) == 3 for views in seen)


@pytest.mark.parametrize("status", [500, 503])
def test_server_errors_are_tried_again(bucket, worker, status):
    times = count()
    bucket.fault = lambda _method, _key: status if next(times) % 3 else None
    lake = worker()
    lake.replace(TABLE, DAY, metrics(1))
    assert worker().read(TABLE, DAY)["views"].to_list() == [1]
    assert next(times) > 6


@pytest.mark.parametrize("status", [500, 503, 403])
def test_a_server_that_stays_away_is_told_in_one_line(bucket, worker, status):
    lake = worker(patience=timedelta(seconds=1))
    bucket.fault = lambda _method, _key: status
    for call in (lambda: lake.replace(TABLE, DAY, metrics(1)), lambda: lake.read(TABLE, DAY), lambda: lake.days(TABLE)):
        with pytest.raises(UsageError) as told:
            call()
        assert len(str(told.value).splitlines()) == 1
        assert str(told.value).startswith("s3://lake/home/clean/post_metrics")
        assert SECRET not in str(told.value)
    assert bucket.objects == {}


def test_an_answer_that_does_not_come_in_time_is_told(bucket, worker):
    lake = worker(patience=timedelta(seconds=1), timeout=timedelta(seconds=1))
    bucket.delay = lambda _method, _key: 1.5
    with pytest.raises(UsageError, match="cannot be reached"):
        lake.read(TABLE, DAY)


def test_a_write_whose_answer_was_lost_is_no_conflict(bucket, worker):
    lake = worker()
    lake.replace(TABLE, DAY, metrics(1))
    lost = count()
    bucket.swallow = lambda method, _key: method == "PUT" and next(lost) == 0
    lake.replace(TABLE, DAY, metrics(2))
    assert next(lost) > 1
    assert worker().read(TABLE, DAY)["views"].to_list() == [2]


def test_a_writer_killed_in_the_middle_leaves_the_old_part(bucket, worker, root, tmp_path):
    worker().replace(TABLE, DAY, metrics(1))
    sending = threading.Event()
    bucket.delay = lambda method, _key: (sending.set() or 1.0) if method == "PUT" else 0
    bucket.fault = lambda method, _key: 500 if method == "PUT" else None
    program = (
        "import sys; from datetime import date; from pathlib import Path\n"
        "from caifeng.core.contracts import load_contracts; from caifeng.core.lake import Lake\n"
        "from caifeng.core.settings import Settings\n"
        "from tests.unit.test_store import metrics\n"
        "settings = Settings.load()\n"
        f"lake = Lake(settings.lake_store(), load_contracts(Path({str(root / 'sql')!r})))\n"
        f"lake.replace({TABLE!r}, date(2026, 11, 22), metrics(5, 6))\n"
    )
    environment = os.environ | bucket.environment() | {"CAIFENG_HOME": str(tmp_path), "CAIFENG_LAKE": "s3://lake/home"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=root)
    assert sending.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    bucket.delay, bucket.fault = lambda _method, _key: 0, lambda _method, _key: None
    left = [*(tmp_path / "cache" / "lake").rglob("*.tmp")]
    assert len(left) == 1
    lake = Lake(Bucket("s3://lake/home", tmp_path / "cache" / "lake", _access(bucket)), worker().contracts)
    assert lake.sweep() == left
    assert lake.read(TABLE, DAY)["views"].to_list() == [1]


def test_own_writes_are_seen_where_listings_lag_behind(bucket, worker):
    bucket.unlisted.add(KEY)
    lake = worker()
    lake.replace(TABLE, DAY, metrics(1))
    assert lake.days(TABLE) == [DAY]
    assert lake.read(TABLE, DAY)["views"].to_list() == [1]
    assert lake.read_range(TABLE, DAY, DAY).height == 1


def test_a_name_that_leads_out_of_the_cache_is_not_fetched(bucket, worker, tmp_path):
    worker().replace(TABLE, DAY, metrics(1))
    bucket.objects["home/clean/post_metrics/day=2026-11-22/..\\x.parquet"] = b"x"
    lake = worker()
    assert len(lake.files(TABLE, DAY)) == 1
    bucket.objects["home/clean/post_metrics/day=2026-11-22/../../../../x.parquet"] = b"x"
    with pytest.raises(UsageError, match="invalid path"):
        lake.files(TABLE, DAY)
    assert [path for path in tmp_path.rglob("x.parquet") if path.is_file()] == []


def test_a_long_listing_comes_in_pages(bucket, worker):
    lake = worker()
    lake.replace(TABLE, DAY, metrics(1))
    content = bucket.objects[KEY]
    bucket.objects |= {KEY.replace("data", f"part{n:04}"): content for n in range(1, 1200)}
    del bucket.objects[KEY]
    assert len(worker().files(TABLE, DAY)) == 1199


def test_a_server_that_heeds_no_condition_is_found_out(bucket, worker):
    lake = worker()
    assert lake.store.faults() == []
    bucket.heeds_conditions = False
    assert [word in fault for fault, word in zip(lake.store.faults(), ("If-None-Match", "If-Match"), strict=True)]
    assert bucket.objects == {}


def test_settings_say_where_the_lake_stands(monkeypatch, tmp_path, bucket):
    assert str(Settings(home=tmp_path).lake_store()) == str(tmp_path / "lake")
    assert str(Settings(home=tmp_path, lake=str(tmp_path / "far")).lake_store()) == str(tmp_path / "far")
    settings = Settings(home=tmp_path, lake="s3://lake/home")
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    with pytest.raises(UsageError, match="AWS_ACCESS_KEY_ID: not set"):
        settings.lake_store()
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n", "utf8")
    for name, value in bucket.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(secret))
    with pytest.raises(UsageError, match="both set"):
        settings.lake_store()
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert settings.lake_store().folders(TABLE) == []
    with pytest.raises(UsageError, match="no s3://bucket"):
        Settings(home=tmp_path, lake="http://somewhere/lake").lake_store()


def _access(bucket) -> Access:
    return Access(KEY_ID, SECRET, region="cn-test-1", endpoint=bucket.address)
