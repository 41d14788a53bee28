"""What a page says does not steer a terminal, forge a line of a log, or break JSON."""

import ast
import io
import json
import logging
import re
import sys

import pytest

from caifeng import screen
from caifeng.jobs import logs

#: Clears the screen, renames the window, is a C1 control sequence, turns the direction, is half a character.
HOSTILE = "\x1b[2J统计\x1b]0;owned\x07局\x9b31m公布\u202e%5\u2066\x00\r覆盖\ud800"
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: What rich itself says to a terminal: colours, and where the bar stands.
RICH = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(to: io.StringIO) -> str:
    """Everything that a verb can show, with hostile words wherever they can stand."""
    with screen.progress(HOSTILE, 2, to=to) as step:
        step(HOSTILE)
    screen.say(HOSTILE, to=to)
    screen.table(HOSTILE, {"title": "标题"}, [(HOSTILE,)], to=to)
    return to.getvalue()


@pytest.mark.parametrize("to", [io.StringIO, Terminal])
def test_nothing_that_is_shown_is_obeyed(to, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    text = RICH.sub("", shown(to()))
    assert "统计" in text
    assert "\\u001b[2J" in text
    assert OBEYED.findall(text) == []


def test_without_the_guard_it_would_be(monkeypatch):
    monkeypatch.setattr(screen, "visible", lambda text: text)
    assert "\x1b[2J" in shown(io.StringIO())


def test_json_says_the_same_as_before():
    out = io.StringIO()
    screen.table("", {"title": "标题"}, [(HOSTILE,)], as_json=True, to=out)
    assert OBEYED.findall(out.getvalue()) == []
    assert json.loads(out.getvalue()) == {"title": HOSTILE}


def test_a_log_on_a_terminal_has_one_line_per_record(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(logging.getLogger("caifeng"), "propagate", False)  # half a character breaks the test runner
    with logs.context(tmp_path):
        logging.getLogger("caifeng.test").warning("read %s", f"{HOSTILE}\nERROR the register is broken")
    assert terminal.getvalue().count("\n") == 1
    assert OBEYED.findall(terminal.getvalue()) == []


def test_every_verb_shows_through_the_screen(root):
    """A print of its own would go past the guard."""
    swept, found = 0, []
    for path in (root / "caifeng").rglob("*.py"):
        swept += 1
        if path.name == "screen.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "print",
                "typer.echo",
                "typer.secho",
                "click.echo",
            }:
                found.append(f"{path}:{node.lineno}")
    assert swept > 100
    assert found == []
