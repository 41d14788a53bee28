"""The stages of a day, the analysts' copy, and what rests on them."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from typing import Annotated

import typer

from caifeng.cli.common import AsJson, Day, parse_day
from caifeng.core import clock
from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.screen import progress, say, show

app = typer.Typer()


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
    for report in run_stages(Settings.load(), parse_day(day), between(first, last), moment):
        say(report.words())


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", metavar="D1", help="First day.")],
    last: Annotated[str, typer.Option("--to", metavar="D2", help="Last day.")],
) -> None:
    """Run all stages for every day from D1 to D2, in day order (issue numbers depend on it)."""
    from caifeng.jobs.stages import run_stages

    start, stop = parse_day(first), parse_day(last)
    if start > stop:
        raise UsageError(f"--from {first} comes after --to {last}")
    days = [start + timedelta(days=offset) for offset in range((stop - start).days + 1)]
    with progress("补算", len(days)) as step:
        for day in days:
            for report in run_stages(Settings.load(), day):
                say(report.words())
            step(day.isoformat())


@app.command()
def publish() -> None:
    """Swap in a fresh analytics.duckdb for analysts."""
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.publish import publish as publish_job

    env = Env.open(Settings.load())
    with timed(env, "publish", clock.business_day(env.now())):
        publish_job(env)
    say(f"published {env.settings.analytics_file}")


@app.command()
def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Compare every mart with what stood; exit code 1.")] = False,
) -> None:
    """Make the warehouse anew from the lake; the old file stands until the new one is complete."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.publish import rebuild as rebuild_job

    env = Env.open(Settings.load())
    before = env.warehouse.fingerprints() if check else {}
    with progress("重建", len(env.lake.days("ops.sources"))) as step:
        say(f"rebuilt {rebuild_job(env, step)} days")
    now = env.warehouse.fingerprints() if check else {}
    differing = [table for table in now if now[table] != before.get(table)]
    for table in differing:
        say(f"{table}: {before.get(table, 'was missing')}, now {now[table]}", to=sys.stderr)
    if differing:
        raise typer.Exit(1)
    if check:
        say(f"{len(now)} marts are what they were")


@app.command()
def stale(
    first: Annotated[str | None, typer.Option("--from", metavar="D1", help="First day; else the first of all.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="D2", help="Last day; else the last.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what is out of date and why: a late post, a changed rule, a decision; exit code 1 if anything is."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.stale import stale as stale_job
    from caifeng.jobs.stale import stale_listing

    found = stale_job(Env.open(Settings.load()), _maybe(first), _maybe(last))
    show(stale_listing(found), as_json=as_json)
    if found:
        raise typer.Exit(1)


@app.command()
def refresh(
    first: Annotated[str | None, typer.Option("--from", metavar="D1", help="First day; else the first of all.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="D2", help="Last day; else the last.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make it anew; without it, only list.")] = False,
) -> None:
    """Make anew exactly what is out of date, in day order; the rest stays as it is."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.publish import publish as publish_job
    from caifeng.jobs.stale import refresh as refresh_job
    from caifeng.jobs.stale import stale as stale_job
    from caifeng.jobs.stale import stale_listing

    env = Env.open(Settings.load())
    if not apply:
        show(stale_listing(stale_job(env, _maybe(first), _maybe(last))))
        return
    done = 0
    for report in refresh_job(env, _maybe(first), _maybe(last)):
        say(report.words())
        done += 1
    if done:
        publish_job(env)
    say(f"{done} stages made anew")


def _maybe(day: str | None) -> date | None:
    return parse_day(day) if day else None


@app.command()
def quality(
    week: Annotated[str | None, typer.Option("--week", metavar="YYYY-Www", help="ISO week; else the last two.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print how people and system agreed in a week: misses among rejects, precision by rule, levels."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.quality import quality_listing

    show(quality_listing(Env.open(Settings.load()), week), as_json=as_json)
