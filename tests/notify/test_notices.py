"""Who is told what and when: early warnings and the ladder of duties, each thing once, at night only what must be."""

from datetime import UTC, date, datetime, timedelta

import pytest

from caifeng.cases.model import Actor
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_on_case
from caifeng.jobs.notify import dry_run_lines, enqueue_due, outbox_listing, outbox_rows, send_waiting
from caifeng.notify.channels import Outcome
from tests.notify.desk import NOW, ONE, TWO, land, open_desk, warn

# 14:00 Beijing time on a Friday; 重大: confirm and report inside within an hour, report up within two.
FOUND = datetime(2026, 11, 20, 6, tzinfo=UTC)
GROUP = (
    '[[channel]]\nid = "group"\nkind = "wecom"\ntoken_env = "CAIFENG_TEST_TOKEN"\n'
    'members = ["openness_office", "section", "deputy"]\n'
)


@pytest.fixture
def env(tmp_path, config_copy, monkeypatch) -> Env:
    monkeypatch.setenv("CAIFENG_TEST_TOKEN", "token-of-the-robot")
    return open_desk(tmp_path, config_copy, GROUP)


def stages(env, issue=ONE):
    return {row.stage: row.state for row in outbox_rows(env) if row.issue_no == issue and row.channel}


def test_the_ladder_of_one_duty(env):
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    steps = [(20, None), (30, "half"), (48, "late"), (60, "late"), (61, "overdue"), (61 + 24 * 60, "supervise")]
    for minutes, stage in [*steps, (61 + 72 * 60, "chief")]:
        enqueue_due(env, FOUND + timedelta(minutes=minutes))
        mine = [row for row in outbox_rows(env) if row.stage.startswith("confirm/") and row.channel]
        alive = [row.stage.removeprefix("confirm/") for row in mine if row.state != "withdrawn"]
        assert alive == ([stage] if stage else [])
    rows = {row.stage: row for row in mine}
    assert rows["confirm/half"].roles == ("openness_office",)
    assert rows["confirm/overdue"].roles == ("openness_office", "deputy")
    # The chief is in no group: the first stand-in is told.
    assert rows["confirm/chief"].roles == ("deputy", "openness_office")
    assert rows["confirm/late"].text.splitlines()[:2] == [
        "【橙】重大｜确认等级即将到期",
        "事项：收入数据疑问（YQ-2026-0001）",
    ]
    assert "时限：确认等级 2026-11-20 15:00（北京时间），剩 12 分钟（按 11-20 14:48 计）" in rows["confirm/late"].text
    assert "确认等级已超期" in rows["confirm/overdue"].subject


def test_the_same_step_is_told_once_however_often_one_looks(env):
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    first = enqueue_due(env, FOUND + timedelta(minutes=61)).counts
    assert first["enqueued"] >= 2
    assert first["no_channel"] == 0
    for minutes in (62, 65):
        assert enqueue_due(env, FOUND + timedelta(minutes=minutes)).counts["enqueued"] == 0


def test_what_is_done_before_it_is_sent_is_taken_back(env):
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    enqueue_due(env, FOUND + timedelta(minutes=31))
    assert stages(env)["confirm/half"] == "waiting"
    asked = Env.open(env.settings.model_copy(update={"as_of": FOUND + timedelta(minutes=32)}))
    said = {"level": "major", "suggested_level": "major", "response_value": "must"}
    act_on_case(asked, ONE, "confirm", Actor("openness_office", "o"), said)
    counts = enqueue_due(env, FOUND + timedelta(minutes=33)).counts
    assert counts["withdrawn"] == 1
    assert stages(env)["confirm/half"] == "withdrawn"
    assert "report_inside/half" in stages(env)


def test_below_the_level_nobody_is_reminded_before_a_duty_is_overdue(env):
    land(env, FOUND, {"issue_no": ONE, "level": "general"}, {"issue_no": TWO, "level": "larger"})
    enqueue_due(env, FOUND + timedelta(hours=1, minutes=50))
    assert stages(env) == {}
    assert stages(env, TWO) == {"confirm/late": "waiting", "report_inside/late": "waiting"}
    enqueue_due(env, FOUND + timedelta(hours=4, minutes=30))  # 18:30, the office closes at 18:00
    assert stages(env) == {"confirm/overdue": "waiting"}


# 23:00 Beijing time
NIGHT = datetime(2026, 11, 20, 15, tzinfo=UTC)
MORNING = datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("issue", "state"),
    [
        ({"level": "general"}, "muted"),
        ({"level": "larger"}, "muted"),
        ({"level": "major"}, "waiting"),
        ({"level": "extreme"}, "waiting"),
        ({"level": "general", "emergency_level": "major"}, "waiting"),
    ],
)
def test_at_night_only_what_must_be(env, issue, state):
    land(env, FOUND, {"issue_no": ONE, **issue})
    enqueue_due(env, NIGHT)
    found = {row.state for row in outbox_rows(env) if row.stage == "confirm/overdue"}
    assert found == {state}
    sent = send_waiting(env, NIGHT, send=lambda *_: Outcome("sent")).counts["sent"]
    assert (sent > 0) == (state == "waiting")
    if state == "muted":
        (row,) = [row for row in outbox_rows(env) if row.stage == "confirm/overdue"]
        assert row.not_before == MORNING
        assert "（按 11-21 07:00 计）" in row.text
        assert "夜间暂缓" in outbox_listing([row]).cells[0][5]
        assert send_waiting(env, MORNING, send=lambda *_: Outcome("sent")).counts["sent"] > 0


