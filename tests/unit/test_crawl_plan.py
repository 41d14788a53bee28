"""What is known, due, resting and missed: pure functions on frames."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.core.model.collection import BROKEN_OFF, GIVEN_UP, NOT_ASKED, RESTS, CollectionRules
from caifeng.core.model.source import Source
from caifeng.jobs.crawl_plan import History, batches, load_collection, make_plan
from crawlers.plan import Plan, PlannedPage, is_changed, load_plan
from transforms.collect.hosts import due_sources, last_asked, resting_hosts
from transforms.collect.known import known_pages, thin_fetches, thin_posts, unsettled_pages

AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
RULES = CollectionRules()
PAGE = "http://a.example/1.html"
LIST = "http://a.example/list.html"
_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("source_id", "url", "kind", "outcome", "etag", "last_modified", "detail"), pl.String),
    "fetched_at": pl.Datetime("us", "UTC"),
    "http_status": pl.Int64,
}
_POSTS: dict[str, Any] = {
    **dict.fromkeys(("source_id", "url", "answer", "board", "parent_id"), pl.String),
    **dict.fromkeys(("observed_at", "answered_at"), pl.Datetime("us", "UTC")),
    "comments": pl.Int64,
}


def row(hours: float, outcome: str = "ok", **other: Any) -> dict[str, Any]:
    """A fetch `hours` before AT."""
    at = AT - timedelta(hours=hours)
    return {"source_id": "a", "url": PAGE, "kind": "detail", "outcome": outcome, "fetched_at": at, **other}


def fetches(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=_SCHEMA)


def posts(*rows: dict[str, Any]) -> pl.DataFrame:
    return thin_posts(pl.DataFrame([{"source_id": "a", "observed_at": AT, **r} for r in rows], schema=_POSTS))


def traits(counters: bool = True, letters: bool = False) -> pl.DataFrame:
    return pl.DataFrame({"source_id": ["a"], "counters": [counters], "letters": [letters]})


def known(*rows: dict[str, Any], **what: Any) -> dict[str, Any]:
    seen = what.pop("posts", posts())
    (page,) = known_pages(fetches(*rows), seen, traits(**what), RULES, AT).to_dicts()
    return page


@pytest.mark.parametrize(
    ("visits", "due"),
    [
        ([0.4], False),
        ([0.5], True),
        ([1.9, 1], False),  # the visit at 0.9 h counts for the step of half an hour
        ([2, 1], True),
        ([25, 24], True),  # read at 0, asked again at 1: the steps of 2, 6 and 24 h have passed
        ([25, 0.5], False),
        ([24, 0.1], True),  # a visit before a step does not count for it
        ([72, 48, 24], True),
        ([96, 72, 48, 24], False),
        ([24 * 10.5, 24 * 9], False),  # missed by more than catch_up_days
    ],
)
def test_counters_of_a_young_post_are_read_at_the_steps(visits: list[float], due: bool) -> None:
    page = known(*map(row, visits))
    assert (page["due"], page["known"], page["failures"]) == (due, True, 0)


@settings(max_examples=40)
@given(st.lists(st.floats(0.02, 120), min_size=1, max_size=8, unique=True))
def test_a_visit_now_settles_every_step(hours: list[float]) -> None:
    assert not known(*map(row, hours), row(0))["due"]
    assert not known(*map(row, hours), counters=False)["due"]


def test_steps_add_up_to_a_few_visits() -> None:
    """Whatever the cadence, a post is read once per step and then left alone."""
    for minutes in (30, 60, 24 * 60):
        visits, moment = [AT], AT
        while moment < AT + timedelta(hours=96):
            moment += timedelta(minutes=minutes)
            page = known_pages(
                fetches(*({**row(0), "fetched_at": at} for at in visits)), posts(), traits(), RULES, moment
            )
            if page["due"][0]:
                visits.append(moment)
        expected = {30: [0.5, 2, 6, 24, 72], 60: [1, 2, 6, 24, 72], 1440: [24, 72]}[minutes]
        assert [(at - AT) / timedelta(hours=1) for at in visits[1:]] == expected


@pytest.mark.parametrize(
    ("rows", "answer", "due"),
    [
        ([24], None, True),
        ([23], None, False),
        ([24], "已解决。", False),
        ([24 * 61, 24], None, False),
        ([24 * 59, 24], None, True),
    ],
)
def test_letters_are_asked_daily_until_answered(rows: list[float], answer: str | None, due: bool) -> None:
    seen = posts({"url": PAGE, "answer": answer})
    page = known(*map(row, rows), posts=seen, counters=False, letters=True)
    assert (page["due"], page["comments"]) == (due, int(answer is not None))


@pytest.mark.parametrize(
    ("failed", "due", "given_up"),
    [
        ([0.2], False, False),
        ([0.25], True, False),
        ([2, 0.9], False, False),
        ([2, 1], True, False),
        ([200, 100, 80, 72, 70], False, False),
        ([200, 150, 100, 80, 72], True, False),
        ([200, 150, 100, 80, 72, 0.1], False, True),
        ([900, 800, 700, 600, 500, 400, 300], False, True),
    ],
)
def test_failed_pages_are_tried_again_and_given_up(failed: list[float], due: bool, given_up: bool) -> None:
    page = known(*(row(hours, "http_error", http_status=500) for hours in failed))
    assert (page["due"], page["given_up"], page["read_at"]) == (due, given_up, None)
    assert (page["known"], page["failures"], page["http_status"]) == (True, len(failed), 500)


def test_given_up_is_said_once_and_a_reading_forgets_failures() -> None:
    tries = [row(hours, "http_error") for hours in (90, 80, 70, 60, 50, 40)]
    assert known(*tries)["given_up"]
    assert not known(*tries, row(30, "http_error", detail=f"{GIVEN_UP}6 tries"))["given_up"]
    page = known(*tries, row(1, "not_modified"), row(0.1, "http_error"))
    assert (page["failures"], page["due"]) == (1, False)


def test_what_robots_denies_is_looked_at_again_but_seldom() -> None:
    assert not known(row(71, "robots_denied"))["due"]
    many = known(*(row(hours, "robots_denied") for hours in range(72, 1000, 72)))
    assert (many["due"], many["given_up"]) == (True, False)


def test_a_page_that_was_named_but_not_asked_is_owed() -> None:
    left = row(3, "unreachable", detail=f"{NOT_ASKED}: the time of the run is up")
    page = known(left, counters=False)
    assert (page["due"], page["known"], page["failures"]) == (True, False, 0)
    assert not known(left, row(1), counters=False)["due"]
    assert known(row(5), left, counters=False)["due"]
    assert not known({**left, "fetched_at": AT - timedelta(days=8)}, counters=False)["due"]
    # A list page as well, so that a walk that was cut short goes on.
    (page,) = known_pages(fetches({**left, "kind": "list"}), posts(), traits(), RULES, AT).to_dicts()
    assert (page["kind"], page["due"]) == ("list", True)


def test_lists_that_were_read_are_no_pages_to_ask_again() -> None:
    rows = [{**row(h), "kind": "list", "url": LIST} for h in (100, 50, 1)]
    assert known_pages(fetches(*rows), posts(), traits(), RULES, AT).is_empty()
    failed = {**row(1, "http_error"), "kind": "list", "url": LIST}
    assert known_pages(
        fetches(*rows, {**failed, "fetched_at": AT - timedelta(minutes=20)}), posts(), traits(), RULES, AT
    )["due"].to_list() == [True]


_OUTCOMES = st.sampled_from(["ok", "ok", "not_modified", "http_error", "unreachable", "robots_denied"])
_DETAILS = st.sampled_from([None, None, f"{NOT_ASKED}: the time of the run is up", f"{GIVEN_UP}6 tries"])
_ROWS = st.builds(
    lambda url, hours, outcome, detail, kind, etag: {
        **row(hours / 4, outcome, detail=detail if outcome == "unreachable" else None, etag=etag),
        "url": f"http://a.example/{url}",
        "kind": kind,
    },
    st.integers(1, 3),
    st.integers(1, 400),
    _OUTCOMES,
    _DETAILS,
    st.sampled_from(["detail", "detail", "list"]),
    st.sampled_from([None, '"1"', '"2"']),
)


@settings(max_examples=60)
@given(st.lists(_ROWS, max_size=12, unique_by=lambda r: (r["url"], r["fetched_at"])))
def test_thinned_days_say_the_same_as_all_rows(rows: list[dict[str, Any]]) -> None:
    # A page is a list or a detail page, not both.
    rows = [{**r, "kind": "list" if r["url"].endswith("3") else "detail"} for r in rows]
    whole = fetches(*rows)
    days = whole["fetched_at"].dt.date().unique().sort()
    thinned = pl.concat([thin_fetches(whole.filter(pl.col("fetched_at").dt.date() == day)) for day in days] or [whole])
    assert thinned.height <= whole.height
    seen = posts()
    expected = known_pages(whole, seen, traits(), RULES, AT)
    assert known_pages(thinned, seen, traits(), RULES, AT).equals(expected)


def test_pages_of_a_killed_run_prove_no_overlap_until_a_run_came_through() -> None:
    killed = [{**row(5, detail=BROKEN_OFF), "kind": "list", "url": LIST}, row(5)]
    older = {**row(50), "url": "http://a.example/0.html"}

    def unsettled(*rows: dict[str, Any]) -> list[str]:
        frame = fetches(*rows)
        return unsettled_pages(frame, known_pages(frame, posts(), traits(), RULES, AT))["url"].to_list()

    assert unsettled(*killed, older) == [PAGE]
    assert unsettled(*killed, older, {**row(4, "unreachable"), "kind": "list", "url": LIST}) == [PAGE]
    assert unsettled(*killed, older, {**row(4), "kind": "list", "url": LIST}) == []


def test_sources_are_due_by_their_cadence_longest_wait_first() -> None:
    rows = [
        {**row(hours, outcome, detail=detail), "source_id": source_id, "kind": "list", "url": LIST}
        for source_id, hours, outcome, detail in (
            ("hourly", 0.9, "ok", None),
            ("early", 0.98, "ok", None),
            ("failed", 1.5, "unreachable", None),
            ("resting", 0.5, "unreachable", f"{RESTS}later"),
            ("starved", 9, "unreachable", f"{NOT_ASKED}: the time of the run is up"),
        )
    ]
    ids = ["hourly", "early", "failed", "resting", "starved", "new"]
    cadence = pl.DataFrame({"source_id": ids, "every_minutes": [60] * 6})
    assert due_sources(last_asked(fetches(*rows)), cadence, AT) == ["new", "starved", "failed", "early"]


def resting(*rows: dict[str, Any]) -> list[tuple[str, float, bool]]:
    frame = resting_hosts(fetches(*rows), RULES, AT)
    return [(host, (until - AT) / timedelta(minutes=1), wish) for host, until, wish in frame.iter_rows()]


def down(hours: float, **other: Any) -> dict[str, Any]:
    return {**row(hours, "unreachable"), "kind": "list", "url": LIST, **other}


def test_a_host_that_failed_run_after_run_rests_longer_each_time() -> None:
    assert resting(down(1), down(0.5)) == []
    assert resting(down(2), down(1), down(0.25)) == [("a.example", 15, False)]
    assert resting(*(down(h) for h in (4, 3, 2, 0.25))) == [("a.example", 45, False)]
    assert resting(*(down(h / 4) for h in range(2, 30))) == [("a.example", 720 - 30, False)]
    # Rest is over; or the host answered in between, or on another page of the same run.
    assert resting(down(4), down(3), down(2)) == []
    assert resting(down(3), down(2), down(1, outcome="ok"), down(0.5), down(0.2)) == []
    assert resting(down(2), down(1), down(0.25), down(0.25, outcome="ok", url=PAGE)) == []
    # What we refused ourselves, and a missing page, say nothing of the host.
    refused = [down(h / 10, detail=words) for h, words in ((1, f"{RESTS}x"), (2, "leads to a private address"))]
    assert resting(down(2), down(1), *refused) == []
    assert resting(*(down(h, outcome="http_error", http_status=404) for h in (2, 1, 0.2))) == []
    assert len(resting(*(down(h, outcome="http_error", http_status=503) for h in (2, 1, 0.2)))) == 1


def test_a_host_that_names_a_time_rests_until_then() -> None:
    words = "HTTP 429; retry after 2026-11-20T04:00:00+00:00"
    assert resting(row(1, "http_error", http_status=429, detail=words)) == [("a.example", 120, True)]
    assert resting(row(1, "http_error", http_status=429, detail=words.replace("T04", "T01"))) == []
    assert resting(row(1, "http_error", detail="retry after 2026-99-20T04:00:00+00:00")) == []


def source(source_id: str = "a", url: str = LIST, family: str = "list_detail", **rules: Any) -> Source:
    table: dict[str, Any] = {
        "list_detail": {"list": {"urls": [url], "item": "li"}},
        "hot_list": {"hot_list": {"urls": [url], "items": "i", "title": "t", "link": "http://h/{title}"}},
        "feed": {"feed": {"urls": [url]}},
    }[family]
    head = {"id": source_id, "name": "样例", "family": family, "class": "portal", "reach": "county"}
    return Source.model_validate({**head, **table, **rules})


def plan(rows: list[dict[str, Any]], of: Source, at: datetime = AT, **arguments: Any) -> Plan:
    before = fetches(*rows).filter(pl.col("fetched_at") < at)
    seen = arguments.pop("posts", posts())
    return make_plan([of], History(before, seen), RULES, at, **arguments)


def edition(day: int, outcome: str = "ok", hour: int = 2) -> dict[str, Any]:
    at = datetime(2026, 11, day, hour, tzinfo=UTC)
    url = f"http://a.example/2026-11-{day:02}/node_1.htm"
    return {"source_id": "a", "url": url, "kind": "list", "outcome": outcome, "fetched_at": at}


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        ([], [20]),
        ([edition(19)], [20]),
        ([edition(16), edition(17, "unreachable"), edition(18, "http_error")], [17, 18, 19, 20]),
        ([edition(16)], [17, 18, 19, 20]),
        ([edition(15, "http_error"), edition(16)], [17, 18, 19, 20]),
        ([edition(18), edition(19, "empty")], [19, 20]),
        ([edition(1)], [13, 14, 15, 16, 17, 18, 19, 20]),
        ([edition(18, "unreachable"), edition(19, "unreachable")], [18, 19, 20]),
    ],
)
def test_missed_editions_are_asked_for_oldest_first(rows: list[dict[str, Any]], days: list[int]) -> None:
    of = source(url="http://a.example/{day}/node_1.htm")
    assert [day.day for day in plan(rows, of).sources["a"].days] == days
    assert plan(rows, of, day=date(2026, 11, 5)).sources["a"].days == (date(2026, 11, 5),)
    assert [day.day for day in plan(rows, source()).sources["a"].days] == [20]


def test_a_days_ranking_is_complete_only_when_the_day_is_over() -> None:
    of = source(url="http://a.example/{day}/node_1.htm", family="hot_list")
    assert [day.day for day in plan([edition(19, hour=15)], of).sources["a"].days] == [19, 20]
    late = {**edition(19), "fetched_at": datetime(2026, 11, 19, 16, tzinfo=UTC)}
    assert [day.day for day in plan([edition(19), late], of).sources["a"].days] == [20]


def test_the_plan_says_what_a_spider_must_know(tmp_path) -> None:
    detail = {"title": "h1", "body": "div", "views": ".v"}
    failing = [{**row(hours, "http_error", http_status=404), "url": "http://a.example/9"} for hours in range(50, 56)]
    rows = [row(30, etag='"1"'), {**row(0.1), "url": "http://a.example/2"}, *failing, *map(down, (3, 2, 0.2))]
    made = plan(rows, source(detail=detail), posts=posts({"url": PAGE, "board": "公告"}))
    own = made.sources["a"]
    assert own.known == (PAGE, "http://a.example/2", "http://a.example/9")
    assert {page.url: (page.due, page.etag, page.board, page.given_up) for page in own.pages} == {
        PAGE: (True, '"1"', "公告", None),
        "http://a.example/9": (False, None, None, "6 tries"),
    }
    assert list(made.rests) == ["a.example"]
    assert plan(rows, source(detail=detail), insist=True).rests == {}
    file = tmp_path / "plan.json"
    file.write_text(made.model_dump_json(exclude_defaults=True), "utf8")
    assert load_plan(file) == made


def test_entries_of_a_feed_are_known_by_their_posts() -> None:
    feed = {**row(3, etag='"f"'), "kind": "list", "url": "http://a.example/rss.xml"}
    of = source(url="http://a.example/rss.xml", family="feed")
    own = plan([feed], of, posts=posts({"url": PAGE})).sources["a"]
    assert own.known == (PAGE,)
    assert [(page.url, page.kind, page.etag, page.due) for page in own.pages] == [
        ("http://a.example/rss.xml", "list", '"f"', False)
    ]


def test_a_list_that_counts_more_makes_a_thread_due_after_a_pause() -> None:
    page = PlannedPage(url=PAGE, read_at=AT - timedelta(hours=1), comments=12)
    assert is_changed(page, 13, None, AT, 1800)
    assert not is_changed(page, 12, None, AT, 1800)
    assert not is_changed(page, None, None, AT, 1800)
    assert not is_changed(page, 13, None, AT, 7200)
    assert not is_changed(PlannedPage(url=PAGE, read_at=AT), 13, None, AT, 0)
    assert is_changed(page, None, AT, AT, 0)
    assert not is_changed(page, None, AT - timedelta(hours=2), AT, 0)


def test_sources_on_one_host_share_a_batch() -> None:
    hosts = ["x", "y", "x", "z", "y", "x"]
    sources = [source(f"s{n}", f"http://{host}.example/") for n, host in enumerate(hosts)]
    made = batches(sources, 3)
    assert sorted(i for batch in made for i in batch) == [f"s{n}" for n in range(6)]
    homes = {f"s{n}": host for n, host in enumerate(hosts)}
    for host in set(hosts):
        assert sum(any(homes[i] == host for i in batch) for batch in made) == 1
    assert max(map(len, made)) == 3
    assert batches([], 3) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [("revisit_hours = [2, 1]", "must rise"), ("rest_minutes = 900", "below"), ("often = 3", "often")],
)
def test_a_bad_configuration_is_named(tmp_path, text: str, said: str) -> None:
    from caifeng.core.errors import ConfigError

    assert load_collection(tmp_path) == CollectionRules()
    (tmp_path / "collection.toml").write_text(text, "utf8")
    with pytest.raises(ConfigError, match=said):
        load_collection(tmp_path)


def test_the_file_says_what_the_defaults_are(root) -> None:
    assert load_collection(root / "config") == CollectionRules()
    with pytest.raises(ValidationError):
        CollectionRules(retry_hours=())
