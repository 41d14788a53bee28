"""The composite score of a period (config/review.toml; our choice, off unless the office turns it on). Pure.

A part is worth its weight times the mean of those of its rates that are known. Parts without any are left out and the
others weigh more: what cannot be known is no fault. Overdue duties are deducted, a missed 重大 issue makes it 0.
"""

from collections.abc import Mapping
from typing import NamedTuple

from caifeng.core.model.review import PART_NAMES, ScoreRules


class PartScore(NamedTuple):
    """A part of the score."""

    name: str
    weight: int
    share: float | None
    """Mean of its known rates, 0 to 1; null: none is known."""


class Score(NamedTuple):
    """The composite score with all that it is made of."""

    total: float
    """0 to 100, one decimal."""
    parts: tuple[PartScore, ...]
    deducted: float
    """Points taken for open overdue duties."""
    vetoed: bool


def score(values: Mapping[str, float | None], rules: ScoreRules) -> Score | None:
    """Score a period.

    Args:
        values: figure -> its value; null where it is unknown.
        rules: weights and deductions.

    Returns:
        Null where no part is known.
    """
    parts = []
    for part_id, part in rules.parts.items():
        known = [value for figure in part.figures if (value := values.get(figure)) is not None]
        parts.append(PartScore(PART_NAMES[part_id], part.weight, sum(known) / len(known) if known else None))
    weight = sum(part.weight for part in parts if part.share is not None)
    if not weight:
        return None
    reached = 100 * sum(part.weight * part.share for part in parts if part.share is not None) / weight
    deducted = rules.deduct_overdue * (values.get("open_overdue") or 0)
    vetoed = bool(rules.veto_missed_major and values.get("missed_major"))
    total = 0.0 if vetoed else max(0.0, reached - deducted)
    return Score(round(total, 1), tuple(parts), deducted, vetoed)


def score_text(found: Score | None) -> str:
    """The score in a sentence; what it is made of stands beside it."""
    if found is None:
        return "综合得分：各部分均无可计的指标，不计分。"
    parts = "、".join(
        f"{part.name} {'—' if part.share is None else f'{part.weight * part.share:.1f}'}/{part.weight}"
        for part in found.parts
    )
    taken = f"；期末超期未办扣 {found.deducted:g} 分" if found.deducted else ""
    veto = "；漏报重大事项，计 0 分" if found.vetoed else ""
    return f"综合得分 {found.total:.1f}（本单位规定；{parts}，无可计指标的部分不计、其余按比例折算{taken}{veto}）。"
