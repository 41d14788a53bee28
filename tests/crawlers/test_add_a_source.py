"""docs/add-a-source.md, done as it says: each TOML block of the page is the one file that is added, then crawled."""

import re
import shutil
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from typer.testing import CliRunner

from caifeng.cli import app
from caifeng.core.model.families import Family
from samples.server import serving
from samples.town.site import web_sites
from samples.town.story import load_story
from tests.crawlers.warm import warm_crawlers

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 23)
AT = f"{DAY}T23:50+08:00"
#: The page's addresses are those of `python -m samples.server --port 8990`.
FIRST_PORT = 8990

BLOCKS = {
    parsed["family"]: text
    for text in re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "add-a-source.md").read_text("utf8"), re.DOTALL)
    if "family" in (parsed := tomllib.loads(text))
}
#: A text that the family must find on the day, as the sample town (or the small sites below) has it.
EXPECTED = {
    "list_detail": "关于规范农业普查入户登记时间的通知",
    "openness": "蒙城县",
    "forum": "",
    "epaper": "全市低保和特困人口动态监测数据发布",
    "message_board": "请问CPI里有没有房价，权重多久调整一次？",
    "feed": "",
    "hot_list": "",
    "programme": "统计热线",
    "sitemap": "县城三条公交线路增加早班车",
}

STATION = """<html><head><meta charset="utf-8"><title>节目单</title></head><body><h1>2026年11月23日 节目单</h1>
<ul class="programme"><li><i>07:30</i><b>早间新闻</b><p>本县要闻</p></li>
<li><i>09:05</i><b>统计热线</b><p>请县统计局解答农业普查登记问题</p></li></ul></body></html>"""
SITEMAP = """<?xml version="1.0" encoding="utf-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>{base}/content/1.html</loc><lastmod>2026-11-23T08:00:00+08:00</lastmod></url>
<url><loc>{base}/about.html</loc><lastmod>2026-11-23</lastmod></url>
<url><loc>{base}/content/0.html</loc><lastmod>2025-01-01</lastmod></url></urlset>"""
ARTICLE = """<html><head><meta charset="utf-8"><title>县城三条公交线路增加早班车_蒙城新闻网</title></head><body>
<h1>县城三条公交线路增加早班车</h1><div class="info">2026-11-23 08:00 来源：融媒体中心</div>
<div class="article"><p>自本周起，县城三条公交线路首班车提前至五时五十分，早高峰增加四个班次，末班时间不变。</p>
<p>线路走向和站点请以站牌张贴的时刻表为准，也可在车载终端查看实时到站信息，方便沿线群众出行。</p></div></body></html>"""


@dataclass(frozen=True)
class Sites:
    """Addresses of the page -> where they are served now."""

    ports: tuple[int, ...]
    small: str

    def filled(self, text: str) -> str:
        """The block with this run's addresses; a small site on loopback needs no pause."""
        for n, port in enumerate(self.ports):
            text = text.replace(f"127.0.0.1:{FIRST_PORT + n}/", f"127.0.0.1:{port}/")
        if (moved := re.sub(r"https://(?:station|news)\.example", self.small, text)) != text:
            return "min_delay_seconds = 0\n" + moved
        return text


@pytest.fixture(scope="module", autouse=True)
def _warm() -> Iterator[None]:
    with warm_crawlers():
        yield


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            base = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
            pages = {
                f"/jiemu/{DAY}.html": STATION,
                "/sitemap.xml": SITEMAP.replace("{base}", base),
                "/content/1.html": ARTICLE,
            }
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/xml" if self.path.endswith("xml") else "text/html")
            self.end_headers()
            self.wfile.write((body or "none").encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with serving(web_sites(load_story()), 0, lambda: DAY) as ports:
        yield Sites(tuple(ports), f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The product's configuration without sources, an empty home, the clock at the end of the sample day."""
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config, ignore=shutil.ignore_patterns("sources"))
    (config / "sources").mkdir()
    monkeypatch.setenv("CAIFENG_CONFIG", str(config))
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAIFENG_AS_OF", AT)
    return tmp_path


def add(office: Path, text: str) -> str:
    """Add the one file; its id."""
    source_id = str(tomllib.loads(text)["id"])
    (office / "config" / "sources" / f"{source_id}.toml").write_text(text, "utf8")
    assert [path.stem for path in (office / "config" / "sources").iterdir()] == [source_id]
    return source_id


def posts(office: Path, source_id: str) -> pl.DataFrame:
    parts = sorted((office / "home" / "lake" / "raw" / "posts").glob(f"day=*/{source_id}-*.parquet"))
    return pl.concat([pl.read_parquet(part) for part in parts]) if parts else pl.DataFrame()


def test_the_page_shows_every_family() -> None:
    assert set(BLOCKS) == set(get_args(Family))
    assert set(EXPECTED) == set(BLOCKS) - {"inbox"}


@pytest.mark.parametrize("family", sorted(EXPECTED))
def test_one_file_adds_a_source(family: str, sites: Sites, office: Path) -> None:
    source_id = add(office, sites.filled(BLOCKS[family]))
    done = CliRunner().invoke(app, ["crawl", "--source", source_id])
    assert done.exit_code == 0, done.output
    landed = posts(office, source_id)
    assert landed.height, done.output
    assert landed["source_id"].unique().to_list() == [source_id]
    assert landed.filter(pl.col("title").str.contains(EXPECTED[family], literal=True)).height
    # Replies carry their own time; of the rest a source that shows none is not worth much.
    assert landed["published_at"].null_count() < landed.height
    if family == "message_board":
        assert landed["answered_at"].drop_nulls().len()
    if family in {"list_detail", "openness", "forum", "hot_list"}:
        assert landed["views"].drop_nulls().len()


def test_one_file_adds_an_inbox(office: Path, tmp_path: Path) -> None:
    source_id = add(office, BLOCKS["inbox"])
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "工单编号,工单标题,诉求内容,来电时间\nGD1,咨询收入,人均收入怎么算出来的,2026-11-23 09:30\n", "utf8"
    )
    done = CliRunner().invoke(app, ["import", str(orders), "--source", source_id])
    assert done.exit_code == 0, done.output
    assert posts(office, source_id)["title"].to_list() == ["咨询收入"]
