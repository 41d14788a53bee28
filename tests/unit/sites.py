"""A small site on loopback for the tests of drafting, trying and recording a source. All of it is invented."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env

ROOT = Path(__file__).resolve().parents[2]
AT = "2026-11-20T18:00+08:00"
NICKNAME = "半夜磨豆浆的人"
REPORTER = "钱某某"
PHONE = "13912345678"

TITLES = (
    "县统计局公布前三季度居民收入情况",
    "关于开展第四次全国农业普查登记的公告",
    "普查登记为什么要问家里种几亩地",
    "县政府常务会议研究冬季民生工作",
)


def html(title: str, body: str, head: str = "") -> str:
    head = f'<head><meta charset="utf-8"><title>{title}</title>{head}</head>'
    return f"<!DOCTYPE html><html>{head}<body>{body}</body></html>"


MENU = '<nav class="menu">' + "".join(f'<a href="/m{n}/">栏目{n}</a>' for n in range(9)) + "</nav>"
LIST = html(
    "要闻_涡河新闻网",
    MENU
    + '<div class="main"><ul class="news">'
    + "".join(
        f'<li><a href="/2026/{n}.html" title="{title}">{title[:12]}…</a><span class="rq">11-{20 - n:02}</span></li>'
        for n, title in enumerate(TITLES)
    )
    + '</ul><div class="pages"><a href="/list_0.html">上一页</a><a href="/list_2.html">下一页</a></div></div>'
    + '<div class="side"><h3>热点</h3><ul>'
    + "".join(f'<li><a href="/hot/{n}.html">冬日里的那一碗热汤{n}</a></li>' for n in range(3))
    + '</ul></div><div class="foot">版权所有 涡河新闻网</div>',
)


def article(n: int, extra: str = "") -> str:
    return html(
        f"{TITLES[n]}_涡河新闻网",
        MENU
        + f'<div class="wrap"><h1 class="bt">{TITLES[n]}</h1>'
        + f'<div class="info"><span class="sj">2026-11-{20 - n:02} 09:3{n}</span><span>作者：{REPORTER}</span>'
        + f'<span class="author">{NICKNAME}</span><span>浏览次数：<em class="hits">{n * 7 + 3}</em></span></div>'
        + '<div class="nr"><p>记者从县统计局获悉，前三季度居民人均可支配收入稳步增长，农村居民收入增速快于城镇。</p>'
        + "<p>统计局有关负责人表示，收入数据来自住户调查，由记账户逐日记账，经审核汇总后得出，请大家放心。</p>"
        + f"{extra}</div></div>",
    )


@dataclass
class Served:
    """Paths to what they answer (a page, or status and headers), and what was asked."""

    pages: dict[str, str | bytes | tuple[int, dict[str, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    base: str = ""


@contextmanager
def served() -> Iterator[Served]:
    site = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.agents.add(self.headers["User-Agent"])
            answer = site.pages.get(self.path, (404, {}))
            status, headers = (200, {}) if isinstance(answer, str | bytes) else answer
            body = answer.encode() if isinstance(answer, str) else answer if isinstance(answer, bytes) else b""
            self.send_response(status)
            for name, value in {"Content-Type": "text/html", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site.base = f"http://127.0.0.1:{server.server_port}"
    site.pages = {"/list.html": LIST, **{f"/2026/{n}.html": article(n) for n in range(4)}}
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def office(folder: Path) -> Env:
    """An environment with the product's units, no source, an empty home and a fixed clock."""
    (folder / "config" / "sources").mkdir(parents=True)
    (folder / "config" / "units.toml").write_bytes((ROOT / "config" / "units.toml").read_bytes())
    return Env.open(Settings(home=folder / "home", config=folder / "config", as_of=parse_as_of(AT)))


def put_source(env: Env, base: str, source_id: str = "woheside", **changes: str) -> Path:
    """A source file for the small site, switched off."""
    path = env.settings.config / "sources" / f"{source_id}.toml"
    text = (
        f'id = "{source_id}"\nname = "涡河新闻网"\nfamily = "list_detail"\nclass = "news"\nreach = "county"\n'
        "enabled = false\nmin_delay_seconds = 0\n\n"
        f'[list]\nurls = ["{base}/list.html"]\nitem = "ul.news li"\ntime = "span.rq"\n\n'
        '[detail]\ntitle = "h1.bt"\nbody = "div.nr"\ntime = "span.sj"\nviews = "em.hits"\n'
    )
    for old, new in changes.items():
        text = text.replace(old.replace("_", " "), new)
    path.write_text(text, "utf8")
    return path
