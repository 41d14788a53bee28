"""Grading a second time: plain Python, one issue at a time, exact decimals, the default numbers written out.

It shares no code and no arithmetic with transforms/grade (whole frames, float64) nor with marts.grade_audit (SQL),
so that they can only agree by being right. Also seeded generators of valid issues and of valid rules that seek
boundaries and extremes.
"""

import decimal
import random
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

Issue = dict[str, Any]
#: The tables of a rule file: {"weight": {"C": 25, ...}, ...}.
Rules = dict[str, dict[str, float]]

HUGE = 2**63 - 1
SCALE = ("log_only", "general", "larger", "major", "extreme")
FACTORS = ("C", "R", "A", "S", "M")
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
RESULTS = (
    *FACTORS,
    "total",
    "coverage",
    "level",
    "level_by_score",
    "overrides",
    "needs_review",
    "response_value",
    "sensitive",
)
RULES: Rules = {
    "weight": {"C": 25, "R": 20, "A": 25, "S": 15, "M": 15},
    "topic_base": {
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
    },
    "flag": {
        "key_category": 20,
        "alleges_fabrication": 25,
        "alleges_leak": 25,
        "impostor_fraud": 20,
        "staff_conduct": 15,
        "specific_checkable": 10,
        "release_window": 10,
        "constructive_suggestion": -15,
        "pure_question": -10,
    },
    "reach": {"geo": 50, "spread": 30, "persist": 20, "points_per_class": 20, "points_per_day": 20},
    "geo": {"village": 20, "county": 40, "city": 60, "province": 80, "nation": 100},
    "attention": {
        "highest": 60,
        "mean": 40,
        "points_per_decade": 20,
        "zero_views": 50,
        "zero_reposts": 5,
        "zero_comments": 1,
        "growth": 1.0,
        "growth_docs": 5,
        "growth_bonus": 10,
    },
    "docs": {"1": 0, "3": 20, "10": 40, "30": 60, "100": 80, "300": 100},
    "reaction": {"neg": 50, "intensity": 30, "recur": 20, "z": 1.96, "points_per_issue": 25},
    "media": {"points_per_medium": 4, "most_extra": 20},
    "media_tier": {"none": 0, "self": 15, "county": 40, "city": 55, "province": 75, "central": 90},
    "level": {"general": 20, "larger": 40, "major": 60, "extreme": 80},
    "override": {
        "strong": 80,
        "strong_c_min_a": 20,
        "strong_s_min_counted": 30,
        "strong_for_larger": 1,
        "strong_for_major": 2,
        "thin_coverage": 0.5,
        "thin_docs": 1,
    },
}

_EXACT = decimal.Context(prec=40, rounding=decimal.ROUND_HALF_EVEN)


def exact(number: float) -> Decimal:
    """The number as it is written: 0.1 is a tenth."""
    return Decimal(str(number))


def clamp(x: Decimal) -> Decimal:
    return min(Decimal(100), max(Decimal(0), x))


def tenths(x: Decimal) -> int:
    """r1 of the specification, times ten."""
    return int((10 * x + Decimal("0.5") + Decimal("1e-9")).to_integral_value(decimal.ROUND_FLOOR))


@cache
def log10(number: Decimal) -> Decimal:
    return number.log10(_EXACT)


def log_points(value: int, zero: float, per_decade: float) -> Decimal:
    if value <= zero:
        return Decimal(0)
    return clamp(exact(per_decade) * (log10(Decimal(value)) - log10(exact(zero))))


def docs_points(docs: int, anchors: Mapping[str, float]) -> Decimal:
    line = sorted((int(at), exact(value)) for at, value in anchors.items())
    for (x0, y0), (x1, y1) in pairwise(line):
        if x0 <= docs < x1:
            part = (log10(Decimal(docs)) - log10(Decimal(x0))) / (log10(Decimal(x1)) - log10(Decimal(x0)))
            return y0 + (y1 - y0) * part
    return line[-1][1]


