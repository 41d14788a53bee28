"""The taxonomy files: strict, consistent, without people."""

import tomllib

import pytest

from caifeng.core.model.taxonomy import FALLBACK_TOPIC, taxonomy_from
from caifeng.core.settings import Settings


@pytest.fixture(scope="module")
def files():
    config = Settings().root / "config"
    read = {path.stem: tomllib.loads(path.read_text("utf8")) for path in (config / "taxonomy").glob("*.toml")}
    return {**read, "gazetteer": tomllib.loads((config / "gazetteer.toml").read_text("utf8"))}


def test_the_shipped_taxonomy_is_valid_and_fits_the_office(files):
    taxonomy = taxonomy_from(files)
    office = Settings.load().office()
    assert len(taxonomy.topics) == 25
    assert FALLBACK_TOPIC in taxonomy.topic_ids
    assert {topic.owner for topic in taxonomy.topics} <= {unit.id for unit in office.units}
    assert taxonomy.gazetteer.place == office.place
    assert len(taxonomy.areas) > 3000
    names = {area.code: area.name for area in taxonomy.areas}
    assert names[office.place] == office.county
    assert names[office.place[:4]] == office.city


def test_every_topic_has_points_in_the_grading_rules(files):
    bases = Settings.load().grading().topic_base
    topics = taxonomy_from(files).topic_ids
    assert topics
    assert set(topics) == set(bases)


def test_every_topic_has_examples_of_both_kinds(files):
    topics = taxonomy_from(files).topics
    assert topics
    thin = [t.id for t in topics if len(t.examples) < 4 or len(t.counter_examples) < 3]
    assert thin == []


def test_figures_of_the_survey_team_name_it(files):
    bodies = {topic.id: topic.competent_body for topic in taxonomy_from(files).topics}
    teams = {topic for topic, body in bodies.items() if body == "nbs_survey_team"}
    assert teams == {"price", "income", "employment"}
    assert set(bodies.values()) == {None, "nbs_survey_team"}


@pytest.mark.parametrize(
    ("stem", "change", "names"),
    [
        ("gdp", {"id": "gpd"}, ["gdp.toml", "id"]),
        ("gdp", {"colour": 1}, ["gdp.toml", "colour"]),
        ("gdp", {"terms": ["GDP", "GDP"]}, ["gdp.toml", "terms", "twice"]),
        ("gdp", {"terms": ["@某账号"]}, ["gdp.toml", "terms", "@某账号"]),
        ("gdp", {"terms": ["王先生"]}, ["gdp.toml", "terms", "王先生"]),
        ("gdp", {"terms": ["＠某账号"]}, ["gdp.toml", "terms", "＠某账号"]),
        ("gdp", {"terms": ["记者王小明"]}, ["gdp.toml", "terms", "记者王小明"]),
        ("gdp", {"terms": ["作者：晓风"]}, ["gdp.toml", "terms", "作者：晓风"]),
        ("gdp", {"terms": ["网友李大山"]}, ["gdp.toml", "terms", "网友李大山"]),
        ("gdp", {"strong": ["统计局局长张建国"]}, ["gdp.toml", "strong", "张建国"]),
        ("gdp", {"ambiguous": ["刘某某"]}, ["gdp.toml", "ambiguous", "刘某某"]),
        ("gdp", {"exclude": ["老张"]}, ["gdp.toml", "exclude", "老张"]),
        ("gdp", {"context": ["1234567890"]}, ["gdp.toml", "context", "1234567890"]),
        ("gdp", {"context": ["weibo.com/u/12"]}, ["gdp.toml", "context", "weibo.com"]),
        ("gdp", {"rule": [{"id": "r", "all": ["造假", "李四局长|张局长"]}]}, ["gdp.toml", "rule.0.all", "局长"]),
        ("gdp", {"rule": [{"id": "r", "all": []}]}, ["gdp.toml", "rule.0.all"]),
        ("gdp", {"rule": [{"id": "r", "all": ["造假"]}]}, ["gdp.toml", "rule.0", "under terms"]),
        ("gdp", {"rule": [{"id": "r", "all": ["甲|", "乙"]}]}, ["gdp.toml", "rule.0.all", "empty"]),
        ("gdp", {"rule": [{"id": "r", "all": ["{places}", "乙"]}]}, ["gdp.toml", "rule.0", "anchor"]),
        ("gdp", {"rule": [{"id": "r", "all": ["甲", "乙"], "near": 3}]}, ["gdp.toml", "rule.0.near"]),
        ("gdp", {"rule": [{"id": "r", "all": ["甲", "乙"]}] * 2}, ["gdp.toml", "rule", "twice", "r"]),
        ("_relevance", {"title_weight": 0}, ["_relevance.toml", "title_weight"]),
        ("gdp", {"ambiguous": ["GDP"]}, ["gdp.toml", "terms", "GDP"]),
        ("gdp", {"exclude": ["GDP"]}, ["gdp.toml", "exclude", "GDP"]),
        ("gdp", {"weight": 0}, ["gdp.toml", "weight"]),
        ("gdp", {"examples": ["GDP", "GDP"]}, ["gdp.toml", "examples", "twice"]),
        ("gdp", {"examples": [" "]}, ["gdp.toml", "examples", "empty"]),
        ("_relevance", {"examples": [{"text": "x", "reason": "why"}]}, ["_relevance.toml", "reason", "why"]),
        (
            "gazetteer",
            {"examples": [{"text": "x", "jurisdiction": "here"}]},
            ["gazetteer.toml", "jurisdiction", "here"],
        ),
        ("gdp", {"strong": [], "terms": [], "ambiguous": []}, ["gdp.toml", "no term"]),
        ("_relevance", {"masks": ["GDP"]}, ["_relevance.toml", "masks", "GDP"]),
        ("_relevance", {"masks": ["苹果"]}, ["_relevance.toml", "masks", "苹果"]),
        ("_relevance", {"exclusions": {"x": ["统计局"]}}, ["_relevance.toml", "strong", "统计局"]),
        ("_relevance", {"window": 0}, ["_relevance.toml", "window"]),
        ("_signals", {"flags": [{"id": "rude", "any": ["x"]}]}, ["_signals.toml", "flags.0.id"]),
        ("_signals", {"facts": [{"id": "names_unit", "any": ["x"], "pattern": "("}]}, ["_signals.toml", "pattern"]),
        ("_areas", {"rows": ["11 北京市 北京"]}, ["gazetteer.toml", "place"]),
        ("_areas", {"rows": ["北京市"]}, ["_areas.toml", "rows", "北京市"]),
        ("_areas", {"rows": ["1 北京市"]}, ["_areas.toml", "rows", "北京市"]),
    ],
)
def test_errors_name_file_and_field(files, stem, change, names):
    with pytest.raises(ValueError, match=r"\.toml: ") as error:
        taxonomy_from({**files, stem: {**files[stem], **change}})
    assert [name for name in names if name not in str(error.value)] == []


@pytest.mark.parametrize("stem", ["_relevance", "_signals", "gazetteer", FALLBACK_TOPIC])
def test_a_missing_file_is_named(files, stem):
    with pytest.raises(ValueError, match=rf"{stem}\.toml: file is missing"):
        taxonomy_from({name: content for name, content in files.items() if name != stem})
