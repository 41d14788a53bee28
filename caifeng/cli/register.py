"""What people decide: cases, messages to them, registers kept as sheets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caifeng.cli.common import AsOf
from caifeng.core.errors import PartialError
from caifeng.core.settings import Settings, parse_as_of

app = typer.Typer()


case_app = typer.Typer(help="The register: state, deadlines, legal actions.", no_args_is_help=True)
app.add_typer(case_app, name="case")


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


@case_app.command("copy")
def copy_case_register(
    source: Annotated[str, typer.Argument(help="Address of the register that is: sqlite:///var/register.db")],
    target: Annotated[str, typer.Argument(help="Address of an empty one: postgresql://user@host/caifeng")],
) -> None:
    """Copy register and outbox as they are into another, empty database; the chain is checked there."""
    from caifeng.cases.service import verify_chain
    from caifeng.cases.store import Register
    from caifeng.jobs.backup import copy_register

    typer.echo(f"copied {copy_register(source, target)} rows")
    copy = Register(target)
    try:
        faults = verify_chain(copy)
    finally:
        copy.close()
    for fault in faults or ["the register is whole"]:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)


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


sheets_app = typer.Typer(help="Registers kept as sheets: training, reward and blame of units.", no_args_is_help=True)
app.add_typer(sheets_app, name="sheets")


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
