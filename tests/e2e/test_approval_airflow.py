"""Approvals (报审) through a real Airflow: its form, our page and paper end alike, and nothing is lost on the way."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, timedelta
from pathlib import Path

import httpx
import pytest

from caifeng.cases.service import cases_of, chain_faults
from caifeng.jobs.base import Env
from caifeng.jobs.notify import enqueue_due, outbox_rows
from tests.dags.desk_home import NOW, make_home
from tests.dags.test_plugin import RELEASE_CHECKED, forms_of

pytestmark = pytest.mark.slow
BY_FORM, BY_PAGE, ON_PAPER, IN_ROUNDS = (f"YQ-2026-000{number}" for number in (2, 3, 4, 5))
PATIENCE_SECONDS = 180
#: A form is read before it is answered. An answer in its first seconds can overtake the scheduler, which then takes the
#: task for lost and asks again (dags/approval.py).
READING_SECONDS = 15
CONCLUDED = {
    "outcome": "opinion_or_suggestion", "basis": "查阅统计制度", "text": "您好，有关情况答复如下。", "unit": "general",
}  # fmt: skip


def until(look, what):
    """What `look` returns as soon as it is something; a test fails where it stays nothing."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except (httpx.HTTPError, OSError, json.JSONDecodeError):
            pass
        time.sleep(1)
    raise AssertionError(f"waited in vain for {what}")


class Airflow:
    """api-server, scheduler, dag-processor and triggerer on loopback, each a process group of its own."""

    def __init__(self, root, folder, settings):
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            for probe in (one, two, three):
                probe.bind(("127.0.0.1", 0))
            ports = [probe.getsockname()[1] for probe in (one, two, three)]
        self.home, self.base = folder / "airflow", f"http://localhost:{ports[0]}"
        dags = folder / "dags"
        dags.mkdir()
        shutil.copy(root / "dags" / "approval.py", dags)  # nothing else shall run
        lines = (root / "docker" / "airflow.env").read_text("utf8").splitlines()
        self.environment = (
            os.environ
            | dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
            | {
                "CAIFENG_HOME": str(settings.home), "CAIFENG_CONFIG": str(settings.config),
                "CAIFENG_AS_OF": NOW.isoformat(), "AIRFLOW_HOME": str(self.home), "PYTHONPATH": str(root),
                "AIRFLOW__CORE__DAGS_FOLDER": str(dags), "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
                "AIRFLOW__API__PORT": str(ports[0]), "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__BASE_URL": self.base,
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.base}/execution/",
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports[1]),
                "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports[2]),
                "AIRFLOW__API_AUTH__JWT_SECRET": "approval-in-a-test-" * 4,
            }
        )  # fmt: skip
        self.program = str(Path(sys.executable).parent / "airflow")
        self.log = folder / "airflow.log"
        self.running: dict[str, subprocess.Popen] = {}

    def start(self, part):
        with self.log.open("ab") as log:
            self.running[part] = subprocess.Popen(
                [self.program, part], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, part, how=signal.SIGTERM):
        process = self.running.pop(part)
        if process.poll() is None:
            os.killpg(process.pid, how)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

    def client(self, user):
        """What this account sees: Airflow's interface and our pages."""
        words = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_text())
        reply = httpx.post(f"{self.base}/auth/token", json={"username": user, "password": words[user]}, timeout=30)
        token = reply.raise_for_status().json()["access_token"]
        return httpx.Client(
            base_url=self.base, headers={"Authorization": f"Bearer {token}"}, timeout=60, follow_redirects=True
        )


@pytest.fixture
def airflow(root, tmp_path):
    settings = make_home(root, tmp_path)
    airflow = Airflow(root, tmp_path, settings)
    subprocess.run(
        [airflow.program, "db", "migrate"], env=airflow.environment, check=True, capture_output=True, timeout=240
    )
    try:
        for part in ("api-server", "scheduler", "dag-processor", "triggerer"):
            airflow.start(part)
        health = f"{airflow.base}/api/v2/monitor/health"
        until(lambda: httpx.get(health, timeout=5).json()["scheduler"]["status"] == "healthy", "a healthy Airflow")
        until(lambda: airflow.client("admin").get("/api/v2/dags/approval").is_success, "the DAG approval")
        yield airflow, settings
    finally:
        for part in list(airflow.running):
            airflow.stop(part)


