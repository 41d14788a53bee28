"""Command line of Caifeng: one verb per job, nothing else.

Exit codes: 0 ok, 1 a data check or an input line failed, 2 usage or configuration error, 3 some sources failed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caifeng.core import clock
from caifeng.core.errors import CaifengError, PartialError, UsageError
from caifeng.core.settings import Settings, parse_as_of

# Jobs are imported inside the verbs: `--help` must not wait for Polars.

app = typer.Typer(
    help="采风：听见公众对本单位工作的评价，公开定级，按时回应，从中改进。"
    "（Hear early, grade openly, answer on time, learn.）",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
sources_app = typer.Typer(help="Sources: what is watched.", no_args_is_help=True)
report_app = typer.Typer(help="Write documents again from the marts.", no_args_is_help=True)
app.add_typer(sources_app, name="sources")
taxonomy_app = typer.Typer(help="The rules of understanding.", no_args_is_help=True)
case_app = typer.Typer(help="The register: state, deadlines, legal actions.", no_args_is_help=True)
app.add_typer(report_app, name="report")
app.add_typer(case_app, name="case")
app.add_typer(taxonomy_app, name="taxonomy")
calendar_app = typer.Typer(help="When official figures are released.", no_args_is_help=True)
notify_app = typer.Typer(help="Messages to the office: what waits, was sent, or was not.", no_args_is_help=True)
sheets_app = typer.Typer(help="Registers kept as sheets: training, reward and blame of units.", no_args_is_help=True)
app.add_typer(notify_app, name="notify")
app.add_typer(sheets_app, name="sheets")
app.add_typer(calendar_app, name="calendar")

Day = Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="Fetch day, Shanghai time.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="T", help="Moment, ISO 8601 with zone; default now.")]
JsonLines = Annotated[bool, typer.Option("--json", help="JSON lines from standard input to standard output.")]


@app.command()
def check() -> None:
    """Validate all configuration and table contracts; every fault is one line naming file and field."""
    from caifeng.jobs.check import check_configuration, configuration_warnings

    settings = Settings.load()
    for warning in configuration_warnings(settings):
        typer.echo(f"warning: {warning}", err=True)
    faults = check_configuration(settings)
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(2)
    typer.echo("configuration is in order")


@app.command()
def init(
    county: Annotated[str, typer.Option(prompt="County (name or code)", help="Name or GB/T 2260 code.")],
    contact: Annotated[str, typer.Option(prompt="Contact for websites (mailto:… or https://…)", help="ASCII address.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files of the same name.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take the suggested names and do not ask.")] = False,
) -> None:
    """Write a first configuration for an office into CAIFENG_CONFIG: names, units, roles, gazetteer, presets."""
    from caifeng.jobs.init import plan_office, suggest_office, write_office

    settings = Settings.load()
    base = settings.root / "config"
    office = suggest_office(base, county, contact)
    if not yes:
        asked = {
            field: typer.prompt(field, default=getattr(office, field))
            for field in ("name", "short_name", "county_short", "city", "openness_office")
        }
        units = [
            unit.model_copy(update={"name": typer.prompt(f"unit {unit.id}", default=unit.name)})
            for unit in office.units
        ]
        office = office.model_copy(update={**asked, "units": tuple(units)})
    for line in plan_office(settings.config, office, base).lines():
        typer.echo(line)
    if dry_run or not (yes or typer.confirm("Write these files?")):
        return
    written = write_office(settings.config, office, base, force=force)
    typer.echo(f"wrote {len(written)} files to {settings.config}; next: caifeng check, then caifeng sources review ID")


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
        typer.echo(line)


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

    trial = try_source(Env.open(Settings.load()), source_id, pages, _day(day) if day else None)
    for line in trial.json_lines() if as_json else trial.lines():
        typer.echo(line)
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
        typer.echo(line)


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
        typer.echo(line)
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
    typer.echo(f"recorded in {review_job(settings.config, source_id, review)}; set enabled = true there to crawl it")


@sources_app.command("list")
def list_sources(
    day: Annotated[str | None, typer.Option("--day", help="Health of that day.")] = None,
) -> None:
    """List the sources, with their health where a day has been run."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.sources import source_lines

    for line in source_lines(Env.open(Settings.load()), _day(day) if day else None):
        typer.echo(line)


