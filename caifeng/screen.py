"""What a verb shows: tables and progress on a terminal, plain lines to a file or another program, or JSON lines.

A terminal gets frames, colours (unless NO_COLOR is set) and as many columns as it has; a Chinese character takes two.
Anything else gets one line per row with tabs between the cells, which `cut`, `sort` and a spreadsheet understand,
nothing shortened. Progress goes to standard error, so that what a verb prints can be piped on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import IO, Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import UsageError
from caifeng.core.listing import Cell, Listing
from caifeng.core.text.visible import visible

#: What a table says for null.
UNKNOWN = "—"


class Step(Protocol):
    """Tells that one more piece of work is done."""

    def __call__(self, words: str = "") -> None:
        """One more; `words` say what it was."""


def say(text: str, *, to: IO[str] | None = None) -> None:
    """Print a text, its control characters made visible: every line of a verb goes through here or through `table`."""
    print(visible(text), file=sys.stdout if to is None else to)


def show(listing: Listing, *, as_json: bool = False, to: IO[str] | None = None) -> None:
    """Print a list: a framed table on a terminal, tabs otherwise, its values as JSON lines with `as_json`.

    Where there is no row a terminal gets the words for that; others get the heads, and the words on standard error.
    """
    out = sys.stdout if to is None else to
    if as_json:
        for line in as_json_lines(listing.values):
            say(line, to=out)
        return
    if listing.cells or not _is_terminal(out):
        table(listing.title, listing.heads, listing.cells, to=out)
    if not listing.cells:
        say(listing.empty, to=out if _is_terminal(out) else sys.stderr)


def table(
    title: str,
    columns: Mapping[str, str] | Sequence[str],
    rows: Iterable[Sequence[Cell] | Mapping[str, Cell]],
    *,
    as_json: bool = False,
    to: IO[str] | None = None,
) -> None:
    """Print rows: a framed table on a terminal, tabs otherwise, JSON lines with `as_json`.

    Args:
        title: above the table, on a terminal only.
        columns: heads; or key -> head, the keys being the names in JSON. Numbers stand on the right.
        rows: cells in the order of the columns, or by key. Null is —, and null in JSON; times are Beijing times.
        as_json: one object per row, keys in the order of the columns.
        to: where to; standard output if not given.
    """
    out = sys.stdout if to is None else to
    heads = dict(columns) if isinstance(columns, Mapping) else {head: head for head in columns}
    lines = [_cells(row, list(heads)) for row in rows]
    if as_json:
        for line in as_json_lines(dict(zip(heads, cells, strict=True)) for cells in lines):
            say(line, to=out)
        return
    if not _is_terminal(out):
        for cells in (list(heads.values()), *([cell_text(cell) for cell in cells] for cells in lines)):
            say("\t".join(" ".join(text.split()) for text in cells), to=out)
        return
    _print_framed(title, list(heads.values()), lines, out)


def as_json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """JSON lines of rows: Chinese as it is, null as null, times ISO 8601 with the Beijing zone."""
    for row in rows:
        yield json.dumps(dict(row), ensure_ascii=False, default=_encoded)


@contextmanager
def progress(title: str, total: int | None = None, *, to: IO[str] | None = None) -> Iterator[Step]:
    """Show how far a job is: a bar on a terminal, `title 2/5 words` a line otherwise.

    Args:
        title: what is being done.
        total: how many steps there are; null: not known.
        to: where to; standard error if not given.

    Yields:
        To be called after each step.
    """
    out = sys.stderr if to is None else to
    done = 0
    if not _is_terminal(out):

        def tell(words: str = "") -> None:
            nonlocal done
            done += 1
            of = f"/{total}" if total is not None else ""
            print(visible(f"{title} {done}{of} {words}".rstrip()), file=out, flush=True)

        yield tell
        return

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    last = TextColumn("{task.fields[words]}", markup=False)
    # What is printed meanwhile goes above the bar, but only where it is shown at all: a pipe gets what is its own.
    above = _is_terminal(sys.stdout)
    with Progress(*columns, last, console=_console(out), transient=True, redirect_stdout=above) as bar:
        task = bar.add_task(escape(visible(title)), total=total, words="")

        def advance(words: str = "") -> None:
            bar.update(task, advance=1, words=visible(words))

        yield advance


def cell_text(cell: Cell) -> str:
    """One cell as text: — for null, 是 or 否, a Beijing time to the minute, numbers as they are."""
    if cell is None:
        return UNKNOWN
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, datetime):
        return f"{_local(cell):%Y-%m-%d %H:%M}"
    if isinstance(cell, list | tuple):
        return "、".join(cell)
    return str(cell)


def _cells(row: Sequence[Cell] | Mapping[str, Cell], keys: Sequence[str]) -> list[Cell]:
    if isinstance(row, Mapping):
        if missing := [key for key in keys if key not in row]:
            raise UsageError(f"a row has no {', '.join(missing)}")
        return [row[key] for key in keys]
    if len(row) != len(keys):
        raise UsageError(f"a row has {len(row)} cells, not {len(keys)}")
    return list(row)


def _print_framed(title: str, heads: Sequence[str], lines: Sequence[Sequence[Cell]], out: IO[str]) -> None:
    console = _console(out)
    shown = Table(title=Text(visible(title)), title_justify="left")
    texts = [[visible(" ".join(cell_text(cell).split())) for cell in cells] for cells in lines]
    whole = [_width_of_codes([texts_of[place] for texts_of in texts]) for place in range(len(heads))]
    # Where there is room, numbers of issues and times stay on one line; the words beside them take what is left.
    if sum(whole) > console.width // 2:
        whole = [0] * len(heads)
    for place, head in enumerate(heads):
        known = [cells[place] for cells in lines if cells[place] is not None]
        numeric = bool(known) and all(isinstance(c, int | float) and not isinstance(c, bool) for c in known)
        # Folded, not cut: whoever checks reads to the end.
        shown.add_column(Text(head), justify="right" if numeric else "left", overflow="fold", no_wrap=whole[place] > 0)
    for row in texts:
        shown.add_row(*(Text(text) for text in row))
    console.print(shown)


def _width_of_codes(texts: Sequence[str]) -> int:
    """Width of a column of ids, times or figures; 0 for one of words."""
    known = [text for text in texts if text != UNKNOWN]
    return max(map(len, known), default=0) if all(text.isascii() for text in known) else 0


def _console(out: IO[str]) -> Console:
    """A console of rich: it knows NO_COLOR, the width of the terminal, and how wide a Chinese character is."""
    return Console(file=out, highlight=False, emoji=False)


def _is_terminal(out: IO[str]) -> bool:
    return bool(getattr(out, "isatty", bool)())


def _local(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI) if at.tzinfo else at


def _encoded(value: Any) -> str:
    if isinstance(value, datetime):
        return _local(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
