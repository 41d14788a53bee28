"""Validate every configuration file at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from caifeng.cases.rules import load_calendar, load_case_rules, load_deadline_rules, load_policy_basis
from caifeng.cases.workdays import calendar_warnings
from caifeng.core import clock
from caifeng.core.errors import CaifengError, ConfigError
from caifeng.core.model.bursts import BurstRules
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import Settings, load_model
from caifeng.core.warehouse import mart_queries
from caifeng.jobs.answers import load_answers
from caifeng.jobs.bursts import load_calendar as load_releases
from caifeng.jobs.crawl_plan import load_collection
from caifeng.jobs.duty import roster_warnings
from caifeng.jobs.notify import load_notify
from caifeng.jobs.papers import check_templates
from caifeng.jobs.publications import load_publications
from caifeng.jobs.quality import load_quality
from caifeng.jobs.standing import load_early_warning
from caifeng.jobs.status import load_observability


def check_configuration(settings: Settings) -> list[str]:
    """Faults found in the configuration, one line each; empty if all is in order."""
    faults = [str(error) for error in settings.sources().errors.values()]
    checks: tuple[Callable[[], object], ...] = (
        settings.office,
        settings.grading_versions,
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
        lambda: load_early_warning(settings.config),
        lambda: load_case_rules(settings.config),
        lambda: load_notify(settings.config),
        lambda: load_answers(settings.config),
        lambda: load_publications(settings),
        lambda: load_observability(settings.config),
        settings.review_rules,
    )
    for check in checks:
        try:
            check()
        except CaifengError as error:
            faults += str(error).splitlines()
    faults += check_templates(settings.config)
    faults += lake_faults(settings)
    return list(dict.fromkeys(faults))


def lake_faults(settings: Settings) -> list[str]:
    """What keeps the lake from standing where CAIFENG_LAKE says, one line each. A bucket is tried with an object."""
    try:
        return [f"CAIFENG_LAKE: {fault}" for fault in settings.lake_store(patience=timedelta(seconds=10)).faults()]
    except CaifengError as error:
        return [str(error) if str(error).startswith(("CAIFENG_LAKE", "AWS_")) else f"CAIFENG_LAKE: {error}"]


def configuration_warnings(settings: Settings) -> list[str]:
    """What will be wrong soon: next year's holiday notice is missing, the duty roster ends."""
    try:
        calendar, office = load_calendar(settings.config), settings.office()
    except CaifengError:
        return []  # a fault, not a warning
    today = clock.business_day(clock.now(settings.as_of))
    return [*calendar_warnings(calendar, today), *roster_warnings(office, today)]


def _check_topics(settings: Settings) -> None:
    """Every topic of the taxonomy needs its points, today and later, and a unit that answers for it."""
    units = {unit.id for unit in settings.office().units}
    today = settings.grading(clock.business_day(clock.now(settings.as_of)))
    rules = [rules for rules in settings.grading_versions() if rules.effective_from >= today.effective_from]
    for topic in settings.taxonomy().topics:
        for version in rules:
            if topic.id not in version.topic_base:
                name = f"{version.name}: topic_base.{topic.id}"
                raise ConfigError(settings.config / "grading.toml", name, "missing, but the taxonomy has this topic")
        if topic.owner not in units:
            path = settings.config / "taxonomy" / f"{topic.id}.toml"
            raise ConfigError(path, "owner", f"{topic.owner!r} is no unit of config/units.toml")
