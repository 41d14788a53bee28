"""The templates of 交办单, 报审单, 会商纪要, 督办单 and 发布准备单 in their first form."""

from pathlib import Path

from caifeng.reports.layout import (
    Columns,
    Writer,
    caption,
    form,
    form_head,
    internal_head,
    new_document,
    note,
    one_page,
    save,
    signed,
    table_or,
)
from caifeng.reports.templates.briefings import CLAIMS

_SIGN = "\n\n签字：　　　　　　　　　　年　　月　　日"


def build_assignment_template(path: Path) -> None:
    """Write the template of the 交办单; the same call gives the same bytes."""
    document = new_document("交办单")
    one_page(document)
    add = Writer(document)
    form_head(add, "政务舆情交办单", "编号：{{ 编号 }}　{{ 次序 }}")
    form(
        add,
        (
            ((("事项", "{{ 标题 }}"),), 9),
            ((("级别", "{{ 级别 }}"), ("交办时间", "{{ 交办时间 }}")), 8),
            ((("来源", "{{ 首发 }}\n{{ 链接 }}"),), 9),
            ((("舆情内容", "{{ 内容 }}"),), 12),
            ((("拟办意见", "{{ 拟办意见 }}"),), 10),
            ((("领导批示", "{{ 领导批示 }}" + _SIGN),), 18),
            ((("承办", "{{ 承办 }}"), ("协办", "{{ 协办 }}")), 8),
            ((("核查时限", "{{ 核查时限 }}"), ("回应时限", "{{ 回应时限 }}")), 9),
            ((("回避", "{{ 回避 }}"),), 8),
            ((("核查结论", "{{ 核查结论 }}"),), 24),
            ((("处置措施", "{{ 处置措施 }}"),), 16),
            ((("回应口径", "{{ 口径 }}"),), 18),
            ((("回应渠道", "{{ 渠道 }}"),), 9),
            ((("反馈时间", "{{ 反馈时间 }}"), ("承办岗位", "签字：")), 8),
            ((("股室负责", "签字："), ("公开办审核", "签字：")), 8),
            ((("销号意见", "{{ 销号意见 }}\n签字："),), 12),
        ),
    )
    note(add, "栏内空白由承办股室填写后退回政务公开办，由其登记；级别标“系统建议”的以确认为准。")
    save(document, path)


def build_approval_template(path: Path) -> None:
    """Write the template of the 报审单; the same call gives the same bytes."""
    document = new_document("报审单")
    one_page(document)
    add = Writer(document)
    form_head(add, "政务舆情回应报审单", "编号：{{ 编号 }}　{{ 次序 }}")
    form(
        add,
        (
            ((("事项", "{{ 标题 }}"),), 9),
            ((("级别", "{{ 级别 }}"), ("审批", "{{ 审批人 }}")), 9),
            ((("报审时间", "{{ 报审时间 }}"), ("回应时限", "{{ 回应时限 }}")), 9),
            ((("回应类别", "{{ 类别 }}"), ("拟稿", "{{ 拟稿岗位 }}")), 9),
            ((("定级理由", "{{ 定级理由 }}"),), 12),
            ((("核查结论", "{{ 核查结论 }}"),), 14),
            ((("会商情况", "{{ 会商情况 }}"),), 12),
            ((("回应口径", "{{ 口径 }}"),), 50),
            ((("报审意见", "{{ 报审意见 }}" + _SIGN),), 18),
            ((("分管领导", "□ 同意　□ 退回　□ 不予\n{{ 分管意见 }}" + _SIGN),), 24),
            ((("主要领导", "□ 同意　□ 退回　□ 不予\n{{ 主要意见 }}" + _SIGN),), 24),
        ),
    )
    note(add, "拟稿和审批须为不同岗位。纸上批示由政务公开办登记（岗位、时间、扫描件校验值）。")
    save(document, path)


_OPINIONS: Columns = (
    ("参加单位", 36, ("{{ 行.单位 }}",), True),
    ("时间", 34, ("{{ 行.时间 }}",), True),
    ("方式", 16, ("{{ 行.方式 }}",), True),
    ("意见", 70, ("{{ 行.意见 }}",), False),
)
_TASKS: Columns = (
    ("事项", 28, ("{{ 行.事项 }}",), True),
    ("责任", 28, ("{{ 行.责任 }}",), True),
    ("时限", 50, ("{{ 行.时限 }}",), True),
    ("依据", 50, ("{{ 行.依据 }}",), False),
)


