"""Review past periods on the 1st: the month, at its turn the quarter and the year (Art. 13, 14).

**When it fails.** Nothing else depends on it; the last review stays as it was. "no day of it is in the warehouse"
means the period was not run: `caifeng backfill` it, then clear the task. A template error names the field of
`config/templates/月报.docx`, `季报.docx` or `年度总结.docx` to correct. Run it for any past period with the parameter
`period`; the same period as of the same moment gives the same files. `caifeng report month --month 2026-11` and
`report quarter`, `report year` do the same by hand.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from caifeng.jobs import review_runs, timetable

with DAG(
    "review_periods",
    schedule=CronTriggerTimetable("0 6 1 * *", timezone="Asia/Shanghai"),
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5), "pool": "duckdb_writer"},
    params={
        "period": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$",
            title="期间（默认上月，季初、年初另加上季度、上年；如 2026-11、2026-Q4、2026）",
        ),
    },
    doc_md=__doc__,
    tags=["caifeng"],
):

    @task(task_id="review_month")
    def review_ended_periods() -> dict[str, int]:
        """Warehouse -> review marts -> outputs/review/<period>/, months first."""
        asked = get_current_context()["dag_run"].conf or {}
        if not asked.get("period"):
            files = review_runs.scheduled_reviews()
            if not files:
                raise AirflowSkipException("nothing that was run has ended yet")
            return files
        return review_runs.review_periods(review_runs.periods_of_run(asked))

    @task
    def publish_analytics() -> None:
        """Warehouse -> analytics.duckdb."""
        timetable.publish_analytics()

    review_ended_periods() >> publish_analytics()
