"""docs/trace.md on the sample town: every number is what stands behind it, down to the rows as they were fetched."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import duckdb
import pytest

from caifeng.core import clock
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.publish import publish
from caifeng.jobs.review import build_review
from tests.e2e.sabotage import ROOT


class Traced(NamedTuple):
    """What the two queries say."""

    on_paper: float | None
    counted: int
    issues: list[str]
    posts: list[str]
    raw: list[tuple[str, ...]]
    """post_id, source_id, url, observed_at, …"""


def page() -> tuple[str, dict[str, str]]:
    """The second query, and the first ones by their titles."""
    text = (ROOT / "docs" / "trace.md").read_text("utf8")
    begin, first = text.split("\n## The first query\n")
    (second,) = re.findall(r"```sql\n(.*?)```", begin, re.DOTALL)
    titles = re.findall(r"^### \d+\. (\S+) · .*?```sql\n(.*?)```", first, re.DOTALL | re.MULTILINE)
    return second, dict(titles)


SECOND, FIRST = page()


@pytest.fixture(scope="module")
def analytics(town, tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published copy of a town whose month was reviewed."""
    home = tmp_path_factory.mktemp("trace") / "home"
    shutil.copytree(town.home, home)
    last = town.story.days[-1]
    env = Env.open(Settings(home=home, config=town.config, as_of=clock.end_of_day(last)))
    build_review(env, env.warehouse, f"{last:%Y-%m}", clock.end_of_day(last))
    publish(env)
    with duckdb.connect(str(env.settings.analytics_file), read_only=True) as connection:  # noqa: TID251 - as people do
        connection.execute(f"SET file_search_path = '{home}'; SET TimeZone = 'Asia/Shanghai'")
        yield connection


def trace(analytics: duckdb.DuckDBPyConnection, title: str, day) -> Traced:
    first = FIRST[title].strip().rstrip(";")
    analytics.execute(f"SET VARIABLE day = DATE '{day}'")
    row = analytics.execute(first).fetchone()
    assert row is not None
    analytics.execute(f"SET VARIABLE posts = (SELECT posts FROM ({first}))")
    return Traced(*row, analytics.execute(SECOND).fetchall())


def days_of(town, title: str) -> list:
    last = town.story.days[-1]
    return (
        [(last.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)]
        if "月报" in title
        else [*town.story.days]
    )


def test_there_are_at_least_six():
    assert len(FIRST) >= 6


@pytest.mark.parametrize("title", FIRST)
def test_a_number_is_what_stands_behind_it(town, analytics, title):
    seen = 0
    for day in days_of(town, title):
        found = trace(analytics, title, day)
        assert found.on_paper == found.counted
        assert {row[0] for row in found.raw} == set(found.posts)  # each has a raw row
        assert len(found.posts) == len(set(found.posts))
        assert bool(found.posts) == bool(found.counted)
        assert all(row[2] for row in found.raw)
        seen += found.counted
    assert seen > 0, "nothing was traced"


def test_a_number_that_is_wrong_is_noticed(town, analytics, tmp_path):
    """The queries count anew: they do not read the number that they are to check."""
    home = tmp_path / "home"
    town_home = analytics.execute("SELECT current_setting('file_search_path')").fetchone()[0]
    shutil.copytree(town_home, home)
    day = town.story.days[-1]
    with duckdb.connect(str(home / "analytics.duckdb")) as forged:  # noqa: TID251 - as a forger does
        forged.execute(f"SET file_search_path = '{home}'; SET TimeZone = 'Asia/Shanghai'")
        forged.execute("UPDATE marts.daily_summary SET issues_new = issues_new + 1, general = general + 1,"
                       " to_answer = to_answer + 1, posts_relevant = posts_relevant + 1,"
                       " observations = observations + 1, rejected_irrelevant = rejected_irrelevant + 1")  # fmt: skip
        forged.execute("UPDATE marts.daily_log SET posts = posts + 1")
        forged.execute("UPDATE marts.source_health SET posts_new = posts_new + 1")
        forged.execute("UPDATE marts.review_month SET value = value + 1")
        for title in FIRST:
            found = trace(forged, title, days_of(town, title)[-1])
            assert found.on_paper == found.counted + 1, (title, day)


def test_every_issue_of_the_log_leads_to_its_posts(town, analytics):
    query = FIRST["事项的帖文数"]
    inner = "ORDER BY posts DESC, issue_no LIMIT 1"
    assert inner in query
    swept = 0
    for day in town.story.days:
        numbers = analytics.execute("SELECT issue_no, posts FROM marts.daily_log WHERE day = ?", [day]).fetchall()
        analytics.execute(f"SET VARIABLE day = DATE '{day}'")
        for issue_no, posts in numbers:
            found = analytics.execute(query.replace(inner, f"AND issue_no = '{issue_no}'")).fetchone()
            assert found[:3] == (posts, posts, [issue_no])
            swept += 1
    assert swept > 20
