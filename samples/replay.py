"""Run the real DAGs for a row of days in Airflow's in-process runner: `python -m samples.replay --days D1,D2 …`.

For each day the sample server's clock file is moved, the crawl happens late in the evening, and the day is
evaluated after midnight, as the timetable would do. Started by samples.demo in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date, timedelta
from pathlib import Path

#: Hours of the two visits, Shanghai time: the day's last crawl, and the run that completes the day.
CRAWLED_AT, COMPLETED_AT = "23:50:00+08:00", "00:10:00+08:00"


def main() -> None:
    """Run ingest, process_day and publish for each day; stop at the first DAG that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", required=True, help="days in order, separated by commas")
    parser.add_argument("--clock-file", type=Path, required=True, help="file that tells the server the day")
    arguments = parser.parse_args()

    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - seconds; --help must not wait for it

    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    if bag.import_errors:
        sys.exit(f"DAGs cannot be imported: {bag.import_errors}")
    for day in map(date.fromisoformat, arguments.days.split(",")):
        arguments.clock_file.write_text(day.isoformat(), "utf8")
        after = day + timedelta(days=1)
        for dag_id, moment in (
            ("ingest", f"{day}T{CRAWLED_AT}"),
            ("process_day", f"{after}T{COMPLETED_AT}"),
            ("publish", f"{after}T{COMPLETED_AT}"),
        ):
            os.environ["CAIFENG_AS_OF"] = moment
            dag = bag.dags[dag_id]
            dag.deadline = None  # Airflow's in-process runner trips over deadline alerts, which only a scheduler keeps
            run = dag.test(run_conf={"day": day.isoformat()})
            if run.state != "success":
                sys.exit(f"DAG {dag_id} ended {run.state} for {day}")


if __name__ == "__main__":
    main()
