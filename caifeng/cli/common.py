"""Options and answers that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

import typer

from caifeng.core.errors import UsageError
from caifeng.screen import say

Day = Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="Fetch day, Shanghai time.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="T", help="Moment, ISO 8601 with zone; default now.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per row, codes instead of their names.")]
JsonLines = Annotated[bool, typer.Option("--json", help="JSON lines from standard input to standard output.")]


def parse_day(text: str) -> date:
    """A day given as YYYY-MM-DD; anything else is a usage error."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"not a day: {text!r} (write YYYY-MM-DD)") from error


def answer(lines: Iterable[str], all_good: bool) -> None:
    """Print JSON lines; exit code 1 if a line of the input was bad."""
    for line in lines:
        say(line)
    if not all_good:
        raise typer.Exit(1)
