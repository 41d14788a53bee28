"""The draft as a source file, with what address and title tell about the site."""

import json
import re
import tomllib
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from caifeng.core.model.families import TABLES
from caifeng.core.model.office import Office
from caifeng.core.model.source import MIN_DELAY_SECONDS, Source
from crawlers.drafts.addresses import is_loopback
from crawlers.drafts.draft import Draft
from crawlers.pages.values import Unreadable

_CENTRAL = re.compile(
    r"(?:^|\.)(?:people|xinhuanet|news|cctv|cnr|chinanews|gmw|ce|jjckb|youth|stats\.gov)\.(?:com\.)?cn$|people\.com"
)


def source_toml(draft: Draft, source_id: str, name: str, office: Office) -> str:
    """The source file. It is off and has no review, so that nothing is crawled before a person has looked.

    Raises:
        Unreadable: the draft makes no valid source.
    """
    identity, place = identify(draft, office)
    tables = {table: rules for table, rules in draft.tables.items() if rules or table not in {"thread"}}
    lines = [
        "# Drafted by `caifeng sources new` from the pages themselves; lines marked `check` need a person's eye.",
        f"id = {_toml(source_id)}",
        _line("name", name, "check: as the log shall print it"),
        _line("family", draft.family, ""),
        *(_line(key, value, "check: guessed from address and title") for key, value in identity.items()),
        _line("place", place, "check: the office's own place, named in the title")
        if place
        else f"# place = {_toml(office.place)}{' ' * 10}# check: GB/T 2260 code, if the site belongs to one place",
        _line("enabled", False, "set to true after `caifeng sources review`"),
    ]
    if is_loopback(draft.url):
        lines.append(_line("min_delay_seconds", 0, f"loopback only; elsewhere {MIN_DELAY_SECONDS:g}"))
    for table, rules in tables.items():
        lines += ["", f"[{table}]" + (f"{' ' * 4}# {_remark(draft.checks[table])}" if table in draft.checks else "")]
        lines += [_line(key, value, draft.checks.get(f"{table}.{key}", "")) for key, value in rules.items()]
    absent = [table for table in TABLES[draft.family] if table not in tables and table in draft.checks]
    lines += [line for table in absent for line in ("", f"# No [{table}]: {_remark(draft.checks[table])}")]
    text = "\n".join(lines) + "\n"
    try:
        Source.model_validate(tomllib.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise Unreadable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return text


def identify(draft: Draft, office: Office) -> tuple[dict[str, str], str | None]:
    """Class, media tier and reach as far as host and title tell, and the office's place code if its name is there."""
    host = (urlsplit(draft.url).hostname or "").lower()
    official = host == "gov.cn" or host.endswith(".gov.cn")
    kind = {
        "openness": "disclosure",
        "forum": "board",
        "message_board": "message_board",
        "epaper": "epaper",
        "programme": "broadcast",
        "hot_list": "hotlist",
        "feed": "rss",
    }.get(draft.family)
    if kind is None:
        board = re.match(r"(?:bbs|forum|club)\.", host) or "论坛" in draft.title
        kind = "portal" if official or re.search(r"人民政府|统计局", draft.title) else "board" if board else "news"
    reach = "nation" if draft.family == "hot_list" or _CENTRAL.search(host) else "county"
    place = None
    if reach == "county":
        if office.county_short in draft.title:
            place = office.place
        elif office.city_short in draft.title or re.search(r"[\u4e00-\u9fff]市", draft.title):
            reach = "city"
        elif office.province_short in draft.title or "省" in draft.title:
            reach = "province"
    medium = {"nation": "central"}.get(reach, reach)
    tier = "none" if official or kind in {"portal", "disclosure", "message_board"} else medium
    if kind in {"board", "hotlist"}:
        tier = "self"
    return {"class": kind, "media_tier": tier, "reach": reach}, place


def site_name(draft: Draft) -> str:
    """A name for the log: the site, then the column, as a page's title has them the other way round."""
    parts = [part for part in re.split(r"\s*[_|]\s*|\s+[-–—]+\s*|-{2,}", draft.title) if part]
    if draft.family == "epaper":
        # The first part is the page of the day.
        return parts[-1] if parts else ""
    return "·".join(dict.fromkeys((parts[-1], parts[0]))) if parts else ""


def _toml(value: Any) -> str:
    """JSON strings and lists are TOML, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _remark(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def _line(key: str, value: Any, remark: str) -> str:
    text = f"{key} = {_toml(value)}"
    return f"{text:<32}  # {_remark(remark)}" if remark else text
