"""What people decide: cases, messages to them, registers kept as sheets."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caifeng.cli.common import AsJson, AsOf, parse_day
from caifeng.core import clock
from caifeng.core.errors import PartialError, UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.screen import say, show

app = typer.Typer()


case_app = typer.Typer(help="The register: state, deadlines, legal actions.", no_args_is_help=True)
app.add_typer(case_app, name="case")


@case_app.command("list")
def list_cases(
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """List the cases that wait for somebody: state, next step, role, hours left (negative when overdue)."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_list import case_listing

    show(case_listing(Env.open(Settings.load()), parse_as_of(as_of) if as_of else None), as_json=as_json)


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
        say(line)


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
    say(event_words(appended))


@case_app.command("verify")
def verify_register() -> None:
    """Check the hash chain of the register; exit code 1 if anything was changed or is missing."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_actions import verify_register as verify

    faults = verify(Env.open(Settings.load()))
    for fault in faults:
        say(fault)
    if faults:
        raise typer.Exit(1)
    say("the register is whole")


@case_app.command("copy")
def copy_case_register(
    source: Annotated[str, typer.Argument(help="Address of the register that is: sqlite:///var/register.db")],
    target: Annotated[str, typer.Argument(help="Address of an empty one: postgresql://user@host/caifeng")],
) -> None:
    """Copy register and outbox as they are into another, empty database; the chain is checked there."""
    from caifeng.cases.service import verify_chain
    from caifeng.cases.store import Register
    from caifeng.jobs.backup import copy_register

    say(f"copied {copy_register(source, target)} rows")
    copy = Register(target)
    try:
        faults = verify_chain(copy)
    finally:
        copy.close()
    for fault in faults or ["the register is whole"]:
        say(fault)
    if faults:
        raise typer.Exit(1)


@case_app.command("import")
def import_ledger(
    file: Annotated[
        Path, typer.Argument(help="A ledger (台账) that we wrote and people edited, or an office's old one.")
    ],
    apply: Annotated[
        bool, typer.Option("--apply", help="Register it; without it, only show what would be done.")
    ] = False,
    role: Annotated[str, typer.Option("--role", help="Role of whoever acts.")] = "openness_office",
    actor: Annotated[str, typer.Option("--actor", help="Pseudonymous id, never a name.")] = "",
    on_behalf: Annotated[
        str | None, typer.Option("--on-behalf", help="Role that decided what the ledger says.")
    ] = None,
    decided_at: Annotated[str | None, typer.Option("--decided-at", help="When it decided.")] = None,
    medium: Annotated[str, typer.Option("--medium", help="paper, phone, page or form.")] = "paper",
    scan_hash: Annotated[str | None, typer.Option("--scan-hash", help="SHA-256 of the scan.")] = None,
) -> None:
    """Read a ledger row by row: edits of ours become actions, an old one's rows old cases; refused rows come back."""
    from caifeng.cases.model import Actor
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_actions import parse_on_behalf
    from caifeng.jobs.case_import import import_old_ledger
    from caifeng.jobs.ledger_import import is_our_ledger, read_back

    if apply and not actor:
        raise UsageError("--apply needs --actor: who registers it")
    env, who = Env.open(Settings.load()), Actor(role, actor) if actor else None
    if is_our_ledger(file):
        behalf = parse_on_behalf(on_behalf, decided_at, medium, scan_hash)
        edited = read_back(env, file, who, apply=apply, on_behalf=behalf)
        lines, refused, copy = edited.lines(), len(edited.refused), edited.rejected_file
    else:
        old = import_old_ledger(env, file, apply=apply, actor=who)
        lines, refused, copy = old.words(), old.counts["rejected"], old.rejected_file
    for line in lines:
        say(line)
    if copy:
        say(f"退回的行：{copy}", to=sys.stderr)
    if refused:
        raise typer.Exit(1)


@case_app.command("diagram")
def case_diagram() -> None:
    """Print the states of a case as a page (docs/case-states.md)."""
    from caifeng.cases.diagram import diagram

    say(diagram().rstrip("\n"))


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

    say(event_words(erase(Env.open(Settings.load()), position, reason, Actor(role, actor))))


notify_app = typer.Typer(help="Messages to the office: what waits, was sent, or was not.", no_args_is_help=True)
app.add_typer(notify_app, name="notify")


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
            say(line)
        return
    say(enqueue_due(env, env.now()).words())
    report = send_waiting(env, env.now(), limit)
    say(report.words())
    if report.failed:
        raise PartialError(f"channels with trouble: {', '.join(report.failed)} (see `caifeng notify list`)")


