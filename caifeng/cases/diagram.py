"""docs/case-states.md, drawn from the table of transitions: `caifeng case diagram` prints it, a test compares it."""

from __future__ import annotations

from collections.abc import Iterable

from caifeng.cases.model import ANSWER_NAMES, CASE_ROLE_NAMES, STATE_NAMES
from caifeng.cases.table import TABLE, Transition

_HEAD = """# States of a case

Drawn from the table of transitions (`caifeng/cases/table.py`) by `caifeng case diagram`; do not edit. A guard, named
in the tables below, may still refuse what the drawing allows (`caifeng/cases/guards.py`).
"""


def diagram() -> str:
    """The whole page: how the treatment moves, how the answer in the making moves, and every event with its rules."""
    return "\n".join(
        (
            _HEAD,
            "## Treatment\n",
            *_drawing(STATE_NAMES, _moves_of_state(), "detected"),
            "",
            "## Answer in the making\n",
            "It runs beside the treatment: an interim notice is written while facts are still being verified.\n",
            *_drawing(ANSWER_NAMES, _moves_of_answer(), "none"),
            "",
            "## Events of a case\n",
            "| event | 中文 | roles | in states | needs | guards |",
            "|---|---|---|---|---|---|",
            *(_line(row) for row in TABLE if row.subject is None),
            "",
            "## Events of no case\n",
            "| event | 中文 | roles | subject | needs | guards |",
            "|---|---|---|---|---|---|",
            *(_line(row) for row in TABLE if row.subject is not None),
            "",
        )
    )


def _drawing(names: dict[str, str], moves: dict[tuple[str, str], list[str]], first: str) -> Iterable[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield from (f'    state "{name} {state}" as {state}' for state, name in names.items())
    yield f"    [*] --> {first}"
    yield from (f"    {start} --> {end}: {'、'.join(labels)}" for (start, end), labels in moves.items())
    yield "```"


def _moves_of_state() -> dict[tuple[str, str], list[str]]:
    moves: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        for state in row.states:
            if row.to_state not in (None, state):
                moves.setdefault((state, str(row.to_state)), []).append(row.label)
    return moves


def _moves_of_answer() -> dict[tuple[str, str], list[str]]:
    moves: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        for answer in row.answers or ():
            if row.to_answer not in (None, answer):
                moves.setdefault((answer, str(row.to_answer)), []).append(row.label)
    return moves


def _line(row: Transition) -> str:
    where = row.subject or ("any" if set(row.states) == set(STATE_NAMES) else ", ".join(row.states))
    roles = "、".join(CASE_ROLE_NAMES[role] for role in row.roles)
    event = row.event + (f" ({row.kind})" if row.kind else "")
    cells = (f"`{event}`", row.label, roles, where, ", ".join(row.required) or "—", ", ".join(row.guards) or "—")
    return f"| {' | '.join(cells)} |"
