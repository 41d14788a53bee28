"""The dashboard: what it says, and that nothing scraped can act in it."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from importlib.resources import files
from typing import Any

import polars as pl
import pytest

from caifeng.core.errors import DataError
from caifeng.reports.dashboard import DashboardData, dashboard_html, dashboard_json, echarts_source
from tests.golden import invented
from tests.golden.compare import assert_golden

HOSTILE = "</script><script>alert(1)</script><!-- {{ 7*7 }} $data \u2028 =cmd|' /C calc'!A0"


def page(data: DashboardData) -> str:
    return dashboard_html(data, "/* echarts */")


def block(html: str) -> Any:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    return json.loads(text)


def test_what_the_page_shows() -> None:
    text = json.dumps(dashboard_json(invented.dashboard_data()), ensure_ascii=False, indent=1)
    assert_golden("dashboard.json", text + "\n")


def test_the_page_itself() -> None:
    html = page(invented.dashboard_data())
    html = re.sub(r"(?s)(<script[^>]*>|<style>).*?(</script>|</style>)", r"\1…\2", html)
    html = re.sub(r"sha256-[\w+/=]+", "sha256-…", html)
    assert_golden("dashboard.html", html)


def test_the_page_carries_exactly_its_data() -> None:
    data = invented.dashboard_data()
    assert block(page(data)) == json.loads(json.dumps(dashboard_json(data)))
    assert page(data) == page(data)


def test_only_the_two_inlined_scripts_may_run() -> None:
    html = dashboard_html(invented.dashboard_data(), echarts_source())
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2
    hashes = [b64encode(sha256(script.encode()).digest()).decode() for script in scripts]
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert html.index("Content-Security-Policy") < html.index("<script")


def test_nothing_is_fetched_from_outside() -> None:
    html = page(invented.dashboard_data())
    rest = re.sub(r'(?s)<script type="application/json".*?</script>', "", html)
    assert "<script" in rest
    assert not re.search(r"https?://|src=|@import|url\(|<link|<img|<iframe", rest)


def test_the_script_never_makes_markup_of_text() -> None:
    script = (files("caifeng.reports") / "assets" / "dashboard.js").read_text("utf8")
    assert "textContent" in script
    assert 'rel: "noopener noreferrer"' in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


def test_hostile_text_cannot_leave_the_data_block() -> None:
    log = invented.log(numbers=(415,), title=HOSTILE, source_name=HOSTILE, owner_unit=HOSTILE, topic_name=HOSTILE)
    html = page(invented.dashboard_data(log))
    assert html.count("</script>") == page(invented.dashboard_data()).count("</script>")
    assert "<script>alert" not in html
    issues = block(html)["issues"]
    printed = HOSTILE.replace(" \u2028 ", "   ")
    assert issues["columns"]["title"].count(printed) == 1
    assert printed in issues["topics"]
    assert printed in issues["sources"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "", "//evil.example"])
def test_only_web_addresses_become_links(url: str) -> None:
    shown = dashboard_json(invented.dashboard_data(invented.log(numbers=(415,), url=url)))
    columns = shown["issues"]["columns"]
    place = columns["no"].index("YQ-2026-0415")
    assert columns["at1"][place] is None
    assert shown["addresses"][columns["at0"][place]] == ""


def test_addresses_are_put_together_again() -> None:
    shown = dashboard_json(invented.dashboard_data())
    columns, addresses = shown["issues"]["columns"], shown["addresses"]
    urls = [addresses[start] + rest for start, rest in zip(columns["at0"], columns["at1"], strict=True)]
    assert sorted(urls) == sorted(invented.log()["url"])


def test_the_factors_re_add_exactly() -> None:
    issues = dashboard_json(invented.dashboard_data())["issues"]
    columns = issues["columns"]
    assert len(columns["no"]) == 8
    for place, total in enumerate(columns["total"]):
        added = sum(columns[factor][place] * weight for factor, _, weight in issues["factors"])
        assert (added + 50) // 100 == total


def test_factors_that_do_not_re_add_are_refused() -> None:
    with pytest.raises(DataError, match="YQ-2026-0415"):
        dashboard_json(invented.dashboard_data(invented.log(numbers=(415,), total=99.9)))


def test_a_day_that_was_not_run_is_unknown_and_a_quiet_day_is_zero() -> None:
    axis = dashboard_json(invented.dashboard_data(invented.log(numbers=())))["axis"]
    assert axis["days"] == ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"]
    assert (axis["posts"][1], axis["issues"][1]) == (None, None)
    assert (axis["posts"][3], axis["issues"][3]) == (37, 0)


def test_an_issue_stands_once_and_its_log_by_day() -> None:
    shown = dashboard_json(invented.dashboard_data())
    numbers = shown["issues"]["columns"]["no"]
    assert len(set(numbers)) == len(numbers) == 8
    logged = [
        (numbers[place], shown["axis"]["days"][day])
        for place, day in zip(shown["log"]["i"], shown["log"]["d"], strict=True)
    ]
    assert [day for number, day in logged if number == "YQ-2026-0412"] == ["2026-11-21", "2026-11-22"]
    assert logged.count(("YQ-2026-0409", "2026-11-19")) == 1


def test_a_long_period_is_shown_by_week() -> None:
    data = invented.dashboard_data()
    axis = dashboard_json(replace(data, first=date(2026, 7, 1)))["axis"]
    assert len(axis["days"]) == 145
    assert axis["byWeek"]
    buckets = axis["buckets"]
    assert [day for begin, end in buckets for day in range(begin, end + 1)] == list(range(145))
    assert all(date.fromisoformat(axis["days"][begin]).weekday() == 0 for begin, _ in buckets[1:])


def test_every_part_names_its_query() -> None:
    shown = dashboard_json(invented.dashboard_data())
    assert len(shown["figures"]) == 7
    assert all(figure["sql"].startswith("SELECT ") for figure in shown["figures"])
    assert "关联，不证明因果" in shown["caution"]


def test_zero_report_and_empty_tables() -> None:
    shown = dashboard_json(invented.dashboard_data(invented.log(numbers=()), is_sample=False))
    assert shown["zero"] == "当日未发现涉本单位统计工作舆情（零报告）。"
    assert shown["coverage"].startswith("5/6 个来源已巡查")
    assert shown["log"]["d"].count(3) == 0
    assert shown["sample"] == ""


def test_the_window_is_thirty_days() -> None:
    data = invented.dashboard_data()
    old = data.summaries.filter(day=invented.DAY).with_columns(pl.lit(invented.DAY - timedelta(days=30)).alias("day"))
    edge = old.with_columns(pl.lit(invented.DAY - timedelta(days=29)).alias("day"))
    longer = replace(data, summaries=pl.concat([old, edge, data.summaries]))
    axis = dashboard_json(longer)["axis"]
    assert len(axis["days"]) == 30
    assert axis["posts"][0] == 37


def test_a_day_without_a_summary_is_refused() -> None:
    data = invented.dashboard_data()
    with pytest.raises(DataError, match="2026-11-22"):
        dashboard_json(replace(data, summaries=data.summaries.filter(pl.col("day") < invented.DAY)))


def test_the_drawing_library_is_the_published_one() -> None:
    assets = files("caifeng.reports") / "assets"
    digest, name = (assets / "echarts.min.js.sha256").read_text().split()
    content = (assets / name).read_bytes()
    assert sha256(content).hexdigest() == digest
    assert b'"6.1.0"' in content
    assert b"</script" not in content.lower()
    assert b"\r" not in content
    assert "Apache License" in (assets / "echarts.LICENSE").read_text()
    assert "Apache ECharts" in (assets / "echarts.NOTICE").read_text()
