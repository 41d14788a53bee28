"""Encoding families of 6,000 blobs of made-up Chinese text, beside charset-normalizer and chardet in the same run."""

from __future__ import annotations

import codecs
import json
import logging
import random
from collections.abc import Callable, Iterator
from functools import cache
from time import perf_counter
from typing import Any, NamedTuple

from caifeng.core.text.encoding import Undecodable, decode

BLOBS, SEED = 6_000, 20261122

_WORDS = {
    "place": (
        "城关镇 东湖乡 柳河村 北街社区 开发区 桥头镇 清水湾 石桥村 新城区 老粮站 双塔镇 南门菜市场 "
        "汽车站 白杨村 河西学校 兴业路 幸福小区 青山水库 工业园 大杨集 许家洼 凤台巷 玉泉街道 "
        "碧桂花园"
    ),
    "office": (
        "县统计局 市场监管所 镇政府 教育局 住建局 水务公司 供电所 社区居委会 县医院 交警大队 环卫处 "
        "农业农村局 普查办公室 人社局 税务分局 民政局 城管执法队 信访局 公积金中心 档案馆"
    ),
    "figure": (
        "地区生产总值 居民人均可支配收入 粮食总产量 规模以上工业增加值 社会消费品零售总额 固定资产投资 "
        "常住人口 城镇化率 猪肉价格 房屋销售面积 财政收入 出口总额 用电量 小麦播种面积 蔬菜批发价 "
        "失业率 旅游接待人次 快递业务量"
    ),
    "time": (
        "前三季度 上半年 本月中旬 昨天傍晚 去年冬天 国庆假期 今天一早 连续三天 春耕期间 年初以来 近两个月 雨季过后"
    ),
    "mood": ("稳中有升 略有回落 明显好转 不太理想 基本持平 大幅增长 逐步恢复 让人担忧 超出预期 喜忧参半"),
    "thing": (
        "路灯 自来水 公交线路 垃圾桶 补贴款 门诊药房 学区划分 噪声 下水道 电梯 网络信号 暖气 "
        "停车位 秸秆 快递柜 健身器材 井盖 树枝 摊位 围墙 鱼塘 温室大棚"
    ),
    "want": (
        "请尽快派人查看 能不能给个说法 希望早日解决 麻烦公开一下标准 到底归谁管 盼望得到答复 "
        "建议重新核算 谢谢你们的辛苦 怎么还没有动静 我们已经问过好几遍"
    ),
}
_FRAMES = (
    "{time}，{place}的{figure}{mood}，{office}公布了详细数据。",
    "{office}通报：{time}{figure}同比增长{n}.{d}%，{mood}。",
    "我是{place}的居民，{time}{thing}又坏了，{want}！",
    "听说{office}要来登记，{place}好多人不知道准备什么材料，{want}？",
    "{place}{thing}问题引起关注，{office}回应称已经安排抢修。",
    "专家认为，{figure}{mood}与{place}的产业结构有关，不宜简单比较。",
    "“{thing}收费太贵了”，{time}有网友在论坛里抱怨，{want}。",
    "为做好{figure}核算工作，{office}{time}走访了{place}等{n}个单位。",
    "{time}下了一场大雨，{place}的庄稼被淹，损失约{n}万元，{office}正在统计灾情。",
    "关于{place}{thing}的提问已经转交{office}办理，预计{n}个工作日内答复。",
    "《{figure}调查方案》修订后，{place}共抽中{n}户，调查员将佩戴证件上门。",
    "孩子上学要绕过{place}，{thing}旁边连个警示牌都没有，{want}。",
    "{office}负责人表示，{time}{figure}{mood}，下一步将加大帮扶力度。",
    "据了解，{place}的{thing}工程投资{n}万元，{time}竣工并交付使用。",
)
_TITLES = (
    "{place}{thing}何时修好", "{figure}{mood}", "{office}回应{thing}问题", "{time}{figure}公报",
    "{place}：{want}", "{thing}的事",
)  # fmt: skip
#: Simplified to traditional for the characters of the sentences above that differ.
_TRADITIONAL = str.maketrans(
    "东乡区开发桥头镇湾汽车业兴小学双门场杨园径总产规模费额资额价销积财电种发业递务量连续经来农监证补药"
    "划声网络号气树枝摊围墙鱼温县统计镇教环卫处办税执队访档馆长观稳现转预显让担忧复线灯垃桶贴诊电气归谁"
    "谢动静们过几遍请为个说标准还没关问题专认构与单较产网论坛里贵应称经安排抢员将带孩绕边连警牌都没负责人"
    "帮据了解这种户调查抽损庄稼约万预业方订实时会无间",
    "東鄉區開發橋頭鎮灣汽車業興小學雙門場楊園徑總產規模費額資額價銷積財電種發業遞務量連續經來農監證補藥"
    "劃聲網絡號氣樹枝攤圍牆魚溫縣統計鎮教環衛處辦稅執隊訪檔館長觀穩現轉預顯讓擔憂復線燈垃桶貼診電氣歸誰"
    "謝動靜們過幾遍請為個說標準還沒關問題專認構與單較產網論壇裡貴應稱經安排搶員將帶孩繞邊連警牌都沒負責人"
    "幫據了解這種戶調查抽損莊稼約萬預業方訂實時會無間",
)