def build_minutes_template(path: Path) -> None:
    """Write the template of the 会商纪要; the same call gives the same bytes."""
    document = new_document("会商纪要")
    one_page(document)
    add = Writer(document)
    internal_head(add, "政务舆情会商纪要", "{{ 编号 }}　{{ 次序 }}")
    form(
        add,
        (
            ((("事项", "{{ 标题 }}"),), 9),
            ((("时间", "{{ 时间 }}"), ("方式", "{{ 方式 }}")), 9),
            ((("参加单位", "{{ 参加单位 }}"),), 9),
            ((("级别", "{{ 级别 }}"),), 9),
            ((("议题", "{{ 议题 }}"),), 14),
        ),
    )
    caption(add, "各方意见")
    table_or(add, "意见", "—（尚未登记会商意见）", _OPINIONS, size=11)
    caption(add, "结论")
    form(
        add,
        (
            ((("级别结论", "{{ 级别结论 }}"),), 9),
            ((("分歧", "{{ 分歧 }}"),), 14),
            ((("处置意见", "{{ 处置意见 }}"),), 24),
        ),
    )
    caption(add, "分工和时限")
    table_or(add, "分工", "无未办时限。", _TASKS, size=11)
    signed(add)
    save(document, path)


def build_supervision_template(path: Path) -> None:
    """Write the template of the 督办单; the same call gives the same bytes."""
    document = new_document("督办单")
    one_page(document)
    add = Writer(document)
    form_head(add, "政务舆情督办单", "编号：{{ 编号 }}　{{ 次序 }}")
    form(
        add,
        (
            ((("事项", "{{ 标题 }}"),), 9),
            ((("级别", "{{ 级别 }}"), ("办理状态", "{{ 状态 }}")), 9),
            ((("承办", "{{ 承办 }}"), ("责任岗位", "{{ 责任岗位 }}")), 9),
            ((("督办事项", "{{ 督办事项 }}"), ("督办时间", "{{ 督办时间 }}")), 9),
            ((("原定时限", "{{ 原定时限 }}"), ("延期至", "{{ 延期至 }}")), 9),
            ((("超期", "{{ 超期 }}"), ("此前督办", "{{ 已督办次数 }} 次")), 9),
            ((("时限依据", "{{ 依据 }}"),), 9),
            ((("舆情内容", "{{ 内容 }}"),), 16),
            ((("督办要求", "{{ 督办要求 }}" + _SIGN),), 30),
            ((("办理情况", "" + _SIGN),), 36),
        ),
    )
    note(add, "请承办股室填写“办理情况”后退回政务公开办。")
    signed(add)
    save(document, path)


_RELEASES: Columns = (
    ("日期", 42, ("{{ 行.日期 }}",), True),
    ("发布内容", 60, ("{{ 行.内容 }}",), False),
    ("领域", 24, ("{{ 行.领域 }}",), True),
    ("性质", 30, ("{{ 行.性质 }}",), True),
)
_EXPLAINED: Columns = (
    ("时间", 34, ("{{ 行.时间 }}",), True),
    ("事项", 32, ("{{ 行.事项 }}",), True),
    ("形式", 28, ("{{ 行.形式 }}",), True),
    ("链接", 62, ("{{ 行.链接 }}",), False),
)
_CHECKS: Columns = (
    ("项目", 116, ("{{ 行.项目 }}",), False),
    ("结果", 40, ("{{ 行.结果 }}",), True),
)


def build_release_template(path: Path) -> None:
    """Write the template of the 发布准备单; the same call gives the same bytes."""
    document = new_document("发布准备单")
    one_page(document)
    add = Writer(document)
    form_head(add, "政务舆情回应发布准备单", "编号：{{ 编号 }}　{{ 次序 }}")
    form(
        add,
        (
            ((("事项", "{{ 标题 }}"),), 9),
            ((("级别", "{{ 级别 }}"), ("回应类别", "{{ 类别 }}")), 9),
            ((("拟发布时间", "{{ 发布时间 }}"), ("回应时限", "{{ 回应时限 }}")), 9),
            ((("发布形式", "{{ 发布形式 }}"), ("发言人岗位", "{{ 发言人 }}")), 9),
            ((("核查结论", "{{ 核查结论 }}"),), 12),
            ((("回应口径", "{{ 口径 }}"),), 16),
            ((("批准", "{{ 批准 }}"),), 8),
        ),
    )
    caption(add, "问答准备（按逐条核查结论；答复不超出口径）")
    table_or(add, "问答", "—（尚未逐条核查）", CLAIMS, size=11)
    caption(add, "同领域已发布的解读")
    table_or(add, "解读", "无。", _EXPLAINED, size=9)
    caption(add, "同领域近期发布日程")
    table_or(add, "日程", "无。", _RELEASES, size=9)
    caption(add, "发布审查（六项）")
    table_or(add, "审查", "—", _CHECKS, size=11)
    form(add, (((("审查岗位", "{{ 审查岗位 }}"), ("签字", "")), 8),))
    note(
        add, "六项均为“是”或“不涉及”方可发布；审查人不得为拟稿人。引用的统计数据须注明时期、计量单位、来源和公布日期。"
    )
    save(document, path)
