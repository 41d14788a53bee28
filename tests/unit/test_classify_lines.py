"""`caifeng classify --json`: JSON lines in, JSON lines out."""

import json

import pytest

from caifeng.core.model.terms import JURISDICTION_NAMES, RELEVANCE_REASONS, STANCE_NAMES
from caifeng.core.settings import Settings
from caifeng.jobs.classify_lines import classify_lines

SETTINGS = Settings.load()
TAXONOMY, OFFICE, STANCE = SETTINGS.taxonomy(), SETTINGS.office(), SETTINGS.stance()


def answer(*lines):
    answers, ok = classify_lines(lines, TAXONOMY, OFFICE, STANCE)
    return [json.loads(line) for line in answers], ok


def line(id_, title, text=""):
    return json.dumps({"id": id_, "title": title, "text": text}, ensure_ascii=False)


def test_answers_in_order_with_the_agreed_fields():
    answers, ok = answer(line("b", "蒙城县GDP数据是编的"), line(7, "周末钓鱼"), line("b", "美国CPI"))
    assert ok
    assert [a["id"] for a in answers] == ["b", 7, "b"]
    assert [a["relevant"] for a in answers] == [True, False, False]
    fields = {"id", "relevant", "reason", "topics", "jurisdiction", "stance", "polarity", "intensity", "evidence"}
    for found in answers:
        assert set(found) == fields
        assert found["reason"] in RELEVANCE_REASONS
        assert found["jurisdiction"] in JURISDICTION_NAMES
        assert found["stance"] in STANCE_NAMES
    first = answers[0]
    assert (first["jurisdiction"], first["stance"]) == ("local", "complaint")
    assert first["topics"][0]["id"] == "gdp"
    assert set(first["topics"][0]) == {"id", "score"}


@pytest.mark.parametrize(
    ("bad", "id_", "error"),
    [
        ("{", None, "line: not JSON"),
        ("[1]", None, "line: not a JSON object"),
        ("[" * 100_000, None, "line: not JSON"),
        ('{"title": "", "text": ""}', None, "id: missing"),
        ('{"id": 1.5, "title": "", "text": ""}', None, "id: neither"),
        ('{"id": true, "title": "", "text": ""}', None, "id: neither"),
        ('{"id": "x", "text": ""}', "x", "title: missing"),
        ('{"id": 1, "title": null, "text": ""}', 1, "title: not a string"),
        ('{"id": 1, "title": "", "text": ["a"]}', 1, "text: not a string"),
        ('{"id": 1, "title": "", "text": "", "author": "x"}', 1, "author: unknown field"),
        ('{"id": 1, "title": "\\ud800", "text": ""}', 1, "title: not valid Unicode"),
    ],
)
def test_a_bad_line_is_named_and_the_others_go_on(bad, id_, error):
    answers, ok = answer(line("a", "GDP"), bad, line("c", "钓鱼"))
    assert not ok
    assert [a["id"] for a in answers] == ["a", id_, "c"]
    assert answers[1]["error"].startswith(error)
    assert answers[0]["relevant"]
    assert not answers[2]["relevant"]


def test_nothing_in_nothing_out():
    assert answer() == ([], True)
    assert answer("", "  \n") == ([], True)
