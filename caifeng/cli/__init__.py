"""Command line of Caifeng: one verb per job, nothing else.

Exit codes: 0 ok, 1 a data check or an input line failed, 2 usage or configuration error, 3 some sources failed.
Jobs are imported inside the verbs: `--help` must not wait for Polars.
"""

import sys

import typer

from caifeng.cli import collect, documents, judge, quality, register, spark, stages, upkeep
from caifeng.core.errors import CaifengError
from caifeng.screen import say

app = typer.Typer(
    help="采风：听见公众对本单位工作的评价，公开定级，按时回应，从中改进。"
    "（Hear early, grade openly, answer on time, learn.）",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for part in (collect, stages, judge, register, documents, quality, upkeep, spark):
    app.add_typer(part.app)


def main() -> None:
    """Entry point: an expected error is one line on standard error and its exit code."""
    try:
        app()
    except CaifengError as error:
        say(f"caifeng: {error}", to=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
