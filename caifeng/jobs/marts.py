"""Warehouse -> marts: every SELECT under sql/marts, for one day."""

from datetime import UTC, date, datetime
from typing import NamedTuple

from caifeng.core.errors import DataError
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.gates import gate_marts


class Evaluation(NamedTuple):
    """A grading of a day: for which moment, by which rules."""

    as_of: datetime
    rule_version: str

    @property
    def part(self) -> str:
        """Name of its file in graded.issue_grades; it exists also where there was nothing to grade."""
        return f"{self.as_of.astimezone(UTC):%Y%m%dT%H%M%S}-{self.rule_version}"


def evaluations(env: Env, day: date) -> list[Evaluation]:
    """The gradings of a day that the lake holds, oldest first."""
    found = []
    for file in env.lake.files("graded.issue_grades", day):
        moment, _, rule_version = file.stem.partition("-")
        found.append(Evaluation(datetime.strptime(moment + "+0000", "%Y%m%dT%H%M%S%z"), rule_version))
    return found


def marts(env: Env, day: date, as_of: datetime) -> JobReport:
    """Build the day's marts as of a moment for which it was graded.

    Where one moment was graded by several rule versions, the one in force counts.

    Raises:
        DataError: the day was not graded for that moment.
    """
    graded = evaluations(env, day)
    versions = [e.rule_version for e in graded if e.as_of == as_of]
    if not versions:
        known = ", ".join(e.as_of.isoformat() for e in graded) or "never"
        raise DataError(f"{day} was not graded as of {as_of.isoformat()} (graded: {known}); run stage grade first")
    in_force = env.settings.grading(day).rule_version
    rows = env.warehouse.build_marts(day, as_of, in_force if in_force in versions else versions[-1])
    counts = {name.removeprefix("marts."): count for name, count in rows.items()}
    gate_marts(env, day)
    return JobReport("marts", day, as_of, counts)
