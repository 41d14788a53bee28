"""The dashboard of a quarter with 1,000 and 10,000 issues: seconds, memory and size to make it, how fast it filters.

The issues are those of tests/golden/invented.py under other numbers and titles, each in the log of three days, with
ledger, heat and posts. The page is opened in Chromium; without it these figures are left out.
"""

from __future__ import annotations

import random
import resource
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any

import polars as pl

from caifeng.core.clock import start_of_day
from caifeng.reports.dashboard import DashboardData, dashboard_html, echarts_source
from tests.browser.chromium import Page, chromium
from tests.golden import invented

#: A month's and ten times as many.
ISSUES = (1_000, 10_000)
FIRST, LAST = date(2026, 10, 1), date(2026, 12, 31)
#: Days in a row on which an issue is in the log, and posts that can be followed from it.
DAYS_EACH, POSTS_EACH = 3, 5
_TIMES = 5
_WORDS = "统计数据收入物价调查普查企业农村人口就业粮食工资公报解读核实回应镇街道居民发布"
#: What is done to the page: a word that is searched for, and choices of other kinds.
_FILTERS = {"words": "核实", "level": None, "topic": None, "unit": None}
_FILTER = """(() => {{ const e = document.querySelector('[name={name}]'); const before = performance.now();
  e.value = {value}; e.dispatchEvent(new Event('{event}')); document.body.offsetHeight;
  const worked = performance.now() - before; window.shown = null;
  requestAnimationFrame(() => setTimeout(() => {{ window.shown = performance.now() - before; }}));
  return worked; }})()"""


def run(issues: tuple[int, ...] = ISSUES) -> dict[str, Any]:
    """Make the page and filter it, by number of issues."""
    return {"by_issues": {str(number): measure(number) for number in issues}}


def measure(issues: int) -> dict[str, Any]:
    """Make the page of so many issues and filter it. No post has the title of another: nothing is saved by that.

    Returns:
        `seconds`, `cpu_seconds` and `peak_mb` (of this process, before the browser) of making it, `megabytes` of the
        file, `filter_ms`: by filter the median of its script and layout (`worked`) and until it is painted (`shown`).
    """
    data = invented_quarter(issues)
    started, worked = perf_counter(), process_time()
    html = dashboard_html(data, echarts_source())
    found: dict[str, Any] = {
        "issues": data.issues.height,
        "log_rows": data.log.height,
        "seconds": round(perf_counter() - started, 2),
        "cpu_seconds": round(process_time() - worked, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "megabytes": round(len(html.encode()) / 1e6, 2),
    }
    if not shutil.which("chromium"):
        return found
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dashboard.html"
        path.write_text(html, "utf8")
        with chromium(Path(folder) / "profile") as page:
            page.open(path.as_uri())
            if page.errors or page.run("document.body.dataset.ready") != "1":
                raise ValueError(f"the page did not come up: {page.errors}")
            return {**found, "filter_ms": {name: _filtered(page, name, value) for name, value in _FILTERS.items()}}


def _filtered(page: Page, name: str, value: str | None) -> dict[str, float]:
    event, chosen = ("input", repr(value)) if value else ("change", "e.options[1].value")
    times: dict[str, list[float]] = {"worked": [], "shown": []}
    for _ in range(_TIMES):
        page.run("document.querySelector('#reset').click()")
        sleep(0.3)
        times["worked"].append(page.run(_FILTER.format(name=name, value=chosen, event=event)))
        while page.run("window.shown") is None:
            sleep(0.05)
        times["shown"].append(page.run("window.shown"))
    return {kind: round(median(found), 1) for kind, found in times.items()}


def invented_quarter(issues: int) -> DashboardData:
    """A period of 92 days with so many issues, found evenly over its days."""
    chance = random.Random(1)  # noqa: S311 - no secret
    span = (LAST - FIRST).days + 1 - DAYS_EACH
    known = invented.log()
    names = pl.DataFrame(
        {
            "issue_no": [f"YQ-2026-{number:05d}" for number in range(1, issues + 1)],
            "title": ["".join(chance.choices(_WORDS, k=chance.randint(12, 28))) for _ in range(issues)],
            "place": [number % known.height for number in range(issues)],
            "found": [FIRST + timedelta(days=number * span // issues) for number in range(issues)],
            "views": [chance.randint(10, 90_000) for _ in range(issues)],
        },
        schema_overrides={"place": pl.UInt32},
    )
    each = (
        known.drop("issue_no", "title", "views", "url", "detected_at", "confirmed_level")
        .with_row_index("place")
        .join(names, on="place")
        .with_columns(
            confirmed_level=pl.lit(None, pl.String),
            detected_at=pl.col("found").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=3),
            url=pl.format("https://forum.example/thread/{}.html", "issue_no"),
        )
    )
    log = each.join(pl.DataFrame({"after": range(DAYS_EACH)}), how="cross").with_columns(
        day=pl.col("found") + pl.duration(days=pl.col("after")),
        change=pl.when(after=0).then(pl.lit("new")).otherwise(pl.lit("tracked")),
    )
    confirmed = pl.col("detected_at") + pl.duration(hours=1)
    ledger = each.select(
        "issue_no", day="found", level=pl.lit(None, pl.String), state=pl.lit("responded"), unit=pl.lit("social"),
        confirmed_level=pl.lit(None, pl.String), confirmed_at=confirmed, assigned_at=confirmed,
        verified_at=confirmed + pl.duration(hours=20), first_response_at=confirmed + pl.duration(hours=30),
        final_response_at=confirmed + pl.duration(hours=30), closed_at=pl.lit(None, pl.Datetime("us", "UTC")),
        next_due_at=pl.lit(None, pl.Datetime("us", "UTC")), next_duty=pl.lit(None, pl.String),
        confirm_on_time=pl.lit(True), verify_on_time=pl.lit(True),
        respond_on_time=pl.col("issue_no").str.ends_with("7").not_(),
    )  # fmt: skip
    posts = each.join(pl.DataFrame({"number": range(POSTS_EACH)}), how="cross").select(
        "issue_no", pl.format("{}（{}）", "title", "number").alias("title"), "source_name",
        (pl.col("detected_at") + pl.duration(hours=pl.col("number"))).alias("published_at"),
        pl.format("https://forum.example/post/{}-{}.html", "issue_no", "number").alias("url"),
    )  # fmt: skip
    summaries = [
        {"day": day, **invented.summary(day, known), "as_of": start_of_day(day)}
        for day in (FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1))
    ]
    schema = {"day": pl.Date, **invented.contracts()["marts.daily_summary"].polars_schema()}
    return DashboardData(
        day=LAST,
        first=FIRST,
        office=invented.OFFICE,
        summaries=pl.DataFrame(summaries, schema=schema),
        log=log.select("day", *known.columns),
        health=invented.health(),
        weights=invented.WEIGHTS,
        ledger=ledger,
        heat=log.select(
            "issue_no", "day", posts_new=pl.lit(2, pl.Int64), views="views", reposts=pl.lit(1, pl.Int64)
        ),
        posts=posts,
        states={"responded": "已回应"},
    )  # fmt: skip
