"""The dashboard of a home that was run: day and period are written, and every query gives the number beside it."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from caifeng.jobs.base import Env
from caifeng.jobs.dashboard import dashboard_file, write_dashboard
from tests.browser.week_home import MONDAY, WEDNESDAY, add_day, make_week

pytestmark = pytest.mark.slow


def shown_in(file: Path):
    (block,) = re.findall(r'(?s)id="data">(.*?)</script>', file.read_text("utf8"))
    return json.loads(block)


def test_day_and_period_say_what_their_queries_say(root, tmp_path, monkeypatch):
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-18T09:00:00+08:00")
    settings = make_week(root, tmp_path)
    add_day(settings, WEDNESDAY, tmp_path)
    env = Env.open(settings)
    swept = 0
    with duckdb.connect(str(settings.analytics_file), read_only=True) as analytics:  # noqa: TID251 - as an analyst
        for first in (None, MONDAY):
            path = dashboard_file(env, WEDNESDAY, first)
            write_dashboard(env, path, WEDNESDAY, first)
            shown = shown_in(path)
            for figure in shown["figures"]:
                ((value,),) = analytics.execute(figure["sql"]).fetchall()
                assert figure["value"].replace(",", "") == str(value), figure
                swept += 1
            for query in shown["queries"].values():
                analytics.execute(query)
            topics = analytics.execute(shown["queries"]["topics"]).fetchall()
            assert sum(row[-1] for row in topics) == len(shown["issues"]["columns"]["no"]) > 0
            assert shown["posts"]["columns"]["i"]
            assert shown["heat"]["i"]
            assert shown["topicPosts"]
    assert swept == 13
