"""What the papers of a month's, quarter's or year's review are made from, and their words.

Pure, no I/O. Unknown is — and zero is 0; a rate over few cases is printed as n=3, never as a percentage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.core.model.office import Office
from caifeng.core.model.publications import Period
from caifeng.core.model.review import ReviewRules, months_of
from caifeng.core.model.terms import LEVEL_NAMES, SOURCE_CLASS_NAMES
from caifeng.reports.words import LEVELS_ON_PAPER, UNKNOWN, number, printable

#: Unit of what was assigned to nobody (marts.kpi_unit).
UNASSIGNED = "unassigned"
#: Who noted an entry of the practice library that a crawler found.
FOUND = "自动采集"


class PeriodWords(NamedTuple):
    """What the papers call a kind of period."""

    title: str
    this: str
    before: str


PERIOD_WORDS: dict[str, PeriodWords] = {
    "month": PeriodWords("月报", "本月", "上月"),
    "quarter": PeriodWords("季报", "本季度", "上季度"),
    "year": PeriodWords("年度总结", "本年", "上年"),
}


@dataclass(frozen=True)
class PeriodReview:
    """One period of the review marts. Frames have the columns of their contracts; times are UTC."""

    period: Period
    office: Office
    figures: pl.DataFrame
    """marts.review_month, review_quarter or review_year."""
    months: pl.DataFrame
    """marts.review_month of the months of the period that were run; of a month itself."""
    breakdown: pl.DataFrame
    """marts.review_breakdown."""
    issues: pl.DataFrame
    """marts.review_issues."""
    items: pl.DataFrame
    """marts.review_items."""
    units: pl.DataFrame
    """marts.kpi_unit."""
    improvements: pl.DataFrame
    """marts.improvements."""
    practices: pl.DataFrame
    """marts.practice_library."""
    season: pl.DataFrame
    """marts.review_season."""
    sensitivity: pl.DataFrame
    """marts.review_rules."""
    topics: Mapping[str, str]
    """Topic id -> its name on paper."""
    rules: ReviewRules
    states: Mapping[str, str]
    """State of a case -> its name on paper."""
    outcomes: Mapping[str, str]
    """Outcome of a verification -> its name on paper."""
    forms: Mapping[str, str]
    """Form of an answer -> its name on paper."""
    measure_states: Mapping[str, str]
    """State of an improvement measure -> its name on paper."""
    is_sample: bool = False
    """Made from the sample town: every paper says so."""

    @property
    def words(self) -> PeriodWords:
        """What the papers call the period."""
        return PERIOD_WORDS[self.period.kind]

    def figure(self, name: str) -> dict[str, Any]:
        """One row of the figures."""
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
    "issues": Figure("发现事项", "发现时间（北京时间）在本期的事项，含背景、转办"),
    "issues_own": Figure("本单位事项", "发现事项中，不属背景、转办，未并案、未转出的"),
    "zero_report_days": Figure("零报告日数", "日志为零报告的天数"),
    "days_run": Figure("监测日完成率", "实际运行日数/启用后的日历日数"),
    "sources_checked": Figure("监测覆盖率", "已巡查（正常、静默）的来源次数/应巡查的来源次数，每来源每日一次"),
    "found_in_time": Figure(
        "及时发现率",
        "发布后 24 小时内发现（重大以上 2 小时）的本单位事项/发布时间足以判断的本单位事项",
    ),
    "self_found": Figure("首发现占比", "最早帖文不是由上级、其他单位告知的/本单位事项"),
    "missed": Figure("漏报率", "最早帖文由上级、其他单位告知的/本单位事项"),
    "missed_major": Figure("漏报重大事项", "由上级、其他单位先告知的重大以上事项"),
    "log_signed": Figure("日志完成率", "已签发的日志/本期应签发的日志（次一工作日 9:30 前签发，须为 100%）"),
    "confirm_on_time": Figure("按时确认率", "按时确认级别的/本期到期应确认的"),
    "level_agreed": Figure("定级一致率", "系统级别与确认级别相同的/本期确认级别的"),
    "level_kappa": Figure(
        "定级一致性（加权κ）", "除去偶然一致后的一致程度，差两级的权重为差一级的四倍；1 为全部一致，0 为与偶然相当"
    ),
    "report_inside_on_time": Figure("按时报告领导率", "按时报告的/本期到期应报告的"),
    "report_up_on_time": Figure("及时报送率", "按时归口报送的/本期到期应报送的"),
    "refer_on_time": Figure("按时转办率", "按时转办的/本期到期应转办的"),
    "assign_on_time": Figure("按时交办率", "按时交办的/应交办的"),
    "verify_on_time": Figure("按时核查率", "按时核查的/本期到期应核查的"),
    "respond_on_time": Figure("按时回应率", "首次公开回应不晚于时限的/本期到期应回应的"),
    "respond_5h": Figure("5小时达标率", "时限不超过 5 小时的首次回应中按时的"),
    "respond_24h": Figure("24小时达标率", "时限 5 小时以上至 24 小时的首次回应中按时的"),
    "respond_48h": Figure("48小时达标率", "时限 24 小时以上至 48 小时的首次回应中按时的"),
    "respond_final_on_time": Figure("按时正式回应率", "正式回应不晚于时限的/本期到期应正式回应的"),
    "press_conference_on_time": Figure("按时发布会率", "按时举行发布会的/本期到期应举行的"),
    "first_response_median": Figure("首次回应时长（中位数）", "本期首次公开回应的事项，自计时起的小时数"),
    "first_response_p90": Figure("首次回应时长（九成以内）", "九成事项在此小时数内首次回应"),
    "closed": Figure("办结率", "期末前已办结的/本期到期应办结的（最后一项核查、回应、整改时限后 3 日）"),
    "closed_on_time": Figure("按期办结率", "到期前已办结的/本期到期应办结的"),
    "rectify_on_time": Figure("整改完成率", "按期完成的整改方案/本期到期的整改方案"),
    "result_told": Figure("结果公开率", "已通报办理结果的/本期核查属实、部分属实的"),
    "clarified": Figure("澄清率", "已正式回应的/本期核查不属实、误解的"),
    "suggestions_told": Figure("建议采纳公开率", "已公开答复的/本期登记为采纳、部分采纳的建议"),
    "satisfied": Figure("诉求群众满意率", "满意的/回访的，只计渠道答复"),
    "published_on_time": Figure("主动公开及时率", "按时公开的/本期到期应公开的"),
    "reopened": Figure("重开率", "办结后重新办理的/本期办结的"),
    "second_wave": Figure("二次舆情率", "首次回应后再起的/回应后 72 小时观察期在本期结束、足以判断的"),
    "returned": Figure("退回率", "报审后退回的/本期报审的"),
    "urged": Figure("督办次数", "本期督办的次数"),
    "open_overdue": Figure("期末超期未办时限", "期末已到期、尚未办理的时限数，含此前到期的"),
    "duties_unknown": Figure("时限无法计算", "节假日安排未载入等原因算不出时限的事项"),
    "trainings": Figure("培训股室次", "本期举办的培训，每场每股室计一次"),
    "praised": Figure("表扬次数", "考核期在本期内的表扬"),
    "noticed": Figure("通报次数", "考核期在本期内的通报"),
    "deducted": Figure("扣分次数", "考核期在本期内的扣分"),
    "improvements_on_time": Figure("举措按期完成率", "按期完成的/本期到期的改进举措（已取消的不计）"),
}

MISSING_WORDS = {
    "no_case": "本期没有可计的事项",
    "no_spread": "级别全部相同，无法计算",
    "not_run": "本期没有运行",
    "no_register": "登记簿没有导出",
    "no_sheet": "登记表没有导入（caifeng sheets import）",
    "not_recorded": "系统尚无此项记录",
}

_TOLD = "没有写明哪些来源是上级、其他单位告知的（config/review.toml）"
#: Why nothing records a figure, and what would.
NOT_RECORDED = {
    "self_found": _TOLD,
    "missed": _TOLD,
    "missed_major": _TOLD,
    "assign_on_time": "时限规则中没有交办时限",
    "satisfied": "登记簿没有回访记录；满意率由受理渠道统计",
}

DIMENSION_NAMES = {"level": "级别", "topic": "领域", "source_class": "来源类别"}


def value_text(row: Mapping[str, Any], least: int) -> str:
    """Value of a figure as printed: 128; 12.5 小时; 85.7%; κ 0.62; n=3 below `least` cases; — where there is none."""
    if row["value"] is None:
        return UNKNOWN
    if row["kind"] == "count":
        return number(int(row["value"]))
    if row["denominator"] < least:
        return f"n={row['denominator']}"
    if row["kind"] == "index":
        return _signed(f"{row['value']:.2f}")
    return f"{row['value']:.1%}" if row["kind"] == "rate" else f"{row['value']:.1f} 小时"


def fraction_text(row: Mapping[str, Any]) -> str:
    """6/7 for a rate; the number of cases for hours; — where nothing is known."""
    if row["denominator"] is None:
        return UNKNOWN
    return f"{row['denominator']} 件" if row["kind"] == "hours" else f"{row['numerator']}/{row['denominator']}"


def change_text(row: Mapping[str, Any], least: int) -> str:
    """环比 as printed: percent of counts and hours, percentage points of rates; — if small numbers are compared."""
    return _change(row, row["change"], row["previous_denominator"], least)


def year_change_text(row: Mapping[str, Any], least: int) -> str:
    """同比 as printed, as 环比."""
    return _change(row, row["change_on_year"], row["last_year_denominator"], least)


def _change(row: Mapping[str, Any], change: float | None, base: int | None, least: int) -> str:
    if change is None:
        return UNKNOWN
    if row["kind"] != "count" and min(row["denominator"], base or 0) < least:
        return UNKNOWN
    if row["kind"] == "rate":
        points = round(100 * change, 1)
        return "持平" if points == 0 else _signed(f"{points:+.1f}") + " 个百分点"
    if row["kind"] == "index":
        return "持平" if round(change, 2) == 0 else _signed(f"{change:+.2f}")
    return "持平" if change == 0 else _signed(f"{change:+.1%}")


def previous_text(row: Mapping[str, Any], least: int) -> str:
    """Value of the period before, printed by the same rules as this one's."""
    before = {"kind": row["kind"], "value": row["previous_value"], "denominator": row["previous_denominator"]}
    return value_text(before, least)


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


