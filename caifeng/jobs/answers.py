"""Own posts, answered letters and the register -> graded.answer_proposals and graded.response_counts of a day.

What may answer an open case is proposed; nothing is registered here. Runs after `export_cases`, whose cases it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.cases.service import cases_of
from caifeng.core.model.answers import AnswersConfig, OwnSources
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import load_model
from caifeng.core.text.urls import canonical_url
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.gates import gated_replace
from transforms.grade.effect import count_around, first_responses
from transforms.understand.answers import propose_answers
from transforms.understand.issues import latest_links

#: States in which an answer is awaited.
_WAITING = ("detected", "confirmed", "assigned", "verified", "responded")


def answers(env: Env, day: date, as_of: datetime) -> JobReport:
    """Propose answers to the cases without a final one, and count what was said around first responses.

    Raises:
        ConfigError: config/answers.toml or config/grouping.toml breaks its model.
        GateError: a rule of a table is broken.
    """
    config = load_answers(env.settings.config)
    own = own_sources(env, day, config.own)
    links = latest_links(env.lake.read_range("graded.issue_posts", day - LOOKBACK, day)).drop("day")
    proposed = _proposals(env, day, as_of, config, own, links)
    gated_replace(env, "graded.answer_proposals", day, proposed)
    counted = _counts(env, day, as_of, config, own, links)
    gated_replace(env, "graded.response_counts", day, counted)
    return JobReport("answers", day, as_of, {"proposed": proposed.height, "responses": counted.height})


def proposals(env: Env, issue_no: str) -> list[dict[str, Any]]:
    """What is proposed now as the answer to a case: rows of graded.answer_proposals, best first.

    Of the latest day that was run; none where the register has a final answer by now, or an answer at that address.
    """
    days = env.lake.days("graded.answer_proposals")
    rows = env.lake.read("graded.answer_proposals", days[-1]).filter(issue_no=issue_no) if days else pl.DataFrame()
    if rows.is_empty():
        return []
    with env.register() as register:
        events = register.events(issue_no)
    case = cases_of(events).get(issue_no)
    if case is not None and case.final_published_at is not None:
        return []
    registered = [canonical_url(url) for event in events if (url := event.payload.get("url"))]
    return (
        rows.filter(~pl.col("url").is_in(registered))
        .sort("score", "found_at", "post_id", descending=[True, False, False])
        .to_dicts()
    )


def effect_of(env: Env, issue_no: str) -> dict[str, Any] | None:
    """What changed around the first response to an issue: the latest published row of marts.response_effect.

    To be shown with its `caution`. Null: not answered, or nothing published yet.
    """
    file = env.settings.analytics_file
    if not file.exists():
        return None
    published = Warehouse(file, env.contracts, env.settings.root / "sql")
    rows = published.read("marts.response_effect", date(1970, 1, 1), date(2200, 1, 1)).filter(issue_no=issue_no)
    return rows.sort("day").row(-1, named=True) if rows.height else None


def load_answers(config: Path) -> AnswersConfig:
    """Read config/answers.toml; without the file, as in a home made before there was one, the defaults hold.

    Raises:
        ConfigError: the file breaks the model.
    """
    path = config / "answers.toml"
    return load_model(path, AnswersConfig) if path.exists() else AnswersConfig()


def own_sources(env: Env, day: date, rules: OwnSources) -> dict[str, str]:
    """Sources that speak for the office, as they were configured up to the day: id -> kind of what they publish."""
    place = env.settings.office().place
    sources = env.lake.read_range("ops.sources", day - LOOKBACK, day, ["source_id", "source_class", "place"])
    new_media = pl.col("source_id").is_in(rules.new_media)
    speaks = pl.col("source_class").is_in(rules.classes) & (pl.col("place") == place)
    kind = pl.when(new_media).then(pl.lit("new_media")).otherwise(pl.lit("portal_article"))
    own = sources.filter(new_media | speaks).select("source_id", kind=kind).unique().sort("source_id")
    return dict(own.iter_rows())


def _proposals(
    env: Env, day: date, as_of: datetime, config: AnswersConfig, own: Mapping[str, str], links: pl.DataFrame
) -> pl.DataFrame:
    posts = env.lake.scan("graded.posts", day - LOOKBACK, day).drop("day")
    waiting = env.lake.read("cases.cases", day).filter(
        "is_open", pl.col("state").is_in(_WAITING), pl.col("final_published_at").is_null()
    )
    known = (
        env.lake.read_range("graded.issues", day - LOOKBACK, day, ["issue_no", "origin_post_id", "first_published_at"])
        .sort("day")
        .unique("issue_no", keep="last")
    )
    reopened_at = pl.when(pl.col("reopened") > 0).then("started_at")
    # A case may be detected days after the matter came up, by an import for one; its answer may be there by then.
    since = pl.coalesce(reopened_at, pl.min_horizontal("first_published_at", "detected_at"))
    cases = (
        waiting.select("issue_no", "detected_at", "started_at", "reopened")
        .join(known, on="issue_no")
        .with_columns(since=since, reopened_at=reopened_at)
    )
    founding = posts.filter(pl.col("post_id").is_in(cases["origin_post_id"].to_list())).collect()
    cases = cases.join(founding.unique("post_id"), left_on="origin_post_id", right_on="post_id")
    cases = cases.with_columns(by_office=pl.col("source_id").is_in(list(own)), post_id="origin_post_id")
    spoken = posts.filter(pl.col("source_id").is_in(list(own))).collect()
    return propose_answers(
        cases,
        spoken.with_columns(kind=pl.col("source_id").replace_strict(dict(own), return_dtype=pl.String)),
        _letters(env, day, cases, links),
        config.proposal,
        load_model(env.settings.config / "grouping.toml", GroupingRules),
        {topic.id: topic.name for topic in env.settings.taxonomy().topics},
        as_of,
    )


def _letters(env: Env, day: date, cases: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Answered letters among the posts of cases."""
    answered = env.lake.scan("clean.answers", day - LOOKBACK, day).select("post_id", "answered_at", "first_seen_at")
    posts = env.lake.scan("graded.posts", day - LOOKBACK, day).select("post_id", "source_name", "url", "title")
    of_cases = links.join(cases.select("issue_no"), on="issue_no", how="semi").select("issue_no", "post_id")
    return (
        answered.join(of_cases.lazy(), on="post_id").join(posts.unique("post_id"), on="post_id", how="inner").collect()
    )


