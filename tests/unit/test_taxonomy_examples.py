"""The sentences of the taxonomy hold, and a rule that breaks one is named."""

import pytest

from caifeng.core.model.taxonomy import PlaceExample, ReasonExample
from caifeng.core.model.terms import JURISDICTION_NAMES, RELEVANCE_REASONS
from caifeng.core.settings import Settings
from caifeng.jobs.taxonomy_test import example_count, taxonomy_faults

SETTINGS = Settings.load()
TAXONOMY, OFFICE = SETTINGS.taxonomy(), SETTINGS.office()


def changed(id_, **fields):
    """The taxonomy with one topic changed."""
    topics = tuple(topic.model_copy(update=fields) if topic.id == id_ else topic for topic in TAXONOMY.topics)
    return TAXONOMY.model_copy(update={"topics": topics})


def test_every_example_of_the_shipped_taxonomy_holds():
    assert example_count(TAXONOMY) > 300
    assert taxonomy_faults(TAXONOMY, OFFICE) == []


def test_the_examples_cover_every_reason_and_every_jurisdiction():
    assert {example.reason for example in TAXONOMY.relevance.examples} == set(RELEVANCE_REASONS)
    assert {example.jurisdiction for example in TAXONOMY.gazetteer.examples} == set(JURISDICTION_NAMES)


def test_the_examples_cover_every_field_that_uses_our_words():
    """Each group of exclusions is what rejects one of the sentences."""
    groups = dict(TAXONOMY.relevance.exclusions)
    assert len(groups) >= 10
    sentences = [example.text.lower() for example in TAXONOMY.relevance.examples if example.reason == "excluded"]
    wanted = {"study", "sport", "game", "software", "jobs", "company", "market"}
    met = {name for name, terms in groups.items() if any(t.lower() in s for t in terms for s in sentences)}
    assert wanted <= met


def test_a_broken_example_is_named_with_file_sentence_expected_and_found():
    [fault] = taxonomy_faults(changed("gdp", examples=("周末钓鱼",)), OFFICE)
    for part in ("gdp.toml", "examples[0]", "周末钓鱼", "expected gdp", "found no_term"):
        assert part in fault


def test_a_counter_example_of_another_topic_holds_and_one_of_its_own_fails():
    assert taxonomy_faults(changed("gdp", counter_examples=("CPI公布",)), OFFICE) == []
    [fault] = taxonomy_faults(changed("gdp", counter_examples=("GDP公布",)), OFFICE)
    for part in ("gdp.toml", "counter_examples[0]", "expected not gdp", "found indicator_term gdp 4", "gdp:gdp@0"):
        assert part in fault


def test_a_term_taken_away_is_noticed():
    topic = next(topic for topic in TAXONOMY.topics if topic.id == "impostor_fraud")
    faults = taxonomy_faults(changed("impostor_fraud", strong=(), ambiguous=topic.ambiguous[:1]), OFFICE)
    assert faults
    assert all(fault.startswith("impostor_fraud.toml: examples[") for fault in faults)


@pytest.mark.parametrize(
    ("part", "example", "words"),
    [
        ("relevance", ReasonExample(text="美国CPI", reason="excluded"), ["_relevance.toml", "excluded", "foreign"]),
        ("gazetteer", PlaceExample(text="合肥的GDP", jurisdiction="local"), ["gazetteer.toml", "local", "other"]),
    ],
)
def test_broken_sentences_of_the_common_files_are_named(part, example, words):
    common = getattr(TAXONOMY, part).model_copy(update={"examples": (example,)})
    [fault] = taxonomy_faults(TAXONOMY.model_copy(update={part: common}), OFFICE)
    assert [word for word in (*words, example.text) if word not in fault] == []


def test_without_examples_there_is_nothing_to_say():
    bare = tuple(topic.model_copy(update={"examples": (), "counter_examples": ()}) for topic in TAXONOMY.topics)
    empty = TAXONOMY.model_copy(
        update={
            "topics": bare,
            "relevance": TAXONOMY.relevance.model_copy(update={"examples": ()}),
            "gazetteer": TAXONOMY.gazetteer.model_copy(update={"examples": ()}),
        }
    )
    assert example_count(empty) == 0
    assert taxonomy_faults(empty, OFFICE) == []
