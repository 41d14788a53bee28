"""The sample town and recorded input: what they serve over real HTTP, and that the story hangs together."""

import gzip
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http.client import HTTPConnection
from pathlib import Path
from time import sleep
from typing import get_args
from urllib.parse import unquote, urljoin, urlsplit
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser

from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.model.families import fill_day
from caifeng.core.model.source import Source
from caifeng.core.model.terms import RELEVANCE_REASONS
from caifeng.core.text.scrub import find_pii, scrub
from crawlers.items import Page as ReadPage
from crawlers.reading import READERS
from samples.config import RECORDED_SOURCES, TOWN_SOURCES, fill_ports, write_config
from samples.page import SHANGHAI, WebSite
from samples.recorded import Recordings, recorded_days
from samples.server import HOST, main, read_clock, serving
from samples.town.site import figures, first_path, post_path, render, web_sites
from samples.town.story import Expected, Post, Seed, Site, Story, Topic, load_expected, load_story

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def story() -> Story:
    return load_story()


@pytest.fixture(scope="module")
def expected() -> Expected:
    return load_expected()


@dataclass
class Answer:
    url: str
    status: int
    headers: dict[str, str]
    body: bytes

    def html(self) -> LexborHTMLParser:
        charset = "gb18030" if b"charset=gb2312" in self.body else "utf-8"
        return LexborHTMLParser(self.body.decode(charset))