@app.command()
def crawl(
    source: Annotated[list[str] | None, typer.Option("--source", help="Source id; may be repeated.")] = None,
    day: Annotated[str | None, typer.Option("--day", help="Day that {day} stands for in addresses.")] = None,
) -> None:
    """Run the spiders and land raw posts under today; exit code 3 if some sources failed."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.crawl import crawl as crawl_job

    env = Env.open(Settings.load())
    of = _day(day) if day else None
    with timed(env, "crawl", of or clock.business_day(env.now())) as reports:
        reports.append(crawl_job(env, source or (), of))
    typer.echo(reports[0].words())
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

    env, of = Env.open(Settings.load()), _day(day)
    with timed(env, "reparse", of) as reports:
        done = reparse_job(env, of, source or (), dry_run=dry_run)
        reports.append(done.report)
    for line in done.lines():
        typer.echo(line)
    typer.echo(done.report.words())
    if not dry_run and not done.changes.is_empty():
        typer.echo(f"next: caifeng run --day {of}")
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
    typer.echo(reports[0].words())
    if reports[0].rejected_file:
        typer.echo(f"退回 {reports[0].rejected} 行：{reports[0].rejected_file}", err=True)
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
        typer.echo(line)


@app.command()
def run(
    day: Day,
    first: Annotated[str | None, typer.Option("--from", help="First stage.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last stage.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Moment of the evaluation; default end of D.")] = None,
) -> None:
    """Run the stages clean, understand, cluster, grade, load, marts, outputs of one day; can be repeated."""
    from caifeng.jobs.stages import between, run_stages

    moment = parse_as_of(as_of) if as_of else None
    for report in run_stages(Settings.load(), _day(day), between(first, last), moment):
        typer.echo(report.words())


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", metavar="D1", help="First day.")],
    last: Annotated[str, typer.Option("--to", metavar="D2", help="Last day.")],
) -> None:
    """Run all stages for every day from D1 to D2, in day order (issue numbers depend on it)."""
    from caifeng.jobs.stages import run_stages

    start, stop = _day(first), _day(last)
    if start > stop:
        raise UsageError(f"--from {first} comes after --to {last}")
    for offset in range((stop - start).days + 1):
        for report in run_stages(Settings.load(), start + timedelta(days=offset)):
            typer.echo(report.words())


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

        _answer(*grade_lines(sys.stdin, settings.grading()))
    else:
        raise UsageError("give one of --explain ISSUE_NO, --json, --what-if, --sensitivity")


def _print_what_if(settings: Settings, assignments: str, issue_no: str | None, as_json: bool) -> None:
    from caifeng.jobs import what_if as job
    from caifeng.jobs.base import Env

    if issue_no is None:
        if not as_json:
            raise UsageError("--what-if needs --issue ISSUE_NO, or measures on standard input with --json")
        _answer(*job.what_if_json(sys.stdin, assignments, settings.grading()))
        return
    found = job.what_if(Env.open(settings), issue_no, assignments)
    if as_json:
        typer.echo(job.what_if_line(found))
        return
    for line in job.what_if_words(found):
        typer.echo(line)
    names = {topic.id: topic.name for topic in settings.taxonomy().topics}
    for title, table in zip(("现在", "假设"), job.what_if_tables(found, names), strict=True):
        typer.echo(title)
        _print_measures(table)


def _print_sensitivity(settings: Settings, as_json: bool) -> None:
    from caifeng.jobs.base import Env
    from caifeng.jobs.rule_sensitivity import rule_sensitivity, sensitivity_lines

    env = Env.open(settings)
    now = env.now()
    today = clock.business_day(now)
    for line in sensitivity_lines(rule_sensitivity(env, today, now, settings.grading(today)), as_json=as_json):
        typer.echo(line)


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
    found = job.dry_run(env, _day(first), _day(last) if last else None, rules, really_dry=dry_run)
    for line in job.regrade_lines(found, as_json=as_json):
        typer.echo(line)


@app.command()
def deadlines(as_json: JsonLines = False) -> None:
    """Compute the due dates of JSON lines by config/deadlines.toml and the holiday notices, with their basis."""
    if not as_json:
        raise UsageError("deadlines reads JSON lines: give --json")
    from caifeng.cases.rules import load_calendar, load_deadline_rules
    from caifeng.jobs.deadline_lines import deadline_lines

    config = Settings.load().config
    _answer(*deadline_lines(sys.stdin, load_deadline_rules(config), load_calendar(config)))


@app.command()
def classify(as_json: JsonLines = False) -> None:
    """Classify JSON lines {id, title, text}: relevance, topics, jurisdiction, stance, evidence."""
    if not as_json:
        raise UsageError("classify reads JSON lines: give --json")
    from caifeng.jobs.classify_lines import classify_lines

    settings = Settings.load()
    _answer(*classify_lines(sys.stdin, settings.taxonomy(), settings.office(), settings.stance()))


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
    _answer(*dedupe_lines(sys.stdin, rules, place_names(settings.taxonomy())))


@case_app.command("list")
def list_cases(
    as_of: AsOf = None, as_json: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False
) -> None:
    """List the cases that wait for somebody: state, next step, role, hours left (negative when overdue)."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_list import case_list_lines

    for line in case_list_lines(Env.open(Settings.load()), parse_as_of(as_of) if as_of else None, as_json=as_json):
        typer.echo(line)


