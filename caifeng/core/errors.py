"""Errors a user can act on. Each carries the exit code of the command line (docs/operate.md)."""

from pathlib import Path


class CaifengError(Exception):
    """Base of all expected errors: printed as one line, without a trace."""

    exit_code = 1


class DataError(CaifengError):
    """Data broke a contract or a check; names table, column and a count."""


class ConfigError(CaifengError):
    """Configuration cannot be used; names file, field and reason."""

    exit_code = 2

    def __init__(self, path: Path | str, field: str, reason: str) -> None:
        self.path, self.field, self.reason = str(path), field, reason
        super().__init__(f"{path}: {field}: {reason}" if field else f"{path}: {reason}")


class UsageError(CaifengError):
    """The call cannot be carried out as given: unknown stage, port in use, path not writable."""

    exit_code = 2


class PartialError(CaifengError):
    """Some sources failed, the others were landed."""

    exit_code = 3
