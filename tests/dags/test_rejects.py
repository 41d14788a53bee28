"""抽查: from a post held irrelevant, by a person's word, to a new issue, a label and a figure."""

import csv
import shutil
import sys
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from starlette.testclient import TestClient

from caifeng.cases.model import LABELS, GuardError, RoleError
from caifeng.core.clock import end_of_day
from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.import_file import import_file
from caifeng.jobs.publish import publish
from caifeng.jobs.quality import quality_listing
from caifeng.jobs.stages import run_stages
from caifeng.jobs.workbench import rejects
from caifeng.jobs.workbench.desk import Desk
from samples.config import write_config
from tests.dags.desk_home import HOSTILE, SOURCE
from tests.dags.test_plugin import Browser, active_parts

DAY = date(2026, 11, 20)
NINE = datetime(2026, 11, 20, 1, tzinfo=UTC)
POSTS = (
    ("请问蒙城县统计局CPI是怎么算的", "想问一下蒙城县统计局，居民消费价格指数是怎么算的？"),
    ("他们来家里问每月花多少钱", "说是抽中了我家，让天天记开支，到底图什么？" + "记账很麻烦。" * 40),
    ("庄子路口红绿灯坏了", "早高峰堵成一片。"),
    ("周末哪里钓鱼好", ""),
)
TITLE = POSTS[1][0]


