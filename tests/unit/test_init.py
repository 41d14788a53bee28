"""A first configuration for any county, offline; nothing is replaced unasked, and the result is in order."""

import gzip
import tomllib
from datetime import date, time

import polars as pl
import pytest
from pydantic import ValidationError

from caifeng.cases.model import CASE_ROLE_NAMES
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.model.office import Absence, Duty, Office, Role, Turn
from caifeng.core.model.taxonomy import Gazetteer
from caifeng.core.settings import Settings
from caifeng.jobs.check import check_configuration
from caifeng.jobs.init import (
    SECTIONS,
    find_counties,
    gazetteer_toml,
    plan_office,
    suggest_office,
    units_toml,
    write_office,
)
from caifeng.jobs.taxonomy_test import taxonomy_faults
from transforms.understand.jurisdiction import assign_jurisdiction, place_rules

CONTACT = "mailto:tjj@example.gov.cn"


@pytest.fixture
def base(root):
    return root / "config"


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_place_fills_in_its_superiors(base):
    office = suggest_office(base, "341621", CONTACT)
    assert (office.county, office.city, office.province) == ("涡阳县", "亳州市", "安徽省")
    assert (office.county_short, office.city_short, office.province_short) == ("涡阳", "亳州", "安徽")
    assert (office.name, office.short_name, office.contact) == ("涡阳县统计局", "县统计局", CONTACT)


@pytest.mark.parametrize("text", ["341622", "蒙城县", "蒙城", "安徽蒙城", "安徽省亳州市蒙城县", "亳州蒙城县", " 蒙城 "])
def test_a_county_is_found_by_code_and_by_its_names(base, text):
    assert [county.code for county in find_counties(base, text)] == ["341622"]


def test_counties_from_all_over_the_country_get_lists_that_load(base):
    rows = gzip.decompress((base / "gazetteer" / "streets.tsv.gz").read_bytes()).decode().splitlines()
    codes = [row.split("\t")[0] for row in rows]
    some = codes[1::300]
    assert len(codes) > 2900
    assert len(some) >= 9
    for code in some:
        gazetteer = Gazetteer.model_validate(tomllib.loads(gazetteer_toml(suggest_office(base, code, CONTACT), base)))
        assert gazetteer.place == code
        assert set(gazetteer.towns) & set(gazetteer.towns_ambiguous) == set()


def test_a_name_that_several_counties_have_is_refused_with_their_codes(base):
    with pytest.raises(UsageError, match=r"110105 北京市朝阳区.*220104 吉林省长春市朝阳区"):
        suggest_office(base, "朝阳区", CONTACT)


@pytest.mark.parametrize("text", ["999999", "", "蒙特利尔", "朝阳市"])
def test_an_unknown_county_is_refused(base, text):
    with pytest.raises(UsageError, match="no such county"):
        suggest_office(base, text, CONTACT)


def test_a_contact_that_cannot_be_sent_is_refused(base):
    with pytest.raises(UsageError, match="contact"):
        suggest_office(base, "蒙城", "统计局")


@pytest.mark.parametrize(
    ("place", "city", "short_name"),
    [
        ("110105", "北京市", "区统计局"),  # a district of a municipality
        ("500229", "重庆市", "县统计局"),
        ("429004", "仙桃市", "市统计局"),  # directly under the province
        ("340523", "马鞍山市", "县统计局"),  # 和县: too short a name for _areas.toml
        ("130133", "石家庄市", "县统计局"),  # 赵县
        ("150221", "包头市", "旗统计局"),
    ],
)
def test_counties_of_every_kind_get_a_configuration_in_order(base, tmp_path, place, city, short_name):
    office = suggest_office(base, place, CONTACT)
    assert (office.city, office.short_name) == (city, short_name)
    config = tmp_path / "config"
    write_office(config, office, base)
    settings = Settings(home=tmp_path / "home", config=config)
    assert check_configuration(settings) == []
    taxonomy = settings.taxonomy()
    assert len(taxonomy.gazetteer.examples) >= 3
    assert [fault for fault in taxonomy_faults(taxonomy, settings.office()) if "gazetteer.toml" in fault] == []


def test_a_short_name_that_means_another_place_is_not_used(base):
    assert suggest_office(base, "110105", CONTACT).county_short == "朝阳区"