@case_app.command("show")
def show_case(
    issue_no: Annotated[str, typer.Argument(metavar="ISSUE_NO")],
    as_of: AsOf = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show one case: state, deadlines with their basis, history, and what may be done next by whom."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_list import case_show_lines

    moment = parse_as_of(as_of) if as_of else None
    for line in case_show_lines(Env.open(Settings.load()), issue_no, moment, as_json=as_json):
        typer.echo(line)


@case_app.command("act")
def act_on_case(
    issue_no: Annotated[
        str, typer.Argument(metavar="ISSUE_NO", help="'-' for events of no case: log_signed, publication_noted, …")
    ],
    event: Annotated[str, typer.Argument(metavar="EVENT", help="confirm, assign, verify, draft, submit, approve, …")],
    role: Annotated[str, typer.Option("--role", help="Role of whoever acts.")],
    actor: Annotated[str, typer.Option("--actor", help="Pseudonymous id, never a name.")],
    pairs: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]…", help="Fields of the event.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Unit of whoever acts.")] = None,
    payload: Annotated[str | None, typer.Option("--payload", help="Fields as one JSON object.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why.")] = None,
    on_behalf: Annotated[
        str | None, typer.Option("--on-behalf", help="Role that decided on paper or by phone.")
    ] = None,
    decided_at: Annotated[str | None, typer.Option("--decided-at", help="When it decided.")] = None,
    medium: Annotated[str, typer.Option("--medium", help="paper, phone, page or form.")] = "paper",
    scan_hash: Annotated[str | None, typer.Option("--scan-hash", help="SHA-256 of the scan.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="The same key twice gives one event.")] = None,
    expected: Annotated[int | None, typer.Option("--expected", help="Number of events you have seen.")] = None,
) -> None:
    """Perform one legal action on a case; it appends one event."""
    from caifeng.cases.model import Actor
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_actions import act_on_case as act
    from caifeng.jobs.case_actions import parse_on_behalf, parse_payload
    from caifeng.jobs.case_list import event_words

    appended = act(
        Env.open(Settings.load()),
        None if issue_no == "-" else issue_no,
        event,
        Actor(role, actor, unit),
        parse_payload(pairs or (), payload, reason),
        on_behalf=parse_on_behalf(on_behalf, decided_at, medium, scan_hash),
        idempotency_key=key,
        expected=expected,
    )
    typer.echo(event_words(appended))


@case_app.command("verify")
def verify_register() -> None:
    """Check the hash chain of the register; exit code 1 if anything was changed or is missing."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_actions import verify_register as verify

    faults = verify(Env.open(Settings.load()))
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    typer.echo("the register is whole")


@case_app.command("diagram")
def case_diagram() -> None:
    """Print the states of a case as a page (docs/case-states.md)."""
    from caifeng.cases.diagram import diagram

    typer.echo(diagram(), nl=False)


@case_app.command("erase")
def case_erase(
    position: Annotated[int, typer.Argument(help="Place of the event in the register.")],
    role: Annotated[str, typer.Option("--role", help="Role of whoever acts.")],
    actor: Annotated[str, typer.Option("--actor", help="Pseudonymous id, never a name.")],
    reason: Annotated[str, typer.Option("--reason", help="Which law asks for it.")],
) -> None:
    """Delete the free words of one event, where the law asks for it; the chain stays whole."""
    from caifeng.cases.model import Actor
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_actions import erase
    from caifeng.jobs.case_list import event_words

    typer.echo(event_words(erase(Env.open(Settings.load()), position, reason, Actor(role, actor))))


@taxonomy_app.command("test")
def test_taxonomy() -> None:
    """Judge every example sentence of the taxonomy and the gazetteer by the real rules."""
    from caifeng.jobs.taxonomy_test import example_count, taxonomy_faults

    settings = Settings.load()
    taxonomy = settings.taxonomy()
    faults = taxonomy_faults(taxonomy, settings.office())
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    typer.echo(f"{example_count(taxonomy)} examples hold")


@report_app.command("daily")
def report_daily(day: Day) -> None:
    """Write 政务舆情日志, 预警报送清单 and the dashboard of a day."""
    from caifeng.jobs.stages import run_stages

    settings = Settings.load()
    for report in run_stages(settings, _day(day), ("outputs",)):
        typer.echo(f"{report.words()} in {settings.outputs_dir / day}")


@report_app.command("month")
def report_month(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Month under review.")],
    as_of: AsOf = None,
) -> None:
    """Build the month's review (月报 docx and xlsx, Parquet and CSV) from the days that were run."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.review import period, review_month

    env = Env.open(Settings.load())
    with timed(env, "review", period(month)[1]) as reports:
        reports.append(review_month(env, month, parse_as_of(as_of) if as_of else None))
    typer.echo(f"{reports[0].words()} in {env.settings.outputs_dir / 'review' / month}")


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
        typer.echo(done.text)
    typer.echo(done.words())


@app.command()
def publish() -> None:
    """Swap in a fresh analytics.duckdb for analysts."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.publish import publish as publish_job

    env = Env.open(Settings.load())
    publish_job(env)
    typer.echo(f"published {env.settings.analytics_file}")


@app.command()
def rebuild() -> None:
    """Make the warehouse anew from the lake; the old file stands until the new one is complete."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.publish import rebuild as rebuild_job

    typer.echo(f"rebuilt {rebuild_job(Env.open(Settings.load()))} days")


@app.command()
def quality(
    week: Annotated[str | None, typer.Option("--week", metavar="YYYY-Www", help="ISO week; else the last two.")] = None,
) -> None:
    """Print how people and system agreed in a week: misses among rejects, precision by rule, levels."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.quality import quality_lines

    for line in quality_lines(Env.open(Settings.load()), week):
        typer.echo(line)


@app.command()
def purge(
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be destroyed.")] = False,
) -> None:
    """Destroy what has reached the end of its life: so far the keys of stored pages (docs/privacy.md)."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.bodies import destroy_bodies, ending_bodies

    env = Env.open(Settings.load())
    at = parse_as_of(as_of) if as_of else env.now()
    if dry_run:
        for line in ending_bodies(env, at):
            typer.echo(line)
        return
    with timed(env, "purge", clock.business_day(at)) as reports:
        reports.append(destroy_bodies(env, at))
    typer.echo(reports[0].words())


@app.command()
def dictionary() -> None:
    """Print the data dictionary, made from the table contracts."""
    from caifeng.core.contracts import data_dictionary

    typer.echo(data_dictionary(Settings.load().contracts()))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks; all if none is named.")] = None,
) -> None:
    """Measure, side by side with others; one JSON line each; real pages and titles by CAIFENG_EVAL_DATA."""
    import subprocess

    root = Settings.load().root
    command = [sys.executable, "-m", "bench", *(names or ())]
    raise typer.Exit(subprocess.run(command, cwd=root, check=False).returncode)  # noqa: S603 - our own module


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(context: typer.Context) -> None:
    """Run the Airflow DAGs on the sample town, or with --input DIR on recorded material (--help for more)."""
    import subprocess

    root = Settings.load().root
    command = [sys.executable, "-m", "samples.demo", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=root, check=False).returncode)  # noqa: S603 - our own module


