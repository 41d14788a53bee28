"""Destroy what has reached the end of its life: the keys of stored pages (docs/privacy.md).

**When it fails.** Nothing is lost and nothing lives on unseen: the next run destroys what this one did not. A key
that cannot be removed is named with its path: look at the rights of `CAIFENG_HOME/keys`.
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

    destroy_bodies()
