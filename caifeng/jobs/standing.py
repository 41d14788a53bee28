"""graded.issue_grades of an evaluation + register -> graded.issue_levels: the level of each issue over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from caifeng.cases.model import Event
from caifeng.cases.service import cases_of
from caifeng.core.model.early_warning import EarlyWarningRules
from caifeng.core.settings import load_model
from caifeng.jobs.base import LOOKBACK, Env
from caifeng.jobs.gates import gated
from caifeng.jobs.marts import Evaluation
from transforms.grade import standing
from transforms.grade.standing import CONFIRMED


def standing_levels(env: Env, day: date, evaluation: Evaluation, graded: pl.DataFrame) -> pl.DataFrame:
    """Write the evaluation's file of graded.issue_levels; later evaluations and later words of people do not count.

    Args:
        env: where things are.
        day: the day that was graded.
        evaluation: its moment and rule version.
        graded: `issue_no` and `level` of the issues graded.

    Returns:
        The rows written.

    Raises:
        ConfigError: config/early_warning.toml breaks the model.
        GateError: a rule of the table is broken.
    """
    with env.register() as register:
        confirmed = confirmed_levels(register.events(until=evaluation.as_of))
    found = standing.standing_levels(
        graded.select("issue_no", "level").with_columns(
            as_of=pl.lit(evaluation.as_of.astimezone(UTC)).cast(pl.Datetime("us", "UTC")),
            rule_version=pl.lit(evaluation.rule_version),
        ),
        earlier_levels(env, day, evaluation.as_of),
        confirmed,
        load_early_warning(env.settings.config).over_time,
    )
    levels = gated(env, "graded.issue_levels", day, found)
    env.lake.replace("graded.issue_levels", day, levels, evaluation.part)
    return levels


def load_early_warning(config: Path) -> EarlyWarningRules:
    """Read config/early_warning.toml; without the file, as in a home made before there was one, the defaults hold.

    Raises:
        ConfigError: the file breaks the model.
    """
    path = config / "early_warning.toml"
    return load_model(path, EarlyWarningRules) if path.exists() else EarlyWarningRules()


def earlier_levels(env: Env, day: date, as_of: datetime) -> pl.DataFrame:
    """Rows of graded.issue_levels before a moment that can be an issue's last one.

    The last evaluation of a day has all issues of that day, so of each day only its files are read.
    """
    moment = f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S}"
    files: list[Path] = []
    for found in env.lake.days("graded.issue_levels"):
        made = [file for file in env.lake.files("graded.issue_levels", found) if _moment(file) < moment]
        if made and found >= day - LOOKBACK:
            files += [file for file in made if _moment(file) == _moment(made[-1])]
    if not files:
        return pl.DataFrame(schema=env.contracts["graded.issue_levels"].polars_schema())
    return pl.read_parquet(files, hive_partitioning=False)


def confirmed_levels(events: Sequence[Event]) -> pl.DataFrame:
    """Level of each issue that a person set last: rows of `transforms.grade.standing.CONFIRMED`.

    Args:
        events: of the register, in their order, up to the moment of the evaluation.
    """
    said = {event.subject: event for event in events if event.from_state is not None and "level" in event.codes}
    rows = [
        (issue_no, case.level, said[issue_no].decided_at, said[issue_no].role)
        for issue_no, case in cases_of(events).items()
        if case.level is not None
    ]
    return pl.DataFrame(rows, schema=CONFIRMED, orient="row").sort("issue_no")


def _moment(file: Path) -> str:
    return file.stem.partition("-")[0]
