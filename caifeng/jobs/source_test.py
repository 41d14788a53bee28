"""Try a source: crawl a few of its entries into a home of their own, and show what would be landed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from caifeng.core import clock
from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import UsageError
from caifeng.core.model.source import Source
from caifeng.core.settings import load_model
from caifeng.jobs.base import Env
from caifeng.jobs.crawl import crawl

#: Shorter texts are shown with a warning (our choice): the body selector may have caught a caption.
SHORT_TEXT = 20
#: Below this share of agreement the two extractors read different things (our choice).
AGREEMENT = 0.5
#: Requests beside the entries: robots.txt, the list, a redirect or two.
_BESIDES = 4
_ORDER = {"robots": 0, "list": 1, "snapshot": 2, "detail": 3}
_PRECISIONS = {"minute": "到分钟", "hour": "到小时", "day": "到日", "unknown": "未知"}
_ORIGINS = {
    "rule": "选择器",
    "meta": "网页 meta",
    "script": "网页脚本",
    "element": "时间元素",
    "text": "正文上方",
    "list": "列表",
    "url": "地址",
    "feed": "订阅源",
    "snapshot": "快照",
}
_OUTCOMES = {
    "ok": "成功",
    "not_modified": "未变化",
    "robots_denied": "robots.txt 禁止",
    "http_error": "网站报错",
    "unreachable": "连不上",
    "too_large": "过大",
    "undecodable": "编码不明",
    "unreadable": "读不出",
    "empty": "没有条目",
}


@dataclass(frozen=True)
class SourceTrial:
    """What a trial landed: rows of raw.posts and ops.fetches, and what to look at, in Chinese."""

    source: Source
    posts: tuple[dict[str, Any], ...]
    fetches: tuple[dict[str, Any], ...]
    warnings: tuple[tuple[str, ...], ...]
    """For each post its own."""
    more: int = 0
    """Posts that were landed beside those shown, replies among them."""

    @property
    def read_nothing(self) -> bool:
        """Whether not one post could be read."""
        return not self.posts

    def lines(self) -> Iterator[str]:
        """The trial for the terminal."""
        yield f"{self.source.id}　{self.source.name}：读到 {len(self.posts) + self.more} 条（试采，不入库）"
        for post, warnings in zip(self.posts, self.warnings, strict=True):
            at = post["published_at"]
            stated = f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at is not None else "时间未知"
            origin = _ORIGINS.get(post["date_source"] or "", "—")
            figures = "　".join(
                f"{word} {'—' if post[name] is None else post[name]}"
                for name, word in (("views", "浏览"), ("comments", "评论"), ("heat", "热度"))
                if name != "heat" or post[name] is not None
            )
            precision = _PRECISIONS[post["published_precision"]]
            yield f"\n{stated}（{precision}，{origin}）　{figures}　{post['encoding']}"
            yield f"  {post['title'] or '（无标题）'}"
            if post["text"]:
                yield f"  {_opening(post['text'])}"
            if post["answered_at"] is not None:
                answered = f"{post['answered_at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
                yield f"  答复 {answered}：{_opening(post['answer'] or '')}"
            yield from (f"  注意：{warning}" for warning in warnings)
        if self.more:
            yield f"\n另读到 {self.more} 条（含回复），未列出"
        yield "\n请求"
        for fetch in self.fetches:
            status = f" {fetch['http_status']}" if fetch["http_status"] else ""
            detail = f"　{fetch['detail']}" if fetch["detail"] else ""
            words = _OUTCOMES.get(fetch["outcome"], fetch["outcome"])
            yield f"  {words}{status}　{fetch['kind']}　{fetch['found']} 条　{fetch['url']}{detail}"
        if self.read_nothing:
            yield "\n一条也没有读到：看上面的请求；对照 docs/add-a-source.md 的结果表改文件。"

    def json_lines(self) -> Iterator[str]:
        """One line per post: what raw.posts would hold, and `warnings`."""
        for post, warnings in zip(self.posts, self.warnings, strict=True):
            yield json.dumps({**post, "warnings": warnings}, ensure_ascii=False, default=lambda at: at.isoformat())


def try_source(env: Env, source_id: str, pages: int = 5, day: date | None = None) -> SourceTrial:
    """Crawl one source, enabled or not, into a temporary home: one list page and at most `pages` entries.

    Nothing of the real home is read or written. Robots, pauses and scrubbing are those of every crawl.

    Args:
        env: environment; its clock gives the fetch time.
        source_id: name of the file under sources/.
        pages: entries to open.
        day: the day that `{day}` stands for; today if not given.

    Raises:
        UsageError: no such source, an inbox, or no current review (loopback needs none).
        ConfigError: the file is no valid source.
        CaifengError: the crawler process itself failed.
    """
    file = env.settings.config / "sources" / f"{source_id}.toml"
    if not file.is_file():
        raise UsageError(f"{file}: no such source")
    if pages < 1:
        raise UsageError(f"--pages {pages}: at least 1")
    source = load_model(file, Source)
    today = clock.business_day(env.now())
    if not source.start_urls:
        raise UsageError(f"{file}: an inbox is not crawled; use caifeng import FILE --source {source_id}")
    if reason := source.may_be_crawled(today):
        raise UsageError(f"{file}: {reason}; review it: caifeng sources review {source_id}")
    with TemporaryDirectory(prefix="caifeng-trial-") as folder:
        trial = _trial_env(env, Path(folder), source, pages)
        crawl(trial, [source_id], day, most_pages=pages)
        fetches = trial.lake.read("ops.fetches", today).sort(pl.col("kind").replace_strict(_ORDER, default=9))
        posts = trial.lake.read("raw.posts", today).unique("post_id", keep="first", maintain_order=True)
    openers = posts.filter(pl.col("parent_id").is_null()).head(pages).iter_rows(named=True)
    shown = tuple(openers) or tuple(posts.head(pages).iter_rows(named=True))
    agreement = dict(fetches.select("url", "agreement").iter_rows())
    warnings = tuple(tuple(_warnings(source, post, agreement.get(post["url"]))) for post in shown)
    return SourceTrial(source, shown, tuple(fetches.iter_rows(named=True)), warnings, posts.height - len(shown))


def _warnings(source: Source, post: dict[str, Any], agreement: float | None) -> Iterator[str]:
    at, fetched = post["published_at"], post["fetched_at"]
    if at is None:
        yield "无发布时间"
    elif at < fetched - timedelta(days=365):
        yield "时间早于一年"
    elif at > fetched + timedelta(days=1):
        yield "时间在将来"
    if post["date_guessed"]:
        yield "年份是推断的"
    if source.family not in {"hot_list", "programme"} and len(post["text"]) < SHORT_TEXT:
        yield f"正文过短（{len(post['text'])} 字）"
    if not post["title"] and post["parent_id"] is None:
        yield "无标题"
    if agreement is not None and agreement < AGREEMENT:
        yield f"两次提取不一致（{agreement:.2f}）"
    if post["answer"] and post["answered_at"] is None:
        yield "有答复而无答复时间"


def _trial_env(env: Env, folder: Path, source: Source, pages: int) -> Env:
    """An environment whose home is empty and whose configuration has this source only, switched on.

    One list page, nothing caught up, and no more minutes than `pages` entries need at the source's pause.
    """
    config = folder / "config"
    (config / "sources").mkdir(parents=True)
    for path in env.settings.config.iterdir():
        if path.name not in {"sources", "collection.toml"}:
            (config / path.name).symlink_to(path.resolve())
    values = source.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"former"})
    values["enabled"] = True
    for table in ("list", "thread"):
        if table in values:
            values[table]["max_pages"] = 1
    minutes = max(1, ceil((pages + _BESIDES) * source.min_delay_seconds / 60))
    # Every page is read twice, so that a disagreement of the extractors shows.
    rules = f"run_minutes = {minutes}\ncatch_up_pages = 1\ncatch_up_days = 0\nsecond_opinion_share = 1.0\n"
    (config / "collection.toml").write_text(rules, "utf8")
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
    (config / "sources" / f"{source.id}.toml").write_text(text, "utf8")
    update = {"home": folder / "home", "config": config, "register_address": None}
    return Env.open(env.settings.model_copy(update=update))


def _toml(value: Any) -> str:
    """A JSON value as inline TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _opening(text: str) -> str:
    plain = " ".join(text.split())
    return plain[:40] + ("…" if len(plain) > 40 else "")
