"""One day of the lake -> warehouse. The only writers of the warehouse are this job and `marts`."""

from datetime import date, datetime

from caifeng.jobs.base import Env, JobReport


def load(env: Env, day: date, as_of: datetime) -> JobReport:
    """Replace the day's rows of every lake table in the warehouse."""
    rows = env.warehouse.load(env.lake, day)
    return JobReport("load", day, as_of, {"tables": len(rows), "rows": sum(rows.values())})
