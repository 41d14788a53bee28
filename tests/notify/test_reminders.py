"""What waits beside the duties of cases, told once each: a replayed week of receipts, approvals, logs, publications."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import polars as pl
import pytest

from caifeng.cases.model import Actor
from caifeng.core.clock import SHANGHAI
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_on_case
from caifeng.jobs.marts import Evaluation
from caifeng.jobs.notify import enqueue_due, outbox_rows
from caifeng.jobs.publications import publications
from tests.notify.desk import ONE, land, open_desk

GROUP = (
    '[[channel]]\nid = "group"\nkind = "wecom"\ntoken_env = "CAIFENG_TEST_TOKEN"\n'
    'members = ["openness_office", "section", "deputy", "chief"]\n'
)
OFFICE = Actor("openness_office", "o")
# A Friday, 10:00 Beijing time.
FOUND = datetime(2026, 11, 20, 2, tzinfo=UTC)
SIGNED = "政务舆情日志.docx"


@pytest.fixture
def env(tmp_path, config_copy, monkeypatch) -> Env:
    monkeypatch.setenv("CAIFENG_TEST_TOKEN", "token-of-the-robot")
    return open_desk(tmp_path, config_copy, GROUP)


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def told(env, *steps):
    """Rows of these steps that were not taken back, oldest first."""
    rows = [row for row in outbox_rows(env) if row.stage.partition("/")[0] in steps and row.state != "withdrawn"]
    return rows[::-1]


def confirm(env, when, level="larger"):
    act_on_case(env, ONE, "confirm", OFFICE, {"level": level}, at=when)


def test_a_missing_receipt_is_asked_for_twice_and_then_no_more(env):
    land(env, FOUND, {"issue_no": ONE, "level": "larger", "title": "某镇收入数据疑问"})
    confirm(env, FOUND)
    for event in ("report_up", "refer"):
        act_on_case(env, ONE, event, OFFICE, {"recipient": "county_pub", "medium": "written"}, at=FOUND)
    for hours in range(0, 24 * 6, 6):
        enqueue_due(env, FOUND + timedelta(hours=hours))
    rows = told(env, "receipt")
    assert [(row.stage, row.roles) for row in rows] == [
        ("receipt/2", ("openness_office",)),
    ]  # the first was not sent before the second came: it was taken back
    gone = [row.stage for row in outbox_rows(env) if row.state == "withdrawn"]
    assert gone.count("receipt/1") == 1
    assert rows[0].subject == "【黄】较大｜归口报送未见回执：某镇收入数据疑问"
    assert "登记回执（县委宣传部） 2026-11-23 10:00" in rows[0].text


def test_a_receipt_ends_the_asking(env):
    land(env, FOUND, {"issue_no": ONE, "level": "larger"})
    confirm(env, FOUND)
    sent = act_on_case(env, ONE, "report_up", OFFICE, {"recipient": "county_pub", "medium": "written"}, at=FOUND)
    enqueue_due(env, FOUND + timedelta(hours=25))
    assert [row.stage for row in told(env, "receipt")] == ["receipt/1"]
    when = FOUND + timedelta(hours=26)
    act_on_case(env, ONE, "receipt", OFFICE, {"hand_off": sent.sequence, "receipt_at": when.isoformat()}, at=when)
    enqueue_due(env, FOUND + timedelta(hours=27))
    assert told(env, "receipt") == []


def test_an_approval_that_waits_is_brought_to_whoever_decides(env):
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    confirm(env, FOUND, "major")
    act_on_case(env, ONE, "draft", OFFICE, {"kind": "interim", "text": "已关注，正在核查。"}, at=FOUND)
    act_on_case(env, ONE, "submit", OFFICE, at=FOUND)
    enqueue_due(env, FOUND + timedelta(hours=3, minutes=59))
    assert told(env, "approval") == []
    enqueue_due(env, FOUND + timedelta(hours=4))
    enqueue_due(env, FOUND + timedelta(hours=5))
    (row,) = told(env, "approval")
    assert (row.stage, row.roles) == ("approval/1", ("chief", "openness_office"))
    assert "审批 2026-11-20 14:00" in row.text
    leader = Actor("chief", "c")
    act_on_case(env, ONE, "return", leader, {"reason": "请补充核查进展后再报"}, at=FOUND + timedelta(hours=6))
    enqueue_due(env, FOUND + timedelta(hours=7))
    assert told(env, "approval") == []
    act_on_case(env, ONE, "submit", OFFICE, at=FOUND + timedelta(hours=8))
    enqueue_due(env, FOUND + timedelta(hours=12))
    assert len(told(env, "approval")) == 1  # a new request is a new thing


def evaluated(env, *days):
    rules = env.settings.grading().rule_version
    empty = pl.DataFrame(schema=env.contracts["graded.issue_grades"].polars_schema())
    for day in days:
        moment = datetime(2026, 11, day, 16, tzinfo=UTC)
        env.lake.replace("graded.issue_grades", date(2026, 11, day), empty, Evaluation(moment, rules).part)
        folder = env.settings.outputs_dir / f"2026-11-{day:02d}"
        folder.mkdir(parents=True)
        (folder / SIGNED).write_bytes(b"log of %d" % day)


def sign(env, day, when, body=None):
    digest = sha256(body or b"log of %d" % day).hexdigest()
    act_on_case(env, None, "log_signed", OFFICE, {"day": f"2026-11-{day:02d}", "file_hash": digest}, at=when)


def test_the_logs_of_a_weekend_are_asked_for_together_on_monday(env):
    evaluated(env, 19, 20, 21, 22)
    sign(env, 19, at(20, 9))
    for moment in (at(20, 9, 31), at(21, 9, 31), at(22, 12), at(23, 9, 30)):
        enqueue_due(env, moment)
        assert told(env, "log") == []
    for minutes in range(31, 59, 7):
        enqueue_due(env, at(23, 9, minutes))
    (row,) = told(env, "log")
    assert row.roles == ("openness_office", "deputy")
    assert row.subject == "【提醒】政务舆情日志未签发：11-20、11-21、11-22 的日志"
    assert "时限：签发 2026-11-23 09:30（北京时间），已超 1 分钟" in row.text
    for day in (20, 21, 22):
        sign(env, day, at(23, 10))
    enqueue_due(env, at(23, 10, 5))
    assert told(env, "log") == []


def test_a_log_that_was_rewritten_after_it_was_signed_is_asked_for(env):
    evaluated(env, 19)
    sign(env, 19, at(19, 18), b"preliminary")
    enqueue_due(env, at(20, 9, 31))
    assert len(told(env, "log")) == 1


def test_old_logs_are_not_asked_for_for_ever(env):
    evaluated(env, 2)
    enqueue_due(env, at(28, 12))
    days = {row.subject.partition("：")[2] for row in told(env, "log")}
    assert days
    assert not any("11-02" in words for words in days)


def test_publications_are_told_when_due_soon_and_when_overdue(env):
    path = env.settings.config / "publications.toml"
    head = path.read_text("utf8").partition("[[items]]")[0].replace("2026-10-01", "2026-11-01")
    item = (
        '[[items]]\nid = "bulletin"\nname = "某项统计资料"\nperiod = "month"\nunit = "general"\nbasis = ["ours"]\n'
        'due = { kind = "date", months_after = 1, day = 20, basis = "ours" }\n'
    )
    path.write_text(head + item, "utf8")
    seen = []
    for day in range(10, 26):
        moment = at(day, 8)
        publications(env, moment.date() - timedelta(days=1), at(day, 0))
        enqueue_due(env, moment)
        seen.append((day, Counter(row.stage for row in outbox_rows(env) if row.stage.startswith("publication"))))
    counts = dict(seen)
    assert counts[12] == {}
    assert counts[20] == {"publication_soon": 1}
    # a day that ended without it: overdue from the 21st on, told once
    assert counts[22] == counts[25] == {"publication_soon": 1, "publication_overdue": 1}
    (row,) = [row for row in outbox_rows(env) if row.stage == "publication_overdue"]
    assert row.roles == ("openness_office", "deputy")
    assert row.subject == "【提醒】主动公开已超期：某项统计资料（2026年10月）"
    said = {"item": "bulletin", "period": "2026-10", "published_on": "2026-11-25"}
    act_on_case(env, None, "publication_noted", OFFICE, said, at=at(25, 9))
    enqueue_due(env, at(25, 9, 5))
    assert {row.state for row in outbox_rows(env) if row.stage == "publication_overdue"} == {"withdrawn"}


def test_a_week_replayed_tells_each_step_of_each_deadline_once(env):
    """Every half hour from Friday to Friday: no key twice, every step of the ladder seen, what is done is not told."""
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    moments = [FOUND + timedelta(minutes=15 * number) for number in range(4 * 24 * 8)]
    stages: dict[str, list[str]] = {}
    enqueued = 0
    for moment in moments:
        if moment == FOUND + timedelta(hours=30):
            confirm(env, moment, "major")
        enqueued += enqueue_due(env, moment).counts["enqueued"]
    rows = [row for row in outbox_rows(env) if row.kind == "duty"]
    assert enqueued == len(rows) == len({(row.key, row.channel) for row in rows})
    for row in reversed(rows):
        duty, _, stage = row.stage.partition("/")
        stages.setdefault(duty, []).append(stage)
    # confirmed after 30 hours: overdue since the first hour, ordered to be done after 25, never brought to the chief
    assert stages["confirm"] == ["half", "late", "overdue", "supervise"]
    assert stages["respond_final"] == ["half", "late", "overdue", "supervise", "chief"]
    assert stages["report_up"] == ["half", "late", "overdue", "supervise", "chief"]
    again = [enqueue_due(env, moment).counts["enqueued"] for moment in (moments[40], moments[-1])]
    assert again == [0, 0]


def test_an_extension_moves_the_whole_ladder_behind_the_due_time(env):
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    confirm(env, FOUND + timedelta(minutes=5), "major")
    due = FOUND + timedelta(hours=12)
    new = due + timedelta(hours=10)
    given = {"duty": "verify", "new_due_at": new.isoformat(), "reason": "须调阅上年纸质台账核对"}
    act_on_case(env, ONE, "extend", Actor("chief", "c"), given, at=FOUND + timedelta(hours=2))
    for hours in (13, 21, 23, 12 + 24, 22 + 24, 12 + 72, 22 + 72):
        enqueue_due(env, FOUND + timedelta(hours=hours))
    mine = {row.stage: row for row in reversed(outbox_rows(env)) if row.stage.startswith("verify/")}
    assert list(mine) == ["verify/late", "verify/overdue", "verify/supervise", "verify/chief"]
    assert mine["verify/overdue"].created_at == FOUND + timedelta(hours=23)
    assert mine["verify/chief"].created_at == FOUND + timedelta(hours=94)
    assert f"{new.astimezone(SHANGHAI):%Y-%m-%d %H:%M}（北京时间）" in mine["verify/overdue"].text


def test_the_hours_of_the_ladder_are_those_of_deadlines_toml(env):
    path = env.settings.config / "deadlines.toml"
    text = path.read_text("utf8")
    assert "supervise_after_hours = 24" in text
    path.write_text(text.replace("supervise_after_hours = 24", "supervise_after_hours = 6"), "utf8")
    land(env, FOUND, {"issue_no": ONE, "level": "major"})
    enqueue_due(env, FOUND + timedelta(hours=7))
    (row,) = [row for row in outbox_rows(env) if row.stage.startswith("confirm/")]
    assert row.stage == "confirm/supervise"
    assert "section" in row.roles
