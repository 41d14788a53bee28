"""First configuration of another office: its units file, its places, and the shared rules beside them.

`suggest_office` fills in what the place tells, the office corrects it, `plan_office` shows what would be written and
`write_office` writes it. All of it works offline: names and codes come from config/taxonomy/_areas.toml and
config/gazetteer/streets.tsv.gz (both derived from Administrative-divisions-of-China, WTFPL).
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from pydantic import BaseModel, ValidationError

from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.files import replacing
from caifeng.core.model.office import Absence, Office, Role, Turn, Unit, Units
from caifeng.core.model.source import Source
from caifeng.core.model.taxonomy import Areas, Gazetteer
from caifeng.core.settings import load_model, load_toml

#: Sections that the topics of config/taxonomy are assigned to. Their ids must stay, their names are the office's;
#: an office with fewer sections gives several ids the same name.
SECTIONS = tuple(
    Unit(id=section_id, name=name)
    for section_id, name in (
        ("general", "综合股"),
        ("industry", "工业能源股"),
        ("trade", "贸易股"),
        ("investment", "投资股"),
        ("rural", "农业农村股"),
        ("social", "社会人口股"),
        ("enforcement", "执法监督股"),
        ("census", "普查中心"),
        ("openness", "政务公开办"),
    )
)
#: Roles of an office of two with leaders who rarely log in; accounts as `make up` makes them.
ROLES = (
    Role(id="monitor", name="监测员", users=("office",), stand_ins=("openness_office",)),
    Role(id="openness_office", name="政务公开办", users=("office",), stand_ins=("monitor",)),
    Role(id="section", name="承办股室", stand_ins=("openness_office",)),
    Role(id="deputy", name="分管领导", users=("leader",), stand_ins=("chief",)),
    Role(id="chief", name="主要领导", users=("leader",), stand_ins=("deputy",)),
    Role(id="spokesperson", name="新闻发言人", stand_ins=("deputy",)),
    Role(id="auditor", name="监督员", users=("analyst",)),
)
#: Names of towns that are mere words for a kind of place.
_NO_NAMES = {"街道", "城区", "郊区", "新区", "园区", "开发区", "经济开发区", "农场", "林场", "牧场", "渔场", "管理区"}
#: What stands after a county's name in roads, stations and the like, which are mostly somewhere else.
_ROADS = (
    *("路", "北路", "南路", "东路", "西路", "中路", "大道", "街", "大街"),
    *("高速", "站", "南站", "北站", "东站", "西站", "收费站", "出口", "互通"),
)
_TOWN_RANK = re.compile(r"(?:街道|地区|镇|乡)$")
#: A name that towns of so many counties have, too, is an everyday word (和平, 永宁).
_COMMON_FROM = 4
_LINE = 116


@dataclass(frozen=True)
class County:
    """A county with its superiors; city is empty for what belongs to no city (北京东城区, 湖北仙桃市).

    A short name is empty where it would be an everyday word or another place, too (朝阳, 东方).
    """

    code: str
    name: str
    short: str
    city: str
    city_short: str
    province: str
    province_short: str

    @property
    def full_name(self) -> str:
        """With city and province, as shown to choose from: 安徽省亳州市蒙城县."""
        return f"{self.province}{self.city}{self.name}"


@dataclass(frozen=True)
class OfficePlan:
    """What `write_office` would do: path -> content. Nothing is ever deleted."""

    files: dict[Path, bytes]

    @property
    def replaced(self) -> list[Path]:
        """Files that exist and would get another content."""
        return [path for path, content in self.files.items() if path.exists() and path.read_bytes() != content]

    def lines(self) -> list[str]:
        """One line per file for the dry run: 新建, 覆盖 or 不变, and the path."""
        words = dict.fromkeys(self.replaced, "覆盖")
        return [f"{words.get(path, '不变' if path.exists() else '新建')}  {path}" for path in self.files]


def find_counties(base: Path, text: str) -> list[County]:
    """Counties by code, name or name without rank; with city or province before it, if several have the name.

    Args:
        base: a configuration folder with taxonomy/_areas.toml and gazetteer/streets.tsv.gz.
        text: `341622`, `蒙城县`, `蒙城` or `安徽蒙城`.

    Raises:
        ConfigError: one of the two files is missing or damaged.
    """
    wanted = text.strip()
    counties = _counties(base)
    if wanted.isdigit():
        return [county for county in counties if county.code == wanted]

    def matches(county: County) -> bool:
        names = {county.name, county.short, _without_rank(county.name)} - {""}
        if not any(wanted.endswith(name) for name in names):
            return False
        above = ("", county.province, county.province_short, county.city, county.city_short)
        return wanted in {upper + lower + name for upper in above for lower in above for name in names}

    return [county for county in counties if matches(county)]


def suggest_office(base: Path, county: str, contact: str) -> Office:
    """An office as its place suggests it, to be corrected with `model_copy(update=…)`.

    The standard sections and roles are put in. Where a county belongs to no city, its city is the province
    (districts of 北京 and the like) or itself (省直辖).

    Args:
        base: a configuration folder.
        county: code or name, as `find_counties`.
        contact: ASCII address for the crawler's user agent.

    Raises:
        UsageError: no county or several have this name (the line names them), or the contact cannot be used.
        ConfigError: as `find_counties`.
    """
    found = find_counties(base, county)
    if not found:
        raise UsageError(f"{county!r}: no such county; give its name or its code of six figures (GB/T 2260)")
    if len(found) > 1:
        names = ", ".join(f"{each.code} {each.full_name}" for each in found[:10])
        raise UsageError(f"{county!r}: {len(found)} counties have this name, give the code: {names}")
    place = found[0]
    city, city_short = place.city, place.city_short
    if not city:
        municipal = place.code[:2] in ("11", "12", "31", "50")
        city, city_short = (
            (place.province, place.province_short) if municipal else (place.name, place.short or place.name)
        )
    try:
        return Office(
            name=f"{place.name}统计局",
            short_name=f"{_rank(place.name)}统计局",
            county=place.name,
            county_short=place.short or place.name,
            city=city,
            city_short=city_short,
            province=place.province,
            province_short=place.province_short,
            place=place.code,
            contact=contact,
            units=SECTIONS,
            roles=ROLES,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def plan_office(config: Path, answers: Office, base: Path | None = None) -> OfficePlan:
    """What the configuration of an office would be; nothing is written.

    units.toml and gazetteer.toml are made from the answers. If `base` is another folder, everything else that holds
    for any office is copied from it, and those presets (sources not enabled) that belong to no place, or to one the
    county lies in.

    Args:
        config: folder of the new configuration.
        answers: the office, corrected.
        base: configuration to start from; `config` itself if not given.

    Raises:
        UsageError: place, county and superiors do not agree, a section that owns topics is missing, or `config` lies
            inside `base`.
        ConfigError: `base` is incomplete or damaged, or an answer cannot be written as configuration.
    """
    base = base or config
    _check_place(base, answers)
    _check_owners(base, answers)
    files: dict[Path, bytes] = {}
    if base.resolve() in config.resolve().parents:
        raise UsageError(f"{config}: lies inside the configuration {base} that it would be copied from")
    if base.resolve() != config.resolve():
        for path in sorted(base.rglob("*")):
            inside = path.relative_to(base)
            if path.name.startswith("."):
                continue
            if path.is_file() and (inside.parts[0] != "sources" or _concerns(path, answers.place)):
                files[config / inside] = path.read_bytes()
    areas = Path("taxonomy", "_areas.toml")
    if (with_place := _with_area(base / areas, answers)) is not None:
        files[config / areas] = with_place
    units = units_toml(answers)
    gazetteer = gazetteer_toml(answers, base)
    for name, text, model in (("units.toml", units, Units), ("gazetteer.toml", gazetteer, Gazetteer)):
        _check_text(config / name, text, model)
        files[config / name] = text.encode()
    return OfficePlan(dict(sorted(files.items())))


def write_office(config: Path, answers: Office, base: Path | None = None, force: bool = False) -> list[Path]:
    """Write the configuration of an office, each file whole or not at all.

    Args:
        config: folder of the new configuration.
        answers: the office, corrected.
        base: configuration to start from; `config` itself if not given.
        force: replace files that have another content.

    Returns:
        Paths written; files that already have the content are left alone.

    Raises:
        UsageError: a file exists and `force` is not given (nothing is written), as `plan_office`, or the folder
            cannot be written.
        ConfigError: as `plan_office`.
    """
    plan = plan_office(config, answers, base)
    if plan.replaced and not force:
        names = ", ".join(str(path) for path in plan.replaced[:5])
        raise UsageError(f"{config}: {len(plan.replaced)} files would be replaced ({names}); --force does it")
    written = [path for path, content in plan.files.items() if not path.exists() or path.read_bytes() != content]
    for path in written:
        with replacing(path) as temporary:
            temporary.write_bytes(plan.files[path])
    return written


_UNITS = Template("""\
# Who runs the system. Posts and units only, never personal names.
[office]
name = $name
short_name = $short_name
county = $county
county_short = $county_short
city = $city
city_short = $city_short
province = $province
province_short = $province_short
place = $place                       # GB/T 2260
aliases = $aliases
openness_office = $openness_office
contact = $contact   # ASCII; sent with every request, so that a site can reach us