def test_another_county_hears_of_itself_and_not_of_the_first(base, tmp_path):
    config = tmp_path / "config"
    write_office(config, suggest_office(base, "涡阳", CONTACT), base)
    settings = Settings(home=tmp_path / "home", config=config)
    texts = pl.DataFrame(
        {
            "id": ["own", "neighbour", "road"],
            "title": ["涡阳县统计局入户调查", "蒙城县统计局入户调查", "合肥涡阳路堵车"],
            "text": ["调查员昨晚上门登记。", "调查员昨晚上门登记。", "早高峰涡阳路又堵了。"],
        }
    )
    judged = assign_jurisdiction(texts, place_rules(settings.taxonomy(), settings.office()))
    assert dict(zip(judged["id"], judged["jurisdiction"], strict=True))["own"] == "local"
    assert set(judged.filter(pl.col("id") != "own")["jurisdiction"]) & {"local"} == set()


def test_towns_are_told_apart_by_where_else_their_names_occur(base):
    gazetteer = tomllib.loads(gazetteer_toml(suggest_office(base, "蒙城", CONTACT), base))
    assert {"坛城镇", "许疃镇", "小辛集乡", "漆园街道"} <= set(gazetteer["towns"])
    assert set(gazetteer["towns_ambiguous"]) == {"城关街道", "马集镇", "王集乡"}
    assert {"蒙城经济开发区", "许疃煤矿"} <= set(gazetteer["towns"])
    assert gazetteer["sisters"] == ["谯城", "涡阳", "利辛"]
    assert "三县一区" not in gazetteer["city_wide"]
    assert {"蒙城路", "蒙城站"} <= set(gazetteer["false_friends"])


def test_what_people_call_their_place_follows_its_rank(base):
    gazetteer = tomllib.loads(gazetteer_toml(suggest_office(base, "仙桃", CONTACT), base))
    assert {"我市", "市统计局"} <= set(gazetteer["own"])


def test_the_plan_writes_nothing_and_says_what_it_would_do(base, tmp_path):
    config = tmp_path / "config"
    plan = plan_office(config, suggest_office(base, "涡阳", CONTACT), base)
    assert not config.exists()
    assert plan.replaced == []
    assert f"新建  {config / 'units.toml'}" in plan.lines()
    assert len(plan.files) > 20


def test_nothing_is_replaced_without_force(base, tmp_path):
    config = tmp_path / "config"
    office = suggest_office(base, "涡阳", CONTACT)
    write_office(config, office, base)
    before = files_of(config)
    other = suggest_office(base, "利辛", CONTACT)
    assert f"覆盖  {config / 'units.toml'}" in plan_office(config, other, base).lines()
    with pytest.raises(UsageError, match=r"units\.toml.*--force"):
        write_office(config, other, base)
    assert files_of(config) == before
    written = write_office(config, other, base, force=True)
    assert {path.name for path in written} == {"units.toml", "gazetteer.toml"}
    assert Settings(config=config).office().county == "利辛县"


def test_a_second_run_with_the_same_answers_writes_nothing(base, tmp_path):
    office = suggest_office(base, "涡阳", CONTACT)
    assert write_office(tmp_path / "config", office, base)
    assert write_office(tmp_path / "config", office, base) == []


def test_a_configuration_is_adapted_in_its_own_folder(config_copy):
    written = write_office(config_copy, suggest_office(config_copy, "涡阳", CONTACT), force=True)
    assert {path.name for path in written} == {"units.toml", "gazetteer.toml"}
    assert check_configuration(Settings(config=config_copy)) == []


def test_only_presets_that_concern_the_county_are_taken_over(base, tmp_path, config_copy):
    mine = config_copy / "sources" / "mine.toml"
    preset = (base / "sources" / "national_stats.toml").read_text("utf8")
    mine.write_text(preset.replace('"national_stats"', '"mine"').replace("enabled = false", "enabled = true"), "utf8")

    def sources(place):
        config = tmp_path / place
        write_office(config, suggest_office(base, place, CONTACT), config_copy)
        return {path.stem for path in (config / "sources").glob("*.toml")}

    assert {"bozhou_gov", "anhui_stats", "national_stats"} <= sources("341621")
    assert not {"mengcheng_openness", "mengcheng_news"} & sources("341621")
    assert "national_stats" in sources("429004")
    assert not {"bozhou_gov", "anhui_stats", "mine"} & sources("429004")


def test_a_configuration_is_not_copied_into_itself(config_copy):
    with pytest.raises(UsageError, match="inside"):
        plan_office(config_copy / "new", suggest_office(config_copy, "涡阳", CONTACT), config_copy)


