"""What the crawlers know of each page, and whether it is due. ops.fetches and raw.posts in, one row per page out."""

from datetime import datetime, timedelta

import polars as pl

from caifeng.core.model.collection import BROKEN_OFF, GIVEN_UP, NOT_ASKED, CollectionRules

_PAGE = ("source_id", "url")
#: The page was read, or has not changed since it was.
READ = ("ok", "not_modified", "empty")
#: Pages from which a source is entered; their rows say whether it answers, and when it was last asked.
ENTRIES = ("list", "snapshot")
FETCH_COLUMNS = (*_PAGE, "fetched_at", "kind", "outcome", "http_status", "etag", "last_modified", "detail")
POST_COLUMNS = (*_PAGE, "observed_at", "comments", "answered", "board", "parent_id")
#: A run that starts a little early does not miss a turn.
SLACK = timedelta(minutes=2)
_UTC = pl.Datetime("us", "UTC")


def thin_fetches(fetches: pl.DataFrame) -> pl.DataFrame:
    """The rows of ops.fetches on which the plan depends: a day's file becomes small enough to keep for long.

    All rows of entry pages stay; of a detail page its first request, first and last reading, and what came after the
    last. `known_pages` gives the same for the thinned rows as for all, also where days were thinned one by one.

    Args:
        fetches: columns FETCH_COLUMNS, any others are dropped.
    """
    rows = fetches.select(FETCH_COLUMNS).filter(pl.col("kind").is_in([*ENTRIES, "detail"])).sort(*_PAGE, "fetched_at")
    at, read = pl.col("fetched_at"), _asked() & _read()
    read_at = at.filter(read)
    return rows.filter(
        (pl.col("kind") != "detail")
        | (at == at.filter(_asked()).min().over(_PAGE)).fill_null(True)
        | (at == read_at.min().over(_PAGE))
        | (at >= read_at.max().over(_PAGE)).fill_null(True)
    )


def thin_posts(posts: pl.DataFrame) -> pl.DataFrame:
    """The last observation of each post: its count of comments, whether a letter is answered, where it stood.

    Args:
        posts: columns source_id, url, observed_at, comments, answer, answered_at, board, parent_id of raw.posts.
    """
    answered = pl.any_horizontal(pl.col("answer", "answered_at").is_not_null())
    return (
        posts.with_columns(answered=answered)
        .select(POST_COLUMNS)
        .sort(*_PAGE, "observed_at")
        .unique(_PAGE, keep="last", maintain_order=True)
    )


def known_pages(
    fetches: pl.DataFrame, posts: pl.DataFrame, traits: pl.DataFrame, rules: CollectionRules, at: datetime
) -> pl.DataFrame:
    """What is known of each detail page, and of each list page that is still owed, at a moment.

    A reading is a row with an outcome of READ; a row whose detail begins with NOT_ASKED is neither reading nor failure.
    Due are:

    - counters: a step of `revisit_hours` after the first reading has passed and nothing was read since that step;
    - letters without an answer: `letter_hours` after the last reading, for `letter_days`;
    - failed pages: after the wait of `retry_hours`, as often as it has entries. What robots.txt denies is looked at
      again after the longest wait, always;
    - pages that were named but not asked, for `catch_up_days`.

    Args:
        fetches: rows of `thin_fetches` (or all of ops.fetches) before `at`.
        posts: rows of `thin_posts`.
        traits: `source_id`, `counters` (its pages show counts that change), `letters` (they wait for an answer).
        rules: config/collection.toml.
        at: the moment of the run.

    Returns:
        One row per source and address, in that order: `kind`, `known` (asked for at least once), `first_at` (first
        asked), `read_at` (last reading; null: never), `failures` since then, `outcome` and `http_status` of the last
        answer, `etag`, `last_modified`, `comments` (last count; letters: 1 answered, 0 not; null: not shown), `board`,
        `due`, `given_up` (tried in vain and not yet on record as such).
    """
    rows = fetches.select(FETCH_COLUMNS).filter(pl.col("kind").is_in(["list", "detail"])).sort("fetched_at")
    asked = rows.filter(_asked())
    read = (
        asked.filter(_read())
        .group_by(_PAGE)
        .agg(
            first_read_at=pl.col("fetched_at").first(),
            read_at=pl.col("fetched_at").last(),
            etag=pl.col("etag").last(),
            last_modified=pl.col("last_modified").last(),
        )
    )
    failed = (
        asked.filter(~_read())
        .join(read, on=_PAGE, how="left")
        .filter((pl.col("fetched_at") > pl.col("read_at")).fill_null(True))
        .group_by(_PAGE)
        .agg(failures=pl.len(), failed_at=pl.col("fetched_at").last())
    )
    tried = asked.group_by(_PAGE).agg(
        first_at=pl.col("fetched_at").first(),
        tried_at=pl.col("fetched_at").last(),
        outcome=pl.col("outcome").last(),
        http_status=pl.col("http_status").last(),
    )
    gives_up = pl.col("detail").str.starts_with(GIVEN_UP)
    left = (
        rows.filter(~_asked())
        .join(read, on=_PAGE, how="left")
        .filter((pl.col("fetched_at") > pl.col("read_at")).fill_null(True))
        .group_by(_PAGE)
        .agg(owed_at=pl.col("fetched_at").filter(~gives_up).last(), told=gives_up.any())
    )
    pages = rows.group_by(_PAGE).agg(pl.col("kind").last())
    for part in (tried, read, failed, left):
        pages = pages.join(part, on=_PAGE, how="left")
    pages = pages.join(posts.select(*_PAGE, "comments", "answered", "board"), on=_PAGE, how="left")
    pages = pages.join(traits, on="source_id", how="left").with_columns(
        pl.col("failures").fill_null(0), pl.col("counters", "letters", "answered", "told").fill_null(False)
    )
    denied = pl.col("outcome") == "robots_denied"
    hopeless = (pl.col("failures") > len(rules.retry_hours)) & ~denied
    owed = (pl.col("owed_at") >= at - timedelta(days=rules.catch_up_days)) & (
        (pl.col("owed_at") > pl.col("tried_at")).fill_null(True)
    )
    detail, letter = pl.col("kind") == "detail", pl.col("letters") & ~pl.col("answered")
    # A list that is read is asked for by its source's turn, and an old failure of one is nothing to catch up.
    retry = _retry_at(rules) <= at
    retry = retry & (detail | (pl.col("failed_at") >= at - timedelta(days=rules.catch_up_days)))
    again = detail & ((pl.col("counters") & _step_passed(rules, at)) | (letter & _letter_waits(rules, at)))
    return (
        pages.with_columns(
            known=pl.col("first_at").is_not_null(),
            comments=pl.when("letters").then(pl.col("answered").cast(pl.Int64)).otherwise("comments"),
            due=(owed | pl.when(pl.col("failures") > 0).then(retry & ~hopeless).otherwise(again)).fill_null(False),
            given_up=hopeless & detail & ~pl.col("told"),
        )
        .select(
            *(*_PAGE, "kind", "known", "first_at", "read_at", "failures", "outcome", "http_status"),
            *("etag", "last_modified", "comments", "board", "due", "given_up"),
        )
        .filter(detail | pl.col("due"))
        .sort(_PAGE)
    )