def overview(review: PeriodReview) -> str:
    """First paragraph: what was collected and found, by level, compared with the period before."""
    days, this, least = review.figure("days_run"), review.words.this, review.rules.small_number
    if days["missing"] == "not_run":
        return f"{this}没有运行，没有数据。"
    found = review.figure("issues")
    levels = "、".join(
        f"{item_name(row)} {row['issues']} 件" for row in breakdown_rows(review.breakdown, "level") if row["issues"]
    )

    def said(name: str) -> str:
        return value_text(review.figure(name), least)

    compared = f"同比：{ratio_text(found['change_on_year'])}。"
    if review.period.kind != "year":
        compared = (
            f"环比：发现事项 {change_text(found, least)}，"
            f"涉统计帖文 {change_text(review.figure('posts_relevant'), least)}；{compared}"
        )
    return (
        f"{this}应监测 {days['denominator']} 日，实际运行 {days['numerator']} 日，"
        f"采集 {said('observations')} 条，新增帖文 {said('posts_new')} 条，涉统计 {said('posts_relevant')} 条；"
        f"发现事项 {said('issues')} 件{'（' + levels + '）' if levels else ''}，"
        f"其中本单位事项 {said('issues_own')} 件；零报告 {said('zero_report_days')} 日。{compared}"
    )


