"""Every template that is made from code, by its file name; the office edits the files."""

from collections.abc import Callable
from pathlib import Path

from caifeng.reports.templates.briefings import build_flash_template, build_special_template
from caifeng.reports.templates.daily_log import build_daily_log_template
from caifeng.reports.templates.letters import build_referral_template, build_report_up_template
from caifeng.reports.templates.review import (
    build_month_review_template,
    build_quarter_review_template,
    build_year_review_template,
)
from caifeng.reports.templates.treatment import (
    build_approval_template,
    build_assignment_template,
    build_minutes_template,
    build_release_template,
    build_supervision_template,
)

BUILDERS: dict[str, Callable[[Path], None]] = {
    "政务舆情日志.docx": build_daily_log_template,
    "舆情快报.docx": build_flash_template,
    "舆情专报.docx": build_special_template,
    "交办单.docx": build_assignment_template,
    "报审单.docx": build_approval_template,
    "会商纪要.docx": build_minutes_template,
    "归口报送单.docx": build_report_up_template,
    "转办函.docx": build_referral_template,
    "督办单.docx": build_supervision_template,
    "发布准备单.docx": build_release_template,
    "月报.docx": build_month_review_template,
    "季报.docx": build_quarter_review_template,
    "年度总结.docx": build_year_review_template,
}
