"""The second engine."""

from __future__ import annotations

from typing import Annotated

import typer

from caifeng.cli.common import Day, parse_day
from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.screen import say

app = typer.Typer()
spark = typer.Typer(help="Run a day on Spark: for volumes beyond one machine.", no_args_is_help=True)
app.add_typer(spark, name="spark")


@spark.command("run")
def run(
    day: Day,
    first: Annotated[str | None, typer.Option("--from", help="First stage.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last stage; outputs are made by `caifeng run`.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Moment of the evaluation; default end of D.")] = None,
    master: Annotated[str | None, typer.Option(help="Spark master; default local[2].")] = None,
) -> None:
    """Run the stages clean … marts of one day on Spark: the same lake, and marts compared with DuckDB's."""
    from caifeng.jobs.stages import between
    from caifeng.spark.session import MASTER, spark_session
    from caifeng.spark.stages import run_on_spark

    moment, stages = parse_as_of(as_of) if as_of else None, between(first, last or "marts")
    if "outputs" in stages:
        raise UsageError("--to outputs: documents are not made on Spark; run `caifeng run --from outputs`")
    with spark_session(master or MASTER) as session:
        for report in run_on_spark(session, Settings.load(), parse_day(day), stages, moment):
            say(report.words())
