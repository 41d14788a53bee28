"""Validate every configuration file at once."""

from __future__ import annotations

from collections.abc import Callable

from caifeng.cases.rules import load_calendar, load_deadline_rules, load_policy_basis
from caifeng.cases.workdays import calendar_warnings
from caifeng.core import clock
from caifeng.core.errors import CaifengError, ConfigError
from caifeng.core.model.bursts import BurstRules
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import Settings, load_model
from caifeng.core.warehouse import mart_queries
from caifeng.jobs.bursts import load_calendar as load_releases
from caifeng.jobs.crawl_plan import load_collection
from caifeng.jobs.quality import load_quality


def check_configuration(settings: Settings) -> list[str]:
    """Faults found in the configuration, one line each; empty if all is in order."""
    faults = [str(error) for error in settings.sources().errors.values()]
    checks: tuple[Callable[[], object], ...] = (
        settings.office,
        settings.grading,
        settings.taxonomy,
        settings.stance,
        settings.contracts,
        lambda: mart_queries(settings.root / "sql"),
        lambda: _check_topics(settings),
        lambda: load_deadline_rules(settings.config),
        lambda: load_policy_basis(settings.config),
        lambda: load_calendar(settings.config),
        lambda: load_model(settings.config / "grouping.toml", GroupingRules),
        lambda: load_collection(settings.config),
        lambda: load_releases(settings.config),
        lambda: load_quality(settings.config),
        lambda: load_model(settings.config / "bursts.toml", BurstRules),
    )
    for check in checks:
        try:
            check()
        except CaifengError as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))


def configuration_warnings(settings: Settings) -> list[str]:
    """What will be wrong soon: next year's holiday notice is missing."""
    try:
        calendar = load_calendar(settings.config)
    except CaifengError:
        return []  # a fault, not a warning
    return calendar_warnings(calendar, clock.business_day(clock.now(settings.as_of)))


def _check_topics(settings: Settings) -> None:
    """Every topic of the taxonomy needs its points and a unit that answers for it."""
    units = {unit.id for unit in settings.office().units}
    for topic in settings.taxonomy().topics:
        if topic.id not in settings.grading().topic_base:
            path = settings.config / "grading.toml"
            raise ConfigError(path, f"topic_base.{topic.id}", "missing, but the taxonomy has this topic")
        if topic.owner not in units:
            path = settings.config / "taxonomy" / f"{topic.id}.toml"
            raise ConfigError(path, "owner", f"{topic.owner!r} is no unit of config/units.toml")
