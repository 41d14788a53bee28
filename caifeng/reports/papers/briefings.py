"""快报 and 专报: what leaders read (Art. 5-7; structure of the 专报 after common practice of the field)."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from caifeng.core.clock import SHANGHAI
from caifeng.core.model.grading import FACTOR_NAMES, FLAG_NAMES, OVERRIDE_NAMES
from caifeng.core.model.terms import (
    JURISDICTION_NAMES,
    LEVEL_NAMES,
    MEDIA_TIER_NAMES,
    RESPONSE_NAMES,
    ROLE_NAMES,
    SOURCE_CLASS_NAMES,
    STANCE_NAMES,
)
from caifeng.reports.papers.issue import (
    IssueFile,
    acts_words,
    basis_words,
    de_identified,
    deadline_words,
    findings_words,
    head_values,
    publications,
    summary_words,
    when_and_where,
)
from caifeng.reports.words import (
    UNKNOWN,
    level_text,
    local_time,
    next_step,
    number,
    printable,
    printable_lines,
    reason,
    safe_url,
    shortened,
    spread,
)

#: Tiers that are no medium: what the public says by itself.
_PUBLIC = ("none", "self")
#: Fewer make no share: the count is printed instead (domain.md 8, small-number rule; our choice).
SMALL_NUMBER = 5
#: Quotations and links on paper; the rest is in the system (our choice).
MOST_QUOTES, MOST_LINKS, QUOTE_LENGTH = 6, 15, 80
_COUNTS = {"views": "阅读数", "reposts": "转发数", "comments": "评论数"}


def flash_values(file: IssueFile, place: int, _: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 舆情快报, short enough for one page."""
    values = head_values(file)
    return values | {
        "标题": shortened(values["标题"], 56),
        "次序": _ordinal(place),
        "主送": ROLE_NAMES[file.approver],
        "领域": printable(file.value("topic_name")),
        "地域": JURISDICTION_NAMES.get(file.value("jurisdiction") or "", UNKNOWN),
        "发现时间": local_time(file.detected_at),
        "首发": when_and_where(file),
        "链接": shortened(printable(safe_url(file.value("url"))), 120),
        "事由": shortened(summary_words(file), 120),
        "传播": _spread_words(file),
        "定级理由": shortened(reason(file.log), 160) if file.log else UNKNOWN,
        "核查": shortened(findings_words(file).replace("\n", " "), 120),
        "措施": "；".join(acts_words(file, 3)) or UNKNOWN,
        "建议": suggestion_words(file),
        "时限": "；".join(f"{duty.name} {deadline_words(duty)}" for duty in file.open_duties()[:3]) or UNKNOWN,
        "联系岗位": file.office.openness_office,
    }


