"""Paper."""

from __future__ import annotations

from typing import Annotated

import typer

from caifeng.cli.common import AsOf, Day, parse_day
from caifeng.core.settings import Settings, parse_as_of

app = typer.Typer()


report_app = typer.Typer(help="Write documents again from the marts.", no_args_is_help=True)
app.add_typer(report_app, name="report")


@report_app.command("daily")
def report_daily(day: Day) -> None:
    """Write 政务舆情日志, 预警报送清单 and the dashboard of a day."""
    from caifeng.jobs.stages import run_stages

    settings = Settings.load()
    for report in run_stages(settings, parse_day(day), ("outputs",)):
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
