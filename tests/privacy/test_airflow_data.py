"""Airflow's own database: what tasks handed on and people answered is gone after its life, also from free pages."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from caifeng.jobs import purge
from caifeng.jobs.base import Env
from caifeng.jobs.purge import clean_airflow
from tests.privacy.homes import AT, MARK, after


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrated metadata database with a run, its XCom and an answered form, long ago and just now."""
    home = tmp_path / "airflow"
    monkeypatch.setenv("AIRFLOW_HOME", str(home))
    file = home / "airflow.db"
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{file}")
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    home.mkdir()
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, env=os.environ)
    return file


def fill(file: Path, number: int, at: str, mark: str) -> None:
    """Rows as a run of the DAG approval leaves them; every column that must be filled gets something plain."""
    common = {"dag_id": "approval", "run_id": f"run{number}", "task_id": "ask", "map_index": -1, "try_number": 1}
    ti = f"{number:032x}"
    with sqlite3.connect(file) as db:
        for table, values in (
            (
                "dag_run",
                {
                    **common,
                    "id": number,
                    "logical_date": at,
                    "start_date": at,
                    "end_date": at,
                    "run_after": at,
                    "queued_at": at,
                    "run_type": "manual",
                    "state": "success",
                    "created_at": at,
                    "updated_at": at,
                    "log_template_id": None,
                },
            ),
            ("task_instance", {**common, "id": ti, "start_date": at, "end_date": at, "state": "success"}),
            ("xcom", {**common, "dag_run_id": number, "key": f"k{number}", "value": f'"{mark}"', "timestamp": at}),
            (
                "hitl_detail",
                {
                    "ti_id": ti,
                    "options": "[]",
                    "subject": mark,
                    "body": mark,
                    "created_at": at,
                    "params": "{}",
                    "params_input": f'{{"opinion": "{mark}"}}',
                    "responded_at": at,
                },
            ),
        ):
            info = db.execute(f"PRAGMA table_info({table})").fetchall()
            row = {}
            for _, name, kind, not_null, default, _pk in info:
                if name in values:
                    row[name] = values[name]
                elif not_null and default is None:
                    row[name] = 0 if any(k in kind.upper() for k in ("INT", "BOOL", "FLOAT")) else "x"
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", [*row.values()])
    db.close()


def test_old_runs_forms_and_task_data_go_and_new_ones_stay(
    env: Env, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = after(env, 181)
    fill(database, 1, f"{AT:%Y-%m-%d %H:%M:%S}.000000", MARK)
    fill(database, 2, f"{late.now():%Y-%m-%d %H:%M:%S}.000000", "stays")
    assert MARK.encode() in database.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(purge, "_airflow", lambda *_: f"sqlite:///{database}")
        clean_airflow(late)
    assert MARK.encode() in database.read_bytes()  # compacting alone does not delete
    assert clean_airflow(late).counts["compacted"] == 1
    assert not [p for p in database.parent.glob("airflow.db*") if MARK.encode() in p.read_bytes()]
    with sqlite3.connect(database) as db:
        for table in ("dag_run", "task_instance", "xcom", "hitl_detail"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,), table