def get(url: str, **headers: str) -> Answer:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=named)
        response = connection.getresponse()
        return Answer(url, response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


@dataclass
class Town:
    """A running server; tests set `day`."""

    port: int = 0
    day: date = date.max


def _bases() -> Iterator[int]:
    """Ports to try, far apart for the workers of one test run, and more than a few."""
    return iter(range(20000 + os.getpid() % 100 * 100, 31000, 10))


@contextmanager
def running(sites: list[WebSite]) -> Iterator[Town]:
    """Serve on the first free run of ports."""
    town = Town()
    for base in _bases():
        try:
            with serving(sites, base, lambda: town.day) as ports:
                assert ports == list(range(base, base + len(sites)))
                town.port = base
                yield town
                return
        except UsageError:
            continue
    raise AssertionError("no free ports")


def settle() -> None:
    """Let the server see the day and open or close its ports."""
    sleep(0.5)


@pytest.fixture(scope="module")
def town(story: Story) -> Iterator[Town]:
    with running(web_sites(story)) as served:
        yield served


def sources(folder: Path, port: int) -> dict[str, Source]:
    """Source files with ports filled in, checked by the product's own model."""
    texts = {path.stem: fill_ports(path.read_text("utf8"), port) for path in folder.glob("*.toml")}
    found = {stem: Source.model_validate(tomllib.loads(text)) for stem, text in texts.items()}
    assert found
    assert all(source.id == stem for stem, source in found.items())
    return found


def walk(source: Source, day: date) -> Iterator[tuple[str, str]]:
    """Address and title of every entry of a list or a feed on a day."""
    if source.feed is None:
        yield from walk_edition(source, day) if source.epaper else walk_list(source, day)
        return
    url = source.feed.urls[0]
    for entry in ElementTree.fromstring(get(url).body).iter("item"):
        yield urljoin(url, entry.findtext("link", "")), entry.findtext("title", "")


def walk_edition(source: Source, day: date) -> Iterator[tuple[str, str]]:
    """Address and text of every article of a day's paper, page by page."""
    rules = source.epaper
    assert rules is not None
    first = fill_day(rules.urls[0], day)
    for page in get(first).html().css("a#pageLink"):
        for link in get(urljoin(first, page.attributes["href"] or "")).html().css("ul.titles a"):
            yield urljoin(first, link.attributes["href"] or ""), link.text(strip=True)


def walk_list(source: Source, day: date = date.max) -> Iterator[tuple[str, str]]:
    """Address and text of every entry of a list, following the link to the next page."""
    rules = source.list
    assert rules is not None
    url: str | None = fill_day(rules.urls[0], day)
    pages, seen = 0, set()
    while url:
        pages += 1
        assert pages <= rules.max_pages
        tree = get(url).html()
        for entry in tree.css(rules.item):
            link = entry.css_first(rules.link)
            assert link is not None
            # Rows within rows may both be entries.
            if (target := urljoin(url, link.attributes["href"] or "")) not in seen:
                seen.add(target)
                yield target, link.text(strip=True)
        following = tree.css_first(rules.next) if rules.next else None
        url = urljoin(url, following.attributes["href"] or "") if following else None


# --- story


def test_every_item_is_expected_exactly_once(story: Story, expected: Expected) -> None:
    groups = [group.items for group in expected.relevant]
    groups += [group.items for group in expected.rejected]
    groups += [group.items for group in expected.not_landed]
    listed = [item for group in groups for item in group]
    assert len(listed) == len(set(listed)) == len(story.items) > 100
    assert set(listed) == set(story.items)


def test_expected_codes_are_those_of_the_product(expected: Expected) -> None:
    reasons = {reason for group in expected.rejected for reason in group.reasons}
    assert len(reasons) > 3
    assert reasons <= {*RELEVANCE_REASONS, "empty", "soft_404", "future_date"}


def test_expected_logs_follow_from_the_story(story: Story, expected: Expected) -> None:
    """New and moved issues of each day are what the days and figures of their items say."""
    issues: dict[str, list[Post | Topic]] = {}
    for group in expected.relevant:
        issues.setdefault(group.issue, []).extend(story.items[item] for item in group.items)
    assert [log.day for log in expected.log] == list(story.days)
    for log in expected.log:
        new = {key for key, items in issues.items() if min(item.day for item in items) == log.day}
        old = {key for key, items in issues.items() if min(item.day for item in items) < log.day}
        moved = {key for key in old if any(_moved(story, item, log.day) for item in issues[key])}
        assert set(log.new) == new, log.day
        assert set(log.moved) == moved, log.day
    assert sum(len(log.new) for log in expected.log) == len(issues)


def _moved(story: Story, item: Post | Topic, day: date) -> bool:
    """Whether the crawler finds the item new on a day, or with other figures than when it last read its page."""
    if isinstance(item, Topic):
        return item.start.date() <= day <= item.end.date()
    if item.day >= day:
        return item.day == day
    site = next(site for site in story.sites if item in site.posts)
    readings = [item.day]
    for later in (d for d in story.days if item.day < d <= day):
        if _is_read(site, item, readings[-1], later):
            readings.append(later)
    return len(readings) > 1 and readings[-1] == day and figures(site, item, readings[-2]) != figures(site, item, day)


def _is_read(site: Site, item: Post, last: date, day: date) -> bool:
    """Whether a known page is asked for again: 24 and 72 hours after its first reading; a thread when its list counts
    more replies; a letter every day until it is answered (config/collection.toml).
    """
    if not _is_readable(site, day) or site.layout in {"epaper", "feed"}:
        return False
    more_replies = site.layout == "board" and (figures(site, item, day)[1] or 0) > (figures(site, item, last)[1] or 0)
    unanswered = site.layout == "mailbox" and (item.answered is None or item.answered.date() > last)
    return (day - item.day).days in {1, 3} or more_replies or unanswered


def _is_readable(site: Site, day: date) -> bool:
    return not any(since and since <= day for since in (site.closed_from, site.redesigned_from))


def test_seeds_stand_in_their_items_and_have_valid_checksums(story: Story) -> None:
    assert {seed.kind for seed in story.seeds} == set(get_args(Seed.model_fields["kind"].annotation))
    for seed in story.seeds:
        told = _text(story.items[seed.item])
        assert seed.value in told
        assert seed.kind in find_pii(told)
        assert seed.value not in scrub(told)
    assert len({seed.item.partition("-")[0] for seed in story.seeds}) >= 4, "sown into several sites"
    titles = [story.items[seed.item].title for seed in story.seeds]
    assert sum(seed.value in title for seed, title in zip(story.seeds, titles, strict=True)) >= 3
    by_kind = {seed.kind: re.sub(r"\D", "", seed.value) for seed in story.seeds}
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    number = by_kind["id_card"]
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
    assert number[17] == "10X98765432"[total % 11]
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(by_kind["bank_card"]))]
    assert sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _text(item: Post | Topic) -> str:
    return item.title + ("\n" + item.body if isinstance(item, Post) else "")


def test_only_sown_items_hold_private_data(story: Story) -> None:
    sown = {seed.item for seed in story.seeds}
    assert [key for key, item in story.items.items() if find_pii(_text(item)) and key not in sown] == []
    assert [p.id for site in story.sites for p in site.posts if find_pii(p.answer + "".join(p.answers))] == []


