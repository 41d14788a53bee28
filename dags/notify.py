"""Tell people what they have to know: early warnings and duties that fall due, by the channels of config/notify.toml.

**When it fails.** Messages wait in the outbox and go with a later run; the 工作台 shows what did not go out and why
(docs/notifications.md). Without a channel nothing is sent and everything stays on the 工作台.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, DeadlineAlert, DeadlineReference, SyncCallback, task

from caifeng.jobs import timetable

with DAG(
    "notify",
    schedule="*/5 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=1)},
    deadline=DeadlineAlert(
        DeadlineReference.DAGRUN_QUEUED_AT,
        timedelta(minutes=15),
        SyncCallback("caifeng.jobs.timetable.late", {"dag": "notify", "minutes": 15}),
    ),
    doc_md=__doc__,
    tags=["caifeng"],
):

    @task
    def send_notices() -> dict[str, int]:
        """Outbox: what is new goes in, what waits goes out."""
        return timetable.send_notices()

    send_notices()