def overdue_rows(review: PeriodReview) -> pl.DataFrame:
    """Duties that were missed in the period or are open and overdue at its end, the oldest first.

    Returns:
        Columns of marts.review_items, `duty` (code) and `title` (null where the issue is older than the period).
    """
    titles = review.issues.select("issue_no", "title")
    named = pl.col("figure").is_in([f"{duty}_on_time" for duty in DUE_NAMES])
    late = review.items.filter(named & ~pl.col("hit")).with_columns(duty=pl.col("figure").str.strip_suffix("_on_time"))
    # A duty of this period that is still open is in `late` already.
    older = (
        review.items.filter(figure="open_overdue")
        .with_columns(duty=pl.col("item").str.extract(r" (\w+)$"))
        .join(late, on=["issue_no", "duty", "due_at"], how="anti")
    )
    return pl.concat([late, older]).join(titles, on="issue_no", how="left").sort("due_at", "issue_no", "duty")


def problems(review: PeriodReview) -> list[str]:
    """What the figures show and a person must explain; empty where nothing stands out."""
    said = []
    unsigned = review.items.filter(pl.col("figure") == "log_signed", ~pl.col("hit"))["item"].sort().to_list()
    if unsigned:
        days_named = "、".join(f"{day.month}月{day.day}日" for day in map(date.fromisoformat, unsigned[:_NAMED]))
        more = " 等" if len(unsigned) > _NAMED else ""
        said.append(f"应签发而未签发的日志 {len(unsigned)} 份：{days_named}{more}")
    days = review.figure("days_run")
    if days["value"] is not None and days["numerator"] < days["denominator"]:
        said.append(f"有 {days['denominator'] - days['numerator']} 日没有运行，这些日子的监测覆盖未知")
    broken = review.figure("sources_checked")
    if broken["value"] is not None and broken["numerator"] < broken["denominator"]:
        said.append(f"来源未巡查 {broken['denominator'] - broken['numerator']} 次（每来源每日一次）")
    late = overdue_rows(review)
    if late.height:
        said.append(f"逾期时限 {late.height} 项，其中未办 {late['done_at'].null_count()} 项")
    missed = review.figure("missed_major")
    if missed["value"]:
        said.append(f"由上级、其他单位先告知的重大以上事项 {missed['numerator']} 件")
    behind = review.improvements.filter(state="overdue").height
    if behind:
        said.append(f"到期未完成的改进举措 {behind} 项")
    return said


