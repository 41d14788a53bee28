"""A small S3 server for tests: whole objects, listings, conditional PUT as Amazon's user guide has it, and faults.

Signatures are not checked, only that requests are signed by the expected key id.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

KEY_ID, SECRET = "test-key", "test-secret"
_PAGE = 1000


@dataclass
class Bucket:
    """The objects of the only bucket, what was asked, and what goes wrong."""

    address: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by method."""
    fault: Callable[[str, str], int | None] = lambda _method, _key: None
    """Status to answer a request with instead of carrying it out."""
    swallow: Callable[[str, str], bool] = lambda _method, _key: False
    """Whether a request is carried out and its answer lost."""
    delay: Callable[[str, str], float] = lambda _method, _key: 0
    """Seconds to wait before a request is carried out."""
    unlisted: set[str] = field(default_factory=set)
    """Keys that listings do not show yet."""
    heeds_conditions: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)

    def environment(self) -> dict[str, str]:
        """Variables by which the bucket is reached."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "cn-test-1",
        }

    def lake(self, prefix: str) -> dict[str, bytes]:
        """Objects below a prefix, by the rest of their key."""
        with self.lock:
            return {k.removeprefix(f"{prefix}/"): v for k, v in self.objects.items() if k.startswith(f"{prefix}/")}


@contextmanager
def s3_server(name: str = "lake") -> Iterator[Bucket]:
    """Serve one bucket on the loopback."""
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_words: object) -> None:
            pass

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            if bucket.swallow(self.command, self.key):
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":  # a body here would be read as the head of the next answer
                self.wfile.write(body)

        def refuse(self, status: int, code: str) -> None:
            self.answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

        def handle_request(self) -> None:
            url = urlsplit(self.path)
            found, _, self.key = unquote(url.path).lstrip("/").partition("/")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bucket.asked[self.command] += 1
            if wait := bucket.delay(self.command, self.key):
                time.sleep(wait)
            if status := bucket.fault(self.command, self.key):
                self.refuse(status, "SlowDown" if status == 503 else "InternalError")
            elif f"Credential={KEY_ID}/" not in self.headers.get("Authorization", ""):
                self.refuse(403, "InvalidAccessKeyId")
            elif found != name:
                self.refuse(404, "NoSuchBucket")
            elif not self.key and self.command == "GET":
                self.listing({k: v[0] for k, v in parse_qs(url.query).items()})
            elif self.command == "POST":
                self.delete_many(body)
            else:
                getattr(self, f"object_{self.command.lower()}")(body)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = handle_request  # noqa: N815

        def object_get(self, _body: bytes) -> None:
            with bucket.lock:
                content = bucket.objects.get(self.key)
            if content is None:
                self.refuse(404, "NoSuchKey")
                return
            size = str(len(content))
            self.answer(200, content, ETag=etag(content), Last_Modified=_MOMENT, Content_Length=size)

        object_head = object_get

        def object_put(self, body: bytes) -> None:
            with bucket.lock:  # condition and write are one step
                stands = bucket.objects.get(self.key)
                wanted, forbidden = self.headers.get("If-Match"), self.headers.get("If-None-Match")
                failed = 0
                if wanted and stands is None:
                    failed = 404
                elif (wanted and etag(stands or b"") != wanted) or (forbidden == "*" and stands is not None):
                    failed = 412
                if not failed or not bucket.heeds_conditions:
                    bucket.objects[self.key] = body
                    failed = 0
            if failed:
                self.refuse(failed, "PreconditionFailed" if failed == 412 else "NoSuchKey")
            else:
                self.answer(200, ETag=etag(body))

        def object_delete(self, _body: bytes) -> None:
            with bucket.lock:
                bucket.objects.pop(self.key, None)
            self.answer(204)

        def delete_many(self, body: bytes) -> None:
            keys = [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", body.decode())]
            with bucket.lock:
                for key in keys:
                    bucket.objects.pop(key, None)
            done = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
            self.answer(200, f"<DeleteResult>{done}</DeleteResult>".encode())

        def listing(self, query: dict[str, str]) -> None:
            prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
            after = query.get("continuation-token") or query.get("start-after", "")
            with bucket.lock:
                found = {k: v for k, v in sorted(bucket.objects.items()) if k.startswith(prefix) and k > after}
            lines: dict[str, str] = {}
            last, more = "", False
            for key, content in found.items():
                if key in bucket.unlisted:
                    continue
                rest = key.removeprefix(prefix)
                if delimiter and delimiter in rest:
                    shown = prefix + rest.partition(delimiter)[0] + delimiter
                    line = f"<CommonPrefixes><Prefix>{escape(shown)}</Prefix></CommonPrefixes>"
                else:
                    shown = key
                    line = (
                        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-20T00:00:00.000Z</LastModified>"
                        f"<ETag>{escape(etag(content))}</ETag><Size>{len(content)}</Size></Contents>"
                    )
                if shown not in lines and len(lines) == _PAGE:
                    more = True
                    break
                lines[shown], last = line, key
            token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if more else ""
            body = (
                f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>{name}</Name><KeyCount>{len(lines)}'
                f"</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(lines.values())}"
                "</ListBucketResult>"
            )
            self.answer(200, body.encode(), Content_Type="application/xml")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    bucket.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def etag(content: bytes) -> str:
    """Version of an object, as Amazon gives it to a whole one."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


_MOMENT = "Fri, 20 Nov 2026 00:00:00 GMT"
