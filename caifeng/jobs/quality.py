"""People check the machine: what they said, as judgements that `understand` obeys and as rows of ops.labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from caifeng.cases.model import LABELS, Event
from caifeng.core.clock import business_day, end_of_day
from caifeng.core.errors import UsageError
from caifeng.core.listing import Listing
from caifeng.core.model.quality import QualityRules
from caifeng.core.model.taxonomy import Taxonomy
from caifeng.core.model.terms import RELEVANCE_REASONS
from caifeng.core.settings import load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.reports import words
from transforms.understand.quality import JUDGEMENTS, STATEMENTS, labels, word_of_the_rules

#: What a decision on an issue says about its relevance; passed on to somebody else is still about statistics.
_OF_ISSUE = {"confirm": "relevant", "log_only": "relevant", "out_of_scope": "relevant"}
FIGURE_NAMES = {
    "miss_rate": "漏收率（抽查估计）",
    "precision": "收录准确率",
    "level_same": "级别一致率",
    "level_kappa": "级别一致性（加权 κ）",
    "corrections": "人工更正率",
}
KIND_NAMES = {"relevance": "是否涉统计", "topic": "领域", "stance": "立场", "level": "级别", "duplicate": "并案与拆分"}


def load_quality(config: Path) -> QualityRules:
    """Read config/quality.toml; without the file the defaults hold.

    Raises:
        ConfigError: the file breaks the model.
    """
    path = config / "quality.toml"
    return load_model(path, QualityRules) if path.exists() else QualityRules()


def rules_version(taxonomy: Taxonomy) -> str:
    """Name of the rules of relevance and topics: `taxonomy-` and 8 hex digits of the SHA-256 of their values."""
    return f"taxonomy-{hashlib.sha256(taxonomy.model_dump_json().encode()).hexdigest()[:8]}"


# --- judgements: what understand obeys -------------------------------------------------------------------------------


class Judged(NamedTuple):
    """What people said about posts, and what follows for a day."""

    judgements: pl.DataFrame
    """Frame of `JUDGEMENTS`, for `transforms.understand.understand`."""
    taken_in: pl.DataFrame
    """Rows of clean.posts of the days before that a person took in on this day, to be understood with its own. A post
    counts on the day of the decision, the days before stay as they were; once in, it does not come again."""


def judgements_of(events: Iterable[Event]) -> pl.DataFrame:
    """The last word on each post, as a frame of `JUDGEMENTS`; from events in their order.

    Only what was said of a post itself: an issue that is passed on as irrelevant stays on record as such.
    """
    said: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.name == "label":
            post = said.setdefault(event.codes["post_id"], {"post_id": event.codes["post_id"]})
            post |= {name: event.codes[name] for name in ("relevant", "topic") if name in event.codes}
            post["sequence"] = event.sequence
    return pl.DataFrame([{**dict.fromkeys(JUDGEMENTS), **said[post]} for post in sorted(said)], schema=JUDGEMENTS)


def judged_by_people(env: Env, day: date, as_of: datetime) -> Judged:
    """What people said by a moment, or by the end of the day if that is earlier: a day run again stays the same."""
    with env.register() as register:
        events = [event for event in register.events(LABELS) if event.at <= min(as_of, end_of_day(day))]
    said = judgements_of(events)
    today = sorted({event.codes["post_id"] for event in events if business_day(event.at) == day})
    wanted = said.filter("relevant", pl.col("post_id").is_in(today))["post_id"]
    return Judged(said, _taken_in(env, day, wanted.to_list()))


def _taken_in(env: Env, day: date, last: list[str]) -> pl.DataFrame:
    schema = env.contracts["clean.posts"].polars_schema()
    if not last:
        return pl.DataFrame(schema=schema)
    before = day - timedelta(days=1)
    first = day - timedelta(days=load_quality(env.settings.config).text_days)
    known = env.lake.read_range("graded.posts", first, before, ["post_id"])
    found = env.lake.read_range("clean.posts", first, before).drop("day").filter(pl.col("post_id").is_in(last))
    return found.join(known, on="post_id", how="anti").unique("post_id", keep="last").select(list(schema))


# --- labels ----------------------------------------------------------------------------------------------------------


def statements_of(events: Sequence[Event]) -> pl.DataFrame:
    """Everything that people said about the machine's work, as a frame of `STATEMENTS`; names and free words left out.

    Args:
        events: all events in their order; earlier ones of a case tell what level had been suggested.
    """
    rows = [row for event, suggested in _with_suggestion(events) for row in _statements(event, suggested)]
    return pl.DataFrame(rows, schema=STATEMENTS).sort("position", "kind", "post_id")


def quality(env: Env, day: date, as_of: datetime) -> JobReport:
    """Write the day's ops.labels and ops.quality_rules; what was registered after `as_of` is left out."""
    with env.register() as register:
        events = register.events(until=as_of)
    of_day = [event.event_id for event in events if business_day(event.at) == day]
    said = statements_of(events).filter(pl.col("event_id").is_in(of_day))
    issues = _origins(env, day, {*said["issue_no"].drop_nulls(), *said["other_issue_no"].drop_nulls()})
    posts = _posts(env, day, {*said["post_id"].drop_nulls(), *issues["origin_post_id"]})
    found = labels(said, issues, posts, rules_version(env.settings.taxonomy()))
    env.lake.replace("ops.labels", day, found)
    rules = {name: float(value) for name, value in load_quality(env.settings.config)}
    env.lake.replace("ops.quality_rules", day, pl.DataFrame({"parameter": list(rules), "value": list(rules.values())}))
    changed = found.filter(pl.col("person") != pl.col("machine")).height
    return JobReport("quality", day, as_of, {"labels": found.height, "corrections": changed})


