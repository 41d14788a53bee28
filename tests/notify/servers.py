"""Servers on loopback: robots that answer well or badly, and a mail server that takes or refuses. Nothing leaves."""

import base64
import hashlib
import hmac
import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-of-the-robot-4711"
SECRET = "SECsignature-key-of-the-robot"

Answer = tuple[int, dict[str, str], bytes]


def said(**values) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(values).encode()


@dataclass
class Robot:
    """One group robot; `answers` are given in turn, the last one for good."""

    answers: Sequence[Answer] = (said(errcode=0, errmsg="ok"),)
    hang: float = 0
    got: list[tuple[str, dict]] = field(default_factory=list)
    check: Callable[[str, dict], Answer | None] | None = None
    port: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def texts(self) -> list[str]:
        return [
            body.get("text", body.get("content", {})).get("content") or body["content"]["text"] for _, body in self.got
        ]

    @contextmanager
    def running(self) -> Iterator["Robot"]:
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                robot.got.append((self.path, body))
                time.sleep(robot.hang)
                answer = robot.check(self.path, body) if robot.check else None
                status, headers, content = answer or robot.answers[min(len(robot.got), len(robot.answers)) - 1]
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    pass

            do_GET = do_POST  # noqa: N815 - the name that http.server calls

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def dingtalk_check(path: str, body: dict) -> Answer | None:
    """As the maker's server: signature of the timestamp under the secret, base64, in the query."""
    query = parse_qs(urlsplit(path).query)
    stamp = query["timestamp"][0]
    want = base64.b64encode(hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()).decode()
    if query["access_token"] != [TOKEN] or query["sign"] != [want]:
        return said(errcode=310000, errmsg="sign not match")
    return None


def feishu_check(path: str, body: dict) -> Answer | None:
    """As the maker's server: the timestamp with the secret is the key, nothing is signed."""
    key = f"{body['timestamp']}\n{SECRET}".encode()
    want = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    if body["sign"] != want or not path.endswith("/" + TOKEN):
        return said(code=19021, msg="sign match fail or timestamp is not within one hour from current time")
    return None


@dataclass
class MailServer:
    """A mail server that speaks as much SMTP as is needed; replies by command, `data` after the final dot."""

    replies: dict[str, str] = field(default_factory=dict)
    refuse: frozenset[str] = frozenset()
    """Mailboxes that are unknown here."""
    extensions: tuple[str, ...] = ()
    drop_after_data: bool = False
    mails: list[tuple[list[str], bytes]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator["MailServer"]:
        mail_server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                mail_server.talk(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        server = Server(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def talk(self, lines, out) -> None:
        def say(text: str) -> None:
            out.write(text.encode() + b"\r\n")

        say(self.replies.get("greeting", "220 mail.example.gov.cn"))
        recipients: list[str] = []
        for raw in lines:
            line = raw.decode().strip()
            verb = line.split(" ")[0].split(":")[0].lower()
            self.heard.append(line)
            if verb == "ehlo":
                names = ["mail.example.gov.cn", *self.extensions]
                for name in names[:-1]:
                    say(f"250-{name}")
                say(f"250 {names[-1]}")
            elif verb == "rcpt":
                box = line[line.index("<") + 1 : line.index(">")]
                if box in self.refuse:
                    say(f"550 5.1.1 <{box}>: no such mailbox")
                else:
                    recipients.append(box)
                    say("250 ok")
            elif verb == "data":
                say("354 go ahead")
                body = b""
                for part in lines:
                    if part == b".\r\n":
                        break
                    body += part
                self.mails.append((recipients, body))
                if self.drop_after_data:
                    return
                say(self.replies.get("data", "250 taken"))
            elif verb == "quit":
                say(self.replies.get("quit", "221 bye"))
                return
            else:
                say(self.replies.get(verb, "250 ok"))


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
