"""Configuration, retention, measuring, trying."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from caifeng.cli.common import AsJson, AsOf, parse_day
from caifeng.core import clock
from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.screen import say, show

app = typer.Typer()


@app.command()
def check(
    deploy: Annotated[
        bool,
        typer.Option("--deploy", help="Also what a cluster needs of its environment: settings, secrets, stores."),
    ] = False,
    drift: Annotated[bool, typer.Option("--drift", help="Also compare contracts with lake and warehouse.")] = False,
) -> None:
    """Validate all configuration and table contracts; every fault is one line naming file and field."""
    from caifeng.jobs.check import check_configuration, configuration_warnings
    from caifeng.jobs.start_check import start_faults, start_warnings

    missing = start_faults(os.environ) if deploy else []
    settings = Settings.load()
    for warning in [*configuration_warnings(settings), *(start_warnings(settings) if deploy else ())]:
        say(f"warning: {warning}", to=sys.stderr)
    faults = [*missing, *check_configuration(settings)]
    for fault in faults:
        say(fault, to=sys.stderr)
    if faults:
        raise typer.Exit(2)
    say("configuration is in order")
    if not drift:
        return
    from caifeng.jobs.base import Env
    from caifeng.jobs.drift import drift as find_drift

    found = find_drift(Env.open(settings))
    for line in found:
        say(line, to=sys.stderr)
    if found:
        raise typer.Exit(1)
    say("lake and warehouse are as their contracts say")


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
        say(line)
    if dry_run or not (yes or typer.confirm("Write these files?")):
        return
    written = write_office(settings.config, office, base, force=force)
    say(f"wrote {len(written)} files to {settings.config}; next: caifeng check, then caifeng sources review ID")


@app.command()
def purge(
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be destroyed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Destroy what has reached the end of its life, pages and words, and certify it (docs/privacy.md)."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.bodies import destroy_bodies
    from caifeng.jobs.purge import due_listing
    from caifeng.jobs.purge import purge as end_words

    env = Env.open(Settings.load())
    given = parse_as_of(as_of) if as_of else None
    at = given or env.now()
    if dry_run:
        show(due_listing(env, at), as_json=as_json)
        return
    if as_json:
        raise UsageError("--json belongs to --dry-run")
    for job in (destroy_bodies, end_words):
        with timed(env, "purge", clock.business_day(at)) as reports:
            reports.append(job(env, given))
        say(reports[0].words())


objection_app = typer.Typer(help="Posts that somebody wants out (个人信息保护法 Art. 44-47).", no_args_is_help=True)
app.add_typer(objection_app, name="objection")


@objection_app.command("add")
def add_objection(
    url: Annotated[str, typer.Argument(help="Address of the post, in any spelling.")],
    reason: Annotated[
        str, typer.Option("--reason", help="own_data, deleted_at_source, minor, mistaken, court_or_authority or other.")
    ],
) -> None:
    """Take a post out everywhere and keep it out: somebody objected."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.objections import add_objection as add

    say(add(Env.open(Settings.load()), url, reason).words())


@objection_app.command("list")
def list_objections(as_json: AsJson = False) -> None:
    """Show the register of objections; it holds no addresses."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.objections import objection_listing

    show(objection_listing(Env.open(Settings.load())), as_json=as_json)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="One object with all checks.")] = False) -> None:
    """Is the system well? One screen: crawl, runs, publication, disk, register, outbox, sources; else exit code 1."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.status import status as checks
    from caifeng.jobs.status import status_json, status_listing

    env = Env.open(Settings.load())
    found = checks(env, env.now())
    if as_json:
        say(status_json(found))
    else:
        show(status_listing(found))
    if not all(check.ok for check in found):
        raise typer.Exit(1)


@app.command()
def watchdog() -> None:
    """Say that the system is silent, also when nothing else runs: for cron; exit code 1 if it is."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.status import status_listing
    from caifeng.jobs.watchdog import watchdog as watch

    env = Env.open(Settings.load())
    report, unwell = watch(env, env.now())
    if unwell:
        show(status_listing(unwell))
    say(report.words())
    if unwell:
        raise typer.Exit(1)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="Folder on another disk; it holds every file once.")],
    listed: Annotated[bool, typer.Option("--list", help="Only name the backups that are there.")] = False,
    check_only: Annotated[bool, typer.Option("--check", help="Only check the newest: every file, the chain.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a backup of lake, register, documents, logs and configuration; what is there already is not copied again."""
    from caifeng.jobs.backup import backup as backup_job
    from caifeng.jobs.backup import backup_listing, backups, check_backup
    from caifeng.jobs.base import Env

    if not listed and not check_only:
        say(backup_job(Env.open(Settings.load()), folder).words())
        return
    found = backups(folder)
    if not found:
        raise UsageError(f"{folder}: no backup is there")
    faults = check_backup(found[-1]) if check_only else []
    for line in faults:
        say(line)
    if not faults:
        show(backup_listing(found if listed else found[-1:]), as_json=as_json)
    if faults:
        raise typer.Exit(1)


@app.command()
def restore(
    manifest: Annotated[Path, typer.Argument(help="List of a backup: FOLDER/backups/<time>.json.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check the backup and say what would be done.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Set aside what stands in CAIFENG_HOME, and restore.")] = False,
) -> None:
    """Check a backup, bring it back into CAIFENG_HOME and CAIFENG_CONFIG, and rebuild the warehouse."""
    from caifeng.jobs.backup import restore as restore_job

    for line in restore_job(Settings.load(), manifest, dry_run=dry_run, force=force):
        say(line)


@app.command()
def verify(
    days: Annotated[
        list[str] | None, typer.Argument(help="Days (YYYY-MM-DD); all that have checksums if none.")
    ] = None,
) -> None:
    """Compare the documents of days with their checksums (outputs/<day>/SHA256SUMS); 1 if one is not as written."""
    from caifeng.core.checksums import NAME, checksum_faults

    root = Settings.load().outputs_dir
    folders = [root / parse_day(day).isoformat() for day in days or ()] or sorted(
        p.parent for p in root.glob(f"*/{NAME}")
    )
    if not folders:
        raise UsageError(f"{root}: no day has checksums yet")
    faults = [fault for folder in folders for fault in checksum_faults(folder)]
    for fault in faults:
        say(fault, to=sys.stderr)
    if faults:
        raise typer.Exit(1)
    say(f"documents of {len(folders)} days are as they were written")


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks; all if none is named; `report` writes docs/benchmarks.md.")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the figures in bench/results/, for the report.")] = False,
) -> None:
    """Measure, side by side with others; one JSON line each; real pages and titles by CAIFENG_EVAL_DATA."""
    import subprocess

    root = Settings.load().root
    command = [sys.executable, "-m", "bench", *(["--save"] if save else []), *(names or ())]
    raise typer.Exit(subprocess.run(command, cwd=root, check=False).returncode)  # noqa: S603 - our own module


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(context: typer.Context) -> None:
    """Run the Airflow DAGs on the sample town, or with --input DIR on recorded material (--help for more)."""
    import subprocess

    root = Settings.load().root
    command = [sys.executable, "-m", "samples.demo", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=root, check=False).returncode)  # noqa: S603 - our own module
