"""Small frames for tests of transforms: say what matters, the rest is ordinary."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)

_POST: dict[str, Any] = {
    "source_id": "forum",
    "source_name": "论坛",
    "source_class": "board",
    "media_tier": "self",
    "reach": "county",
    "local_board": False,
    "official_channel": False,
    "url": "https://example.org/1",
    "title": "标题",
    "text": "正文",
    "text_hash": "h1",
    "published_at": NOON,
    "published_precision": "minute",
    "first_fetched_at": NOON + timedelta(hours=1),
    "reason": "strong_term",
    "topic": "gdp",
    "topics": ["gdp"],
    "jurisdiction": "local",
    "stance": "neutral",
    "tone": "neutral",
    "emotive": False,
    "flags": [],
    "facts": [],
    "evidence": [],
}


def posts(schema: pl.Schema, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of graded.posts; post_id is p0, p1, … unless given."""
    full = [{"post_id": f"p{i}", **_POST, **row} for i, row in enumerate(rows)]
    return pl.DataFrame(full, schema=schema)


def metrics(*rows: tuple[str, datetime, int | None, int | None, int | None]) -> pl.DataFrame:
    """Rows of clean.post_metrics with their day: post, moment, views, reposts, comments."""
    frame = pl.DataFrame(
        rows,
        schema={
            "post_id": pl.String,
            "observed_at": pl.Datetime("us", "UTC"),
            "views": pl.Int64,
            "reposts": pl.Int64,
            "comments": pl.Int64,
        },
        orient="row",
    )
    return frame.with_columns(day=pl.col("observed_at").dt.convert_time_zone("Asia/Shanghai").dt.date())


def links(*rows: tuple[str, str, str, date]) -> pl.DataFrame:
    """Rows of graded.issue_posts with their day: issue, post, group, day."""
    return pl.DataFrame(
        rows,
        schema={"issue_no": pl.String, "post_id": pl.String, "group_id": pl.String, "day": pl.Date},
        orient="row",
    )
