"""The job: from lake and register to graded.answer_proposals and graded.response_counts, and what pages read of it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.cases.store import Register
from caifeng.core.clock import end_of_day
from caifeng.core.model.answers import AnswersConfig, OwnSources
from caifeng.core.settings import load_model
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.answers import answers, effect_of, load_answers, own_sources, proposals
from caifeng.jobs.base import Env
from tests.cases.cases import ONE, START, TWO, Desk, open_register
from tests.sql.review_town import _USUAL
from tests.unit.frames import posts
from tests.unit.grades import CONFIG, open_env

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
HOUR = timedelta(hours=1)
PLACE = "341622"
LETTER = "https://www.example.gov.cn/letter"
PAGE = "https://www.example.gov.cn/1.html"
MATTER, ASKED, ANSWER, VOICE = (f"{n:016x}" for n in range(1, 5))
ROWS: tuple[dict[str, Any], ...] = (
    {
        "post_id": MATTER, "title": "楚村镇收入是编的", "topic": "income", "topics": ["income"],
        "text": "公示栏上写楚村镇农村居民人均可支配收入两万三，从来没见人下来调查。", "evidence": ["town:楚村镇@0"],
        "url": "https://bbs.example.org/1", "published_at": START - HOUR,
    },
    {
        "post_id": ASKED, "source_id": "box", "official_channel": True, "url": LETTER, "title": "CPI怎么算",
        "text": "请问居民消费价格指数是怎么算出来的？", "topic": "price", "topics": ["price"],
        "published_at": START - HOUR,
    },
    {
        "post_id": ANSWER, "source_id": "gov", "source_class": "portal", "url": PAGE, "topic": "income",
        "topics": ["income"], "evidence": ["town:楚村镇@2"], "title": "关于楚村镇农村居民收入数据来源的说明",
        "text": "有网民反映楚村镇农村居民人均可支配收入没有调查。收入数据来自住户收支与生活状况调查。",
        "published_at": START + HOUR,
    },
    {
        "post_id": VOICE, "title": "收入", "text": "县里说收入数据来自住户收支与生活状况调查，这下清楚了。",
        "url": "https://bbs.example.org/2", "published_at": START + 4 * HOUR, "topic": "income", "topics": ["income"],
    },
)  # fmt: skip


def rows(env: Env, table: str, *values: dict[str, Any]) -> pl.DataFrame:
    """Rows of a table; columns that are not named are null where they may be, else the usual."""
    usual = {
        c.name: None if c.null_means else c.values[0] if c.values else {**_USUAL, "timestamp": START}[c.type]
        for c in env.contracts[table].columns
    }
    return pl.DataFrame([usual | row for row in values], schema=env.contracts[table].polars_schema())


@pytest.fixture
def env(tmp_path: Path) -> Env:
    env = open_env(tmp_path)
    schema = env.contracts["graded.posts"].polars_schema()
    tables = {
        "graded.posts": posts(schema, *({**row, "first_fetched_at": row["published_at"]} for row in ROWS)),
        "ops.sources": rows(
            env,
            "ops.sources",
            {"source_id": "gov", "source_class": "portal", "place": PLACE},
            {"source_id": "city", "source_class": "portal", "place": "3416"},
            {"source_id": "forum", "source_class": "board", "place": PLACE},
            {"source_id": "wechat", "source_class": "news"},
        ),
        "graded.issues": rows(
            env,
            "graded.issues",
            *(
                {"issue_no": number, "origin_post_id": post, "detected_at": START, "first_published_at": START - HOUR}
                for number, post in ((ONE, MATTER), (TWO, ASKED))
            ),
        ),
        "graded.issue_posts": rows(
            env,
            "graded.issue_posts",
            *(
                {"issue_no": number, "post_id": post, "group_id": f"g{post}"}
                for number, post in ((ONE, MATTER), (TWO, ASKED), (ONE, VOICE))
            ),
        ),
        "clean.posts": rows(env, "clean.posts", {"post_id": ANSWER, "url": PAGE, "text": ROWS[2]["text"]}),
        "clean.answers": rows(
            env, "clean.answers", {"post_id": ASKED, "answered_at": START + HOUR, "first_seen_at": START + 2 * HOUR}
        ),
    }
    for table, frame in tables.items():
        env.lake.replace(table, DAY, frame)
    return env


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with open_register(tmp_path) as register:
        yield register


def run(env: Env, day: date = DAY, answered: bool = False) -> None:
    """Run the job over two cases; of the first one the register has a final answer or not."""
    final_at = {"state": "responded", "final_published_at": START + 2 * HOUR} if answered else {}
    cases = ({"issue_no": ONE, **final_at}, {"issue_no": TWO, "state": "confirmed"})
    usual = {"detected_at": START, "started_at": START, "is_open": True, "state": "assigned"}
    env.lake.replace("cases.cases", day, rows(env, "cases.cases", *(usual | case for case in cases)))
    answers(env, day, end_of_day(day))


def respond(env: Env, url: str) -> None:
    """The first answer to the first case, as registered."""
    at = {"published_at": START + 2 * HOUR, "registered_at": START + 2 * HOUR}
    row = {"issue_no": ONE, "round_no": 1, "event_id": f"{ONE}#99", "kind": "final", "url": url, **at}
    env.lake.replace("cases.responses", DAY, rows(env, "cases.responses", row))


def test_what_may_answer_a_case_is_proposed_and_nothing_is_registered(env: Env, register: Register) -> None:
    Desk(register, ONE).confirm()
    before = len(register.events())
    run(env)
    assert [(row["kind"], row["url"], row["score"] == 1) for row in proposals(env, ONE)] == [
        ("portal_article", PAGE, False)
    ]
    (letter,) = proposals(env, TWO)
    assert (letter["kind"], letter["url"], letter["score"]) == ("letter_reply", LETTER, 1.0)
    assert proposals(env, "YQ-2026-0003") == []
    assert len(register.events()) == before


def test_once_registered_a_proposal_is_shown_no_more(env: Env, register: Register) -> None:
    run(env)
    assert len(proposals(env, ONE)) == 1
    # also before the next run
    Desk(register, ONE).answered()
    assert proposals(env, ONE) == []
    assert len(proposals(env, TWO)) == 1
    run(env, answered=True)
    assert env.lake.read("graded.answer_proposals", DAY)["issue_no"].to_list() == [TWO]


def test_the_voices_around_an_answer_are_counted(env: Env) -> None:
    respond(env, PAGE)
    run(env, answered=True)
    row = env.lake.read("graded.response_counts", DAY).row(0, named=True)
    assert (row["issue_no"], row["voices_before"], row["voices_later"], row["quoting"]) == (ONE, 1, 1, 1)
    assert row["window_complete"] is False


def test_without_the_page_the_draft_tells_what_was_answered(env: Env, register: Register) -> None:
    respond(env, "https://www.example.gov.cn/other.html")
    run(env, answered=True)
    assert env.lake.read("graded.response_counts", DAY)["quoting"].to_list() == [None]
    desk = Desk(register)
    desk.confirm()
    desk.assign()
    desk.do("draft", "openness_office", kind="interim", text="收入数据来自住户收支与生活状况调查，不分乡镇。")
    run(env, answered=True)
    assert env.lake.read("graded.response_counts", DAY)["quoting"].to_list() == [1]


def test_the_same_day_gives_the_same_bytes(env: Env) -> None:
    respond(env, PAGE)
    written = []
    for _ in range(2):
        run(env)
        written.append(
            [
                path.read_bytes()
                for table in ("graded.answer_proposals", "graded.response_counts")
                for path in env.lake.files(table, DAY)
            ]
        )
    assert len(written[0]) == 2
    assert written[0] == written[1]


def test_own_sources_are_of_the_own_place_or_named(env: Env) -> None:
    assert own_sources(env, NEXT, OwnSources()) == {"gov": "portal_article"}
    named = OwnSources(classes=("disclosure",), new_media=("wechat",))
    assert own_sources(env, NEXT, named) == {"wechat": "new_media"}
    assert own_sources(env, DAY - timedelta(days=1), OwnSources()) == {}


def test_nothing_was_run_or_published_yet(tmp_path: Path) -> None:
    env = open_env(tmp_path)
    assert proposals(env, ONE) == []
    assert effect_of(env, ONE) is None


def test_the_effect_that_pages_show_is_the_latest_published(env: Env) -> None:
    warehouse: Warehouse = env.warehouse
    counts = {"issue_no": ONE, "event_id": f"{ONE}#5", "least_voices": 5, "window_complete": True, "voices_before": 8}
    for day, after in ((DAY, 4), (NEXT, 8)):
        env.lake.replace(
            "graded.response_counts", day, rows(env, "graded.response_counts", {**counts, "voices_after": after})
        )
        warehouse.load(env.lake, day)
        warehouse.build_marts(day, end_of_day(day), "rules-1")
    warehouse.publish(env.settings.analytics_file)
    shown = effect_of(env, ONE)
    assert shown is not None
    assert (shown["volume_drop"], shown["caution"]) == (0.5, "时间上的关联，不证明因果")
    assert effect_of(env, TWO) is None


def test_the_file_holds_what_the_model_says(tmp_path: Path) -> None:
    assert load_answers(tmp_path) == AnswersConfig()
    assert load_answers(CONFIG) == load_model(CONFIG / "answers.toml", AnswersConfig)
    assert load_answers(CONFIG).effect.least_voices == 5
