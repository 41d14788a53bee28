"""Validate every configuration file at once."""

from __future__ import annotations

from collections.abc import Callable

from caifeng.core.errors import CaifengError, ConfigError
from caifeng.core.settings import Settings
from caifeng.core.warehouse import mart_queries


def check_configuration(settings: Settings) -> list[str]:
    """Faults found in the configuration, one line each; empty if all is in order."""
    faults = [str(error) for error in settings.sources().errors.values()]
    checks: tuple[Callable[[], object], ...] = (
        settings.office,
        settings.grading,
        settings.taxonomy,
        settings.contracts,
        lambda: mart_queries(settings.root / "sql"),
        lambda: _check_topics(settings),
    )
    for check in checks:
        try:
            check()
        except CaifengError as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))


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
