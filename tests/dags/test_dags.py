"""The timetable: which DAGs and tasks there are, how they are connected, and that they can be run again."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

GRAPH = {
    "ingest": {"plan_batches": {"crawl_batch", "announce"}, "crawl_batch": {"announce"}, "announce": set()},
    "process_day": {
        "clean": {"understand"},
        "understand": {"cluster"},
        "cluster": {"grade"},
        "grade": set(),
    },
    "publish": {"build_marts": {"write_outputs"}, "write_outputs": {"publish_analytics"}, "publish_analytics": set()},
    "review_periods": {"review_month": {"publish_analytics"}, "publish_analytics": set()},
    "approval": {"ask": {"settle"}, "settle": set()},
    "purge": {"destroy_bodies": {"destroy_words"}, "destroy_words": {"clean_airflow"}, "clean_airflow": set()},
    "notify": {"send_notices": set()},
}
#: What runs for every day.
DAILY = ("ingest", "process_day", "publish")


@pytest.fixture(scope="module")
def dags(request):
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(request.config.rootpath / "dags"))
    assert bag.import_errors == {}
    return bag.dags


def test_exactly_these_dags_and_tasks_in_this_order(dags):
    assert {dag_id: {t.task_id: t.downstream_task_ids for t in dag.tasks} for dag_id, dag in dags.items()} == GRAPH


def test_a_day_costs_at_most_ten_tasks(dags):
    assert sum(len(dags[dag_id].tasks) for dag_id in DAILY) <= 10


def test_dags_are_connected_by_assets(dags):
    outlets = {dag_id: {a.name for t in dag.tasks for a in t.outlets} for dag_id, dag in dags.items()}
    assert {dag_id: names for dag_id, names in outlets.items() if names} == {
        "ingest": {"raw_posts"},
        "process_day": {"graded_issues"},
    }
    awaited = {
        dag_id: {asset.name for asset in getattr(dag.timetable.asset_condition, "objects", ())}
        for dag_id, dag in dags.items()
    }
    assert {dag_id: names for dag_id, names in awaited.items() if names} == {
        "process_day": {"raw_posts"},
        "publish": {"graded_issues"},
    }


def test_every_task_is_retried_and_every_pool_exists(dags, root):
    pools = set(json.loads((root / "docker" / "pools.json").read_text("utf8"))) | {"default_pool"}
    tasks = [task for dag in dags.values() for task in dag.tasks]
    assert len(tasks) == 18
    for task in tasks:
        assert task.retries >= 1, task
        assert task.retry_delay <= timedelta(minutes=5), task
        assert task.pool in pools, task


def test_only_one_task_at_a_time_writes_duckdb(dags, root):
    writers = [task for dag_id in ("publish", "review_periods") for task in dags[dag_id].tasks]
    assert {task.pool for task in writers} == {"duckdb_writer"}
    assert json.loads((root / "docker" / "pools.json").read_text("utf8"))["duckdb_writer"]["slots"] == 1


def test_every_dag_says_what_to_do_when_it_fails_and_for_which_period_it_is(dags):
    assert len(dags) == 7
    for dag_id, dag in dags.items():
        assert "**When it fails.**" in dag.doc_md, dag
        assert dag.catchup is False, dag
        if dag_id not in {"approval", "purge", "notify"}:
            assert {"day", "month", "period"} & set(dag.params), dag
            assert dag.max_active_runs == 1, dag


def test_announcing_runs_even_if_a_batch_failed(dags):
    assert dags["ingest"].get_task("announce").trigger_rule == "all_done"


def test_parsing_a_dag_does_not_import_polars(root):
    """A task forked from a parent that has used Polars hangs (docs/decisions/0011)."""
    code = f"""
import sys, runpy
for name in ("ingest", "process_day", "publish", "review_periods", "approval", "purge", "notify"):
    runpy.run_path({str(root / "dags")!r} + "/" + name + ".py")
print(sorted({{"polars", "duckdb", "scrapy"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_what_a_dag_does_a_command_can_do(dags):
    """Each evaluating task is a stage of `caifeng run`, or a verb."""
    from typer.main import get_command

    from caifeng.cli import app
    from caifeng.jobs.stages import STAGES

    verbs = set(get_command(app).commands)
    verbs_of_tasks = {
        "review_month": "report",
        "destroy_bodies": "purge",
        "destroy_words": "purge",
        "clean_airflow": "purge",
        "send_notices": "notify",
        "crawl_batch": "crawl",
        "publish_analytics": "publish",
        "build_marts": "run",
        "write_outputs": "run",
    }
    helpers = {"plan_batches", "announce", "ask", "settle"}
    steps = [t.task_id for dag in dags.values() for t in dag.tasks if t.task_id not in helpers]
    assert len(steps) == 14
    for step in steps:
        assert step in STAGES or verbs_of_tasks[step] in verbs, step
