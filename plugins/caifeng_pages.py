"""Registers the pages of 采风 with Airflow: 工作台, 清单, 台账, 日志, 看板 in its menu, all behind its login.

Every Airflow process loads this file, task runners too, so that the pages themselves (`caifeng_web`) are imported by
the first request and not before (docs/decisions/0011).
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/caifeng"


async def pages(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application of the pages."""
    from caifeng_web.app import application  # noqa: PLC0415

    await application()(scope, receive, send)


def _view(name: str, path: str, route: str) -> dict[str, Any]:
    return {"name": name, "href": f"{PREFIX}{path}", "destination": "nav", "url_route": route, "nav_top_level": True}


class CaifengPages(AirflowPlugin):
    """Names fit the width of the menu: about five characters."""

    name = "caifeng"
    fastapi_apps = [{"app": pages, "url_prefix": PREFIX, "name": "caifeng"}]  # noqa: RUF012 - Airflow's interface
    external_views = [  # noqa: RUF012
        _view("工作台", "/", "gongzuotai"),
        _view("清单", "/escalations", "qingdan"),
        _view("台账", "/issues", "taizhang"),
        _view("日志", "/logs", "rizhi"),
        _view("看板", "/dashboard", "kanban"),
    ]
