"""Early warnings: thirty days replayed, day by day, through relevance, issues, grades, levels over time and alerts.

`town` is invented: stories on local boards, taken up by county, city and province media, with page views that grow,
and a person who confirms levels now and then. `hot_lists` replays hourly lists (CAIFENG_EVAL_DATA), title only. Each
day is evaluated several times; then every evaluation of some days is made again. What must hold: no alert is repeated,
also not under another name, and every change of level is told by exactly one alert.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import polars as pl

from bench.events import hourly_lists
from caifeng.cases.model import Actor
from caifeng.cases.service import act, read_case
from caifeng.core.clock import SHANGHAI, business_day, end_of_day, start_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.cluster import cluster
from caifeng.jobs.early_warning import early_warning
from caifeng.jobs.grade import grade
from caifeng.jobs.marts import Evaluation
from caifeng.jobs.standing import standing_levels
from caifeng.jobs.understand import understand

#: Hours of a day after which it is evaluated.
MOMENTS = (9, 13, 18, 24)
FIRST = date(2026, 10, 20)
_ALARMING = ("larger", "major", "extreme")
_PLACES = ("岳坊镇", "乐土镇", "三义镇", "城关街道", "双涧镇", "小涧镇")
_SUBJECTS = (
    ("居民收入数据和感受不一样", "蒙城县统计局公布的居民收入是不是编的，{place}好多人说没涨，要求公开调查办法"),
    ("农业普查员晚上入户登记", "蒙城县农业普查员在{place}晚上九点还来敲门登记，老人害怕，请县统计局管一管"),
    ("有人冒充普查员收钱", "{place}有人冒充蒙城县统计局普查员上门收登记费，已经骗了好几户"),
    ("平均工资公布后议论很多", "蒙城县平均工资公布，{place}厂里一个月三千，凭什么说平均六千"),
    ("普查登记的个人信息疑似外泄", "在{place}登记了经济普查，第二天就接到推销电话，蒙城县统计局是不是泄露信息"),
    ("想问CPI怎么算的", "请问蒙城县统计局，居民消费价格指数在{place}是怎么采价的，菜价明明涨了"),
)
_SOURCES = {
    "board": ("board", "none", "county", True),
    "self": ("board", "self", "county", False),
    "county": ("news", "county", "county", False),
    "city": ("epaper", "city", "city", False),
    "province": ("news", "province", "province", False),
}


def run(data: Path | None = None, days: int = 30) -> dict[str, Any]:
    """Replay the invented town, and hot lists where there are any.

    Args:
        data: the evaluation data; CAIFENG_EVAL_DATA if not given.
        days: how many.

    Returns:
        Per replay: `evaluations`, `issues`, `level_changes`, `alerts` by kind, `muted`; and what must be 0:
        `repeated` names, `repeated_otherwise` (the same issue from and to the same level since the same moment),
        `changes_without_alert`, `alerts_without_change`, `files_changed` by evaluating again.
    """
    data = data or (Path(os.environ["CAIFENG_EVAL_DATA"]) if "CAIFENG_EVAL_DATA" in os.environ else None)
    figures = {"town": replay(list(_town(days)), FIRST, days, _confirm_now_and_then)}
    if data is not None and (data / "hotlists").is_dir():
        posts, first = _hot_lists(data, days)
        figures["hot_lists"] = replay(posts, first, days)
    return figures


def replay(
    posts: Sequence[dict[str, Any]],
    first: date,
    days: int,
    people: Callable[[Env, datetime], None] = lambda *_: None,
) -> dict[str, Any]:
    """Evaluate `days` days from `first` on what of the posts was found by then; see `run`.

    Args:
        posts: columns of clean.posts, and of clean.post_metrics under `metrics`, as dictionaries.
        first: first day.
        days: how many.
        people: what people do after an evaluation.
    """
    started = perf_counter()
    with TemporaryDirectory() as folder:
        env = Env.open(Settings(home=Path(folder), config=Settings.load().config))
        for day in (first + timedelta(days=n) for n in range(days)):
            for hour in MOMENTS:
                at = start_of_day(day) + timedelta(hours=hour)
                _evaluate(env, day, at, posts)
                people(env, at)
        files = _files(env)
        again = [first + timedelta(days=n) for n in (days - 1, 0, days // 2)]
        for day in again:
            for hour in MOMENTS:
                _evaluate(env, day, start_of_day(day) + timedelta(hours=hour), posts)
        changed = sum(_files(env).get(name) != content for name, content in files.items())
        figures = _judge(env, first, first + timedelta(days=days - 1))
        return figures | {"files_changed": changed, "seconds": round(perf_counter() - started, 1)}


def _evaluate(env: Env, day: date, at: datetime, posts: Sequence[dict[str, Any]]) -> None:
    found = [post for post in posts if business_day(post["first_fetched_at"]) == day and post["first_fetched_at"] <= at]
    rows = [{name: value for name, value in post.items() if name != "metrics"} for post in found]
    schema = env.contracts["clean.posts"].polars_schema()
    env.lake.replace("clean.posts", day, pl.DataFrame(rows, schema=schema))
    metrics = [{"post_id": post["post_id"], **seen} for post in posts for seen in post["metrics"]]
    today = [row for row in metrics if business_day(row["observed_at"]) == day and row["observed_at"] <= at]
    schema = env.contracts["clean.post_metrics"].polars_schema()
    env.lake.replace("clean.post_metrics", day, pl.DataFrame(today, schema=schema))
    understand(env, day, at)
    cluster(env, day, at)
    grade(env, day, at)
    rules = env.settings.grading()
    evaluation = Evaluation(at, rules.rule_version)
    file = env.lake.directory("graded.issue_grades", day) / f"{evaluation.part}.parquet"
    graded = pl.read_parquet(file, hive_partitioning=False)
    early_warning(env, day, evaluation, rules, graded, standing_levels(env, day, evaluation, graded))


def _judge(env: Env, first: date, last: date) -> dict[str, Any]:
    levels = env.lake.read_range("graded.issue_levels", first, last)
    alerts = env.lake.read_range("graded.alerts", first, last)
    changes = levels.filter(
        pl.col("change").is_in(["raised", "lowered", "moved"])
        | ((pl.col("change") == "new") & pl.col("standing_level").is_in(_ALARMING))
    ).select("issue_no", "as_of", level="standing_level")
    was = pl.coalesce("in_force_before", "standing_level")
    by_people = levels.filter(
        pl.col("confirmed_level") != was,
        pl.col("in_force_before").is_not_null() | pl.col("confirmed_level").is_in(_ALARMING),
    ).select("issue_no", "as_of", level="confirmed_level")
    wanted = pl.concat([changes, by_people]).unique()
    told = alerts.filter(kind="level")
    key = ["issue_no", "as_of", "level"]
    steps = levels["change"].value_counts().sort("change").filter(pl.col("change") != "same")
    return {
        "evaluations": sum(len(env.lake.files("graded.issue_levels", day)) for day in env.lake.days("graded.posts")),
        "issues": levels["issue_no"].n_unique(),
        "levels": dict(levels["standing_level"].value_counts().sort("standing_level").iter_rows()),
        "level_changes": dict(steps.iter_rows()),
        "by_people": by_people.height,
        "alerts": dict(alerts["kind"].value_counts().sort("kind").iter_rows()),
        "muted": int(alerts["muted"].sum()),
        "muted_from_major": alerts.filter(pl.col("level").is_in(_ALARMING[1:]) & pl.col("muted")).height,
        "repeated": alerts.height - alerts["alert_id"].n_unique(),
        "repeated_otherwise": told.height - told.select("issue_no", "level_before", "level", "since").n_unique(),
        "changes_without_alert": wanted.join(told, on=key, how="anti").height,
        "alerts_without_change": told.join(wanted, on=key, how="anti").height,
    }


def _files(env: Env) -> dict[str, bytes]:
    return {
        str(file.relative_to(env.settings.lake_dir)): file.read_bytes()
        for table in ("graded.issue_levels", "graded.alerts")
        for day in env.lake.days(table)
        for file in env.lake.files(table, day)
    }


def _confirm_now_and_then(env: Env, at: datetime) -> None:
    """Every sixth evaluation a person confirms the level of one issue, mostly as suggested."""
    dice = random.Random(at.isoformat())  # noqa: S311 - no secret
    day = business_day(at - timedelta(seconds=1))
    if dice.random() > 1 / 6:
        return
    levels = env.lake.read("graded.issue_levels", day).filter(pl.col("as_of") == at)
    with env.register() as register:
        waiting = [
            row
            for row in levels.filter(pl.col("level").is_in(["general", *_ALARMING])).to_dicts()
            if read_case(register, row["issue_no"]).state == "detected"
        ]
        if waiting:
            row = dice.choice(waiting)
            level = dice.choice([row["standing_level"]] * 2 + ["general", "larger"])
            payload = {"level": level, "suggested_level": row["level"], "reason": "结合本地实际情况研判确定"}
            act(register, row["issue_no"], "confirm", Actor("openness_office", "u-1"), payload, at + timedelta(hours=1))


def _town(days: int, seed: int = 20261122) -> Iterator[dict[str, Any]]:
    """Stories that begin every day or two, each with its own place and subject, some of which are taken up by media."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    for day in range(days):
        for _ in range(dice.choice([0, 1, 1, 2])):
            place, (title, text) = dice.choice(_PLACES), dice.choice(_SUBJECTS)
            loud = dice.random()
            sources = ["board"] + ["self"] * (loud > 0.4) + ["county"] * (loud > 0.6)
            sources += ["city"] * (loud > 0.75) + ["province"] * (loud > 0.85)
            at = start_of_day(FIRST + timedelta(days=day)) + timedelta(hours=dice.uniform(0, 23))
            mark = dice.randrange(10**6)
            for number, source in enumerate(sources * dice.choice([1, 1, 2, 4])):
                words = f"{text.format(place=place)}。{'气愤' * (number % 3)}，编号{mark}的事，第{number + 1}位说的。"
                yield _post(f"{place}{title}", words, source, at, loud, dice)
                at += timedelta(hours=dice.choice([0.5, 2, 8, 20]))


