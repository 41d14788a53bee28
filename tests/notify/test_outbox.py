"""The outbox: told once, claimed by one, noted truly; what a killed sender leaves is told as unclear."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.cases.store import Register
from caifeng.core.errors import UsageError
from caifeng.core.model.notify import OUTBOX_STATE_NAMES, RetryRules
from caifeng.jobs.base import Env
from caifeng.jobs.notify import outbox_listing, outbox_rows, send_waiting
from caifeng.notify.channels import Outcome
from caifeng.notify.outbox import VERSION_TABLE, Outbox, metadata
from tests.notify.desk import NOW, later, notice, only_row, open_desk, outbox_of, put, robot_table
from tests.notify.servers import TOKEN, Robot, said

RULES = RetryRules()


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("CAIFENG_TEST_TOKEN", TOKEN)


@pytest.fixture
def database(empty_url, monkeypatch):
    """The register of this test's office stands in a database of either kind."""
    monkeypatch.setenv("CAIFENG_REGISTER_URL", empty_url)
    return empty_url


@pytest.fixture
def env(database, tmp_path, config_copy):
    return open_desk(tmp_path, config_copy, robot_table("wecom", "http://127.0.0.1:1"))


def answers(*outcomes):
    """A channel that answers so, in turn, and remembers what it got."""
    left, got = list(outcomes), []

    def send(channel, secrets, parcel):
        got.append(parcel)
        return left.pop(0)

    return send, got


def patient(robot, extra=""):
    """A channel that waits for its answer, however busy the machine is."""
    return robot_table("wecom", robot.base, extra).replace("0.5", "30")


def test_the_same_thing_is_put_in_once_per_channel(env):
    with outbox_of(env) as outbox:
        assert outbox.enqueue(notice(), "wecom", NOW)
        assert not outbox.enqueue(notice(), "wecom", later(hours=3))
        assert outbox.enqueue(notice(), "mail", NOW)
        assert outbox.enqueue(notice("another"), "wecom", NOW)
        assert len(outbox.rows()) == 3


def test_what_was_sent_is_not_put_in_again_and_not_sent_again(env):
    send, got = answers(Outcome("sent"))
    put(env, "wecom")
    send_waiting(env, NOW, send=send)
    with outbox_of(env) as outbox:
        assert not outbox.enqueue(notice(), "wecom", later(hours=1))
    assert send_waiting(env, later(hours=2), send=send).counts["sent"] == 0
    assert (len(got), only_row(env).state) == (1, "sent")


def test_failures_come_again_after_growing_pauses_and_are_given_up_aloud(env):
    put(env, "wecom")
    tries, pauses, at = 0, [], NOW
    while (row := only_row(env)).state in ("waiting", "failed"):
        early, got = answers()
        if row.state == "failed":
            send_waiting(env, row.not_before - timedelta(seconds=30), send=early)
            assert got == []
            at = row.not_before
        send, _ = answers(Outcome("failed", f"HTTP 500 no. {tries}"))
        report = send_waiting(env, at, send=send)
        tries += 1
        pauses.append(round((only_row(env).not_before - at).total_seconds() / 60))
    assert tries == 6
    assert pauses[:-1] == [1, 5, 15, 60, 60]
    assert (row.state, row.attempts, row.last_error, row.sent_at) == ("given_up", 6, "HTTP 500 no. 5", None)
    assert (report.counts["given_up"], report.failed) == (1, ("wecom",))
    send, got = answers()
    send_waiting(env, later(days=9), send=send)
    assert got == []
    assert "未发成，已停发（试 6 次）：HTTP 500 no. 5" in outbox_listing(outbox_rows(env)).cells[0]


def test_unclear_is_sent_once_more_marked_as_a_repetition_and_then_left(env):
    put(env, "wecom")
    send, got = answers(Outcome("unclear", "0.5 秒内无回答"), Outcome("unclear", "0.5 秒内无回答"))
    for minutes in (0, 2, 10, 100):
        send_waiting(env, later(minutes=minutes), send=send)
    row = only_row(env)
    assert (row.state, row.attempts, row.repeats, row.sent_at) == ("unclear", 2, 1, None)
    assert [parcel.message.text.startswith("（可能重复）") for parcel in got] == [False, True]
    assert [parcel.message.subject.startswith("（可能重复）") for parcel in got] == [False, True]


