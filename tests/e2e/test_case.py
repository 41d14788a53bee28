"""One issue from found to closed on the command line, by the people whose turn it is."""

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta

import polars as pl
import pytest

from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.stages import run_stages

#: 发布审查: every line of the list is answered.
RELEASE_CHECKED = (
    "no_unpublished_figures=yes", "no_respondent_data=yes", "no_citizen_named=yes",
    "period_stated=not_applicable", "unit_stated=not_applicable", "source_stated=not_applicable",
)  # fmt: skip


@pytest.fixture
def office(town, tmp_path):
    """A copy of the town's home, and a way to call the command line in it."""
    home = tmp_path / "home"
    shutil.copytree(town.home, home)
    clock = {"at": f"{town.story.days[-1] + timedelta(days=1)}T09:00+08:00"}

    def call(*words: str) -> subprocess.CompletedProcess:
        environment = os.environ | {
            "CAIFENG_HOME": str(home),
            "CAIFENG_CONFIG": str(town.config),
            "CAIFENG_AS_OF": clock["at"],
        }
        command = [sys.executable, "-m", "caifeng.cli", "case", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    return home, call


def rumour(town) -> str:
    """The issue of the income rumour."""
    days = town.story.days
    issues = town.env().lake.read_range("graded.issues", days[0], days[-1])
    return issues.filter(pl.col("title").str.contains("坐办公室编"))["issue_no"].first()


def good(done: subprocess.CompletedProcess) -> subprocess.CompletedProcess:
    assert done.returncode == 0, done.stderr
    return done


def test_from_found_to_closed(town, office):
    home, call = office
    issue = rumour(town)
    listed = [json.loads(line) for line in good(call("list", "--json")).stdout.splitlines()]
    assert issue in {case["issue_no"] for case in listed}

    refused = call("act", issue, "confirm", "level=larger", "--role", "auditor", "--actor", "u-9")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    early = call(
        "act",
        issue,
        "publish",
        "kind=final",
        "url=https://example.org/1",
        "--role",
        "openness_office",
        "--actor",
        "u-1",
    )
    assert early.returncode in (1, 2), "nothing is published before it was verified and approved"

    office_1 = ("--role", "openness_office", "--actor", "u-1")
    deputy = ("--role", "deputy", "--actor", "u-3")
    good(call("act", issue, "confirm", "level=larger", *office_1))
    good(call("act", issue, "assign", "unit=enforcement", "accused_unit=social", *office_1))
    good(
        call(
            "act",
            issue,
            "verify",
            "outcome=false",
            "basis=查阅记账台账和入户记录",
            "--role",
            "section",
            "--actor",
            "u-4",
            "--unit",
            "enforcement",
        )
    )
    good(call("act", issue, "draft", "kind=final", "text=有关情况说明如下", *office_1))
    good(call("act", issue, "submit", *office_1))
    own = call("act", issue, "approve", "--role", "deputy", "--actor", "u-1")
    assert own.returncode == 1, "whoever drafted does not approve"
    good(call("act", issue, "approve", *deputy, "--key", "form-1"))
    assert "approve" not in call("act", issue, "approve", *deputy, "--key", "form-1").stderr
    good(call("act", issue, "check_release", *RELEASE_CHECKED, *deputy))
    good(call("act", issue, "publish", "kind=final", "form=portal_notice", "url=https://example.org/1", *office_1))
    good(call("act", issue, "close", *office_1))

    shown = json.loads(good(call("show", issue, "--json")).stdout)
    text = json.dumps(shown, ensure_ascii=False)
    assert "closed" in text
    assert good(call("verify")).stdout.strip() == "the register is whole"
    assert issue not in {json.loads(line)["issue_no"] for line in good(call("list", "--json")).stdout.splitlines()}

    # The next day's paper knows what was decided.
    day = town.story.days[-1] + timedelta(days=1)
    settings = Settings(home=home, config=town.config)
    list(run_stages(settings, day))
    env = Env.open(settings)
    case = env.warehouse.read("cases.cases", day).filter(pl.col("issue_no") == issue).row(0, named=True)
    assert (case["state"], case["confirmed_level"], case["outcome"]) == ("closed", "larger", "false")
    assert issue not in env.warehouse.read("marts.escalations", day)["issue_no"].to_list()
    events = env.warehouse.read("cases.events", day)["event"].to_list()
    assert events == ["confirm", "assign", "verify", "draft", "submit", "approve", "check_release", "publish", "close"]


def test_a_paper_approval_ends_in_the_same_state(town, office):
    _, call = office
    issue = rumour(town)
    office_1 = ("--role", "openness_office", "--actor", "u-1")
    for words in (
        ("confirm", "level=larger"),
        ("draft", "kind=interim", "text=已关注，正在核查"),
        ("submit",),
    ):
        good(call("act", issue, *words, *office_1))
    on_paper = (
        "--on-behalf",
        "deputy",
        "--decided-at",
        "2026-11-25T08:30+08:00",
        "--medium",
        "paper",
        "--scan-hash",
        "0" * 64,
    )
    good(call("act", issue, "approve", "--role", "openness_office", "--actor", "u-2", *on_paper))
    good(call("act", issue, "check_release", *RELEASE_CHECKED, "--role", "openness_office", "--actor", "u-2"))
    good(call("act", issue, "publish", "kind=interim", "form=portal_notice", "url=https://example.org/2", *office_1))
    shown = good(call("show", issue)).stdout
    assert "关注" in shown or "interim" in shown or "回应" in shown


def test_a_tampered_register_is_found(town, office):
    import sqlite3

    home, call = office
    issue = rumour(town)
    good(call("act", issue, "note", "text=已电话核实", "--role", "monitor", "--actor", "u-1"))
    with sqlite3.connect(home / "register.db") as register:
        with pytest.raises(sqlite3.DatabaseError):
            register.execute("UPDATE events SET actor_role = 'chief'")
        triggers = [name for (name,) in register.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        assert triggers
        for name in triggers:
            register.execute(f"DROP TRIGGER {name}")
        register.execute("UPDATE events SET actor_role = 'chief'")
    done = call("verify")
    assert done.returncode == 1
    assert done.stdout.strip()
