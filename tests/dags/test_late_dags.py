"""A run that takes too long is told; what is called then exists and is light to import."""

from datetime import timedelta

import pytest

from caifeng.jobs import timetable

LIMITS = {"process_day": 30, "publish": 30, "notify": 15}


@pytest.fixture(scope="module")
def dags(request):
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(request.config.rootpath / "dags")).dags


@pytest.mark.parametrize("dag_id", LIMITS)
def test_a_late_run_puts_an_alarm_into_the_outbox(dags, dag_id):
    (alert,) = dags[dag_id].deadline
    assert alert.interval == timedelta(minutes=LIMITS[dag_id])
    assert alert.callback.path == f"{timetable.__name__}.{timetable.late.__name__}"
    assert alert.callback.kwargs == {"dag": dag_id, "minutes": LIMITS[dag_id]}
