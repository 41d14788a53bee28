"""E-mail: taken is what the server says after the whole mail; a refusal, a hang-up and a half success are told."""

import base64
import email
import email.policy

import pytest

from caifeng.jobs.notify import send_waiting
from caifeng.notify.message import Message
from caifeng.notify.outbox import Notice
from tests.notify.desk import NOW, later, mail_table, notice, only_row, open_desk, put
from tests.notify.servers import MailServer, Robot, closed_port

BOTH = 'openness_office = ["zwgk@example.gov.cn", "zwgk2@example.gov.cn"]\ndeputy = ["fgld@example.gov.cn"]'
ROLES = ("openness_office", "deputy")


@pytest.fixture
def send(tmp_path, config_copy):
    def run(port, extra="", what=None, to=BOTH, now=NOW):
        env = open_desk(tmp_path, config_copy, mail_table(port, extra, to))
        put(env, "mail", what or notice(roles=ROLES))
        return send_waiting(env, now), only_row(env)

    return run


def test_a_mail_reaches_every_mailbox_of_the_roles(send):
    with MailServer().running() as server:
        report, row = send(server.port)
    assert (row.state, row.last_error, report.failed) == ("sent", None, ())
    (recipients, raw) = server.mails[0]
    assert recipients == ["zwgk@example.gov.cn", "zwgk2@example.gov.cn", "fgld@example.gov.cn"]
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == "【橙】重大｜首次回应已超期"
    assert mail["From"] == "caifeng@example.gov.cn"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime >= NOW
    assert "某镇收入数据疑问" in mail.get_content()


def test_a_subject_cannot_add_a_header(send):
    bad = Notice("k", "duty", None, "major", "s", ("deputy",), Message("a\r\nBcc: x@example.org", "b\n.\nQUIT"), NOW)
    with MailServer().running() as server:
        _, row = send(server.port, what=bad)
    assert row.state == "unclear"
    assert row.last_error == "发送时出错：ValueError"
    assert server.mails == []


def test_one_mailbox_refused_is_said_beside_sent(send):
    with MailServer(refuse=frozenset({"zwgk2@example.gov.cn"})).running() as server:
        _, row = send(server.port)
    assert row.state == "sent"
    assert row.last_error.startswith("3 个邮箱中 1 个被拒：550 5.1.1")
    assert "zwgk2@" not in row.last_error
    assert len(server.mails[0][0]) == 2


def test_all_mailboxes_refused_is_failed(send):
    with MailServer(refuse=frozenset({"zwgk@example.gov.cn"})).running() as server:
        _, row = send(
            server.port, what=notice(roles=("openness_office",)), to='openness_office = ["zwgk@example.gov.cn"]'
        )
    assert row.state == "failed"
    assert row.last_error.startswith("收件邮箱全部被拒：550")
    assert server.mails == []


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ({"greeting": "554 not here"}, "554 not here"),
        ({"mail": "550 who are you"}, "550 who are you"),
        ({"data": "554 looks like spam"}, "554 looks like spam"),
        ({"data": "452 disk full"}, "452 disk full"),
    ],
)
def test_a_refusal_is_failed_with_the_words_of_the_server(send, replies, error):
    with MailServer(replies=replies).running() as server:
        report, row = send(server.port)
    assert (row.state, row.last_error, row.sent_at) == ("failed", error, None)
    assert report.failed == ("mail",)


def test_a_bad_goodbye_does_not_make_a_taken_mail_untaken(send):
    with MailServer(replies={"quit": "421 overloaded"}).running() as server:
        _, row = send(server.port)
    assert (row.state, len(server.mails)) == ("sent", 1)


def test_a_server_that_hangs_up_after_the_mail_leaves_it_unclear(send):
    with MailServer(drop_after_data=True).running() as server:
        _, row = send(server.port)
    assert (row.state, row.sent_at) == ("unclear", None)
    assert row.last_error == "邮件交出后未得到答复：SMTPServerDisconnected"


def test_sent_again_it_has_the_same_message_id_and_says_so(tmp_path, config_copy):
    with MailServer(drop_after_data=True).running() as server:
        env = open_desk(tmp_path, config_copy, mail_table(server.port, to=BOTH))
        put(env, "mail")
        send_waiting(env, NOW)
        server.drop_after_data = False
        send_waiting(env, later(minutes=2))
    first, second = (email.message_from_bytes(raw, policy=email.policy.default) for _, raw in server.mails)
    assert first["Message-ID"] == second["Message-ID"]
    assert not first["Subject"].startswith("（可能重复）")
    assert second["Subject"].startswith("（可能重复）")
    assert only_row(env).state == "sent"


def test_nobody_there_is_a_failure(send):
    _, row = send(closed_port())
    assert (row.state, row.last_error) == ("failed", "邮件服务器：ConnectionRefusedError")


def test_a_web_server_is_no_mail_server(send):
    with Robot().running() as server:
        _, row = send(server.port)
    assert row.state == "failed"


def test_no_password_goes_to_a_server_without_encryption(send, monkeypatch, tmp_path, config_copy):
    monkeypatch.setenv("CAIFENG_TEST_PASSWORD", "correct horse battery")
    table = 'user = "caifeng"\nsecret_env = "CAIFENG_TEST_PASSWORD"\n'
    with MailServer(extensions=("AUTH PLAIN LOGIN",)).running() as server:
        env = open_desk(tmp_path, config_copy, mail_table(server.port, table, BOTH).replace('"none"', '"starttls"'))
        put(env, "mail")
        send_waiting(env, NOW)
    row = only_row(env)
    assert (row.state, row.last_error) == ("failed", "邮件服务器：SMTPNotSupportedError")
    heard = "\n".join(server.heard)
    assert "AUTH" not in heard
    assert base64.b64encode(b"correct horse battery").decode() not in heard