# The sections that topics are assigned to (config/taxonomy/*.toml: owner). Keep the ids, change the names.
$units
# What a post may decide. users: accounts, pseudonyms; stand_ins: roles that act for it, in this order.
$roles""")

_GAZETTEER = Template("""\
# The places around the office. Its own names (county, city, province) are in units.toml, the names of all other
# places in taxonomy/_areas.toml. Written by `caifeng init`; look through it, nobody but you knows how people speak.
place = $place   # $county

# Towns. Names that occur nowhere else stand alone; the others need county, city or province in the same text.
# Move a name that is an everyday word to the second list.
towns = $towns
towns_ambiguous = $towns_ambiguous

# How people of the place speak of it; counts only in sources that reach no further than a county.
own = $own

# The other counties of the city. Add the counties next door by their short names.
sisters = $sisters
neighbours = []

# With the city's name: about all of its counties.
city_wide = $city_wide

# About many places at once, or about the whole country.
nation_wide = $nation_wide
nation = $nation

# Longer words that merely contain the short name of the county.
false_friends = $false_friends
# With one of these in the text, a bare short name counts nothing.
false_friend_context = []

# Whose matter is it? Tried by `caifeng taxonomy test`; add what you find judged wrongly.
$examples""")


def units_toml(office: Office) -> str:
    """units.toml of an office, with its comments."""
    plain = office.model_dump(include=set(_UNITS.get_identifiers()) - {"units", "roles", "aliases"})
    units = "".join(f"[[office.units]]\nid = {_quoted(u.id)}\nname = {_quoted(u.name)}\n" for u in office.units)
    roles = "".join(
        f"[[office.roles]]\nid = {_quoted(r.id)}\nname = {_quoted(r.name)}\n"
        f"users = {_listed(r.users)}\nstand_ins = {_listed(r.stand_ins)}\n"
        for r in office.roles
    )
    if duty := office.duty:
        roles += (
            "\n# The duty roster: accounts take turns of so many days.\n[office.duty]\n"
            f"first = {duty.first.isoformat()}\ndays = {duty.days}\nusers = {_listed(duty.users)}\n"
            f"changes_at = {duty.changes_at.isoformat()}\n"
        )
        roles += "".join(f"[[office.duty.turns]]\n{_days(t)}user = {_quoted(t.user)}\n" for t in duty.turns)
    if office.absences:
        roles += "\n# Who is away, and which account acts for it on these days.\n"
    roles += "".join(
        f"[[office.absences]]\nuser = {_quoted(away.user)}\n{_days(away)}stand_in = {_quoted(away.stand_in)}\n"
        for away in office.absences
    )
    filled = {name: _quoted(value) for name, value in plain.items()}
    return _UNITS.substitute(filled, aliases=_listed(office.aliases), units=units, roles=roles)


def _days(span: Turn | Absence) -> str:
    return f"first = {span.first.isoformat()}\nlast = {span.last.isoformat()}\n"


def gazetteer_toml(office: Office, base: Path) -> str:
    """gazetteer.toml of an office: its towns, the other counties of its city, false friends; the rest from `base`.

    A town is ambiguous if its name occurs in another county, too, also inside a longer name.

    Raises:
        ConfigError: `base` has no readable gazetteer or list of towns.
    """
    shared = load_model(base / "gazetteer.toml", Gazetteer)
    streets, counties = _streets(base), _counties(base)
    places = (office.province, office.province_short, office.city, office.city_short)
    own = _town_names(streets[office.place][1] if office.place in streets else (), places)
    elsewhere = [name for code, (_, names) in streets.items() if code != office.place for name in names]
    elsewhere += [county.name for county in counties if county.code != office.place]
    everywhere = "\n".join(elsewhere)
    alone = [name for name in own if name not in everywhere and len(name) > 2]
    rank, short = _rank(office.county), office.county_short
    sisters = [c.short or c.name for c in counties if c.city and c.code[:4] == office.place[:4]]
    roads = _ROADS if short != office.county else ()
    containing = sorted({name for name in elsewhere if short in name and name != short and len(name) <= 8})
    words = {
        "towns": alone,
        "towns_ambiguous": [name for name in own if name not in alone],
        "own": [
            *(f"{word}{rank}" for word in ("我", "本", "全", "咱")),
            *(f"{rank}{body}" for body in ("统计局", "普查办", "公安局", "普查机构", "普查中心")),
        ],
        "sisters": [name for name in sisters if name not in (short, office.county)],
        # What begins with a number, 三县一区, is this county's city alone.
        "city_wide": [term for term in shared.city_wide if term[0] not in "一二两三四五六七八九十"],
        "nation_wide": shared.nation_wide,
        "nation": shared.nation,
        "false_friends": list(dict.fromkeys([*(short + road for road in roads), *containing])),
    }
    lists = {name: _listed(terms) for name, terms in words.items()}
    sister = next((c.name for c in counties if c.city == office.city and c.code != office.place), None)
    examples = "".join(
        f"[[examples]]\ntext = {_quoted(text)}\njurisdiction = {_quoted(place)}\n"
        for text, place in _examples(office, next(iter(alone), None), sister)
    )
    return _GAZETTEER.substitute(lists, place=_quoted(office.place), county=office.county, examples=examples)


def _examples(office: Office, town: str | None, sister: str | None) -> Iterator[tuple[str, str]]:
    """Invented sentences and whose matter they are."""
    yield f"{office.county}统计局电话打不通", "local"
    if town:
        yield f"{town}的普查员来登记，{office.county_short}这边都这样吗", "local"
        yield f"{town}统计站编数据", "unknown"
    if sister and len(sister) > 2:
        yield f"{sister}普查员培训", "other"
    yield "全国居民收入数据公布", "national"
    yield "普查员上门登记", "unknown"


def _check_place(base: Path, office: Office) -> None:
    counties = [county for county in _counties(base) if county.code == office.place]
    if not counties:
        raise UsageError(f"place: {office.place} is no county of {base / 'gazetteer' / 'streets.tsv.gz'} (GB/T 2260)")
    known = counties[0]
    for field, given, right in (
        ("county", office.county, known.name),
        ("city", office.city, known.city),
        ("province", office.province, known.province),
    ):
        if right and given != right:
            raise UsageError(f"{field}: {given!r}, but {office.place} is {known.full_name}")


def _with_area(path: Path, office: Office) -> bytes | None:
    """The list of areas with a row for the office's county; null if it has one.

    Counties of two characters (和县) are left out of the list as everyday words; the own one does no harm there.
    """
    if office.place in {area.code for area in load_model(path, Areas).parsed()}:
        return None
    lines = path.read_text("utf8").splitlines(keepends=True)
    row = f'  "{office.place} {office.county}",\n'
    rows = [i for i, line in enumerate(lines) if line.lstrip().startswith('"')]
    before = [i for i in rows if lines[i].strip(' "') < row.strip(' "')]
    lines.insert(before[-1] + 1 if before else rows[0], row)
    return "".join(lines).encode()


def _check_owners(base: Path, office: Office) -> None:
    units = {unit.id for unit in office.units}
    topics = sorted(path for path in (base / "taxonomy").glob("*.toml") if not path.name.startswith("_"))
    owners = {str(load_toml(path).get("owner", "")): path.stem for path in topics}
    if missing := sorted(set(owners) - units):
        topic = owners[missing[0]]
        raise UsageError(f"units: {missing[0]!r} is missing, but owns topics ({topic}); keep the id, change its name")


def _check_text(path: Path, text: str, model: type[BaseModel]) -> None:
    try:
        model.model_validate(tomllib.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(path, ".".join(map(str, first["loc"])), first["msg"]) from error


def _concerns(source_file: Path, place: str) -> bool:
    """Whether a preset belongs to no place or to one the county lies in; an inbox, which asks no site, is one.

    Sites in use are left behind: another office's review is not this one's. So is an unreadable file.
    """
    try:
        source = load_model(source_file, Source)
    except ConfigError:
        return False
    unused = not source.enabled or not source.start_urls
    return unused and (source.place is None or place.startswith(source.place))


def _counties(base: Path) -> list[County]:
    areas = {area.code: area for area in load_model(base / "taxonomy" / "_areas.toml", Areas).parsed()}
    streets = _streets(base)
    cities = {area.name for area in areas.values() if len(area.code) < 6}
    common = _common_names([name for name, _ in streets.values()], cities, [towns for _, towns in streets.values()])
    counties = []
    for code, (name, _) in streets.items():
        city, province = areas.get(code[:4]), areas.get(code[:2])
        if province is None:
            raise ConfigError(base / "taxonomy" / "_areas.toml", "rows", f"has no province {code[:2]}")
        counties.append(
            County(
                code=code,
                name=name,
                short="" if _without_rank(name) in common else _without_rank(name),
                city=city.name if city else "",
                city_short=(city.short or _without_rank(city.name)) if city else "",
                province=province.name,
                province_short=province.short or province.name,
            )
        )
    return counties


def _common_names(counties: list[str], cities: set[str], towns: list[tuple[str, ...]]) -> set[str]:
    """Short names that say too little: of several counties, of a city, too, or of towns in several counties."""
    shorts = Counter(_without_rank(name) for name in [*counties, *cities])
    stems = Counter(stem for names in towns for stem in {_TOWN_RANK.sub("", name) for name in names})
    return {short for short, times in shorts.items() if times > 1 or stems[short] >= _COMMON_FROM}


def _streets(base: Path) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Code -> name and towns of every county of the country."""
    path = base / "gazetteer" / "streets.tsv.gz"
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        rows = [line.split("\t") for line in lines if not line.startswith("#")]
        if not rows:
            raise ValueError("no county in it")
        return {code: (name, tuple(towns.split())) for code, name, towns in rows}
    except FileNotFoundError as error:
        raise ConfigError(path, "", "file not found") from error
    except (OSError, EOFError, ValueError) as error:
        raise ConfigError(path, "", f"cannot be read: {error}") from error


