"""What the papers of a month's review are made from, and their words: figures, small numbers, comparisons.

Pure, no I/O. Unknown is — and zero is 0; a rate over fewer than 5 cases is printed as n=3, never as a percentage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.terms import LEVEL_NAMES, SOURCE_CLASS_NAMES
from caifeng.reports.words import LEVELS_ON_PAPER, UNKNOWN, number, printable

#: Below this denominator a percentage says nothing.
SMALL_NUMBER = 5
#: Unit of what was assigned to nobody (marts.kpi_unit).
UNASSIGNED = "unassigned"


@dataclass(frozen=True)
class MonthReview:
    """One month of the review marts. Frames have the columns of their contracts; times are UTC."""

    first: date
    """First day of the month."""
    last: date
    office: Office
    figures: pl.DataFrame
    """marts.review_month."""
    breakdown: pl.DataFrame
    """marts.review_breakdown."""
    issues: pl.DataFrame
    """marts.review_issues."""
    items: pl.DataFrame
    """marts.review_items."""
    units: pl.DataFrame
    """marts.kpi_unit."""
    states: Mapping[str, str]
    """State of a case -> its name on paper."""
    outcomes: Mapping[str, str]
    """Outcome of a verification -> its name on paper."""
    is_sample: bool = False
    """Made from the sample town: every paper says so."""

    def figure(self, name: str) -> dict[str, Any]:
        """One row of marts.review_month."""
        return self.figures.row(by_predicate=pl.col("figure") == name, named=True)

    @property
    def as_of(self) -> datetime:
        """Moment for which it was made, UTC."""
        at: datetime = self.figures["as_of"][0]
        return at


class Figure(NamedTuple):
    """A figure on paper."""

    name: str
    formula: str


FIGURES: dict[str, Figure] = {
    "observations": Figure("采集条数", "各日采集并可读的条数之和"),
    "posts_new": Figure("新增帖文", "各日首次看到的帖文之和"),
    "posts_relevant": Figure("涉统计帖文", "新增帖文中涉统计工作的"),
    "issues": Figure("发现事项", "发现时间（北京时间）在本月的事项，含背景、转办"),
    "issues_own": Figure("本单位事项", "发现事项中，不属背景、转办，未并案、未转出的"),
    "zero_report_days": Figure("零报告日数", "日志为零报告的天数"),
    "days_run": Figure("监测日完成率", "实际运行日数/启用后的日历日数"),
    "sources_checked": Figure("监测覆盖率", "已巡查（正常、静默）的来源次数/应巡查的来源次数，每来源每日一次"),
    "found_in_time": Figure(
        "及时发现率",
        "发布后 24 小时内发现（重大以上 2 小时）的本单位事项/发布时间足以判断的本单位事项",
    ),
    "self_found": Figure("首发现占比", "外部告知之前自行发现的/全部"),
    "missed": Figure("漏报率", "由上级或其他单位先告知的/全部"),
    "log_signed": Figure("日志完成率", "已签发的日志/本月应签发的日志（次一工作日 9:30 前签发，须为 100%）"),
    "confirm_on_time": Figure("按时确认率", "按时确认级别的/本月到期应确认的"),
    "level_agreed": Figure("定级一致率", "系统级别与确认级别相同的/本月确认级别的"),
    "report_inside_on_time": Figure("按时报告领导率", "按时报告的/本月到期应报告的"),
    "report_up_on_time": Figure("及时报送率", "按时归口报送的/本月到期应报送的"),
    "refer_on_time": Figure("按时转办率", "按时转办的/本月到期应转办的"),
    "assign_on_time": Figure("按时交办率", "按时交办的/应交办的"),
    "verify_on_time": Figure("按时核查率", "按时核查的/本月到期应核查的"),
    "respond_on_time": Figure("按时回应率", "首次公开回应不晚于时限的/本月到期应回应的"),
    "respond_5h": Figure("5小时达标率", "时限不超过 5 小时的首次回应中按时的"),
    "respond_24h": Figure("24小时达标率", "时限 5 小时以上至 24 小时的首次回应中按时的"),
    "respond_48h": Figure("48小时达标率", "时限 24 小时以上至 48 小时的首次回应中按时的"),
    "respond_final_on_time": Figure("按时正式回应率", "正式回应不晚于时限的/本月到期应正式回应的"),
    "press_conference_on_time": Figure("按时发布会率", "按时举行发布会的/本月到期应举行的"),
    "first_response_median": Figure("首次回应时长（中位数）", "本月首次公开回应的事项，自计时起的小时数"),
    "first_response_p90": Figure("首次回应时长（九成以内）", "九成事项在此小时数内首次回应"),
    "closed": Figure("办结率", "已办结的/最后一项核查、回应时限在本月到期的"),
    "closed_on_time": Figure("按期办结率", "按期办结的/到期应办结的"),
    "rectified_on_time": Figure("整改完成率", "按期完成的整改方案/到期的整改方案"),
    "result_told": Figure("结果公开率", "已通报办理结果的/本月核查属实、部分属实的"),
    "clarified": Figure("澄清率", "已正式回应的/本月核查不属实、误解的"),
    "suggestions_adopted": Figure("建议采纳公开率", "公开采纳情况的/采纳或部分采纳的建议"),
    "satisfied": Figure("诉求群众满意率", "满意的/回访的，只计渠道答复"),
    "published_on_time": Figure("主动公开及时率", "按计划日发布的/计划发布的"),
    "reopened": Figure("重开率", "办结后重新办理的/本月办结的"),
    "second_wave": Figure("二次舆情率", "回应后再起的/已回应的"),
    "returned": Figure("退回率", "报审后退回的/本月报审的"),
    "urged": Figure("督办次数", "发出督办单的次数"),
    "open_overdue": Figure("期末超期未办时限", "期末已到期、尚未办理的时限数，含此前月份到期的"),
    "duties_unknown": Figure("时限无法计算", "节假日安排未载入等原因算不出时限的事项"),
}

MISSING_WORDS = {
    "no_case": "本月没有可计的事项",
    "not_run": "本月没有运行",
    "no_register": "登记簿没有导出",
    "not_recorded": "系统尚无此项记录",
}

#: Why nothing records a figure yet, and what would.
NOT_RECORDED = {
    "self_found": "登记簿尚不记录事项由谁先告知",
    "missed": "登记簿尚不记录事项由谁先告知",
    "assign_on_time": "时限规则中没有交办时限",
    "closed_on_time": "时限规则中没有办结时限",
    "rectified_on_time": "登记簿尚无整改方案",
    "suggestions_adopted": "登记簿尚不记录采纳情况",
    "satisfied": "登记簿尚无回访记录",
    "published_on_time": "尚无发布计划表",
    "second_wave": "尚不识别二次舆情",
    "urged": "登记簿尚无督办记录",
}

DIMENSION_NAMES = {"level": "级别", "topic": "领域", "source_class": "来源类别"}


def month_name(first: date) -> str:
    """2026年11月."""
    return f"{first.year}年{first.month}月"


def value_text(row: Mapping[str, Any]) -> str:
    """Value of a figure as printed: 128; 12.5 小时（n=7）; 85.7%; n=3 below 5 cases; — where there is none."""
    if row["value"] is None:
        return UNKNOWN
    if row["kind"] == "count":
        return number(int(row["value"]))
    if row["denominator"] < SMALL_NUMBER:
        return f"n={row['denominator']}"
    return f"{row['value']:.1%}" if row["kind"] == "rate" else f"{row['value']:.1f} 小时"


def fraction_text(row: Mapping[str, Any]) -> str:
    """6/7 for a rate; the number of cases for hours; — where nothing is known."""
    if row["denominator"] is None:
        return UNKNOWN
    return f"{row['numerator']}/{row['denominator']}" if row["kind"] == "rate" else f"{row['denominator']} 件"


def change_text(row: Mapping[str, Any]) -> str:
    """环比 as printed: percent of counts and hours, percentage points of rates; — if small numbers are compared."""
    if row["change"] is None:
        return UNKNOWN
    if row["kind"] != "count" and min(row["denominator"], row["previous_denominator"]) < SMALL_NUMBER:
        return UNKNOWN
    if row["kind"] == "rate":
        points = round(100 * row["change"], 1)
        return "持平" if points == 0 else _signed(f"{points:+.1f}") + " 个百分点"
    return "持平" if row["change"] == 0 else _signed(f"{row['change']:+.1%}")


def previous_text(row: Mapping[str, Any]) -> str:
    """Value of the month before, printed by the same rules as this month's."""
    return value_text({"kind": row["kind"], "value": row["previous_value"], "denominator": row["previous_denominator"]})