def test_after_an_unclear_try_a_failure_still_says_so(env):
    put(env, "wecom")
    send, _ = answers(Outcome("unclear", "x"), Outcome("failed", "HTTP 500"), Outcome("sent"))
    for minutes in (0, 2):
        send_waiting(env, later(minutes=minutes), send=send)
    assert (only_row(env).state, only_row(env).last_error) == ("failed", "此前一次是否发出不明；HTTP 500")
    send_waiting(env, later(minutes=20), send=send)
    assert only_row(env).state == "sent"


def test_the_most_urgent_goes_first_and_a_failure_ends_the_turn_of_its_channel(env):
    put(env, "wecom", notice("a", "general"), notice("b", "extreme"), notice("c", "larger"))
    send, got = answers(Outcome("sent"), Outcome("failed", "HTTP 500"))
    send_waiting(env, NOW, send=send)
    assert [parcel.key for parcel in got] == ["b@wecom", "c@wecom"]


def test_no_more_than_allowed_in_a_minute_however_many_send(database, tmp_path, config_copy):
    with Robot().running() as robot:
        env = open_desk(tmp_path, config_copy, patient(robot, "per_minute = 5\n"))
        put(env, "wecom", *(notice(str(n)) for n in range(12)))
        with ThreadPoolExecutor(3) as pool:
            assert sum(r.counts["sent"] for r in pool.map(lambda _: send_waiting(env, NOW), range(3))) == 5
        assert send_waiting(env, later(seconds=30)).counts["sent"] == 0
        assert send_waiting(env, later(seconds=90)).counts["sent"] == 5
        assert send_waiting(env, later(seconds=180)).counts["sent"] == 2
    assert len(robot.got) == 12


def test_two_senders_at_once_send_each_once(database, tmp_path, config_copy):
    with Robot(hang=0.02).running() as robot:
        env = open_desk(tmp_path, config_copy, patient(robot, "per_minute = 500\n"))
        put(env, "wecom", *(notice(str(n)) for n in range(24)))
        gate = threading.Barrier(4)

        def sender(_):
            own = Env.open(env.settings)
            gate.wait()
            return send_waiting(own, NOW).counts["sent"]

        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(sender, range(4)))
    assert sum(done) == 24
    assert sum(count > 0 for count in done) >= 2
    assert len(robot.got) == 24
    assert {(row.state, row.attempts) for row in outbox_rows(env)} == {("sent", 1)}


_SENDER = """
    import os, sys
    from datetime import datetime
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env
    from caifeng.jobs.notify import send_waiting
    send_waiting(Env.open(Settings.load()), datetime.fromisoformat(sys.argv[1]))
"""


