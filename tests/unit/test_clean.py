"""raw.posts -> clean.posts, clean.post_metrics, clean.rejects."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.settings import Settings
from transforms.clean.clean import clean_posts
from transforms.parts import pieces_of

CONTRACTS = Settings.load().contracts()
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
NOTHING_KNOWN = pl.DataFrame(schema={"post_id": pl.String})
SOURCES = pl.DataFrame(
    [
        {
            "source_id": source_id,
            "name": name,
            "source_class": source_class,
            "media_tier": "self",
            "reach": "county",
            "place": None,
            "board": "茶馆",
            "local_board": True,
            "official_channel": False,
            "silent_after_hours": 48,
        }
        for source_id, name, source_class in [("a", "甲", "board"), ("b", "乙", "news")]
    ],
    schema_overrides={"place": pl.String},
)


def raw(*rows):
    ordinary = {
        "post_id": "p1",
        "source_id": "a",
        "board": None,
        "url": "https://example.org/1",
        "title": "标题",
        "text": "正文",
        "published_at": NOON - timedelta(hours=1),
        "published_precision": "minute",
        "fetched_at": NOON,
        "observed_at": NOON,
        "views": None,
        "reposts": None,
        "comments": None,
        "heat": None,
        "encoding": "utf-8",
        "date_source": "rule",
        "date_guessed": False,
        "parent_id": None,
        "index_no": None,
        "answer": None,
        "answered_at": None,
    }
    return pl.DataFrame([{**ordinary, **row} for row in rows], schema=CONTRACTS["raw.posts"].polars_schema())


def clean(*rows, known=NOTHING_KNOWN):
    cleaned = clean_posts(raw(*rows), SOURCES, known)
    for table, frame in zip(("posts", "post_metrics", "answers", "rejects"), cleaned, strict=True):
        assert CONTRACTS[f"clean.{table}"].conform(frame).equals(frame.select(CONTRACTS[f"clean.{table}"].names))
    assert len(rows) == cleaned.metrics.height + cleaned.rejects.height
    return cleaned


def test_a_post_gets_the_attributes_of_its_source_and_a_readable_text():
    post = clean({"title": "ＧＤＰ&nbsp;公布", "text": "<p>甲</p>"}).posts.row(0, named=True)
    assert (post["title"], post["text"]) == ("GDP 公布", "甲")
    assert (post["source_name"], post["source_class"], post["local_board"]) == ("甲", "board", True)
    assert post["board"] == "茶馆"
    assert len(post["text_hash"]) == 16


def test_the_first_observation_gives_the_post_and_every_one_its_measures():
    later = NOON + timedelta(hours=1)
    cleaned = clean(
        {"title": "改过的标题", "observed_at": later, "fetched_at": later, "views": 0},
        {"title": "第一个标题", "views": None},
    )
    assert cleaned.posts["title"].to_list() == ["第一个标题"]
    assert cleaned.posts["first_fetched_at"].to_list() == [NOON]
    assert cleaned.metrics["views"].to_list() == [None, 0]


def test_known_posts_give_measures_only():
    cleaned = clean({"views": 5}, known=pl.DataFrame({"post_id": ["p1"]}))
    assert cleaned.posts.is_empty()
    assert cleaned.metrics["views"].to_list() == [5]


def test_an_unusable_first_observation_does_not_hide_the_next():
    later = NOON + timedelta(hours=1)
    cleaned = clean({"title": "", "text": " "}, {"observed_at": later, "fetched_at": later})
    assert cleaned.posts["first_fetched_at"].to_list() == [later]
    assert cleaned.rejects["reason"].to_list() == ["empty"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"title": "", "text": "\u200b&nbsp;"}, "empty"),
        ({"title": "页面提示", "text": "您访问的页面不存在"}, "soft_404"),
        ({"title": "404 Not Found", "text": ""}, "soft_404"),
        ({"title": "抱歉，该帖子已被删除！", "text": "3秒后返回"}, "soft_404"),
        ({"source_id": "gone"}, "unknown_source"),
        ({"title": "帖子被删除是怎么回事？", "text": ""}, None),
        ({"title": "统计局网站页面不存在，投诉", "text": ""}, None),
        ({"title": "只有标题", "text": ""}, None),
        ({"title": "", "text": "只有正文"}, None),
    ],
)
def test_reasons(row, reason):
    cleaned = clean(row)
    assert cleaned.rejects["reason"].to_list() == ([reason] if reason else [])
    assert cleaned.posts.height == (0 if reason else 1)


def test_the_same_moment_from_two_sources_counts_once():
    cleaned = clean({"source_id": "b", "views": 2}, {"source_id": "a", "views": 1})
    assert cleaned.posts["source_id"].to_list() == ["a"]
    assert cleaned.metrics["views"].to_list() == [1]
    assert cleaned.rejects.select("source_id", "reason").rows() == [("b", "duplicate")]


def test_a_source_that_cannot_be_read_is_unknown():
    sources = SOURCES.with_columns(source_class=pl.lit(None, pl.String))
    assert clean_posts(raw({}), sources, NOTHING_KNOWN).rejects["reason"].to_list() == ["unknown_source"]


@pytest.mark.parametrize("precision", ["minute", "hour"])
@pytest.mark.parametrize(("late", "kept"), [(timedelta(minutes=10), True), (timedelta(minutes=10, seconds=1), False)])
def test_a_time_in_the_future_is_unknown_and_the_post_stays(late, kept, precision):
    post = clean({"published_at": NOON + late, "published_precision": precision}).posts.row(0, named=True)
    assert post["published_at"] == (NOON + late if kept else None)
    assert post["published_precision"] == (precision if kept else "unknown")


@pytest.mark.parametrize(
    ("fetched_at", "doubt"),
    [
        # A minute before midnight in Shanghai tomorrow's date is the future, though a clock might be ahead.
        (datetime(2026, 11, 21, 15, 59, tzinfo=UTC), "future"),
        (datetime(2026, 11, 21, 4, tzinfo=UTC), "future"),
        # In Greenwich it is still the 21st.
        (datetime(2026, 11, 21, 16, tzinfo=UTC), None),
        (datetime(2026, 11, 21, 16, 30, tzinfo=UTC), None),
        (NOON, None),
        (NOON + timedelta(days=3), None),
    ],
)
def test_a_day_is_compared_with_shanghais_day(fetched_at, doubt):
    day = datetime(2026, 11, 21, 16, tzinfo=UTC)
    given = {"published_at": day, "published_precision": "day", "fetched_at": fetched_at, "observed_at": fetched_at}
    post = clean(given).posts.row(0, named=True)
    assert (post["date_doubt"], post["stated_at"]) == (doubt, day)
    assert (post["published_at"], post["published_precision"]) == ((None, "unknown") if doubt else (day, "day"))


def test_what_is_future_and_guessed_is_future():
    later = NOON + timedelta(minutes=11)
    assert clean({"published_at": later, "date_guessed": True}).posts["date_doubt"].to_list() == ["future"]


def test_no_time_has_no_precision():
    post = clean({"published_at": None, "published_precision": "day"}).posts.row(0, named=True)
    assert post["published_precision"] == "unknown"


def test_an_empty_day():
    assert [frame.height for frame in clean()] == [0, 0, 0, 0]


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "post_id": st.sampled_from(["p1", "p2", "p3"]),
            "source_id": st.sampled_from(["a", "b", "gone"]),
            "title": st.sampled_from(["", "标题", "页面不存在"]),
            "text": st.sampled_from(["", "正文"]),
            "observed_at": st.integers(0, 2).map(lambda hours: NOON + timedelta(hours=hours)),
            "views": st.none() | st.integers(0, 5),
        }
    ),
    max_size=12,
    unique_by=lambda row: (row["post_id"], row["source_id"], row["observed_at"]),
)


@settings(deadline=None)
@given(_ROWS)
def test_every_observation_is_a_measure_or_a_reject(rows):
    cleaned = clean(*rows)
    assert set(cleaned.posts["post_id"]) == set(cleaned.metrics["post_id"])
    again = clean(*reversed(rows))
    assert all(one.equals(two) for one, two in zip(cleaned, again, strict=True))


def test_doubtful_times_are_kept_beside_and_believed_nowhere():
    posts = clean(
        {"post_id": "p1", "published_at": NOON + timedelta(hours=1)},
        {"post_id": "p2", "date_guessed": True},
        {"post_id": "p3"},
        {"post_id": "p4", "published_at": None, "published_precision": "unknown", "date_source": None},
    ).posts
    assert posts["date_doubt"].to_list() == ["future", "guessed", None, None]
    assert posts["published_at"].is_null().to_list() == [True, True, False, True]
    assert posts["published_precision"].to_list() == ["unknown", "unknown", "minute", "unknown"]
    assert posts["stated_at"].to_list() == [NOON + timedelta(hours=1), *[NOON - timedelta(hours=1)] * 2, None]


def test_a_reply_goes_by_the_beginning_of_its_words():
    (reply,) = clean({"title": "", "text": "普查员没来过。\n下一行", "parent_id": "p0"}).posts.to_dicts()
    assert (reply["title"], reply["text"], reply["parent_id"]) == ("普查员没来过", "普查员没来过。\n下一行", "p0")


def test_the_last_reading_of_the_day_gives_the_answer():
    later = NOON + timedelta(hours=2)
    answers = clean(
        {"post_id": "p1"},
        {"post_id": "p1", "observed_at": later, "fetched_at": later, "answer": "已答复", "answered_at": NOON},
        {"post_id": "p2", "answer": "收到"},
        {"post_id": "p3"},
    ).answers
    assert answers.select("post_id", "answered_at", "answer", "first_seen_at").rows() == [
        ("p1", NOON, "已答复", later),
        ("p2", None, "收到", NOON),
    ]


_OBSERVED = st.fixed_dictionaries(
    {
        "post_id": st.sampled_from([f"p{n}" for n in range(6)]),
        "source_id": st.sampled_from(["a", "b", "gone"]),
        "title": st.sampled_from(["标题", "", "页面不存在"]),
        "text": st.sampled_from(["正文。第二句", ""]),
        "answer": st.sampled_from([None, "已核实", "另有答复"]),
        "hours": st.integers(0, 3),
    }
)


@given(st.lists(_OBSERVED, unique_by=lambda o: (o["post_id"], o["source_id"], o["hours"])), st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_a_day_in_pieces_is_cleaned_like_the_whole(observed, rows):
    observations = [
        {**o, "observed_at": NOON + timedelta(hours=hours), "fetched_at": NOON + timedelta(hours=hours)}
        for o in observed
        for hours in [o.pop("hours")]
    ]
    frame, known = raw(*observations), pl.DataFrame({"post_id": ["p1", "p9"]})
    whole = clean_posts(frame, SOURCES, known)
    parted = clean_posts(pieces_of(frame, "post_id", rows), SOURCES, known)
    assert whole.metrics.height + whole.rejects.height == len(observed)
    for one, other in zip(parted, whole, strict=True):
        assert one.equals(other)
