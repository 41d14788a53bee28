"""Is a post about Chinese official statistics or statistics work, and about which topic?

A term counts when its context allows: a strong term always, a topic's term or compound rule unless an exclusion
stands near, an ambiguous term only near a context word; a figure of another country never. Every verdict comes
with the terms that led to it. Rules: config/taxonomy (docs/add-a-rule.md).
"""

from typing import NamedTuple

import polars as pl

from caifeng.core.model.taxonomy import FALLBACK_TOPIC, PLACES, Rule, Taxonomy
from transforms.understand.matching import (
    around,
    documents,
    drop_inside,
    evidence,
    find_terms,
    inside,
    nearest,
    rules_frame,
)
from transforms.understand.trie import Trie, trie_of

#: Points of a term for its topic; more in the title (title_weight). Our choice.
_POINTS = {"strong": 3.0, "term": 2.0, "rule": 2.0, "ambiguous": 1.0}
_TOPIC_SCORES = pl.List(pl.Struct({"topic": pl.String, "score": pl.Float64}))
_COMMON = ""  # topic of a rule that holds for all topics
#: A country directly before an office or census says whose it is, with only such words between: 美国2020年人口普查.
_OWNER_TO_OFFICE = r"^[0-9年第次的首轮新一二三四五六七八九十全国家联邦劳工中央商务部政府人口]*$"
_OWNS_WITHIN = 12
#: A figure without a country before it belongs to one that follows soon: CPI破9后，美联储….
_FOLLOWS_WITHIN = 20
_MAX_EVIDENCE = 30


class RelevanceRules(NamedTuple):
    """The taxonomy as tables, made once for many texts."""

    taxonomy: Taxonomy
    terms: pl.DataFrame
    """`term`, `kind`, `topic` ("" for all topics), `group` (exclusion group or realm), all of them categories."""
    parts: pl.DataFrame
    """`term`, `rule`, `part` of compound rules."""
    trie: Trie
    """All these terms."""
    speaking: pl.Expr
    """Those that can make a text relevant, as a list."""


def relevance_rules(taxonomy: Taxonomy) -> RelevanceRules:
    """Prepare the rules of relevance."""
    terms, parts = _terms(taxonomy), _rule_parts(taxonomy)
    speaking = pl.concat([_of(terms, *_POINTS)["term"], parts.filter(pl.col("part") == "anchor")["term"]])
    trie = trie_of(pl.concat([terms["term"], parts["term"]]))
    terms, parts = (
        frame.with_columns(pl.col("term").cast(trie.kind), pl.exclude("term").cast(pl.Categorical))
        for frame in (terms, parts)
    )
    return RelevanceRules(taxonomy, terms, parts, trie, pl.lit(speaking.unique().implode()))


def classify(texts: pl.DataFrame, rules: RelevanceRules, docs: pl.DataFrame | None = None) -> pl.DataFrame:
    """Judge texts.

    Args:
        texts: `id` (any type), `title`, `text` (null counts as empty), optionally `board`, its name: ambiguous terms on
            a board of the office need no further context, and rules may ask for a board.
        rules: as from `relevance_rules`.
        docs: `documents` of the texts, if already made.

    Returns:
        In input order: `id`, `relevant` (boolean), `reason` (a key of RELEVANCE_REASONS), `topics` (list of
        struct topic, score; best first; empty if irrelevant), `evidence` (list of rule:term@offset, offsets in
        characters of the matching form of title, line break, body).
    """
    docs = documents(texts, rules.taxonomy.relevance.idioms) if docs is None else docs
    judged = _judge(docs, _boards(texts), rules)
    return (
        docs.select("row")
        .with_columns(id=texts["id"])
        .join(_summary(judged), on="row", how="left")
        .join(_topics(judged, rules.taxonomy), on="row", how="left")
        .sort("row")
        .select(
            "id",
            pl.col("relevant").fill_null(False),
            pl.col("reason").fill_null("no_term"),
            topics=pl.when(pl.col("relevant")).then("topics").otherwise(None).fill_null([]).cast(_TOPIC_SCORES),
            evidence=pl.col("evidence").fill_null([]).cast(pl.List(pl.String)),
        )
    )


