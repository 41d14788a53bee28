"""One test for all page parsers: recorded body in, golden values out.

tests/crawlers/<site>/<case>/ holds body.html or body.json (bytes as they came), meta.json (module, function, address,
charset of the header, rules, fetch time) and expected.json (the values, or the error in words). Instead of module,
function and rules, meta.json may give a whole `source` (as its file would) and the page's `kind` (`board` and `listed`
as a list page would have them): the page is then read as a crawl reads it, by the family's reader.
"""

import json
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from caifeng.core.model.families import DetailPage, HotList, ListPage
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.times import UNKNOWN, parse_time
from crawlers.items import Page
from crawlers.pages.values import Unreadable
from crawlers.reading import READERS

HERE = Path(__file__).resolve().parent
CASES = sorted(path.parent for path in HERE.glob("*/*/meta.json"))
PLATFORMS = {path.stem for path in (HERE.parents[1] / "crawlers" / "platforms").glob("[a-z]*.py")}


def read(case: Path) -> Any:
    meta = json.loads((case / "meta.json").read_text("utf8"))
    (body_file,) = case.glob("body.*")
    body, at = body_file.read_bytes(), datetime.fromisoformat(meta["fetched_at"])
    encoding, url = meta["encoding"], meta["url"]
    if "source" in meta:
        source = Source.model_validate(meta["source"])
        listed = parse_time(meta["listed"], at) if "listed" in meta else UNKNOWN
        page = Page(url, body, meta["kind"], at, source.encoding or encoding, listed, meta.get("board"))
        return READERS[source.family](source, page)
    rules = meta["rules"]
    function = getattr(import_module(f"crawlers.pages.{meta['module']}"), meta["function"])
    match meta["function"]:
        case "read_list":
            return function(body, url, ListPage.model_validate(rules), at, encoding)
        case "read_detail":
            return function(body, url, DetailPage.model_validate(rules) if rules else None, at, encoding)
        case "read_feed":
            return function(body, url, at, encoding)
        case "read_index":
            return {"addresses": function(body, url, HotList.model_validate(rules), encoding)}
        case "read_snapshot":
            return function(body, HotList.model_validate(rules), at, encoding)
    raise AssertionError(meta["function"])


def outcome(case: Path) -> Any:
    try:
        result = read(case)
    except (Undecodable, Unreadable) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    plain = result if isinstance(result, dict) else asdict(result)
    return json.loads(json.dumps(plain, default=lambda at: at.isoformat()))


def test_every_platform_has_fixtures() -> None:
    metas = [json.loads((case / "meta.json").read_text("utf8")) for case in CASES]
    used = {meta["source"]["family"] if "source" in meta else meta["module"] for meta in metas}
    assert PLATFORMS
    assert used == PLATFORMS
    assert len(CASES) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_page(case: Path) -> None:
    assert outcome(case) == json.loads((case / "expected.json").read_text("utf8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_nobody_leaves_a_parser(case: Path) -> None:
    values = json.dumps(outcome(case), ensure_ascii=False)
    assert not [word for word in ("会员乙", "写稿人甲", "IP属地", "uid", "IP：安徽", "来自安徽") if word in values]
