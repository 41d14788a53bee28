"""Paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from caifeng.cli.common import AsJson, AsOf, Day, parse_day
from caifeng.core import clock
from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.screen import say, show

app = typer.Typer()


report_app = typer.Typer(help="Write documents again from the marts.", no_args_is_help=True)
app.add_typer(report_app, name="report")


@report_app.command("daily")
def report_daily(day: Day) -> None:
    """Write 政务舆情日志, 预警报送清单 and the dashboard of a day."""
    from caifeng.jobs.stages import run_stages

    settings = Settings.load()
    for report in run_stages(settings, parse_day(day), ("outputs",)):
        say(f"{report.words()} in {settings.outputs_dir / day}")


@report_app.command("dashboard")
def report_dashboard(
    day: Annotated[str | None, typer.Option("--day", metavar="D", help="Dashboard of this day.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="D1", help="First day of a period.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="D2", help="Last day, included.")] = None,
) -> None:
    """Write the dashboard (看板, one self-contained HTML file) of a day, or of a period."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.dashboard import dashboard_file, write_dashboard

    if bool(day) == bool(last) or bool(first) != bool(last):
        raise UsageError("give --day, or both --from and --to")
    env = Env.open(Settings.load())
    end, begin = parse_day(day or last or ""), parse_day(first) if first else None
    path = dashboard_file(env, end, begin)
    write_dashboard(env, path, end, begin)
    say(f"written {path}")


Issue = Annotated[str, typer.Argument(help="Number of the issue: YQ-2026-0007.")]
Pdf = Annotated[bool, typer.Option("--pdf", help="Also a PDF copy, if LibreOffice is installed.")]


@report_app.command("flash")
def report_flash(issue_no: Issue, pdf: Pdf = False, as_of: AsOf = None) -> None:
    """Write 舆情快报 (one page)."""
    _paper("flash", issue_no, as_of, pdf)


@report_app.command("special")
def report_special(issue_no: Issue, pdf: Pdf = False, as_of: AsOf = None) -> None:
    """Write 舆情专报."""
    _paper("special", issue_no, as_of, pdf)


@report_app.command("paper")
def report_paper(
    kind: Annotated[str, typer.Argument(help="Id or Chinese name; `report papers` lists them.")],
    issue_no: Issue,
    given: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=VALUE", help="recipient, round, final, duty, form or at."),
    ] = None,
    pdf: Pdf = False,
    as_of: AsOf = None,
) -> None:
    """Write one document about an issue: 交办单, 报审单, 会商纪要, 归口报送单, 转办函, 督办单, 发布准备单."""
    pairs = [pair.partition("=") for pair in given or ()]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise UsageError(f"--with {wrong[0]}: write NAME=VALUE")
    _paper(kind, issue_no, as_of, pdf, {name: value for name, _, value in pairs})


@report_app.command("papers")
def report_papers(issue_no: Issue, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List which documents of an issue can be written, and which of their fields are still empty."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.papers import paper_listing

    moment = parse_as_of(as_of) if as_of else None
    show(paper_listing(Env.open(Settings.load()), issue_no, moment), as_json=as_json)


def _paper(kind: str, issue_no: str, as_of: str | None, pdf: bool, given: Mapping[str, str] | None = None) -> None:
    from caifeng.jobs.base import Env
    from caifeng.jobs.papers import paper_lines

    moment = parse_as_of(as_of) if as_of else None
    for line in paper_lines(Env.open(Settings.load()), kind, issue_no, moment, given, pdf):
        say(line)


@report_app.command("month")
def report_month(
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="Month under review.")],
    as_of: AsOf = None,
) -> None:
    """Build the month's review (月报 docx and xlsx, Parquet and CSV) from the days that were run."""
    _review("month", month, as_of)


@report_app.command("quarter")
def report_quarter(
    quarter: Annotated[str, typer.Option("--quarter", metavar="2026-Q4", help="Quarter under review.")],
    as_of: AsOf = None,
) -> None:
    """Build the quarter's review (季报 docx and xlsx, Parquet and CSV)."""
    _review("quarter", quarter, as_of)


@report_app.command("year")
def report_year(
    year: Annotated[str, typer.Option("--year", metavar="YYYY", help="Year under review.")],
    as_of: AsOf = None,
) -> None:
    """Build the year's review (年度总结 docx and xlsx, Parquet and CSV)."""
    _review("year", year, as_of)


def _review(kind: str, code: str, as_of: str | None) -> None:
    from caifeng.core.model.review import parse_period
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.review import review_period

    period = parse_period(code)
    if period.kind != kind:
        raise UsageError(f"not a {kind}: {code!r}")
    env = Env.open(Settings.load())
    with timed(env, "review", period.last) as reports:
        reports.append(review_period(env, code, parse_as_of(as_of) if as_of else None))
    say(f"{reports[0].words()} in {env.settings.outputs_dir / 'review' / code}")


@report_app.command("ledger")
def report_ledger(
    first: Annotated[str | None, typer.Option("--from", metavar="D1", help="First day of detection.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="D2", help="Last day, included.")] = None,
    quarter: Annotated[str | None, typer.Option("--quarter", metavar="2026-Q4", help="Instead of both days.")] = None,
    as_of: AsOf = None,
) -> None:
    """Write the ledger (台账, xlsx) of the issues found in a period; without one, of the current quarter."""
    from caifeng.jobs.base import Env
    from caifeng.jobs.ledger import quarter_days, write_ledger

    if (quarter and (first or last)) or bool(first) != bool(last):
        raise UsageError("give --quarter, or both --from and --to")
    env = Env.open(Settings.load())
    today = clock.business_day(env.now())
    current = quarter or f"{today.year}Q{(today.month + 2) // 3}"
    days = (parse_day(first), parse_day(last)) if first and last else quarter_days(current)
    say(f"written {write_ledger(env, *days, parse_as_of(as_of) if as_of else None)}")
