"""Whose matter is a post? Points for and against the office's own county, each with its evidence.

Own county 3; board of the place 3, or 我县 in a source that reaches no further than a county; unambiguous town
2; ambiguous town 1 (only with county, city or province in the same text); own city or province 1; another place
as the scene of the event -3; local from 3 points on. A text about all counties of the city is the city's; talk
without any place is national if the topic is.
"""

from typing import NamedTuple

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.taxonomy import Taxonomy
from transforms.understand.matching import documents, drop_inside, evidence, find_terms, rules_frame
from transforms.understand.trie import Trie, trie_of

_LOCAL_FROM = 3
#: So many other places make a text one about the country.
_MANY_PLACES = 3
_MAX_EVIDENCE = 12
#: Kinds of place, in the order in which they are shown.
_KINDS = (
    "county", "county_short", "own", "town", "town_ambiguous", "city", "province", "sister", "other", "city_wide",
    "nation_wide", "nation", "foreign", "false_friend",
)  # fmt: skip


class PlaceRules(NamedTuple):
    """The places as tables, made once for many texts."""

    taxonomy: Taxonomy
    terms: pl.DataFrame
    """`term`, `kind`, `group` (code or name of the place, so that 利辛 and 利辛县 are one)."""
    trie: Trie


def place_rules(taxonomy: Taxonomy, office: Office) -> PlaceRules:
    """Prepare the gazetteer for the office whose county, city and province are its own."""
    terms = _terms(taxonomy, office)
    trie = trie_of(terms["term"])
    return PlaceRules(taxonomy, terms.with_columns(pl.col("term").cast(trie.kind)), trie)


def assign_jurisdiction(texts: pl.DataFrame, rules: PlaceRules, docs: pl.DataFrame | None = None) -> pl.DataFrame:
    """Decide whose matter each text is.

    Args:
        texts: `id`, `title`, `text`; optionally `local_board` (boolean), `reach` (a key of GEO_NAMES) and `topic`.
        rules: as from `place_rules`.
        docs: `documents` of the texts, if already made.

    Returns:
        In input order: `id`, `jurisdiction` (a key of JURISDICTION_NAMES), `names_office` (boolean: the county
        or its bureau is named), `evidence` (list of rule:term@offset).
    """
    taxonomy, terms = rules.taxonomy, rules.terms
    docs = documents(texts, taxonomy.relevance.idioms) if docs is None else docs
    hits = find_terms(docs, rules.trie)
    # inside a longer name the short one is another place: 蒙城路, 城关区 in 河南城关区
    masks = hits.join(terms.filter(pl.col("kind") != "false_friend"), on="term", how="semi")
    hits = drop_inside(hits, masks).join(terms, on="term").join(docs.select("row", "title_end"), on="row")
    hits = hits.with_columns(in_title=pl.col("start") < pl.col("title_end"))
    seen = hits.group_by("row").agg(
        *(pl.col("kind").eq(kind).any().alias(kind) for kind in _KINDS),
        *((pl.col("kind").eq(kind) & pl.col("in_title")).any().alias(f"{kind}_titled") for kind in _KINDS),
        others=pl.col("term").filter(pl.col("kind").is_in(["other", "sister"])).n_unique(),
        sisters=pl.col("group").filter(pl.col("kind") == "sister").n_unique(),
        first_own=pl.col("start").filter(pl.col("kind").is_in(["county", "county_short"])).min(),
        first_wide=pl.col("start").filter(pl.col("kind").is_in(["city_wide", "sister"])).min(),
        evidence=_evidence(),
    )
    flags = [name for name, dtype in seen.schema.items() if dtype == pl.Boolean]
    facts = (
        docs.select("row")
        .with_columns(id=texts["id"], **_attributes(texts, taxonomy))
        .join(seen, on="row", how="left")
        .with_columns(pl.col(flags).fill_null(False), pl.col("others", "sisters").fill_null(0))
        .sort("row")
    )
    return facts.with_columns(named=_own_county()).select(
        "id",
        jurisdiction=_decide(),
        names_office=pl.col("named") | (pl.col("own") & (pl.col("local_board") | pl.col("near_source"))),
        evidence=pl.concat_list(
            pl.when("local_board").then(pl.lit(["source:local_board"])).otherwise(pl.lit([], pl.List(pl.String))),
            pl.col("evidence").fill_null([]),
        ),
    )


