"""Pages of other regions: what they did well is noted, and nothing of them becomes an issue."""

from datetime import timedelta

import polars as pl
import pytest

import caifeng.jobs.clean as clean_job
import caifeng.jobs.understand as understand_job
from bench.stage import AT, raw_day
from caifeng.core.clock import business_day, end_of_day
from caifeng.core.errors import ConfigError
from caifeng.core.model.practices import PracticeRules
from caifeng.core.model.source import Source
from caifeng.core.settings import Settings
from caifeng.core.text.urls import post_id
from caifeng.jobs.base import Env
from caifeng.jobs.objections import add_objection
from caifeng.jobs.understand import load_practices
from transforms.understand.practices import SUMMARY_CHARACTERS

DAY = business_day(AT)
PAGES = (
    ("关于居民收入数据的情况说明", "近日有网帖称我县居民收入数据造假，经核查不属实。统计局按制度抽样调查。"),
    ("居民消费价格指数怎么看？一图读懂", "居民消费价格指数反映价格变动。"),
    ("全县统计调查工作会议召开", "会议部署了下一阶段统计调查工作。"),
    ("关于食堂饭菜的情况说明", "食堂已整改。"),
    ("县统计局关于网上说法的情况说明", ""),
)
URLS = [f"https://peer.example/{number}" for number in range(len(PAGES))]


@pytest.fixture
def env(tmp_path, root) -> Env:
    env = Env.open(Settings(home=tmp_path, config=root / "config"))
    raw, sources, _ = raw_day(100)
    theirs = raw[: len(PAGES)].with_columns(
        pl.lit("peer").alias("source_id"),
        post_id=pl.Series([post_id(url) for url in URLS]),
        url=pl.Series(URLS),
        title=pl.Series([title for title, _ in PAGES]),
        text=pl.Series([text for _, text in PAGES]),
    )
    row = sources[:1].with_columns(
        pl.lit("peer").alias("source_id"), peer_region=pl.lit("邻省某县"), peer_body=pl.lit("县统计局")
    )
    env.lake.replace("ops.sources", DAY, pl.concat([sources, row]))
    env.lake.replace("raw.posts", DAY, pl.concat([raw, theirs]))
    clean_job.clean(env, DAY, end_of_day(DAY))
    return env


def understood(env: Env) -> dict[str, int]:
    return understand_job.understand(env, DAY, end_of_day(DAY)).counts


def test_answers_of_others_are_noted_by_topic_outcome_and_form(env):
    counts = understood(env)
    noted = env.lake.read("ops.practices", DAY)
    assert counts["practices"] == noted.height == 3
    found = {row["title"]: row for row in noted.to_dicts()}
    assert set(found) == {PAGES[0][0], PAGES[1][0], PAGES[4][0]}
    income, prices, bare = (found[PAGES[n][0]] for n in (0, 1, 4))
    assert (income["topic"], income["outcome"], income["form"]) == ("income", "false", "portal_notice")
    assert (prices["outcome"], prices["form"]) == (None, "policy_interpretation")
    assert {row["region"] for row in found.values()} == {"邻省某县"}
    assert {row["body"] for row in found.values()} == {"县统计局"}
    assert income["noted_by_role"] is None
    assert (income["noted_on"], income["imported_at"]) == (DAY, end_of_day(DAY))
    assert income["summary"] == PAGES[0][1]
    assert bare["summary"] == PAGES[4][0], "a page without a body says what its headline says"
    assert noted["summary"].str.len_chars().max() <= SUMMARY_CHARACTERS


def test_none_of_them_is_an_issue_and_every_one_is_accounted_for(env):
    counts = understood(env)
    graded, rejects = env.lake.read("graded.posts", DAY), env.lake.read("clean.rejects", DAY)
    assert "peer" not in set(graded["source_id"])
    peers = rejects.filter(source_id="peer")
    assert peers.select("stage", "reason").unique().rows() == [("understand", "peer")]
    assert peers.height == len(PAGES)
    assert counts["posts"] == counts["relevant"] + counts["rejected"] == env.lake.read("clean.posts", DAY).height
    assert graded.height > 10


def test_a_day_run_again_is_the_same_day(env):
    understood(env)
    files = sorted(env.lake.files("ops.practices", DAY))
    before = [file.read_bytes() for file in files]
    understood(env)
    assert [file.read_bytes() for file in sorted(env.lake.files("ops.practices", DAY))] == before
    assert len(files) == 1


def test_without_words_nothing_is_noted_and_still_nothing_is_an_issue(env, tmp_path, monkeypatch):
    monkeypatch.setattr(understand_job, "load_practices", lambda _: PracticeRules())
    assert understood(env)["practices"] == 0
    assert "peer" not in set(env.lake.read("graded.posts", DAY)["source_id"])
    assert load_practices(tmp_path / "none") == PracticeRules()


def test_an_objection_takes_it_out_of_the_library(env):
    understood(env)
    add_objection(env, URLS[0], "other", now=end_of_day(DAY) + timedelta(hours=1))
    assert PAGES[0][0] not in set(env.lake.read("ops.practices", DAY)["title"])
    assert env.lake.read("ops.practices", DAY).height == 2


def test_the_shipped_words_fit_the_model_and_bad_ones_are_named(root, tmp_path):
    shipped = load_practices(root / "config")
    assert shipped.words
    assert len(shipped.forms) > 5
    (tmp_path / "practices.toml").write_text('[forms]\nnewspaper = ["号外"]\n', "utf8")
    with pytest.raises(ConfigError, match=r"practices\.toml.*forms\.newspaper"):
        load_practices(tmp_path)


@pytest.mark.parametrize("own", ["local_board", "official_channel"])
def test_a_page_of_ours_is_no_peer(own):
    values = {
        "id": "peer", "name": "某县统计局", "family": "list_detail", "class": "portal", "reach": "county",
        "list": {"urls": ["https://peer.example/"], "item": "li", "link": "a"},
        "peer": {"region": "邻省某县", "body": "县统计局"},
    }  # fmt: skip
    assert Source.model_validate(values).peer.region == "邻省某县"
    with pytest.raises(ValueError, match="peer: another region's page"):
        Source.model_validate({**values, own: True})