def test_no_nickname_occurs_in_a_text(story: Story) -> None:
    """So a sweep for nicknames in what was landed proves something."""
    authors = [author for site in story.sites for author in site.authors]
    assert len(authors) >= 10
    texts = [p.title + p.body + p.answer + "".join(p.answers) for site in story.sites for p in site.posts]
    assert not [(a, t) for a, t in itertools.product(authors, texts) if a in t]


def test_a_repost_repeats_title_and_body_word_for_word(story: Story) -> None:
    first, second = (story.items[item] for item in ("forum-1001", "forum-2001"))
    assert isinstance(first, Post)
    assert isinstance(second, Post)
    assert (first.title, first.body) == (second.title, second.body)
    assert first.day < second.day


def test_the_rumour_is_reposted_with_small_edits_and_comes_back_after_the_answer(story: Story) -> None:
    def body(item: str) -> str:
        post = story.items[item]
        assert isinstance(post, Post)
        return post.body.strip()

    rumour = body("forum-1001")
    marks, word = body("forum-3005"), body("forum-3006")
    assert body("feed-201") == "转：" + rumour
    assert marks != rumour
    assert re.sub(r"\W", "", marks) == re.sub(r"\W", "", rumour)
    assert [a + b for a, b in zip(rumour, word, strict=True) if a != b] == ["店馆"]
    assert body("forum-5001").endswith(rumour)
    assert body("feed-501").endswith(body("forum-5001"))
    assert body("forum-4001") == body("disclosure-401")
    assert story.items["feed-501"].day > story.items["disclosure-401"].day == story.days[3]


def test_letters_are_answered_days_later_on_the_same_page(story: Story) -> None:
    site, swept = story.site("mailbox"), 0
    for letter in (post for post in site.posts if post.answered):
        assert letter.answered is not None
        path, line = post_path(site.layout, letter), letter.answer.strip()
        for day in (day for day in story.days if day >= letter.day):
            page = render(site, path, day).body.decode()
            assert (line in page, f"{letter.answered:%Y-%m-%d %H:%M}" in page) == (letter.answered.date() <= day,) * 2
            swept += 1
    assert swept >= 10


def test_a_broken_story_is_named_by_file_and_field(tmp_path: Path) -> None:
    (tmp_path / "story.toml").write_text('notice = "n"\ndays = [2026-11-20]\n[[site]]\nid = "forum"\nlayout = "x"\n')
    (tmp_path / "forum.toml").write_text("")
    with pytest.raises(ConfigError, match=r"forum\.toml: layout"):
        load_story(tmp_path)
    (tmp_path / "forum.toml").unlink()
    with pytest.raises(ConfigError, match=r"forum\.toml: cannot be read"):
        load_story(tmp_path)


def test_a_text_that_its_encoding_cannot_carry_is_refused(tmp_path: Path) -> None:
    (tmp_path / "story.toml").write_text(
        'notice = "n"\ndays = [2026-11-20]\n[[site]]\nid = "p"\nlayout = "portal"\nname = "n"\nencoding = "gb2312"\n'
    )
    (tmp_path / "p.toml").write_text('[[post]]\nid = "p-1"\nday = 2026-11-20\ntime = 2026-11-20\ntitle = "〇"\n')
    with pytest.raises(ConfigError, match="p-1"):
        load_story(tmp_path)


# --- pages


def test_rendering_is_deterministic(story: Story) -> None:
    again, swept = load_story(), 0
    for site, twin in zip(story.sites, again.sites, strict=True):
        paths = [first_path(site, day) for day in story.days]
        paths += [post_path(site.layout, post) for post in site.posts]
        paths += [f"/hot/{day}/{hour:02}.json" for day in story.days for hour in range(24)]
        for path, day in itertools.product(paths, story.days):
            assert render(site, path, day) == render(twin, path, day)
            swept += 1
    assert swept > 600


