"""Repost groups: pairs labelled by hand and synthetic edits, beside SimHash and datasketch; and a month's window.

The labels (`labels/reposts.tsv`) name two lead texts by the first 16 hex digits of the SHA-256 of their titles. They
were read pair by pair; templates whose figures, places, names or outcome differ, and updates of a story, are no copies.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import random
import re
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from bench.encoding import sentences
from caifeng.core.contracts import load_contracts
from caifeng.core.lake import Lake
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import Settings, load_model
from caifeng.jobs.reposts import place_names, sharing_marks
from transforms.understand.reposts import find_copies, repost_marks

LABELS = Path(__file__).parent / "labels" / "reposts.tsv"
SEED, BASES, SPEED_TEXTS = 20261122, 300, 20_000

_PLACE = re.compile(
    r"(?:北京|上海|江苏|浙江|安徽|河南|山东|广东|四川|湖北|湖南|陕西|杭州|南京|合肥|郑州|成都|武汉|西安)"
)
_COMMENTS = ("这事得好好查一查。", "转给大家看看", "说得太对了！", "有没有知情的人出来讲讲？", "[思考]看完沉默了")
_HEADS = ("【转发】", "网友投稿：", "新华社北京11月22日电 ", "2026-11-22讯 ", "编者按：以下内容值得关注。")
_TAILS = ("（来源：综合媒体）", " 责任编辑：小周 2026-11-22 08:30", "↓↓", "#今日热点# 大家怎么看？")
_GIVEN = ("建国", "秀英", "志强", "丽娟", "海涛", "雨桐", "文博", "晓燕", "子轩", "明辉")
_FAMILY = "王李张刘陈杨赵黄周吴"
#: Invented notices in which a name can be filled in.
_NOTICES = (
    "经研究决定，任命{name}为县第五次经济普查领导小组办公室副主任，任期三年，请各乡镇统计站做好工作衔接。",
    "近日，普查员{name}冒雨走访了二百多户商户，耐心解释登记内容，受到社区居民的一致好评，他的事迹被刊登在县报上。",
    "县统计局公示：拟推荐{name}同志为全市统计系统先进个人，公示期为五个工作日，如有意见请向办公室反映。",
    "据村民反映，自称调查员的{name}多次上门索要身份证和银行卡号，派出所提醒大家核实证件，谨防上当受骗。",
)


class Case(NamedTuple):
    """Two texts, whether they say the same, and where the pair comes from."""

    left: str
    right: str
    copy: bool
    kind: str


def run(data: Path) -> dict[str, Any]:
    """F1, precision and recall on labelled pairs and synthetic edits, recall by edit, texts per second.

    Args:
        data: evaluation data with `hotlists/weibo_topic_descriptions.jsonl.gz`.
    """
    file = data / "hotlists" / "weibo_topic_descriptions.jsonl.gz"
    if not file.exists():
        return {"skipped": f"{file.name} is not there"}
    texts = _lead_texts(file)
    labelled = _labelled(texts)
    cases = labelled + synthetic(sorted(texts.values()))
    rules, places = _rules()
    methods: dict[str, Callable[[list[str]], Callable[[int, int], bool]] | None] = {
        "caifeng": lambda texts: _ours(texts, rules, places),
        "simhash64": _simhash,
        "datasketch": _datasketch(),
    }
    many = sorted(texts.values())[:SPEED_TEXTS]
    find_copies(pl.Series(many[:100]), 0, rules, places)  # compiled before the clock runs
    speeds = {
        "caifeng": lambda: find_copies(pl.Series(many), 0, rules, places),
        "simhash64": lambda: [_simhash_of(text) for text in many[:1000]],
        "datasketch": lambda: _datasketch_groups(many[:1000]),
    }
    sizes = {"caifeng": len(many), "simhash64": 1000, "datasketch": 1000}
    result: dict[str, Any] = {
        "labelled_pairs": len(labelled),
        "labelled_copies": sum(case.copy for case in labelled),
        "labels_not_found": _label_count() - len(labelled),
        "synthetic_pairs": len(cases) - len(labelled),
    }
    for name, method in methods.items():
        if method is None:
            result[name] = "not installed"
            continue
        every = list(dict.fromkeys(text for case in cases for text in case[:2]))
        place = {text: i for i, text in enumerate(every)}
        same = method(every)
        said = [same(place[case.left], place[case.right]) for case in cases]
        started = perf_counter()
        speeds[name]()
        seconds = perf_counter() - started
        result[name] = {
            "all": _scores(cases, said),
            "labelled": _scores(cases[: len(labelled)], said[: len(labelled)]),
            "right_by_kind": _by_kind(cases, said),
            "texts_per_second": round(sizes[name] / seconds),
        }
    ours = result["caifeng"]["texts_per_second"]
    result["times_as_fast"] = {
        name: round(ours / result[name]["texts_per_second"], 1)
        for name in ("simhash64", "datasketch")
        if isinstance(result[name], dict)
    }
    return result


def run_window(posts: int = 100_000, groups: int = 1_500_000, days: int = 30) -> dict[str, Any]:
    """Seconds until the new posts' candidates of a month of stored marks are known; a fifth of them repeat something.

    The texts are made up; marks of the window are random numbers, as hashes are.
    """
    rng, numbers = random.Random(SEED), np.random.default_rng(SEED)  # noqa: S311 - not for secrets
    source = sentences(rng)
    texts = [f"{next(source)}{next(source)}{i}号。" for i in range(posts)]
    frame = pl.DataFrame({"text": texts}).select(
        title=pl.lit(""), text="text", group_id=pl.lit("g") + pl.int_range(pl.len()).cast(pl.String)
    )
    contracts = load_contracts(Settings.load().root / "sql")
    repost_marks(frame.head(10))  # compiled before the clock runs
    marks = repost_marks(frame)
    per_group = round(marks.height / posts)
    planted = marks.join(frame.head(posts // 5).select("group_id"), on="group_id", how="semi")
    with tempfile.TemporaryDirectory() as folder:
        lake, first = Lake(Path(folder), contracts), date(2026, 10, 1)
        for day in range(days):
            size = groups // days
            names = pl.Series([f"g{day:02}{i:014x}" for i in range(size)])
            random_marks = pl.Series(numbers.integers(-(2**63), 2**63 - 1, size * per_group))
            stored = pl.DataFrame(
                {"group_id": names.gather(np.repeat(np.arange(size), per_group)), "mark": random_marks}
            )
            part = planted.slice(day * (planted.height // days + 1), planted.height // days + 1)
            lake.replace("clean.repost_bands", first + timedelta(days=day), pl.concat([stored, part]))
        started = perf_counter()
        signed = repost_marks(frame)
        wanted = signed.select("mark").unique()
        signing = perf_counter() - started
        stored = lake.scan("clean.repost_bands", first, first + timedelta(days=days))
        found = set(sharing_marks(stored, wanted)["group_id"])
        seconds = perf_counter() - started
    return {
        "new_posts": posts,
        "window_groups": groups,
        "window_rows": groups * per_group,
        "found_of_planted": round(len(found & set(planted["group_id"])) / (posts // 5), 4),
        "seconds_signing": round(signing, 2),
        "seconds": round(seconds, 2),
    }


def synthetic(texts: list[str], bases: int = BASES, seed: int = SEED) -> list[Case]:
    """Edits of real texts that are copies, and templates filled in anew that are not; the same seed, the same cases."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    chosen = rng.sample([text for text in texts if 60 <= len(text) <= 180], bases)
    traditional = _traditional()
    cases = []
    for text in chosen:
        edits = {
            "head": rng.choice(_HEADS) + text,
            "tail": text + rng.choice(_TAILS),
            "address": f"{text} http://t.cn/{rng.randrange(10**8):x}",
            "cut_to_75": text[: len(text) * 3 // 4],
            "noise_3": _noise(text, 0.03, rng),
            "shuffled": _shuffle(text, rng),
            "full_width": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
            "comment": f"{rng.choice(_COMMENTS)}//@某网友：{text}",
            "both_ends": rng.choice(_HEADS) + text + rng.choice(_TAILS),
        }
        if traditional:
            edits["traditional"] = text.translate(traditional)
        cases += [Case(text, edited, True, kind) for kind, edited in edits.items() if edited != text]
        others = {"figure": _other_figure(text, rng), "place": _other_place(text, rng)}
        cases += [Case(text, other, False, kind) for kind, other in others.items() if other]
    people = [family + given for family in _FAMILY for given in _GIVEN]
    for one, other in rng.sample(list(combinations(people, 2)), bases // 4):
        notice = rng.choice(_NOTICES)
        cases.append(Case(notice.format(name=one), notice.format(name=other), False, "name"))
    return cases


def _rules() -> tuple[GroupingRules, list[str]]:
    settings = Settings.load()
    return load_model(settings.config / "grouping.toml", GroupingRules), place_names(settings.taxonomy())


def _lead_texts(file: Path) -> dict[str, str]:
    """Title -> lead text, of the first text of 25 characters or more with this title."""
    found: dict[str, str] = {}
    with gzip.open(file, "rt", encoding="utf8") as lines:
        for line in lines:
            row = json.loads(line)
            if len(row["description"]) >= 25:
                found.setdefault(row["title"], row["description"])
    return found


def _label_count() -> int:
    return len(LABELS.read_text("utf8").splitlines()) - 1


def _labelled(texts: dict[str, str]) -> list[Case]:
    named = {hashlib.sha256(title.encode()).hexdigest()[:16]: text for title, text in texts.items()}
    with LABELS.open(encoding="utf8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        Case(
            named[row["left"]],
            named[row["right"]],
            row["copy"] == "1",
            "labelled copy" if row["copy"] == "1" else "labelled other",
        )
        for row in rows
        if row["left"] in named and row["right"] in named
    ]


def _ours(texts: list[str], rules: GroupingRules, places: list[str]) -> Callable[[int, int], bool]:
    """Each pair alone: what else is in a run must not help."""

    def same(one: int, other: int) -> bool:
        return find_copies(pl.Series([texts[one], texts[other]]), 0, rules, places)["parent"][1] == 0

    return same


def _simhash_of(text: str) -> int:
    counts = np.zeros(64, np.int64)
    letters = re.sub(r"[^\w]", "", text.lower())
    for i in range(len(letters) - 2):
        value = int.from_bytes(hashlib.blake2b(letters[i : i + 3].encode(), digest_size=8).digest(), "big")
        counts += np.array([1 if value >> bit & 1 else -1 for bit in range(64)])
    return sum(1 << bit for bit in range(64) if counts[bit] > 0)


def _simhash(texts: list[str]) -> Callable[[int, int], bool]:
    """Charikar's 64 bits over character 3-grams; the same within three bits (Manku, Jain, Das Sarma 2007)."""
    hashes = [_simhash_of(text) for text in texts]
    return lambda one, other: (hashes[one] ^ hashes[other]).bit_count() <= 3


def _datasketch() -> Callable[[list[str]], Callable[[int, int], bool]] | None:
    try:
        import datasketch  # noqa: F401, PLC0415 - a rival, not part of the product
    except ImportError:
        return None

    def method(texts: list[str]) -> Callable[[int, int], bool]:
        hashes = [_minhash(text) for text in texts]
        return lambda one, other: hashes[one].jaccard(hashes[other]) >= 0.5

    return method


def _minhash(text: str) -> Any:
    from datasketch import MinHash  # noqa: PLC0415

    letters = re.sub(r"[^\w]", "", text.lower())
    minhash = MinHash(num_perm=128)
    minhash.update_batch([letters[i : i + 3].encode() for i in range(len(letters) - 2)])
    return minhash


def _datasketch_groups(texts: list[str]) -> None:
    from datasketch import MinHashLSH  # noqa: PLC0415

    index = MinHashLSH(threshold=0.5, num_perm=128)
    for i, text in enumerate(texts):
        minhash = _minhash(text)
        index.query(minhash)
        index.insert(str(i), minhash)


def _scores(cases: list[Case], said: list[bool]) -> dict[str, float]:
    hits = sum(s and case.copy for case, s in zip(cases, said, strict=True))
    precision, recall = hits / max(sum(said), 1), hits / max(sum(case.copy for case in cases), 1)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return {"f1": round(f1, 4), "precision": round(precision, 4), "recall": round(recall, 4)}


def _by_kind(cases: list[Case], said: list[bool]) -> dict[str, float]:
    kinds = dict.fromkeys(case.kind for case in cases)
    right = {kind: [s == c.copy for c, s in zip(cases, said, strict=True) if c.kind == kind] for kind in kinds}
    return {kind: round(sum(values) / len(values), 4) for kind, values in right.items()}


def _traditional() -> dict[int, str] | None:
    """Simplified to traditional, by a table that is not ours; None where it is not installed."""
    try:
        from snownlp.normal.zh import zh2hans  # noqa: PLC0415
    except ImportError:
        return None
    return {ord(simple): old for old, simple in zh2hans.items() if len(old) == len(simple) == 1 and old != simple}


def _noise(text: str, share: float, rng: random.Random) -> str:
    """Characters left out or replaced by others of the text."""
    return "".join(c if rng.random() >= share else rng.choice(("", rng.choice(text))) for c in text)


def _shuffle(text: str, rng: random.Random) -> str:
    parts = re.findall(r"[^，。！？；]+[，。！？；]?", text)
    rng.shuffle(parts)
    return "".join(parts)


def _other_figure(text: str, rng: random.Random) -> str | None:
    figures = list(re.finditer(r"\d+", text))
    if not figures:
        return None
    chosen = rng.choice(figures)
    value = str(int(chosen[0]) + rng.choice((1, 2, 11)))
    return text[: chosen.start()] + value + text[chosen.end() :]


def _other_place(text: str, rng: random.Random) -> str | None:
    found = _PLACE.search(text)
    if not found:
        return None
    others = [name for name in _PLACE.pattern[3:-1].split("|") if name != found[0]]
    return text.replace(found[0], rng.choice(others))
