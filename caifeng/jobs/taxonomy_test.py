"""The examples of the taxonomy and the gazetteer, judged by the rules themselves: `caifeng taxonomy test`."""

from collections.abc import Sequence

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.taxonomy import Taxonomy
from transforms.understand.jurisdiction import assign_jurisdiction, place_rules
from transforms.understand.relevance import classify, relevance_rules


def taxonomy_faults(taxonomy: Taxonomy, office: Office) -> list[str]:
    """Judge every example by the rules.

    Examples of a topic must have it as their first topic, counter-examples must not; examples of `_relevance` have
    their reason, examples of the gazetteer their jurisdiction.

    Args:
        taxonomy: rules with their examples.
        office: whose place counts as own.

    Returns:
        One line per example that is judged otherwise: file, field, sentence, what was expected, what was found
        and why. Empty if all hold.
    """
    return [*_topic_faults(taxonomy), *_reason_faults(taxonomy), *_place_faults(taxonomy, office)]


def example_count(taxonomy: Taxonomy) -> int:
    """How many examples there are in all."""
    topics = sum(len(topic.examples) + len(topic.counter_examples) for topic in taxonomy.topics)
    return topics + len(taxonomy.relevance.examples) + len(taxonomy.gazetteer.examples)


def _topic_faults(taxonomy: Taxonomy) -> list[str]:
    cases = [
        (topic.id, field, number, sentence)
        for topic in taxonomy.topics
        for field, sentences in (("examples", topic.examples), ("counter_examples", topic.counter_examples))
        for number, sentence in enumerate(sentences)
    ]
    verdicts = classify(_titles([sentence for *_, sentence in cases]), relevance_rules(taxonomy))
    faults = []
    for (topic, field, number, sentence), found in zip(cases, verdicts.iter_rows(named=True), strict=True):
        first = found["topics"][0]["topic"] if found["topics"] else None
        wanted = topic if field == "examples" else f"not {topic}"
        if (first == topic) != (field == "examples"):
            shown = "".join(f" {entry['topic']} {entry['score']:g}" for entry in found["topics"])
            faults.append(_line(f"{topic}.toml", field, number, sentence, wanted, found["reason"] + shown, found))
    return faults


def _reason_faults(taxonomy: Taxonomy) -> list[str]:
    cases = taxonomy.relevance.examples
    verdicts = classify(_titles([case.text for case in cases]), relevance_rules(taxonomy))
    return [
        _line("_relevance.toml", "examples", number, case.text, case.reason, found["reason"], found)
        for number, (case, found) in enumerate(zip(cases, verdicts.iter_rows(named=True), strict=True))
        if found["reason"] != case.reason
    ]


def _place_faults(taxonomy: Taxonomy, office: Office) -> list[str]:
    cases = taxonomy.gazetteer.examples
    texts = _titles([case.text for case in cases])
    topic = classify(texts, relevance_rules(taxonomy))["topics"].list.first().struct.field("topic")
    boards = pl.Series([case.local_board for case in cases], dtype=pl.Boolean)
    places = assign_jurisdiction(texts.with_columns(topic=topic, local_board=boards), place_rules(taxonomy, office))
    return [
        _line("gazetteer.toml", "examples", number, case.text, case.jurisdiction, found["jurisdiction"], found)
        for number, (case, found) in enumerate(zip(cases, places.iter_rows(named=True), strict=True))
        if found["jurisdiction"] != case.jurisdiction
    ]


def _titles(sentences: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": range(len(sentences)), "title": list(sentences), "text": [""] * len(sentences)},
        schema={"id": pl.Int64, "title": pl.String, "text": pl.String},
    )


def _line(file: str, field: str, number: int, sentence: str, wanted: str, got: str, found: dict[str, object]) -> str:
    evidence = found["evidence"]
    why = f" [{' '.join(evidence)}]" if isinstance(evidence, list) and evidence else ""
    return f"{file}: {field}[{number}]: {sentence!r}: expected {wanted}, found {got}{why}"
