"""An invented day for the tests of paper and dashboard: 8 issues, 6 sources (1 silent, 1 broken), 2 days before."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.core.clock import end_of_day, start_of_day
from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.model.office import Office
from caifeng.reports.dashboard import DashboardData
from caifeng.reports.day import DayReport

DAY = date(2026, 11, 22)
WEIGHTS = {"C": 25, "R": 20, "A": 25, "S": 15, "M": 15}
ROOT = Path(__file__).parents[2]

OFFICE = Office(
    name="样例县统计局",
    short_name="县统计局",
    county="样例县",
    county_short="样例",
    city="样例市",
    city_short="样市",
    province="样例省",
    province_short="样",
    place="999999",
    contact="office@example.org",
)

_COLUMNS = (
    *("number", "change", "hour", "title", "source_name", "source_class", "media_tier", "topic", "topic_name"),
    *("jurisdiction", "stance", "tone", "posts", "views", "reposts", "comments", "system_level"),
    *("C", "R", "A", "S", "M", "overrides", "response_value", "owner_unit", "competent_body", "suggestion"),
)
_ISSUES: list[tuple[Any, ...]] = [
    (415, "new", 8, "冒充普查员索要验证码，两个小区有人上当", "县融媒体·民声", "message_board", "county",
     "impostor_fraud", "冒充诈骗", "local", "complaint", "negative", 14, 5200, 46, 88, "major",
     100.0, 43.0, 62.4, 51.3, 48.0, ["O9", "O6"], "must", "普查中心", None, "report_and_verify"),
    (412, "tracked", 6, "网帖称“某镇人均收入数据是编出来的”", "样例论坛·民生", "board", "self",
     "data_fabrication", "数据造假", "local", "complaint", "negative", 5, 900, None, 20, "larger",
     85.0, 30.0, 24.1, 25.9, 15.0, ["O5"], "must", "执法监督股", None, "report_and_verify"),
    (416, "new", 9, "县长信箱：CPI 是怎么算的，为什么和买菜的感受不一样", "县长信箱", "message_board", "none",
     "price", "物价", "local", "question", "neutral", 1, 410, None, None, "general",
     35.0, 30.0, 16.4, 12.0, 0.0, ["O10"], "should", "综合股", "国家统计局样例调查队", "refer"),
    (417, "new", 11, "晚上八点还来入户登记，能不能提前说一声", "样例论坛·民生", "board", "self",
     "household_visit", "入户调查", "local", "complaint", "negative", 1, 340, 0, 6, "general",
     65.0, 30.0, 18.9, 14.7, 15.0, [], "should", "普查中心", None, "verify_and_answer"),
    (409, "tracked", 10, "三季度部门预算执行情况（三公经费）在哪里查", "县长信箱", "message_board", "none",
     "three_public", "三公经费", "local", "question", "neutral", 1, 122, None, 1, "general",
     50.0, 30.0, 9.1, 10.0, 0.0, [], "should", "政务公开办", None, "answer"),
    (418, "new", 13, "普查员大叔冒雨登记，点赞", "县门户网·要闻", "portal", "county",
     "praise_publicity", "正面宣传", "local", "praise", "positive", 3, None, None, None, "log_only",
     5.0, 30.0, 20.0, 0.0, 40.0, [], "log_only", "政务公开办", None, "log"),
    (419, "new", 7, "全国平均工资公布，网友热议“被平均”", "全国热榜", "hotlist", "central",
     "wage", "工资", "national", "neutral", "negative", 312, 2400000, 8100, 15200, "context",
     55.0, 88.0, 96.4, 62.0, 90.0, ["O9", "O12"], "log_only", "综合股", None, "log"),
    (420, "new", 15, "邻县农业普查补贴迟迟不发", "样例论坛·民生", "board", "self",
     "staff_conduct", "作风待遇", "other", "complaint", "negative", 2, 260, 1, 9, "refer_out",
     75.0, 32.0, 14.8, 20.0, 15.0, ["O11"], "refer_out", "执法监督股", None, "refer"),
]  # fmt: skip

_SOURCES: list[tuple[Any, ...]] = [
    ("county_portal", "县门户网·要闻", "portal", "ok", 12, 9, 3, 0, 41, 6, 2, 5, None),
    ("county_mailbox", "县长信箱", "message_board", "ok", 9, 9, 0, 0, 18, 4, 2, 6, None),
    (
        "county_media",
        "县融媒体·民声",
        "message_board",
        "silent",
        8,
        8,
        0,
        0,
        20,
        0,
        0,
        60,
        "静默 60 小时（设定 48 小时）",
    ),
    ("local_board", "样例论坛·民生", "board", "ok", 44, 43, 0, 1, 160, 38, 21, 1, "详情页 404×1"),
    ("city_paper", "样例日报数字报", "epaper", "broken", 3, 0, 0, 3, 0, 0, 0, None, "连接超时×3"),
    ("national_hot", "全国热榜", "hotlist", "ok", 24, 24, 0, 0, 1200, 71, 12, 2, None),
]


@cache
def contracts() -> dict[str, Contract]:
    return load_contracts(ROOT / "sql")


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=contracts()[table].polars_schema())


def issue_row(place: int, issue: tuple[Any, ...], day: date = DAY) -> dict[str, Any]:
    """One row of marts.daily_log; the total is computed, so that it re-adds."""
    row = dict(zip(_COLUMNS, issue, strict=True))
    number_, hour = row.pop("number"), row.pop("hour")
    tenths = (sum(WEIGHTS[factor] * round(10 * row[factor]) for factor in "CRASM") + 50) // 100
    detected = start_of_day(day) + timedelta(hours=hour, minutes=30)
    known = sum(row[measure] is not None for measure in ("views", "reposts", "comments")) + 1
    words = zip(("内容", "影响", "关注", "反响", "介入"), "CRASM", strict=True)
    return {
        **row,
        "seq": place,
        "issue_no": f"YQ-2026-{number_:04d}",
        "detected_at": detected,
        "summary": f"{row['title']}。发帖人说……",
        "url": f"https://forum.example/thread/{number_}.html",
        "first_published_at": detected - timedelta(minutes=42) if number_ % 3 else None,
        "confirmed_level": "larger" if number_ == 412 else None,
        "level_by_score": ["log_only", "general", "larger", "major", "extreme"][tenths // 200],
        "total": tenths / 10,
        "coverage": known / 4,
        "explanation": f"{tenths / 10} = "
        + " + ".join(f"{word}{row[factor]}×.{WEIGHTS[factor]}" for word, factor in words),
        "key_category": "O6" in row["overrides"],
        "sensitive": "O5" in row["overrides"] or "O6" in row["overrides"],
        "needs_review": number_ == 416,
        "as_of": end_of_day(day),
        "rule_version": "caifeng-1-9f2c",
    }


def log(day: date = DAY, numbers: tuple[int, ...] | None = None, **changes: Any) -> pl.DataFrame:
    """marts.daily_log with the issues of these numbers (all without); `changes` override columns of every row."""
    issues = [issue for issue in _ISSUES if numbers is None or issue[0] in numbers]
    rows = [{**issue_row(place, issue, day), **changes} for place, issue in enumerate(issues, 1)]
    return _frame("marts.daily_log", rows)


def escalations(log_frame: pl.DataFrame) -> pl.DataFrame:
    """marts.escalations as its SELECT makes it where nobody has acted and no due times are known."""
    level = pl.coalesce("confirmed_level", "system_level")
    schema = contracts()["marts.escalations"].polars_schema()
    unset = [name for name in schema if name not in log_frame.columns and name not in ("level", "report_to")]
    return (
        log_frame.with_columns(
            level.alias("level"),
            level.replace_strict(
                {"extreme": "chief", "major": "chief", "larger": "deputy"}, default=None, return_dtype=pl.String
            ).alias("report_to"),
        )
        .filter(
            pl.col("level").is_in(["larger", "major", "extreme", "refer_out"])
            | pl.col("response_value").is_in(["must", "should"])
            | pl.col("needs_review")
        )
        .sort("seq")
        .with_columns(*(pl.lit(None, schema[name]).alias(name) for name in unset))
        .with_columns(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("seq"),
            state=pl.lit("detected"),
            overdue_duties=pl.lit(0, pl.Int64),
            reported_to=pl.lit([], pl.List(pl.String)),
        )
        .select(list(schema))
    )


def health(day: date = DAY) -> pl.DataFrame:
    end = end_of_day(day)
    names = (
        "source_id", "name", "source_class", "status", "fetches", "fetches_ok", "fetches_not_modified",
        "fetches_failed", "observations", "posts_new", "posts_relevant", "last_new_post_at", "reason", "as_of",
    )  # fmt: skip
    phrases = {"ok": "正常", "silent": "静默", "broken": "故障", "not_run": "未采集"}
    rows = []
    for source in _SOURCES:
        hours = source[11]
        last = None if hours is None else end - timedelta(hours=hours)
        row = dict(zip(names, (*source[:11], last, source[12], end), strict=True))
        rows.append(
            row
            | {"newest_published_at": last, "posts_usual": 12.0, "untimed_share": 0.0, "agreement": None}
            | {"warnings": [], "phrase": phrases[row["status"]] + (f"，{row['reason']}" if row["reason"] else "")}
        )
    return _frame("marts.source_health", rows)


def summary(day: date, log_frame: pl.DataFrame, **changes: Any) -> dict[str, Any]:
    """The row of marts.daily_summary that belongs to a log; `changes` override it."""
    levels = dict(log_frame.group_by("system_level").len().iter_rows())
    own = log_frame.filter(pl.col("change") == "new", ~pl.col("system_level").is_in(["context", "refer_out"]))
    row = {
        "as_of": end_of_day(day),
        "rule_version": "caifeng-1-9f2c",
        "sources_planned": 6,
        "sources_ok": 4,
        "sources_checked": 5,
        "silent": ["县融媒体·民声"],
        "broken": ["样例日报数字报"],
        "not_run": [],
        "fetches": 100,
        "fetches_failed": 4,
        "observations": 1439,
        "posts_new": 119,
        "posts_relevant": 37,
        "rejected_unreadable": 0,
        "rejected_irrelevant": 82,
        "issues_new": log_frame.filter(change="new").height,
        "issues_tracked": log_frame.filter(change="tracked").height,
        **{
            level: levels.get(level, 0)
            for level in ("extreme", "major", "larger", "general", "log_only", "context", "refer_out")
        },
        "to_answer": log_frame.filter(pl.col("response_value").is_in(["must", "should"])).height,
        "zero_report": own.is_empty(),
        "previous_posts_relevant": 25,
        "previous_issues_new": 7,
        **changes,
    }
    return _frame("marts.daily_summary", [row]).row(0, named=True)


def report(log_frame: pl.DataFrame | None = None, *, is_sample: bool = True, **changes: Any) -> DayReport:
    """The papers of the invented day, or of another log; `changes` override the summary."""
    frame = log() if log_frame is None else log_frame
    return DayReport(DAY, OFFICE, summary(DAY, frame, **changes), frame, escalations(frame), health(), is_sample)


def dashboard_data(day_log: pl.DataFrame | None = None, *, is_sample: bool = True) -> DashboardData:
    """Four days, of which one was not run."""
    frame = log() if day_log is None else day_log
    first, before = DAY - timedelta(days=3), DAY - timedelta(days=1)
    logs = {first: log(first, (409,), change="new"), before: log(before, (409, 412, 419)), DAY: frame}
    figures = [
        {"day": day, **summary(day, rows, posts_relevant=count)}
        for (day, rows), count in zip(logs.items(), (9, 25, 37), strict=True)
    ]
    schema = {"day": pl.Date, **contracts()["marts.daily_summary"].polars_schema()}
    return DashboardData(
        day=DAY,
        office=OFFICE,
        summaries=pl.DataFrame(figures, schema=schema),
        log=pl.concat([rows.select(pl.lit(day).alias("day"), pl.all()) for day, rows in logs.items()]),
        health=health(),
        weights=WEIGHTS,
        is_sample=is_sample,
    )