#: Trends on paper: volume, finding, answering, closing.
TREND_FIGURES = (
    "issues_own",
    "posts_relevant",
    "sources_checked",
    "found_in_time",
    "respond_on_time",
    "closed_on_time",
)


def trend_rows(review: PeriodReview) -> list[dict[str, Any]]:
    """One row per month of the period: its name, and each of `TREND_FIGURES` as printed; — where it was not run."""
    rows = []
    for month in months_of(review.period):
        figures = review.months.filter(pl.col("period") == month.code)
        by_name = {row["figure"]: row for row in figures.iter_rows(named=True)}
        values = [
            value_text(by_name[name], review.rules.small_number) if name in by_name else UNKNOWN
            for name in TREND_FIGURES
        ]
        rows.append({"name": f"{month.first.month}月", "values": values})
    return rows


def agreement_rows(items: pl.DataFrame) -> list[tuple[str, str, int]]:
    """Pairs of suggested and confirmed level that differ, with how many there were, the most frequent first."""
    pairs = (
        items.filter((pl.col("figure") == "level_agreed") & ~pl.col("hit"))
        .group_by("system_level", "confirmed_level")
        .len()
        .sort("len", "system_level", "confirmed_level", descending=[True, False, False])
    )
    return [(LEVEL_NAMES[a][0], LEVEL_NAMES[b][0], n) for a, b, n in pairs.iter_rows()]


#: Days that are named one by one.
_NAMED = 10


def _signed(text: str) -> str:
    return text.replace("-", "−")