def wilson(hits: int, n: int, z: float) -> Decimal:
    """Lower bound in its textbook form: (p + z²/2n - z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    p, square = Decimal(hits) / n, exact(z) ** 2
    margin = exact(z) * (p * (1 - p) / n + square / 4 / n / n).sqrt(_EXACT)
    return max(Decimal(0), (p + square / 2 / n - margin) / (1 + square / n))


def factors(i: Issue, rules: Rules) -> tuple[dict[str, int], Decimal]:
    """The five factors in tenths, and the coverage."""
    reach, attention, reaction = rules["reach"], rules["attention"], rules["reaction"]
    content = exact(rules["topic_base"][i["topic"]]) + sum(exact(rules["flag"][flag]) for flag in i["flags"])

    reached = (
        exact(reach["geo"]) * exact(rules["geo"][i["geo"]])
        + exact(reach["spread"]) * min(Decimal(100), exact(reach["points_per_class"]) * i["source_classes"])
        + exact(reach["persist"]) * min(Decimal(100), exact(reach["points_per_day"]) * i["active_days"])
    ) / 100

    known = [docs_points(i["distinct_docs"], rules["docs"])]
    for name in ("views", "reposts", "comments"):
        if i[name] is not None:
            known.append(log_points(i[name], attention[f"zero_{name}"], attention["points_per_decade"]))
    mixed = (exact(attention["highest"]) * max(known) + exact(attention["mean"]) * sum(known) / len(known)) / 100
    grown = i["growth_24h"] is not None and i["growth_24h"] >= attention["growth"]
    if grown and i["distinct_docs"] >= attention["growth_docs"]:
        mixed += exact(attention["growth_bonus"])

    terms = [
        (exact(reaction["intensity"]), Decimal(100) * i["emotive_docs"] / i["distinct_docs"]),
        (exact(reaction["recur"]), min(Decimal(100), exact(reaction["points_per_issue"]) * i["same_topic_issues_90d"])),
    ]
    if i["counted_docs"] > 0:
        terms.append((exact(reaction["neg"]), 100 * wilson(i["neg_docs"], i["counted_docs"], reaction["z"])))
    reacted = sum(weight * x for weight, x in terms) / sum(weight for weight, _ in terms)

    media = exact(rules["media_tier"][i["media_tier"]])
    if i["n_media"] >= 1:
        more = exact(rules["media"]["points_per_medium"]) * (i["n_media"] - 1)
        media += min(exact(rules["media"]["most_extra"]), more)
    return {
        "C": tenths(clamp(content)),
        "R": tenths(reached),
        "A": tenths(min(Decimal(100), mixed)),
        "S": tenths(reacted),
        "M": tenths(min(Decimal(100), media)),
    }, Decimal(len(known)) / 4


def grade_one(i: Issue, rules: Rules = RULES) -> dict[str, Any]:
    """All outputs except the explanation."""
    with decimal.localcontext(_EXACT):
        factor, coverage = factors(i, rules)
    total = (sum(int(rules["weight"][name]) * factor[name] for name in FACTORS) + 50) // 100
    by_score = sum(total >= 10 * exact(rules["level"][name]) for name in SCALE[1:])

    override = {name: exact(number) for name, number in rules["override"].items()}
    critical = i["tone"] in ("negative", "unknown")
    flags, facts = set(i["flags"]), set(i["facts"])

    # 1. strong factors
    strong = {name for name in FACTORS if factor[name] >= 10 * override["strong"]}
    if factor["A"] < 10 * override["strong_c_min_a"]:
        strong -= {"C"}
    if i["counted_docs"] < override["strong_s_min_counted"]:
        strong -= {"S"}
    if not critical:
        strong -= {"M"}
    fired, rank, review = [], by_score, False
    if len(strong) >= override["strong_for_larger"]:
        fired.append("O9")
        rank = max(rank, 3 if len(strong) >= override["strong_for_major"] else 2)

    # 2. floors
    named = "names_bureau" in facts and critical
    for name, holds, floor in (
        ("O1", i["emergency_level"] in ("major", "extreme"), 3),
        ("O2a", i["media_tier"] == "central" and named, 3),
        ("O2b", i["media_tier"] == "province" and named, 2),
        ("O3", "superior_orders" in facts, 2),
        ("O4", "leader_instruction" in facts, 2),
        ("O5", "alleges_leak" in flags or {"alleges_fabrication", "names_unit"} <= flags | facts, 2),
        ("O6", "impostor_fraud" in flags, 2),
        ("O7", "offline_collective" in facts, 3),
    ):
        if holds:
            fired.append(name)
            rank = max(rank, floor)
            if name == "O7" or (name in ("O2a", "O2b") and i["tone"] == "unknown"):
                review = True

    # 3. and 4. one level up; thin data
    if "second_wave" in facts:
        fired.append("O8")
        rank = min(4, rank + 1)
    thin = coverage < override["thin_coverage"] and i["distinct_docs"] <= override["thin_docs"]
    if thin and not set(fired) - {"O9"}:
        fired.append("O10")
        if rank > 2:
            rank, review = 2, True

    # 5. and 6. outside the scale
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
        **{name: factor[name] / 10 for name in FACTORS},
        "total": total / 10,
        "coverage": float(coverage),
        "level": level,
        "level_by_score": SCALE[by_score],
        "overrides": fired,
        "needs_review": review,
        "response_value": response,
        "sensitive": bool(grave or "O7" in fired or "key_category" in flags),
    }


def random_issue(rng: random.Random, number: int) -> Issue:
    """A valid issue; counts prefer anchors and their neighbours, some are extreme; some issues are quiet."""
    huge = rng.random() < 0.05

    def count(anchors: tuple[int, ...]) -> int:
        if huge and rng.random() < 0.3:
            return rng.choice((HUGE, HUGE - 1, 2**53 + 1))
        if rng.random() < 0.5:
            return max(0, rng.choice(anchors) + rng.choice((-1, 0, 0, 1)))
        return int(10 ** rng.uniform(0, 7)) - 1

    def maybe(value: int) -> int | None:
        return None if rng.random() < 0.35 else value

    def ordinary(*values: int) -> int:
        return HUGE if huge and rng.random() < 0.3 else rng.choice(values)

    quiet = rng.random() < 0.3

    docs = (
        1 if quiet else ordinary(1, 1, 1, 2, 3, 4, 5, 9, 10, 11, 29, 30, 99, 100, 299, 300, 301, rng.randint(1, 2000))
    )
    counted = ordinary(0, 0, 1, 5, 29, 30, 31, rng.randint(1, 5000))
    tier = rng.choice(tuple(RULES["media_tier"]))
    rare = rng.choice((0.0, 0.05, 0.3))
    issue = {
        "issue_no": f"YQ-2026-{number:05d}",
        "topic": rng.choice(tuple(RULES["topic_base"])),
        "flags": [flag for flag in RULES["flag"] if rng.random() < rare],
        "tone": rng.choice(("negative", "neutral", "positive", "unknown")),
        "geo": rng.choice(tuple(RULES["geo"])),
        "source_classes": ordinary(1, 2, 3, 4, 5, 6, 10),
        "active_days": ordinary(1, 1, 2, 3, 4, 5, 6, 90),
        "views": maybe(count((0, 50, 500, 5_000, 50_000, 500_000, 5_000_000))),
        "reposts": maybe(count((0, 5, 50, 500, 5_000, 50_000, 500_000))),
        "comments": maybe(count((0, 1, 10, 100, 1_000, 10_000, 100_000))),
        "distinct_docs": docs,
        "growth_24h": rng.choice((None, 0.0, -0.5, -1e300, 0.999, 1 - 2**-53, 1.0, 1.001, 7.0, 1e300)),
        "neg_docs": rng.choice((0, counted, rng.randint(0, counted))),
        "counted_docs": counted,
        "emotive_docs": rng.choice((0, docs, rng.randint(0, docs))),
        "same_topic_issues_90d": ordinary(0, 0, 1, 2, 3, 4, 5, 40),
        "media_tier": tier,
        "n_media": 0 if tier == "none" else ordinary(1, 1, 2, 3, 5, 6, 7, 30),
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


def random_rules(rng: random.Random) -> Rules:
    """Valid tables of a rule file: every number is drawn, some at the ends of what is allowed."""

    def points(low: float = 0, high: float = 100) -> float:
        return rng.choice((low, high)) if rng.random() < 0.05 else round(rng.uniform(low, high), rng.choice((0, 1, 2)))

    def shares(*names: str) -> dict[str, float]:
        cuts = sorted(rng.randint(0, 100) for _ in names[1:])
        return {name: high - low for name, (low, high) in zip(names, pairwise((0, *cuts, 100)), strict=True)}

    def climbing(names: tuple[str, ...]) -> dict[str, float]:
        return dict(zip(names, sorted(points() for _ in names), strict=True))

    reaction = shares("neg", "intensity", "recur")
    if reaction["neg"] == 100:
        reaction = {"neg": 98, "intensity": 1, "recur": 1}
    anchors = ["1", *map(str, sorted(rng.sample(range(2, 999), rng.randint(0, 6))))]
    larger = rng.randint(1, 4)
    levels = sorted(rng.sample(range(1001), 4))
    return {
        "weight": shares(*FACTORS),
        "topic_base": {topic: points() for topic in RULES["topic_base"]},
        "flag": {flag: points(-100, 100) if rng.random() < 0.3 else points(-20, 30) for flag in RULES["flag"]},
        "reach": shares("geo", "spread", "persist")
        | {"points_per_class": points(), "points_per_day": points(high=rng.choice((20, 100)))},
        "geo": climbing(tuple(RULES["geo"])),
        "attention": shares("highest", "mean")
        | {
            "points_per_decade": points(5, 60),
            "zero_views": rng.choice((0.5, 1, 49.5, rng.randint(1, 5_000))),
            "zero_reposts": rng.choice((1, 4.4, rng.randint(1, 500))),
            "zero_comments": rng.choice((1, 2.5, rng.randint(1, 100))),
            "growth": rng.choice((0.0, 0.5, 0.999, 1.0, 2.5)),
            "growth_docs": rng.randint(1, 12),
            "growth_bonus": points(high=rng.choice((20, 100))),
        },
        "docs": climbing(tuple(anchors)),
        "reaction": reaction | {"z": round(rng.uniform(0.1, 4), 2), "points_per_issue": points()},
        "media": {"points_per_medium": points(high=20), "most_extra": points()},
        "media_tier": climbing(tuple(RULES["media_tier"])),
        "level": dict(zip(SCALE[1:], (cut / 10 for cut in levels), strict=True)),
        "override": {
            "strong": points(40, 100),
            "strong_c_min_a": points(0, 60),
            "strong_s_min_counted": rng.randint(0, 60),
            "strong_for_larger": larger,
            "strong_for_major": rng.randint(larger + 1, 5),
            "thin_coverage": rng.choice((0, 0.25, 0.26, 0.5, 0.51, 0.75, 0.76, 1)),
            "thin_docs": rng.randint(1, 10),
        },
    }
