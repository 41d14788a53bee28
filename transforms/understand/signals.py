"""What a post says beyond its subject: flags, facts, stance, tone, and whether it is emotive.

Rules are lists of terms (config/taxonomy/_signals.toml), so that anyone can read why. Stance describes what the
writer wants; it neither judges the writer nor whether the claim is true.
"""

from collections.abc import Sequence

import polars as pl

from caifeng.core.model.taxonomy import SignalRule, StanceRule, Taxonomy
from transforms.understand.matching import documents, evidence, find_terms, nearest, rules_frame

#: A word that takes a term's force stands at most this many characters before it: 没有发现造假.
_UNLESS_WITHIN = 6
_TONES = {
    "complaint": "negative",
    "praise": "positive",
    "question": "neutral",
    "suggestion": "neutral",
    "neutral": "neutral",
    "unsure": "unknown",
}
_MAX_EVIDENCE = 30


def detect_signals(texts: pl.DataFrame, taxonomy: Taxonomy) -> pl.DataFrame:
    """Find signals in texts.

    A decisive rule settles the stance. Otherwise a complaint outweighs a question or suggestion; of complaint
    and praise, the one with more different terms wins, and a tie is `unsure`. Without any of the four,
    reporting words make `neutral`; nothing at all is `unsure`. `constructive_suggestion` and `pure_question`
    follow from the stance.

    Args:
        texts: `id`, `title`, `text`.
        taxonomy: the rules.

    Returns:
        In input order: `id`, `flags`, `facts` (sorted lists), `stance`, `tone`, `emotive` (boolean),
        `evidence` (list of rule:term@offset).
    """
    docs = documents(texts, taxonomy.relevance.idioms)
    signals = taxonomy.signals
    towns = (*taxonomy.gazetteer.towns, *taxonomy.gazetteer.towns_ambiguous)
    rules: list[tuple[str, str, SignalRule]] = [("flag", rule.id, rule) for rule in signals.flags]
    rules += [("fact", rule.id, rule) for rule in signals.facts]
    rules += [("stance", rule.id, rule) for rule in signals.stance]
    if signals.emotive:
        rules.append(("emotive", "emotive", SignalRule(any=signals.emotive)))
    fired = _fire(docs, [rule for _, _, rule in rules], towns)
    kinds = pl.DataFrame(
        [(str(number), kind, id_) for number, (kind, id_, _) in enumerate(rules)],
        schema=dict.fromkeys(("rule", "kind", "id"), pl.String),
        orient="row",
    )
    decisive = {str(n) for n, (_, _, rule) in enumerate(rules) if isinstance(rule, StanceRule) and rule.decisive}
    fired = (
        fired.with_columns(decisive=pl.col("rule").is_in(list(decisive)))
        .join(kinds, on="rule")
        .sort("row", "start", "end", "kind", "id")
    )
    stance = fired.filter(pl.col("kind") == "stance")
    counts = stance.group_by("row").agg(
        pl.col("term").filter(pl.col("id") == id_).n_unique().alias(id_) for id_ in _TONES if id_ != "unsure"
    )
    found = fired.group_by("row").agg(
        flags=_ids("flag"),
        facts=_ids("fact"),
        emotive=(pl.col("kind") == "emotive").any(),
        settled=pl.col("id").filter(pl.col("decisive")).first(),
        evidence=evidence("id").unique(maintain_order=True).head(_MAX_EVIDENCE),
    )
    decided = (
        docs.select("row")
        .with_columns(id=texts["id"])
        .join(found, on="row", how="left")
        .join(counts, on="row", how="left")
        .sort("row")
        .with_columns(pl.col("flags", "facts", "evidence").fill_null([]), pl.col("emotive").fill_null(False))
        .with_columns(stance=pl.coalesce("settled", _stance()))
    )
    return decided.select(
        "id",
        flags=pl.concat_list(
            # an announcement or praise names places and times, but claims nothing that is to be checked
            pl.when(pl.col("stance").is_in(["neutral", "praise"]))
            .then(pl.col("flags").list.set_difference(["specific_checkable"]))
            .otherwise("flags"),
            pl.when(pl.col("stance") == "suggestion").then(pl.lit("constructive_suggestion")),
            pl.when(pl.col("stance") == "question").then(pl.lit("pure_question")),
        )
        .list.drop_nulls()
        .list.sort(),
        facts="facts",
        stance="stance",
        tone=pl.col("stance").replace_strict(_TONES, return_dtype=pl.String),
        emotive="emotive",
        evidence="evidence",
    )