def test_every_item_is_reachable_from_its_list_on_its_day(story: Story, town: Town) -> None:
    known = sources(TOWN_SOURCES, town.port)
    assert set(known) == {site.id for site in story.sites}
    reached: set[str] = set()
    for day, site in itertools.product(story.days, story.sites):
        if town.day != day:
            town.day = day
            settle()
        if site.layout == "hotlist":
            found = _topics_on(known[site.id], day, site.items)
            assert found == {t.id for t in site.topics if t.start.date() <= day <= t.end.date()}
            reached |= found
            continue
        by_path = {post_path(site.layout, post): post for post in site.posts}
        entries = [] if site.closed_from and site.closed_from <= day else list(walk(known[site.id], day))
        shown = [by_path[urlsplit(url).path] for url, _ in entries]
        assert [post.title for post in shown] == [text for _, text in entries]
        found = {post.id for post in shown}
        assert len(found) == len(shown)
        up = {post.id for post in site.posts if post.day == day or (post.day < day and site.layout != "epaper")}
        assert found == (up if _is_readable(site, day) else set()), (site.id, day)
        reached |= found
    unseen = {"lixin-301", "huaiyuan-401"}
    assert reached == set(story.items) - unseen


def _topics_on(source: Source, day: date, items: dict[str, Post | Topic]) -> set[str]:
    assert source.hot_list is not None
    index = source.hot_list.urls[0].format(day=day)
    ids = {item.title: key for key, item in items.items()}
    found: set[str] = set()
    hours = json.loads(get(index).body)["snapshots"]
    assert 11 <= len(hours) <= 12
    for address in hours:
        snapshot = json.loads(get(urljoin(index, address)).body)
        assert snapshot["time"] == f"{day}T{address[-7:-5]}:00:00+08:00"
        assert len(snapshot["items"]) >= 10
        found |= {ids[item[0]] for item in snapshot["items"]}
    return found


def test_the_readers_of_the_sources_read_the_pages(story: Story, town: Town) -> None:
    known = sources(TOWN_SOURCES, town.port)
    swept: dict[str, int] = {}
    for site in story.sites:
        source = known[site.id]
        if site.layout in {"feed", "hotlist"}:
            continue
        town.day = max(day for day in story.days if _is_readable(site, day))
        settle()
        for post in (post for post in site.posts if post.fault is None and post.day <= town.day):
            answer = get(urljoin(source.start_urls[0], post_path(site.layout, post)))
            page = ReadPage(answer.url, answer.body, "detail", datetime.combine(town.day, time(23), SHANGHAI))
            # A thread's replies are posts of their own.
            (read,) = (row for row in READERS[source.family](source, page).posts if row.parent_id is None)
            assert read.title == post.title
            assert all(line.strip() in read.text for line in post.body.strip().splitlines())
            assert not any(answer in read.text for answer in post.answers)
            assert not post.answer or post.answer.strip() not in read.text
            assert read.published_at is not None
            exact = isinstance(post.time, datetime)
            stated = post.time if isinstance(post.time, datetime) else datetime.combine(post.time, time.min)
            assert read.published_at.astimezone(SHANGHAI).replace(tzinfo=None) == stated
            assert read.published_precision == ("minute" if exact else "day")
            days_up = sum(post.day < day <= town.day for day in story.days)
            assert read.views == (post.views[min(days_up, len(post.views) - 1)] if post.views else None)
            assert read.index_no == (post.index_no or None)
            assert not any(author in str(read) for author in site.authors)
            assert story.sites[0].notice in answer.html().html  # type: ignore[operator]
            swept[source.family] = swept.get(source.family, 0) + 1
    assert sum(swept.values()) > 75
    assert {"list_detail", "openness", "epaper"} <= set(swept)


def test_figures_grow_from_day_to_day_and_hold_on(story: Story) -> None:
    forum = story.site("forum")
    shown = [
        LexborHTMLParser(render(forum, "/thread-1001-1-1.html", day).body.decode()).css_first("div.hm .views")
        for day in (*story.days, date(2027, 1, 1))
    ]
    assert [node.text() for node in shown if node] == ["812", "6430", "21800", "26100", "48800", "48800"]


def test_a_page_without_a_count_shows_none_not_zero(story: Story) -> None:
    page = render(story.site("portal"), "/content/detail/112.html", story.days[0]).body.decode("gb18030")
    assert '<em class="views"></em>' in page


def test_hot_list_figures_are_null_where_unknown_and_zero_where_zero(story: Story) -> None:
    site, day = story.site("hotlist"), story.days[0]
    items = json.loads(render(site, f"/hot/{day}/08.json", day).body)["items"]
    assert all(len(item) == 5 for item in items)
    figures = [figure for item in items for figure in item[1:]]
    assert None in figures
    assert 0 in figures
    heats = [item[1] for item in items if item[1] is not None]
    assert heats == sorted(heats, reverse=True)


