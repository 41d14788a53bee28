"""What must be set before the cluster starts: each missing or unusable setting by its name, with what to do.

`caifeng check --deploy`, run by docker/entrypoint.sh (`init`). `caifeng check` alone says whether the configuration is
right and the lake's bucket will do; this says whether the process was given what it needs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from caifeng.cases.store import Register
from caifeng.core.errors import CaifengError
from caifeng.core.settings import Settings

#: Secrets of docker/make-secrets.sh that every process of ours reads.
SECRETS = ("airflow_db_password", "register_db_password", "redis_password", "jwt_secret", "fernet_key", "session_key")
#: Without these Airflow would start with a default of its own that does not fit a cluster: variable, what it says.
NEEDED = {
    "CAIFENG_HOME": "the folder that all machines share",
    "CAIFENG_CONFIG": "the folder of the configuration (caifeng init writes one)",
    "CAIFENG_REGISTER_URL": "address of the register; a file in the home serves one machine only",
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__AUTH_MANAGER": "fab_accounts.Accounts; Airflow's own default keeps passwords in plain text",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "where workers reach the api-server, ending in /execution/",
    "AIRFLOW__API__BASE_URL": "the address people open",
    "AIRFLOW__CORE__DAGS_FOLDER": "the folder dags/ of this version",
}
#: As shipped in config/units.toml: nobody reads it.
PLACEHOLDER_CONTACT = "example.gov.cn"


def start_faults(environment: Mapping[str, str]) -> list[str]:
    """What keeps the cluster from starting, one line each, led by the name of the setting; empty if nothing does.

    Args:
        environment: variables of the process. Settings are read from it, and nothing else of it is shown.
    """
    faults = [f"{name}: not set ({meaning})" for name, meaning in NEEDED.items() if not environment.get(name)]
    faults += _secret_faults(Path(environment.get("SECRETS_DIR", "/run/secrets")))
    if any(fault.startswith("CAIFENG_") for fault in faults):
        return faults
    try:
        settings = Settings.load()
    except CaifengError as error:
        return [*faults, str(error)]
    return [*faults, *_folder_faults(settings), *_store_faults(settings)]


def start_warnings(settings: Settings) -> list[str]:
    """What lets the cluster start and is yet hardly meant: one line each, led by the name of the setting."""
    found = []
    if settings.as_of is not None:
        found.append(f"CAIFENG_AS_OF: the clock stands still at {settings.as_of.isoformat()} (for a replay only)")
    try:
        contact, sources = settings.office().contact, settings.sources()
    except CaifengError:
        return found  # a fault of the configuration: `caifeng check` names it
    if PLACEHOLDER_CONTACT in contact:
        found.append(
            f"{settings.config / 'units.toml'}: office.contact: {contact} is the example; sites cannot reach you"
        )
    if not sources.usable:
        found.append(f"{settings.config / 'sources'}: no source is enabled; nothing will be fetched")
    return found


def _secret_faults(folder: Path) -> Iterator[str]:
    for name in SECRETS:
        file = folder / name
        try:
            if not file.read_text("utf8").strip():
                yield f"secret {name}: {file} is empty (docker/make-secrets.sh makes it)"
        except FileNotFoundError:
            yield f"secret {name}: {file} is missing (docker/make-secrets.sh makes it)"
        except (OSError, UnicodeDecodeError) as error:
            yield f"secret {name}: {file} cannot be read: {getattr(error, 'strerror', None) or 'not text'}"


def _folder_faults(settings: Settings) -> Iterator[str]:
    if not (settings.config / "units.toml").is_file():
        yield f"CAIFENG_CONFIG: {settings.config} holds no units.toml (caifeng init writes one)"
    try:
        with tempfile.TemporaryFile(dir=settings.home):
            pass
    except OSError as error:
        yield f"CAIFENG_HOME: {settings.home} cannot be written by user {os.getuid()}: {error.strerror}"


def _store_faults(settings: Settings) -> Iterator[str]:
    """The register answers (the lake: `caifeng check`). Passwords are in no message."""
    try:
        Register(settings.register_url).close()
    except CaifengError as error:
        yield f"CAIFENG_REGISTER_URL: {error}"
