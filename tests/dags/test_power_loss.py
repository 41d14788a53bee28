"""After days without power Airflow plans one run of each DAG, not one for every run that was missed."""

from datetime import UTC, datetime, timedelta

import pytest

#: The power went on a Thursday evening and came back on Sunday at noon (Shanghai).
GONE, BACK = datetime(2026, 11, 19, 12, tzinfo=UTC), datetime(2026, 11, 22, 4, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def dags(request):
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    bag = DagBag(str(request.config.rootpath / "dags"))
    return {name: DagSerialization.from_dict(DagSerialization.to_dict(dag)) for name, dag in bag.dags.items()}


def missed(dag, monkeypatch, now):
    """Runs that are due at `now`, one planned after the other, the last one before having been due when it went."""
    for module in ("airflow.timetables.trigger", "airflow.timetables.interval"):
        monkeypatch.setattr(f"{module}.utcnow", lambda: now[0])
    now[0] = GONE
    last = dag.next_dagrun_info(last_automated_run_info=None)
    now[0] = BACK
    due = []
    while (last := dag.next_dagrun_info(last_automated_run_info=last)).run_after <= BACK:
        due.append(last)
        assert len(due) < 9
    return due


@pytest.mark.parametrize(
    ("name", "every"), [("ingest", 15), ("notify", 5), ("purge", 24 * 60), ("process_day", 24 * 60)]
)
def test_what_was_missed_is_one_run(dags, monkeypatch, name, every):
    (run,) = missed(dags[name], monkeypatch, [GONE])
    assert BACK - timedelta(minutes=every) <= run.run_after <= BACK


def test_the_run_of_the_night_is_for_the_day_that_ended_last(dags, monkeypatch):
    from caifeng.jobs.timetable import day_of_run

    (run,) = missed(dags["process_day"], monkeypatch, [GONE])
    assert day_of_run(None, [], 1, run.run_after) == "2026-11-21"


def test_no_review_is_due_within_a_month(dags, monkeypatch):
    assert missed(dags["review_periods"], monkeypatch, [GONE]) == []