def _terms(taxonomy: Taxonomy, office: Office) -> pl.DataFrame:
    """term, kind, group (code or name of the place, so that 利辛 and 利辛县 are one)."""
    gazetteer = taxonomy.gazetteer
    city, province = gazetteer.place[:4], gazetteer.place[:2]
    rules = [(term, "county", "") for term in (office.county, office.name, *office.aliases)]
    rules += [(office.county_short, "county_short", "")]
    rules += [(term, "city", "") for term in (office.city, office.city_short)]
    rules += [(term, "province", "") for term in (office.province, office.province_short)]
    for area in taxonomy.areas:
        if area.code in (gazetteer.place, city, province):
            continue
        kind = "sister" if len(area.code) == 6 and area.code.startswith(city) else "other"
        rules += [(name, kind, area.name[:2]) for name in (area.name, area.short) if name]
    rules += [(term, "sister", term[:2]) for term in gazetteer.sisters]
    rules += [(term, "other", term[:2]) for term in gazetteer.neighbours]
    lists = {
        "own": gazetteer.own,
        "town": gazetteer.towns,
        "town_ambiguous": gazetteer.towns_ambiguous,
        "city_wide": gazetteer.city_wide,
        "nation_wide": gazetteer.nation_wide,
        "nation": gazetteer.nation,
        "foreign": (*taxonomy.relevance.foreign, *taxonomy.relevance.separate),
        "false_friend": gazetteer.false_friend_context,
        "mask": gazetteer.false_friends,
    }
    rules += [(term, kind, "") for kind, terms in lists.items() for term in terms]
    return rules_frame(rules, ["term", "kind", "group"])


def _attributes(texts: pl.DataFrame, taxonomy: Taxonomy) -> dict[str, pl.Series | pl.Expr]:
    """Attributes of source and topic, with their defaults where the frame does not have them."""
    national = [topic.id for topic in taxonomy.topics if topic.national]
    columns: dict[str, pl.Series | pl.Expr] = {"local_board": pl.lit(False), "reach": pl.lit(""), "topic": pl.lit("")}
    columns |= {name: texts[name] for name in columns if name in texts.columns}
    topics = texts["topic"].is_in(national) if "topic" in texts.columns else pl.lit(False)
    near = texts["reach"].is_in(["village", "county"]) if "reach" in texts.columns else pl.lit(False)
    return {**columns, "national_topic": topics, "near_source": near}


def _own_county() -> pl.Expr:
    return pl.col("county") | (pl.col("county_short") & ~pl.col("false_friend"))


def _decide() -> pl.Expr:
    own, board = pl.col("named"), pl.col("local_board") | (pl.col("own") & pl.col("near_source"))
    around = own | pl.col("city") | pl.col("province")
    own_titled = pl.col("county_titled") | (pl.col("county_short_titled") & own) | pl.col("town_titled")
    many = pl.col("nation_wide") | (pl.col("others") >= _MANY_PLACES)
    elsewhere_titled = (pl.col("other_titled") | pl.col("sister_titled")) & ~own_titled
    elsewhere_only = (pl.col("others") > 0) & ~own & ~board & ~pl.col("town")
    elsewhere = (elsewhere_titled | elsewhere_only) & ~many
    points = (
        3 * own.cast(pl.Int8)
        + 3 * board.cast(pl.Int8)
        + 2 * pl.col("town").cast(pl.Int8)
        + (pl.col("town_ambiguous") & around).cast(pl.Int8)
        + (pl.col("city") | pl.col("province")).cast(pl.Int8)
        - 3 * elsewhere.cast(pl.Int8)
    )
    own_first = (own & (pl.col("first_own") < pl.col("first_wide"))).fill_null(False)
    all_counties = pl.col("city") & (pl.col("city_wide") | (pl.col("sisters") >= 2)) & ~own_first & ~board
    abroad = pl.col("foreign") & ~pl.col("nation") & ~around
    far = pl.col("false_friend") & pl.col("county_short") & ~pl.col("county")
    decisions: list[tuple[str, pl.Expr]] = [
        ("city", all_counties),
        ("local", points >= _LOCAL_FROM),
        ("other", far | elsewhere | abroad),
        ("national", many & ~pl.col("city") & ~pl.col("town")),
        ("unknown", pl.col("town")),  # a town alone may be anybody's: a person decides
        ("city", pl.col("city")),
        ("province", pl.col("province")),
        ("national", pl.col("nation") | pl.col("national_topic") | (pl.col("reach") == "nation")),
    ]
    return pl.coalesce(*(pl.when(holds).then(pl.lit(name)) for name, holds in decisions), pl.lit("unknown"))


def _evidence() -> pl.Expr:
    shown = pl.struct(
        rank=pl.col("kind").replace_strict({k: i for i, k in enumerate(_KINDS)}, default=None, return_dtype=pl.Int64),
        start="start",
        line=evidence("kind"),
    )
    first = pl.col("kind").ne("mask") & pl.struct("kind", "term").is_first_distinct()
    return shown.filter(first).sort().struct.field("line").head(_MAX_EVIDENCE)