def special_values(file: IssueFile, place: int, _: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 舆情专报."""
    answers = publications(file)
    return head_values(file) | {
        "次序": f"第 {place} 期",
        "领域": printable(file.value("topic_name")),
        "地域": JURISDICTION_NAMES.get(file.value("jurisdiction") or "", UNKNOWN),
        "发现时间": local_time(file.detected_at),
        "首发": when_and_where(file),
        "事由": summary_words(file),
        "状态": file.state,
        "传播": _spread_words(file),
        "走势": [_day_row(row) for row in file.history],
        "平台": _by_source(file.posts),
        "观点": _by_stance(file.posts),
        "观点说明": f"篇数不足 {SMALL_NUMBER} 的不计占比；媒体指县级以上媒体，其余为公众。立场由规则判定。",
        "摘引": _quotes(file.posts),
        "因素": _factors(file),
        "评级": printable(file.value("explanation")),
        "触发": [f"{code} {OVERRIDE_NAMES[code]}" for code in (file.grade or {}).get("overrides", ())],
        "风险": _risk_words(file),
        "核查": findings_words(file),
        "逐条": claim_rows(file),
        "措施": acts_words(file, 8),
        "建议": suggestion_words(file),
        "口径": printable_lines(file.said("draft", "text")),
        "时限表": duty_rows(file),
        "回应": answers,
        "效果": _effect_words(file),
        "附件": _links(file.posts),
        "附件说明": f"另有 {file.posts.height - MOST_LINKS} 条见系统。" if file.posts.height > MOST_LINKS else "",
    }


def duty_rows(file: IssueFile) -> list[dict[str, str]]:
    """Duties of the issue with their basis."""
    return [
        {"事项": duty.name, "时限": local_time(duty.due_at), "办理": duty.standing(), "依据": basis_words(duty)}
        for duty in file.duties
    ]


def claim_rows(file: IssueFile) -> list[dict[str, str]]:
    """The claims of the latest verification, one by one."""
    act = file.last("verify")
    return [
        {
            "序号": str(place),
            "说法": de_identified(claim.text),
            "类型": claim.kind,
            "结论": claim.finding,
            "依据": "；".join(map(printable, claim.evidence)) or UNKNOWN,
        }
        for place, claim in enumerate(act.claims if act else (), 1)
    ]


def suggestion_words(file: IssueFile) -> str:
    """What to do next: as the rules see it, then as the register stands."""
    by_rules = next_step({**file.log, "report_to": None}) if file.log else UNKNOWN
    value = RESPONSE_NAMES.get(file.value("response_value") or "", UNKNOWN)
    return f"{by_rules}（{value}）；下一步：{file.next_step}"


def _ordinal(place: int) -> str:
    return "首报" if place == 1 else f"续报（第 {place - 1} 次）"


def _spread_words(file: IssueFile) -> str:
    if not file.log:
        return UNKNOWN
    parts = [spread(file.log)]
    if file.grade:
        growth = file.grade["growth_24h"]
        parts += [
            f"来源类别 {file.grade['source_classes']} 类",
            f"最高媒体层级 {MEDIA_TIER_NAMES[file.grade['media_tier']]}",
            f"24 小时增幅 {UNKNOWN if growth is None else f'{growth:+.0%}'.replace('-', '−')}",
        ]
    return "；".join(parts) + "。"


def _day_row(row: Mapping[str, Any]) -> dict[str, str]:
    counts = {name: number(row[column]) for name, column in _MEASURED.items()}
    return {
        "日期": f"{row['day']:%m-%d}",
        **counts,
        "总分": number(row["total"]),
        "级别": level_text(row["level_in_force"]),
    }


_MEASURED = {"帖数": "posts", "阅读": "views", "转发": "reposts", "评论": "comments"}


def _by_source(posts: pl.DataFrame) -> list[dict[str, str]]:
    if posts.is_empty():
        return []
    grouped = posts.group_by("source_class", "media_tier").agg(
        pl.len().alias("n"), pl.coalesce("published_at", "first_fetched_at").min().alias("first")
    )
    return [
        {
            "类别": SOURCE_CLASS_NAMES.get(row["source_class"], row["source_class"]),
            "层级": MEDIA_TIER_NAMES.get(row["media_tier"], UNKNOWN),
            "帖数": number(row["n"]),
            "占比": _share(row["n"], posts.height),
            "最早": local_time(row["first"]),
        }
        for row in grouped.sort("n", "first", "source_class", "media_tier", descending=[True, False, False, False])
        .iter_rows(named=True)
    ]  # fmt: skip


def _by_stance(posts: pl.DataFrame) -> list[dict[str, str]]:
    if posts.is_empty():
        return []
    public = pl.col("media_tier").is_in(_PUBLIC)
    grouped = {
        row["stance"]: row
        for row in posts.group_by("stance")
        .agg(public.sum().alias("public"), (~public).sum().alias("media"), pl.len().alias("n"))
        .iter_rows(named=True)
    }
    return [
        {
            "立场": name,
            "媒体": number(grouped[stance]["media"]),
            "公众": number(grouped[stance]["public"]),
            "合计": number(grouped[stance]["n"]),
            "占比": _share(grouped[stance]["n"], posts.height),
        }
        for stance, name in STANCE_NAMES.items()
        if stance in grouped
    ]


def _share(part: int, whole: int) -> str:
    return f"n={part}" if whole < SMALL_NUMBER else f"{part / whole:.1%}"


def _quotes(posts: pl.DataFrame) -> list[dict[str, str]]:
    """The earliest words of each stance, then the next ones; reposts say the same and are left out."""
    if posts.is_empty():
        return []
    origins = posts.unique("group_id", keep="first", maintain_order=True)
    chosen = origins.with_columns(pl.int_range(pl.len()).over("stance").alias("turn")).sort("turn", maintain_order=True)
    rows = chosen.head(MOST_QUOTES).sort(pl.coalesce("published_at", "first_fetched_at"), "post_id")
    return [
        {
            "立场": STANCE_NAMES[row["stance"]],
            "来源": SOURCE_CLASS_NAMES.get(row["source_class"], row["source_class"]),
            "时间": _moment(row),
            "摘引": f"“{shortened(de_identified(row['text'] or row['title']), QUOTE_LENGTH)}”",
        }
        for row in rows.iter_rows(named=True)
    ]


def _moment(row: Mapping[str, Any]) -> str:
    if row["published_at"] is None:
        return UNKNOWN
    day_only = row["published_precision"] in ("day", "unknown")
    return f"{row['published_at'].astimezone(SHANGHAI):{'%m-%d' if day_only else '%m-%d %H:%M'}}"


def _links(posts: pl.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "序号": str(place),
            "标题": shortened(printable(row["title"]), 40),
            "来源": printable(row["source_name"]),
            "时间": _moment(row),
            "链接": printable(safe_url(row["url"])),
        }
        for place, row in enumerate(posts.head(MOST_LINKS).iter_rows(named=True), 1)
    ]


def _factors(file: IssueFile) -> list[dict[str, str]]:
    """The five factors: points, weight, part of the total, and the measures they rest on; they re-add."""
    if not file.grade:
        return []
    heads = {f"{name} {factor}": factor for factor, (_, name) in FACTOR_NAMES.items()}
    found: dict[str, dict[str, str]] = {}
    measures: list[str] = []
    for line in file.computation:
        factor = heads.get(line["measure"])
        if factor:
            found[factor] = {
                "权重": line["weight"],
                "折算": line["contribution"],
                "依据": "；".join(measures) or UNKNOWN,
            }
            measures = []
        else:
            measures.append(f"{line['measure']} {line['value']}".strip())
    unknown = {"权重": UNKNOWN, "折算": UNKNOWN, "依据": UNKNOWN}
    rows = [
        {"因素": name, "得分": number(file.grade[factor]), **found.get(factor, unknown)}
        for factor, (_, name) in FACTOR_NAMES.items()
    ]
    total = number(file.grade["total"])
    return [*rows, {"因素": "总分", "得分": total, "权重": UNKNOWN, "折算": total, "依据": _by_score(file.grade)}]


def _by_score(grade: Mapping[str, Any]) -> str:
    return f"按分数为“{LEVEL_NAMES[grade['level_by_score']][0]}”；权重和阈值为本单位规定"


def _risk_words(file: IssueFile) -> str:
    """What the rules point at and what is not known; a person says what follows from it."""
    if not file.grade:
        return UNKNOWN
    flags = "、".join(FLAG_NAMES[flag] for flag in file.grade["flags"]) or "无"
    unknown = "、".join(name for measure, name in _COUNTS.items() if file.grade[measure] is None)
    parts = [f"规则提示的情形：{flags}", f"同领域近 90 天此前事项 {file.grade['same_topic_issues_90d']} 件"]
    if unknown:
        parts.append(f"{unknown}未知，不按 0 计")
    if file.grade["needs_review"]:
        parts.append("级别须由人工研判")
    return "；".join(parts) + "。"


def _effect_words(file: IssueFile) -> str:
    row = file.effect
    if not row:
        return ""
    wave = {True: "有", False: "无", None: UNKNOWN}[row["second_wave"]]
    before, after = number(row["voices_before"]), number(row["voices_after"])
    return (
        f"首次回应前 24 小时发声 {before} 条，回应后 24 至 72 小时 {after} 条；二次舆情：{wave}（{row['caution']}）。"
    )
