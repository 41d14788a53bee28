"""Made-up input of any size; the same seed gives the same rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from caifeng.core.model.terms import GEO_NAMES, JURISDICTION_NAMES, MEDIA_TIER_NAMES
from caifeng.core.settings import Settings
from transforms.grade.grade import MEASURES

SENTENCES = (
    "今天天气不错，河边散步的人很多，孩子们在放风筝。",
    "县统计局公布前三季度居民人均可支配收入，同比增长百分之五。",
    "这场球赛的技术统计很好看，主队场均得分全联盟第一。",
    "房价又涨了，什么时候是个头，大家怎么看。",
    "听说普查员要上门登记，不知道需要准备哪些材料。",
    "美国CPI公布后股市大涨，机构纷纷看好后市。",
    "据不完全统计，今年有上百人参加了志愿服务活动。",
    "小区停电一整天，物业电话没人接，希望尽快恢复。",
)


def random_issues(rows: int, seed: int = 1) -> pl.DataFrame:
    """Valid measures of `rows` issues, columns of MEASURES; a third of the counts unknown."""
    rng = np.random.default_rng(seed)
    rules = Settings.load().grading()

    def choose(values: list[str]) -> pl.Series:
        return pl.Series(rng.choice(values, rows))

    def some(values: list[str], share: float) -> pl.Series:
        picked = rng.random((rows, len(values))) < share
        frame = pl.DataFrame({v: picked[:, i] for i, v in enumerate(values)})
        lists = pl.concat_list(pl.when(v).then(pl.lit(v)) for v in values).list.drop_nulls()
        return frame.select(lists.alias("list"))["list"]

    def count(top: float) -> pl.Series:
        values = np.floor(10 ** rng.uniform(0, top, rows)).astype(np.int64)
        return pl.Series(values).set(pl.Series(rng.random(rows) < 1 / 3), None)

    docs = np.floor(10 ** rng.uniform(0, 2.6, rows)).astype(np.int64)
    counted = rng.integers(0, 200, rows)
    tiers = choose(list(MEDIA_TIER_NAMES))
    return pl.DataFrame(
        {
            "issue_no": pl.int_range(rows, eager=True).cast(pl.String),
            "topic": choose(sorted(rules.topic_base)),
            "flags": some(sorted(rules.flag), 0.15),
            "tone": choose(["negative", "neutral", "positive", "unknown"]),
            "geo": choose(list(GEO_NAMES)),
            "source_classes": rng.integers(1, 7, rows),
            "active_days": rng.integers(1, 7, rows),
            "views": count(7),
            "reposts": count(5),
            "comments": count(5),
            "distinct_docs": docs,
            "growth_24h": pl.Series(rng.uniform(-1, 3, rows)).set(pl.Series(rng.random(rows) < 1 / 3), None),
            "neg_docs": rng.integers(0, counted + 1),
            "counted_docs": counted,
            "emotive_docs": rng.integers(0, docs + 1),
            "same_topic_issues_90d": rng.integers(0, 6, rows),
            "media_tier": tiers,
            "n_media": pl.select(
                pl.when(tiers == "none").then(0).otherwise(pl.Series(rng.integers(1, 9, rows)))
            ).to_series(),
            "emergency_level": choose(["none"] * 8 + ["general", "larger", "major", "extreme"]),
            "facts": some(["names_bureau", "names_unit", "local_board", "second_wave", "official_channel"], 0.2),
            "jurisdiction": choose(list(JURISDICTION_NAMES)),
        },
        schema_overrides=MEASURES,
    )


def random_texts(rows: int, seed: int = 1) -> pl.DataFrame:
    """`rows` short posts with id, title and text, put together from invented sentences."""
    rng = np.random.default_rng(seed)
    picks = rng.choice(len(SENTENCES), (rows, 4), p=[0.6, 0.04, 0.06, 0.06, 0.04, 0.04, 0.06, 0.1])
    sentences = np.array(SENTENCES)
    return pl.DataFrame(
        {
            "id": pl.int_range(rows, eager=True).cast(pl.String),
            "title": pl.Series(sentences[picks[:, 0]]).str.head(18),
            "text": pl.Series(["".join(row) for row in sentences[picks]]),
        }
    )
