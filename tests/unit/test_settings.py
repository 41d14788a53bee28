"""Configuration is typed; a fault is one error naming file, field and reason."""

import pytest

from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.check import check_configuration

SOURCE = """
id = "forum"
name = "论坛"
family = "list_detail"
class = "board"
reach = "county"
[list]
urls = ["https://example.org/list"]
item = "li"
"""


@pytest.fixture
def settings(config_copy, tmp_path) -> Settings:
    for path in (config_copy / "sources").glob("*.toml"):
        path.unlink()
    return Settings(home=tmp_path / "home", config=config_copy)


def test_the_shipped_configuration_is_in_order(root, tmp_path):
    assert check_configuration(Settings(home=tmp_path, config=root / "config")) == []


def test_environment_names_the_places(monkeypatch, tmp_path):
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path))
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-22T18:00+08:00")
    settings = Settings.load()
    assert settings.home == tmp_path
    assert settings.as_of == parse_as_of("2026-11-22T10:00+00:00")


@pytest.mark.parametrize("text", ["yesterday", "2026-11-22T18:00"])
def test_a_clock_without_zone_or_sense_is_refused(monkeypatch, text):
    with pytest.raises(UsageError):
        parse_as_of(text)
    monkeypatch.setenv("CAIFENG_AS_OF", text)
    with pytest.raises(UsageError, match="CAIFENG_AS_OF"):
        Settings.load()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (SOURCE + "surplus = 1", "list.surplus"),
        (SOURCE.replace('name = "论坛"\n', ""), "name"),
        (SOURCE.replace('"forum"', '"other"'), "id"),
        (SOURCE.replace('"board"', '"blog"'), "class"),
        (SOURCE.replace("[list]", "min_delay_seconds = 1\n[list]"), ""),
        (SOURCE.replace('name = "论坛"', 'name = "论坛"\nencoding = "gbk9"'), "encoding"),
        ("id = ", ""),
        ("[list]", "id"),
    ],
)
def test_a_bad_source_is_named_and_the_others_stay_usable(settings, text, field):
    (settings.config / "sources" / "forum.toml").write_text(text, "utf8")
    good = SOURCE.replace('"forum"', '"good"')
    (settings.config / "sources" / "good.toml").write_text(good, "utf8")
    sources = settings.sources()
    assert [source.id for source in sources.usable] == ["good"]
    error = sources.errors["forum"]
    assert error.path.endswith("sources/forum.toml")
    assert error.field == field
    assert str(error) in check_configuration(settings)


def test_a_source_that_is_switched_off_is_neither_usable_nor_an_error(settings):
    text = SOURCE.replace("[list]", "enabled = false\n[list]")
    (settings.config / "sources" / "forum.toml").write_text(text, "utf8")
    assert settings.sources() == ((), {})


@pytest.mark.parametrize("name", ["units.toml", "grading.toml", "gazetteer.toml"])
def test_a_missing_file_is_named(settings, name):
    (settings.config / name).unlink()
    faults = check_configuration(settings)
    assert any(name in fault and "file not found" in fault for fault in faults)


def test_a_broken_topic_is_named_with_its_field(settings):
    path = settings.config / "taxonomy" / "gdp.toml"
    path.write_text(path.read_text("utf8") + "\nsurplus = 1\n", "utf8")
    with pytest.raises(ConfigError, match=r"gdp\.toml: .*surplus"):
        settings.taxonomy()
