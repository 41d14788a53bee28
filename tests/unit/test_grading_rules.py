"""Rule files of grading: where each number comes from, what is refused, which rules hold on which day."""

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from caifeng.core.errors import ConfigError
from caifeng.core.model.deadlines import OWN_RULE, PolicyBasis
from caifeng.core.model.grading import OVERRIDE_NAMES, OVERRIDE_NUMBERS, Basis, OverrideRule
from caifeng.core.settings import Settings, load_model
from caifeng.jobs.check import check_configuration
from transforms.grade.rules_frame import rules_frame

CONFIG = Path(__file__).parents[2] / "config"

#: (words of the file, what stands there instead, key, reason). The first occurrence is replaced.
BAD: list[tuple[str, str, str, str]] = [
    ("C = 25", "C = 26", "weight", "the weights add to 101 percent, not to 100"),
    ("C = 25", "C = 25.0", "weight.C", "valid integer"),
    ("C = 25", "C = -5", "weight.C", "greater than or equal to 0"),
    ("C = 25", "C = true", "weight.C", "valid integer"),
    ("C = 25\n", "", "weight.C", "missing"),
    ("C = 25", "C = 25\nX = 0", "weight.X", "unknown key"),
    ("[weight]", "[weights]", "weight", "missing"),
    ("larger = 40 ", "larger = 20 ", "level", "larger 20 is not above general 20"),
    ("major = 60 ", "major = 30 ", "level", "major 30 is not above larger 40"),
    ("extreme = 80 ", "extreme = 100.5 ", "level.extreme", "less than or equal to 100"),
    ("general = 20 ", "general = -1 ", "level.general", "greater than or equal to 0"),
    ("general = 20 ", "general = 20.25 ", "level", "at most one decimal"),
    ("gdp = 40\n", "", "topic_base", "missing: gdp"),
    ("gdp = 40", "gdp = 140", "topic_base.gdp", "less than or equal to 100"),
    ("gdp = 40", '"GDP growth" = 40\ngdp = 40', "topic_base.GDP growth", "pattern"),
    ("key_category = 20", "key_category = 20\nrude = 5", "flag.rude", "Input should be"),
    ("pure_question = -10\n", "", "flag", "missing: pure_question"),
    ("pure_question = -10", "pure_question = -110", "flag.pure_question", "greater than or equal to -100"),
    ("city = 60", "city = 30", "geo", "must not fall"),
    ("geo = 50 ", "geo = 60 ", "reach", "must add to 100 percent"),
    ("highest = 60 ", "highest = 70 ", "attention", "must add to 100 percent"),
    ("zero_views = 50", "zero_views = 0", "attention.zero_views", "greater than 0"),
    ("growth = 1.0 ", "growth = -1.0 ", "attention.growth", "greater than or equal to 0"),
    ("growth = 1.0 ", "growth = nan ", "attention.growth", "finite"),
    ("100 = 80", "100 = 10", "docs", "must not fall"),
    ("3 = 20", "three = 20", "docs.three", "pattern"),
    ("neg = 50 ", "neg = 40 ", "reaction", "must add to 100 percent"),
    ("thin_coverage = 0.5 ", "thin_coverage = 1.5 ", "override.thin_coverage", "less than or equal to 1"),
    ("strong_for_major = 2 ", "strong_for_major = 1 ", "override", "must be below"),
    ("strong = 80 ", 'strong = "80" ', "override.strong", "valid number"),
    ("effective_from = 2020-07-14", "", "effective_from", "missing"),
    ("effective_from = 2020-07-14", 'effective_from = "2020-07-14"', "effective_from", "valid date"),
    ('name = "caifeng-1"', 'name = "Our Rules"', "name", "pattern"),
    ('name = "caifeng-1"', 'name = "caifeng-1"\npolicy = 1', "policy", "unknown key"),
    ('geo = "ours"\n', "", "basis.geo.city", "missing"),
    ('geo = "ours"', 'geo = "somebody"', "basis.geo", "unknown basis 'somebody'"),
    ('geo = "ours"', 'geo = "PB-99"', "basis.geo", "unknown basis 'PB-99'"),
    ('geo = "ours"', "geo = 1", "basis.geo", "valid dictionary or instance"),
    ('geo = "ours"', 'geo = "ours"\n"geo.moon" = "ours"', "basis.geo.moon", "stands for no number"),
    ('geo = "ours"', 'geo = "ours"\ngeography = "ours"', "basis.geography", "stands for no number"),
    ('geo = "ours"', 'geo = "ours"\n"weight.C" = "ours"\nweight.R = "ours"', "", "not valid TOML"),
    ('geo = "ours"', 'geo = "ours"\n"docs.1" = "ours"\n"docs" . 1 = "ours"', "", "not valid TOML"),
    ('reach = "ours"', 'reach.geo = "ours"\n"reach.geo" = "ours"', "basis", "reach.geo is given twice"),
    ('geo = "ours"', 'geo = "PB-S 第十六条"', "basis.geo", "unknown clause '第十六条' of PB-S"),
    ('geo = "ours"', 'geo = "PB-61-48 三"', "basis.geo", "unknown clause '三'"),
    ('geo = "ours"', 'geo = "PB-S 第六条"', "basis.geo", "PB-S 第六条 does not set geo.city to 60"),
    ('geo = "ours"', 'geo = { rule = "PB-FS-2", note = "x" }', "basis.geo", "of the office's own"),
    ('"override.O5" =', '"override.O55" =', "basis.override.O55", "stands for no number or override"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copytree(CONFIG, tmp_path / "config")
    return Settings(home=tmp_path / "home", config=tmp_path / "config")


def rewrite(settings: Settings, *pairs: tuple[str, str]) -> Path:
    path = settings.config / "grading.toml"
    text = path.read_text("utf8")
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, "utf8")
    return path


def add_version(settings: Settings, name: str, effective_from: str, *pairs: tuple[str, str]) -> Path:
    text = (CONFIG / "grading.toml").read_text("utf8")
    for old, new in (("caifeng-1", name), ("2020-07-14", effective_from), *pairs):
        assert old in text, old
        text = text.replace(old, new, 1)
    path = settings.config / "grading" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf8")
    return path


@pytest.mark.parametrize(("old", "new", "key", "reason"), BAD)
def test_a_bad_file_is_refused_with_file_key_and_reason(
    settings: Settings, old: str, new: str, key: str, reason: str
) -> None:
    path = rewrite(settings, (old, new))
    with pytest.raises(ConfigError) as caught:
        settings.grading()
    lines = [line for line in str(caught.value).splitlines() if line.startswith(f"{path}: {key}")]
    assert any(reason in line for line in lines), str(caught.value)


def test_the_sweep_is_wide() -> None:
    assert len(BAD) >= 40
    assert {key.split(".")[0] for _, _, key, _ in BAD} >= {"weight", "level", "topic_base", "flag", "basis", "docs"}


def test_all_faults_are_told_at_once_a_line_each(settings: Settings) -> None:
    path = rewrite(
        settings,
        ("C = 25", "C = 26"),
        ("larger = 40 ", "larger = 10 "),
        ("zero_views = 50", "zero_views = -50"),
        ('geo = "ours"', 'geo = "PB-99"'),
        ('media = "ours"\n', ""),
    )
    later = add_version(settings, "later", "2027-01-01", ("gdp = 40", "gdp = 400"))
    faults = [line for line in check_configuration(settings) if "grading" in line]
    for key in (
        "weight: ",
        "level: ",
        "attention.zero_views: ",
        "basis.geo: ",
        "basis.media.most_extra: ",
        "basis.media.points_per_medium: ",
    ):
        assert sum(line.startswith(f"{path}: {key}") for line in faults) == 1, key
    assert [line for line in faults if line.startswith(str(later))] == [
        f"{later}: topic_base.gdp: Input should be less than or equal to 100"
    ]
    assert len(faults) == 7


def test_a_number_that_is_unknown_or_missing_is_named_once(settings: Settings) -> None:
    rewrite(settings, ("C = 25\n", ""), ("larger = 40 ", "huge = 40 "))
    with pytest.raises(ConfigError) as caught:
        settings.grading()
    keys = [line.split(": ")[1] for line in str(caught.value).splitlines()]
    assert sorted(keys) == ["level.huge", "level.larger", "weight.C"]


def test_our_rules_say_of_every_number_where_it_comes_from() -> None:
    rules = Settings(config=CONFIG).grading()
    frame = rules_frame(rules)
    assert frame.height > 80
    assert frame["basis"].null_count() == 0
    # no official text with thresholds for public opinion is known: everything is our own, some of it after a model
    assert frame["basis"].str.starts_with(OWN_RULE).all()
    words = dict(frame.select("parameter", "basis").iter_rows())
    assert words["geo.city"] == OWN_RULE
    assert words["weight.M"].startswith(f"{OWN_RULE}（参照《蒙城县统计局政务舆情回应制度》第六条；")
    assert words["attention.zero_views"].startswith(f"{OWN_RULE}（参照法释〔2013〕21号第二条；")
    assert words["flag.key_category"].startswith(f"{OWN_RULE}（参照国办发〔2016〕61号、皖政办秘〔2016〕205号；")
    assert {name: bool(rules.basis_words(f"override.{name}")) for name in OVERRIDE_NAMES} == dict.fromkeys(
        OVERRIDE_NAMES, True
    )


def test_one_source_is_printed_once() -> None:
    rules = Settings(config=CONFIG).grading()
    assert rules.basis_words("geo.city", "reach.geo") == OWN_RULE
    both = rules.basis_words("override.strong", "override.O3")
    assert both == rules.basis_words("override.O3")


def test_a_document_that_sets_the_number_is_printed_alone(settings: Settings) -> None:
    number = ('"attention.zero_views" = { modelled_on = ["PB-FS-2"]', '"attention.zero_views" = "PB-FS-2 第二条" #')
    rewrite(settings, number, ("zero_views = 50", "zero_views = 5000"))
    assert settings.grading().basis_words("attention.zero_views") == "法释〔2013〕21号第二条"


def test_keys_of_the_basis_may_stand_unquoted(settings: Settings) -> None:
    before = settings.grading()
    rewrite(settings, ("weight = { mod", 'weight.C = "ours"\nweight.R = "ours"\nweight.A = "ours"\n#'))
    rewrite(settings, ('topic_base = "ours"', 'weight.S = "ours"\nweight.M = { note = "x" }\ntopic_base = "ours"'))
    rules = settings.grading()
    assert rules.basis_words("weight.C") == OWN_RULE
    assert rules.basis_words("weight.M") == f"{OWN_RULE}（x）"
    assert rules.rule_version == before.rule_version


def test_clauses_that_were_not_read_are_not_printed() -> None:
    policy = load_model(CONFIG / "policy_basis.toml", PolicyBasis)
    assert policy.cite("PB-61-48") == "国办发〔2016〕61号"
    assert policy.cite("PB-61-WHO") == "国办发〔2016〕61号（一）"
    assert policy.fault("PB-61-48 三") is not None
    assert policy.fault("PB-ST-7 第三十二条") is None
    assert policy.cite("PB-ST-7 第三十二条") == "《中华人民共和国统计法》第三十二条"
    articles = policy.by_id["PB-S"].clauses
    assert len(articles) == len(set(articles)) == 15
    assert all(policy.fault(f"PB-S {article}") is None for article in articles)


def test_numbers_of_overrides_are_those_of_the_file() -> None:
    named = [field for fields in OVERRIDE_NUMBERS.values() for field in fields]
    assert sorted(named) == sorted(OverrideRule.model_fields)
    assert set(OVERRIDE_NUMBERS) <= set(OVERRIDE_NAMES)
    assert Basis().words(None) == OWN_RULE


def test_the_rules_of_a_day(settings: Settings) -> None:
    add_version(settings, "second", "2026-07-01", ("C = 25", "C = 30"), ("R = 20", "R = 15"))
    add_version(settings, "third", "2027-01-01", ("gdp = 40", "gdp = 41"))
    names = {
        day: settings.grading(date.fromisoformat(day)).name
        for day in ("2020-07-14", "2026-06-30", "2026-07-01", "2026-12-31", "2027-01-01", "2035-01-01")
    }
    assert list(names.values()) == ["caifeng-1", "caifeng-1", "second", "second", "third", "third"]
    assert settings.grading().name == "third"
    assert [rules.name for rules in settings.grading_versions()] == ["caifeng-1", "second", "third"]
    second = settings.grading(date(2026, 8, 1))
    assert settings.grading_version(second.rule_version) == second
    assert settings.grading_version("caifeng-1-00000000") is None


def test_a_day_before_all_rules_names_the_first(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=re.escape("caifeng-1, are in force from 2020-07-14, not on 2020-07-13")):
        settings.grading(date(2020, 7, 13))


def test_two_files_of_one_day_are_refused(settings: Settings) -> None:
    path = add_version(settings, "second", "2020-07-14")
    with pytest.raises(ConfigError) as caught:
        settings.grading()
    assert str(caught.value) == f"{path}: effective_from: 2020-07-14 is also that of {settings.config}/grading.toml"


def test_a_version_bears_the_name_of_its_file(settings: Settings) -> None:
    path = add_version(settings, "second", "2026-07-01")
    path = path.rename(path.with_name("other.toml"))
    with pytest.raises(ConfigError, match="is 'second', the file name says 'other'"):
        settings.grading()


def test_dates_and_sources_make_no_new_version(settings: Settings) -> None:
    before = settings.grading().rule_version
    rewrite(settings, ("2020-07-14", "2021-01-01"), ('geo = "ours"', 'geo = { note = "试行" }'))
    assert settings.grading().rule_version == before
    rewrite(settings, ("city = 60", "city = 61"))
    assert settings.grading().rule_version != before


def test_a_topic_needs_points_in_the_rules_of_today_and_later_only(settings: Settings) -> None:
    tea = (settings.config / "taxonomy" / "gdp.toml").read_text("utf8").replace('id = "gdp"', 'id = "tea"', 1)
    (settings.config / "taxonomy" / "tea.toml").write_text(tea, "utf8")
    fault = "topic_base.tea: missing, but the taxonomy has this topic"
    assert any(fault in line for line in check_configuration(settings))
    add_version(settings, "second", "2022-01-01", ("gdp = 40", "gdp = 40\ntea = 30"))
    assert not any(fault in line for line in check_configuration(settings))
    add_version(settings, "third", "2099-01-01")
    assert any(f"third: {fault}" in line for line in check_configuration(settings))
