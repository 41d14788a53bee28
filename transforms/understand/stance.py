"""What a writer wants and how he feels about it: stance, polarity, intensity, each with its evidence.

A text is cut into the longest terms of the lists that begin first (config/stance); what stands between does not
count. A term of feeling is turned by a negation before it in the same clause, strengthened by adverbs beside it,
weighed by its place, and added up. Phrases speak for a stance and add their points; thin evidence is `unsure`.
Stance describes what the writer wants; it neither judges the writer nor whether the claim is true.
"""

from typing import NamedTuple

import polars as pl

from caifeng.core.model.stance import StanceRules
from caifeng.core.text.normalise import fold_terms
from transforms.understand.matching import documents, evidence
from transforms.understand.trie import Trie, find_longest, trie_of

_BREAKS = (*',。.!?;:…~\n()[]"“”《》【】·|^—', "//", "--")
#: Those that end a sentence; the others end a clause.
_STOPS = (*"。!?;…~\n", "//")
#: 回复@…: and //@…: name somebody; nothing in a name counts.
_AT, _NAME_ENDS = "@", ":"
_SPOKEN = ("complaint", "question", "suggestion", "praise", "neutral")
#: What the stances and the evidence are made of.
_KEPT = (
    "row", "term", "start", "value", "score", "sign", "turned", "mocked", "told", "quoted", "rhetorical", "personal",
    "firm", *_SPOKEN,
)  # fmt: skip
_MAX_EVIDENCE = 30
#: 好 before another feeling is an adverb: 好累, 好舒服.
_ADVERB, _ADVERB_FACTOR = "好", 1.3


class Lexicon(NamedTuple):
    """The lists of stance as tables, made once for many texts."""

    rules: StanceRules
    roles: pl.DataFrame
    """One row per term in matching form, with every role that it plays, in the order of the trie's numbers."""
    trie: Trie


def lexicon_of(rules: StanceRules) -> Lexicon:
    """Prepare the lists."""
    roles = _roles(rules).sort("term")
    return Lexicon(rules, roles, trie_of(roles["term"]))


def judge_stance(texts: pl.DataFrame, rules: StanceRules) -> pl.DataFrame:
    """Say what each writer wants and how he feels.

    Args:
        texts: `title`, `text` (null counts as empty), optionally `id`.
        rules: lists and numbers.

    Returns:
        In input order: `id` if given, `stance` (a key of STANCE_NAMES), `tone` (a key of TONE_NAMES), `polarity`
        (-1..1, null without any word of feeling), `intensity` (0..1, 0 without any), `evidence` (list of
        rule:term@offset; offsets in characters of the matching form of title, line break, text).
    """
    judged = judge_documents(documents(texts), lexicon_of(rules))
    given = [texts["id"]] if "id" in texts.columns else []
    return pl.select(*given).hstack(judged.drop("row")) if given else judged.drop("row")


def judge_documents(docs: pl.DataFrame, lexicon: Lexicon) -> pl.DataFrame:
    """As `judge_stance`, of `row`, `doc`, `title_end` as from `documents`; keeps `row`."""
    rules = lexicon.rules
    tokens = _tokens(docs, lexicon)
    weighed = _weigh(tokens, docs, rules)
    forms = _forms(docs, rules)
    felt = (
        weighed.filter(pl.col("value") != 0)
        .group_by("row")
        .agg(positive=pl.col("value").clip(lower_bound=0).sum(), negative=-pl.col("value").clip(upper_bound=0).sum())
    )
    spoken = _speak(weighed, docs, forms, rules)
    return (
        docs.select("row")
        .join(felt, on="row", how="left")
        .join(spoken, on="row", how="left")
        .join(_proof(weighed, docs, forms, rules), on="row", how="left")
        .sort("row")
        .with_columns(pl.col("positive", "negative", *_SPOKEN).fill_null(0.0), pl.col("^is_.*$").fill_null(False))
        .with_columns(strength=pl.col("positive") + pl.col("negative"))
        .with_columns(
            polarity=pl.when(pl.col("strength") > 0).then(
                (pl.col("positive") - pl.col("negative")) / (pl.col("strength") + rules.polarity.smoothing)
            ),
            intensity=1 - (-pl.col("strength") / rules.polarity.intense).exp(),
        )
        .with_columns(stance=_decide(rules))
        .select(
            "row",
            "stance",
            tone=_tone(rules),
            polarity=pl.col("polarity").round(4),
            intensity=pl.col("intensity").round(4),
            evidence=pl.col("evidence").fill_null([]).cast(pl.List(pl.String)),
        )
    )