def _town_names(official: Iterable[str], places: Iterable[str]) -> list[str]:
    """Names as people write them: without the company before a mine or the 管理委员会 behind a zone."""
    before = "|".join(sorted(map(re.escape, places), key=len, reverse=True))
    names = []
    for name in official:
        spoken = re.sub(r"^.*(?:公司|集团)(?=.{3})", "", name)
        spoken = re.sub(r"街道办事处$", "街道", spoken)
        spoken = re.sub(r"(?:管理委员会|管委会|办事处)$", "", spoken)
        spoken = re.sub(rf"^(?:{before})(?=.{{4}})", "", spoken)
        if spoken not in _NO_NAMES and len(spoken) >= 2:
            names.append(spoken)
    return list(dict.fromkeys(names))


def _rank(name: str) -> str:
    """县, 市, 区 or 旗: how a county calls itself; 县 for the few that are none of them."""
    return name[-1] if name[-1] in "县市区旗" else "县"


def _without_rank(name: str) -> str:
    """Short name, where it has two characters at least; empty otherwise. 自治县 keep their peoples' names."""
    short = name[:-1] if name[-1] in "县市区旗" else name
    zone = name.endswith(("自治县", "自治旗", "新区", "矿区")) or len(short) > 4
    return short if len(short) >= 2 and not zone else ""


def _quoted(text: str) -> str:
    """TOML basic string; JSON strings are such strings, but for one control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(terms: Iterable[str]) -> str:
    """TOML array on one line if it fits, else on lines of at most 120 columns (Chinese characters count two)."""
    quoted = [_quoted(term) for term in terms]
    flat = f"[{', '.join(quoted)}]"
    if _width(flat) <= _LINE - 20:
        return flat
    lines, line = [], " "
    for part in quoted:
        if _width(line) + _width(part) + 2 > _LINE:
            lines.append(line)
            line = " "
        line += f" {part},"
    return "\n".join(("[", *lines, line, "]"))


def _width(text: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)