def term_coverage(texts: pl.DataFrame, taxonomy: Taxonomy) -> pl.DataFrame:
    """How often each term of the taxonomy fires: which ones work, which ones never count.

    Args:
        texts: as for `classify`; the id is not used.
        taxonomy: the rules.

    Returns:
        One row per term and topic: `topic` (empty for the terms of all topics), `kind` (strong, term, rule,
        ambiguous), `term` (matching form; for a rule <topic>/<rule>), `found` (texts in which it
        occurs outside longer terms and masks), `counted` (those in which it speaks for relevance); most counted first.
    """
    rules = relevance_rules(taxonomy)
    judged = _judge(documents(texts, taxonomy.relevance.idioms), _boards(texts), rules)
    keys = ["topic", "kind", "term"]
    words = pl.col("topic", "kind", "rule", "term").cast(pl.String)
    fired = (
        judged.with_columns(words)
        .with_columns(term=pl.coalesce("rule", "term"))
        .group_by(keys)
        .agg(
            found=pl.col("row").n_unique(),
            counted=pl.col("row").filter(pl.col("verdict").is_in(_POSITIVE)).n_unique(),
        )
    )
    single = _of(rules.terms, *_POINTS).select(keys)
    known = [frame.cast(pl.String) for frame in (single, _rule_kinds(taxonomy).select("topic", "kind", term="rule"))]
    return (
        pl.concat(known)
        .join(fired, on=keys, how="left")
        .with_columns(pl.col("found", "counted").fill_null(0))
        .sort("counted", "found", *keys, descending=[True, True, False, False, False])
    )


def _judge(docs: pl.DataFrame, boards: pl.Series, prepared: RelevanceRules) -> pl.DataFrame:
    """One row per term or rule that occurs, with its verdict (a key of RELEVANCE_REASONS) and what led to it."""
    taxonomy, rules, parts = prepared.taxonomy, prepared.terms, prepared.parts
    # most texts hold no term that could make them relevant: they are passed over in one go
    docs = docs.filter(pl.col("doc").str.contains_any(prepared.speaking))
    hits = _drop_masked(find_terms(docs, prepared.trie), _of(rules, "mask"))
    board_rows = boards.str.contains_any(list(taxonomy.relevance.boards)).fill_null(False).arg_true()
    candidates = _drop_idle(hits.join(_of(rules, *_POINTS), on="term"), hits, rules, board_rows, taxonomy)
    candidates = _drop_shadowed(candidates)
    compound = _fire(_part_hits(hits, parts, rules), docs, boards, taxonomy)
    compound = drop_inside(compound, _of(candidates, "strong", "term"), ("row", "topic"))
    candidates = pl.concat([candidates, compound], how="diagonal")
    hits = hits.join(candidates.select("row").unique(), on="row", how="semi")
    judged = _judge_exclusion(candidates, hits.join(_of(rules, "exclude"), on="term"), taxonomy)
    judged = _judge_context(judged, _contexts(candidates, hits, rules), board_rows, taxonomy)
    judged = _judge_country(judged, hits.join(_of(rules, "realm"), on="term"), docs, taxonomy)
    judged = judged.join(docs.select("row", "title_end"), on="row").with_columns(verdict=_verdict())
    # everyday words say something only beside a word of ours: alone they are not even a near miss
    return judged.filter(~(_everyday(taxonomy) & ~pl.col("verdict").is_in(_POSITIVE)))


def _everyday(taxonomy: Taxonomy) -> pl.Expr:
    strict = [topic.id for topic in taxonomy.topics if topic.strict]
    return pl.col("topic").is_in(strict) & (pl.col("kind") == "ambiguous")


