"""Reads the rules of the register: config/deadlines.toml, policy_basis.toml, register.toml, holidays/."""

from pathlib import Path

from pydantic import ValidationError

from caifeng.cases.guards import CaseRules
from caifeng.cases.workdays import HolidayNotice, WorkCalendar
from caifeng.core.errors import ConfigError
from caifeng.core.model.deadlines import DeadlineRules, PolicyBasis
from caifeng.core.model.register import RegisterRules
from caifeng.core.settings import load_model, load_toml


def load_policy_basis(config: Path) -> PolicyBasis:
    """Documents and their words: config/policy_basis.toml.

    Raises:
        ConfigError: the file cannot be used.
    """
    return load_model(config / "policy_basis.toml", PolicyBasis)


def load_deadline_rules(config: Path) -> DeadlineRules:
    """Limits in force, with the documents they cite: config/deadlines.toml and config/policy_basis.toml.

    Raises:
        ConfigError: a file cannot be used, or a limit cites a rule that does not exist or does not set it.
    """
    path = config / "deadlines.toml"
    values = load_toml(path)
    if "policy" in values:
        raise ConfigError(path, "policy", "belongs into policy_basis.toml")
    try:
        return DeadlineRules.model_validate({**values, "policy": load_policy_basis(config)})
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(path, ".".join(map(str, first["loc"])), first["msg"]) from error


def load_calendar(config: Path) -> WorkCalendar:
    """Working days of every year that has a file config/holidays/<year>.toml.

    Raises:
        ConfigError: there is no file, or one cannot be used or is not named after its year.
    """
    notices = []
    for path in sorted((config / "holidays").glob("*.toml")):
        notice = load_model(path, HolidayNotice)
        if str(notice.year) != path.stem:
            raise ConfigError(path, "year", f"is {notice.year}, the file name says {path.stem}")
        notices.append(notice)
    if not notices:
        raise ConfigError(config / "holidays", "", "no holiday notice found")
    return WorkCalendar(notices)


def load_case_rules(config: Path) -> CaseRules:
    """What the guards ask for beyond the law: config/register.toml, and the working days.

    Raises:
        ConfigError: a file cannot be used.
    """
    return CaseRules(load_model(config / "register.toml", RegisterRules), load_calendar(config))
