"""The pure functions on JSON lines, grades and their reasons, the rules of understanding."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from caifeng.cli.common import JsonLines, answer, parse_day
from caifeng.core import clock
from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings
from caifeng.screen import say, show

app = typer.Typer()


@app.command()
def grade(
    as_json: JsonLines = False,
    explain: Annotated[str | None, typer.Option("--explain", metavar="ISSUE_NO", help="Why this level.")] = None,
    what_if: Annotated[
        str | None,
        typer.Option(
            "--what-if",
            metavar="FIELD=VALUE,…",
            help="The level with other measures: views=50000,media_tier=province,flags=+key_category; of the issue in "
            "--issue, or of JSON lines with --json.",
        ),
    ] = None,
    issue: Annotated[str | None, typer.Option("--issue", metavar="ISSUE_NO", help="Issue of --what-if.")] = None,
    sensitive: Annotated[
        bool, typer.Option("--sensitivity", help="Which levels of the last 90 days hang on 10 % of one weight or cut.")
    ] = False,
) -> None:
    """Explain the level of an issue, try other measures, or grade JSON lines (docs/grading.md)."""
    settings = Settings.load()
    if bool(explain) + (what_if is not None) + sensitive > 1:
        raise UsageError("give one of --explain, --what-if, --sensitivity")
    if issue and what_if is None:
        raise UsageError("--issue belongs to --what-if")
    if explain and not as_json:
        _print_explanation(settings, explain)
    elif what_if is not None:
        _print_what_if(settings, what_if, issue, as_json)
    elif sensitive:
        _print_sensitivity(settings, as_json)
    elif as_json and not explain:
        from caifeng.jobs.grade_lines import grade_lines

        answer(*grade_lines(sys.stdin, settings.grading()))
    else:
        raise UsageError("give one of --explain ISSUE_NO, --json, --what-if, --sensitivity")


def _print_what_if(settings: Settings, assignments: str, issue_no: str | None, as_json: bool) -> None:
    from caifeng.jobs import what_if as job
    from caifeng.jobs.base import Env

    if issue_no is None:
        if not as_json:
            raise UsageError("--what-if needs --issue ISSUE_NO, or measures on standard input with --json")
        answer(*job.what_if_json(sys.stdin, assignments, settings.grading()))
        return
    found = job.what_if(Env.open(settings), issue_no, assignments)
    if as_json:
        say(job.what_if_line(found))
        return
    for line in job.what_if_words(found):
        say(line)
    names = {topic.id: topic.name for topic in settings.taxonomy().topics}
    for title, table in zip(("现在", "假设"), job.what_if_tables(found, names), strict=True):
        say(title)
        _print_measures(table)


def _print_sensitivity(settings: Settings, as_json: bool) -> None:
    from caifeng.jobs.base import Env
    from caifeng.jobs.rule_sensitivity import rule_sensitivity, sensitivity_listing

    env = Env.open(settings)
    now = env.now()
    today = clock.business_day(now)
    show(sensitivity_listing(rule_sensitivity(env, today, now, settings.grading(today))), as_json=as_json)


def _print_explanation(settings: Settings, issue_no: str) -> None:
    from rich.console import Console

    from caifeng.jobs.base import Env
    from caifeng.jobs.explain import evidence_lines, explain

    explanation = explain(Env.open(settings), issue_no)
    console = Console(highlight=False)
    console.print(f"{issue_no}  {explanation.title}", markup=False)
    console.print(explanation.grade["explanation"], markup=False)
    _print_measures(explanation.table)
    console.print("依据从哪来")
    for line in evidence_lines(settings, explanation.grade):
        console.print(line, markup=False, soft_wrap=True)


def _print_measures(rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    headings = {"项目": "left", "数值": "right", "分值": "right", "权重": "right", "计入": "right", "依据": "left"}
    table = Table()
    for heading, justify in headings.items():
        # whoever checks by hand reads the basis to its end
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


@app.command()
def regrade(
    first: Annotated[str, typer.Option("--from", metavar="D", help="First day.")],
    rules: Annotated[Path, typer.Option("--rules", metavar="FILE", help="Rule file to try.")],
    last: Annotated[
        str | None, typer.Option("--to", metavar="D", help="Last day; default the last one graded.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Required: grades given are never rewritten.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per change, totals last.")] = False,
) -> None:
    """Show which levels would change by other rules, and why; nothing is written."""
    from caifeng.jobs import regrade as job
    from caifeng.jobs.base import Env

    env = Env.open(Settings.load())
    found = job.dry_run(env, parse_day(first), parse_day(last) if last else None, rules, really_dry=dry_run)
    for line in job.regrade_lines(found, as_json=as_json):
        say(line)


@app.command()
def deadlines(as_json: JsonLines = False) -> None:
    """Compute the due dates of JSON lines by config/deadlines.toml and the holiday notices, with their basis."""
    if not as_json:
        raise UsageError("deadlines reads JSON lines: give --json")
    from caifeng.cases.rules import load_calendar, load_deadline_rules
    from caifeng.jobs.deadline_lines import deadline_lines

    config = Settings.load().config
    answer(*deadline_lines(sys.stdin, load_deadline_rules(config), load_calendar(config)))


@app.command()
def classify(as_json: JsonLines = False) -> None:
    """Classify JSON lines {id, title, text}: relevance, topics, jurisdiction, stance, evidence."""
    if not as_json:
        raise UsageError("classify reads JSON lines: give --json")
    from caifeng.jobs.classify_lines import classify_lines

    settings = Settings.load()
    answer(*classify_lines(sys.stdin, settings.taxonomy(), settings.office(), settings.stance()))


@app.command()
def dedupe(as_json: JsonLines = False) -> None:
    """Group JSON lines {id, text} of which one is a copy of the other; figures, dates and places keep texts apart."""
    if not as_json:
        raise UsageError("dedupe reads JSON lines: give --json")
    from caifeng.core.model.grouping import GroupingRules
    from caifeng.core.settings import load_model
    from caifeng.jobs.dedupe_lines import dedupe_lines
    from caifeng.jobs.reposts import place_names

    settings = Settings.load()
    rules = load_model(settings.config / "grouping.toml", GroupingRules)
    answer(*dedupe_lines(sys.stdin, rules, place_names(settings.taxonomy())))


taxonomy_app = typer.Typer(help="The rules of understanding.", no_args_is_help=True)
app.add_typer(taxonomy_app, name="taxonomy")


@taxonomy_app.command("test")
def test_taxonomy() -> None:
    """Judge every example sentence of the taxonomy and the gazetteer by the real rules."""
    from caifeng.jobs.taxonomy_test import example_count, taxonomy_faults

    settings = Settings.load()
    taxonomy = settings.taxonomy()
    faults = taxonomy_faults(taxonomy, settings.office())
    for fault in faults:
        say(fault)
    if faults:
        raise typer.Exit(1)
    say(f"{example_count(taxonomy)} examples hold")


calendar_app = typer.Typer(help="When official figures are released.", no_args_is_help=True)
app.add_typer(calendar_app, name="calendar")


@calendar_app.command("import")
def import_calendar(
    file: Annotated[Path, typer.Argument(help="csv or xlsx with 日期, 时间, 指标, 主题 of one year.")],
    document: Annotated[str, typer.Option("--document", help="The published table it is.")],
    write: Annotated[bool, typer.Option("--write", help="Write it; without it, a dry run.")] = False,
) -> None:
    """Load the release calendar of a year; release days are louder, and that is no alarm."""
    from caifeng.jobs.import_calendar import import_calendar as import_job

    done = import_job(Settings.load(), file, document, write=write)
    if not done.written:
        say(done.text)
    say(done.words())