def _with_suggestion(events: Iterable[Event]) -> Iterator[tuple[Event, str | None]]:
    """Events with the level that the system had suggested for their case."""
    suggested: dict[str, str | None] = {}
    for event in events:
        if event.name == "confirm":
            suggested[event.subject] = event.codes.get("suggested_level")
        yield event, suggested.get(event.subject)


def _statements(event: Event, suggested: str | None) -> list[dict[str, Any]]:
    codes = event.codes
    found: list[dict[str, Any]] = []

    def say(kind: str, person: str, machine: str | None = None, **about: str | None) -> None:
        found.append({"kind": kind, "person": person, "machine": machine, **about})

    if event.name == "label":
        post = {"post_id": codes["post_id"]}
        if "relevant" in codes:
            say("relevance", "relevant" if codes["relevant"] else "irrelevant", **post)
        for kind in ("topic", "stance"):
            if kind in codes:
                say(kind, codes[kind], **post)
    elif event.name in _OF_ISSUE:
        irrelevant = codes.get("scope_reason") == "irrelevant"
        # what became an issue had been held relevant
        say("relevance", "irrelevant" if irrelevant else _OF_ISSUE[event.name], "relevant", issue_no=event.subject)
    if event.name in ("confirm", "change_level"):
        say("level", codes["level"], suggested, issue_no=event.subject)
    elif event.name == "log_only" and codes.get("log_reason") == "agreed":
        say("level", "log_only", "log_only", issue_no=event.subject)
    elif event.name in ("duplicate", "merge"):
        say("duplicate", "together", "apart", issue_no=event.subject, other_issue_no=codes["parent"])
    elif event.name == "split":
        for post_id in codes["posts"]:
            say("duplicate", "apart", "together", post_id=post_id, other_issue_no=event.subject)
    common = {
        "event_id": event.event_id, "position": event.position, "role": event.role, "decided_at": event.decided_at,
    }  # fmt: skip
    return [{**dict.fromkeys(STATEMENTS), **common, **row} for row in found]


def _origins(env: Env, day: date, about: Iterable[str]) -> pl.DataFrame:
    """The origin of each issue, as last described."""
    wanted = sorted(about)
    first = day - LOOKBACK if wanted else day
    issues = env.lake.read_range("graded.issues", first, day, ["issue_no", "origin_post_id"])
    found = issues.filter(pl.col("issue_no").is_in(wanted)).sort("day").unique("issue_no", keep="last")
    return found.select("issue_no", "origin_post_id").sort("issue_no")