def test_nothing_of_a_later_day_is_visible(story: Story) -> None:
    swept = 0
    for site in story.sites:
        for item in site.items.values():
            earlier = item.day - timedelta(days=1)
            path = post_path(site.layout, item) if isinstance(item, Post) else f"/hot/{item.day}/index.json"
            if isinstance(item, Post):
                assert path.rsplit("/", 1)[1].encode() not in render(site, first_path(site, item.day), earlier).body
            assert render(site, path, earlier).status == 404
            swept += 1
    assert swept == len(story.items)


def test_portal_is_gbk_that_claims_gb2312(story: Story) -> None:
    body = render(story.site("portal"), "/content/detail/102.html", story.days[0]).body
    assert b"charset=gb2312" in body
    assert "二〇二六年十一月十八日" in body.decode("gb18030")
    for wrong in ("utf-8", "gb2312"):
        with pytest.raises(UnicodeDecodeError):
            body.decode(wrong)


def test_broken_links_of_the_portal(story: Story, town: Town) -> None:
    town.day = story.days[0]
    at = f"http://{HOST}:{town.port}"
    posts = {post.fault: post for post in story.site("portal").posts if post.fault}
    soft = get(at + post_path("portal", posts["soft_404"]))
    assert (soft.status, "您访问的页面不存在" in soft.body.decode("gb18030")) == (200, True)
    assert get(at + post_path("portal", posts["not_found"])).status == 404
    robots = RobotFileParser()
    robots.parse(get(f"{at}/robots.txt").body.decode().splitlines())
    assert not robots.can_fetch("caifeng", at + post_path("portal", posts["robots"]))
    assert robots.can_fetch("caifeng", at + post_path("portal", posts["soft_404"]))


# --- server


def test_robots_and_health_on_every_site(story: Story, town: Town) -> None:
    town.day = story.days[0]
    settle()
    for n in range(len(story.sites)):
        robots = get(f"http://{HOST}:{town.port + n}/robots.txt")
        assert (robots.status, robots.body.splitlines()[0]) == (200, b"User-agent: *")
        assert get(f"http://{HOST}:{town.port + n}/healthz").body == b"ok\n"


def test_an_unchanged_page_is_answered_by_304(story: Story, town: Town) -> None:
    url = f"http://{HOST}:{town.port}/content/detail/103.html"
    town.day = story.days[0]
    first = get(url)
    assert first.status == 200
    town.day = story.days[1]
    for header in ({"If_None_Match": first.headers["ETag"]}, {"If_Modified_Since": first.headers["Last-Modified"]}):
        again = get(url, **header)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    assert get(url, If_None_Match='"other"', If_Modified_Since=first.headers["Last-Modified"]).status == 200
    assert get(url, If_Modified_Since="nonsense").status == 200


def test_a_changed_page_is_sent_again(story: Story, town: Town) -> None:
    url = f"http://{HOST}:{town.port + 1}/thread-1001-1-1.html"
    town.day = story.days[0]
    first = get(url)
    town.day = story.days[1]
    assert get(url, If_None_Match=first.headers["ETag"]).status == 200
    assert get(url, If_Modified_Since=first.headers["Last-Modified"]).status == 200


def test_head_sends_no_body(town: Town) -> None:
    connection = HTTPConnection(HOST, town.port, timeout=5)
    connection.request("HEAD", "/robots.txt")
    response = connection.getresponse()
    assert (response.status, response.read(), response.getheader("Content-Length")) == (200, b"", "35")
    connection.close()


