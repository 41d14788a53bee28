"""Contracts, gates and lineage: what holds of every table, and what was set aside."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated

import typer

from caifeng.cli.common import AsJson, AsOf, Day, parse_day
from caifeng.core.settings import Settings, parse_as_of
from caifeng.screen import say, show

app = typer.Typer()
Table = Annotated[str | None, typer.Option("--table", metavar="SCHEMA.TABLE", help="Only rows meant for this table.")]
RuleName = Annotated[str | None, typer.Option("--rule", help="Only rows that break this rule.")]


@app.command()
def dictionary() -> None:
    """Print the data dictionary, made from the table contracts."""
    from caifeng.core.contracts import data_dictionary

    say(data_dictionary(Settings.load().contracts()).rstrip("\n"))


@app.command()
def contracts(
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Note today's columns as agreed (sql/fingerprints.toml).")
    ] = False,
) -> None:
    """Say which contracts changed their columns without an entry in `changes`, or note them as agreed."""
    from caifeng.jobs.drift import stamp as stamp_contracts
    from caifeng.jobs.drift import undeclared

    sql = Settings.load().root / "sql"
    found = stamp_contracts(sql) if stamp else undeclared(sql)
    for line in found:
        say(line, to=None if stamp else sys.stderr)
    if found and not stamp:
        raise typer.Exit(1)
    if not found:
        say("contracts are as agreed")


@app.command()
def lineage(
    name: Annotated[str | None, typer.Argument(metavar="[TABLE[.COLUMN]]", help="Else the page of all tables.")] = None,
) -> None:
    """Show what a table or a column is made of and what rests on it; without a name print docs/lineage.md."""
    from caifeng.jobs.lineage import lineage_of, lineage_page

    settings = Settings.load()
    known, sql = settings.contracts(), settings.root / "sql"
    say("\n".join(lineage_of(name, known, sql)) if name else lineage_page(known, sql).rstrip("\n"))


@app.command()
def gates() -> None:
    """Print the rules that every table must pass, and what follows if one is broken (docs/gates.md)."""
    from expectations.page import gates_page

    say(gates_page(Settings.load().contracts()).rstrip("\n"))


quarantine = typer.Typer(help="Rows that a gate set aside: what they are, and trying them again.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")


@quarantine.command("list")
def list_quarantine(
    first: Annotated[str | None, typer.Option("--from", metavar="D1", help="First day; else the first of all.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="D2", help="Last day; else the last.")] = None,
    table: Table = None,
    rule: RuleName = None,
    as_json: AsJson = False,
) -> None:
    """Count the rows set aside, by day, table and rule."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.quarantine import quarantine_listing

    days = (parse_day(first) if first else date.min, parse_day(last) if last else date.max)
    show(quarantine_listing(Env.open(Settings.load()), *days, table, rule), as_json=as_json)


@quarantine.command("show")
def show_quarantine(day: Day, table: Table = None, rule: RuleName = None) -> None:
    """Print the rows of a day that were set aside, scrubbed, one JSON object per line; words live 14 days."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.quarantine import rows_set_aside

    found = rows_set_aside(Env.open(Settings.load()), parse_day(day), table, rule)
    say(found.write_ndjson().rstrip("\n"))


@quarantine.command("replay")
def replay_quarantine(day: Day, table: Table = None, as_of: AsOf = None) -> None:
    """Run the stages again whose gates set rows of a day aside, and account for each of these rows."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.quarantine import replay

    moment = parse_as_of(as_of) if as_of else None
    say(replay(Env.open(Settings.load()), parse_day(day), table, moment).words())
