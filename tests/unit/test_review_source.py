"""A review is on record in the source's own file, and nothing else of the file changes."""

import threading
import tomllib
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.model.source import MIN_DELAY_SECONDS, Review, Source
from caifeng.core.settings import Settings, load_model
from caifeng.jobs.review_source import review_source, review_toml, source_facts

CONTACT = "mailto:tjj@example.gov.cn"
REVIEW = Review(
    role="政务公开办",
    date=date(2026, 11, 22),
    robots="allowed",
    rate='每 5 秒一次，夜间 "停"',
    terms="未限制",
    personal_data="不取作者",
    decision="approved",
    next_review=date(2027, 11, 21),
)
SOURCE = """\
# The county's forum.
id = "forum"     # as the file
name = "论坛"
family = "list_detail"
class = "board"
reach = "county"
enabled = false

[list]
urls = ["{url}/list?[review]"]
item = "li"
"""
TABLE = '[review]\nrole = "x"\ndate = 2025-01-01\nrobots = "none"\n'


@pytest.fixture
def config(tmp_path):
    (tmp_path / "sources").mkdir()
    return tmp_path


def put(config, text=SOURCE, url="https://example.org", source_id="forum"):
    path = config / "sources" / f"{source_id}.toml"
    path.write_bytes(text.replace("{url}", url).encode())
    return path


