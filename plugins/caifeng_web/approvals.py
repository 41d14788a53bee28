"""The approval form of Airflow that goes with a request (DAG `approval`): asked for, and answered from the page.

What counts is the register. The form is a second way to answer; if Airflow cannot be reached, the page still works.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import httpx

_log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 10


def start(token: str, request: Any) -> bool:
    """Start the form of a request as the account that submitted; false if that did not work.

    Args:
        token: login of the account.
        request: `caifeng.jobs.approvals.ApprovalRequest`; its id names the run, so that it is started once.
    """
    body = {"dag_run_id": request.request_id, "logical_date": None, "conf": request.conf()}
    return _call("POST", "/api/v2/dags/approval/dagRuns", token, body, also_fine=(409,))


def answer(token: str, request_id: str, option: str, opinion: str) -> bool:
    """Close the form of a request that was just decided on the page or registered from paper.

    The account answers the form; where it is not one of those asked (a registrar), or the form does not stand yet, the
    run is closed instead. False if the form stays open: answering it later changes nothing.
    """
    run = f"/api/v2/dags/approval/dagRuns/{quote(request_id)}"
    said = {"chosen_options": [option], "params_input": {"审批意见": opinion, "核定级别": None}}
    if _call("PATCH", f"{run}/taskInstances/ask/-1/hitlDetails", token, said):
        return True
    return _call("PATCH", run, token, {"state": "success"})


def _call(method: str, path: str, token: str, body: dict[str, Any], also_fine: tuple[int, ...] = ()) -> bool:
    from airflow.configuration import conf  # noqa: PLC0415

    base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
    try:
        reply = httpx.request(
            method, base + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_SECONDS
        )
    except httpx.HTTPError as error:
        _log.warning("approval form: %s %s: %s", method, path, error)
        return False
    if reply.is_success or reply.status_code in also_fine:
        return True
    _log.warning("approval form: %s %s: HTTP %s", method, path, reply.status_code)
    return False