def test_a_sender_killed_between_sending_and_noting_leaves_an_unclear_row(database, tmp_path, config_copy):
    arrived = threading.Event()

    def kill_me(path, body):
        arrived.set()
        return said(errcode=0)

    with Robot(hang=0, check=kill_me).running() as robot:
        env = open_desk(tmp_path, config_copy, patient(robot))
        put(env, "wecom")
        # It sends truly and is then stopped before it can note: the outcome is held back.
        held = textwrap.dedent(_SENDER).replace(
            "send_waiting(Env",
            "import caifeng.notify.outbox as o\n"
            "o.Outbox.note = lambda *a: (print('here', flush=True), sys.stdin.read())\n"
            "send_waiting(Env",
        )
        variables = os.environ | {"CAIFENG_HOME": str(env.settings.home), "CAIFENG_CONFIG": str(config_copy)}
        with subprocess.Popen(
            [sys.executable, "-c", held, NOW.isoformat()], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as sender:
            assert sender.stdout.readline() == b"here\n"
            sender.send_signal(signal.SIGKILL)
        assert arrived.is_set()
        assert (only_row(env).state, len(robot.got)) == ("sending", 1)

        # Another sender leaves it alone while the first may still be at work.
        assert send_waiting(env, later(minutes=5)).counts["interrupted"] == 0
        assert (only_row(env).state, len(robot.got)) == ("sending", 1)
        with outbox_of(env) as outbox:
            assert outbox.mark_unclear(later(minutes=16), RULES) == 1
        assert (only_row(env).state, only_row(env).last_error) == ("unclear", "发送进程中断，是否发出不明")

        report = send_waiting(env, later(minutes=17))
        assert (report.counts["sent"], len(robot.got)) == (1, 2)
        assert robot.got[1][1]["text"]["content"].startswith("（可能重复）")
    row = only_row(env)
    assert (row.state, row.attempts, row.repeats) == ("sent", 2, 1)


def test_a_sender_killed_twice_is_left_to_people(env):
    put(env, "wecom")
    for minutes in (0, 20):
        with outbox_of(env) as outbox:
            assert outbox.claim("wecom", later(minutes=minutes), 20) is not None
            assert outbox.mark_unclear(later(minutes=minutes + 16), RULES) == 1
    send, got = answers()
    send_waiting(env, later(hours=5), send=send)
    assert (got, only_row(env).state, only_row(env).attempts) == ([], "unclear", 2)


def test_a_late_note_counts_only_for_its_own_attempt(env):
    put(env, "wecom")
    with outbox_of(env) as outbox:
        slow = outbox.claim("wecom", NOW, 20)
        outbox.mark_unclear(later(minutes=16), RULES)
        other = outbox.claim("wecom", later(minutes=16), 20)
        assert outbox.note(slow, Outcome("failed", "HTTP 500"), later(minutes=17), RULES).state == "sending"
        assert outbox.note(other, Outcome("sent"), later(minutes=17), RULES).state == "sent"
        # Found out late, but before anybody tried again: the truth is written down.
        outbox.enqueue(notice("b"), "wecom", NOW)
        slow = outbox.claim("wecom", later(minutes=20), 20)
        outbox.mark_unclear(later(minutes=40), RULES)
        assert outbox.note(slow, Outcome("sent"), later(minutes=41), RULES).state == "sent"


def test_a_channel_without_its_secret_waits_and_says_why(env, monkeypatch):
    monkeypatch.delenv("CAIFENG_TEST_TOKEN")
    put(env, "wecom")
    send, got = answers()
    report = send_waiting(env, NOW, send=send)
    row = only_row(env)
    assert (got, row.state, row.attempts, report.failed) == ([], "waiting", 0, ("wecom",))
    assert "channel.wecom.token_env: the environment variable CAIFENG_TEST_TOKEN is not set" in row.last_error


def test_a_channel_that_is_taken_away_leaves_no_false_hope(env, config_copy):
    put(env, "wecom")
    (config_copy / "notify.toml").write_text("", "utf8")
    report = send_waiting(env, NOW)
    assert (only_row(env).state, only_row(env).last_error) == ("no_channel", "渠道已从配置中移除")
    assert report.counts["waiting"] == 0


def test_a_replay_sends_nothing(env):
    put(env, "wecom")
    replay = Env.open(env.settings.model_copy(update={"as_of": NOW}))
    send, got = answers()
    with pytest.raises(UsageError, match="CAIFENG_AS_OF"):
        send_waiting(replay, NOW, send=send)
    assert (got, only_row(env).state) == ([], "waiting")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["sent", "failed", "unclear", "killed"]), min_size=1, max_size=9))
def test_whatever_happens_the_outbox_tells_the_truth(tmp_path_factory, course):
    register = Register(f"sqlite:///{tmp_path_factory.mktemp('outbox') / 'register.db'}")
    outbox = Outbox(register.engine)
    outbox.enqueue(notice(), "wecom", NOW)
    at, confirmed, maybe = NOW, 0, 0
    for state in course:
        at += timedelta(hours=2)
        outbox.mark_unclear(at, RULES)
        row = outbox.claim("wecom", at, 20)
        if row is None:
            break
        assert confirmed == 0
        assert row.parcel(at).message.text.startswith("（可能重复）") == (maybe > 0)
        if state != "killed":
            outbox.note(row, Outcome(state), at, RULES)
        confirmed += state == "sent"
        maybe += state in ("unclear", "killed")
    outbox.mark_unclear(at + timedelta(hours=2), RULES)
    (row,) = outbox.rows()
    assert (row.state == "sent") == (confirmed == 1) == (row.sent_at is not None)
    assert maybe <= 2
    assert row.attempts <= RULES.attempts
    assert row.state in OUTBOX_STATE_NAMES
    register.close()


def test_the_migration_makes_exactly_the_declared_table_and_leaves_the_register_alone(env):
    with env.register() as register:
        Outbox(register.engine)
        with register.engine.connect() as connection:
            options = {
                "compare_type": True,
                "version_table": VERSION_TABLE,
                "include_name": lambda name, kind, _: kind != "table" or name == "outbox",
            }
            assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        assert register.issue_numbers() == ()
    with env.register() as register:
        assert register.allot_numbers(["a"], 2026, NOW) == {"a": "YQ-2026-0001"}


def test_opening_by_many_at_once_makes_one_table(database, tmp_path):
    url = database

    def open_it(_):
        register = Register(url)
        Outbox(register.engine)
        register.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_it, range(4)))
    register = Register(url)
    assert Outbox(register.engine).rows() == []
    register.close()
