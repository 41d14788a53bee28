"""Destroy what has reached the end of its life, and certify it (docs/privacy.md).

**When it fails.** Nothing is lost and nothing lives on unseen: the next run destroys what this one did not, and
certifies both. What cannot be removed is named with its path: look at the rights below `CAIFENG_HOME`.
Where most of the last days have no run it stops, for the clock may be wrong: it says how to go on if it is right.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, task

from caifeng.jobs import timetable

with DAG(
    "purge",
    schedule="20 0 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
    tags=["caifeng"],
):

    @task
    def destroy_bodies() -> dict[str, int]:
        """Keys of irrelevant pages after a day, of the others after 30 days."""
        return timetable.destroy_bodies()

    @task(pool="duckdb_writer")
    def destroy_words() -> dict[str, int]:
        """Words of irrelevant posts after 14 days, of others after 180; documents, messages, copies; certificate."""
        return timetable.destroy_words()

    @task
    def clean_airflow() -> dict[str, int]:
        """Runs, task data and answered forms in Airflow's own database after 180 days."""
        return timetable.clean_airflow()

    destroy_bodies() >> destroy_words() >> clean_airflow()
