"""What a post says beyond its subject: flags, facts, stance, tone, and whether it is emotive.

Rules are lists of terms (config/taxonomy/_signals.toml; stance: config/stance), so that anyone can read why. Stance
describes what the writer wants; it neither judges the writer nor whether the claim is true.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from caifeng.core.model.stance import StanceRules
from caifeng.core.model.taxonomy import SignalRule, Taxonomy
from transforms.understand.matching import documents, evidence, find_terms, nearest, rules_frame
from transforms.understand.stance import Lexicon, judge_documents, lexicon_of
from transforms.understand.trie import Trie, trie_of

#: A word that takes a term's force stands at most this many characters before it: 没有发现造假.
_UNLESS_WITHIN = 6
_MAX_EVIDENCE = 30


class SignalRules(NamedTuple):
    """Rules of flags and facts as tables, made once for many texts."""

    taxonomy: Taxonomy
    rules: tuple[SignalRule, ...]
    kinds: pl.DataFrame
    """`rule` (its number), `kind` (flag, fact, emotive), `id`."""
    terms: pl.DataFrame
    """`term`, `part`, `rule`."""
    trie: Trie
    stance: Lexicon


def signal_rules(taxonomy: Taxonomy, stance: StanceRules) -> SignalRules:
    """Prepare the rules of signals and of stance."""
    signals = taxonomy.signals
    towns = (*taxonomy.gazetteer.towns, *taxonomy.gazetteer.towns_ambiguous)
    named: list[tuple[str, str, SignalRule]] = [("flag", rule.id, rule) for rule in signals.flags]
    named += [("fact", rule.id, rule) for rule in signals.facts]
    if signals.emotive:
        named.append(("emotive", "emotive", SignalRule(any=signals.emotive)))
    rules = tuple(rule for _, _, rule in named)
    kinds = pl.DataFrame(
        [(str(number), kind, id_) for number, (kind, id_, _) in enumerate(named)],
        schema=dict.fromkeys(("rule", "kind", "id"), pl.String),
        orient="row",
    )
    terms = rules_frame(_rows(rules, towns), ["term", "part", "rule"])
    trie = trie_of(terms["term"])
    terms = terms.with_columns(pl.col("term").cast(trie.kind))
    return SignalRules(taxonomy, rules, kinds, terms, trie, lexicon_of(stance))


def detect_signals(texts: pl.DataFrame, rules: SignalRules, docs: pl.DataFrame | None = None) -> pl.DataFrame:
    """Find signals in texts.

    Stance and feeling are read by transforms/understand/stance.py; `constructive_suggestion` and `pure_question`
    follow from the stance.

    Args:
        texts: `id`, `title`, `text`.
        rules: as from `signal_rules`.
        docs: `documents` of the texts, if already made.

    Returns:
        In input order: `id`, `flags`, `facts` (sorted lists), `stance`, `tone`, `emotive` (boolean), `polarity`
        (-1..1, null without a word of feeling) and `intensity` (0..1), `evidence` (list of rule:term@offset).
    """
    docs = documents(texts, rules.taxonomy.relevance.idioms) if docs is None else docs
    fired = _fire(docs, rules)
    found = fired.join(rules.kinds, on="rule").sort("row", "start", "end", "kind", "id")
    found = found.group_by("row").agg(
        flags=_ids("flag"),
        facts=_ids("fact"),
        emotive=(pl.col("kind") == "emotive").any(),
        evidence=evidence("id").unique(maintain_order=True).head(_MAX_EVIDENCE),
    )
    judged = judge_documents(docs, rules.stance)
    decided = (
        docs.select("row")
        .with_columns(id=texts["id"])
        .join(found, on="row", how="left")
        .sort("row")
        .with_columns(pl.col("flags", "facts", "evidence").fill_null([]), pl.col("emotive").fill_null(False))
        .with_columns(*judged.select("stance", "tone", "polarity", "intensity"), why=judged["evidence"])
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
        tone="tone",
        emotive="emotive",
        polarity="polarity",
        intensity="intensity",
        evidence=pl.concat_list("evidence", "why"),
    )


def _ids(kind: str) -> pl.Expr:
    return pl.col("id").filter(pl.col("kind") == kind).unique().sort()


def _fire(docs: pl.DataFrame, prepared: SignalRules) -> pl.DataFrame:
    """Rules that fire: row, rule (its number), term, start, end of each `any` term that counts."""
    rules = prepared.rules
    hits = find_terms(docs, prepared.trie).join(prepared.terms, on="term")
    # the other parts of a rule matter only where one of its `any` terms stands
    begun = hits.filter(pl.col("part") == "any").select("row", "rule").unique()
    hits = hits.join(begun, on=["row", "rule"], how="semi")
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