def test_the_office_survives_being_written(base):
    office = suggest_office(base, "蒙城", CONTACT).model_copy(
        update={
            "aliases": ('带"引号"的名', "庄子故里"),
            "duty": Duty(
                first=date(2026, 11, 23),
                days=7,
                users=("office", "leader"),
                changes_at=time(8, 30),
                turns=(Turn(first=date(2027, 2, 5), last=date(2027, 2, 11), user="leader"),),
            ),
            "absences": (Absence(user="leader", stand_in="office", first=date(2026, 12, 1), last=date(2026, 12, 5)),),
        }
    )
    assert Office.model_validate(tomllib.loads(units_toml(office))["office"]) == office


def test_the_shipped_units_file_is_what_init_would_write_for_its_place(base):
    shipped = Settings(config=base).office()
    suggested = suggest_office(base, shipped.place, shipped.contact)
    assert shipped.units == suggested.units
    assert shipped.roles == suggested.roles


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"place": "999999"}, "place"),
        ({"county": "利辛县"}, "county"),
        ({"city": "合肥市"}, "city"),
        ({"province": "江苏省"}, "province"),
        ({"units": SECTIONS[:-2]}, "census"),
    ],
)
def test_answers_that_contradict_each_other_are_refused(base, tmp_path, change, message):
    office = suggest_office(base, "蒙城", CONTACT).model_copy(update=change)
    with pytest.raises(UsageError, match=message):
        write_office(tmp_path / "config", office, base)
    assert not (tmp_path / "config").exists()


def test_an_answer_that_would_not_load_is_refused_before_anything_is_written(base, tmp_path):
    office = suggest_office(base, "蒙城", CONTACT).model_copy(update={"contact": "统计局"})
    with pytest.raises(ConfigError, match=r"units\.toml: office\.contact"):
        write_office(tmp_path / "config", office, base)
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("content", [None, b"not gzip", b""])
def test_a_damaged_list_of_towns_is_named(config_copy, content):
    path = config_copy / "gazetteer" / "streets.tsv.gz"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"streets\.tsv\.gz"):
        suggest_office(config_copy, "蒙城", CONTACT)


def test_the_list_of_towns_carries_its_licence(base):
    notice = (base / "gazetteer" / "streets.LICENSE").read_text("utf8")
    assert "streets.tsv.gz" in notice
    assert "DO WHAT THE FUCK YOU WANT TO PUBLIC LICENSE" in notice


def test_the_shipped_roles_are_those_of_the_register(base):
    roles = {role.id: role.name for role in Settings(config=base).office().roles}
    assert roles
    assert {role_id: CASE_ROLE_NAMES[role_id] for role_id in roles} == roles


OFFICE = {
    **dict.fromkeys(("name", "short_name", "county", "county_short", "city", "city_short", "province"), "x"),
    "province_short": "x",
    "place": "341622",
    "contact": "x",
}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"roles": [{"id": "chief", "name": "主要领导", "stand_ins": ["deputy"]}]}, "stand-in"),
        ({"roles": [{"id": "chief", "name": "主要领导", "stand_ins": ["chief"]}]}, "itself"),
        ({"roles": [{"id": "chief", "name": "甲"}, {"id": "chief", "name": "乙"}]}, "twice"),
        ({"roles": [{"id": "chief", "name": "主要领导", "users": ["张三"]}]}, "pattern"),
        ({"roles": [{"id": "chief", "name": ""}]}, "name"),
        ({"units": [{"id": "a", "name": "甲"}, {"id": "a", "name": "乙"}]}, "twice"),
        ({"duty": {"first": date(2026, 11, 23), "users": ["nobody"]}}, "duty"),
        ({"duty": {"first": date(2026, 11, 23), "users": []}}, "duty"),
    ],
)
def test_roles_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Office.model_validate({**OFFICE, **fields})


def test_stand_ins_act_after_the_holders():
    roles = (
        Role(id="chief", name="主要领导", users=("u1",), stand_ins=("deputy",)),
        Role(id="deputy", name="分管领导", users=("u2", "u1")),
    )
    office = Office.model_validate({**OFFICE, "roles": roles})
    assert office.users_of("chief") == ("u1", "u2")
    assert office.users_of("deputy") == ("u2", "u1")
    assert office.users_of("nobody") == ()


def test_duty_goes_round():
    roles = (Role(id="monitor", name="监测员", users=("u1", "u2")),)
    duty = Duty(first=date(2026, 11, 23), days=7, users=("u1", "u2"))
    office = Office.model_validate({**OFFICE, "roles": roles, "duty": duty})
    days = [date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 29), date(2026, 11, 30), date(2026, 12, 7)]
    assert [office.on_duty(day) for day in days] == [None, "u1", "u1", "u2", "u1"]
    assert office.model_copy(update={"duty": None}).on_duty(days[1]) is None