def missing_text(row: Mapping[str, Any]) -> str:
    """Why a figure has no value; empty where it has one."""
    if row["missing"] is None:
        return ""
    return NOT_RECORDED.get(row["figure"], MISSING_WORDS[row["missing"]])


def item_name(row: Mapping[str, Any]) -> str:
    """Name of an item of marts.review_breakdown on paper."""
    if row["dimension"] == "level":
        return LEVEL_NAMES[row["item"]][0]
    return printable(row["name"] or SOURCE_CLASS_NAMES.get(row["item"], row["item"]))


def breakdown_rows(breakdown: pl.DataFrame, dimension: str) -> list[dict[str, Any]]:
    """Rows of one dimension in the order of the paper: levels highest first, the rest by number of issues."""
    rows = breakdown.filter(dimension=dimension).sort(pl.col("issues"), "item", descending=[True, False])
    listed = list(rows.iter_rows(named=True))
    if dimension == "level":
        listed.sort(key=lambda row: LEVELS_ON_PAPER.index(row["item"]))
    return listed


def ratio_text(change: float | None) -> str:
    """环比 of a count: +12.5%, 持平, —."""
    if change is None:
        return UNKNOWN
    return "持平" if change == 0 else _signed(f"{change:+.1%}")


def unit_name(unit: str | None, office: Office) -> str:
    """Name of a unit on paper; what was assigned to nobody is answered for by the openness office."""
    if unit is None or unit == UNASSIGNED:
        return f"{office.openness_office}（未交办）"
    return printable({each.id: each.name for each in office.units}.get(unit, unit))