#: Codec -> family. Traditional text for Big5; gbk and gb18030 carry both.
_CODECS = {
    "utf-8": "utf-8", "utf-8-sig": "utf-8", "gb2312": "gb", "gbk": "gb", "gb18030": "gb", "big5": "big5",
    "cp950": "big5", "utf-16": "utf-16", "utf-16-le": "utf-16", "utf-16-be": "utf-16",
}  # fmt: skip
_FAMILIES = {
    "utf-8": "utf-8", "ascii": "utf-8", "gb2312": "gb", "gbk": "gb", "gb18030": "gb", "big5": "big5",
    "big5hkscs": "big5", "cp950": "big5",
}  # fmt: skip
#: How the blobs go, in equal parts; BOM-less UTF-16 and the BOMs are codecs of their own.
_SHARES = (
    "utf-8", "utf-8", "utf-8-sig", "gb2312", "gbk", "gbk", "gb18030", "gb18030", "big5", "big5", "big5", "cp950",
    "utf-16", "utf-16-le", "utf-16-be",
)  # fmt: skip


class Blob(NamedTuple):
    """Bytes, the family they belong to, and how they were made (raw or html; title, sentence or long)."""

    body: bytes
    family: str
    shape: str
    length: str


def sentences(rng: random.Random) -> Iterator[str]:
    """Invented sentences without end."""
    while True:
        yield _fill(rng.choice(_FRAMES), rng)


def blobs(count: int = BLOBS, seed: int = SEED) -> list[Blob]:
    """Mixed blobs; the same seed gives the same bytes. A fifth are titles, a tenth are cut inside a character."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    source = sentences(rng)
    made = []
    for i in range(count):
        codec = _SHARES[i % len(_SHARES)]
        length = rng.choice(("title", "sentence", "sentence", "long", "long"))
        if length == "title":
            text = _fill(rng.choice(_TITLES), rng)
        else:
            text = "".join(next(source) for _ in range(1 if length == "sentence" else rng.randint(4, 40)))
        if _CODECS[codec] == "big5" or (codec in {"gbk", "gb18030", "utf-8"} and rng.random() < 0.3):
            text = text.translate(_TRADITIONAL)
        shape = rng.choice(("raw", "html"))
        if shape == "html":
            text = _page(text, rng)
        body = text.encode(codec, "ignore")
        if length == "long" and rng.random() < 0.25:
            body = body[: -1 - rng.randrange(len(body) // 4)]
        made.append(Blob(body, _CODECS[codec], shape, length))
    return made


def run() -> dict[str, Any]:
    """Share of blobs whose family is found, by tool and family, and blobs per second; one run, one machine."""
    logging.getLogger("charset_normalizer").setLevel(logging.ERROR)
    logging.getLogger("chardet").setLevel(logging.ERROR)
    pool = blobs()
    result: dict[str, Any] = {"blobs": len(pool), "families": {f: _count(pool, f) for f in _families(pool)}}
    for name, detect in _TOOLS.items():
        started = perf_counter()
        found = [detect(blob.body) for blob in pool]
        seconds = perf_counter() - started
        right = [_family(encoding) == blob.family for encoding, blob in zip(found, pool, strict=True)]
        result[name] = {
            "accuracy": _share(right),
            **{f: _share([r for r, b in zip(right, pool, strict=True) if b.family == f]) for f in _families(pool)},
            **{
                length: _share([r for r, b in zip(right, pool, strict=True) if b.length == length])
                for length in ("title", "sentence", "long")
            },
            "blobs_per_second": round(len(pool) / seconds),
        }
    return result


def _ours(body: bytes) -> str | None:
    try:
        return decode(body).encoding
    except Undecodable:
        return None


def _charset_normalizer(body: bytes) -> str | None:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - as below

    best = from_bytes(body).best()
    return best.encoding if best else None


def _chardet(body: bytes) -> str | None:
    import chardet  # noqa: PLC0415 - a rival; the corpus is also for tests

    return chardet.detect(body)["encoding"]


_TOOLS: dict[str, Callable[[bytes], str | None]] = {
    "caifeng": _ours,
    "charset_normalizer": _charset_normalizer,
    "chardet": _chardet,
}


def _fill(frame: str, rng: random.Random) -> str:
    words = {name: rng.choice(choices) for name, choices in _words().items()}
    return frame.format(n=rng.randint(2, 98), d=rng.randint(0, 9), **words)


@cache
def _words() -> dict[str, list[str]]:
    return {name: words.split() for name, words in _WORDS.items()}


def _page(text: str, rng: random.Random) -> str:
    """The text in a page that names no charset, with some script and style as sites have them."""
    noise = "".join(f".c{i}{{margin:{i}px;color:#{i:06x}}}" for i in range(rng.choice((0, 5, 60))))
    return (
        f"<!DOCTYPE html><html><head><title>{text[:14]}</title><style>{noise}</style></head>"
        f'<body><div class="main" id="c{rng.randint(1, 9999)}"><p>{text}</p></div></body></html>'
    )


def _family(encoding: str | None) -> str | None:
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return encoding
    return _FAMILIES.get(name) or next((f for f in ("utf-8", "utf-16") if name.startswith(f)), name)


def _families(pool: list[Blob]) -> list[str]:
    return sorted({blob.family for blob in pool})


def _count(pool: list[Blob], family: str) -> int:
    return sum(blob.family == family for blob in pool)


def _share(right: list[bool]) -> float:
    return round(sum(right) / len(right), 4)


if __name__ == "__main__":
    print(json.dumps(run()))  # noqa: T201 - the benchmark's output
