"""The account manager of the cluster: FAB's, with one difference.

A form that waits for named accounts (DAG `approval`) names them as config/units.toml does, by account name. Airflow
compares with the id, which FAB counts in numbers; so nobody could answer.
"""

from typing import Any

from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager


class Accounts(FabAuthManager):
    """FAB's accounts; those a form asks for are found by their names."""

    def is_authorized_hitl_task(self, *, assigned_users: set[str], user: Any) -> bool:
        """Whether the account is one of those named; a number that a form names is nobody."""
        return user.get_name() in assigned_users
