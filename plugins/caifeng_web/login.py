"""Who is asking: the only module that touches Airflow's login.

`get_user` is no stable interface of Airflow; a test holds it to what is used here. Forms carry a signed token bound to
the account, because a browser sends the session's cookie along with a form of any other site.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from caifeng.core import clock
from caifeng.core.settings import Settings

#: A page left open over a working day can still be sent.
TOKEN_SECONDS = 12 * 3600
COOKIE = "_token"


@dataclass(frozen=True)
class Visitor:
    """An account and the roles in which it may act."""

    name: str
    roles: tuple[str, ...]


async def signed_in(request: Request) -> str:
    """Name of the account; 401 without a valid login of Airflow."""
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user  # noqa: PLC0415 - slow to import

    user = await get_user(request, None, await bearer_scheme(request))
    return str(user.get_name())


def visitor(name: Annotated[str, Depends(signed_in)]) -> Visitor:
    """The account with its roles; 403 for an account that has none."""
    from caifeng.jobs.workbench.desk import roles_of  # noqa: PLC0415 - imports Polars

    settings = Settings.load()
    roles = roles_of(name, settings.office(), clock.now(settings.as_of))
    if not roles:
        raise HTTPException(403, f"账号 {name} 没有登记角色，请联系管理员（config/units.toml）")
    return Visitor(name, roles)


def form_token(name: str) -> str:
    """The token that a form of this account carries."""
    return str(_signer().dumps(name))


def check_form_token(name: str, token: str) -> None:
    """403 unless the token was made for this account within `TOKEN_SECONDS`."""
    try:
        owner = str(_signer().loads(token, max_age=TOKEN_SECONDS))
    except BadSignature:
        owner = ""
    if not hmac.compare_digest(owner.encode(), name.encode()):
        raise HTTPException(403, "页面已过期或不是从本系统打开的，请返回后刷新再试")


def session_token(request: Request) -> str:
    """The login that came with the request, to hand on to Airflow's own interface."""
    header = request.headers.get("authorization", "")
    return header[7:] if header.lower().startswith("bearer ") else request.cookies.get(COOKIE, "")


def _signer() -> URLSafeTimedSerializer:
    from airflow.configuration import conf  # noqa: PLC0415

    return URLSafeTimedSerializer(conf.get("api_auth", "jwt_secret"), salt="caifeng-form")
