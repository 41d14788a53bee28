"""Why an issue has its level: one sentence for lists, one table that a person checks by hand."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.model.grading import FACTOR_NAMES, FLAG_NAMES, OVERRIDE_NAMES, GradingRules
from caifeng.core.model.terms import (
    GEO_NAMES,
    LEVEL_NAMES,
    MEDIA_TIER_NAMES,
    RESPONSE_NAMES,
)
from transforms.grade.factors import ATTENTION, factors, points
from transforms.grade.inputs import MEASURES

_OURS = "本单位规定"
_UNKNOWN = "—"


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
    """One line of the table, as text to print; empty where a column does not apply, — where unknown."""

    measure: str
    value: str
    points: str
    weight: str
    contribution: str
    basis: str


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
        share of the total; then the total, the level by score, each override that fired, and the outcome.
        Points and contributions with two decimals, factors and total with one. Every number is 本单位规定
        unless the basis names a document.
    """
    row = dict(graded_row)
    one = pl.DataFrame([{name: row[name] for name in MEASURES}], schema=MEASURES)
    known = one.with_columns(points(rules)).with_columns(factors(rules)).row(0, named=True)
    p = {name.removeprefix("points_"): value for name, value in known.items() if name.startswith("points_")}
    weights = rules.weight.model_dump()
    lines: list[ExplanationRow] = []

    def line(
        measure: str,
        value: object = "",
        points: float | str | None = "",
        *,
        weight: str = "",
        share: float | None = None,
        basis: str = _OURS,
    ) -> None:
        """Add a line; contribution = points x share."""
        text = points if isinstance(points, str) else _two(points)
        part = "" if share is None or isinstance(points, str) else _two(points and points * share)
        lines.append(ExplanationRow(measure, _text(value), text, weight, part, basis))

    def close(factor: str, basis: str) -> None:
        """Add the line of a factor: its rounded points, its weight and its part of the total."""
        weight = weights[factor]
        tenths = round(10 * row[factor])
        lines.append(
            ExplanationRow(
                f"{FACTOR_NAMES[factor][1]} {factor}",
                "",
                f"{row[factor]:.1f}",
                _weight(weight),
                f"{tenths * weight / 1000:.3f}",
                f"{basis}，四舍五入到一位小数；{_OURS}",
            )
        )

    def weighed(
        measure: str, value: object, points: float | None, percent: int, basis: str = "", of: int = 100
    ) -> None:
        """Add a line whose points carry `percent` of `of`, the weight of the known terms."""
        weight = _weight(percent) if of == 100 else f"{percent}/{of}"
        line(
            measure,
            value,
            points,
            weight=_UNKNOWN if points is None else weight,
            share=percent / of,
            basis=f"{basis}；{_OURS}" if basis else _OURS,
        )

    line("主题基础分", topic_name or row["topic"], p["topic"])
    for flag, value in rules.flag.items():
        if flag in row["flags"]:
            basis = f"{_OURS}；类别见国办发〔2016〕61号" if flag == "key_category" else _OURS
            line(FLAG_NAMES[flag], "是", value, basis=basis)
    close("C", "以上相加，限于0至100")

    reach = rules.reach
    per_class, per_day = reach.points_per_class, reach.points_per_day
    weighed("地域", GEO_NAMES[row["geo"]], p["geo"], reach.geo)
    weighed("来源类别数", row["source_classes"], p["spread"], reach.spread, f"每类{per_class:g}分，至多100")
    weighed("活跃天数", row["active_days"], p["persist"], reach.persist, f"每天{per_day:g}分，至多100")
    close("R", "以上贡献相加")

    attention = rules.attention
    for name, label, zero, document in (
        ("views", "阅读数", attention.zero_views, "；刻度参照法释〔2013〕21号第二条"),
        ("reposts", "转发数", attention.zero_reposts, "；刻度参照法释〔2013〕21号第二条"),
        ("comments", "评论数", attention.zero_comments, ""),
    ):
        scale = f"{attention.points_per_decade:g}×log10(数值÷{zero:g})，限于0至100"
        line(label, row[name], p[name], basis=f"{scale}；{_OURS}{document}")
    anchors = "、".join(f"{docs}篇{value:g}分" for docs, value in rules.docs_anchors)
    docs_basis = f"{anchors}，其间按对数线性；{_OURS}"
    line("去重篇数", row["distinct_docs"], p["distinct_docs"], basis=docs_basis)
    seen = [p[name] for name in ATTENTION if p[name] is not None]
    weighed("已知项最高分", "", max(seen), attention.highest)
    mean = sum(seen) / len(seen)
    weighed("已知项平均分", f"{len(seen)}项", mean, attention.mean, "未知项不计，不当作0")
    grown = None if row["growth_24h"] is None else f"{100 * row['growth_24h']:+.0f}%"
    enough = f"{100 * attention.growth:g}%以上且不少于{attention.growth_docs}篇"
    weighed("24小时增长", grown, p["growth"], 100, f"{enough}加{attention.growth_bonus:g}分")
    close("A", "以上三项贡献相加，至多100")

    reaction = rules.reaction
    of = 100 if p["neg"] is not None else reaction.intensity + reaction.recur
    share = f"{row['neg_docs']}/{row['counted_docs']}" if row["counted_docs"] else None
    wilson = f"威尔逊区间下限(z={reaction.z:g})×100；未知时其余权重按比例分担"
    weighed("负面占比", share, p["neg"], reaction.neg, wilson)
    emotive = f"{row['emotive_docs']}/{row['distinct_docs']}"
    weighed("情绪诉求占比", emotive, p["intensity"], reaction.intensity, "占比×100", of)
    per_issue = f"每件{reaction.points_per_issue:g}分，至多100"
    weighed("90日内同主题事项", row["same_topic_issues_90d"], p["recur"], reaction.recur, per_issue, of)
    close("S", "以上贡献相加")

    line("最高媒体级别", MEDIA_TIER_NAMES[row["media_tier"]], p["media_tier"])
    extra = f"首家以外每家{rules.media.points_per_medium:g}分，至多{rules.media.most_extra:g}"
    line("媒体家数", row["n_media"], p["extra_media"], basis=f"{extra}；{_OURS}")
    close("M", "以上相加，至多100")

    lines.append(ExplanationRow("总分", "", f"{row['total']:.1f}", "", "", "五项贡献相加，四舍五入到一位小数"))
    cuts = "、".join(f"{LEVEL_NAMES[name][0]}{value:g}" for name, value in rules.level.model_dump().items())
    line("按分数定级", LEVEL_NAMES[row["level_by_score"]][0], basis=f"起点：{cuts}；{_OURS}")
    for name in row["overrides"]:
        line(f"触发{name}", "是", basis=f"{OVERRIDE_NAMES[name]}；{_OURS}")
    line("数据覆盖", f"{len(seen)}/{len(ATTENTION)}", basis="阅读、转发、评论、篇数中已知的项数")
    line("建议等级", LEVEL_NAMES[row["level"]][0], basis="由人确认")
    line("回应价值", RESPONSE_NAMES[row["response_value"]])
    if row["needs_review"]:
        line("需人工复核", "是")
    return lines


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
    return _UNKNOWN if number is None else f"{number:.2f}"


def _text(value: object) -> str:
    return _UNKNOWN if value is None else str(value)