def _ids(kind: str) -> pl.Expr:
    return pl.col("id").filter(pl.col("kind") == kind).unique().sort()


def _stance() -> pl.Expr:
    complaint, question, suggestion, praise, neutral = (
        pl.col(id_).fill_null(0) for id_ in ("complaint", "question", "suggestion", "praise", "neutral")
    )
    return (
        pl.when((complaint > 0) & (complaint == praise))
        .then(pl.lit("unsure"))
        .when((complaint > 0) & (complaint > praise))
        .then(pl.lit("complaint"))
        .when((praise > 0) & (question == 0) & (suggestion == 0))
        .then(pl.lit("praise"))
        .when(suggestion > 0)
        .then(pl.lit("suggestion"))
        .when(question > 0)
        .then(pl.lit("question"))
        .when(neutral > 0)
        .then(pl.lit("neutral"))
        .otherwise(pl.lit("unsure"))
    )


def _fire(docs: pl.DataFrame, rules: Sequence[SignalRule], towns: tuple[str, ...]) -> pl.DataFrame:
    """Rules that fire: row, rule (its number), term, start, end of each `any` term that counts."""
    table = rules_frame(_rows(rules, towns), ["term", "part", "rule"])
    hits = find_terms(docs, table["term"]).join(table, on="term")
    parts = {
        part: hits.filter(pl.col("part") == part).drop("part") for part in ("any", "near", "unless", "all", "none")
    }
    counted = _without_force(parts["any"], parts["unless"])
    counted = _with_company(counted, parts["near"], rules)
    counted = counted.join(parts["none"], on=["row", "rule"], how="anti")
    return _with_whole_text(counted, parts["all"], docs, rules)


def _rows(rules: Sequence[SignalRule], towns: tuple[str, ...]) -> list[tuple[str, str, str]]:
    rows = []
    for number, rule in enumerate(rules):
        for part in ("any", "near", "unless", "all", "none"):
            terms: tuple[str, ...] = getattr(rule, part)
            expanded = [t for term in terms for t in (towns if term == "{towns}" else (term,))]
            rows += [(term, part, str(number)) for term in expanded]
    return rows


def _without_force(hits: pl.DataFrame, unless: pl.DataFrame) -> pl.DataFrame:
    near = nearest(hits, unless.select("row", "rule", "term", "start", "end"), ["row", "rule"], _UNLESS_WITHIN, 0)
    return near.filter(pl.col("before_term").is_null()).select(hits.columns)


def _with_company(hits: pl.DataFrame, near: pl.DataFrame, rules: Sequence[SignalRule]) -> pl.DataFrame:
    """Hits of rules without `near`, and those that have one of their near terms within reach."""
    within = {str(number): rule.within for number, rule in enumerate(rules) if rule.near}
    alone = hits.filter(~pl.col("rule").is_in(list(within)))
    company = hits.filter(pl.col("rule").is_in(list(within)))
    reach = pl.col("rule").replace_strict(within, return_dtype=pl.Int64, default=0)
    longest = max(within.values(), default=1)
    found = nearest(company, near.select("row", "rule", "start", "end"), ["row", "rule"], longest, longest)
    close = (pl.col("start") - pl.col("before_end") <= reach) | (pl.col("after_start") - pl.col("end") <= reach)
    return pl.concat([alone, found.filter(close.fill_null(False)).select(hits.columns)])


def _with_whole_text(
    hits: pl.DataFrame, every: pl.DataFrame, docs: pl.DataFrame, rules: Sequence[SignalRule]
) -> pl.DataFrame:
    """Hits of rules whose `all` terms and `pattern` occur in the text."""
    present = every.group_by("row", "rule").agg(present=pl.col("term").n_unique())
    needed = {str(n): len(set(rule.all)) for n, rule in enumerate(rules) if rule.all}
    kept = (
        hits.join(present, on=["row", "rule"], how="left")
        .filter(
            pl.col("present").fill_null(0) >= pl.col("rule").replace_strict(needed, return_dtype=pl.Int64, default=0)
        )
        .select(hits.columns)
    )
    for number, rule in enumerate(rules):
        if rule.pattern is not None:
            rows = docs.filter(pl.col("doc").str.contains(rule.pattern)).select("row")
            other = kept.filter(pl.col("rule") != str(number))
            kept = pl.concat([other, kept.filter(pl.col("rule") == str(number)).join(rows, on="row", how="semi")])
    return kept
