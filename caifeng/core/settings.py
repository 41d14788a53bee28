"""Where things are, and the typed configuration files. Nothing is read at import."""

from __future__ import annotations

import os
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

import caifeng
from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.model.deadlines import PolicyBasis
from caifeng.core.model.grading import GradingRules, read_rules
from caifeng.core.model.office import Office, Units
from caifeng.core.model.review import ReviewRules
from caifeng.core.model.source import Source
from caifeng.core.model.stance import StanceRules, stance_rules_from
from caifeng.core.model.taxonomy import Taxonomy, taxonomy_from
from caifeng.core.store import Access, Folder, Store

Model = TypeVar("Model", bound=BaseModel)


class Sources(NamedTuple):
    """The readable source files, and for each unreadable one its id and what is wrong with it."""

    usable: tuple[Source, ...]
    errors: dict[str, ConfigError]


class Settings(BaseSettings):
    """Read from the environment: CAIFENG_HOME, CAIFENG_CONFIG, CAIFENG_AS_OF, CAIFENG_REGISTER_URL, CAIFENG_LAKE."""

    model_config = SettingsConfigDict(env_prefix="CAIFENG_", extra="ignore", frozen=True)

    home: Path = Path("var")
    """Everything that is written."""
    config: Path = Path("config")
    register_address: str | None = Field(default=None, validation_alias="CAIFENG_REGISTER_URL")
    """Address of the case register, where it is not a file in the home: sqlite:///FILE or postgresql://…."""
    lake: str | None = None
    """Where the lake stands, if not in the home: a folder or s3://bucket/prefix (AWS_* variables, docs/operate.md)."""
    as_of: AwareDatetime | None = None
    """Fixes the clock for replay; ISO 8601 with zone."""

    @classmethod
    def load(cls) -> Settings:
        """Settings of this process.

        Raises:
            UsageError: a variable cannot be read.
        """
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = "CAIFENG_" + str(first["loc"][0]).upper()
            raise UsageError(f"{name}: {first['msg']}") from error

    @property
    def root(self) -> Path:
        """The repository root, where sql/ and config/ stand."""
        return Path(caifeng.__file__).resolve().parents[1]

    @property
    def lake_dir(self) -> Path:
        """Root of the Parquet lake; of a bucket the folder of fetched parts."""
        if self.lake is None:
            return self.home / "lake"
        return self.home / "cache" / "lake" if "://" in self.lake else Path(self.lake)

    def lake_store(self, patience: timedelta = timedelta(minutes=2)) -> Store:
        """Where the lake stands.

        Args:
            patience: how long a bucket that does not answer is asked again.

        Raises:
            UsageError: CAIFENG_LAKE is no place, or a bucket's keys are missing.
        """
        if self.lake is None or "://" not in self.lake:
            return Folder(self.lake_dir)
        from caifeng.core.bucket import Bucket  # noqa: PLC0415 - only who has a bucket needs its library

        return Bucket(self.lake, self.lake_dir, Access.of(os.environ), patience=patience)

    @property
    def warehouse_file(self) -> Path:
        """The DuckDB file with one writer."""
        return self.home / "warehouse.duckdb"

    @property
    def analytics_file(self) -> Path:
        """The published copy that analysts query."""
        return self.home / "analytics.duckdb"

    @property
    def register_url(self) -> str:
        """Address of the case register, as caifeng.cases.store.Register takes it."""
        return self.register_address or f"sqlite:///{(self.home / 'register.db').resolve()}"

    @property
    def outputs_dir(self) -> Path:
        """Root of the documents and dashboards."""
        return self.home / "outputs"

    def contracts(self) -> dict[str, Contract]:
        """All table contracts, keyed by schema.table."""
        return load_contracts(self.root / "sql")

    def office(self) -> Office:
        """Who runs the system: config/units.toml."""
        return load_model(self.config / "units.toml", Units).office

    def grading(self, day: date | None = None) -> GradingRules:
        """Grading rules in force on a day: those with the latest `effective_from` up to it; without a day the latest.

        Raises:
            ConfigError: a rule file cannot be used (one line per fault), or the first rules are later than the day.
        """
        versions = self.grading_versions()
        if day is None:
            return versions[-1]
        in_force = [rules for rules in versions if rules.effective_from <= day]
        if not in_force:
            first = f"the first rules, {versions[0].name}, are in force from {versions[0].effective_from}, not on {day}"
            raise ConfigError(self.config / "grading.toml", "effective_from", first)
        return in_force[-1]

    def grading_version(self, rule_version: str) -> GradingRules | None:
        """The rules of a grade that was given; None if no file holds these values any more."""
        return next((rules for rules in self.grading_versions() if rules.rule_version == rule_version), None)

    def grading_versions(self) -> tuple[GradingRules, ...]:
        """All rules, config/grading.toml and config/grading/<name>.toml, by `effective_from`.

        Raises:
            ConfigError: a rule file cannot be used; one line per fault.
        """
        found: list[tuple[Path, GradingRules]] = []
        faults: list[ConfigError] = []
        folder = self.config / "grading"
        for path in (self.config / "grading.toml", *sorted(folder.glob("*.toml"))):
            try:
                rules = self.read_grading(path)
            except ConfigError as error:
                faults.append(error)
                continue
            if path.parent == folder and rules.name != path.stem:
                faults.append(ConfigError(path, "name", f"is {rules.name!r}, the file name says {path.stem!r}"))
            for other, earlier in found:
                if rules.effective_from == earlier.effective_from:
                    reason = f"{rules.effective_from} is also that of {other}"
                    faults.append(ConfigError(path, "effective_from", reason))
            found.append((path, rules))
        if faults:
            raise _joined(faults)
        return tuple(sorted((rules for _, rules in found), key=lambda rules: rules.effective_from))

    def read_grading(self, path: Path) -> GradingRules:
        """One rule file, checked against the documents of config/policy_basis.toml.

        Raises:
            ConfigError: it cannot be used; one line per fault.
        """
        rules, faults = read_rules(load_toml(path), load_model(self.config / "policy_basis.toml", PolicyBasis))
        if rules is None or faults:
            raise _joined([ConfigError(path, *fault) for fault in faults])
        return rules

    def taxonomy(self) -> Taxonomy:
        """Topics, relevance rules, signals and gazetteer."""
        files = {path.stem: load_toml(path) for path in sorted((self.config / "taxonomy").glob("*.toml"))}
        if not files:
            raise ConfigError(self.config / "taxonomy", "", "no topic file found")
        try:
            return taxonomy_from({**files, "gazetteer": load_toml(self.config / "gazetteer.toml")})
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigError(self.config / "taxonomy", ".".join(map(str, first["loc"])), first["msg"]) from error
        except ValueError as error:
            raise ConfigError(self.config / "taxonomy", "", str(error)) from error

    def stance(self) -> StanceRules:
        """How stance and feeling are read: config/stance."""
        folder = self.config / "stance"
        files = {path.stem: load_toml(path) for path in sorted(folder.glob("*.toml"))}
        words = folder / "jionlp_words.tsv.gz"
        if not files:
            raise ConfigError(folder, "", "no rules found")
        try:
            return stance_rules_from(files, words.read_bytes() if words.exists() else b"")
        except ValueError as error:
            raise ConfigError(folder, "", str(error)) from error

    def review_rules(self) -> ReviewRules:
        """How a period is reviewed: config/review.toml; without the file the defaults hold.

        Raises:
            ConfigError: the file breaks the model.
        """
        path = self.config / "review.toml"
        return load_model(path, ReviewRules) if path.exists() else ReviewRules()

    def sources(self) -> Sources:
        """Every source file. A bad file is an error of that source, the others stay usable."""
        usable, errors = [], {}
        for path in sorted((self.config / "sources").glob("*.toml")):
            try:
                source = load_model(path, Source)
                if source.id != path.stem:
                    raise ConfigError(path, "id", f"is {source.id!r}, the file name says {path.stem!r}")
            except ConfigError as error:
                errors[path.stem] = error
            else:
                if source.enabled:
                    usable.append(source)
        return Sources(tuple(usable), errors)


def load_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: the file is missing, not UTF-8 or not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf8"))
    except FileNotFoundError as error:
        raise ConfigError(path, "", "file not found") from error
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"not valid TOML: {error}") from error


def load_model(path: Path, model: type[Model]) -> Model:
    """Parse and validate a TOML file.

    Raises:
        ConfigError: as `load_toml`, or a key is unknown, missing or out of range.
    """
    try:
        return model.model_validate(load_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(path, ".".join(map(str, first["loc"])), first["msg"]) from error


def _joined(faults: list[ConfigError]) -> ConfigError:
    """One error with a line for each fault."""
    first, *more = faults
    return ConfigError(first.path, first.field, "\n".join([first.reason, *map(str, more)]))


def parse_as_of(text: str) -> datetime:
    """Read a moment given by a user; it must carry a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"not a time: {text!r} (write 2026-11-22T18:00+08:00)") from error
    if at.tzinfo is None:
        raise UsageError(f"time without zone: {text!r} (write 2026-11-22T18:00+08:00)")
    return at
