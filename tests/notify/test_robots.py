"""Group robots: sent is what the server's own code says; the outbox tells everything else as it is."""

import logging
from datetime import timedelta

import pytest

from caifeng.jobs.notify import send_test, send_waiting
from caifeng.notify.channels import MAX_ANSWER, clean, dingtalk_sign, feishu_sign
from tests.notify.desk import NOW, later, notice, only_row, open_desk, outbox_of, put, robot_table
from tests.notify.servers import SECRET, TOKEN, Robot, closed_port, dingtalk_check, feishu_check, said

KINDS = ("wecom", "dingtalk", "feishu")
GOOD = {"wecom": {"errcode": 0, "errmsg": "ok"}, "dingtalk": {"errcode": 0, "errmsg": "ok"}, "feishu": {"code": 0}}
CHECKS = {"wecom": None, "dingtalk": dingtalk_check, "feishu": feishu_check}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch):
    monkeypatch.setenv("CAIFENG_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("CAIFENG_TEST_SECRET", SECRET)


@pytest.fixture
def send(tmp_path, config_copy):
    """Put one notice into the outbox, send, give the report and the row."""

    def run(kind, robot, now=NOW):
        env = open_desk(tmp_path, config_copy, robot_table(kind, robot.base))
        put(env, kind)
        return send_waiting(env, now), only_row(env)

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_the_servers_own_code_makes_it_sent(kind, send, caplog):
    caplog.set_level(logging.INFO)
    with Robot([said(**GOOD[kind])], check=CHECKS[kind]).running() as robot:
        report, row = send(kind, robot)
    assert (row.state, row.attempts, row.last_error) == ("sent", 1, None)
    assert row.sent_at is not None
    assert NOW <= row.sent_at < later(seconds=30)
    assert (report.counts["sent"], report.failed) == (1, ())
    (path, body) = robot.got[0]
    assert TOKEN in path
    assert "首次回应已超期" in str(body)
    # The address of a robot holds its token: it must not come into any log.
    assert TOKEN not in caplog.text


def test_an_older_feishu_answers_with_another_name(send):
    with Robot([said(StatusCode=0, StatusMessage="success")]).running() as robot:
        assert send("feishu", robot)[1].state == "sent"


REFUSED = [
    ("wecom", said(errcode=93000, errmsg="invalid webhook url"), "errcode 93000：invalid webhook url"),
    ("wecom", said(errcode="0", errmsg="ok"), "errcode 0：ok"),
    ("wecom", said(errcode=False), "errcode False："),
    ("dingtalk", said(errcode=310000, errmsg="keywords not in content"), "errcode 310000：keywords not in content"),
    ("feishu", said(code=19024, msg="Key Words Not Found"), "code 19024：Key Words Not Found"),
    ("feishu", said(code=9499, StatusCode=0, msg="too many request"), "code 9499：too many request"),
    ("wecom", (500, {}, b"oops"), "HTTP 500"),
    ("wecom", (403, {}, b'{"errcode": 0}'), "HTTP 403"),
    ("wecom", (204, {}, b""), "HTTP 204"),
    ("wecom", (302, {"Location": "http://127.0.0.1:1/"}, b'{"errcode": 0}'), "HTTP 302"),
]


@pytest.mark.parametrize(("kind", "answer", "error"), REFUSED)
def test_a_refusal_is_failed_with_what_was_said_and_comes_again_later(kind, answer, error, send):
    with Robot([answer]).running() as robot:
        report, row = send(kind, robot)
    assert (row.state, row.last_error, row.sent_at) == ("failed", error, None)
    assert timedelta(minutes=1) <= row.not_before - NOW < timedelta(minutes=1.5)
    assert (report.counts["failed"], report.counts["waiting"], report.failed) == (1, 1, (kind,))
    assert len(robot.got) == 1


UNCLEAR = [
    ((200, {}, b"<html>please sign in to the network</html>"), "HTTP 200，回答不是 JSON"),
    ((200, {}, b"[" * 60_000), "HTTP 200，回答不是 JSON"),
    ((200, {}, b"[1]"), "HTTP 200，回答没有 errcode"),
    ((200, {}, b"{}"), "HTTP 200，回答没有 errcode"),
    ((200, {}, b" " * (MAX_ANSWER + 1) + b'{"errcode": 0}'), "回答超过 64 KB，未读完"),
]


@pytest.mark.parametrize(("answer", "error"), UNCLEAR)
def test_an_answer_without_a_code_is_neither_sent_nor_refused(answer, error, send):
    with Robot([answer]).running() as robot:
        _, row = send("wecom", robot)
    assert (row.state, row.last_error, row.sent_at) == ("unclear", error, None)


def test_a_server_that_hangs_is_left_and_the_message_is_unclear(send):
    with Robot(hang=1.5).running() as robot:
        report, row = send("wecom", robot)
    assert (row.state, row.last_error) == ("unclear", "0.5 秒内无回答")
    assert report.counts["unclear"] == 1


def test_nobody_there_is_a_failure(send):
    _, row = send("wecom", Robot(port=closed_port()))
    assert (row.state, row.last_error) == ("failed", "连接不上：ConnectError")


def test_a_redirect_is_not_followed(send):
    with Robot().running() as other, Robot([(307, {"Location": other.base + "/x"}, b"")]).running() as robot:
        _, row = send("wecom", robot)
        assert other.got == []
    assert (row.state, row.last_error) == ("failed", "HTTP 307")


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_a_wrong_signature_is_refused_by_the_server_and_told(kind, send, monkeypatch):
    monkeypatch.setenv("CAIFENG_TEST_SECRET", "another key")
    with Robot([said(**GOOD[kind])], check=CHECKS[kind]).running() as robot:
        _, row = send(kind, robot)
    assert row.state == "failed"
    assert {"dingtalk": "310000", "feishu": "19021"}[kind] in row.last_error
    assert row.sent_at is None


@pytest.mark.parametrize(("asked", "minutes"), [("120", 2), ("30", 1), ("999999", 60), ("tomorrow", 1)])
def test_who_asks_us_to_wait_is_obeyed_for_the_whole_channel(asked, minutes, tmp_path, config_copy):
    with Robot([(429, {"Retry-After": asked}, b"")]).running() as robot:
        env = open_desk(tmp_path, config_copy, robot_table("wecom", robot.base))
        put(env, "wecom", notice("one"), notice("two"))
        send_waiting(env, NOW)
        with outbox_of(env) as outbox:
            tried, other = sorted(outbox.rows(), key=lambda row: row.key)
    assert (tried.state, tried.last_error) == ("failed", "HTTP 429")
    assert timedelta(minutes=minutes) <= tried.not_before - NOW < timedelta(minutes=minutes + 0.5)
    assert (other.state, other.attempts) == ("waiting", 0)
    assert (other.not_before > NOW) == asked.isdigit()
    assert len(robot.got) == 1


def test_what_the_server_says_is_kept_short_and_without_secrets(send):
    echo = f"bad request\n{TOKEN} {dingtalk_sign(SECRET, 1)} {SECRET}, ask 13800001234 " + "x" * 500
    with Robot([said(errcode=1, errmsg=echo)]).running() as robot:
        _, row = send("dingtalk", robot)
    assert len(row.last_error) <= 200
    assert TOKEN not in row.last_error
    assert SECRET not in row.last_error
    assert "\n" not in row.last_error
    assert "〔手机号〕" in row.last_error
    assert clean("password a+b/c= and a%2Bb%2Fc%3D", {"secret": "a+b/c="}) == "password *** and ***"


def test_signatures_are_those_of_the_makers():
    # Worked out with openssl dgst -sha256 -hmac, apart from this code.
    assert dingtalk_sign("SECx", 1700000000000) == "rgcjbH%2ByFyES%2BS0llX%2BcAPCwVRpsr7sbiX5Lnyo%2FocU%3D"
    assert feishu_sign("x", 1700000000) == "t2WKLO/e84QnCSsgE16ZiT4RlU8enB7yv0kH7MEVm98="


def test_a_trial_goes_through_the_outbox_and_a_dry_one_nowhere(tmp_path, config_copy):
    with Robot().running() as robot:
        env = open_desk(tmp_path, config_copy, robot_table("wecom", robot.base))
        planned = send_test(env, NOW, "wecom", dry_run=True)
        assert (planned.id, planned.state, robot.got) == (0, "waiting", [])
        row = send_test(env, NOW, "wecom")
    assert row == only_row(env)
    assert (row.state, row.kind, row.roles) == ("sent", "test", ("openness_office", "deputy", "chief"))
    assert len(robot.got) == 1


def test_a_trial_that_fails_is_told_and_not_repeated_by_itself(tmp_path, config_copy):
    with Robot([said(errcode=93000, errmsg="invalid webhook url")]).running() as robot:
        env = open_desk(tmp_path, config_copy, robot_table("wecom", robot.base))
        row = send_test(env, NOW, "wecom")
        send_waiting(env, later(days=1))
    assert (row.state, row.last_error) == ("given_up", "errcode 93000：invalid webhook url")
    assert len(robot.got) == 1
