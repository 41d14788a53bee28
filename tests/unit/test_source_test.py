"""A trial shows what would be landed, and touches nothing."""

import json

import pytest

from caifeng.core.errors import UsageError
from caifeng.jobs.source_test import try_source
from tests.unit.sites import NICKNAME, PHONE, TITLES, article, office, put_source, served


@pytest.fixture
def env(tmp_path):
    return office(tmp_path)


@pytest.fixture
def site():
    with served() as running:
        yield running


def files(env):
    return {path for path in env.settings.home.rglob("*") if path.is_file()}


def test_a_trial_shows_posts_and_requests_of_a_source_that_is_off(env, site):
    put_source(env, site.base)
    site.pages["/2026/0.html"] = article(0, f"<p>请拨打{PHONE}咨询普查登记的有关事项。</p>")
    site.pages["/2026/1.html"] = (404, {})
    before = files(env)
    trial = try_source(env, "woheside")
    assert files(env) == before
    assert not trial.read_nothing
    assert {post["title"] for post in trial.posts} == {TITLES[0], TITLES[2], TITLES[3]}
    shown = "\n".join(trial.lines())
    assert "2026-11-20 09:30（到分钟，选择器）" in shown
    assert "浏览 3　评论 —" in shown
    assert "HTTP" in shown or "网站报错 404" in shown
    assert PHONE not in shown
    assert NICKNAME not in shown
    rows = [json.loads(line) for line in trial.json_lines()]
    assert len(rows) == 3
    assert all({"post_id", "title", "published_at", "warnings"} <= row.keys() for row in rows)


def test_doubts_are_said(env, site):
    put_source(env, site.base)
    old = article(0).replace("2026-11-20 09:30", "2021-01-05 09:30")
    site.pages["/2026/0.html"] = old
    short = article(1)
    site.pages["/2026/1.html"] = (
        short[: short.index('<div class="nr">')] + '<div class="nr"><p>见附件</p></div></body></html>'
    )
    trial = try_source(env, "woheside")
    said = {post["title"]: warnings for post, warnings in zip(trial.posts, trial.warnings, strict=True)}
    assert "时间早于一年" in said[TITLES[0]]
    assert any("正文过短" in warning for warning in said[TITLES[1]])
    assert not said[TITLES[2]]


def test_pages_bounds_what_is_shown(env, site):
    put_source(env, site.base)
    trial = try_source(env, "woheside", pages=2)
    assert len(trial.posts) == 2
    with pytest.raises(UsageError, match="--pages"):
        try_source(env, "woheside", pages=0)


def test_nothing_read_is_said(env, site):
    put_source(env, site.base)
    site.pages["/list.html"] = "<html><body><p>改版了</p></body></html>"
    trial = try_source(env, "woheside")
    assert trial.read_nothing
    assert "一条也没有读到" in "\n".join(trial.lines())


def test_no_site_is_asked_without_a_review(env, site):
    put_source(env, "http://news.example")
    path = env.settings.config / "sources" / "woheside.toml"
    path.write_text(path.read_text("utf8").replace("min_delay_seconds = 0\n", ""), "utf8")
    with pytest.raises(UsageError, match="caifeng sources review woheside"):
        try_source(env, "woheside")
    with pytest.raises(UsageError, match="no such source"):
        try_source(env, "nobody")


def test_an_inbox_is_not_tried(env):
    inbox = (
        'id = "post"\nname = "来信"\nfamily = "inbox"\nclass = "manual"\nreach = "county"\n[columns]\ntext = "内容"\n'
    )
    (env.settings.config / "sources" / "post.toml").write_text(inbox, "utf8")
    with pytest.raises(UsageError, match="inbox"):
        try_source(env, "post")
