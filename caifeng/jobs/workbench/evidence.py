"""Where each measure of a grade comes from: a rule or a person, and the posts that show it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from caifeng.cases.model import CASE_ROLE_NAMES
from caifeng.core.model.grading import FLAG_NAMES
from caifeng.core.model.terms import GEO_NAMES, JURISDICTION_NAMES, MEDIA_TIER_NAMES, SOURCE_CLASS_NAMES, TONE_NAMES
from caifeng.jobs.workbench.desk import Desk, lake_rows, short_time
from caifeng.reports import words

#: Fields of a grade, in the words of the explanation table.
MEASURE_NAMES = {
    "topic": "主题",
    "tone": "总体倾向",
    "geo": "地域",
    "source_classes": "来源类别数",
    "active_days": "活跃天数",
    "views": "阅读数",
    "reposts": "转发数",
    "comments": "评论数",
    "distinct_docs": "去重篇数",
    "growth_24h": "24小时增长",
    "neg_docs": "负面篇数",
    "counted_docs": "倾向已知篇数",
    "emotive_docs": "情绪诉求篇数",
    "same_topic_issues_90d": "90日内同主题事项",
    "media_tier": "最高媒体级别",
    "n_media": "媒体家数",
    "emergency_level": "突发事件等级",
    "jurisdiction": "管辖",
    "sensitive": "敏感",
    "flags": "内容标记",
    "facts": "事实",
}
FACT_NAMES = {
    "names_bureau": "点名本县或本局",
    "names_unit": "点名被反映单位",
    "local_board": "本地版面",
    "official_channel": "本单位渠道来件",
    "official_notice": "均为官方通报",
    "second_wave": "二次舆情",
    "superior_orders": "上级要求回应",
    "leader_instruction": "领导批示",
    "offline_collective": "线下聚集苗头",
}
_VALUE_NAMES = {
    "tone": TONE_NAMES, "geo": GEO_NAMES, "media_tier": MEDIA_TIER_NAMES, "jurisdiction": JURISDICTION_NAMES,
    "emergency_level": {
        "none": "不是突发事件", "general": "一般", "larger": "较大", "major": "重大", "extreme": "特别重大",
    },
}  # fmt: skip
_YES_NO = {"true": "是", "false": "否", "none": "无"}


@dataclass(frozen=True)
class Source:
    """One post or event that a measure rests on."""

    post_id: str | None
    event_no: str | None
    """Place of the event in the history of the issue; null: none."""
    detail: str


@dataclass(frozen=True)
class MeasureLine:
    """One measure with what it rests on."""

    name: str
    value: str
    """— where it is unknown."""
    known: bool
    setter: str
    """规则, or 人 with the role."""
    sources: tuple[Source, ...]


def evidence_of(desk: Desk, grade: Mapping[str, Any]) -> tuple[MeasureLine, ...]:
    """What each measure of a grade rests on, for a row of published graded.issue_grades with its `day`.

    Where graded.measure_evidence has no rows for it (older grades), what the grade itself names: flags and facts.
    """
    names = {source.id: words.printable(source.name) for source in desk.settings.sources().usable}
    rows = lake_rows(
        desk,
        "graded.measure_evidence",
        grade["day"],
        grade["day"],
        pl.col("issue_no") == grade["issue_no"],
        pl.col("as_of") == grade["as_of"],
        pl.col("rule_version") == grade["rule_version"],
    )
    if not rows:
        return _of_grade(grade)
    lines: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    order = [*MEASURE_NAMES]
    for row in sorted(rows, key=lambda row: _place(row["measure"], order)):
        who = CASE_ROLE_NAMES.get(row["role"] or "", row["role"] or "")
        lines.setdefault((row["measure"], "规则" if row["setter"] == "rule" else f"人（{who}）"), []).append(row)
    return tuple(
        MeasureLine(
            measure_name(measure),
            value_words(measure, own[0]["value"]),
            own[0]["value"] is not None,
            setter,
            tuple(
                Source(row["post_id"], _event_no(row["event_id"]), detail_words(row["detail"], names)) for row in own
            ),
        )
        for (measure, setter), own in lines.items()
    )


def _event_no(event_id: str | None) -> str | None:
    return event_id.rpartition("#")[2] if event_id else None


def _of_grade(grade: Mapping[str, Any]) -> tuple[MeasureLine, ...]:
    """Evidence as the grade holds it: rule:term@offset, of any of its posts."""
    return tuple(
        MeasureLine(words.printable(rule), "", True, "规则", (Source(None, None, words.printable(rest)),))
        for rule, _, rest in (one.partition(":") for one in grade["evidence"] or ())
    )


def measure_name(measure: str) -> str:
    """`flags.key_category` -> 重点回应类别; a field that has no name here is shown as it is."""
    group, _, code = measure.partition(".")
    names = {"flags": FLAG_NAMES, "facts": FACT_NAMES}.get(group, {})
    return names.get(code) or MEASURE_NAMES.get(measure, words.printable(measure))


def value_words(measure: str, value: str | None) -> str:
    """A stored value in words; — for null."""
    if value is None:
        return words.UNKNOWN
    names: Mapping[str, str] = _VALUE_NAMES.get(measure, _YES_NO)
    return names.get(value, words.printable(value))


def detail_words(detail: str | None, sources: Mapping[str, str]) -> str:
    """Evidence in words, for a `detail` of graded.measure_evidence; rule:term@offset stays as the rules write it.

    Args:
        detail: as stored; null: nothing to point at.
        sources: id -> name.
    """
    if detail is None:
        return ""
    what, _, rest = detail.partition(":")
    names = [sources.get(id, id) for id in rest.split(",")]
    if what == "not_shown":
        return f"这些来源不显示：{'、'.join(names)}"
    if what in ("source", "source_id"):
        return names[0]
    if detail in FACT_NAMES:
        return FACT_NAMES[detail]
    if what == "issues":
        return rest.replace(",", "、")
    if what == "source_class":
        return "、".join(SOURCE_CLASS_NAMES.get(code, code) for code in rest.split(f"..{what}:"))
    if grown := re.fullmatch(r"new:(\d+),before:(\d+)", detail):
        return f"24小时内 {grown[1]} 帖，此前 {grown[2]} 帖"
    if timed := re.fullmatch(r"(\d+|set|answered)@(\S+)", detail):
        return {"set": "登记于 ", "answered": "答复于 "}.get(timed[1], f"{timed[1]}，见于 ") + _local(timed[2])
    return words.printable(detail)


def _local(moment: str) -> str:
    return short_time(datetime.fromisoformat(moment))


def _place(measure: str, order: list[str]) -> tuple[int, str]:
    """Flags and facts first: they decide overrides."""
    return (order.index(measure), "") if measure in order else (-1, measure)