@pytest.fixture(scope="module")
def pristine(pytestconfig, tmp_path_factory):
    """A home with one day found, graded and published; made once."""
    folder = tmp_path_factory.mktemp("rejects")
    config = folder / "config"
    write_config(pytestconfig.rootpath / "config", config, {"board": SOURCE}, 8000)
    file = folder / "found.csv"
    with file.open("w", encoding="utf8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["标题", "内容", "链接", "时间"])
        rows = enumerate(POSTS, start=1)
        writer.writerows([*post, f"https://board.example/{n}", f"2026-11-20 0{n}:00"] for n, post in rows)
    settings = Settings(home=folder / "home", config=config, as_of=NINE)
    assert import_file(Env.open(settings), file, "board").posts == len(POSTS)
    run(settings, DAY)
    return folder


@pytest.fixture
def home(pristine, tmp_path):
    """Settings of a copy of that home to act in."""
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    return Settings(home=tmp_path / "home", config=tmp_path / "config", as_of=NINE)


def run(settings, day, as_of=None):
    assert len(list(run_stages(settings, day, as_of=as_of))) >= 7
    publish(Env.open(settings))


def at(settings, moment):
    return settings.model_copy(update={"as_of": moment})


def post_id(settings, title):
    rejected = Env.open(settings).lake.read_range("clean.rejects", DAY, DAY)
    return rejected.filter(title=title)["post_id"].item()


def titles(settings, day):
    return sorted(Env.open(settings).lake.read("graded.posts", day)["title"])


def test_a_rejected_post_is_shown_judged_and_taken_in(home):
    noon = at(home, NINE + timedelta(hours=3))
    desk = Desk.open(noon)
    page = rejects.rejects_page(desk)
    assert (page.week, page.final, page.left) == ("2026-W47", False, 3)
    shown = {one.title: one for one in page.sampled}
    assert set(shown) == {title for title, _ in POSTS[1:]}
    assert 0 < len(shown[TITLE].excerpt) <= 120
    assert shown[POSTS[3][0]].excerpt == ""
    assert {one.why for one in page.sampled} == {"没有统计用语"}
    rejects.answer(desk, "office", "openness_office", shown[TITLE].post_id, relevant=True, topic="household_visit")
    rejects.answer(desk, "office", "openness_office", shown[POSTS[2][0]].post_id, relevant=False)
    assert rejects.rejects_page(desk).left == 1
    run(noon, DAY, NINE + timedelta(hours=4))
    assert titles(noon, DAY) == sorted([POSTS[0][0], TITLE])
    env = Env.open(noon)
    taken = env.lake.read("graded.posts", DAY).filter(title=TITLE).row(0, named=True)
    assert (taken["reason"], taken["topic"], taken["evidence"][0]) == ("judged", "household_visit", "label:no_term#1")
    assert env.lake.read("graded.issues", DAY).filter(title=TITLE)["topic"].to_list() == ["household_visit"]
    said = env.lake.read("ops.labels", DAY).select("kind", "machine", "person", "reason").sort("kind", "person").rows()
    assert said == [
        ("relevance", "irrelevant", "irrelevant", "no_term"),
        ("relevance", "irrelevant", "relevant", "no_term"),
        ("topic", None, "household_visit", None),
    ]
    # what was drawn stays drawn; the week's figures know of it
    page = rejects.rejects_page(desk)
    assert (len(page.sampled), page.left) == (3, 1)
    assert page.figures[0].totals[0].basis == "抽查 2 条，应收 1 条，代表 3 条"
    listing = quality_listing(env, "2026-W47")
    assert {cells[:2] for cells in listing.cells} == {("2026-W47", "11月16日至11月22日")}
    assert any("抽查 2 条" in cells[-1] for cells in listing.cells)
    with pytest.raises(UsageError, match="2026-W46"):
        quality_listing(env, "2026-W46")


def test_a_post_taken_in_later_counts_on_the_day_of_the_decision(home):
    monday = DAY + timedelta(days=3)
    before = Env.open(home).lake.read("graded.posts", DAY)
    later = at(home, end_of_day(monday) - timedelta(hours=9))
    desk = Desk.open(later)
    page = rejects.rejects_page(desk)
    assert (page.week, page.final) == ("2026-W47", True)
    rejects.answer(desk, "office", "openness_office", post_id(home, TITLE), relevant=True, topic="household_visit")
    run(later, monday)
    assert titles(later, monday) == [TITLE]
    # the day on which it was found stays as it was, and tomorrow it does not come again
    run(later, DAY)
    assert Env.open(later).lake.read("graded.posts", DAY).equals(before)
    tuesday = at(home, end_of_day(monday + timedelta(days=1)))
    run(tuesday, monday + timedelta(days=1))
    assert titles(tuesday, monday + timedelta(days=1)) == []
    run(tuesday, monday)
    assert titles(tuesday, monday) == [TITLE]


def test_a_post_is_shut_out(home):
    env = Env.open(home)
    wrong = env.lake.read("graded.posts", DAY)["post_id"].item()
    desk = Desk.open(at(home, NINE + timedelta(hours=1)))
    rejects.answer(desk, "office", "openness_office", wrong, relevant=False, reason="说的是别的事")
    run(home, DAY, NINE + timedelta(hours=2))
    assert titles(home, DAY) == []
    row = env.lake.read("clean.rejects", DAY).filter(post_id=wrong).row(0, named=True)
    assert row["reason"] == "judged"
    assert row["detail"].startswith("label:")
    label = env.lake.read("ops.labels", DAY).row(0, named=True)
    assert (label["machine"], label["person"]) == ("relevant", "irrelevant")
    assert label["evidence"]
    assert rejects.rejects_page(desk).left == 3


def test_what_cannot_be_said(home):
    desk = Desk.open(home)
    known = post_id(home, TITLE)
    with pytest.raises(GuardError, match="请选择领域"):
        rejects.answer(desk, "office", "openness_office", known, relevant=True)
    with pytest.raises(UsageError, match="没有这个领域"):
        rejects.answer(desk, "office", "openness_office", known, relevant=True, topic="weather")
    with pytest.raises(UsageError, match="没有这条帖文"):
        rejects.answer(desk, "office", "openness_office", "f" * 16, relevant=False)
    for user, role in (("office", "deputy"), ("analyst", "auditor"), ("nobody", "monitor")):
        with pytest.raises(RoleError):
            rejects.answer(desk, user, role, known, relevant=False)
    with pytest.raises(UsageError, match="no such week"):
        rejects.rejects_page(desk, "2026-99")
    assert desk.register.events(LABELS) == ()


def test_a_home_without_data_has_an_empty_page(root, tmp_path):
    desk = Desk.open(Settings(home=tmp_path, config=root / "config", as_of=NINE))
    page = rejects.rejects_page(desk)
    assert (page.sampled, page.figures, page.week) == ((), (), "2026-W47")


def test_the_marts_hold_no_text_of_rejected_posts(home):
    desk = Desk.open(home)
    drawn = desk.read("marts.reject_sample")
    assert drawn.height == 3
    words = " ".join(str(value) for value in drawn.select(pl.col(pl.String)).to_numpy().ravel())
    assert not any(title in words for title, _ in POSTS)


@pytest.fixture
def browse(home, pytestconfig, monkeypatch):
    sys.path.append(str(pytestconfig.rootpath / "plugins"))
    from caifeng_web import app, login

    for name, value in (("HOME", home.home), ("CONFIG", home.config), ("AS_OF", "2026-11-20T12:00:00+08:00")):
        monkeypatch.setenv(f"CAIFENG_{name}", str(value))

    def client(user):
        pages = app.application()
        pages.dependency_overrides[login.signed_in] = lambda: user
        return Browser(TestClient(pages, base_url="http://testserver", follow_redirects=True))

    yield client
    app.application().dependency_overrides.clear()


def test_the_page_escapes_and_its_forms_answer(browse, home):
    office = browse("office")
    lake = Env.open(home).lake
    # cleaning takes such things out; pages must not rely on it
    hostile = lake.read("clean.rejects", DAY).with_columns(title=pl.lit(HOSTILE), url=pl.lit("javascript:alert(3)"))
    lake.replace("clean.rejects", DAY, hostile, "understand")
    page = office.get("/rejects")
    assert page.status_code == 200
    assert "&lt;script&gt;" in page.text
    assert "javascript:" not in page.text
    assert active_parts(page.text) == []
    refused = office.send("/rejects", "/rejects", answer="relevant")
    assert refused.status_code == 422
    assert "请选择领域" in refused.text
    done = office.send("/rejects", "/rejects", answer="irrelevant", reason="讲的是别的")
    assert "已登记" in done.text
    assert "待判 2 条" in done.text
    done = office.send("/rejects", "/rejects", answer="relevant", topic="household_visit")
    assert "下一次整理后收录" in done.text
    assert len(Desk.open(home).register.events(LABELS)) == 2
    assert office.client.post("/rejects", data={"post_id": "x"}).status_code == 403
    assert office.get("/rejects?week=2026-W99").status_code == 404


def test_who_may_not_judge_gets_no_form(browse):
    text = browse("leader").get("/rejects").text
    assert TITLE in text
    assert "<form" not in text
