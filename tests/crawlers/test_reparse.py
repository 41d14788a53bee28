"""A site changed its layout: the pages of the days between are read again, and what a fetch had landed is replaced."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.core import clock
from caifeng.core.bodies import Body, BodyStore, part_name
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.model.source import Source
from caifeng.core.settings import Settings
from caifeng.core.text.scrub import find_pii
from caifeng.core.text.times import Moment
from caifeng.core.text.urls import post_id
from caifeng.jobs.base import Env
from caifeng.jobs.bodies import destroy_bodies
from caifeng.jobs.clean import clean
from caifeng.jobs.reparse import Reparsed, reparse
from crawlers.items import Page
from crawlers.pipelines.scrub import scrub_post
from crawlers.reading import READERS
from transforms.clean.readings import latest_readings

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
DAY = AT.date()
WEDNESDAY = AT + timedelta(days=2)
WRITER = "发帖会员丙丁"
PHONE = "13912345678"
HEAD = 'name = "某县门户"\nclass = "portal"\nreach = "county"\nboard = "公告"\n'
LIST = '[list]\nurls = ["http://127.0.0.1:1/list.html"]\nitem = "li"\n'
OLD = '{table}\ntitle = "h1"\nbody = ".body"\ntime = "time"\n'
NEW = '[detail]\ntitle = "h2.head"\nbody = "article"\ntime = ".when"\nviews = ".seen"\n'
HOT = (
    '[hot_list]\nurls = ["http://127.0.0.1:1/hot.json"]\nitems = "{items}"\ntitle = "{title}"\n'
    'link = "http://hot.example/q?t={{title}}"\n'
)


def old_page(title: str, text: str) -> bytes:
    return (
        f'<meta charset="utf-8"><h1>{title}</h1><p>作者：{WRITER} <time>2026-11-16 09:30</time></p>'
        f'<div class="body"><p>{text}</p></div>'
    ).encode()


def new_page(title: str, text: str) -> bytes:
    return (
        f'<meta charset="utf-8"><h2 class="head">{title}</h2><p class="username">{WRITER}</p>'
        f'<i class="when">2026-11-16 09:30</i><i class="seen">浏览：77次</i><article><p>{text}</p></article>'
    ).encode()


def opened(config: Path, home: Path, at: datetime = WEDNESDAY) -> Env:
    return Env.open(Settings(home=home, config=config, as_of=at))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "config" / "sources").mkdir(parents=True)
    return tmp_path / "config"


def write(config: Path, source_id: str, rules: str, family: str = "list_detail") -> None:
    file = config / "sources" / f"{source_id}.toml"
    file.write_text(f'id = "{source_id}"\nfamily = "{family}"\n{HEAD}{rules}', "utf8")


def fetched(env: Env, source_id: str, *bodies: bytes, kind: str = "detail", at: datetime = AT) -> None:
    """What a crawl does with pages: read, scrub and land, store."""
    source = next(source for source in env.settings.sources().usable if source.id == source_id)
    posts, store = [], BodyStore(env.settings.home)
    for number, body in enumerate(bodies):
        listed = Moment(AT - timedelta(hours=2), "hour")
        page = Page(f"http://127.0.0.1:1/a{number}.html", body, kind, at, None, listed, None)
        try:
            read = READERS[source.family](source, page).posts
        except ValueError:
            read = ()
        posts += map(scrub_post, read)
        ids = tuple(post.post_id for post in read)
        stored = Body(source_id, page.url, kind, at, body, None, listed, None, ids)
        store.append(DAY, part_name(source_id, at), stored)
    rows = [asdict(post) for post in posts]
    frame = pl.DataFrame(rows, schema=env.contracts["raw.posts"].polars_schema())
    env.lake.replace("raw.posts", DAY, frame, part_name(source_id, at))


def latest(env: Env) -> dict[str, str]:
    rows = latest_readings(env.lake.read("raw.posts", DAY)).sort("post_id", "observed_at")
    return {row["title"]: row["text"] for row in rows.iter_rows(named=True)}


def counts(done: Reparsed) -> dict[str, int]:
    return {name: number for name, number in done.report.counts.items() if number}


def test_pages_that_could_not_be_read_on_monday_are_recovered_on_wednesday(config: Path, tmp_path: Path) -> None:
    write(config, "portal", LIST + OLD.format(table="[detail]"))
    env = opened(config, tmp_path / "home")
    fetched(env, "portal", old_page("旧版", "改版前"), new_page("新版", f"改版后，电话{PHONE}"), b"<p>empty</p>")
    assert latest(env) == {"旧版": "改版前"}
    assert counts(reparse(env, DAY)) == {"bodies": 3, "posts": 1, "unreadable": 2}

    write(config, "portal", LIST + NEW + "[[former]]\nuntil = 2026-11-15\n" + OLD.format(table="[former.detail]"))
    files = env.lake.files("raw.posts", DAY)
    dry = reparse(env, DAY, dry_run=True)
    assert counts(dry) == {"bodies": 3, "posts": 1, "new": 1, "unreadable": 1, "lost": 1}
    assert dry.lines() == ["new       portal http://127.0.0.1:1/a1.html"]
    assert env.lake.files("raw.posts", DAY) == files

    done = reparse(env, DAY)
    assert (counts(done), done.lines(), done.report.failed) == (counts(dry), dry.lines(), ())
    assert latest(env) == {"旧版": "改版前", "新版": "改版后，电话〔手机号〕"}
    assert [file.stem for file in env.lake.files("raw.posts", DAY) if file not in files] == [
        "portal-20261118T020000-reread"
    ]
    (row,) = env.lake.read("raw.posts", DAY).filter(pl.col("read_at").is_not_null()).to_dicts()
    assert (row["fetched_at"], row["observed_at"], row["read_at"]) == (AT, AT, WEDNESDAY)
    assert (row["views"], row["published_precision"], row["board"]) == (77, "minute", "公告")
    assert WRITER not in str(row)
    assert not find_pii(str(row["text"]))
    assert counts(reparse(env, DAY)) == {"bodies": 3, "posts": 1, "unreadable": 1, "lost": 1}
    assert env.lake.files("raw.posts", DAY) == sorted([*files, *env.lake.directory("raw.posts", DAY).glob("*-reread*")])


def test_unread_pages_can_be_recovered_after_the_brief_life_has_ended(config: Path, tmp_path: Path) -> None:
    write(config, "portal", LIST + OLD.format(table="[detail]"))
    env = opened(config, tmp_path / "home", AT + timedelta(days=20))
    fetched(env, "portal", new_page("新版", "改版后"))
    destroy_bodies(env)
    write(config, "portal", LIST + NEW)
    assert counts(reparse(env, DAY)) == {"bodies": 1, "posts": 1, "new": 1}
    destroy_bodies(env, AT + timedelta(days=32))
    with pytest.raises(UsageError, match="2026-11-16: no page stands"):
        reparse(env, DAY)


def test_a_corrected_reading_takes_the_place_of_the_first(config: Path, tmp_path: Path) -> None:
    write(config, "portal", LIST + OLD.format(table="[detail]"))
    env = opened(config, tmp_path / "home")
    fetched(env, "portal", old_page("标题", "正文"), old_page("另一篇", "正文"))
    write(config, "portal", LIST + '[detail]\ntitle = "h1"\nbody = ".body"\n')
    done = reparse(env, DAY)
    assert counts(done) == {"bodies": 2, "posts": 2, "changed": 2}
    # Without the page's own time, that of the list stands.
    assert done.lines()[0] == (
        "changed   portal http://127.0.0.1:1/a0.html (published_at, published_precision, date_source)"
    )
    assert env.lake.read("raw.posts", DAY).height == 4
    assert latest_readings(env.lake.read("raw.posts", DAY))["date_source"].to_list() == ["list", "list"]

    later = opened(config, tmp_path / "home", WEDNESDAY + timedelta(hours=1))
    write(config, "portal", LIST + OLD.format(table="[detail]"))
    assert counts(reparse(later, DAY)) == {"bodies": 2, "posts": 2, "changed": 2}
    assert latest_readings(env.lake.read("raw.posts", DAY))["date_source"].to_list() == ["rule", "rule"]
    assert counts(reparse(later, DAY)) == {"bodies": 2, "posts": 2}


def test_a_moment_is_not_used_twice(config: Path, tmp_path: Path) -> None:
    write(config, "portal", LIST + OLD.format(table="[detail]"))
    env = opened(config, tmp_path / "home")
    fetched(env, "portal", old_page("标题", "正文"))
    write(config, "portal", LIST + '[detail]\ntitle = "h1"\nbody = ".body"\n')
    reparse(env, DAY)
    write(config, "portal", LIST + '[detail]\ntitle = "time"\nbody = ".body"\n')
    with pytest.raises(UsageError, match=r"portal-20261118T020000-reread\.parquet: was landed"):
        reparse(env, DAY)


def test_what_a_page_does_not_hold_any_more_is_withdrawn(config: Path, tmp_path: Path) -> None:
    ranking = '{"list": [{"w": "前三季度 GDP", "ad": "买一送一"}, {"w": "人口普查", "ad": "人口普查"}]}'.encode()
    write(config, "hot", HOT.format(items="list", title="ad"), "hot_list")
    env = opened(config, tmp_path / "home")
    fetched(env, "hot", ranking, kind="snapshot")
    assert {*latest(env)} == {"买一送一", "人口普查"}
    write(config, "hot", HOT.format(items="list", title="w"), "hot_list")
    done = reparse(env, DAY)
    assert counts(done) == {"bodies": 1, "posts": 2, "new": 1, "withdrawn": 1}
    assert {*latest(env)} == {"前三季度 GDP", "人口普查", ""}
    (gone,) = latest_readings(env.lake.read("raw.posts", DAY)).filter(pl.col("title") == "").to_dicts()
    assert (gone["text"], gone["published_at"], gone["views"], gone["read_at"]) == ("", None, None, WEDNESDAY)
    assert gone["post_id"] == post_id("http://hot.example/q?t=%E4%B9%B0%E4%B8%80%E9%80%81%E4%B8%80")
    assert counts(reparse(env, DAY)) == {"bodies": 1, "posts": 2}


def test_cleaning_takes_the_latest_reading(config: Path, tmp_path: Path) -> None:
    ranking = '{"list": [{"w": "前三季度 GDP", "ad": "买一送一"}]}'.encode()
    write(config, "hot", HOT.format(items="list", title="ad"), "hot_list")
    write(config, "portal", LIST + OLD.format(table="[detail]"))
    env = opened(config, tmp_path / "home")
    fetched(env, "hot", ranking, kind="snapshot")
    fetched(env, "portal", old_page("标题", "正文"))
    clean(env, DAY, WEDNESDAY)
    assert env.lake.read("clean.posts", DAY)["title"].sort().to_list() == ["买一送一", "标题"]
    write(config, "hot", HOT.format(items="list", title="w"), "hot_list")
    write(config, "portal", LIST + '[detail]\ntitle = "p"\nbody = ".body"\n')
    reparse(env, DAY)
    # The final evaluation of the day stays that of its end, although the pages were read again after it.
    done = clean(env, DAY, clock.end_of_day(DAY))
    assert done.counts == {"raw": 3, "posts": 2, "rejected": 1}
    assert "前三季度 GDP" in env.lake.read("clean.posts", DAY)["title"].to_list()
    assert "标题" not in env.lake.read("clean.posts", DAY)["title"].to_list()
    assert env.lake.read("clean.rejects", DAY)["reason"].to_list() == ["empty"]


def test_only_the_named_source_is_read(config: Path, tmp_path: Path) -> None:
    for source_id in ("one", "two"):
        write(config, source_id, LIST + OLD.format(table="[detail]"))
    env = opened(config, tmp_path / "home")
    for source_id in ("one", "two"):
        fetched(env, source_id, new_page("新版", "改版后"))
        write(config, source_id, LIST + NEW)
    assert counts(reparse(env, DAY, ["two"])) == {"bodies": 1, "posts": 1, "new": 1}
    assert env.lake.read("raw.posts", DAY)["source_id"].to_list() == ["two"]


def test_sources_that_cannot_be_used_are_named(config: Path, tmp_path: Path) -> None:
    for source_id in ("one", "two"):
        write(config, source_id, LIST + OLD.format(table="[detail]"))
    env = opened(config, tmp_path / "home")
    fetched(env, "one", old_page("标题", "正文"))
    fetched(env, "two", new_page("新版", "改版后"))
    write(config, "two", LIST + NEW)
    write(config, "one", "item =")
    done = reparse(env, DAY)
    assert (done.report.failed, counts(done)) == (("one",), {"bodies": 2, "posts": 1, "new": 1})
    with pytest.raises(ConfigError, match=r"one\.toml"):
        reparse(env, DAY, ["one"])
    with pytest.raises(UsageError, match=r"three\.toml: source file not found"):
        reparse(env, DAY, ["three"])


def test_damaged_records_are_counted_and_the_rest_is_read(config: Path, tmp_path: Path) -> None:
    write(config, "portal", LIST + NEW)
    env = opened(config, tmp_path / "home")
    fetched(env, "portal", new_page("一", "正文"), new_page("二", "正文"))
    (file,) = env.settings.home.glob("bodies/brief/*/*.bin")
    file.write_bytes(file.read_bytes()[:-1])
    assert counts(reparse(env, DAY)) == {"bodies": 1, "posts": 1, "damaged": 1}


def test_without_a_later_reading_nothing_is_lost_or_moved() -> None:
    columns = {"source_id": "s", "post_id": ["a", "b"], "observed_at": AT, "title": ["x", "y"]}
    raw = pl.DataFrame(columns).with_columns(read_at=pl.lit(None, pl.Datetime("us", "UTC")))
    assert latest_readings(raw).equals(raw)


@given(st.permutations([None, 0, 1, 2]))
def test_the_last_reading_counts_in_whatever_order_they_lie(order: list[int | None]) -> None:
    read_at = [None if hours is None else AT + timedelta(hours=hours) for hours in order]
    raw = pl.DataFrame(
        {"source_id": "s", "post_id": "p", "observed_at": AT, "read_at": read_at},
        schema_overrides={"read_at": pl.Datetime("us", "UTC")},
    )
    assert latest_readings(raw)["read_at"].to_list() == [AT + timedelta(hours=2)]


# Dated layouts.

SOURCE: dict[str, Any] = {
    "id": "portal",
    "name": "某县门户",
    "family": "list_detail",
    "class": "portal",
    "reach": "county",
    "list": {"urls": ["http://127.0.0.1/"], "item": "li"},
    "detail": {"title": "h3", "body": "article"},
}
FORMER = [
    {"until": date(2026, 3, 31), "detail": {"title": "h1", "body": ".a"}, "list": {"urls": ["http://x/"], "item": "p"}},
    {"until": date(2026, 10, 1), "detail": {"title": "h2", "body": ".b"}},
]


@pytest.mark.parametrize(
    ("day", "title", "item"),
    [
        (date(2026, 1, 1), "h1", "p"),
        (date(2026, 3, 31), "h1", "p"),
        (date(2026, 4, 1), "h2", "li"),
        (date(2026, 10, 1), "h2", "li"),
        (date(2026, 10, 2), "h3", "li"),
        (date(2030, 1, 1), "h3", "li"),
    ],
)
def test_a_layout_holds_through_its_last_day(day: date, title: str, item: str) -> None:
    source = Source.model_validate({**SOURCE, "former": FORMER}).on(day)
    assert source.detail is not None
    assert source.list is not None
    assert (source.detail.title, source.list.item) == (title, item)


def test_a_source_that_never_changed_is_the_same_on_every_day() -> None:
    source = Source.model_validate(SOURCE)
    assert source.on(date(2020, 1, 1)) == source


def test_a_table_that_there_was_none_of() -> None:
    source = Source.model_validate({**SOURCE, "former": [{"until": date(2026, 3, 31), "without": ["detail"]}]})
    assert source.on(date(2026, 3, 31)).detail is None
    assert source.on(date(2026, 4, 1)).detail == source.detail


def test_the_presets_of_a_family_hold_in_former_layouts_too() -> None:
    forum = {**SOURCE, "family": "forum", "list": {"urls": ["http://127.0.0.1/"]}}
    del forum["detail"]
    source = Source.model_validate({**forum, "former": [{"until": date(2026, 3, 31), "thread": {"title": "h9"}}]})
    before, now = source.on(date(2026, 3, 31)).thread, source.thread
    assert before is not None
    assert now is not None
    assert before.title == "h9"
    assert before.body == now.body


@pytest.mark.parametrize(
    ("former", "words"),
    [
        ([FORMER[1], FORMER[0]], "until must ascend"),
        ([FORMER[0], FORMER[0]], "until must ascend"),
        ([{"until": date(2026, 3, 31)}], "says nothing"),
        ([{"detail": {"title": "h1", "body": "p"}}], "former.0.until"),
        ([{**FORMER[1], "feed": {"urls": ["http://x/"]}}], r"2026-10-01: family list_detail has no \[feed\]"),
        ([{**FORMER[1], "without": ["detail"]}], "without"),
        ([{"until": date(2026, 3, 31), "without": ["list"]}], r"needs a \[list\]"),
        ([{"until": date(2026, 3, 31), "without": ["feed"]}], "without"),
        ([{**FORMER[1], "titel": "h1"}], "titel"),
        ([{**FORMER[1], "detail": {"title": "h1"}}], "former.0.detail.body"),
        (["2026-03-31"], "former.0"),
        ("2026-03-31", "former"),
    ],
)
def test_what_is_no_former_layout_is_refused(former: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Source.model_validate({**SOURCE, "former": former})


def test_an_inbox_has_no_layouts() -> None:
    inbox = {**SOURCE, "family": "inbox", "columns": {"title": "标题"}}
    del inbox["list"], inbox["detail"]
    assert Source.model_validate(inbox).former == ()
    with pytest.raises(ValidationError, match=r"family inbox has no \[detail\]"):
        Source.model_validate({**inbox, "former": [FORMER[1]]})


# The store in a crawl.


@pytest.fixture
def site() -> Iterator[str]:
    pages = {
        "/list.html": b'<li><a href="/1.html">1</a></li><li><a href="/2.html">2</a></li><li><a href="/x">3</a></li>',
        "/1.html": new_page("新版", f"电话{PHONE}"),
        "/2.html": "<p>改版了，没有标题</p>".encode() * 200,
        "/feed.xml": (
            "<rss version='2.0'><channel><item><title>甲</title><link>/3.html</link></item></channel></rss>"
        ).encode(),
        "/bad.xml": b"<rss",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_crawl_stores_what_may_hold_posts_read_or_not(site: str, config: Path, tmp_path: Path) -> None:
    (config / "units.toml").write_text((ROOT / "config" / "units.toml").read_text("utf8"), "utf8")
    fast = f"min_delay_seconds = 0\n[list]\nurls = ['{site}/list.html']\nitem = 'li'\n"
    write(config, "portal", fast + NEW)
    write(config, "feed", f"min_delay_seconds = 0\n[feed]\nurls = ['{site}/feed.xml', '{site}/bad.xml']\n", "feed")
    home = tmp_path / "home"
    command = [sys.executable, "-m", "crawlers.run", "--config", str(config), "--sources", "portal,feed"]
    command += ["--bodies", str(home)]
    command += ["--day", DAY.isoformat(), "--fetched-at", AT.isoformat(), "--spool", str(home / "spool")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")

    store = BodyStore(home)
    assert store.parts(DAY) == {part_name("feed", AT): "brief", part_name("portal", AT): "brief"}
    bodies = [body for part in store.parts(DAY) for body in store.read("brief", DAY, part) if body]
    got = {body.url.removeprefix(site): (body.source_id, body.kind, len(body.post_ids)) for body in bodies}
    assert len(got) == len(bodies)
    assert got == {
        "/1.html": ("portal", "detail", 1),
        "/2.html": ("portal", "detail", 0),
        "/feed.xml": ("feed", "list", 1),
        "/bad.xml": ("feed", "list", 0),
    }
    first = next(body for body in bodies if body.url.endswith("/1.html"))
    assert (first.body, first.charset, first.fetched_at) == (new_page("新版", f"电话{PHONE}"), "utf-8", AT)
    assert first.post_ids == (post_id(first.url),)
    for file in home.rglob("*"):
        if file.is_file():
            assert PHONE.encode() not in file.read_bytes()
            assert WRITER.encode() not in file.read_bytes()

    # The crawl was lost before it landed anything: its pages bring the posts.
    env = opened(config, home)
    assert counts(reparse(env, DAY)) == {"bodies": 4, "posts": 2, "new": 2, "unreadable": 2}
    assert latest(env) == {"新版": "电话〔手机号〕", "甲": ""}
