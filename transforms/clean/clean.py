"""raw.posts of a fetch day -> readable posts, measures, rejects."""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from caifeng.core.text.identity import content_hash
from caifeng.core.text.normalise import reading_form
from transforms.parts import in_parts
from transforms.rejects import excerpt

#: A page that is published later than this after its fetch states a wrong time: clocks differ by minutes. Our choice.
_CLOCK_SKEW = pl.duration(minutes=10)
#: A page of these words only says that there is no page, whatever its HTTP status.
_GONE = (
    r"(?i)^(?:(?:抱歉|对不起|很抱歉|非常抱歉|sorry|提示信息|系统提示|错误提示|友情提示)[\s,，。!！:：]*)?"
    r"(?:您|你)?(?:所|要|想|正在)?(?:访问|请求|查看|查找|浏览|打开)?的?(?:该|此|这个|指定的?)?"
    r"(?:页面|网页|文章|内容|帖子|主题|信息|链接|文件)"
    r"(?:已经?|可能已?|暂时)?(?:不存在|被?删除|被?移除|下线|失效|找不到|无法访问|过期|未找到|没有找到)"
    r"(?:[或、,，。.;；!！\s-][^？?]{0,40})?$"
)
_NOT_FOUND = (
    r"(?i)^(?:http\s*)?(?:error\s*)?404\b[^？?]{0,40}$|^(?:page |file )?not found\b.{0,40}$"
    r"|^找不到(?:页面|网页|文件)[^？?]{0,40}$"
)
#: Under such a title a body this short adds nothing: a link home, a countdown.
_SHORT_BODY = 50

#: A post without a headline (a reply, a call) goes by the beginning of its words, up to this many characters.
_HEADLINE = 30
#: The observations of a post stand together, the earliest first; of one moment, the source that counts first.
_ORDER = ("post_id", "observed_at", "source_id", "fetched_at")


class Cleaned(NamedTuple):
    """Frames of clean.posts, clean.post_metrics, clean.answers and clean.rejects (stage clean)."""

    posts: pl.DataFrame
    metrics: pl.DataFrame
    answers: pl.DataFrame
    rejects: pl.DataFrame


def clean_posts(raw: pl.DataFrame | Iterable[pl.DataFrame], sources: pl.DataFrame, known: pl.DataFrame) -> Cleaned:
    """Clean the observations of one fetch day.

    Every observation becomes one row of `metrics` or one of `rejects`. The earliest usable observation of a
    post that no earlier day knows also gives its row of `posts`, with the attributes its source has on that
    day. A time of publication that is later than the fetch (a day without a time: than the Shanghai day of the
    fetch) or guessed is unknown: what the page stated is kept beside it for a person to look at, and enters no
    chart. The first answer seen on a letter gives its row of
    `answers`, also on later days.

    Args:
        raw: raw.posts of the day, all observations; a large day in pieces (`parts.pieces_of` by post_id), so that it
            never stands in memory beside all that is made of it.
        sources: ops.sources of the day.
        known: `post_id` of the posts in clean.posts on earlier days.

    Returns:
        Frames sorted by their grain. Reasons of rejects: unknown_source, empty (neither title nor body),
        soft_404 (the page says that there is none), duplicate (the same post at the same moment from a second
        source; the alphabetically first source is kept).
    """
    usable_source = sources.filter(pl.col("source_class").is_not_null())
    pieces = [raw] if isinstance(raw, pl.DataFrame) else raw
    done = [_in_order(piece, usable_source, known) for piece in pieces]
    posts, metrics, answers, rejects = (pl.concat(frames) for frames in zip(*done, strict=True))
    return Cleaned(posts, metrics, answers, rejects.sort("source_id", "post_id", "observed_at", maintain_order=True))


def _in_order(raw: pl.DataFrame, sources: pl.DataFrame, known: pl.DataFrame) -> list[pl.DataFrame]:
    """Clean all observations of some posts: what they are ordered by is sorted alone, their texts follow in parts."""
    order = raw.select(*_ORDER, row=pl.int_range(pl.len())).sort(_ORDER, maintain_order=True)
    order = order.select("post_id", "row", known=pl.col("post_id").is_in(known["post_id"].implode()))

    def work(part: pl.DataFrame) -> list[pl.DataFrame]:
        return _clean(raw[part["row"]].with_columns(part["known"]), sources)

    return in_parts(order, work, whole="post_id")


def _clean(raw: pl.DataFrame, sources: pl.DataFrame) -> list[pl.DataFrame]:
    """All observations of some posts, in order; `known` says which posts an earlier day knows."""
    judged = _read(raw, sources["source_id"])
    usable, rejects = judged.filter(pl.col("reason").is_null()), judged.filter(pl.col("reason").is_not_null())
    # rows of a post, and of a moment, are neighbours: a look at the row before does for a table of what was seen
    again = _as_before("post_id") & _as_before("observed_at")
    rejects = pl.concat([rejects, usable.filter(again).with_columns(reason=pl.lit("duplicate"))])
    usable = usable.filter(~again)
    return [_posts(usable, sources), _metrics(usable), _answers(usable), _rejects(rejects)]