def _roles(rules: StanceRules) -> pl.DataFrame:
    """One row per term in matching form, with every role that it plays."""
    words = rules.words
    rows: list[dict[str, object]] = []
    # the first to speak of a role wins: our own lists come before borrowed ones
    rows += [{"term": t, "score": 0.0} for t in words.silent]
    for sign, lists, factor in (
        (False, words.feelings, 1.0),
        (True, rules.emoticons.feelings, rules.polarity.emoticon),
    ):
        rows += [{"term": t, "score": f.score * factor, "sign": sign} for f in lists for t in f.terms]
    rows += [{"term": t, "turn": -1.0} for t in words.negators]
    rows += [{"term": t, "turn": 0.0} for t in words.disclaimers]
    for degrees in words.degrees:
        rows += [{"term": t, "after" if degrees.after else "before": degrees.factor} for t in degrees.terms]
    for role in ("but", "quote", "unreal", "reported", "sarcasm", "personal"):
        rows += [{"term": t, role: True} for t in getattr(rules.marks, role)]
    for cues in rules.cues:
        roles = {cues.stance: cues.points, "rhetorical": cues.rhetorical or None, "firm": cues.firm or None}
        rows += [{"term": t, **roles} for t in cues.terms]
    rows += [{"term": mark} for mark in (*_BREAKS, _AT)]
    known = {"score": pl.Float64, "turn": pl.Float64, "before": pl.Float64, "after": pl.Float64}
    flags = ("sign", "but", "quote", "unreal", "reported", "sarcasm", "personal", "rhetorical", "firm")
    schema = {"term": pl.String, **known, **dict.fromkeys(_SPOKEN, pl.Float64), **dict.fromkeys(flags, pl.Boolean)}
    own = _folded(pl.DataFrame(rows, schema=schema)).group_by("term", maintain_order=True)
    own_terms = own.agg(pl.all().drop_nulls().first())
    borrowed = pl.DataFrame(rules.borrowed, schema={"term": pl.String, "score": pl.Float64}, orient="row")
    borrowed = borrowed.with_columns(pl.col("score") * rules.polarity.borrowed).unique("term", keep="first")
    # a longer word of others must not hide a phrase of ours: 信息泄露
    phrases = own_terms.filter(pl.max_horizontal(_SPOKEN) > 0, pl.col("term").str.contains(r"^\p{Han}{2}"))["term"]
    borrowed = borrowed.filter(~pl.col("term").str.contains_any(phrases.implode()))
    return (
        pl.concat([own_terms, borrowed.join(own_terms, on="term", how="anti")], how="diagonal")
        .with_columns(
            pl.col(_SPOKEN).fill_null(0.0),
            pl.col(flags).fill_null(False),
        )
        .with_columns(
            adverb=pl.col("term") == _ADVERB,
            calls=pl.col("term").str.ends_with(_AT),
            ends_name=pl.col("term") == _NAME_ENDS,
            breaks=_ends_with(_BREAKS) | pl.col("quote"),
            stops=_ends_with(_STOPS) | pl.col("quote"),
        )
        .with_columns(score=pl.col("score").fill_null((pl.col("praise") - pl.col("complaint")) * rules.polarity.phrase))
    )


def _folded(terms: pl.DataFrame) -> pl.DataFrame:
    """Terms in matching form; the line break that ends a term stays."""
    ends = pl.col("term").str.ends_with("\n") & (pl.col("term") != "\n")
    term = (
        pl.when("_mark")
        .then("term")
        .otherwise(fold_terms(pl.col("term")) + pl.when(ends).then(pl.lit("\n")).otherwise(pl.lit("")))
    )
    return (
        terms.with_columns(_mark=pl.col("term").is_in(_BREAKS))
        .with_columns(term=term)
        .drop("_mark")
        .filter(pl.col("term") != "")
    )


def _ends_with(marks: tuple[str, ...]) -> pl.Expr:
    # [赞] ends no clause, though its bracket would
    one = pl.any_horizontal(pl.col("term").str.ends_with(mark) for mark in marks)
    return one & (~pl.col("sign") | pl.col("term").str.contains(r"^[~…。.]+$"))


