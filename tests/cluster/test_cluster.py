"""The whole pipeline as DAG runs on CeleryExecutor with two workers; workers that are lost in the middle of a task."""

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest

from caifeng.core.contracts import load_contracts
from samples.town.story import load_story
from tests.cluster.conftest import ROOT, TOWN_PORT

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.xdist_group("cluster")]
DAYS = list(load_story().days)
#: What a stage does, as the DAGs' tasks call it, in one undisturbed process.
CRAWL = "from caifeng.jobs import timetable as t; [t.crawl_batch(ids, {day!r}) for ids in t.plan_batches()]"
EVALUATE = (
    "from caifeng.jobs import timetable as t; "
    "[t.run_stage(stage, {day!r}) for stage in ('clean', 'understand', 'cluster', 'grade')]"
)
PUBLISH = (
    "from caifeng.jobs import timetable as t; t.run_marts({day!r}); t.write_outputs({day!r}); t.publish_analytics()"
)


def evening(day):
    return f"{day}T23:50:00+08:00"


def undisturbed(config, home, day, clock):
    """The same day, in order, by one process per step, into a home of its own."""
    for code in (CRAWL, EVALUATE, PUBLISH):
        done = subprocess.run(
            [sys.executable, "-c", code.format(day=day.isoformat())],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "CAIFENG_HOME": str(home), "CAIFENG_CONFIG": str(config), "CAIFENG_AS_OF": clock},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]


def tables(home: Path) -> dict[str, pl.DataFrame]:
    """Every table of the lake and every published one but the diary (`ops`: runs, seconds, moments); rows in order."""
    found = {}
    for folder in sorted((home / "lake").glob("*/*")):
        if folder.parent.name != "ops" and (parts := sorted(folder.glob("day=*/*.parquet"))):
            found[f"{folder.parent.name}.{folder.name}"] = pl.concat(
                map(pl.read_parquet, parts), how="diagonal_relaxed"
            )
    with duckdb.connect(str(home / "analytics.duckdb"), read_only=True) as published:  # noqa: TID251 - as analysts do
        names = published.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema <> 'ops'"
        ).fetchall()
        for schema, name in names:
            found[f"published {schema}.{name}"] = published.sql(f'SELECT * FROM "{schema}"."{name}"').pl()
    return found


def hashes(frames: dict[str, pl.DataFrame]) -> dict[str, tuple[int, str]]:
    """Rows and content of each table, whatever their order."""
    return {
        name: (frame.height, str(sorted(frame.select(sorted(frame.columns)).hash_rows(seed=1).to_list())))
        for name, frame in frames.items()
    }


def run_day(cluster, day, kill=()):
    """One ingest and what it starts; workers killed in the DAGs of `kill`. Tries of every task, by DAG."""
    cluster.at(evening(day))
    since, lost, tried = cluster.last_run(), {}, {}
    cluster.trigger("ingest", f"test-{day}")
    aims = {
        "ingest": ("crawl_batch",),
        "process_day": ("understand", "clean"),
        "publish": ("build_marts", "write_outputs"),
    }
    for dag in ("ingest", "process_day", "publish"):
        if dag in kill:
            lost[dag], worker = cluster.kill_worker_in(dag, since, aims[dag])
            cluster.call("worker", worker)
        tried[dag] = cluster.wait(dag, since)
    return tried, lost


@pytest.fixture(scope="module")
def reference(cluster, tmp_path_factory):
    """The first two days, undisturbed, in one process after another."""
    home = tmp_path_factory.mktemp("reference")
    for day in DAYS[:2]:
        cluster.at(evening(day))
        undisturbed(cluster.config, home, day, evening(day))
    return tables(home)


def test_every_service_runs_and_both_workers_stand_elsewhere(cluster):
    assert cluster.call("status").count(" runs") == 8
    where = {str(Path(f"/proc/{cluster.pid(name)}/cwd").readlink()) for name in ("worker1", "worker2")}
    assert where == {str(cluster.folder / name) for name in ("worker1", "worker2")}


def test_no_secret_is_in_an_environment_or_a_command_line(cluster):
    secrets = [file.read_bytes() for file in (cluster.folder / "secrets").iterdir()]
    swept = 0
    for name in ("api-server", "scheduler", "worker1", "redis", "postgres"):
        for kind in ("environ", "cmdline"):
            text = Path(f"/proc/{cluster.pid(name)}/{kind}").read_bytes()
            assert not any(secret in text for secret in secrets), (name, kind)
            swept += 1
    assert swept == 10
    assert len(secrets) >= 7