def _counts(
    env: Env, day: date, as_of: datetime, config: AnswersConfig, own: Mapping[str, str], links: pl.DataFrame
) -> pl.DataFrame:
    registered = env.lake.read_range("cases.responses", day - LOOKBACK, day).drop("day")
    responses = first_responses(registered, as_of, config.effect)
    around = links.join(responses.select("issue_no"), on="issue_no", how="semi")
    posts = env.lake.scan("graded.posts", day - LOOKBACK, day).drop("day")
    told = posts.filter(pl.col("post_id").is_in(around["post_id"].to_list())).collect().unique("post_id")
    return count_around(
        responses,
        around,
        told.with_columns(own=pl.col("source_id").is_in(list(own))),
        _answer_texts(env, day, responses),
        config.effect,
        as_of,
    )


def _answer_texts(env: Env, day: date, responses: pl.DataFrame) -> pl.DataFrame:
    """The words of each response: as its letter's answer or its page has them, otherwise as they were drafted."""
    asked = responses.select("issue_no", "event_id", url=pl.col("url").map_elements(canonical_url, pl.String))
    urls = asked["url"].drop_nulls().to_list()
    pages = (
        env.lake.scan("clean.posts", day - LOOKBACK, day)
        .filter(pl.col("url").is_in(urls))
        .select("post_id", "url", "text")
        .collect()
        .unique("url")
    )
    letters = (
        env.lake.scan("clean.answers", day - LOOKBACK, day)
        .filter(pl.col("post_id").is_in(pages["post_id"].to_list()), pl.col("answer").is_not_null())
        .sort("first_seen_at")
        .select("post_id", "answer")
        .collect()
        .unique("post_id", keep="first", maintain_order=True)
    )
    answered = set(env.lake.scan("clean.answers", day - LOOKBACK, day).select("post_id").collect()["post_id"])
    pages = pages.join(letters, on="post_id", how="left").with_columns(
        # the text of a letter is the question
        page=pl.coalesce("answer", pl.when(~pl.col("post_id").is_in(list(answered))).then("text"))
    )
    drafts = _drafts(env, asked)
    return (
        asked.join(pages.select("url", "page"), on="url", how="left")
        .join(drafts, on="issue_no", how="left")
        .select("issue_no", answer=pl.coalesce("page", "draft"))
    )


def _drafts(env: Env, asked: pl.DataFrame) -> pl.DataFrame:
    """What was last drafted before the response was registered; erased words are null."""
    rows: list[dict[str, str | None]] = []
    with env.register() as register:
        for issue_no, event_id in asked.select("issue_no", "event_id").iter_rows():
            draft = None
            for event in register.events(issue_no):
                if event.event_id == event_id:
                    break
                if event.name == "draft":
                    draft = event.payload.get("text")
            rows.append({"issue_no": issue_no, "draft": draft})
    return pl.DataFrame(rows, schema={"issue_no": pl.String, "draft": pl.String})
