"""How well issues are told apart: events of statistics labelled by hand, the rule in force beside the one before it.

Also how fast new groups are linked against a window of 20,000.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import Settings, load_model
from transforms.understand.issues import link_groups
from transforms.understand.understand import understand

LABELS = Path(__file__).parent / "labels" / "events.tsv"
WINDOW, NEW = 20_000, 2_000

Link = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]


def run(data: Path) -> dict[str, Any]:
    """B-cubed precision, recall and F1 of both rules on the labelled titles, replayed day by day, and docs/s.

    Args:
        data: the folder of CAIFENG_EVAL_DATA; without `stat_topic/candidates.jsonl` only the speed is measured.
    """
    settings = Settings.load()
    rules = load_model(settings.config / "grouping.toml", GroupingRules)
    figures: dict[str, Any] = {"speed": _speed(rules)}
    titles = data / "stat_topic" / "candidates.jsonl"
    if not titles.exists():
        return figures | {"skipped": f"{titles.name} is not there"}
    events = labels()
    posts = _posts(titles, events, settings)
    truth = dict(posts.select("group_id", "event").iter_rows())
    figures |= {"texts": posts.height, "events": len(multiple(truth))}
    for name, link in {
        "tfidf": lambda new, active: link_groups(new, active, rules).select("group_id", "founder"),
        "shared_terms": lambda new, active: link_by_shared_terms(new, active, 4),
        "shared_terms_anywhere": lambda new, active: link_by_shared_terms(new, active, 2, town=False),
    }.items():
        found = replay(posts, link, rules.issue_window_days)
        figures[name] = bcubed(truth, found) | {"of_events": bcubed(truth, found, multiple(truth))}
    return figures


def labels() -> dict[str, str]:
    """Event by hash of the title; texts that stand alone are events of their own."""
    lines = [line.split("\t") for line in LABELS.read_text("utf8").splitlines() if not line.startswith("#")]
    return {key: (event if event != "-" else key) for key, event in lines}


def multiple(truth: dict[str, str]) -> set[str]:
    """Events of more than one text."""
    return {event for event, texts in Counter(truth.values()).items() if texts > 1}


def _posts(titles: Path, events: dict[str, str], settings: Settings) -> pl.DataFrame:
    """Labelled titles as rows of graded.posts (those found relevant), with `group_id`, `event` and `day`."""
    rows: dict[str, dict[str, Any]] = {}
    for line in titles.read_text("utf8").splitlines():
        item = json.loads(line)
        key = sha256(item["title"].encode()).hexdigest()[:16]
        if key in events and key not in rows:
            at = datetime.combine(date.fromisoformat(item["first"]), datetime.min.time(), UTC)
            rows[key] = {"post_id": key, "title": item["title"], "text": item["description"] or "", "published_at": at}
    constant = {
        "source_id": "hot", "source_name": "hot", "source_class": "hotlist", "media_tier": "self", "reach": "nation",
        "local_board": False, "official_channel": False, "board": None, "url": "https://example.org/",
        "published_precision": "day",
    }  # fmt: skip
    frame = pl.DataFrame(list(rows.values()), schema_overrides={"published_at": pl.Datetime("us", "UTC")})
    frame = frame.with_columns(
        *(pl.lit(value).alias(name) for name, value in constant.items()),
        text_hash=pl.col("post_id"),
        first_fetched_at=pl.col("published_at"),
    )
    posts = understand(frame, settings.taxonomy(), settings.office(), settings.stance()).posts
    return posts.with_columns(
        group_id=pl.lit("g") + pl.col("post_id"),
        event=pl.col("post_id").replace_strict(events, return_dtype=pl.String),
        day=pl.col("published_at").dt.date(),
    )


def replay(posts: pl.DataFrame, link: Link, window_days: int) -> dict[str, str]:
    """Founder of each group when the days come one after the other; an issue is active while it moves."""
    founder_of: dict[str, str] = {}
    last: dict[str, date] = {}
    by_day = posts.partition_by("day", as_dict=True)
    for (day,) in sorted(by_day):
        active = [group for group, moved in last.items() if day - moved <= timedelta(days=window_days)]
        new = by_day[(day,)]
        joined = dict(link(new, posts.filter(pl.col("group_id").is_in(active))).iter_rows())
        for group in new["group_id"]:
            founder_of[group] = joined.get(group, group)
            last[founder_of[group]] = day
    return founder_of


def link_by_shared_terms(new: pl.DataFrame, active: pl.DataFrame, shared: int, *, town: bool = True) -> pl.DataFrame:
    """The rule before: topic and stance the same, and so many matched terms shared, the name of a town among them."""
    terms = pl.col("evidence").list.eval(pl.element().str.replace(r"@\d+$", "")).list.unique()
    groups = pl.concat([active, new]).select("group_id", "topic", "stance", terms=terms).with_row_index("rank")
    common = pl.col("terms").list.set_intersection("terms_other")
    named = common.list.eval(pl.element().str.starts_with("town:")).list.any() if town else pl.lit(value=True)
    pairs = (
        groups.filter(pl.col("rank") >= active.height)
        .join(groups, on=["topic", "stance"], suffix="_other")
        .filter(pl.col("rank_other") < pl.col("rank"), common.list.len() >= shared, named)
        .with_columns(n=common.list.len())
        .sort("rank", "n", "rank_other", descending=[False, True, False])
    )
    parents: dict[str, str] = {}
    for group, other in pairs.select("group_id", "group_id_other").iter_rows():
        if group not in parents and other not in parents:
            parents[group] = other
    return pl.DataFrame(list(parents.items()), schema={"group_id": pl.String, "founder": pl.String}, orient="row")


def bcubed(truth: dict[str, str], found: dict[str, str], only: Iterable[str] | None = None) -> dict[str, float]:
    """B-cubed precision, recall, F1 over all texts, or over those of the events named."""
    together = Counter((truth[text], found[text]) for text in truth)
    events, issues = Counter(truth.values()), Counter(found[text] for text in truth)
    asked = [text for text in truth if only is None or truth[text] in set(only)]
    precision = sum(together[truth[t], found[t]] / issues[found[t]] for t in asked) / max(len(asked), 1)
    recall = sum(together[truth[t], found[t]] / events[truth[t]] for t in asked) / max(len(asked), 1)
    both = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(both, 3)}


def _speed(rules: GroupingRules) -> dict[str, Any]:
    """Groups linked a second against a window of 20,000; half the texts retell one of 4,000 matters in part."""
    texts = _random_groups(WINDOW + NEW)
    window, new = texts.head(WINDOW), texts.tail(NEW)
    link_groups(new.head(10), window.head(10), rules)  # compiled once, before the clock starts
    started, before = perf_counter(), process_time()
    joined = link_groups(new, window, rules).height
    seconds, cpu = perf_counter() - started, process_time() - before
    return {
        "window": WINDOW,
        "new": NEW,
        "joined": joined,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "texts_per_cpu_second": round((WINDOW + NEW) / cpu),
    }


def _random_groups(n: int) -> pl.DataFrame:
    dice = random.Random(7)  # noqa: S311 - invented data, the same every time
    words = ["".join(chr(dice.randrange(0x4E00, 0x9000)) for _ in range(2)) for _ in range(8_000)]
    matters = [[dice.choice(words) for _ in range(60)] for _ in range(4_000)]
    rows = []
    for i in range(n):
        told = dice.choice(matters) if dice.random() < 0.5 else [dice.choice(words) for _ in range(60)]
        kept = [word for word in told if dice.random() < 0.6] + [dice.choice(words) for _ in range(20)]
        town = f"town:镇{ord(told[0][0]) % 20:02d}@3"
        rows.append((f"g{i}", f"p{i}", "".join(told[:8]), "，".join(kept), [f"t{i % 8}"], [town, "own:统计局@9"]))
    schema: dict[str, Any] = {"group_id": pl.String, "post_id": pl.String, "title": pl.String, "text": pl.String}
    lists: dict[str, Any] = {"topics": pl.List(pl.String), "evidence": pl.List(pl.String)}
    return pl.DataFrame(rows, schema=schema | lists, orient="row").with_columns(
        published_at=pl.lit(datetime(2026, 11, 20, tzinfo=UTC)),
        jurisdiction=pl.lit("local"),
        stance=pl.lit("neutral"),
        facts=pl.lit([], dtype=pl.List(pl.String)),
    )
