"""Airflow plugin of tests/cluster: every task runs at the moment that a file says, as in a replay."""

import os
from pathlib import Path
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin


class _Clock:
    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        """Before the task's own code."""
        os.environ["CAIFENG_AS_OF"] = Path(os.environ["CLUSTER_CLOCK"]).read_text("utf8").strip()


class ReplayClock(AirflowPlugin):
    """Registers the clock."""

    name = "replay_clock"
    listeners = (_Clock(),)
