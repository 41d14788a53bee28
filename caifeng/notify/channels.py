"""Ways out of the house: e-mail, WeCom, DingTalk, Feishu. Each says truly whether the server took the message.

A robot answers HTTP 200 also when it refuses; only its own code counts. What may have arrived without being confirmed
is `unclear`, neither sent nor refused. Answers are short: more than `MAX_ANSWER` bytes is none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Literal
from urllib.parse import quote_plus

import httpx

from caifeng.core.errors import ConfigError
from caifeng.core.model.notify import Channel, DingtalkChannel, FeishuChannel, SmtpChannel, WecomChannel
from caifeng.core.text.scrub import scrub
from caifeng.notify.message import Message

MAX_ANSWER = 64 * 1024
MAX_ERROR_CHARS = 200
#: A server that asks us to wait is obeyed up to this.
MAX_WAIT = timedelta(hours=1)

HOSTS = {
    "wecom": "https://qyapi.weixin.qq.com",
    "dingtalk": "https://oapi.dingtalk.com",
    "feishu": "https://open.feishu.cn",
}
# httpx writes every address into the log; that of a robot holds its token.
logging.getLogger("httpx").addFilter(lambda record: record.levelno > logging.INFO)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+")


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt."""

    state: Literal["sent", "failed", "unclear"]
    """`sent`: the server's own success code; `failed`: it was not taken; `unclear`: it may have been."""
    said: str | None = None
    """What the server said, or what happened; no secret, at most 200 characters."""
    wait: timedelta | None = None
    """How long the server asks us to wait."""


@dataclass(frozen=True)
class Parcel:
    """A message on its way."""

    key: str
    """Names the message; the same message sent again has the same."""
    roles: tuple[str, ...]
    message: Message
    at: datetime
    """Moment of sending: part of signatures and of the date of mails."""


Secrets = Mapping[str, str]