def test_accounts_may_do_what_their_posts_need_and_no_more(cluster):
    assert cluster.api("GET", "/api/v2/connections", account="office").status_code == 403
    for account, expected in (("office", 200), ("leader", 403), ("analyst", 403)):
        body = {"dag_run_id": f"by-{account}", "logical_date": None, "conf": {}}
        assert cluster.api("POST", "/api/v2/dags/notify/dagRuns", body, account).status_code == expected, account
    assert cluster.api("GET", "/api/v2/dags").status_code == 200


def test_a_form_is_answered_by_the_account_it_names_and_by_no_other(cluster):
    since = cluster.last_run()
    conf = {"issue_no": "YQ-2026-9999", "request_id": "none-1", "subject": "报审", "body": "正文", "users": ["leader"]}
    body = {"dag_run_id": "form", "logical_date": None, "conf": conf}
    assert cluster.api("POST", "/api/v2/dags/approval/dagRuns", body, "office").status_code == 200
    # The worker dies while it puts the form; the next one puts it, and it is one form.
    _, worker = cluster.kill_worker_in("approval", since, ("ask",))
    cluster.call("worker", worker)
    form = "/api/v2/dags/approval/dagRuns/form/taskInstances/ask/-1/hitlDetails"
    for _ in range(120):
        if cluster.api("GET", form).status_code == 200:
            break
        time.sleep(1)
    said = {"chosen_options": ["同意"], "params_input": {"审批意见": "", "核定级别": None}}
    assert cluster.api("PATCH", form, said, "office").status_code == 403
    assert cluster.api("PATCH", form, said, "leader").status_code == 200
    assert cluster.sql("SELECT count(*) FROM hitl_detail")[0][0] == 1


def test_two_days_with_a_worker_lost_in_each_dag_are_as_undisturbed_ones(cluster, reference):
    run_day(cluster, DAYS[0])
    tried, lost = run_day(cluster, DAYS[1], kill=("ingest", "process_day", "publish"))
    assert set(lost) == {"ingest", "process_day", "publish"}
    for dag, task_id in lost.items():
        assert max(tries for task, _, _, tries in tried[dag] if task == task_id) >= 2, (dag, tried[dag])
    seen, expected = tables(cluster.home), reference
    assert len(expected) > 25
    assert seen["raw.posts"].height > 50
    assert not seen["raw.posts"].is_duplicated().any()
    assert {name: frame.height for name, frame in seen.items()} == {n: f.height for n, f in expected.items()}
    assert {n for n in expected if hashes({n: seen[n]}) != hashes({n: expected[n]})} == set()


@pytest.mark.parametrize(
    ("dag", "task_id", "conf"),
    [
        ("notify", "send_notices", {}),
        ("purge", "destroy_words", {}),
        ("review_periods", "review_month", {"period": f"{DAYS[0]:%Y-%m}"}),
    ],
)
def test_the_other_dags_end_well_although_a_worker_is_lost_and_change_no_table_they_do_not_fill(
    cluster, dag, task_id, conf
):
    before, since = hashes(tables(cluster.home)), cluster.last_run()
    cluster.trigger(dag, f"killed-{dag}", **conf)
    _, worker = cluster.kill_worker_in(dag, since, (task_id,))
    cluster.call("worker", worker)
    tried = cluster.wait(dag, since)
    assert max(tries for task, _, _, tries in tried if task == task_id) >= 2, tried
    disturbed, since = hashes(tables(cluster.home)), cluster.last_run()
    contracts = load_contracts(ROOT / "sql")
    of_days = {name for name in before if contracts[name.removeprefix("published ")].partition == "day"}
    assert len(of_days) > 20
    assert {name for name in of_days if disturbed[name] != before[name]} == set()
    # The same run undisturbed changes nothing: neither is there less than it writes, nor anything twice.
    cluster.trigger(dag, f"calm-{dag}", **conf)
    cluster.wait(dag, since)
    calm = hashes(tables(cluster.home))
    assert {name for name in calm if calm[name] != disturbed.get(name)} == set()


def test_the_town_was_really_asked(cluster):
    posts = pl.concat(map(pl.read_parquet, sorted((cluster.home / "lake/raw/posts").glob("day=*/*.parquet"))))
    assert posts.filter(pl.col("url").str.contains(f"127.0.0.1:{TOWN_PORT // 10}")).height > 50