def _read(raw: pl.DataFrame, source_ids: pl.Series) -> pl.DataFrame:
    return raw.with_columns(reading_form(pl.col("title", "text")).fill_null("")).with_columns(
        reason=_reason(source_ids), text_hash=content_hash(pl.col("title"), pl.col("text"))
    )


def _reason(source_ids: pl.Series) -> pl.Expr:
    title, text = pl.col("title"), pl.col("text")
    says_gone = title.str.contains(_GONE) | title.str.contains(_NOT_FOUND)
    body_gone = text.str.contains(_GONE) | text.str.contains(_NOT_FOUND)
    return (
        pl.when(~pl.col("source_id").is_in(source_ids.to_list()))
        .then(pl.lit("unknown_source"))
        .when((title == "") & (text == ""))
        .then(pl.lit("empty"))
        .when(body_gone | (says_gone & (text.str.len_chars() < _SHORT_BODY)))
        .then(pl.lit("soft_404"))
    )


def _as_before(column: str) -> pl.Expr:
    return (pl.col(column) == pl.col(column).shift()).fill_null(value=False)


def _posts(usable: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    stated = pl.col("published_at")
    fetched = pl.col("fetched_at")
    future = (
        pl.when(pl.col("published_precision").is_in(["minute", "hour"]))
        .then(stated > fetched + _CLOCK_SKEW)
        .otherwise(_shanghai_day(stated) > _shanghai_day(fetched))
    )
    doubt = (
        pl.when(future)
        .then(pl.lit("future"))
        .when(stated.is_not_null() & pl.col("date_guessed"))
        .then(pl.lit("guessed"))
    )
    headless = pl.when(pl.col("title") == "").then("text")
    beginning = headless.str.extract(r"([^\n。！？!?]+)", 1).str.strip_chars().str.slice(0, _HEADLINE)
    first = (
        usable.lazy()
        .filter(~pl.col("known"))
        .with_columns(new=~_as_before("post_id"))
        .with_columns(first_fetched_at=pl.col("fetched_at").min().over(pl.col("new").cum_sum()))
        .filter("new")  # rows come sorted: the earliest observation
    )
    attributes = sources.select(
        "source_id",
        "source_class",
        "media_tier",
        "reach",
        "local_board",
        "official_channel",
        source_name="name",
        watched_board="board",
    )
    return (
        first.with_columns(date_doubt=doubt, stated_at=stated)
        .with_columns(
            title=pl.when(pl.col("title") == "").then(beginning.fill_null("")).otherwise("title"),
            published_precision=pl.when(stated.is_null() | pl.col("date_doubt").is_not_null())
            .then(pl.lit("unknown"))
            .otherwise("published_precision"),
            published_at=pl.when(pl.col("date_doubt").is_null()).then(stated),
        )
        .join(attributes.lazy(), on="source_id", how="left", maintain_order="left")
        .select(
            "post_id",
            "source_id",
            "source_name",
            "source_class",
            "media_tier",
            "reach",
            "local_board",
            "official_channel",
            pl.coalesce("board", "watched_board").alias("board"),
            "url",
            "title",
            "text",
            "text_hash",
            "published_at",
            "published_precision",
            "date_source",
            "stated_at",
            "date_doubt",
            "parent_id",
            "index_no",
            "first_fetched_at",
        )
        .collect()
    )


def _shanghai_day(moment: pl.Expr) -> pl.Expr:
    return moment.dt.convert_time_zone("Asia/Shanghai").dt.date()


def _metrics(usable: pl.DataFrame) -> pl.DataFrame:
    return usable.select("post_id", "observed_at", "views", "reposts", "comments", "heat")


def _answers(usable: pl.DataFrame) -> pl.DataFrame:
    answered = usable.filter(pl.col("answer").is_not_null() | pl.col("answered_at").is_not_null())
    return (
        answered.with_columns(
            answer=reading_form(pl.col("answer")), first_seen_at=pl.col("fetched_at").min().over("post_id")
        )
        .unique("post_id", keep="last", maintain_order=True)
        .select("post_id", "source_id", "answered_at", "answer", "first_seen_at")
    )


def _rejects(rejected: pl.DataFrame) -> pl.DataFrame:
    body = pl.col("text").str.slice(0, 60)
    return rejected.select(
        pl.lit("clean").alias("stage"),
        "source_id",
        "post_id",
        "observed_at",
        "url",
        "title",
        "reason",
        excerpt=excerpt(pl.col("text")),
        detail=pl.when((pl.col("reason") == "soft_404") & (body != "")).then(body),
    )