@notify_app.command("send")
def notify_send(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go where.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Attempts at most.")] = 200,
) -> None:
    """Put warnings and due duties into the outbox and send what waits; exit code 3 if something did not go out."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.notify import dry_run_lines, enqueue_due, send_waiting

    env = Env.open(Settings.load())
    if dry_run:
        for line in dry_run_lines(env, env.now()):
            typer.echo(line)
        return
    typer.echo(enqueue_due(env, env.now()).words())
    report = send_waiting(env, env.now(), limit)
    typer.echo(report.words())
    if report.failed:
        raise PartialError(f"channels with trouble: {', '.join(report.failed)} (see `caifeng notify list`)")


@notify_app.command("list")
def notify_list(limit: Annotated[int, typer.Option(min=1, help="Newest messages shown.")] = 50) -> None:
    """List the outbox, newest first: channel, roles, state, what the server said."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.notify import outbox_rows, row_lines

    for line in row_lines(outbox_rows(Env.open(Settings.load()), limit)):
        typer.echo(line)


@notify_app.command("test")
def notify_test(
    channel: Annotated[str, typer.Option("--channel", metavar="ID", help="Channel of config/notify.toml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go where.")] = False,
) -> None:
    """Send a trial message on one channel; exit code 3 if the server did not confirm it."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.notify import row_lines, send_test

    env = Env.open(Settings.load())
    row = send_test(env, env.now(), channel, dry_run=dry_run)
    typer.echo(row_lines([row])[0])
    if dry_run:
        typer.echo(row.text)
    elif row.state != "sent":
        raise PartialError(f"channel {channel}: {row.last_error or 'waits for its turn, the minute is full'}")


class Sheet(StrEnum):
    """A register kept as a sheet."""

    TRAINING = "training"
    ASSESSMENTS = "assessments"


SheetName = Annotated[Sheet, typer.Argument(help="training or assessments.")]


@sheets_app.command("template")
def sheets_template(
    sheet: SheetName, file: Annotated[Path, typer.Argument(help="xlsx to write; it must not exist.")]
) -> None:
    """Write an empty sheet with its columns, choices and notes."""
    from caifeng.jobs.sheets_import import write_template

    typer.echo(f"written {write_template(Settings.load(), sheet.value, file)}")


@sheets_app.command("import")
def sheets_import(
    sheet: SheetName,
    file: Annotated[Path, typer.Argument(help="csv or xlsx with the columns of the template.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Add a sheet's new rows to the register; bad rows come back in a copy with reasons. Units only, never persons."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.sheets_import import import_sheet

    report = import_sheet(Env.open(Settings.load()), sheet.value, file, dry_run=dry_run)
    typer.echo(report.words())
    for fault in report.faults:
        typer.echo(fault, err=True)
    if report.rejected:
        raise typer.Exit(1)


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


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"not a day: {text!r} (write YYYY-MM-DD)") from error


def _answer(lines: Iterable[str], all_good: bool) -> None:
    for line in lines:
        typer.echo(line)
    if not all_good:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: an expected error is one line on standard error and its exit code."""
    try:
        app()
    except CaifengError as error:
        typer.echo(f"caifeng: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