@notify_app.command("list")
def notify_list(
    limit: Annotated[int, typer.Option(min=1, help="Newest messages shown.")] = 50, as_json: AsJson = False
) -> None:
    """List the outbox, newest first: channel, roles, state, what the server said."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.notify import outbox_listing, outbox_rows

    show(outbox_listing(outbox_rows(Env.open(Settings.load()), limit)), as_json=as_json)


@notify_app.command("test")
def notify_test(
    channel: Annotated[str, typer.Option("--channel", metavar="ID", help="Channel of config/notify.toml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go where.")] = False,
) -> None:
    """Send a trial message on one channel; exit code 3 if the server did not confirm it."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.notify import outbox_listing, send_test

    env = Env.open(Settings.load())
    row = send_test(env, env.now(), channel, dry_run=dry_run)
    show(outbox_listing([row]))
    if dry_run:
        say(row.text)
    elif row.state != "sent":
        raise PartialError(f"channel {channel}: {row.last_error or 'waits for its turn, the minute is full'}")


sheets_app = typer.Typer(
    help="Registers kept as sheets: training, reward and blame of units, improvement measures, practices of others.",
    no_args_is_help=True,
)
app.add_typer(sheets_app, name="sheets")


publications_app = typer.Typer(help="What must be published unasked (Art. 14.5).", no_args_is_help=True)
app.add_typer(publications_app, name="publications")
Item = Annotated[str, typer.Argument(help="Id in config/publications.toml.")]
Period = Annotated[str | None, typer.Option("--period", help="2026-10, 2026Q3, 2026; else the oldest that waits.")]
Role = Annotated[str, typer.Option("--role", help="Role of whoever acts.")]
Account = Annotated[str, typer.Option("--actor", help="Pseudonymous id, never a name.")]


@publications_app.command("list")
def list_publications(
    day: Annotated[str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="As of this day; else today.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is published or not yet due.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what must be published unasked: overdue, due, to be confirmed."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.publications import publication_listing

    env = Env.open(Settings.load())
    of = parse_day(day) if day else clock.business_day(env.now())
    show(publication_listing(env, of, everything=everything), as_json=as_json)


@publications_app.command("done")
def publication_done(
    item: Item,
    role: Role,
    actor: Account,
    on: Annotated[str | None, typer.Option("--on", metavar="YYYY-MM-DD", help="Day of publication.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where it is.")] = None,
    period: Period = None,
    was_not: Annotated[bool, typer.Option("--not", help="It was not published, whatever was found.")] = False,
) -> None:
    """Register that an item was published."""
    from caifeng.cases.model import Actor
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_list import event_words
    from caifeng.jobs.publications import note_published

    if was_not == bool(on):
        raise UsageError("give --on DAY, or --not")
    day = parse_day(on) if on else None
    done = note_published(Env.open(Settings.load()), item, day, url, Actor(role, actor), period=period)
    say(event_words(done))


@publications_app.command("started")
def publication_started(
    item: Item,
    role: Role,
    actor: Account,
    on: Annotated[str, typer.Option("--on", metavar="YYYY-MM-DD", help="Day from which the limit runs.")],
    period: Period = None,
) -> None:
    """Register the day from which an item's limit runs."""
    from caifeng.cases.model import Actor
    from caifeng.jobs.base import Env
    from caifeng.jobs.case_list import event_words
    from caifeng.jobs.publications import note_started

    env = Env.open(Settings.load())
    say(event_words(note_started(env, item, parse_day(on), Actor(role, actor), period=period)))


@app.command()
def duty(
    first: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day; else today.")] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="How many.")] = 14,
    as_json: AsJson = False,
) -> None:
    """Print who is on duty, day by day (config/units.toml)."""
    from caifeng.jobs.duty import roster_listing

    settings = Settings.load()
    start = parse_day(first) if first else clock.business_day(clock.now(settings.as_of))
    show(roster_listing(settings.office(), start, days), as_json=as_json)


class Sheet(StrEnum):
    """A register kept as a sheet."""

    TRAINING = "training"
    ASSESSMENTS = "assessments"
    IMPROVEMENTS = "improvements"
    PRACTICES = "practices"


SheetName = Annotated[Sheet, typer.Argument(help="training, assessments, improvements or practices.")]


@sheets_app.command("template")
def sheets_template(
    sheet: SheetName, file: Annotated[Path, typer.Argument(help="xlsx to write; it must not exist.")]
) -> None:
    """Write an empty sheet with its columns, choices and notes."""
    from caifeng.jobs.sheets_import import write_template

    say(f"written {write_template(Settings.load(), sheet.value, file)}")


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
    say(report.words())
    for fault in report.faults:
        say(fault, to=sys.stderr)
    if report.rejected:
        raise typer.Exit(1)
