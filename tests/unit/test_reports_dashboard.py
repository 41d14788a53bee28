"""The dashboard: what it says, and that nothing scraped can act in it."""

import json
import re
from base64 import b64encode
from datetime import timedelta
from decimal import Decimal
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
    assert block(page(data)) == dashboard_json(data)
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
    (issue,) = block(html)["issues"]
    assert issue["title"] == HOSTILE.replace(" \u2028 ", "   ")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "", "//evil.example"])
def test_only_web_addresses_become_links(url: str) -> None:
    (issue,) = dashboard_json(invented.dashboard_data(invented.log(numbers=(415,), url=url)))["issues"]
    assert issue["url"] is None


def test_the_factors_re_add_exactly() -> None:
    issues = dashboard_json(invented.dashboard_data())["issues"]
    assert len(issues) == 8
    for issue in issues:
        shares = [Decimal(factor["share"]) for factor in issue["factors"]]
        for factor, share in zip(issue["factors"], shares, strict=True):
            assert Decimal(factor["points"]) * Decimal(factor["weight"].rstrip("%")) / 100 == share
        assert sum(shares) == Decimal(issue["sum"])
        assert abs(Decimal(issue["sum"]) - Decimal(issue["total"])) <= Decimal("0.05")


def test_factors_that_do_not_re_add_are_refused() -> None:
    with pytest.raises(DataError, match="YQ-2026-0415"):
        dashboard_json(invented.dashboard_data(invented.log(numbers=(415,), total=99.9)))


def test_a_day_that_was_not_run_is_unknown_and_a_quiet_day_is_zero() -> None:
    days = dashboard_json(invented.dashboard_data(invented.log(numbers=())))["days"]
    assert [day["day"] for day in days] == ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"]
    assert (days[1]["posts"], days[1]["issues"], days[1]["levels"]) == (None, None, None)
    assert set(days[3]["levels"].values()) == {0}


def test_an_issue_counts_once_in_the_topic_table() -> None:
    topics = dashboard_json(invented.dashboard_data())["topics"]
    assert sum(topic["total"] for topic in topics) == 8
    assert all(sum(topic["levels"].values()) == topic["total"] for topic in topics)


def test_zero_report_and_empty_tables() -> None:
    shown = dashboard_json(invented.dashboard_data(invented.log(numbers=()), is_sample=False))
    assert shown["zero"] == "当日未发现涉本单位统计工作舆情（零报告）。"
    assert shown["coverage"].startswith("5/6 个来源已巡查")
    assert shown["issues"] == []
    assert shown["sample"] == ""


def test_the_window_is_thirty_days() -> None:
    data = invented.dashboard_data()
    old = data.summaries.filter(day=invented.DAY).with_columns(pl.lit(invented.DAY - timedelta(days=30)).alias("day"))
    edge = old.with_columns(pl.lit(invented.DAY - timedelta(days=29)).alias("day"))
    longer = DashboardData(**{**vars(data), "summaries": pl.concat([old, edge, data.summaries])})
    days = dashboard_json(longer)["days"]
    assert len(days) == 30
    assert days[0]["posts"] == 37


def test_a_day_without_a_summary_is_refused() -> None:
    data = invented.dashboard_data()
    with pytest.raises(DataError, match="2026-11-22"):
        dashboard_json(
            DashboardData(**{**vars(data), "summaries": data.summaries.filter(pl.col("day") < invented.DAY)})
        )


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
