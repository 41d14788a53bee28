"""Made-up raw.posts of a large day: mostly noise, a few stories that are copied; the same seed gives the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from bench.synthetic import SENTENCES
from caifeng.core.settings import Settings

#: Share of posts that concern statistics work. Our choice, high for a province's boards: what costs most is these.
RELEVANT = 0.05
#: Posts of a story, on average.
COPIES = 6
SOURCES = 200

_WHO = (
    "我们村", "城关镇", "小涧镇", "立仓镇", "乐土镇", "庄周街道",
    "漆园街道", "开发区", "老家", "隔壁小区", "我们厂", "县里",
)  # fmt: skip
_WHAT = (
    "人口普查员上门登记，问了家里几口人就走了，表格也没有让我们核对签字",
    "统计局公布的居民人均可支配收入和我们实际感受差得太远",
    "经济普查要求企业填报的报表太多，一个季度要报好几次",
    "农业产量抽样调查的地块没有去实地测产，数字是估出来的",
    "住户调查记账补贴一直没有发下来，问了几次都没有答复",
    "统计数据造假，镇里要求企业把产值报高",
    "物价指数说只涨了一点点，可菜市场的肉和菜明显贵了",
    "失业率的统计口径到底是怎么算的，能不能公开说明",
    "规上工业企业名录里有已经停产的厂，统计报表还在报",
    "统计公报里的常住人口和公安的户籍人口为什么不一样",
)
_MORE = (
    "希望有关部门给个说法。", "打电话过去没有人接。", "问了几个邻居，情况都差不多。", "网上也查不到相关的解释。",
    "领导来之前才补了材料。", "这件事拖了很久了。", "村里的老人都不清楚怎么回事。", "请尽快调查核实并公开结果。",
    "同样的问题去年也有人反映过。", "如果有政策依据请贴出来。", "我们愿意配合但要讲道理。", "听说别的乡镇也是这样。",
    "负责登记的人自己也说不明白。", "材料交上去以后就没有下文。", "大家都在群里议论这件事。", "建议把办事流程写清楚。",
)  # fmt: skip
_HEADS = ("", "", "", "", "转：", "看到这个帖子：", "求扩散！")
_TAILS = ("", "", "", "", "大家怎么看？", "（完）", "顶一下")


def raw_day(posts: int, day: date, seed: int = 1) -> pl.DataFrame:
    """raw.posts of a day, each post observed once; views and comments long-tailed, a third of them unknown."""
    rng = np.random.default_rng(seed)
    relevant = int(posts * RELEVANT)
    texts = pl.concat([_noise(posts - relevant, rng), _stories(relevant, rng)])
    texts = texts[rng.permutation(posts)]
    number = pl.int_range(pl.len())
    start = datetime.combine(day, time(), UTC) - timedelta(hours=8)
    fetched = pl.Series(rng.integers(0, 24 * 60, posts)) * pl.duration(minutes=1)
    prefix = f"{day:%m%d}"
    seen = pl.select(fetched=pl.lit(start, pl.Datetime("us", "UTC")) + fetched).to_series()
    frame = texts.select(
        post_id=pl.lit(prefix) + number.cast(pl.String).str.zfill(12),
        source_id=pl.lit("s") + pl.Series(rng.zipf(1.4, posts) % SOURCES).cast(pl.String),
        url=pl.format("https://example.org/{}/{}", pl.lit(prefix), number),
        title="title",
        text="text",
        published_at=seen - timedelta(minutes=40),
        published_precision=pl.lit("minute"),
        fetched_at=seen,
        observed_at=seen,
        views=_count(rng, posts, 4),
        comments=_count(rng, posts, 2),
        reposts=_count(rng, posts, 1.5),
        encoding=pl.lit("utf-8"),
        date_source=pl.lit("rule"),
        date_guessed=pl.lit(value=False),
    )
    return _as_contract("raw.posts", frame)


def sources() -> pl.DataFrame:
    """ops.sources that the posts name."""
    kinds = ("board", "news", "portal", "epaper", "message_board")
    known = Settings.load().contracts()["ops.sources"]
    frame = pl.DataFrame(
        {
            "source_id": [f"s{n}" for n in range(SOURCES)],
            "name": [f"来源{n}" for n in range(SOURCES)],
            "source_class": [kinds[n % len(kinds)] for n in range(SOURCES)],
            "media_tier": ["county" if kinds[n % len(kinds)] == "news" else "self" for n in range(SOURCES)],
        }
    ).with_columns(
        reach=pl.lit("county"),
        local_board=pl.col("source_class") == "board",
        official_channel=pl.col("source_class") == "message_board",
        silent_after_hours=48,
    )
    missing = [pl.lit(None, kind).alias(n) for n, kind in known.polars_schema().items() if n not in frame.columns]
    return frame.with_columns(missing).select(known.names)


def _noise(posts: int, rng: np.random.Generator) -> pl.DataFrame:
    """Posts of no concern, some of which speak of statistics, figures, foreign indices all the same."""
    share = np.array([0.6, 0, 0.07, 0.07, 0, 0.06, 0.07, 0.13])
    picks = rng.choice(len(SENTENCES), (posts, 4), p=share)
    sentences = pl.Series(SENTENCES)
    parts = [sentences.gather(picks[:, n]).alias(str(n)) for n in range(4)]
    # a running number makes every text its own, so that nothing is judged once for many
    text = pl.concat_str(*"0123", pl.int_range(pl.len()).cast(pl.String), pl.lit("楼"))
    return pl.DataFrame(parts).select(title=pl.col("0").str.head(18), text=text)


def _stories(posts: int, rng: np.random.Generator) -> pl.DataFrame:
    stories = max(posts // COPIES, 1)
    picks = [pl.Series(words).gather(rng.integers(0, len(words), stories)) for words in (_WHO, _WHAT, *[_MORE] * 4)]
    told = pl.DataFrame([series.alias(str(n)) for n, series in enumerate(picks)]).select(
        title=pl.col("1").str.head(20), text=pl.concat_str("0", "1", pl.lit("。"), *"2345")
    )
    # a few stories are copied much, most of them once or twice
    of = np.minimum((rng.pareto(1.2, posts) * stories / 20).astype(np.int64), stories - 1)
    of = rng.permutation(stories)[of]
    head, tail = (pl.Series(words).gather(rng.integers(0, len(words), posts)) for words in (_HEADS, _TAILS))
    return told[of].select("title", text=pl.concat_str(head, pl.col("text"), tail))


def _count(rng: np.random.Generator, rows: int, top: float) -> pl.Series:
    values = np.floor(10 ** rng.uniform(0, top, rows)).astype(np.int64)
    return pl.Series(values).set(pl.Series(rng.random(rows) < 1 / 3), None)


def _as_contract(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    schema = Settings.load().contracts()[table].polars_schema()
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(list(schema)).cast(dict(schema))  # type: ignore[arg-type]