def unsettled_pages(fetches: pl.DataFrame, pages: pl.DataFrame) -> pl.DataFrame:
    """Pages that are known only from a run that was killed, as long as no later run of their source came through.

    Such a run may have read the head of a list and not its tail, hence its pages do not prove that nothing is missing
    between them and what was known before.

    Args:
        fetches: as in `known_pages`; BROKEN_OFF in the detail of its lists marks a run that was killed.
        pages: frame of `known_pages`.

    Returns:
        `source_id`, `url`.
    """
    entries = fetches.filter(pl.col("kind").is_in(ENTRIES))
    broken = pl.col("detail").str.contains(BROKEN_OFF, literal=True).fill_null(False)
    whole = entries.filter(~broken, _asked(), _read()).group_by("source_id").agg(whole_at=pl.col("fetched_at").max())
    runs = (
        entries.filter(broken)
        .select("source_id", first_at="fetched_at")
        .unique()
        .join(whole, on="source_id", how="left")
        .filter((pl.col("first_at") > pl.col("whole_at")).fill_null(True))
    )
    details = pages.filter(pl.col("kind") == "detail")
    return details.join(runs, on=["source_id", "first_at"], how="semi").select(_PAGE)


def _asked() -> pl.Expr:
    return ~pl.col("detail").str.starts_with(NOT_ASKED).fill_null(False)


def _read() -> pl.Expr:
    return pl.col("outcome").is_in(READ)


def _hours(hours: float) -> timedelta:
    return timedelta(seconds=round(hours * 3600))


def _step_passed(rules: CollectionRules, at: datetime) -> pl.Expr:
    """Whether nothing was read since a step that has passed; steps missed by more than catch_up_days are let go."""
    first, read_at = pl.col("first_read_at"), pl.col("read_at")
    passed = pl.any_horizontal(
        (first + _hours(hours) <= at) & (read_at < first + _hours(hours)) for hours in rules.revisit_hours
    )
    return passed & (first + _hours(rules.revisit_hours[-1]) + timedelta(days=rules.catch_up_days) >= at)


def _letter_waits(rules: CollectionRules, at: datetime) -> pl.Expr:
    rested = pl.col("read_at") + _hours(rules.letter_hours) <= at + SLACK
    return rested & (pl.col("first_read_at") + timedelta(days=rules.letter_days) >= at)


def _retry_at(rules: CollectionRules) -> pl.Expr:
    """When a page that failed is tried again."""
    waits = pl.lit(pl.Series([_hours(hours) for hours in rules.retry_hours], dtype=pl.Duration("us")))
    nth = pl.min_horizontal(pl.col("failures").cast(pl.Int64), pl.lit(len(rules.retry_hours))) - 1
    wait = waits.gather(pl.max_horizontal(nth, pl.lit(0)))
    longest = pl.lit(_hours(max(rules.retry_hours)))
    return pl.col("failed_at") + pl.when(pl.col("outcome") == "robots_denied").then(longest).otherwise(wait)
