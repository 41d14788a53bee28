"""Fetch every source whose turn it is and land raw posts (Art. 4: watch in real time).

**When it fails.** A source that cannot be read never fails a task: it is named in the daily log and under
来源. A red `crawl_batch` means the crawler process itself broke: read its log, correct the configuration it
names (`caifeng check`), then clear the task; the other batches have landed. Run it for a day in the past with
the parameter `day` only for sources whose addresses carry the day.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Asset, Param, TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from caifeng.jobs import timetable

RAW_POSTS = Asset(name="raw_posts", uri="caifeng://lake/raw/posts")


def _day() -> str:
    return timetable.day_of_run(get_current_context()["dag_run"].conf, [])


with DAG(
    "ingest",
    schedule="*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=2)},
    params={"day": Param(None, type=["null", "string"], format="date", title="日期（默认今天）")},
    doc_md=__doc__,
    tags=["caifeng"],
):

    @task
    def plan_batches() -> list[list[str]]:
        """Read the source files."""
        return timetable.plan_batches()

    @task(pool="crawl", map_index_template="{{ source_ids | join(', ') }}")
    def crawl_batch(source_ids: list[str]) -> dict[str, object]:
        """Fetch one batch of sources in a process of its own."""
        return timetable.crawl_batch(source_ids, _day())

    @task(outlets=[RAW_POSTS], trigger_rule=TriggerRule.ALL_DONE)
    def announce(batches: list[list[str]], outlet_events: dict[Asset, object] | None = None) -> None:
        """Tell the next DAG on which day something may have landed."""
        if not batches:
            raise AirflowSkipException("no source was due")
        outlet_events[RAW_POSTS].extra = {"day": timetable.day_of_run(None, [])}

    planned = plan_batches()
    crawl_batch.expand(source_ids=planned) >> announce(planned)
