"""Measures: unknown is never zero, reposts are no voices."""

from datetime import timedelta

import polars as pl
import pytest

from caifeng.core.contracts import load_contracts
from tests.unit.frames import DAY, NOON, links, metrics, posts
from transforms.grade.measure import measure_issues
from transforms.understand.issues import describe_issues

AS_OF = NOON + timedelta(hours=12)
NOTHING_EARLIER = pl.DataFrame(
    schema={"issue_no": pl.String, "topic": pl.String, "detected_at": pl.Datetime("us", "UTC")}
)


@pytest.fixture(scope="module")
def schema(request):
    return load_contracts(request.config.rootpath / "sql")["graded.posts"].polars_schema()


def measure(schema, rows, seen=(), groups=None, earlier=NOTHING_EARLIER, as_of=AS_OF) -> dict:
    """Measures of the one issue made of all rows; each row is its own group unless groups say otherwise."""
    frame = posts(schema, *rows)
    group_of = groups or range(len(rows))
    linked = links(*[("YQ-1", f"p{i}", f"g{group_of[i]}", DAY) for i in range(len(rows))])
    observed = metrics(*seen)
    issues = describe_issues(linked, frame.with_columns(day=pl.lit(DAY)), observed, DAY)
    measured = measure_issues(issues, linked.drop("day"), frame, observed, earlier, as_of)
    assert measured.height == 1
    return measured.row(0, named=True)


def test_sums_take_the_latest_known_count_of_each_post(schema):
    row = measure(
        schema,
        [{}, {}],
        [
            ("p0", NOON, 10, None, 1),
            ("p0", NOON + timedelta(hours=1), 30, None, None),
            ("p1", NOON, 5, None, None),
        ],
    )
    assert (row["views"], row["reposts"], row["comments"]) == (35, None, 1)


def test_a_known_zero_stays_zero(schema):
    row = measure(schema, [{}], [("p0", NOON, 0, None, 0)])
    assert (row["views"], row["reposts"], row["comments"]) == (0, None, 0)


def test_a_post_without_any_observation_has_unknown_counts(schema):
    row = measure(schema, [{}])
    assert (row["views"], row["reposts"], row["comments"]) == (None, None, None)


def test_reposts_repeat_a_voice(schema):
    row = measure(schema, [{"tone": "negative", "emotive": True}] * 3, groups=[1, 1, 1])
    assert (row["distinct_docs"], row["neg_docs"], row["counted_docs"], row["emotive_docs"]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("tones", "tone", "negative", "counted"),
    [
        (["unknown"], "unknown", 0, 0),
        (["unknown", "positive"], "positive", 0, 1),
        (["neutral", "positive"], "neutral", 0, 2),
        (["positive", "negative", "neutral"], "negative", 1, 3),
    ],
)
def test_the_tone_of_an_issue_and_what_was_counted(schema, tones, tone, negative, counted):
    row = measure(schema, [{"tone": t} for t in tones])
    assert (row["tone"], row["neg_docs"], row["counted_docs"]) == (tone, negative, counted)


def test_reach_takes_the_widest_source_and_counts_classes_and_days(schema):
    row = measure(
        schema,
        [
            {"reach": "village", "source_class": "board"},
            {"reach": "province", "source_class": "news", "published_at": NOON - timedelta(days=2)},
            {"reach": "county", "source_class": "news", "published_at": None, "published_precision": "unknown"},
        ],
    )
    assert (row["geo"], row["source_classes"], row["active_days"]) == ("province", 2, 2)


def test_a_day_is_a_shanghai_day(schema):
    """23:30 and 00:30 in Shanghai are two days, though one in UTC."""
    late = NOON.replace(hour=15, minute=30)
    row = measure(schema, [{"published_at": late}, {"published_at": late + timedelta(hours=1)}])
    assert row["active_days"] == 2


def test_every_day_on_a_hot_list_is_an_active_day(schema):
    seen = [("p0", NOON + timedelta(days=d), 1, None, None) for d in range(-2, 1)]
    assert measure(schema, [{"source_class": "hotlist"}], seen)["active_days"] == 3
    assert measure(schema, [{"source_class": "board"}], seen)["active_days"] == 1


def test_media_are_sources_with_a_tier(schema):
    row = measure(
        schema,
        [
            {"media_tier": "none", "source_id": "portal"},
            {"media_tier": "self", "source_id": "forum"},
            {"media_tier": "city", "source_id": "paper"},
            {"media_tier": "city", "source_id": "paper"},
        ],
    )
    assert (row["media_tier"], row["n_media"]) == ("city", 2)
    assert measure(schema, [{"media_tier": "none"}])["n_media"] == 0


def test_growth_is_unknown_without_a_past_and_counts_posts_of_the_last_day(schema):
    old = {"published_at": AS_OF - timedelta(hours=30)}
    new = {"published_at": AS_OF - timedelta(hours=2)}
    assert measure(schema, [new, new])["growth_24h"] is None
    assert measure(schema, [old, new, new])["growth_24h"] == 2.0
    assert measure(schema, [old])["growth_24h"] == 0.0


def test_a_notice_counts_only_where_all_posts_are_notices(schema):
    notice = {"facts": ["official_notice", "names_bureau"]}
    assert measure(schema, [notice, notice])["facts"] == ["names_bureau", "official_notice"]
    assert measure(schema, [notice, {}])["facts"] == ["names_bureau"]


def test_facts_of_the_source_join_those_of_the_text_once(schema):
    row = measure(
        schema,
        [
            {"facts": ["names_unit", "local_board"], "local_board": True},
            {"official_channel": True, "flags": ["pure_question"]},
        ],
    )
    assert row["facts"] == ["local_board", "names_unit", "official_channel"]
    assert row["flags"] == ["pure_question"]


def test_recurrence_counts_earlier_issues_of_the_topic_within_90_days(schema):
    found = NOON + timedelta(hours=1)
    earlier = pl.DataFrame(
        {
            "issue_no": ["YQ-a", "YQ-b", "YQ-c", "YQ-d", "YQ-1"],
            "topic": ["gdp", "gdp", "price", "gdp", "gdp"],
            "detected_at": [
                found - timedelta(days=1),
                found - timedelta(days=90),
                found - timedelta(days=1),
                found - timedelta(days=91),
                found,
            ],
        },
        schema_overrides={"detected_at": pl.Datetime("us", "UTC")},
    )
    assert measure(schema, [{}], earlier=earlier)["same_topic_issues_90d"] == 2
    assert measure(schema, [{}])["same_topic_issues_90d"] == 0