def secrets_of(channel: Channel, path: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The channel's secrets, by name, from where the file says.

    Args:
        channel: as configured.
        path: the configuration file, named in errors.
        environ: variables; None takes those of the process.

    Raises:
        ConfigError: a variable is not set, a file cannot be read, or a secret is empty.
    """
    environ = os.environ if environ is None else environ
    found = {}
    for name in channel.secret_names:
        env, file = channel.place_of(name)
        if env is not None:
            field, value = f"channel.{channel.id}.{name}_env", environ.get(env, "").strip()
            reason = f"the environment variable {env} is not set"
        elif file is not None:
            field, value = f"channel.{channel.id}.{name}_file", _read(file)
            reason = f"{file} cannot be read or is empty"
        else:
            continue
        if not value:
            raise ConfigError(path, field, reason)
        found[name] = value
    return found


def deliver(channel: Channel, secrets: Secrets, parcel: Parcel) -> Outcome:
    """Make one attempt. What goes wrong is in the outcome, never an exception."""
    try:
        if isinstance(channel, SmtpChannel):
            outcome = _mail(channel, secrets, parcel)
        else:
            outcome = _robot(channel, secrets, parcel)
    except Exception as error:  # whatever a server provokes, the outbox must hear of it
        outcome = Outcome("unclear", f"发送时出错：{type(error).__name__}")
    return Outcome(outcome.state, outcome.said and clean(outcome.said, secrets), outcome.wait)


def clean(said: str, secrets: Secrets) -> str:
    """What a server said: one line, without secrets and personal data, at most 200 characters."""
    for secret in sorted(secrets.values(), key=len, reverse=True):
        for form in (secret, quote_plus(secret), base64.b64encode(secret.encode()).decode()):
            said = said.replace(form, "***")
    return scrub(_CONTROL.sub(" ", said)).strip()[:MAX_ERROR_CHARS]


def dingtalk_sign(secret: str, milliseconds: int) -> str:
    """Signature of a DingTalk robot: HMAC-SHA256 of "ms, line feed, secret" under the secret; base64, for a query."""
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return quote_plus(base64.b64encode(digest))


def feishu_sign(secret: str, seconds: int) -> str:
    """Signature of a Feishu robot: HMAC-SHA256 of nothing under the key seconds, line feed, secret, base64."""
    digest = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def request_of(
    channel: WecomChannel | DingtalkChannel | FeishuChannel, secrets: Secrets, parcel: Parcel
) -> tuple[str, dict[str, Any]]:
    """Address and JSON body of a robot's request. Plain text, so that a title cannot become a link or a mention."""
    base, token, text = channel.base_url or HOSTS[channel.kind], quote_plus(secrets["token"]), parcel.message.text
    if isinstance(channel, WecomChannel):
        return f"{base}/cgi-bin/webhook/send?key={token}", {"msgtype": "text", "text": {"content": text}}
    if isinstance(channel, DingtalkChannel):
        milliseconds = int(parcel.at.timestamp() * 1000)
        sign = dingtalk_sign(secrets["secret"], milliseconds)
        address = f"{base}/robot/send?access_token={token}&timestamp={milliseconds}&sign={sign}"
        return address, {"msgtype": "text", "text": {"content": text}, "at": {"isAtAll": False}}
    seconds = int(parcel.at.timestamp())
    body = {"timestamp": str(seconds), "sign": feishu_sign(secrets["secret"], seconds)}
    return f"{base}/open-apis/bot/v2/hook/{token}", {**body, "msg_type": "text", "content": {"text": text}}


def _robot(channel: WecomChannel | DingtalkChannel | FeishuChannel, secrets: Secrets, parcel: Parcel) -> Outcome:
    address, body = request_of(channel, secrets, parcel)
    started, answer = perf_counter(), bytearray()
    try:
        with (
            # Proxies and passwords lying around in the environment (netrc) are none of ours.
            httpx.Client(timeout=channel.timeout_seconds, trust_env=False, proxy=channel.proxy) as client,
            client.stream("POST", address, json=body, headers={"Accept-Encoding": "identity"}) as response,
        ):
            if response.status_code != 200:
                return _refusal(response)
            for chunk in response.iter_raw(4096):
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    return Outcome("unclear", f"回答超过 {MAX_ANSWER // 1024} KB，未读完")
                if perf_counter() - started > channel.timeout_seconds:
                    return Outcome("unclear", f"{channel.timeout_seconds:g} 秒内未答完")
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        return Outcome("failed", f"连接不上：{type(error).__name__}")
    except httpx.TimeoutException:
        return Outcome("unclear", f"{channel.timeout_seconds:g} 秒内无回答")
    except httpx.HTTPError as error:
        return Outcome("unclear", f"连接中断：{type(error).__name__}")
    return _robot_outcome(channel.kind, bytes(answer))


def _refusal(response: httpx.Response) -> Outcome:
    asked = response.headers.get("retry-after", "")
    wait = min(timedelta(seconds=int(asked)), MAX_WAIT) if re.fullmatch(r"\d{1,9}", asked) else None
    return Outcome("failed", f"HTTP {response.status_code}", wait)


def _robot_outcome(kind: str, answer: bytes) -> Outcome:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return Outcome("unclear", "HTTP 200，回答不是 JSON")
    codes = {"feishu": ("code", "StatusCode")}.get(kind, ("errcode",))
    given = [said[name] for name in codes if name in said] if isinstance(said, dict) else []
    if not given:
        return Outcome("unclear", f"HTTP 200，回答没有 {'/'.join(codes)}")
    if all(code == 0 and type(code) is int for code in given):
        return Outcome("sent")
    words = said.get("errmsg") or said.get("msg") or said.get("StatusMessage") or ""
    return Outcome("failed", f"{codes[0]} {next(c for c in given if c != 0 or type(c) is not int)}：{words}")


def _mail(channel: SmtpChannel, secrets: Secrets, parcel: Parcel) -> Outcome:
    """One mail to all mailboxes of the roles; taken if the server takes it for at least one of them."""
    recipients = list(dict.fromkeys(box for role in parcel.roles for box in channel.to.get(role, ())))
    if not recipients:
        return Outcome("failed", "这些岗位没有邮箱")
    try:
        server = _connected(channel, secrets)
        try:
            return _hand_over(server, channel.sender, recipients, mail_of(channel, recipients, parcel))
        finally:
            _part(server)
    except smtplib.SMTPResponseException as error:
        return Outcome("failed", _reply(error.smtp_code, error.smtp_error))
    except ssl.SSLError as error:
        return Outcome("failed", f"加密连接不成：{error.reason or type(error).__name__}")
    except (smtplib.SMTPException, OSError) as error:
        # The body had not been handed over: `_hand_over` answers for everything after that.
        return Outcome("failed", f"邮件服务器：{type(error).__name__}")


def _connected(channel: SmtpChannel, secrets: Secrets) -> smtplib.SMTP:
    """Connected, encrypted as configured, signed in.

    Raises:
        OSError: no connection.
        smtplib.SMTPException: the server refused; also where it does not offer the encryption that is configured.
    """
    domain, context = channel.sender.rpartition("@")[2], ssl.create_default_context()
    server: smtplib.SMTP
    if channel.security == "tls":
        server = smtplib.SMTP_SSL(channel.host, channel.port, domain, timeout=channel.timeout_seconds, context=context)
    else:
        server = smtplib.SMTP(channel.host, channel.port, domain, timeout=channel.timeout_seconds)
    try:
        if channel.security == "starttls":
            server.starttls(context=context)
        if channel.user is not None:
            server.login(channel.user, secrets["secret"])
    except BaseException:
        server.close()
        raise
    return server


def _hand_over(server: smtplib.SMTP, sender: str, recipients: Sequence[str], mail: EmailMessage) -> Outcome:
    server.ehlo_or_helo_if_needed()
    _expect(server.mail(sender))
    refused = [reply for reply in map(server.rcpt, recipients) if reply[0] not in (250, 251)]
    if len(refused) == len(recipients):
        return Outcome("failed", f"收件邮箱全部被拒：{_reply(*refused[0])}")
    try:
        code, words = server.data(mail.as_bytes())
    except smtplib.SMTPDataError as error:  # the command itself was refused
        return Outcome("failed", _reply(error.smtp_code, error.smtp_error))
    except (smtplib.SMTPException, OSError) as error:
        return Outcome("unclear", f"邮件交出后未得到答复：{type(error).__name__}")
    if code != 250:
        return Outcome("failed", _reply(code, words))
    if refused:
        return Outcome("sent", f"{len(recipients)} 个邮箱中 {len(refused)} 个被拒：{_reply(*refused[0])}")
    return Outcome("sent")


def _part(server: smtplib.SMTP) -> None:
    """Leave; a server that says goodbye badly has the mail all the same."""
    with suppress(smtplib.SMTPException, OSError):
        server.docmd("QUIT")
    server.close()


def mail_of(channel: SmtpChannel, recipients: Sequence[str], parcel: Parcel) -> EmailMessage:
    """The mail; sent again it has the same Message-ID, so that mail programs can tell."""
    mail = EmailMessage()
    name = hashlib.sha256(parcel.key.encode()).hexdigest()[:32]
    mail["From"] = channel.sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = parcel.message.subject
    mail["Date"] = format_datetime(parcel.at)
    mail["Message-ID"] = f"<{name}@{channel.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(parcel.message.text, charset="utf-8", cte="base64")
    return mail


def _expect(reply: tuple[int, bytes]) -> None:
    if reply[0] != 250:
        raise smtplib.SMTPResponseException(*reply)


def _reply(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode('utf8', 'replace') if isinstance(words, bytes) else words}"


def _read(file: str) -> str:
    try:
        return Path(file).read_text("utf8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


#: `deliver` as the sender takes it; tests put a server of their own in its place.
Deliver = Callable[[Channel, Secrets, Parcel], Outcome]
