"""Why an issue has its level: one sentence for lists, one table that a person checks by hand."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.model.grading import FACTOR_NAMES, FLAG_NAMES, OVERRIDE_NAMES, OVERRIDE_NUMBERS, GradingRules
from caifeng.core.model.terms import (
    GEO_NAMES,
    LEVEL_NAMES,
    MEDIA_TIER_NAMES,
    RESPONSE_NAMES,
)
from transforms.grade.factors import ATTENTION, factors, points
from transforms.grade.inputs import MEASURES

#: The counts of attention on paper.
_COUNT_NAMES = {"views": "阅读数", "reposts": "转发数", "comments": "评论数", "distinct_docs": "去重篇数"}

#: What stands where a value is unknown, and in the columns that then have nothing to say.
UNKNOWN = "未知"
_NOTHING = "—"


def explanation(rules: GradingRules) -> pl.Expr:
    """One sentence whose sum re-adds exactly in tenths, as the total was computed.

    For instance `较大(黄) 48.8 = 内容70.0×.25 + 影响…×.20 + …; 按分数为较大; 触发O5; 数据覆盖3/4`. Needs the
    factors and total in tenths, `level`, `level_by_score`, `overrides`, `coverage`, `needs_review`.
    """
    weights = rules.weight.model_dump()
    parts: list[pl.Expr] = [_level_words("level"), pl.lit(" "), _decimal("total10"), pl.lit(" = ")]
    for number, (factor, (short, _)) in enumerate(FACTOR_NAMES.items()):
        parts += [
            pl.lit(f"{' + ' if number else ''}{short}"),
            _decimal(f"{factor}10"),
            pl.lit(f"×{_weight(weights[factor])}"),
        ]
    known = (pl.col("coverage") * len(ATTENTION)).round().cast(pl.Int64).cast(pl.String)
    rules_hit = pl.lit("; 触发") + pl.col("overrides").list.join("、")
    parts += [
        pl.lit("; 按分数为"),
        pl.col("level_by_score").replace_strict({k: v[0] for k, v in LEVEL_NAMES.items()}),
        pl.when(pl.col("overrides").list.len() > 0).then(rules_hit).otherwise(pl.lit("")),
        pl.lit("; 数据覆盖"),
        known,
        pl.lit(f"/{len(ATTENTION)}"),
        pl.when("needs_review").then(pl.lit("; 需人工复核")).otherwise(pl.lit("")),
    ]
    return pl.concat_str(parts).alias("explanation")


class ExplanationRow(NamedTuple):
    """One line of the table, as text to print; empty where a column does not apply.

    Where a measure is unknown its value is 未知, and points, weight and contribution are —.
    """

    measure: str
    value: str
    points: str
    weight: str
    contribution: str
    basis: str
    """How it is computed, and where its numbers come from (`GradingRules.basis_words`)."""


def explanation_table(
    graded_row: Mapping[str, Any], rules: GradingRules, topic_name: str | None = None
) -> list[ExplanationRow]:
    """The whole computation of one grade, to be followed by hand.

    Args:
        graded_row: one row of `grade` as a mapping.
        rules: the rules the row was graded with.
        topic_name: name of the topic on paper; without it its id is printed.

    Returns:
        For each factor its measures (points and share within the factor) and a line with its sum and its
        share of the total; then the total, the level by score, each override that fired, what is unknown and what
        that means, and the outcome. Points and contributions with two decimals, factors and total with one.
    """
    row = dict(graded_row)
    one = pl.DataFrame([{name: row[name] for name in MEASURES}], schema=MEASURES)
    known = one.with_columns(points(rules)).with_columns(factors(rules)).row(0, named=True)
    p = {name.removeprefix("points_"): value for name, value in known.items() if name.startswith("points_")}
    weights = rules.weight.model_dump()
    lines: list[ExplanationRow] = []

    def source(how: str, *parameters: str) -> str:
        """How it is computed, then where the numbers come from."""
        return "；".join(part for part in (how, rules.basis_words(*parameters)) if part)

    def line(
        measure: str, value: object, points: float | None, *parameters: str, how: str = "", weight: str = ""
    ) -> None:
        """Add a line with points that add up as they are."""
        lines.append(ExplanationRow(measure, _text(value), _two(points), weight, "", source(how, *parameters)))

    def told(measure: str, value: str, basis: str) -> None:
        """Add a line without points."""
        lines.append(ExplanationRow(measure, value, "", "", "", basis))

    def weighed(
        measure: str, value: object, points: float | None, percent: int, *parameters: str, how: str = "", of: int = 100
    ) -> None:
        """Add a line whose points carry `percent` of `of`, the weight of the known terms."""
        weight = _NOTHING if points is None else _weight(percent) if of == 100 else f"{percent}/{of}"
        part = _NOTHING if points is None else _two(points * percent / of)
        lines.append(ExplanationRow(measure, _text(value), _two(points), weight, part, source(how, *parameters)))

    def close(factor: str, how: str) -> None:
        """Add the line of a factor: its rounded points, its weight and its part of the total."""
        tenths = round(10 * row[factor])
        lines.append(
            ExplanationRow(
                f"{FACTOR_NAMES[factor][1]} {factor}",
                "",
                f"{row[factor]:.1f}",
                _weight(weights[factor]),
                f"{tenths * weights[factor] / 1000:.3f}",
                source(f"{how}，四舍五入到一位小数", f"weight.{factor}"),
            )
        )

    line("主题基础分", topic_name or row["topic"], p["topic"], f"topic_base.{row['topic']}")
    for flag, value in rules.flag.items():
        if flag in row["flags"]:
            line(FLAG_NAMES[flag], "是", value, f"flag.{flag}")
    close("C", "以上相加，限于0至100")

    reach = rules.reach
    spread, persist = f"每类{reach.points_per_class:g}分，至多100", f"每天{reach.points_per_day:g}分，至多100"
    weighed("地域", GEO_NAMES[row["geo"]], p["geo"], reach.geo, f"geo.{row['geo']}", "reach.geo")
    names: tuple[str, ...] = ("reach.points_per_class", "reach.spread")
    weighed("来源类别数", row["source_classes"], p["spread"], reach.spread, *names, how=spread)
    names = ("reach.points_per_day", "reach.persist")
    weighed("活跃天数", row["active_days"], p["persist"], reach.persist, *names, how=persist)
    close("R", "以上贡献相加")

    attention = rules.attention
    for name, zero in (
        ("views", attention.zero_views),
        ("reposts", attention.zero_reposts),
        ("comments", attention.zero_comments),
    ):
        scale = f"{attention.points_per_decade:g}×log10(数值÷{zero:g})，限于0至100"
        line(_COUNT_NAMES[name], row[name], p[name], f"attention.zero_{name}", "attention.points_per_decade", how=scale)
    anchors = "、".join(f"{docs}篇{value:g}分" for docs, value in rules.docs_anchors)
    how, names = f"{anchors}，其间按对数线性", tuple(f"docs.{docs}" for docs in rules.docs)
    line(_COUNT_NAMES["distinct_docs"], row["distinct_docs"], p["distinct_docs"], *names, how=how)
    seen = [p[name] for name in ATTENTION if p[name] is not None]
    weighed("已知项最高分", "", max(seen), attention.highest, "attention.highest")
    mean = sum(seen) / len(seen)
    only_known = "未知项不计，不当作0"
    weighed("已知项平均分", f"{len(seen)}项", mean, attention.mean, "attention.mean", how=only_known)
    grown = None if row["growth_24h"] is None else f"{100 * row['growth_24h']:+.0f}%"
    enough = f"{100 * attention.growth:g}%以上且不少于{attention.growth_docs}篇加{attention.growth_bonus:g}分"
    names = ("attention.growth", "attention.growth_docs", "attention.growth_bonus")
    weighed("24小时增长", grown, p["growth"], 100, *names, how=enough if grown else f"{enough}，未知不加分")
    close("A", "以上三项贡献相加，至多100")

    reaction = rules.reaction
    of = 100 if p["neg"] is not None else reaction.intensity + reaction.recur
    share = f"{row['neg_docs']}/{row['counted_docs']}" if row["counted_docs"] else None
    how = f"威尔逊区间下限(z={reaction.z:g})×100；未知时其余权重按比例分担"
    weighed("负面占比", share, p["neg"], reaction.neg, "reaction.z", "reaction.neg", how=how)
    emotive = f"{row['emotive_docs']}/{row['distinct_docs']}"
    weighed("情绪诉求占比", emotive, p["intensity"], reaction.intensity, "reaction.intensity", how="占比×100", of=of)
    how = f"每件{reaction.points_per_issue:g}分，至多100"
    names = ("reaction.points_per_issue", "reaction.recur")
    weighed("90日内同主题事项", row["same_topic_issues_90d"], p["recur"], reaction.recur, *names, how=how, of=of)
    close("S", "以上贡献相加")

    tier = row["media_tier"]
    line("最高媒体级别", MEDIA_TIER_NAMES[tier], p["media_tier"], f"media_tier.{tier}")
    how = f"首家以外每家{rules.media.points_per_medium:g}分，至多{rules.media.most_extra:g}"
    line("媒体家数", row["n_media"], p["extra_media"], "media.points_per_medium", "media.most_extra", how=how)
    close("M", "以上相加，至多100")

    lines.append(ExplanationRow("总分", "", f"{row['total']:.1f}", "", "", "五项贡献相加，四舍五入到一位小数"))
    cuts = "、".join(f"{LEVEL_NAMES[name][0]}{value:g}" for name, value in rules.level.model_dump().items())
    starts = [f"level.{name}" for name in rules.level.model_dump()]
    told("按分数定级", LEVEL_NAMES[row["level_by_score"]][0], source(f"起点：{cuts}", *starts))
    for name in row["overrides"]:
        thresholds = [f"override.{field}" for field in OVERRIDE_NUMBERS.get(name, ())]
        told(f"触发{name}", "是", source(OVERRIDE_NAMES[name], f"override.{name}", *thresholds))
    told("数据覆盖", f"{len(seen)}/{len(ATTENTION)}", _coverage_words(row, p, rules))
    told("建议等级", LEVEL_NAMES[row["level"]][0], "由人确认")
    told("回应价值", RESPONSE_NAMES[row["response_value"]], "")
    if row["needs_review"]:
        told("需人工复核", "是", "")
    return lines


def _coverage_words(row: Mapping[str, Any], points: Mapping[str, float | None], rules: GradingRules) -> str:
    """Which counts are unknown, and what follows from it."""
    missing = "、".join(_COUNT_NAMES[name] for name in ATTENTION if points[name] is None)
    if not missing:
        return "阅读、转发、评论、篇数全部已知"
    words = f"未知：{missing}；未知不当作0，关注度只由已知项算出"
    override = rules.override
    thin = row["coverage"] < override.thin_coverage and row["distinct_docs"] <= override.thin_docs
    capped = f"；已知不足{100 * override.thin_coverage:g}%且不多于{override.thin_docs}篇，无其他触发时不高于较大（O10）"
    return words + (capped if thin else "")


def _level_words(column: str) -> pl.Expr:
    words = {k: f"{name}({colour})" if colour else name for k, (name, _, colour, _) in LEVEL_NAMES.items()}
    return pl.col(column).replace_strict(words, return_dtype=pl.String)


def _decimal(tenths: str) -> pl.Expr:
    """Integer tenths as text with one decimal, without a detour over floats."""
    whole, rest = pl.col(tenths) // 10, pl.col(tenths) % 10
    return pl.concat_str(whole.cast(pl.String), pl.lit("."), rest.cast(pl.String))


def _weight(percent: int) -> str:
    return f"{percent / 100:.2f}".removeprefix("0")


def _two(number: float | None) -> str:
    return _NOTHING if number is None else f"{number:.2f}"


def _text(value: object) -> str:
    return UNKNOWN if value is None else str(value)
