"""Load the graded day into the warehouse, build its marts, write paper and dashboard, publish for analysts.

**When it fails.** The last published state stays as it was. All tasks run one at a time (pool
`duckdb_writer`), because DuckDB has one writer. "cannot be opened" means another program holds
`warehouse.duckdb`: close it; analysts use `analytics.duckdb`. A corrupted warehouse is no loss:
`caifeng rebuild`. A template error names the field of the .docx to correct.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Asset, DeadlineAlert, DeadlineReference, Param, SyncCallback, get_current_context, task

from caifeng.jobs import timetable

GRADED_ISSUES = Asset(name="graded_issues", uri="caifeng://lake/graded/issue_grades")


def _days() -> list[str]:
    context = get_current_context()
    events = (event for batch in context["triggering_asset_events"].values() for event in batch)
    return timetable.days_of_run(context["dag_run"].conf, (event.extra for event in events))


with DAG(
    "publish",
    schedule=[GRADED_ISSUES],
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "pool": "duckdb_writer"},
    params={"day": Param(None, type=["null", "string"], format="date", title="日期")},
    deadline=DeadlineAlert(
        DeadlineReference.DAGRUN_QUEUED_AT,
        timedelta(minutes=30),
        SyncCallback("caifeng.jobs.timetable.late", {"dag": "publish", "minutes": 30}),
    ),
    doc_md=__doc__,
    tags=["caifeng"],
):

    @task
    def build_marts() -> dict[str, int]:
        """Lake -> warehouse -> marts."""
        return [timetable.run_marts(day) for day in _days()][-1]

    @task
    def write_outputs() -> dict[str, int]:
        """Marts -> 政务舆情日志, 预警报送清单, dashboard."""
        return [timetable.write_outputs(day) for day in _days()][-1]

    @task
    def publish_analytics() -> None:
        """Warehouse -> analytics.duckdb."""
        timetable.publish_analytics()

    build_marts() >> write_outputs() >> publish_analytics()
