"""What people say about the machine's work: as judgements that go before the rules, and as labels."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.cases.model import LABELS, Actor, GuardError, RoleError
from caifeng.cases.service import act, chain_faults
from caifeng.core.contracts import load_contracts
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.model.quality import QualityRules
from caifeng.core.model.taxonomy import FALLBACK_TOPIC
from caifeng.core.settings import Settings
from caifeng.jobs.quality import (
    document_week,
    figure_words,
    judgements_of,
    load_quality,
    monday_of,
    rules_version,
    statements_of,
    week_of,
)
from tests.cases.cases import ONE, START, THREE, TWO, Desk, open_register
from transforms.rejects import EXCERPT_CHARACTERS, excerpt
from transforms.understand.quality import JUDGEMENTS, apply_judgements, labels, word_of_the_rules

MONITOR = Actor("monitor", "m")
A, B, C = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture(scope="module")
def taxonomy(pytestconfig):
    return Settings(config=pytestconfig.rootpath / "config").taxonomy()


@pytest.fixture
def register(tmp_path):
    with open_register(tmp_path) as register:
        yield register


@pytest.fixture
def desk(register):
    return Desk(register)


def label(desk, post_id, **said):
    desk.at += timedelta(minutes=1)
    return act(desk.register, None, "label", MONITOR, {"post_id": post_id, **said}, desk.at)


# --- the excerpt that is kept of a rejected post ---------------------------------------------------------------------


def cut(text):
    return pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(excerpt(pl.col("text"))).item()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", None),
        ("  ", None),
        ("水费涨了", "水费涨了"),
        ("编号139123456789012", "编号139123456789012"),
        ("水" * 130, "水" * EXCERPT_CHARACTERS),
        ("水" * 110 + "1391234567890123456789", "水" * 110),
        ("水" * 110 + "号 139-1234-5678-90123", "水" * 110 + "号"),
        ("9" * 200, None),
    ],
)
def test_an_excerpt_never_ends_in_half_a_number(text, kept):
    assert cut(text) == kept


@given(st.text(max_size=300))
def test_an_excerpt_is_a_short_beginning(text):
    kept = cut(text.encode("utf8", "ignore").decode())
    assert kept is None or (0 < len(kept) <= EXCERPT_CHARACTERS and kept in text)


# --- the register's event --------------------------------------------------------------------------------------------


def test_a_label_is_an_event_of_no_case_in_the_chain(desk):
    event = label(desk, A, relevant=True, topic="income", reason="说的是收入统计，电话13912345678")
    assert (event.subject, event.sequence, event.from_state) == (LABELS, 1, None)
    assert event.codes == {"post_id": A, "relevant": True, "topic": "income"}
    assert "13912345678" not in event.payload["reason"]
    assert chain_faults(desk.register.events()) == []


def test_a_label_says_something_and_is_for_the_desk(desk):
    with pytest.raises(GuardError, match="须判定"):
        label(desk, A, reason="看过了")
    for role in ("section", "auditor", "chief"):
        with pytest.raises(RoleError):
            act(desk.register, None, "label", Actor(role, "x"), {"post_id": A, "relevant": True}, START)
    with pytest.raises(GuardError):
        label(desk, A, relevant="也许")
    assert desk.register.events(LABELS) == ()


def test_the_last_word_on_a_post_counts(desk):
    label(desk, B, relevant=False)
    label(desk, A, relevant=False)
    label(desk, A, relevant=True, topic="income")
    label(desk, A, stance="question")
    desk.confirm()
    found = judgements_of(desk.register.events())
    assert found.rows() == [(A, True, "income", 4), (B, False, None, 1)]
    assert dict(found.schema) == dict(JUDGEMENTS)
    assert judgements_of([]).is_empty()


# --- judgements go before the rules ----------------------------------------------------------------------------------

NO_TOPICS: list[str] = []


def by_rules():
    rows = [
        (A, False, "no_term", NO_TOPICS, NO_TOPICS, 1),
        (B, True, "indicator_term", ["income", "wage"], ["income:收入@2"], 2),
        (C, True, "strong_term", ["gdp"], ["strong:统计局@0"], 3),
    ]
    kinds = {
        "post_id": pl.String, "relevant": pl.Boolean, "reason": pl.String, "topics": pl.List(pl.String),
        "why": pl.List(pl.String), "carried": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=kinds, orient="row")


def judged(taxonomy, *judgements):
    given = pl.DataFrame(list(judgements), schema=JUDGEMENTS, orient="row")
    return {row["post_id"]: row for row in apply_judgements(by_rules(), given, taxonomy).iter_rows(named=True)}


def test_without_judgements_nothing_changes(taxonomy):
    assert apply_judgements(by_rules(), JUDGEMENTS.to_frame(), taxonomy).equals(by_rules())


def test_a_post_is_taken_in_with_its_topic(taxonomy):
    row = judged(taxonomy, (A, True, "income", 7))[A]
    assert (row["relevant"], row["reason"], row["topics"], row["why"]) == (
        True, "judged", ["income"], ["label:no_term#7"],
    )  # fmt: skip


def test_a_post_is_shut_out(taxonomy):
    row = judged(taxonomy, (B, False, None, 7))[B]
    assert (row["relevant"], row["reason"], row["topics"]) == (False, "judged", [])
    assert row["why"] == ["label:indicator_term#7", "income:收入@2"]


def test_a_confirmed_post_stays_as_it_was(taxonomy):
    rows = judged(taxonomy, (A, False, None, 1), (B, True, None, 2), (C, True, "gdp", 3))
    expected = {row["post_id"]: row for row in by_rules().iter_rows(named=True)}
    assert rows == expected


def test_another_topic_goes_first_and_a_topic_that_is_gone_is_the_fallback(taxonomy):
    rows = judged(taxonomy, (B, None, "wage", 2), (C, None, "no_such_topic", 3), (A, True, "no_such_topic", 4))
    assert rows[B]["topics"] == ["wage", "income"]
    assert rows[B]["reason"] == "indicator_term"
    assert rows[B]["why"][0] == "label:indicator_term#2"
    assert rows[C]["topics"] == [FALLBACK_TOPIC, "gdp"]
    assert rows[A]["topics"] == [FALLBACK_TOPIC]


@given(st.permutations([(A, True, "income", 1), (B, False, None, 2), (C, None, "wage", 3)]))
def test_the_order_of_judgements_does_not_matter(taxonomy, order):
    assert judged(taxonomy, *order) == judged(taxonomy, *sorted(order))


# --- labels ----------------------------------------------------------------------------------------------------------


def statements(register):
    return statements_of(register.events()).select("kind", "issue_no", "post_id", "machine", "person").rows()


def test_decisions_on_issues_are_words_on_the_machine(desk):
    desk.confirm("larger", suggested_level="general", reason="涉及面大，群众反映集中")
    desk.do("change_level", "openness_office", level="major", reason="上级已经介入调查核实")
    other = Desk(desk.register, TWO)
    other.do("out_of_scope", "monitor", scope_reason="irrelevant")
    third = Desk(desk.register, THREE)
    third.do("out_of_scope", "monitor", scope_reason="other_place")
    assert statements(desk.register) == [
        ("level", ONE, None, "general", "larger"),
        ("relevance", ONE, None, "relevant", "relevant"),
        ("level", ONE, None, "general", "major"),
        ("relevance", TWO, None, "relevant", "irrelevant"),
        ("relevance", THREE, None, "relevant", "relevant"),
    ]


def test_merges_and_splits_are_words_on_grouping(desk):
    desk.do("merge", "monitor", parent=TWO)
    Desk(desk.register, TWO).do("split", "monitor", posts=[B, A])
    assert statements(desk.register) == [
        ("duplicate", ONE, None, "apart", "together"),
        ("duplicate", None, A, "together", "apart"),
        ("duplicate", None, B, "together", "apart"),
    ]


def test_names_and_free_words_stay_in_the_register(desk):
    desk.do("out_of_scope", "monitor", "zhangsan", scope_reason="irrelevant", reason="与我局无关的一件私事")
    label(desk, A, relevant=False, reason="讲的是自家水费")
    found = statements_of(desk.register.events())
    assert found.height == 2
    assert "zhangsan" not in str(found.rows())
    assert "水费" not in str(found.rows())
    assert found["role"].unique().to_list() == ["monitor"]


def kept(*rows):
    kinds = {
        "day": pl.Date, "post_id": pl.String, "text_hash": pl.String, "reason": pl.String,
        "topics": pl.List(pl.String), "stance": pl.String, "evidence": pl.List(pl.String),
    }  # fmt: skip
    return pl.DataFrame(list(rows), schema=kinds, orient="row")


def dropped(*rows):
    kinds = {"day": pl.Date, "post_id": pl.String, "reason": pl.String, "detail": pl.String}
    return pl.DataFrame(list(rows), schema=kinds, orient="row")


def texts(*rows):
    return pl.DataFrame(list(rows), schema={"post_id": pl.String, "text_hash": pl.String}, orient="row")


MONDAY = date(2026, 11, 16)
TUESDAY = MONDAY + timedelta(days=1)


def test_the_word_of_the_rules_is_known_whatever_people_made_of_it():
    found = word_of_the_rules(
        kept(
            (TUESDAY, A, "h1", "judged", ["income"], "question", ["label:no_term#1"]),
            (MONDAY, C, "h3", "strong_term", ["wage", "gdp"], "complaint", ["label:strong_term#3", "strong:统计局@0"]),
        ),
        dropped((MONDAY, B, "judged", "label:context_term#2 price:涨价@4")),
        texts((B, "h2"), (A, "h1")),
    )
    assert found.rows() == [
        (A, "h1", False, "no_term", None, None, []),
        (B, "h2", True, "context_term", None, None, ["price:涨价@4"]),
        (C, "h3", True, "strong_term", "gdp", "complaint", ["strong:统计局@0"]),
    ]


def test_a_post_taken_in_later_was_rejected_first():
    found = word_of_the_rules(
        kept((TUESDAY, A, "h", "judged", ["income"], "question", ["label:no_context#1"])),
        dropped((MONDAY, A, "no_context", "price:涨价@4")),
        texts((A, "h")),
    )
    assert found.row(0) == (A, "h", False, "no_context", None, None, ["price:涨价@4"])


def test_labels_keep_their_contract(desk, root):
    label(desk, A, relevant=True, topic="income")
    label(desk, C, topic="wage", stance="complaint")
    desk.do("merge", "monitor", parent=TWO)
    Desk(desk.register, THREE).do("out_of_scope", "monitor", scope_reason="irrelevant")
    issues = pl.DataFrame({"issue_no": [ONE, TWO], "origin_post_id": [B, C]})
    posts = word_of_the_rules(
        kept((MONDAY, C, "h3", "strong_term", ["gdp"], "question", ["strong:统计局@0"])),
        dropped((MONDAY, A, "no_term", None)),
        texts((A, "h1")),
    )
    found = labels(statements_of(desk.register.events()), issues, posts, "taxonomy-1")
    checked = load_contracts(root / "sql")["ops.labels"].conform(found)
    assert checked.height == found.height == 6
    said = found.select("kind", "post_id", "other_post_id", "text_hash", "machine", "person", "reason").rows()
    assert said == [
        ("relevance", A, None, "h1", "irrelevant", "relevant", "no_term"),
        ("topic", A, None, "h1", None, "income", None),
        ("stance", C, None, "h3", "question", "complaint", None),
        ("topic", C, None, "h3", "gdp", "wage", None),
        ("duplicate", B, C, None, "apart", "together", None),
        ("relevance", None, None, None, "relevant", "irrelevant", None),
    ]
    assert found["rule_version"].unique().to_list() == ["taxonomy-1"]


def test_no_events_no_labels(root):
    nothing = word_of_the_rules(kept(), dropped(), texts())
    issues = pl.DataFrame(schema={"issue_no": pl.String, "origin_post_id": pl.String})
    found = labels(statements_of([]), issues, nothing, "v")
    assert load_contracts(root / "sql")["ops.labels"].conform(found).is_empty()


# --- weeks, words, configuration -------------------------------------------------------------------------------------


def test_weeks():
    assert (week_of(date(2026, 11, 22)), week_of(date(2027, 1, 1))) == ("2026-W47", "2026-W53")
    assert monday_of("2026-W47") == date(2026, 11, 16)
    assert document_week("2026-W53") == "12月28日至1月3日"
    for bad in ("2026-W54", "2026-47", "../x", ""):
        with pytest.raises(UsageError, match="no such week"):
            monday_of(bad)


def test_an_unknown_figure_is_a_dash():
    row = {"figure": "miss_rate", "item": "no_term", "population": 90, "checked": 0, "hits": 0, "value": None}
    assert figure_words({**row, "low": None, "high": None}) == (
        "漏收率（抽查估计） 没有统计用语  —  抽查 0 条，应收 0 条，代表 90 条"
    )
    kappa = {"figure": "level_kappa", "item": "all", "checked": 3, "hits": 2, "value": 0.5, "low": None, "high": None}
    assert figure_words(kappa) == "级别一致性（加权 κ）  0.50  2/3"


def test_the_file_is_the_defaults_and_bad_files_are_named(root, tmp_path):
    assert load_quality(root / "config") == QualityRules() == load_quality(tmp_path)
    (tmp_path / "quality.toml").write_text("sample_size = 0\n", "utf8")
    with pytest.raises(ConfigError, match=r"quality\.toml: sample_size"):
        load_quality(tmp_path)


def test_the_version_of_the_rules_follows_their_values(taxonomy):
    other = taxonomy.model_copy(update={"topics": taxonomy.topics[1:]})
    assert rules_version(taxonomy) == rules_version(taxonomy.model_copy())
    assert rules_version(taxonomy) != rules_version(other)
