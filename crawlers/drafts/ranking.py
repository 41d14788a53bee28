"""A ranking in JSON: where its topics, their titles and figures are."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from caifeng.core.text.encoding import decode
from caifeng.core.text.times import parse_time
from crawlers.drafts.addresses import dated_address
from crawlers.drafts.draft import Draft
from crawlers.drafts.selectors import MOST
from crawlers.items import Page
from crawlers.pages.values import Unreadable, absolute, parse_count


def draft_ranking(page: Page, text: str) -> Draft:
    """A ranking, or the index of its snapshots: then the newest of them is the page to open.

    Raises:
        Unreadable: the text is no JSON, or holds no list of topics.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise Unreadable(f"不是完整的 JSON：{error}") from error
    address, _ = dated_address(page.url)
    draft = Draft("hot_list", page.url, "", "utf-8", {"hot_list": {"urls": [address]}}, found=("类型：JSON 榜单",))
    addresses = [
        (path, values)
        for path, values in _lists(data)
        if values and all(isinstance(v, str) and re.search(r"^https?://|\.json|/", v) for v in values)
    ]
    if addresses:
        path, values = addresses[0]
        rules = {"urls": [address], "snapshots": path}
        entry = absolute(page.url, values[-1])
        words = f"目录页：{len(values)} 份快照（{path}），打开最新一份"
        return replace(
            draft, tables={"hot_list": rules}, entry=entry, entry_kind="snapshot", found=(*draft.found, words)
        )
    return with_topics(draft, page)


def with_topics(draft: Draft, page: Page) -> Draft:
    """Find the topics, their titles and figures in a JSON ranking."""
    try:
        data = json.loads(decode(page.body, page.charset).text)
    except ValueError as error:
        raise Unreadable(f"不是完整的 JSON：{error}") from error
    best: tuple[int, str, list[Any], str] | None = None
    for path, values in _lists(data):
        titles = _titles(values)
        if titles and (best is None or len(values) > best[0]):
            best = (len(values), path, values, titles)
    if best is None:
        raise Unreadable("JSON 里没有一组带标题的条目")
    count, path, values, title = best
    rules = {**draft.tables["hot_list"], "items": path or "@", "title": title}
    parts = urlsplit(page.url)
    rules["link"] = f"{parts.scheme}://{parts.netloc}/?q={{title}}"
    for measure, names in (
        ("heat", r"heat|hot|score|raw|num"),
        ("views", r"view|read|pv"),
        ("comments", r"comment|discuss|reply"),
    ):
        if key := _figure(values, names):
            rules[measure] = key
    if (clock := _clock_key(data, page)) is not None:
        rules["time"] = clock
    checks = {"hot_list.link": "check: a topic's address on the site; {title} stands for its title"}
    if values and isinstance(values[0], list):
        numeric = [n for n, value in enumerate(values[0]) if isinstance(value, int | float) or value is None]
        rules |= {"heat": f"[{numeric[0]}]"} if numeric else {}
        checks["hot_list.heat"] = f"check: columns with figures: {numeric}"
    words = f"条目：{count} 条（{path or '@'}），标题在 {title}"
    tables = {"hot_list": rules}
    return replace(draft, tables=tables, entries=count, checks=checks, found=(*draft.found, words))


def _lists(data: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Lists in a JSON value with their JMESPath; within lists nothing is looked for."""
    if isinstance(data, list):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            name = key if re.fullmatch(r"[A-Za-z_]\w*", key) else json.dumps(key)
            yield from _lists(value, f"{path}.{name}" if path else name)


def _titles(values: list[Any]) -> str | None:
    """Where the items have their titles: the field with the most different texts in Chinese."""
    fields: Counter[str] = Counter()
    seen: dict[str, set[str]] = {}
    for value in values:
        pairs: Iterable[tuple[str, Any]] = (
            value.items()
            if isinstance(value, dict)
            else ((f"[{n}]", v) for n, v in enumerate(value))
            if isinstance(value, list)
            else ()
        )
        for key, text in pairs:
            if isinstance(text, str) and re.search(r"[\u4e00-\u9fff]{2}", text) and len(text) <= 120:
                seen.setdefault(key, set()).add(text)
    fields.update({key: len(texts) for key, texts in seen.items() if len(texts) >= MOST * len(values)})
    return fields.most_common(1)[0][0] if fields else None


def _figure(values: list[Any], names: str) -> str | None:
    keys = Counter(
        key
        for value in values
        if isinstance(value, dict)
        for key, number in value.items()
        if re.search(names, key, re.IGNORECASE)
        and (isinstance(number, int | float) or parse_count(str(number)) is not None)
    )
    return keys.most_common(1)[0][0] if keys else None


def _clock_key(data: Any, page: Page) -> str | None:
    if not isinstance(data, dict):
        return None
    for key, value in data.items():
        named = re.search(r"time|date|updated", key, re.IGNORECASE)
        if named and isinstance(value, str | int) and parse_time(str(value), page.fetched_at).at is not None:
            return str(key)
    return None