def test_server_process_follows_its_clock_and_stops_on_sigterm(tmp_path: Path, story: Story) -> None:
    clock = tmp_path / "clock"
    clock.write_text("2026-11-20\n")
    port = _free_run(len(load_story().sites))
    with _server("--port", str(port), "--clock-file", str(clock)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready {port}\n"
        late = f"http://{HOST}:{port + 1}/thread-2001-1-1.html"
        assert get(late).status == 404
        clock.write_text("2026-11-21\n")
        assert get(late).status == 200
        dying = f"http://{HOST}:{port + [site.id for site in story.sites].index('lixin')}/zwgk/list_1.html"
        assert get(dying).status == 200
        clock.write_text("2026-11-22\n")
        settle()
        assert get(late).status == 200
        with pytest.raises(ConnectionRefusedError):
            get(dying)
        clock.write_text("2026-11-20\n")
        settle()
        assert get(dying).status == 200
        clock.write_text("tomorrow\n")
        assert get(late).status == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_port_in_use_ends_the_server_with_status_2(tmp_path: Path) -> None:
    port = _free_run(len(load_story().sites))
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((HOST, port + 1))
        taken.listen()
        with _server("--port", str(port)) as process:
            assert process.wait(15) == 2
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read() == ""
            assert process.stderr.read() == f"port {port + 1} (site forum) is in use\n"


@contextmanager
def _server(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "samples.server", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _free_run(length: int) -> int:
    for base in _bases():
        try:
            with serving([WebSite("probe", render)] * length, base, lambda: date.max):  # type: ignore[arg-type]
                return base
        except UsageError:
            continue
    raise AssertionError("no free ports")


@pytest.mark.parametrize("content", ["", "tomorrow", "2026-13-01"])
def test_a_clock_file_without_a_day_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "clock").write_text(content)
    with pytest.raises(UsageError, match="clock"):
        read_clock(tmp_path / "clock")
    with pytest.raises(UsageError, match="absent"):
        read_clock(tmp_path / "absent")


# --- configuration


def test_write_config_copies_all_but_the_sources(tmp_path: Path) -> None:
    base, target = tmp_path / "config", tmp_path / "var" / "config"
    (base / "sources").mkdir(parents=True)
    (base / "taxonomy").mkdir()
    (base / "sources" / "real.toml").write_text("real")
    (base / "taxonomy" / "topics.toml").write_text("topics")
    write_config(base, target, TOWN_SOURCES, 9100)
    assert (target / "taxonomy" / "topics.toml").read_text() == "topics"
    assert {path.stem for path in (target / "sources").iterdir()} == {site.id for site in load_story().sites}
    text = (target / "sources" / "hotlist.toml").read_text("utf8")
    assert "http://127.0.0.1:9102/hot/{day}/index.json" in text
    assert "?q={title}" in text
    write_config(base, target, {"one": "port = {port}"}, 9200)
    assert [path.read_text() for path in (target / "sources").iterdir()] == ["port = 9200"]
    assert (base / "sources" / "real.toml").read_text() == "real"


def test_write_config_refuses_what_would_go_wrong(tmp_path: Path) -> None:
    base = tmp_path / "config"
    base.mkdir()
    for target in (base, base / "inside"):
        with pytest.raises(UsageError, match="inside"):
            write_config(base, target, TOWN_SOURCES, 9100)
    with pytest.raises(UsageError, match=r"655\d\d: not between"):
        write_config(base, tmp_path / "target", TOWN_SOURCES, 65535)
    with pytest.raises(ConfigError, match="no such"):
        write_config(tmp_path / "absent", tmp_path / "target", TOWN_SOURCES, 9100)
    with pytest.raises(ConfigError, match="no source files"):
        write_config(base, tmp_path / "target", base, 9100)
    assert not (tmp_path / "target").exists()


# --- recorded input


def _record(folder: Path, lines: Sequence[object], pages: dict[str, bytes]) -> Path:
    if lines:
        (folder / "hotlists").mkdir(parents=True)
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (folder / "hotlists" / "weibo_hourly_2031-02.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    for name, body in pages.items():
        (folder / "extraction" / "html").mkdir(parents=True, exist_ok=True)
        (folder / "extraction" / "html" / name).write_bytes(body)
    return folder


HOUR = {"date": "2031-02-03", "hour": 7, "items": [["县里下雪了", 5, 90, 0, None], ["赏梅", None, None, 2, 1]]}


def test_recorded_input_is_served(tmp_path: Path) -> None:
    page = "<html><meta charset=gbk><p>样例</p></html>".encode("gbk")
    later = HOUR | {"date": "2031-02-05", "hour": 23}
    _record(tmp_path, [HOUR, later], {"a 一.html.gz": gzip.compress(page), "b.gz": gzip.compress(b"<p>b")})
    told: list[str] = []
    with running(Recordings(tmp_path, told.append).web_sites()) as served:
        known = sources(RECORDED_SOURCES, served.port)
        hot = known["weibo_hot"].start_urls[0]
        index = get(hot.format(day="2031-02-03"))
        assert json.loads(index.body) == {"snapshots": ["/hot/2031-02-03/07.json"]}
        assert json.loads(get(hot.format(day="2031-02-04")).body) == {"snapshots": []}
        snapshot = get(urljoin(index.url, "/hot/2031-02-03/07.json"))
        assert json.loads(snapshot.body) == {"time": "2031-02-03T07:00:00+08:00", "items": HOUR["items"]}
        assert get(snapshot.url, If_None_Match=snapshot.headers["ETag"]).status == 304
        assert get(urljoin(index.url, "/hot/2031-02-03/08.json")).status == 404
        entries = dict(walk_list(known["articles"]))
        assert [unquote(urlsplit(url).path) for url in entries] == ["/articles/a 一.html", "/articles/b.html"]
        article = get(next(iter(entries)))
        assert (article.status, article.headers["Content-Type"], article.body) == (200, "text/html", page)
        assert get(article.url, If_Modified_Since=article.headers["Last-Modified"]).status == 304
        assert get(urljoin(article.url, "/articles/../secret.html")).status == 404
        assert get(urljoin(article.url, "/robots.txt")).status == 200
    assert told == []
    assert recorded_days(tmp_path) == [date(2031, 2, 3), date(2031, 2, 5)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[]", "line 2: "),
        ({"date": "2031-02-03", "items": []}, "'hour' is missing"),
        (HOUR | {"hour": 24}, "hour must be in 0..23"),
        (HOUR | {"date": "2031-02-30"}, "day is out of range"),
        (HOUR | {"items": [1]}, "items: not a list of"),
    ],
)
def test_a_malformed_line_is_named_with_its_reason(tmp_path: Path, line: object, reason: str) -> None:
    told: list[str] = []
    recordings = Recordings(_record(tmp_path, [HOUR, line], {}), told.append)
    assert recordings.days() == [date(2031, 2, 3)]
    assert len(told) == 1
    assert "weibo_hourly_2031-02.jsonl.gz: line 2: " in told[0]
    assert reason in told[0]


def test_malformed_lines_are_left_out_and_the_rest_is_served(tmp_path: Path) -> None:
    bad = ["{oops", {"date": "2031-02-03", "items": []}, HOUR | {"hour": 24}, HOUR | {"items": [1]}]
    _record(tmp_path, [*bad, HOUR, HOUR | {"items": []}], {"broken.html.gz": b"no gzip"})
    told: list[str] = []
    recordings = Recordings(tmp_path, told.append)
    hot, articles = recordings.web_sites()
    for _ in range(2):
        assert json.loads(hot.answer("/hot/2031-02-03/07.json", date.max).body)["items"] == HOUR["items"]
    assert articles.answer("/articles/broken.html", date.max).status == 500
    assert articles.answer("/articles/index.html", date.max).status == 200
    assert len(told) == 2
    assert "weibo_hourly_2031-02.jsonl.gz: line 1: " in told[0]
    assert "4 such places" in told[0]
    assert "broken.html.gz" in told[1]


def test_a_truncated_file_serves_what_can_be_read(tmp_path: Path) -> None:
    _record(tmp_path, [HOUR] + [HOUR | {"hour": n, "items": [[str(n)] * 50] * 200} for n in range(8, 24)], {})
    path = tmp_path / "hotlists" / "weibo_hourly_2031-02.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-40])
    told: list[str] = []
    assert Recordings(tmp_path, told.append).days() == [date(2031, 2, 3)]
    assert len(told) == 1
    assert "the rest of the file is left out" in told[0]


def test_missing_recordings_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="nothing recorded"):
        Recordings(tmp_path, print)
    with pytest.raises(UsageError, match="no such folder"):
        recorded_days(tmp_path / "absent")
    assert main(["--input", str(tmp_path), "--port", "0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    _record(tmp_path, [HOUR], {})
    recordings = Recordings(tmp_path, print)
    _, articles = recordings.web_sites()
    assert recordings.missing == [f"{tmp_path}: no extraction/html/*.gz; that site will be empty"]
    assert b"<li>" not in articles.answer("/articles/index.html", date.max).body
    assert recorded_days(tmp_path) == [datetime.fromisoformat("2031-02-03").date()]