def _contexts(candidates: pl.DataFrame, hits: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Context words of the topics and texts that have an ambiguous term: a small part of all."""
    asking = candidates.filter(pl.col("kind") == "ambiguous").select("row", "topic").unique()
    words = _of(rules, "context").join(asking, on="topic", how="semi")
    beside = hits.join(asking, on="row", how="semi").join(words, on="term")
    return beside.join(asking, on=["row", "topic"], how="semi")


def _drop_idle(
    candidates: pl.DataFrame, hits: pl.DataFrame, rules: pl.DataFrame, board_rows: pl.Series, taxonomy: Taxonomy
) -> pl.DataFrame:
    """Without everyday words in texts that have no other word of their topic: they end as nothing, so they end here."""
    everyday = candidates.filter(_everyday(taxonomy))
    others = candidates.filter(~_everyday(taxonomy))
    beside = pl.concat([_contexts(everyday, hits, rules).select("row", "topic"), others.select("row", "topic")])
    on_board = everyday.filter(pl.col("row").is_in(board_rows.to_list()))
    rest = everyday.filter(~pl.col("row").is_in(board_rows.to_list()))
    return pl.concat([others, on_board, rest.join(beside.unique(), on=["row", "topic"], how="semi")])


def _terms(taxonomy: Taxonomy) -> pl.DataFrame:
    """term, kind, topic ("" for all topics), group (exclusion group or realm)."""
    common = taxonomy.relevance
    strong = (*common.strong, *(term for topic in taxonomy.topics for term in topic.strong))
    rules = [(term, "strong", _COMMON, "") for term in common.strong]
    for topic in taxonomy.topics:
        kinds = {"strong": topic.strong, "term": topic.terms, "ambiguous": topic.ambiguous}
        rules += [(term, kind, topic.id, "") for kind, terms in kinds.items() for term in terms]
        rules += [(term, "exclude", topic.id, topic.id) for term in topic.exclude]
        context = (*strong, *topic.context) if topic.strict else topic.context or common.context
        rules += [(term, "context", topic.id, "") for term in context]
    rules += [(term, "exclude", _COMMON, name) for name, terms in common.exclusions.items() for term in terms]
    rules += [(term, "mask", _COMMON, "") for term in common.masks]
    rules += [(term, "realm", _COMMON, "foreign") for term in common.foreign]
    rules += [(term, "realm", _COMMON, "separate") for term in common.separate]
    rules += [(term, "realm", _COMMON, "domestic") for term in (*common.domestic, *_places(taxonomy))]
    return rules_frame(rules, ["term", "kind", "topic", "group"])


def _places(taxonomy: Taxonomy) -> list[str]:
    names = {name for area in taxonomy.areas for name in (area.name, area.short) if name}
    return sorted(names - set(taxonomy.relevance.separate))


def _drop_masked(hits: pl.DataFrame, masks: pl.DataFrame) -> pl.DataFrame:
    """Hits neither inside a mask nor longer than one that is: 文物普查 hides 普查, so 普查办 in 文物普查办, too."""
    at = ["row", "start", "end"]
    hides = inside(hits, hits.join(masks, on="term", how="semi"))
    kept, hidden = hits.filter(~hides), hits.filter(hides)
    longer = kept.join(hidden, on=["row", "start"], how="semi").join(masks, on="term", how="anti")
    return kept.join(longer, on=at, how="anti")


def _drop_shadowed(candidates: pl.DataFrame) -> pl.DataFrame:
    """Terms that are not part of a longer one that says more: 普查 in 人口普查, 采购 in 采购经理指数."""
    candidates = drop_inside(candidates, candidates, ("row", "topic"))
    common, ambiguous = pl.col("topic") == _COMMON, pl.col("kind") == "ambiguous"
    strong = candidates.filter(pl.col("kind") == "strong")
    firm = candidates.filter(~common & ~ambiguous)
    return pl.concat(
        [firm, drop_inside(candidates.filter(common), strong), drop_inside(candidates.filter(ambiguous), firm)]
    )


def _of(rules: pl.DataFrame, *kinds: str) -> pl.DataFrame:
    return rules.filter(pl.col("kind").is_in(kinds))


def _boards(texts: pl.DataFrame) -> pl.Series:
    """Names of the boards, null where there is none."""
    if "board" in texts.columns:
        return texts["board"].cast(pl.String)
    return pl.Series("board", [None], dtype=pl.String).new_from_index(0, texts.height)


def _numbered(taxonomy: Taxonomy) -> list[tuple[str, str, Rule]]:
    return [(f"{topic.id}/{rule.id}", topic.id, rule) for topic in taxonomy.topics for rule in topic.rule]


def _rule_kinds(taxonomy: Taxonomy) -> pl.DataFrame:
    """What compound rules count as: rule, topic, kind, group, within, in_title, needed (how many other words)."""
    rows = [
        (name, topic, "strong" if rule.strong else "rule", "", rule.within, rule.in_title, len(_others(rule)))
        for name, topic, rule in _numbered(taxonomy)
    ]
    schema = {
        "rule": pl.String,
        "topic": pl.String,
        "kind": pl.String,
        "group": pl.String,
        "within": pl.Int64,
        "in_title": pl.Boolean,
        "needed": pl.UInt32,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(pl.String).cast(pl.Categorical))


def _others(rule: Rule) -> list[str]:
    return [*rule.all[1:], *(["|".join(rule.any)] if rule.any else [])]


def _rule_parts(taxonomy: Taxonomy) -> pl.DataFrame:
    """term, rule, part: `anchor`, `none`, or the number of one of the other words that must stand beside the anchor."""
    rows = []
    for name, _, rule in _numbered(taxonomy):
        parts = {"anchor": rule.all[0], "none": "|".join(rule.none)}
        parts |= {str(number): words for number, words in enumerate(_others(rule))}
        rows += [(term, name, part) for part, words in parts.items() for term in words.split("|")]
    return rules_frame(rows, ["term", "rule", "part"])


def _part_hits(hits: pl.DataFrame, parts: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Hits of the words of compound rules; every place of the country stands for {places}."""
    ours = _of(rules, "realm").filter(pl.col("group") == "domestic").select("term")
    wanted = parts.filter(pl.col("term") == PLACES).select("rule", "part")
    places = hits.join(ours, on="term", how="semi").join(wanted, how="cross")
    return pl.concat([hits.join(parts, on="term"), places])


def _fire(hits: pl.DataFrame, docs: pl.DataFrame, boards: pl.Series, taxonomy: Taxonomy) -> pl.DataFrame:
    """Compound rules that hold, one row per anchor: as candidates, with `rule` and `company`, its other words."""
    kinds = _rule_kinds(taxonomy)
    reach = max((rule.within for _, _, rule in _numbered(taxonomy)), default=1)
    anchors = hits.filter(pl.col("part") == "anchor").drop("part").join(kinds, on="rule")
    anchors = anchors.join(docs.select("row", "title_end"), on="row").filter(
        ~pl.col("in_title") | (pl.col("start") < pl.col("title_end"))
    )
    for name, _, rule in _numbered(taxonomy):
        if rule.boards:
            there = boards.str.contains_any(list(rule.boards)).fill_null(False).arg_true().to_list()
            anchors = anchors.filter((pl.col("rule") != name) | pl.col("row").is_in(there))
    at = ["row", "rule", "start", "end"]
    needed = hits.filter(pl.col("part") != "anchor").select("row", "rule", "part").unique()
    found = hits.filter(pl.col("part") != "anchor").select("row", "rule", "part", "start", "end", why=evidence("rule"))
    company = (
        nearest(anchors.join(needed, on=["row", "rule"]), found, ["row", "rule", "part"], reach, reach)
        .with_columns(
            why=pl.coalesce(
                pl.when(pl.col("start") - pl.col("before_end") <= pl.col("within")).then("before_why"),
                pl.when(pl.col("after_start") - pl.col("end") <= pl.col("within")).then("after_why"),
            )
        )
        .drop_nulls("why")
        .sort("part")
        .group_by(at, maintain_order=True)
        .agg(company="why", forbidden=(pl.col("part") == "none").any())
    )
    return (
        anchors.join(company, on=at, how="left")
        .filter((pl.col("company").list.len().fill_null(0) == pl.col("needed")) & ~pl.col("forbidden").fill_null(False))
        .select("row", "term", "start", "end", "byte", "kind", "topic", "group", "rule", "company")
    )


def _judge_exclusion(candidates: pl.DataFrame, exclusions: pl.DataFrame, taxonomy: Taxonomy) -> pl.DataFrame:
    """Add `excluded_by`: evidence of the exclusion that stands near or around a term, null if none does."""
    window = taxonomy.relevance.window
    beside = candidates.join(exclusions, on="row", how="semi")
    exclusions = exclusions.with_row_index("why")  # most stand beside nothing: only what counts is put into words
    found = exclusions.select("row", "topic", "start", "end", "why")
    own = nearest(beside, found, ["row", "topic"], window, window)
    own = own.with_columns(_own=pl.coalesce("before_why", "after_why")).select(*candidates.columns, "_own")
    common = found.filter(pl.col("topic") == _COMMON).drop("topic")
    near = nearest(own, common, ["row"], window, window)
    # 不收费 around 收费
    near = around(near, common, ("row",), "why").rename({"_around": "_common"})
    near = around(near, found, ("row", "topic"), "why")
    near = near.with_columns(why=pl.coalesce("_common", "_around", "_own", "before_why", "after_why"))
    words = exclusions.filter(pl.col("why").is_in(near["why"].unique().implode()))
    near = near.join(words.select("why", excluded_by=evidence("group")), on="why", how="left")
    alone = candidates.join(exclusions, on="row", how="anti")
    return pl.concat([near.select(*candidates.columns, "excluded_by"), alone], how="diagonal")


def _judge_context(
    hits: pl.DataFrame, contexts: pl.DataFrame, board_rows: pl.Series, taxonomy: Taxonomy
) -> pl.DataFrame:
    """Add `context`: evidence of the context word near an ambiguous term, null if there is none or none is needed."""
    window = taxonomy.relevance.window
    ambiguous = pl.col("kind") == "ambiguous"
    asking = hits.filter(ambiguous)
    found = contexts.select("row", "topic", "start", "end", why=evidence(pl.lit("context")))
    on_board = pl.when(pl.col("row").is_in(board_rows.to_list())).then(pl.lit("context:board"))
    answered = (
        nearest(asking, found, ["row", "topic"], window, window)
        .with_columns(context=pl.coalesce("before_why", "after_why", on_board))
        .select(*hits.columns, "context")
    )
    return pl.concat([hits.filter(~ambiguous), answered], how="diagonal")


def _judge_country(hits: pl.DataFrame, markers: pl.DataFrame, docs: pl.DataFrame, taxonomy: Taxonomy) -> pl.DataFrame:
    """Add `realm` (domestic, foreign, separate), and `realm_term`, `realm_start` of what decided it, or null.

    An indicator belongs to the nearest country named before it, else to one named soon after, else to the one
    of the title, else to ours. An office or a census belongs to another country only if that stands directly
    before it.
    """
    byte_end = pl.col("byte") + pl.col("term").cast(pl.String).str.len_bytes().cast(pl.Int64)
    found = markers.select("row", "start", "end", "term", realm="group", byte_end=byte_end)
    # 法国国家统计局: the nearer marker is itself owned by the one before it
    found = _drop_owned(found)
    alone = hits.join(found, on="row", how="anti").with_columns(realm=pl.lit("domestic"))
    hits = hits.join(found, on="row", how="semi")
    titles = (
        found.join(docs.select("row", "title_end"), on="row")
        .with_columns(in_title=pl.col("start") < pl.col("title_end"))
        .group_by("row")
        .agg(
            title_foreign=(pl.col("in_title") & (pl.col("realm") == "foreign")).any(),
            title_domestic=(pl.col("in_title") & (pl.col("realm") == "domestic")).any(),
            any_domestic=(pl.col("realm") == "domestic").any(),
            any_foreign=(pl.col("realm") == "foreign").any(),
        )
    )
    window = taxonomy.relevance.window
    near = nearest(hits, found, ["row"], window, _FOLLOWS_WITHIN).join(titles, on="row", how="left")
    owned = (
        near.lazy()
        .join(docs.lazy().select("row", "doc"), on="row")
        .with_columns(owned=_owned(), office=_office())
        .with_columns(bureau=pl.col("office") & pl.col("term").cast(pl.String).str.contains("统计", literal=True))
        .with_columns(owned_abroad=(pl.col("owned") & (pl.col("before_realm") == "foreign")).fill_null(False))
        .with_columns(realm=_realm())
        .with_columns(from_before=(pl.col("before_realm") == pl.col("realm")).fill_null(False))
        .with_columns(from_after=~pl.col("from_before") & (pl.col("after_realm") == pl.col("realm")))
        .with_columns(
            pl.when("from_before")
            .then(f"before_{name}")
            .when("from_after")
            .then(f"after_{name}")
            .alias(f"realm_{name}")
            for name in ("term", "start")
        )
        .select(*hits.columns, "realm", "realm_term", "realm_start")
        .collect()
    )
    return pl.concat([owned, alone], how="diagonal_relaxed")


def _owned() -> pl.Expr:
    """A country stands directly before, with only such words between as belong to the name of an office."""
    gap = pl.col("start") - pl.col("before_end")
    # by bytes: counting characters from the beginning, for each hit anew, takes a long text's square
    length = pl.when(gap <= _OWNS_WITHIN).then(pl.col("byte") - pl.col("before_byte_end")).otherwise(0)
    between = pl.col("doc").cast(pl.Binary).bin.slice(pl.col("before_byte_end"), length).cast(pl.String)
    return (gap <= _OWNS_WITHIN) & between.str.contains(_OWNER_TO_OFFICE)


def _office() -> pl.Expr:
    strong = pl.col("kind") == "strong"
    return strong & ((pl.col("topic") == _COMMON) | pl.col("term").cast(pl.String).str.contains("普|统计"))


def _realm() -> pl.Expr:
    default = (
        pl.when(pl.col("title_foreign") & ~pl.col("title_domestic"))
        .then(pl.lit("foreign"))
        .when(pl.col("any_foreign") & ~pl.col("any_domestic"))
        .then(pl.lit("foreign"))
        .otherwise(pl.lit("domestic"))
    )
    bureau, abroad = pl.col("bureau"), pl.col("owned_abroad")
    # 加拿大统计局公布的人口普查: a census follows the only bureau that is named
    follows = (bureau & abroad).any().over("row") & ~(bureau & ~abroad).any().over("row")
    of_office = (
        pl.when("owned").then("before_realm").when(follows).then(pl.lit("foreign")).otherwise(pl.lit("domestic"))
    )
    return (
        pl.when("office")
        .then(of_office)
        .otherwise(pl.coalesce("before_realm", "after_realm", default))
        .fill_null("domestic")
    )


def _drop_owned(markers: pl.DataFrame) -> pl.DataFrame:
    """Markers of place that do not stand directly behind, or inside, a foreign one."""
    foreign = markers.filter(pl.col("realm") == "foreign").select("row", _end="end")
    owned = markers.join(foreign, left_on=["row", "start"], right_on=["row", "_end"], how="semi")
    owned = owned.filter(pl.col("realm") == "domestic")
    return markers.join(owned, on=["row", "start", "end"], how="anti")


def _verdict() -> pl.Expr:
    strong, ambiguous = pl.col("kind") == "strong", pl.col("kind") == "ambiguous"
    return (
        pl.when(pl.col("realm") == "foreign")
        .then(pl.lit("foreign"))
        .when(pl.col("realm") == "separate")
        .then(pl.lit("excluded"))
        .when(strong)
        .then(pl.lit("strong_term"))
        .when(pl.col("excluded_by").is_not_null())
        .then(pl.lit("excluded"))
        .when(ambiguous & pl.col("context").is_null())
        .then(pl.lit("no_context"))
        .when(ambiguous)
        .then(pl.lit("context_term"))
        .otherwise(pl.lit("indicator_term"))
    )


#: Which verdict speaks for the whole post, first one first.
_PRECEDENCE = ("strong_term", "indicator_term", "context_term", "foreign", "excluded", "no_context")
_POSITIVE = _PRECEDENCE[:3]


def _summary(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per document with a term: relevant, reason, evidence of that verdict."""
    rank = pl.col("verdict").replace_strict({v: i for i, v in enumerate(_PRECEDENCE)}, return_dtype=pl.Int64)
    rule = pl.coalesce("rule", pl.when(pl.col("topic") == _COMMON).then("kind").otherwise("topic"))
    best = (
        judged.with_columns(rank=rank)
        .with_columns(best=pl.col("rank").min().over("row"))
        .filter((pl.col("rank") == pl.col("best")) | (pl.col("rank") < len(_POSITIVE)))
        .sort("row", "start", "end", "topic", "kind", "rule")
        .with_row_index("place")
    )
    owed = best.filter(pl.col("rank") >= len(_POSITIVE))
    placed = pl.col("verdict").is_in(["foreign", "excluded"]) & pl.col("realm_term").is_not_null()
    by_place = owed.filter(placed).select("place", line=evidence("realm", "realm_term", "realm_start"))
    lines = [
        best.select("place", line=evidence(rule)),
        best.filter(pl.col("company").is_not_null()).select("place", line="company").explode("line"),
        best.filter(pl.col("verdict") == "context_term").select("place", line="context"),
        by_place,
        owed.filter(~placed).select("place", line="excluded_by"),
    ]
    shown = (
        pl.concat(lines)
        .drop_nulls("line")
        .sort("place", maintain_order=True)
        .join(best.select("place", "row"), on="place", maintain_order="left")
        .unique(["row", "line"], keep="first", maintain_order=True)
        .group_by("row", maintain_order=True)
        .agg(evidence=pl.col("line").head(_MAX_EVIDENCE))
    )
    first = best.unique("row", keep="first", maintain_order=True)
    return first.select(
        "row",
        reason=pl.lit(list(_PRECEDENCE)).list.get(pl.col("best")),
        relevant=pl.col("best") < len(_POSITIVE),
    ).join(shown, on="row", how="left")


def _topics(judged: pl.DataFrame, taxonomy: Taxonomy) -> pl.DataFrame:
    """One row per relevant document: its topics by score, weight, first mention, id; the fallback if none."""
    counted = judged.filter(pl.col("verdict").is_in(_POSITIVE))
    place = pl.when(pl.col("start") < pl.col("title_end")).then(taxonomy.relevance.title_weight).otherwise(1.0)
    weights = {topic.id: topic.weight for topic in taxonomy.topics}
    weight = pl.col("topic").replace_strict(weights, default=1.0, return_dtype=pl.Float64)
    points = pl.col("kind").replace_strict(_POINTS, return_dtype=pl.Float64) * place * weight
    return (
        counted.with_columns(points=points)
        .with_columns(
            topic=pl.when(pl.col("topic") == _COMMON).then(pl.lit(FALLBACK_TOPIC)).otherwise("topic"),
            named=~pl.col("topic").is_in([_COMMON, FALLBACK_TOPIC]),
        )
        .group_by("row", "topic", "term")
        .agg(pl.col("points").max(), pl.col("start").min(), pl.col("named").any())
        .group_by("row", "topic")
        .agg(score=pl.col("points").sum(), first=pl.col("start").min(), named=pl.col("named").any())
        .with_columns(weight=weight)
        # a common term alone names no subject: the fallback gives way to any topic
        .with_columns(any_named=pl.col("named").any().over("row"))
        .filter(pl.col("named") | ~pl.col("any_named"))
        .sort("row", "score", "weight", "first", "topic", descending=[False, True, True, False, False])
        .group_by("row", maintain_order=True)
        .agg(topics=pl.struct("topic", "score"))
    )