def test_form_page_and_paper_end_alike_and_nothing_is_lost(airflow, tmp_path):
    airflow, settings = airflow
    office, leader, analyst = (airflow.client(user) for user in ("office", "leader", "analyst"))

    def events(issue):
        with Env.open(settings).register() as register:
            return register.events(issue)

    def do(client, issue, event, files=None, **values):
        page = client.get(f"/caifeng/issues/{issue}?do={event}")
        action, held = next(form for form in forms_of(page.text) if form[1].get("event") == event)
        reply = client.post(action, data={**held, **values}, files=files)
        assert reply.status_code == 200, reply.text[-3000:]
        return reply.text

    def details(issue):
        asked = [event for event in events(issue) if event.name == "submit"][-1]
        return f"/api/v2/dags/approval/dagRuns/{issue}-{asked.sequence}/taskInstances/ask/-1/hitlDetails"

    def stands(issue):
        until(lambda: office.get(details(issue)).is_success, f"the form of {issue}")

    def say(client, issue, option, opinion):
        given = {"chosen_options": [option], "params_input": {"审批意见": opinion, "核定级别": None}}
        return client.patch(details(issue), json=given).status_code

    def settled(issue, name, count=1):
        until(lambda: [event.name for event in events(issue)].count(name) == count, f"{name} of {issue}")

    for issue in (BY_FORM, BY_PAGE, ON_PAPER, IN_ROUNDS):
        assert "审批表单已发出" in do(office, issue, "conclude", **CONCLUDED)
    for issue in (BY_FORM, BY_PAGE, ON_PAPER, IN_ROUNDS):
        stands(issue)
    time.sleep(READING_SECONDS)

    # Nobody answers: people are reminded, and nothing is consented to.
    env = Env.open(settings)
    enqueue_due(env, (NOW + timedelta(hours=80)).astimezone(UTC))
    assert {row.issue_no for row in outbox_rows(env)} & {BY_FORM, BY_PAGE, ON_PAPER, IN_ROUNDS}
    assert not office.get(details(BY_FORM)).json()["response_received"]
    assert "approve" not in {event.name for event in events(BY_FORM)}

    # Who is not asked may not answer.
    assert say(analyst, BY_FORM, "同意", "") == 403
    assert say(office, BY_FORM, "同意", "") == 403
    refused = office.get(f"/caifeng/issues/{BY_FORM}?do=note")
    token = forms_of(refused.text)[0][1]["token"]
    values = {"token": token, "event": "approve", "role": "openness_office"}
    assert office.post(f"/caifeng/issues/{BY_FORM}", data=values).status_code == 403
    assert "approve" not in {event.name for event in events(BY_FORM)}

    # Three ways to the same state.
    assert say(leader, BY_FORM, "同意", "可以") == 200
    assert say(leader, BY_FORM, "退回", "再改") == 409
    settled(BY_FORM, "approve")
    do(leader, BY_PAGE, "approve", text="可以")
    paper = {"behalf_role": "deputy", "behalf_at": "2026-11-21T08:00", "behalf_medium": "paper"}
    do(office, ON_PAPER, "approve", files={"behalf_scan": ("scan.pdf", b"%PDF signed")}, text="可以", **paper)
    with Env.open(settings).register() as register:
        cases = cases_of(register.events())
    ended = {(cases[n].state, cases[n].answer, cases[n].approved_by) for n in (BY_FORM, BY_PAGE, ON_PAPER)}
    assert ended == {("verified", "approved", "deputy")}
    for issue in (BY_PAGE, ON_PAPER):  # the form that was not used is closed and changes nothing
        run = details(issue).partition("/taskInstances")[0]
        until(lambda run=run: office.get(run).json()["state"] == "success", f"the end of {run}")
        assert [event.name for event in events(issue)].count("approve") == 1

    # The scheduler dies while a form waits; the answer given meanwhile is carried out by the next one.
    airflow.stop("scheduler", signal.SIGKILL)
    assert say(leader, IN_ROUNDS, "退回", "请补充数据来源") == 200
    time.sleep(5)
    assert "return" not in {event.name for event in events(IN_ROUNDS)}
    airflow.start("scheduler")
    settled(IN_ROUNDS, "return")
    assert events(IN_ROUNDS)[-1].payload["reason"] == "请补充数据来源"
    do(office, IN_ROUNDS, "draft", kind="final", text="您好，数据来源于第四次农业普查方案。")
    assert "审批表单已发出" in do(office, IN_ROUNDS, "submit")
    stands(IN_ROUNDS)
    time.sleep(READING_SECONDS)
    assert say(leader, IN_ROUNDS, "同意", "可以") == 200
    settled(IN_ROUNDS, "approve")
    do(leader, IN_ROUNDS, "check_release", **RELEASE_CHECKED)
    do(office, IN_ROUNDS, "publish", form="board_reply", url="https://www.example.gov.cn/1")
    names = [event.name for event in events(IN_ROUNDS)]
    assert names == [
        "confirm", "assign", "verify", "draft", "submit", "return", "draft", "submit", "approve", "check_release",
        "publish",
    ]  # fmt: skip
    with Env.open(settings).register() as register:
        assert chain_faults(register.events()) == []
