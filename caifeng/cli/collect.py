"""Going and reading: sources, crawls, files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from caifeng.cli.common import AsJson, Day, parse_day
from caifeng.core import clock
from caifeng.core.errors import PartialError, UsageError
from caifeng.core.settings import Settings
from caifeng.screen import say, show

app = typer.Typer()


sources_app = typer.Typer(help="Sources: what is watched.", no_args_is_help=True)
app.add_typer(sources_app, name="sources")


@sources_app.command("new")
def new_source(
    url: Annotated[str, typer.Argument(help="Start page, feed or sitemap.")],
    source_id: Annotated[str | None, typer.Option("--id", help="Id, and name of the file; else from the host.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name on paper; else from the page.")] = None,
) -> None:
    """Look at a site and draft its source file: family, encoding, selectors; switched off until it is reviewed."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.source_new import new_source as draft

    for line in draft(Env.open(Settings.load()), url, source_id, name).lines():
        say(line)


@sources_app.command("test")
def show_source(
    source_id: Annotated[str, typer.Argument(help="Source id.")],
    pages: Annotated[int, typer.Option(min=1, max=50, help="Entries to read.")] = 5,
    day: Annotated[str | None, typer.Option("--day", help="Day that {day} stands for in addresses.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One post per line.")] = False,
) -> None:
    """Show what a source would land, without landing it; exit code 3 if nothing could be read."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.source_test import try_source

    trial = try_source(Env.open(Settings.load()), source_id, pages, parse_day(day) if day else None)
    for line in trial.json_lines() if as_json else trial.lines():
        say(line)
    if trial.read_nothing:
        raise PartialError(f"{source_id}: nothing could be read")


@sources_app.command("record")
def record_source(
    source_id: Annotated[str, typer.Argument(help="Source id.")],
    into: Annotated[Path | None, typer.Option("--into", help="Folder; default tests/crawlers/ID.")] = None,
) -> None:
    """Save a list page and two entry pages as scrubbed fixtures, with what the reader makes of them."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.source_record import record_source as record

    for line in record(Env.open(Settings.load()), source_id, into).lines():
        say(line)


@sources_app.command("review")
def review_source(source_id: Annotated[str, typer.Argument(help="Source id.")]) -> None:
    """Record the legal review of a source (role, robots, rate, terms, personal data, decision, next review)."""
    from pydantic import ValidationError

    from caifeng.core.model.source import Review
    from caifeng.jobs.review_source import review_source as review_job
    from caifeng.jobs.review_source import source_facts

    settings = Settings.load()
    facts = source_facts(settings.config, source_id, settings.office().contact)
    for line in facts.lines():
        say(line)
    today = clock.business_day(clock.now(settings.as_of))
    questions = {
        "role": "openness_office",
        "date": today.isoformat(),
        "robots": facts.suggested_robots,
        "rate": "1 request per host in 5 s",
        "terms": "no prohibition found",
        "personal_data": "author names are dropped before landing",
        "decision": "approved",
        "next_review": today.replace(year=today.year + 1, day=min(today.day, 28)).isoformat(),
    }
    answers = {field: typer.prompt(field, default=default) for field, default in questions.items()}
    try:
        review = Review.model_validate(answers)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    say(f"recorded in {review_job(settings.config, source_id, review)}; set enabled = true there to crawl it")


@sources_app.command("list")
def list_sources(
    day: Annotated[str | None, typer.Option("--day", help="Health of that day.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the sources, with their health where a day has been run."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.sources import source_listing

    show(source_listing(Env.open(Settings.load()), parse_day(day) if day else None), as_json=as_json)


@app.command()
def crawl(
    source: Annotated[list[str] | None, typer.Option("--source", help="Source id; may be repeated.")] = None,
    day: Annotated[str | None, typer.Option("--day", help="Day that {day} stands for in addresses.")] = None,
) -> None:
    """Run the spiders and land raw posts under today; exit code 3 if some sources failed."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.crawl import crawl as crawl_job

    env = Env.open(Settings.load())
    of = parse_day(day) if day else None
    with timed(env, "crawl", of or clock.business_day(env.now())) as reports:
        reports.append(crawl_job(env, source or (), of))
    say(reports[0].words())
    if reports[0].failed:
        raise PartialError(f"sources that failed: {', '.join(reports[0].failed)} (see `caifeng sources list`)")


@app.command()
def reparse(
    day: Day,
    source: Annotated[list[str] | None, typer.Option("--source", help="Source id; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be landed.")] = False,
) -> None:
    """Read the stored pages of a day again after a change of layout, and land what differs."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.reparse import reparse as reparse_job

    env, of = Env.open(Settings.load()), parse_day(day)
    with timed(env, "reparse", of) as reports:
        done = reparse_job(env, of, source or (), dry_run=dry_run)
        reports.append(done.report)
    for line in done.lines():
        say(line)
    say(done.report.words())
    if not dry_run and not done.changes.is_empty():
        say(f"next: caifeng run --day {of}")
    if done.report.failed:
        raise PartialError(f"sources without usable rules: {', '.join(done.report.failed)}")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="csv, xlsx or jsonl file.")],
    source: Annotated[str, typer.Option("--source", help="Source id of an inbox (config/sources).")],
) -> None:
    """Land a csv, xlsx or jsonl file; bad rows come back in a copy beside it, with reasons (exit code 1)."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.import_file import import_file as import_job

    env = Env.open(Settings.load())
    with timed(env, "import", clock.business_day(env.now())) as reports:
        reports.append(import_job(env, file, source))
    say(reports[0].words())
    if reports[0].rejected_file:
        say(f"退回 {reports[0].rejected} 行：{reports[0].rejected_file}", to=sys.stderr)
        raise typer.Exit(1)


@app.command()
def extract(
    target: Annotated[str, typer.Argument(metavar="FILE_OR_URL", help="Saved page (.html, .htm, .gz), or an address.")],
    url: Annotated[str | None, typer.Option("--url", help="Address the saved page came from.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    check: Annotated[bool, typer.Option(help="Compare with a second extractor.")] = True,
) -> None:
    """Read title, time and body out of any page; shows how far a second extractor agrees."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.extract_page import extract_file_or_url, extract_words

    found = extract_file_or_url(Env.open(Settings.load()), target, url, check=check)
    for line in [json.dumps(found, ensure_ascii=False)] if as_json else extract_words(found):
        say(line)
