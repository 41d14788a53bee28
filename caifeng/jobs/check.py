"""Validate every configuration file at once."""

from __future__ import annotations

from collections.abc import Callable

from caifeng.core.errors import CaifengError
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
    )
    for check in checks:
        try:
            check()
        except CaifengError as error:
            faults.append(str(error))
    return faults
