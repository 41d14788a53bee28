"""One day of lake and register -> warehouse. The only writers of the warehouse are this job and `marts`."""

from datetime import date, datetime

from caifeng.jobs.answers import answers
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.export_cases import export_cases
from caifeng.jobs.gates import gate_records
from caifeng.jobs.publications import publications
from caifeng.jobs.quality import quality
from caifeng.jobs.reconcile import reconcile
from caifeng.jobs.runs import store_runs


def load(env: Env, day: date, as_of: datetime) -> JobReport:
    """Put what people decided by `as_of` beside the day's tables, and replace all of them in the warehouse.

    Raises:
        DataError: rows of the day are not accounted for; the warehouse stays as it was.
        GateError: what crawlers and register put on record breaks a rule; the warehouse stays as it was.
    """
    reconcile(env, day, as_of)
    export_cases(env, day, as_of)
    answers(env, day, as_of)
    quality(env, day, as_of)
    publications(env, day, as_of)
    store_runs(env.settings.home, env.lake, day)
    gate_records(env, day)
    rows = env.warehouse.load(env.lake, day)
    return JobReport("load", day, as_of, {"tables": len(rows), "rows": sum(rows.values())})