def test_without_a_channel_everything_is_shown_and_nobody_is_told_it_was_sent(tmp_path, config_copy):
    env = open_desk(tmp_path, config_copy)
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    counts = enqueue_due(env, NOW).counts
    assert counts["enqueued"] == counts["no_channel"] > 0
    assert {(row.state, row.channel, row.sent_at) for row in outbox_rows(env)} == {("no_channel", "", None)}
    report = send_waiting(env, NOW)
    assert (report.counts["sent"], report.failed) == (0, ())
    assert "未配置渠道，请在工作台查看" in outbox_listing(outbox_rows(env)).cells[0][5]


def test_the_file_that_comes_with_the_house_has_no_channel(tmp_path, root):
    from caifeng.jobs.notify import load_notify

    assert load_notify(root / "config").channel == ()
    assert load_notify(tmp_path) == load_notify(root / "config")


def test_a_role_that_no_channel_reaches_is_not_lost(tmp_path, config_copy, monkeypatch):
    table = GROUP.replace('["openness_office", "section", "deputy"]', '["section"]')
    env = open_desk(tmp_path, config_copy, table, '[duty]\noverdue = ["section", "spokesperson", "chief"]')
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    enqueue_due(env, FOUND + timedelta(minutes=61))
    rows = {row.channel: row for row in outbox_rows(env) if row.stage == "confirm/overdue"}
    assert rows["group"].roles == ("section",)
    assert (rows[""].roles, rows[""].state) == (("spokesperson", "chief"), "no_channel")


def test_a_warning_is_told_once_with_the_next_deadline(env):
    land(env, FOUND, {"issue_no": ONE, "level": "major", "title": "某镇收入数据疑问"})
    warn(
        env, FOUND, alert_id=f"level/{ONE}/major/1", kind="level", issue_no=ONE, key=ONE, level="major",
        level_before="larger",
    )  # fmt: skip
    at = FOUND + timedelta(minutes=5)
    enqueue_due(env, at)
    assert enqueue_due(env, at).counts["enqueued"] == 0
    (row,) = outbox_rows(env)
    assert (row.kind, row.state, row.level, row.stage) == ("alert", "waiting", "major", "level")
    assert row.roles == ("openness_office", "deputy")
    assert row.text.splitlines() == [
        "【橙】重大｜级别变化（较大→重大）",
        "事项：某镇收入数据疑问（YQ-2026-0001）",
        "时限：确认等级 2026-11-20 15:00（北京时间），剩 55 分钟（按 11-20 14:05 计）",
        "查看：http://caifeng.example/caifeng/issues/YQ-2026-0001",
    ]


def test_a_muted_warning_waits_for_its_hour(env):
    warn(
        env, NIGHT, alert_id="burst/topic/wage/1", kind="burst", issue_no=None, key="wage", topic="wage", level=None,
        level_before=None, deliver_at=MORNING, muted=True,
    )  # fmt: skip
    enqueue_due(env, NIGHT + timedelta(minutes=1))
    (row,) = outbox_rows(env)
    assert (row.state, row.not_before, row.roles) == ("muted", MORNING, ("openness_office",))
    assert row.subject.startswith("【预警】声量突增：")
    assert "wage" not in row.text
    assert row.text.endswith("/caifeng/")
    assert send_waiting(env, MORNING - timedelta(minutes=1), send=lambda *_: Outcome("sent")).counts["sent"] == 0
    assert send_waiting(env, MORNING, send=lambda *_: Outcome("sent")).counts["sent"] == 1


def test_old_warnings_and_those_of_the_future_are_not_told(env):
    for hours in (-30, 2):
        at = FOUND + timedelta(hours=hours)
        warn(env, at, alert_id=f"key_category/{hours}", kind="key_category", issue_no=ONE, key=ONE, level="general")
    assert enqueue_due(env, FOUND).counts == {"enqueued": 0, "no_channel": 0, "withdrawn": 0}


def test_without_the_table_there_is_none(env):
    contracts = {name: contract for name, contract in env.contracts.items() if name != "graded.alerts"}
    bare = Env(env.settings, contracts, env.lake, env.warehouse)
    assert enqueue_due(bare, NOW).counts["enqueued"] == 0


def test_a_dry_run_says_what_would_go_where_and_writes_nothing(env):
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    at = FOUND + timedelta(minutes=61)
    lines = dry_run_lines(env, at)
    assert any(
        line.startswith("group → openness_office,deputy  11-20 15:01 起  【橙】重大｜确认等级") for line in lines
    )
    assert outbox_rows(env) == []
    enqueue_due(env, at)
    assert sorted(dry_run_lines(env, at)) == sorted(lines)
    assert {row.state for row in outbox_rows(env)} == {"waiting"}
    assert date(2026, 11, 20) in env.lake.days("graded.issues")
