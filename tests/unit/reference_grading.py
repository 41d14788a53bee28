"""Grading a second time: plain Python, one issue at a time, the default numbers written out.

It shares no code with transforms/grade, so that the two can only agree by being right. Also a seeded
generator of valid issues that seeks boundaries.
"""

import math
import random
from itertools import pairwise
from typing import Any

Issue = dict[str, Any]

TOPIC_BASE = {
    "gdp": 40,
    "price": 40,
    "employment": 50,
    "income": 50,
    "wage": 45,
    "pop_census": 55,
    "agri_census": 55,
    "econ_census": 50,
    "investment": 50,
    "housing": 50,
    "industry_energy": 35,
    "consumption": 35,
    "data_fabrication": 85,
    "enforcement": 60,
    "household_visit": 55,
    "impostor_fraud": 80,
    "data_leak": 85,
    "staff_conduct": 60,
    "three_public": 50,
    "release_service": 35,
    "ranking_eval": 45,
    "resident_welfare": 40,
    "method_education": 10,
    "praise_publicity": 5,
    "other_stats": 20,
}
FLAGS = {
    "key_category": 20,
    "alleges_fabrication": 25,
    "alleges_leak": 25,
    "impostor_fraud": 20,
    "staff_conduct": 15,
    "specific_checkable": 10,
    "release_window": 10,
    "constructive_suggestion": -15,
    "pure_question": -10,
}
GEO = {"village": 20, "county": 40, "city": 60, "province": 80, "nation": 100}
TIER = {"none": 0, "self": 15, "county": 40, "city": 55, "province": 75, "central": 90}
FACTS = (
    "names_bureau",
    "names_unit",
    "local_board",
    "official_channel",
    "official_notice",
    "second_wave",
    "superior_orders",
    "leader_instruction",
    "offline_collective",
)
SCALE = ("log_only", "general", "larger", "major", "extreme")
RESULTS = (
    "C",
    "R",
    "A",
    "S",
    "M",
    "total",
    "coverage",
    "level",
    "level_by_score",
    "overrides",
    "needs_review",
    "response_value",
    "sensitive",
)


def tenths(x: float) -> int:
    return math.floor(10 * x + 0.5 + 1e-9)


def log_points(value: int, zero: int) -> float:
    return 0.0 if value <= zero else min(100.0, 20 * math.log10(value / zero))


def docs_points(docs: int) -> float:
    anchors = [(1, 0), (3, 20), (10, 40), (30, 60), (100, 80), (300, 100)]
    if docs >= 300:
        return 100.0
    for (x0, y0), (x1, y1) in pairwise(anchors):
        if x0 <= docs < x1:
            return y0 + (y1 - y0) * math.log10(docs / x0) / math.log10(x1 / x0)
    raise AssertionError(docs)


def wilson(hits: int, n: int) -> float:
    z = 1.96
    p = hits / n
    centre = p + z**2 / (2 * n)
    margin = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (centre - margin) / (1 + z**2 / n)


def grade_one(i: Issue) -> dict[str, Any]:
    """All outputs except the explanation."""
    content = tenths(min(100, max(0, TOPIC_BASE[i["topic"]] + sum(FLAGS[f] for f in i["flags"]))))
    reach = tenths(
        0.5 * GEO[i["geo"]] + 0.3 * min(100, 20 * i["source_classes"]) + 0.2 * min(100, 20 * i["active_days"])
    )
    known = [docs_points(i["distinct_docs"])]
    for name, zero in (("views", 50), ("reposts", 5), ("comments", 1)):
        if i[name] is not None:
            known.append(log_points(i[name], zero))
    bonus = 10 if i["growth_24h"] is not None and i["growth_24h"] >= 1.0 and i["distinct_docs"] >= 5 else 0
    attention = tenths(min(100, 0.6 * max(known) + 0.4 * sum(known) / len(known) + bonus))
    terms = [
        (0.3, 100 * i["emotive_docs"] / i["distinct_docs"]),
        (0.2, min(100, 25 * i["same_topic_issues_90d"])),
    ]
    if i["counted_docs"] > 0:
        terms.append((0.5, 100 * wilson(i["neg_docs"], i["counted_docs"])))
    reaction = tenths(sum(w * x for w, x in terms) / sum(w for w, _ in terms))
    media = TIER[i["media_tier"]]
    if i["n_media"] >= 1:
        media += min(20, 4 * (i["n_media"] - 1))
    media = tenths(min(100, media))
    total = (25 * content + 20 * reach + 25 * attention + 15 * reaction + 15 * media + 50) // 100
    by_score = sum(total >= cut for cut in (200, 400, 600, 800))

    tone_not_kind = i["tone"] not in ("positive", "neutral")
    flags, facts = set(i["flags"]), set(i["facts"])
    fired = []
    strong = 0
    strong += content >= 800 and attention >= 200
    strong += reach >= 800
    strong += attention >= 800
    strong += reaction >= 800 and i["counted_docs"] >= 30
    strong += media >= 800 and tone_not_kind
    rank = by_score
    if strong:
        fired.append("O9")
        rank = max(rank, 3 if strong >= 2 else 2)
    review = False
    named = "names_bureau" in facts and tone_not_kind
    for name, holds, floor in (
        ("O1", i["emergency_level"] in ("major", "extreme"), 3),
        ("O2a", i["media_tier"] == "central" and named, 3),
        ("O2b", i["media_tier"] == "province" and named, 2),
        ("O3", "superior_orders" in facts, 2),
        ("O4", "leader_instruction" in facts, 2),
        ("O5", "alleges_leak" in flags or ("alleges_fabrication" in flags and "names_unit" in facts), 2),
        ("O6", "impostor_fraud" in flags, 2),
        ("O7", "offline_collective" in facts, 3),
    ):
        if holds:
            fired.append(name)
            rank = max(rank, floor)
            if name == "O7" or (name in ("O2a", "O2b") and i["tone"] == "unknown"):
                review = True
    if "second_wave" in facts:
        fired.append("O8")
        rank = min(4, rank + 1)
    if len(known) / 4 < 0.5 and i["distinct_docs"] == 1 and not set(fired) - {"O9"}:
        fired.append("O10")
        if rank > 2:
            rank, review = 2, True
    level = SCALE[rank]
    ours = facts & {"names_bureau", "local_board", "superior_orders"}
    upper = i["jurisdiction"] in ("city", "province", "national")
    if "O1" not in fired and ("official_notice" in facts or (upper and not ours)):
        fired.append("O12")
        level = "context"
    if i["jurisdiction"] == "other":
        fired.append("O11")
        level = "refer_out"

    grave = {"O1", "O2a", "O2b", "O3", "O4", "O5", "O6"} & set(fired)
    asked = "official_channel" in facts
    if level == "refer_out":
        response = "refer_out"
    elif level == "context" and not asked:
        response = "log_only"
    elif "key_category" in flags or grave or level in ("major", "extreme"):
        response = "must"
    elif level == "larger" or (level == "general" and flags & {"specific_checkable", "pure_question"}) or asked:
        response = "should"
    else:
        response = "log_only"
    return {
        "C": content / 10,
        "R": reach / 10,
        "A": attention / 10,
        "S": reaction / 10,
        "M": media / 10,
        "total": total / 10,
        "coverage": len(known) / 4,
        "level": level,
        "level_by_score": SCALE[by_score],
        "overrides": fired,
        "needs_review": review,
        "response_value": response,
        "sensitive": bool(grave or "O7" in fired or "key_category" in flags),
    }


