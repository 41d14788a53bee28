"""No author, no user id, no way from one issue to another through a person; each sweep is shown to notice a hole."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from caifeng.core import clock
from caifeng.core.contracts import Column, Contract, load_contracts
from caifeng.core.errors import UsageError
from caifeng.core.text import urls
from caifeng.core.text.scrub import find_pii
from caifeng.core.warehouse import PUBLISHED_TABLES
from caifeng.jobs.base import Env
from caifeng.jobs.exports import log_export
from tests.privacy import homes

DENIED = re.compile(
    r"author|user|uid|nick|avatar|(?:^|_)ip(?:_|$)|person_|phone|mobile|email|follower|handle|account|writer|speaker",
    re.IGNORECASE,
)
#: What rows of several tables may be joined by: posts, texts, issues, groups, places of publication, rules, times.
#: Each names a document, a matter, a unit or a rule, none somebody who wrote.
JOINS = {
    "post_id",
    "origin_post_id",
    "other_post_id",
    "parent_id",
    "text_hash",
    "group_id",
    "issue_no",
    "event_id",
    "parent",
    "source_id",
    "source_name",
    "source_class",
    "media_tier",
    "reach",
    "board",
    "place",
    "topic",
    "topics",
    "topic_name",
    "rule_version",
    "unit",
    "owner_unit",
    "accused_unit",
    "competent_body",
    "index_no",
    "url",
    "file_hash",
    "scan_hash",
    "basis",
    "reason",
    "name",
    "title",
    "summary",
    "key",
    "item",
    "period",
    "week",
    "figure",
    "parameter",
    "indicator",
    "stage",
    "kind",
    "role",
    "at",
    "detail",
    "evidence",
    "explanation",
    "hash",
}
USER_IN_URL = re.compile(r"(?i)weibo\.com/(?:u/)?\d{5,}|space-(?:uid|username)-|[?&](?:uid|authorid|user_?id)=|/u/\d+")
#: Every spelling of an address with a user in it that the sources use.
WITH_USER = (
    "https://weibo.com/1234567890/Nabc123",
    "https://bbs.example/space-uid-4711.html",
    "https://bbs.example/t/1?uid=4711&page=2",
    "https://bbs.example/u/4711/post/9",
    "https://bbs.example/viewthread?authorid=4711&tid=3",
)
SEEDED = ("13912345678", "11010519491231002X", "wang.test@mail.example")


def denied(contracts: dict[str, Contract]) -> list[str]:
    return [f"{t}.{c}" for t, contract in contracts.items() for c in contract.names if DENIED.search(c)]


def person_paths(contracts: dict[str, Contract]) -> list[tuple[str, str, str]]:
    """Pairs of tables that could be joined by a text column which is not known to name a thing."""
    texts = {t: {c.name for c in k.columns if c.type == "string" and not c.values} for t, k in contracts.items()}
    shared = [(a, b, name) for a, b in combinations(texts, 2) for name in texts[a] & texts[b]]
    assert len(shared) > 100
    suspect = re.compile(
        DENIED.pattern + r"|voice|device|caller|reporter|client|_key$|token|fingerprint", re.IGNORECASE
    )
    return [path for path in shared if path[2] not in JOINS and suspect.search(path[2])]


def users_in(addresses: list[str]) -> list[str]:
    return [address for address in addresses if USER_IN_URL.search(address)]


def changed(contracts: dict[str, Contract], column: str, *tables: str) -> dict[str, Contract]:
    extra = Column(name=column, type="string", meaning="hole")
    return contracts | {t: contracts[t].model_copy(update={"columns": (*contracts[t].columns, extra)}) for t in tables}


def test_no_contract_has_a_key_of_a_person(root: Path) -> None:
    contracts = load_contracts(root / "sql")
    assert sum(len(contract.names) for contract in contracts.values()) > 400
    assert denied(contracts) == []
    assert person_paths(contracts) == []


@pytest.mark.parametrize("column", ["author", "author_hash", "user_id", "nickname", "ip_location", "follower_count"])
def test_the_deny_list_notices_a_new_column(root: Path, column: str) -> None:
    assert denied(changed(load_contracts(root / "sql"), column, "graded.posts")) == [f"graded.posts.{column}"]


@pytest.mark.parametrize("column", ["voice_hash", "device", "caller", "writer_key"])
def test_the_graph_notices_a_way_through_a_person(root: Path, column: str) -> None:
    holed = changed(load_contracts(root / "sql"), column, "graded.posts", "graded.issue_posts")
    assert [path[2] for path in person_paths(holed)] == [column]


def test_no_user_id_is_left_in_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert users_in(list(WITH_USER)) == list(WITH_USER)
    assert users_in([urls.canonical_url(address) for address in WITH_USER]) == []
    monkeypatch.setattr(urls, "_USER_IN_PATH", ())
    monkeypatch.setattr(urls, "_DROPPED", re.compile(r"^never$"))
    monkeypatch.setattr(urls, "_WEIBO_POST", re.compile(r"^(never)$"))
    assert len(users_in([urls.canonical_url(address) for address in WITH_USER])) == len(WITH_USER)


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    title, text, url = homes.ROWS[0]
    monkeypatch.setattr(homes, "ROWS", ((title, text + "电话" + "，".join(SEEDED), url), *homes.ROWS[1:]))


def sown(home: Path) -> list[str]:
    return [where for seed in SEEDED for where in homes.finds(home, seed)]


@pytest.mark.usefixtures("seeded")
def test_sown_personal_data_is_nowhere(config_copy: Path, tmp_path: Path) -> None:
    env = homes.lived(config_copy, tmp_path / "home", tmp_path / "in")
    assert sown(env.settings.home) == []
    assert find_pii("，".join(SEEDED))


@pytest.mark.usefixtures("seeded")
def test_the_sweep_notices_when_nothing_is_scrubbed(
    config_copy: Path, tmp_path: Path, day_home: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = homes.copy_of(day_home, tmp_path / "home")
    monkeypatch.setattr("crawlers.pages.inbox.scrub", lambda text: text)
    homes.landed(homes.configured(config_copy), env.settings.home, tmp_path / "in")
    assert len(sown(env.settings.home)) >= len(SEEDED)


def test_analysts_get_no_restricted_table_but_posts_with_an_excerpt(root: Path) -> None:
    contracts = load_contracts(root / "sql")
    published = [*PUBLISHED_TABLES, *(t for t in contracts if t.startswith(("marts.", "cases.")))]
    assert len(published) > 20
    assert [t for t in published if contracts[t].sensitivity == "restricted"] == ["graded.posts"]


def test_a_download_is_on_record_by_role(env: Env) -> None:
    role = env.settings.office().roles[0].id
    log_export(env, role, "舆情台账 2026-03 13912345678", 2, "a" * 64)
    [row] = env.lake.read("ops.exports", clock.business_day(env.now())).to_dicts()
    assert (row["role"], row["rows"], row["file_hash"]) == (role, 2, "a" * 64)
    assert "139" not in row["what"]
    for who, digest in (("wang", "a" * 64), (role, "abc")):
        with pytest.raises(UsageError, match="export log"):
            log_export(env, who, "x", 1, digest)
