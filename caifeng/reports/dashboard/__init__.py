"""The dashboard of a day or of a period: one self-contained page that opens by double click, by mail and in Airflow."""

from caifeng.reports.dashboard.data import DAYS_SHOWN, DashboardData
from caifeng.reports.dashboard.page import dashboard_html, dashboard_json, echarts_source

__all__ = ["DAYS_SHOWN", "DashboardData", "dashboard_html", "dashboard_json", "echarts_source"]