def random_issue(rng: random.Random, number: int) -> Issue:
    """A valid issue; counts prefer anchors and their neighbours, some issues are quiet, some have few facts."""

    def count(anchors: tuple[int, ...]) -> int:
        if rng.random() < 0.5:
            return max(0, rng.choice(anchors) + rng.choice((-1, 0, 0, 1)))
        return int(10 ** rng.uniform(0, 7)) - 1

    def maybe(value: int) -> int | None:
        return None if rng.random() < 0.35 else value

    quiet = rng.random() < 0.3

    docs = (
        1
        if quiet
        else rng.choice((1, 1, 1, 2, 3, 4, 5, 9, 10, 11, 29, 30, 99, 100, 299, 300, 301, rng.randint(1, 2000)))
    )
    counted = rng.choice((0, 0, 1, 5, 29, 30, 31, rng.randint(1, 5000)))
    tier = rng.choice(tuple(TIER))
    rare = rng.choice((0.0, 0.05, 0.3))
    issue = {
        "issue_no": f"YQ-2026-{number:05d}",
        "topic": rng.choice(tuple(TOPIC_BASE)),
        "flags": [flag for flag in FLAGS if rng.random() < rare],
        "tone": rng.choice(("negative", "neutral", "positive", "unknown")),
        "geo": rng.choice(tuple(GEO)),
        "source_classes": rng.choice((1, 2, 3, 4, 5, 6, 10)),
        "active_days": rng.choice((1, 1, 2, 3, 4, 5, 6, 90)),
        "views": maybe(count((0, 50, 500, 5_000, 50_000, 500_000, 5_000_000))),
        "reposts": maybe(count((0, 5, 50, 500, 5_000, 50_000, 500_000))),
        "comments": maybe(count((0, 1, 10, 100, 1_000, 10_000, 100_000))),
        "distinct_docs": docs,
        "growth_24h": rng.choice((None, 0.0, -0.5, 0.999, 1.0, 1.001, 7.0)),
        "neg_docs": rng.choice((0, counted, rng.randint(0, counted))),
        "counted_docs": counted,
        "emotive_docs": rng.choice((0, docs, rng.randint(0, docs))),
        "same_topic_issues_90d": rng.choice((0, 0, 1, 2, 3, 4, 5, 40)),
        "media_tier": tier,
        "n_media": 0 if tier == "none" else rng.choice((1, 1, 2, 3, 5, 6, 7, 30)),
        "emergency_level": rng.choice(("none",) * 12 + ("general", "larger", "major", "extreme")),
        "facts": [fact for fact in FACTS if rng.random() < rare],
        "jurisdiction": rng.choice(
            ("local", "local", "local", "local", "city", "province", "national", "other", "unknown")
        ),
    }
    if quiet:
        issue |= {"geo": "village", "topic": rng.choice(("praise_publicity", "method_education", "gdp"))}
        issue |= {"views": maybe(rng.randint(0, 300)), "reposts": maybe(rng.randint(0, 10))}
        issue |= {"comments": maybe(rng.randint(0, 4)), "media_tier": "none", "n_media": 0}
    return issue


def random_issues(number: int, seed: int) -> list[Issue]:
    rng = random.Random(seed)
    return [random_issue(rng, n) for n in range(number)]
