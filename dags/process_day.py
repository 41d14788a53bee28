"""Clean, understand, cluster and grade one day (Art. 6), after each ingest and once more when the day is over.

**When it fails.** Every task fills partitions of one day and can be cleared and run again at any time: same
input, same result. The log's last line names table, column or configuration file. `clean` and `understand`
failing on a contract means a source sends something new: see `clean.rejects` and the source's fixture.
`cluster` needs the case register. Nothing is shown to anybody before `publish` has run.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow import sdk
from airflow.sdk import DAG, Asset, Param, chain, get_current_context, task

from caifeng.jobs import timetable

RAW_POSTS = Asset(name="raw_posts", uri="caifeng://lake/raw/posts")
GRADED_ISSUES = Asset(name="graded_issues", uri="caifeng://lake/graded/issue_grades")


def _day() -> str:
    context = get_current_context()
    events = (event for batch in context["triggering_asset_events"].values() for event in batch)
    run = context["dag_run"]
    return timetable.day_of_run(run.conf, (event.extra for event in events), 1, run.logical_date)


with DAG(
    "process_day",
    schedule=sdk.AssetOrTimeSchedule(
        timetable=sdk.CronTriggerTimetable("10 0 * * *", timezone="Asia/Shanghai"), assets=[RAW_POSTS]
    ),
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=1)},
    params={"day": Param(None, type=["null", "string"], format="date", title="日期")},
    deadline=sdk.DeadlineAlert(
        sdk.DeadlineReference.DAGRUN_QUEUED_AT,
        timedelta(minutes=30),
        sdk.SyncCallback("caifeng.jobs.timetable.late", {"dag": "process_day", "minutes": 30}),
    ),
    doc_md=__doc__,
    tags=["caifeng"],
):

    @task
    def run_stage(stage: str) -> dict[str, int]:
        """Fill the partitions of one stage."""
        return timetable.run_stage(stage, _day())

    @task(outlets=[GRADED_ISSUES])
    def grade(outlet_events: dict[Asset, object] | None = None) -> dict[str, int]:
        """Grade, and say for which day."""
        outlet_events[GRADED_ISSUES].extra = {"day": _day()}
        return timetable.run_stage("grade", _day())

    chain(*(run_stage.override(task_id=stage)(stage) for stage in ("clean", "understand", "cluster")), grade())
