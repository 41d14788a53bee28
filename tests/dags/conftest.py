"""Airflow in a folder of its own: importing it reads the environment once per process."""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

for line in (ROOT / "docker" / "airflow.env").read_text("utf8").splitlines():
    if line and not line.startswith("#"):
        os.environ.setdefault(*line.split("=", 1))
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-")
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"