def overview(review: MonthReview) -> str:
    """First paragraph: what was collected and found, by level, compared with the month before."""
    days = review.figure("days_run")
    if days["missing"] == "not_run":
        return "本月没有运行，没有数据。"
    found = review.figure("issues")
    levels = "、".join(
        f"{item_name(row)} {row['issues']} 件" for row in breakdown_rows(review.breakdown, "level") if row["issues"]
    )
    return (
        f"本月应监测 {days['denominator']} 日，实际运行 {days['numerator']} 日，"
        f"采集 {value_text(review.figure('observations'))} 条，"
        f"新增帖文 {value_text(review.figure('posts_new'))} 条，"
        f"涉统计 {value_text(review.figure('posts_relevant'))} 条；"
        f"发现事项 {value_text(found)} 件{'（' + levels + '）' if levels else ''}，"
        f"其中本单位事项 {value_text(review.figure('issues_own'))} 件；"
        f"零报告 {value_text(review.figure('zero_report_days'))} 日。"
        f"环比：发现事项 {change_text(found)}，涉统计帖文 {change_text(review.figure('posts_relevant'))}；同比："
        f"{ratio_text(found['change_on_year'])}。"
    )


def overdue_rows(review: MonthReview) -> pl.DataFrame:
    """Duties that were missed in the month or are open and overdue at its end, the oldest first.

    Returns:
        Columns of marts.review_items, `duty` (code) and `title` (null where the issue is older than the month).
    """
    titles = review.issues.select("issue_no", "title")
    late = review.items.filter(pl.col("figure").str.ends_with("_on_time") & ~pl.col("hit")).with_columns(
        duty=pl.col("figure").str.strip_suffix("_on_time")
    )
    # A duty of this month that is still open is in `late` already.
    older = (
        review.items.filter(figure="open_overdue")
        .with_columns(duty=pl.col("item").str.extract(r" (\w+)$"))
        .join(late, on=["issue_no", "duty", "due_at"], how="anti")
    )
    return pl.concat([late, older]).join(titles, on="issue_no", how="left").sort("due_at", "issue_no", "duty")


def problems(review: MonthReview) -> list[str]:
    """What the figures show and a person must explain; empty where nothing stands out."""
    said = []
    unsigned = review.items.filter(pl.col("figure") == "log_signed", ~pl.col("hit"))["item"].sort().to_list()
    if unsigned:
        named = "、".join(f"{day.month}月{day.day}日" for day in map(date.fromisoformat, unsigned))
        said.append(f"应签发而未签发的日志 {len(unsigned)} 份：{named}")
    days = review.figure("days_run")
    if days["value"] is not None and days["numerator"] < days["denominator"]:
        said.append(f"有 {days['denominator'] - days['numerator']} 日没有运行，这些日子的监测覆盖未知")
    broken = review.figure("sources_checked")
    if broken["value"] is not None and broken["numerator"] < broken["denominator"]:
        said.append(f"来源未巡查 {broken['denominator'] - broken['numerator']} 次（每来源每日一次）")
    late = overdue_rows(review)
    if late.height:
        said.append(f"逾期时限 {late.height} 项，其中未办 {late['done_at'].null_count()} 项")
    return said


def _signed(text: str) -> str:
    return text.replace("-", "−")