def _post(
    title: str, text: str, source: str, at: datetime, loud: float, dice: random.Random, heat: int | None = None
) -> dict[str, Any]:
    name = sha256(f"{title}{text}{source}".encode("utf8", "replace")).hexdigest()[:16]
    source_class, media_tier, reach, local_board = _SOURCES.get(source, ("hotlist", "self", "nation", False))
    found = (at + timedelta(minutes=15)).astimezone(UTC)
    listed = source not in _SOURCES
    views = [dice.randrange(20, 200) * int(10 ** (3 * loud * step)) for step in (0.3, 0.7, 1.0)]
    seen = [
        {"observed_at": found + timedelta(hours=12 * n), "views": number, "reposts": None, "comments": number // 50,
         "heat": None}
        for n, number in enumerate(views)
    ]  # fmt: skip
    listing = [{"observed_at": found, "views": None, "reposts": None, "comments": None, "heat": heat}]
    return {
        "post_id": name, "source_id": source, "source_name": source, "source_class": source_class,
        "media_tier": media_tier, "reach": reach, "local_board": local_board, "official_channel": False, "board": None,
        "url": f"https://example.org/{name}", "title": title, "text": text, "text_hash": name,
        "published_at": None if listed else at.astimezone(UTC),
        "published_precision": "unknown" if listed else "minute", "date_source": None, "stated_at": None,
        "date_doubt": None, "parent_id": None, "index_no": None, "first_fetched_at": found,
        "metrics": listing if listed else seen,
    }  # fmt: skip


def _hot_lists(data: Path, days: int) -> tuple[list[dict[str, Any]], date]:
    """Entries of the hourly lists of so many days, found in the first snapshot that shows them."""
    snapshots = hourly_lists(data)
    begin = next(snapshots)
    first = business_day(begin.at)
    until = end_of_day(first + timedelta(days=days - 1)).astimezone(SHANGHAI)
    posts: dict[str, dict[str, Any]] = {}
    dice = random.Random(0)  # noqa: S311 - no secret
    for snapshot in [begin, *takewhile(lambda snapshot: snapshot.at < until - timedelta(minutes=15), snapshots)]:
        for title, heat in snapshot.titles.items():
            if title not in posts:
                posts[title] = _post(title, "", "hot", snapshot.at, 0.0, dice, heat)
    return list(posts.values()), first


if __name__ == "__main__":
    print(json.dumps(run(), ensure_ascii=False))  # noqa: T201 - the benchmark's output