@pytest.fixture
def site():
    """A site on loopback; `site.robots` is (status, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append((self.path, self.headers["User-Agent"]))
            status, body = server.robots
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.robots = [], (404, "")
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_first_review_is_appended(config):
    path = put(config)
    before = path.read_bytes()
    assert review_source(config, "forum", REVIEW) == path
    assert path.read_bytes() == before + b"\n" + review_toml(REVIEW).encode()
    assert load_model(path, Source).review == REVIEW


@pytest.mark.parametrize("ending", ["", "\n", "\n\n"])
def test_the_table_stands_apart_whatever_the_file_ends_with(config, ending):
    path = put(config, SOURCE.rstrip("\n") + ending)
    review_source(config, "forum", REVIEW)
    assert path.read_text("utf8") == SOURCE.replace("{url}", "https://example.org") + "\n" + review_toml(REVIEW)


def test_a_later_review_replaces_the_first_between_its_neighbours(config):
    head, tail = SOURCE.split("[list]")
    old = REVIEW.model_copy(update={"decision": "refused", "role": "监测员"})
    text = f"{head}[review] # the old one\n{review_toml(old).partition(chr(10))[2]}\n# about the list\n[list]{tail}"
    path = put(config, text)
    review_source(config, "forum", REVIEW)
    assert path.read_text("utf8") == (
        f"{head}{review_toml(REVIEW)}\n# about the list\n[list]{tail}".replace("{url}", "https://example.org")
    )


def test_the_same_review_twice_is_the_same_file(config):
    path = put(config)
    review_source(config, "forum", REVIEW)
    once = path.read_bytes()
    review_source(config, "forum", REVIEW)
    assert path.read_bytes() == once


def test_line_endings_of_windows_are_kept(config):
    path = put(config, SOURCE.replace("\n", "\r\n"))
    review_source(config, "forum", REVIEW)
    content = path.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 15
    assert load_model(path, Source).review == REVIEW


def test_a_review_written_otherwise_is_named_and_nothing_changes(config):
    inline = ", ".join(line for line in review_toml(REVIEW).splitlines()[1:])
    path = put(config, SOURCE.replace("enabled = false", f"enabled = false\nreview = {{ {inline} }}"))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"forum\.toml: review"):
        review_source(config, "forum", REVIEW)
    assert path.read_bytes() == before


def test_a_text_that_looks_like_a_table_is_not_taken_for_one(config):
    path = put(config, SOURCE.replace('name = "论坛"', f'name = """论坛\n{TABLE}"""'))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="review"):
        review_source(config, "forum", REVIEW)
    assert path.read_bytes() == before


@pytest.mark.parametrize("source_id", ["nobody", "../units", "", "forum.toml"])
def test_an_unknown_source_is_refused_and_the_known_ones_are_named(config, source_id):
    put(config)
    (config / "units.toml").write_text("", "utf8")
    with pytest.raises(UsageError, match="forum"):
        review_source(config, source_id, REVIEW)


def test_a_source_that_cannot_be_read_is_not_reviewed(config):
    put(config, SOURCE.replace("item", "items"))
    with pytest.raises(ConfigError, match="list"):
        review_source(config, "forum", REVIEW)


@given(
    words=st.lists(st.text(st.characters(codec="utf8"), min_size=1), min_size=4, max_size=4),
    comment=st.text(st.characters(categories=("L", "P", "Zs"))),
)
def test_whatever_is_said_in_a_review_the_file_says_it(words, comment, tmp_path_factory):
    config = tmp_path_factory.mktemp("config")
    (config / "sources").mkdir()
    path = put(config, f"# {comment}\n{SOURCE}")
    names = ("role", "rate", "terms", "personal_data")
    review = REVIEW.model_copy(update=dict(zip(names, words, strict=True)))
    review_source(config, "forum", review)
    assert tomllib.loads(path.read_bytes().decode())["review"] == review.model_dump()
    assert path.read_bytes().startswith(f"# {comment}\n".encode())


@pytest.mark.parametrize(
    ("robots", "decision", "suggested"),
    [
        ((200, "User-agent: *\nDisallow: /admin\n"), "allowed", "allowed"),
        ((200, "User-agent: *\nDisallow: /list\n"), "denied", None),
        ((200, "User-agent: CaifengBot\nDisallow: /\n"), "denied", None),
        ((200, "User-agent: *\nDisallow: /*?\n"), "denied", None),
        ((404, ""), "none", "none"),
        ((403, ""), "none", "none"),
        ((429, ""), "not_checked", None),
        ((503, ""), "not_checked", None),
    ],
)
def test_robots_are_asked_live_under_the_crawlers_name(config, site, robots, decision, suggested):
    put(config, url=site.url)
    site.robots = robots
    facts = source_facts(config, "forum", CONTACT, timeout=5)
    assert [answer.decision for answer in facts.robots] == [decision]
    assert facts.suggested_robots == suggested
    assert site.asked == [("/robots.txt", f"CaifengBot (+{CONTACT})")]


def test_a_host_is_asked_once_for_all_its_addresses(config, site):
    put(config, SOURCE.replace('["{url}', '["{url}/a", "{url}/b", "{url}'), site.url)
    assert len(source_facts(config, "forum", CONTACT, timeout=5).robots) == 3
    assert len(site.asked) == 1


def test_a_host_that_is_not_there_is_not_checked(config, site):
    put(config, url=site.url)
    site.shutdown()
    site.server_close()
    facts = source_facts(config, "forum", CONTACT, timeout=2)
    assert [answer.decision for answer in facts.robots] == ["not_checked"]
    assert any("未核对" in line for line in facts.lines())


def test_an_inbox_asks_nobody(config):
    text = (
        'id = "paper"\nname = "来信"\nfamily = "inbox"\nclass = "manual"\nreach = "county"\n[columns]\ntitle = "标题"\n'
    )
    put(config, text, source_id="paper")
    facts = source_facts(config, "paper", CONTACT)
    assert facts.robots == ()
    assert facts.suggested_robots is None
    assert any("不适用" in line for line in facts.lines())


def test_the_facts_tell_what_was_decided(config, site):
    put(config, url=site.url)
    assert "审查　　未经审查" in source_facts(config, "forum", CONTACT, timeout=5).lines()
    review_source(config, "forum", REVIEW)
    lines = source_facts(config, "forum", CONTACT, timeout=5).lines()
    assert "审查　　2026-11-22 政务公开办 同意，有效至 2027-11-21" in lines


def test_presets_are_valid_not_in_use_not_reviewed_and_say_so(root):
    files = sorted((root / "config" / "sources").glob("*.toml"))
    presets = [(path, source) for path in files if (source := load_model(path, Source)).start_urls]
    assert len(presets) >= 11
    for path, source in presets:
        assert source.id == path.stem
        assert not source.enabled
        assert source.review is None
        assert source.may_be_crawled(date(2026, 11, 22)) == "未经审查"
        assert source.min_delay_seconds >= MIN_DELAY_SECONDS
        assert "未在线核对" in path.read_text("utf8")
    assert [source.id for source in Settings(config=root / "config").sources().usable if source.start_urls] == []


def test_a_reviewed_preset_may_be_crawled(config_copy):
    review_source(config_copy, "national_stats", REVIEW)
    source = load_model(config_copy / "sources" / "national_stats.toml", Source)
    assert source.may_be_crawled(date(2027, 11, 21)) is None
    assert not source.enabled