def _tokens(docs: pl.DataFrame, lexicon: Lexicon) -> pl.DataFrame:
    """Terms of the lists in the order of the texts: row, start, end (characters), and the roles of the term."""
    found = find_longest(docs["doc"], lexicon.trie)
    placed = [docs["row"].gather(found.row), *(pl.Series(n, getattr(found, n), pl.Int64) for n in ("start", "end"))]
    return pl.DataFrame(placed).hstack(lexicon.roles[found.term])


def _weigh(tokens: pl.DataFrame, docs: pl.DataFrame, rules: StanceRules) -> pl.DataFrame:
    """Tokens that count, with `value`, their feeling as it stands, and what else their surroundings make of them."""
    n = rules.polarity
    new_row = pl.col("row") != pl.col("row").shift(1, fill_value=None)
    adjoins = (pl.col("row").shift(-1) == pl.col("row")) & (pl.col("start").shift(-1) == pl.col("end"))
    adverb = pl.col("adverb") & adjoins & (pl.col("score").shift(-1) != 0)
    placed = (
        tokens.lazy()
        .join(docs.lazy().select("row", "title_end"), on="row", how="left", maintain_order="left")
        .with_columns(
            score=pl.when(adverb).then(0.0).otherwise("score"),
            before=pl.when(adverb).then(_ADVERB_FACTOR).otherwise("before"),
            clause=(pl.col("breaks").shift(1, fill_value=True) | new_row.fill_null(True)).cum_sum(),
            sentence=(pl.col("stops").shift(1, fill_value=True) | new_row.fill_null(True)).cum_sum(),
        )
        .with_columns(felt=(pl.col("score") != 0).cum_sum())
        .with_columns(
            *_latest("turn", pl.col("turn").is_not_null(), "clause", "start", "end", "felt", "turn"),
            *_latest("degree", pl.col("before").is_not_null(), "clause", "end", "before"),
            *_latest("unreal", pl.col("unreal") | pl.col("reported") | (pl.col("suggestion") > 0), "clause"),
            *_latest("reported", pl.col("reported"), "clause"),
            *_latest("sarcasm", pl.col("sarcasm"), "row", "end"),
            *_latest("quote", pl.col("quote"), "row"),
            *_latest("name", pl.col("calls"), "clause"),
            in_name=pl.when("breaks").then("ends_name").backward_fill(),
            sarcasm_next=pl.when("sarcasm").then("start").backward_fill(),
            sarcasm_next_row=pl.when("sarcasm").then("row").backward_fill(),
            but_sentence=pl.when("but").then("sentence").forward_fill(),
            but_sentence_next=pl.when("but").then("sentence").backward_fill(),
            behind=pl.when(adjoins).then(pl.col("after").shift(-1)),
            last_sentence=pl.col("sentence").filter(~pl.col("quote")).max().over("row"),
        )
    )
    gap = pl.col("start") - pl.col("turn_end")
    turned = (
        (pl.col("turn_clause") == pl.col("clause"))
        # one negation turns one feeling, 严禁 and the like all that follow
        & (
            (gap.is_between(0, n.negation_reach) & (pl.col("felt") - pl.col("turn_felt") <= 1))
            | (gap.is_between(0, n.disclaimer_reach) & (pl.col("turn_turn") == 0))
        )
    ).fill_null(False)
    from_start = pl.when(turned).then("turn_start").otherwise("start")
    strengthened = (pl.col("degree_clause") == pl.col("clause")) & (
        (pl.col("start") - pl.col("degree_end")).is_between(0, n.degree_reach)
        | (from_start - pl.col("degree_end")).is_between(0, n.degree_reach)
    )
    mocked = (
        (pl.col("sarcasm_row") == pl.col("row"))
        & (pl.col("start") - pl.col("sarcasm_end")).is_between(0, n.sarcasm_reach)
    ).fill_null(False) | (
        (pl.col("sarcasm_next_row") == pl.col("row"))
        & (pl.col("sarcasm_next") - pl.col("end")).is_between(0, n.sarcasm_reach // 2)
    ).fill_null(False)
    place = (
        _factor(pl.col("start") < pl.col("title_end"), n.title)
        * _factor(pl.col("sentence") == pl.col("last_sentence"), n.last)
        * _factor(pl.col("quoted"), n.quoted)
        * pl.when(pl.col("but_sentence") == pl.col("sentence"))
        .then(n.after_but)
        .when(pl.col("but_sentence_next") == pl.col("sentence"))
        .then(n.before_but)
        .otherwise(1.0)
    )
    weaker = pl.when(pl.col("score") > 0).then(n.negated).otherwise(n.negated_negative)
    own = (
        pl.col("score")
        * pl.when(pl.col("turned") & ~pl.col("sign")).then(pl.col("turn_turn") * weaker).otherwise(1.0)
        * pl.when(strengthened & ~pl.col("sign")).then("degree_before").otherwise(1.0).fill_null(1.0)
        * pl.col("behind").fill_null(1.0)
        * _factor((pl.col("name_clause") == pl.col("clause")) & pl.col("in_name"), 0.0)
        * _factor((pl.col("unreal_clause") == pl.col("clause")) & ~pl.col("sign"), n.unreal)
    )
    return (
        placed.with_columns(
            turned=turned,
            told=(pl.col("reported_clause") == pl.col("clause")).fill_null(False),
            quoted=(pl.col("quote_row") == pl.col("row")).fill_null(False),
        )
        .with_columns(own=own)
        .with_columns(mocked=mocked & (pl.col("own") > 0))
        .with_columns(value=pl.when("mocked").then(-pl.col("own")).otherwise("own") * place)
        .filter(_counts())
        .select(*_KEPT)
        .collect()
    )


def _counts() -> pl.Expr:
    """Tokens that say something themselves: most are marks, and words that only colour others."""
    says = pl.any_horizontal(pl.col(_SPOKEN) > 0, "rhetorical", "personal", "mocked")
    return says | (pl.col("value") != 0) | (pl.col("turned") & (pl.col("score") != 0))


def _latest(name: str, is_one: pl.Expr, *columns: str) -> list[pl.Expr]:
    """Columns of the latest token that is one, this one included, as <name>_<column>."""
    return [pl.when(is_one).then(column).forward_fill().alias(f"{name}_{column}") for column in columns]


def _factor(holds: pl.Expr, factor: float) -> pl.Expr:
    return pl.when(holds).then(factor).otherwise(1.0)


def _forms(docs: pl.DataFrame, rules: StanceRules) -> list[pl.Series]:
    """For each pattern of the rules, which documents have it."""
    found = docs.select(pl.col("doc").str.contains(form.pattern).alias(str(n)) for n, form in enumerate(rules.patterns))
    return found.get_columns()


def _speak(weighed: pl.DataFrame, docs: pl.DataFrame, forms: list[pl.Series], rules: StanceRules) -> pl.DataFrame:
    """Points for each stance from phrases and forms, each different one once, and who speaks."""
    factor = _factor(pl.col("quoted"), rules.polarity.quoted)
    told = _factor(pl.col("told"), rules.polarity.unreal)
    speaks = pl.any_horizontal(pl.col(_SPOKEN) > 0, "rhetorical", "personal", "mocked")
    points = weighed.filter(speaks).select(
        "row",
        "term",
        "rhetorical",
        "personal",
        "mocked",
        # 不投诉, 严禁造假 accuse nobody; 不满意 praises nobody
        complaint=pl.when("turned").then(0.0).otherwise("complaint") * factor * told,
        praise=pl.when(pl.col("turned") | pl.col("mocked")).then(0.0).otherwise("praise") * factor,
        suggestion=pl.when("turned").then(0.0).otherwise("suggestion") * factor,
        question=pl.col("question") * factor,
        neutral="neutral",
        blame=pl.when(pl.col("turned") | pl.col("mocked")).then("praise").otherwise(0.0) * factor,
        firm_points=pl.when("firm").then("neutral").otherwise(0.0),
    )
    summed = (*_SPOKEN, "blame", "firm_points")
    once = points.group_by("row", "term").agg(pl.col(summed).max(), pl.col("rhetorical", "personal", "mocked").any())
    found = once.group_by("row").agg(
        pl.col(summed).sum(),
        is_rhetorical=pl.col("rhetorical").any(),
        is_personal=pl.col("personal").any(),
        is_mocking=pl.col("mocked").any(),
    )
    found = (
        docs.select("row")
        .join(found, on="row", how="left")
        .with_columns(pl.col(summed).fill_null(0.0), pl.col("^is_.*$").fill_null(False))
    )
    for form, has in zip(rules.patterns, forms, strict=True):
        hit = has * form.points
        added = {form.stance: pl.col(form.stance) + hit}
        found = found.with_columns(**added, firm_points=pl.col("firm_points") + (hit if form.firm else 0.0))
    return found.with_columns(
        complaint=pl.col("complaint") + pl.col("blame"),
        question=pl.when("is_rhetorical").then(0.0).otherwise("question"),
        is_firm=(pl.col("firm_points") >= rules.decision.firm) & ~pl.col("is_personal"),
    ).drop("blame", "firm_points")


def _decide(rules: StanceRules) -> pl.Expr:
    d = rules.decision
    net = (pl.col("positive") - pl.col("negative")) * d.feeling
    hurt, pleased = (-net).clip(lower_bound=0), net.clip(lower_bound=0)
    complaint, praise = pl.col("complaint") + hurt, pl.col("praise") + pleased
    wish = pl.max_horizontal("question", "suggestion")
    asks, suggests = pl.col("question") >= d.question, pl.col("suggestion") >= d.suggestion
    # beside a question or suggestion mere feeling counts half: whoever asks may be annoyed
    # beside a reporter's words feeling alone is no stance of the writer
    plain = (pl.col("neutral") >= d.neutral) & (pl.max_horizontal("complaint", "praise") == 0) & (wish == 0)
    plain &= ~pl.col("is_mocking")
    blames = (complaint >= d.complaint) & (complaint - praise >= d.margin)
    blames &= (pl.col("complaint") + hurt / 2 >= wish * d.outweighs) | ~(asks | suggests)
    praises = (praise >= d.praise) & (praise - complaint >= d.margin) & (wish < d.firm_wish)
    return (
        pl.when(pl.col("is_firm") | plain)
        .then(pl.lit("neutral"))
        .when(blames)
        .then(pl.lit("complaint"))
        .when(praises)
        .then(pl.lit("praise"))
        .when(suggests & (pl.col("suggestion") >= pl.col("question")))
        .then(pl.lit("suggestion"))
        .when(asks)
        .then(pl.lit("question"))
        .when((pl.max_horizontal(complaint, praise) < d.complaint) & (pl.col("neutral") >= d.neutral))
        .then(pl.lit("neutral"))
        .otherwise(pl.lit("unsure"))
    )


def _tone(rules: StanceRules) -> pl.Expr:
    """By polarity; an announcement has none, and nothing felt is unknown only if nothing else is known."""
    d = rules.decision
    return (
        pl.when(pl.col("stance") == "neutral")
        .then(pl.lit("neutral"))
        .when(pl.col("stance") == "complaint")
        .then(pl.lit("negative"))
        .when(pl.col("stance") == "praise")
        .then(pl.lit("positive"))
        .when(pl.col("polarity") < d.negative_below)
        .then(pl.lit("negative"))
        .when(pl.col("polarity") > d.positive_above)
        .then(pl.lit("positive"))
        .when(pl.col("stance") == "unsure")
        .then(pl.lit("unknown"))
        .otherwise(pl.lit("neutral"))
    )


def _proof(weighed: pl.DataFrame, docs: pl.DataFrame, forms: list[pl.Series], rules: StanceRules) -> pl.DataFrame:
    """What counted, in the order of the text: feelings as they stand, then phrases of a stance."""
    turned = pl.col("turned") & ~pl.col("sign") & (pl.col("score") != 0)
    counts = ~pl.col("turned") & ~pl.col("mocked")
    says = {
        "positive": pl.col("value") > 0,
        "negative": pl.col("value") < 0,
        "negated": turned,
        "sarcasm": pl.col("mocked"),
        **{stance: (pl.col(stance) > 0) & counts for stance in ("complaint", "praise", "suggestion")},
        **{stance: pl.col(stance) > 0 for stance in ("question", "neutral")},
    }
    found = [weighed.filter(holds).select("row", "term", "start", rule=pl.lit(rule)) for rule, holds in says.items()]
    found += [
        docs.filter(has).select("row", term=pl.lit(form.name), start=pl.lit(0, pl.Int64), rule=pl.lit(form.stance))
        for form, has in zip(rules.patterns, forms, strict=True)
    ]
    return (
        pl.concat(found)
        .sort("row", "start", maintain_order=True)
        .group_by("row", maintain_order=True)
        .agg(evidence=evidence("rule").head(_MAX_EVIDENCE))
    )
