"""Review the month before on the 1st: marts, 月报 (docx, xlsx), data sets (Art. 13, 14).

**When it fails.** Nothing else depends on it; the last review stays as it was. "no day of it is in the warehouse"
means the month was not run: `caifeng backfill` it, then clear the task. A template error names the field of
`config/templates/月报.docx` to correct. Run it for any past month with the parameter `month`; the same month as of
the same moment gives the same files. `caifeng report month --month 2026-11` does the same by hand.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, task

from caifeng.jobs import timetable

with DAG(
    "review_periods",
    schedule=CronTriggerTimetable("0 6 1 * *", timezone="Asia/Shanghai"),
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5), "pool": "duckdb_writer"},
    params={
        "month": Param(
            None, type=["null", "string"], pattern=r"^\d{4}-(0[1-9]|1[0-2])$", title="月份（默认上月，如 2026-11）"
        )
    },
    doc_md=__doc__,
    tags=["caifeng"],
):

    @task
    def review_month() -> dict[str, int]:
        """Warehouse -> review marts -> outputs/review/<month>/."""
        return timetable.review_month(timetable.month_of_run(get_current_context()["dag_run"].conf))

    @task
    def publish_analytics() -> None:
        """Warehouse -> analytics.duckdb."""
        timetable.publish_analytics()

    review_month() >> publish_analytics()
