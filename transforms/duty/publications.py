"""Proactive publication (Art. 14.5): which found titles are one of the things owed, and how each of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import product

import polars as pl

from caifeng.core.model.publications import STATE_NAMES, Item

#: What `judge` takes: one row per item and period that is asked for.
DUE = pl.Schema(
    {
        "item": pl.String(),
        "period": pl.String(),
        "name": pl.String(),
        "period_name": pl.String(),
        "unit": pl.String(),
        "basis": pl.String(),
        "page": pl.String(),  # where it should appear
        "started_on": pl.Date(),  # null: not registered, or it runs from something else
        "due_on": pl.Date(),  # null: not known
        "unknown": pl.String(),  # why due_on is not known: calendar, start
        "note": pl.String(),
    }
)
#: What was found on the office's own pages.
FOUND = pl.Schema(
    {
        "item": pl.String(),
        "period": pl.String(),
        "url": pl.String(),
        "published_on": pl.Date(),  # null: the page does not say
        "found_on": pl.Date(),
    }
)
#: What people said last of an item and period; without a day they said that it was not published.
SAID = pl.Schema(
    {
        "item": pl.String(),
        "period": pl.String(),
        "published_on": pl.Date(),
        "url": pl.String(),
        "said_on": pl.Date(),
    }
)

_FIGURES = ("〇○零0", "一", "二", "三", "四", "五", "六", "七", "八", "九")
#: 二〇二六 -> 2026.
_WRITTEN_YEARS = {
    f"二{zero}{tens}{ones}年": f"20{ten}{one}年"
    for ten, one in product(range(10), repeat=2)
    for zero, tens, ones in product("〇○零0", _FIGURES[ten], _FIGURES[one])
}
_YEAR = r"(20\d\d) ?年"
#: 2026年1—10月, 2026年10月份, 2026年前10个月: the last month counts, for such figures run from January.
_MONTH = r"20\d\d ?年(?:\d{1,2}月?份? ?(?:[—–\-－~～至到]|--|——)+ ?)?(1[0-2]|0?[1-9]) ?月"
_FIRST_MONTHS = r"20\d\d ?年前(1[0-2]|[1-9])个月"
_QUARTER = r"([一二三四1-4])季度"


def recognise(posts: pl.DataFrame, items: Sequence[Item], office: Sequence[str]) -> pl.DataFrame:
    """Titles of the office's own pages that look like a thing owed: proposals, until a person confirms them.

    The period is read from the title; one without a year, with several years, or about a period that had not ended when
    it was published is no proposal.

    Args:
        posts: title, board, source_name, url, published_on (date, null unknown), found_on (date), any order.
        items: what is owed, with the patterns of its titles.
        office: names of the office, as they stand in titles.

    Returns:
        Rows of `FOUND`, each item, period and address once, sorted.
    """
    read = posts.with_columns(
        title=pl.col("title").str.replace_many(list(_WRITTEN_YEARS), list(_WRITTEN_YEARS.values()))
    ).with_columns(_period_columns())
    own = _any_of(pl.concat_str("title", "board", "source_name", separator="\n", ignore_nulls=True), office)
    found = [
        read.filter(
            pl.col("title").str.contains("|".join(f"(?:{pattern})" for pattern in item.titles)),
            ~_any_of(pl.col("title"), item.without),
            own if item.names_office else pl.lit(value=True),
            pl.col(item.period).is_not_null(),
        ).select(pl.lit(item.id).alias("item"), pl.col(item.period).alias("period"), "url", "published_on", "found_on")
        for item in items
        if item.titles
    ]
    return (
        pl.concat([pl.DataFrame(schema=FOUND), *found])
        .sort("item", "period", "url", "found_on")
        .unique(["item", "period", "url"], keep="first", maintain_order=True)
    )


def judge(
    due: pl.DataFrame,
    found: pl.DataFrame,
    said: pl.DataFrame,
    day: date,
    as_of: datetime,
    *,
    soon_days: int,
    shown_days: int,
) -> pl.DataFrame:
    """How each publication stands at the end of a day, the most urgent first.

    What a person said goes before what was found; where they said that it was not published, pages found until that
    day do not count. Something published before it came to be or changed anew (`started_on`) is the old version. A due
    day that is not known is said to be unknown: nothing is overdue by a guess.

    Args:
        due: rows of `DUE`.
        found: rows of `FOUND`.
        said: rows of `SAID`, each item and period at most once.
        day: Shanghai day; a publication that is due on it is not yet overdue.
        as_of: moment of the evaluation.
        soon_days: so many days before it is due a publication is due soon.
        shown_days: so many days after its publication a row is left out.

    Returns:
        Columns of ops.publications, in the order of `position`.
    """
    key = ["item", "period"]
    started = due.select(*key, "started_on")
    of_this_version = pl.col("started_on").is_null() | (pl.col("published_on") >= pl.col("started_on"))
    words = said.join(started, on=key, how="inner")
    by_person = words.filter(of_this_version).select(
        *key, "published_on", "url", pl.lit(None, pl.Date).alias("found_on"), pl.lit("person").alias("source")
    )
    by_machine = (
        found.join(started, on=key, how="inner")
        .join(said.select(*key, "said_on"), on=key, how="left")
        .filter(
            pl.col("said_on").is_null() | (pl.col("found_on") > pl.col("said_on")),
            of_this_version | (pl.col("published_on").is_null() & (pl.col("found_on") >= pl.col("started_on"))),
        )
        .sort(pl.col("published_on").is_null(), "published_on", "found_on", "url")
        .select(*key, "published_on", "url", "found_on", pl.lit("crawled").alias("source"))
    )
    known = pl.concat([by_person.filter(pl.col("published_on").is_not_null()), by_machine]).unique(
        key, keep="first", maintain_order=True
    )
    # seen on a day, it was published on that day at the latest
    latest = pl.coalesce("published_on", "found_on")
    late = (latest - pl.col("due_on")).dt.total_days()
    left = (pl.col("due_on") - day).dt.total_days()
    is_published = pl.col("source").is_not_null()
    state = (
        # a page without a day that was found late may have been there in time
        pl.when(is_published & (pl.col("published_on") > pl.col("due_on")))
        .then(pl.lit("published_late"))
        .when(is_published)
        .then(pl.lit("published"))
        .when(pl.col("due_on").is_null())
        .then(pl.format("unknown_{}", pl.col("unknown")))
        .when(left < 0)
        .then(pl.lit("overdue"))
        .when(left <= soon_days)
        .then(pl.lit("due_soon"))
        .otherwise(pl.lit("not_due"))
    )
    overdue = (
        pl.when(is_published & (pl.col("published_on").is_not_null() | (late <= 0)))
        .then(late)
        .when(~is_published)
        .then(-left)
        .clip(lower_bound=0)
    )
    return (
        due.join(known, on=key, how="left")
        .with_columns(state=state, overdue_days=overdue, days_left=pl.when(~is_published & (left >= 0)).then(left))
        .filter((latest >= day - timedelta(days=shown_days)).fill_null(value=True))
        .sort(pl.col("state").cast(pl.Enum(list(STATE_NAMES))), pl.col("due_on").is_null(), "due_on", *key)
        .with_columns(position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), as_of=pl.lit(as_of))
        .drop("unknown")
    )


def _period_columns() -> list[pl.Expr]:
    """Period codes that a title tells, one column per kind; null where it tells none."""
    title = pl.col("title")
    years = title.str.extract_all(_YEAR).list.eval(pl.element().str.extract(_YEAR)).list.unique()
    year = pl.when(years.list.len() == 1).then(years.list.first())
    quarter = title.str.extract(_QUARTER).replace_strict(dict(zip("一二三四", "1234", strict=True)), default=None)
    quarter = pl.coalesce(quarter, title.str.extract(r"([1-4])季度")).cast(pl.Int64)
    quarter = pl.coalesce(quarter, pl.when(title.str.contains("上半年")).then(2))
    named = pl.coalesce(title.str.extract(_FIRST_MONTHS), title.str.extract(_MONTH)).cast(pl.Int64)
    # a year alone means the whole of it
    month = pl.coalesce(named, quarter * 3, pl.lit(12))
    ended = pl.date(year.cast(pl.Int32), month, 1).dt.month_end() < pl.coalesce("published_on", "found_on")
    month_code = pl.when(ended).then(pl.format("{}-{}", year, month.cast(pl.String).str.zfill(2)))
    quarter_code = pl.when(ended & (month % 3 == 0)).then(pl.format("{}Q{}", year, month // 3))
    return [
        month_code.alias("month"),
        quarter_code.alias("quarter"),
        year.alias("year"),
        pl.lit("once").alias("once"),
    ]


def _any_of(text: pl.Expr, words: Sequence[str]) -> pl.Expr:
    """Whether one of the words stands in a text."""
    found = [text.str.contains(word, literal=True) for word in words]
    return reduce(pl.Expr.or_, found, pl.lit(value=False))