def _posts(env: Env, day: date, about: Iterable[str]) -> pl.DataFrame:
    """What the machine said of posts."""
    ids = sorted(about)
    first = day - LOOKBACK if ids else day

    def read(table: str, *columns: str) -> pl.DataFrame:
        return env.lake.read_range(table, first, day, ["post_id", *columns]).filter(pl.col("post_id").is_in(ids))

    return word_of_the_rules(
        kept=read("graded.posts", "text_hash", "reason", "topics", "stance", "evidence"),
        dropped=read("clean.rejects", "stage", "reason", "detail").filter(pl.col("stage") == "understand"),
        texts=read("clean.posts", "text_hash"),
    )


# --- the week's figures ----------------------------------------------------------------------------------------------


def week_of(day: date) -> str:
    """ISO week of a day: 2026-W47."""
    return f"{day:%G-W%V}"


def monday_of(week: str) -> date:
    """First day of an ISO week.

    Raises:
        UsageError: no such week.
    """
    try:
        return date.fromisoformat(f"{week}-1")
    except ValueError as error:
        raise UsageError(f"no such week: {week!r} (write 2026-W47)") from error


def latest_figures(rows: pl.DataFrame) -> pl.DataFrame:
    """Of marts.quality_week, several days, the rows of the latest day that has each week; latest week first."""
    return rows.filter(pl.col("day") == pl.col("day").max().over("week")).sort(
        "week", "figure", "item", descending=[True, False, False]
    )


def quality_listing(env: Env, week: str | None = None) -> Listing:
    """`caifeng quality`: the figures of a week, or of the latest two; values as marts.quality_week.

    Raises:
        UsageError: no such week, or nothing was computed for it.
    """
    monday = monday_of(week) if week else None
    if not env.warehouse.file.exists():
        raise UsageError(f"{env.warehouse.file}: no warehouse yet; run `caifeng run --day D` first")
    first, last = (monday, monday + timedelta(days=13)) if monday else (date(1970, 1, 1), date(2200, 1, 1))
    found = latest_figures(env.warehouse.read("marts.quality_week", first, last))
    weeks = [week] if week else found["week"].unique(maintain_order=True).to_list()[:2]
    rows = [row for one in weeks for row in found.filter(week=one).iter_rows(named=True)]
    if week and not rows:
        raise UsageError(f"{week}: no figures (caifeng run --day, then --from load)")
    return Listing(
        "人机一致情况",
        ("周", "起止", "指标", "值", "依据"),
        [(row["week"], document_week(row["week"]), *_figure_cells(row)) for row in rows],
        rows,
        "还没有可统计的判定。",
    )


def document_week(week: str) -> str:
    """Its first and last day, as printed: 11月16日至11月22日."""
    monday = monday_of(week)
    sunday = monday + timedelta(days=6)
    return f"{monday.month}月{monday.day}日至{sunday.month}月{sunday.day}日"


def figure_words(row: dict[str, Any]) -> str:
    """One figure in words: name, item, value with its interval, and what it rests on."""
    return "  ".join(_figure_cells(row))


def _figure_cells(row: dict[str, Any]) -> tuple[str, str, str]:
    name = FIGURE_NAMES[row["figure"]] + ("" if row["item"] == "all" else f" {item_words(row['figure'], row['item'])}")
    return name, value_words(row), basis_words(row)


def item_words(figure: str, item: str) -> str:
    """An item of a figure in words; rules and terms as they are written in the taxonomy."""
    if item == "all":
        return "合计"
    names = {"miss_rate": RELEVANCE_REASONS, "corrections": KIND_NAMES}.get(figure, {})
    return str(names.get(item, words.printable(item)))


def value_words(row: dict[str, Any]) -> str:
    """The value with its interval; — where it is unknown."""
    if row["value"] is None:
        return words.UNKNOWN
    if row["figure"] == "level_kappa":
        return f"{row['value']:.2f}"
    interval = "" if row["low"] is None else f"（{row['low']:.1%}–{row['high']:.1%}）"
    return f"{row['value']:.1%}{interval}"


def basis_words(row: dict[str, Any]) -> str:
    """What a figure rests on."""
    if row["figure"] == "miss_rate":
        return f"抽查 {row['checked']} 条，应收 {row['hits']} 条，代表 {row['population']} 条"
    return f"{row['hits']}/{row['checked']}"
