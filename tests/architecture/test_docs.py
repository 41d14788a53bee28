"""The documentation says what there is: links lead somewhere, every verb, target, table and code is described."""

import re
from enum import EnumType
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from typer.main import get_command

from caifeng.cli import app
from caifeng.core.contracts import load_contracts
from caifeng.core.model import terms
from caifeng.core.model.grading import FACTOR_NAMES, FLAG_NAMES, OVERRIDE_NAMES, TOPICS
from caifeng.core.settings import Settings

READMES = ("README.md", "README.zh.md")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def markdown_files(root: Path) -> list[Path]:
    return sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "samples").rglob("*.md")])


def anchors(text: str) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    heads = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in _HEADING.findall(text)]
    return set(heads)


def verbs() -> list[str]:
    """`check`, `sources list` and so on."""

    def walk(command, path: tuple[str, ...]):
        inner = getattr(command, "commands", {})
        for name, child in inner.items():
            yield from walk(child, (*path, name))
        if not inner:
            yield " ".join(path)

    assert isinstance(app, typer.Typer)
    return list(walk(get_command(app), ()))


def codes() -> set[str]:
    """Every code of caifeng/core/model/terms.py."""
    found: set[str] = set()
    for value in [value for name, value in vars(terms).items() if not name.startswith("_")]:
        if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
            found |= set(value)
        elif isinstance(value, EnumType) and value.__module__ == terms.__name__:
            found |= {str(member) for member in value}
        elif isinstance(value, tuple) and value and all(isinstance(part, str) for part in value):
            found |= {str(part) for part in value}
    return {code for code in found if re.fullmatch(r"[a-z][a-z_]*", code)}


def test_every_relative_link_leads_somewhere(root):
    swept, dead = 0, []
    for file in markdown_files(root):
        for target in _LINK.findall(_FENCED.sub("", file.read_text("utf8"))):
            if re.match(r"[a-z]+:", target):
                continue
            swept += 1
            path, _, anchor = unquote(target).partition("#")
            linked = file.parent / path if path else file
            if not linked.exists() or (anchor and anchor not in anchors(linked.read_text("utf8"))):
                dead.append(f"{file.relative_to(root)}: {target}")
    assert dead == []
    assert swept > 60


@pytest.mark.parametrize("readme", READMES)
def test_both_readmes_name_every_make_target(root, readme):
    makefile = (root / "Makefile").read_text("utf8")
    targets = re.findall(r"^([a-z][a-z-]*):.*##", makefile, re.MULTILINE)
    assert len(targets) >= 10
    text = (root / readme).read_text("utf8")
    assert [target for target in targets if f"`make {target}" not in text] == []


@pytest.mark.parametrize("readme", READMES)
def test_both_readmes_name_every_verb(root, readme):
    assert {"check", "run", "sources list"} <= set(verbs())
    text = (root / readme).read_text("utf8")
    assert [verb for verb in verbs() if f"`caifeng {verb}" not in text and f"`{verb}" not in text] == []


def test_the_data_dictionary_has_every_table(root):
    contracts = load_contracts(root / "sql")
    assert len(contracts) >= 18
    heads = set(_HEADING.findall((root / "docs" / "data-dictionary.md").read_text("utf8")))
    assert set(contracts) - heads == set()


def test_every_decision_is_listed_and_numbered_once(root):
    folder = root / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert len(records) >= 11
    assert "0011-forks-and-polars.md" in records
    listed = re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text("utf8"))
    assert sorted(listed) == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))


def test_every_decision_has_the_parts_of_a_record(root):
    parts = ("**Status.**", "**Context.**", "**Decision.**", "**Measured.**", "**Consequences.**", "**Revisit when.**")
    records = list((root / "docs" / "decisions").glob("[0-9]*.md"))
    assert records
    for path in records:
        text = path.read_text("utf8")
        assert [part for part in parts if part not in text] == [], path.name


def test_the_glossary_has_every_code(root):
    glossary = (root / "docs" / "glossary.md").read_text("utf8")
    topics = {*TOPICS, *Settings(config=root / "config").taxonomy().topic_ids}
    wanted = codes() | set(FACTOR_NAMES) | set(FLAG_NAMES) | set(OVERRIDE_NAMES) | topics
    assert len(wanted) > 100
    assert sorted(code for code in wanted if f"`{code}`" not in glossary) == []


def test_the_grading_page_prints_the_numbers_in_force(root):
    rules = Settings(config=root / "config").grading()
    page = (root / "docs" / "grading.md").read_text("utf8")
    rows = {
        **{f"`{topic}`": points for topic, points in rules.topic_base.items()},
        **{f"`{flag}`": points for flag, points in rules.flag.items()},
    }
    assert len(rows) > 30
    for code, points in rows.items():
        assert re.search(rf"{code} [^|\n]*\| {points:g} \|", page), code
    for level, lowest in rules.level.model_dump().items():
        assert re.search(rf"`{level}`[^\n]*\| {lowest:g} ", page), level
