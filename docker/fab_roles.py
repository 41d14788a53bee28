"""Roles and accounts of the cluster in FAB: `python docker/fab_roles.py [--reset ACCOUNT | --add ACCOUNT ROLE]`.

Two things are kept apart. What an account may press in Airflow is a role here. What it may decide is a role
of config/units.toml, which the 工作台 asks at every step. Run by `entrypoint.sh init` at every start: roles get exactly
the permissions below, accounts that units.toml names and that are missing are made with a random first password, and
accounts that exist keep their password and get the roles of today. Nobody is deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Permission = tuple[str, str]


def _pairs(action: str, *resources: str) -> frozenset[Permission]:
    return frozenset((action, resource) for resource in resources)


#: Everyone: the pages of the plugin, DAGs and their runs, one's own password.
LOOK = (
    _pairs("can_read", "Website", "DAGs", "DAG Runs", "Task Instances", "HITL Detail", "My Password", "My Profile")
    | _pairs("can_read", "Assets", "Cluster Activity", "DAG Versions", "DAG Warnings")
    | _pairs("can_edit", "My Password", "My Profile")
    | _pairs("menu_access", "Browse", "DAGs", "Assets")
)
#: Start the form of a request (that DAG alone), answer it where it names the account, close it once it is settled.
ASK = _pairs("can_create", "DAG Runs") | _pairs("can_edit", "DAG Runs", "HITL Detail", "DAG:approval")
#: Why something failed.
WATCH = _pairs("can_read", "Task Logs", "ImportError", "Jobs", "XComs", "DAG Code") | _pairs("menu_access", "Jobs")
#: Run a day, or a task that failed, again.
AGAIN = _pairs("can_create", "Task Instances") | _pairs("can_edit", "Task Instances", "DAGs")

#: FAB role -> permissions. Changes of accounts, connections, variables and pools: Admin alone.
ROLES: Mapping[str, frozenset[Permission]] = {
    "monitor": LOOK | ASK | WATCH,
    "office": LOOK | ASK | WATCH | AGAIN,
    "section": LOOK | ASK,
    "leader": LOOK | ASK,
    "analyst": LOOK,
    "auditor": LOOK | WATCH | _pairs("can_read", "Audit Logs") | _pairs("menu_access", "Audit Logs"),
}
#: Role of config/units.toml -> FAB role.
OF_OFFICE_ROLE = {
    "monitor": "monitor",
    "openness_office": "office",
    "section": "section",
    "deputy": "leader",
    "chief": "leader",
    "spokesperson": "leader",
    "auditor": "auditor",
}
OPERATOR = "admin"


def roles_of_accounts(office_roles: Iterable[tuple[str, Iterable[str]]]) -> dict[str, tuple[str, ...]]:
    """FAB roles of every account that units.toml names.

    Args:
        office_roles: id of a role and its accounts, as `[[office.roles]]`.
    """
    found: dict[str, set[str]] = {}
    for role, users in office_roles:
        for user in users:
            found.setdefault(user, set()).add(OF_OFFICE_ROLE[role])
    return {user: tuple(sorted(roles)) for user, roles in sorted(found.items())}


def sync(manager: Any, accounts: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Bring roles and accounts into the database; the first passwords of accounts that are new."""
    for name, permissions in ROLES.items():
        role = manager.find_role(name) or manager.add_role(name)
        wanted = {(action, resource) for action, resource in permissions}
        for permission in list(role.permissions):
            if (permission.action.name, permission.resource.name) not in wanted:
                manager.remove_permission_from_role(role, permission)
        for action, resource in sorted(wanted):
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    first = {}
    for name, roles in {**accounts, OPERATOR: ("Admin",)}.items():
        wanted_roles = [manager.find_role(role) for role in roles]
        if user := manager.find_user(username=name):
            user.roles = wanted_roles
            manager.update_user(user)
            continue
        first[name] = secrets.token_urlsafe(12)
        # No personal name and no address: an account is a pseudonym of a post.
        if not manager.add_user(name, name, "", f"{name}@localhost", wanted_roles, first[name]):
            sys.exit(f"account {name}: cannot be made, see the log")
    return first


def keep(file: Path, words: Mapping[str, str]) -> None:
    """Add first passwords to a file that its owner alone may read."""
    if not words:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(file.read_text("utf8")) if file.exists() else {}
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf8") as target:  # noqa: PTH123
        json.dump({**known, **words}, target, indent=2)
    print(f"first passwords of {', '.join(words)} are in {file}; have them changed, then delete it")  # noqa: T201


def main() -> None:
    """Roles and accounts; or one account by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--add", nargs=2, metavar=("ACCOUNT", "ROLE"), help="one more account, e.g. analyst1 analyst")
    parser.add_argument("--reset", metavar="ACCOUNT", help="give an account a new first password")
    arguments = parser.parse_args()
    if arguments.add and arguments.add[1] not in ROLES:
        parser.error(f"no role {arguments.add[1]!r}: choose one of {', '.join(ROLES)}")

    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder  # noqa: PLC0415

    from caifeng.core.settings import Settings  # noqa: PLC0415

    office = Settings.load().office()
    accounts = roles_of_accounts((role.id, role.users) for role in office.roles)
    file = Path(os.environ.get("ACCOUNTS_FILE", "/var/lib/accounts/passwords.json"))
    with get_application_builder() as builder:
        manager = builder.sm
        if arguments.reset:
            user = manager.find_user(username=arguments.reset)
            if not user:
                parser.error(f"no account {arguments.reset!r}")
            word = secrets.token_urlsafe(12)
            manager.reset_password(user.id, word)
            keep(file, {arguments.reset: word})
            return
        if arguments.add:
            name, role = arguments.add
            accounts[name] = tuple(sorted({*accounts.get(name, ()), role}))
        else:
            manager.sync_roles()
        keep(file, sync(manager, accounts))


if __name__ == "__main__":
    main()
