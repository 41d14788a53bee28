"""The templates of 舆情快报 and 舆情专报 in their first form."""

from pathlib import Path

from docx.shared import Pt

from caifeng.reports.layout import (
    NOTE,
    Columns,
    Writer,
    between,
    caption,
    form,
    internal_head,
    new_document,
    note,
    one_page,
    only_if,
    paragraphs,
    save,
    signed,
    table_or,
)


def build_flash_template(path: Path) -> None:
    """Write the template of the 舆情快报, one page; the same call gives the same bytes."""
    document = new_document("舆情快报")
    one_page(document)
    add = Writer(document)
    internal_head(add, "舆情快报", "{{ 编号 }}　{{ 次序 }}")
    title = add.paragraph("{{ 标题 }}", font="黑体", size=16, centred=True, pitch=24)
    title.paragraph_format.space_before = title.paragraph_format.space_after = Pt(6)
    form(
        add,
        (
            ((("级别", "{{ 级别 }}"), ("主送", "{{ 主送 }}")), 8),
            ((("发现时间", "{{ 发现时间 }}"), ("领域/地域", "{{ 领域 }} / {{ 地域 }}")), 8),
            ((("首发", "{{ 首发 }}\n{{ 链接 }}"),), 8),
            ((("事由", "{{ 事由 }}"),), 16),
            ((("传播现状", "{{ 传播 }}\n{{ 定级理由 }}"),), 16),
            ((("初步核实", "{{ 核查 }}"),), 8),
            ((("已采取措施", "{{ 措施 }}"),), 8),
            ((("时限", "{{ 时限 }}"),), 8),
            ((("建议", "{{ 建议 }}"),), 8),
            ((("领导批示", ""),), 24),
        ),
    )
    line = between(add, "联系岗位：{{ 联系岗位 }}", "签发：　　　　　　", size=12)
    line.paragraph_format.space_before = Pt(6)
    save(document, path)


_TREND: Columns = (
    ("日期", 20, ("{{ 行.日期 }}",), True),
    ("累计帖数", 22, ("{{ 行.帖数 }}",), True),
    ("阅读", 26, ("{{ 行.阅读 }}",), True),
    ("转发", 20, ("{{ 行.转发 }}",), True),
    ("评论", 20, ("{{ 行.评论 }}",), True),
    ("总分", 18, ("{{ 行.总分 }}",), True),
    ("级别", 30, ("{{ 行.级别 }}",), True),
)
_SOURCES: Columns = (
    ("来源类别", 40, ("{{ 行.类别 }}",), True),
    ("媒体层级", 36, ("{{ 行.层级 }}",), True),
    ("帖数", 20, ("{{ 行.帖数 }}",), True),
    ("占比", 24, ("{{ 行.占比 }}",), True),
    ("最早", 36, ("{{ 行.最早 }}",), True),
)
_STANCES: Columns = (
    ("立场", 36, ("{{ 行.立场 }}",), True),
    ("媒体", 30, ("{{ 行.媒体 }}",), True),
    ("公众", 30, ("{{ 行.公众 }}",), True),
    ("合计", 30, ("{{ 行.合计 }}",), True),
    ("占比", 30, ("{{ 行.占比 }}",), True),
)
_QUOTES: Columns = (
    ("立场", 18, ("{{ 行.立场 }}",), True),
    ("来源", 24, ("{{ 行.来源 }}",), True),
    ("时间", 26, ("{{ 行.时间 }}",), True),
    ("摘引（已去标识）", 88, ("{{ 行.摘引 }}",), False),
)
_FACTORS: Columns = (
    ("因素", 30, ("{{ 行.因素 }}",), True),
    ("得分", 18, ("{{ 行.得分 }}",), True),
    ("权重", 18, ("{{ 行.权重 }}",), True),
    ("折算", 20, ("{{ 行.折算 }}",), True),
    ("依据", 70, ("{{ 行.依据 }}",), False),
)
CLAIMS: Columns = (
    ("序号", 12, ("{{ 行.序号 }}",), True),
    ("说法", 58, ("{{ 行.说法 }}",), False),
    ("类型", 16, ("{{ 行.类型 }}",), True),
    ("结论", 22, ("{{ 行.结论 }}",), True),
    ("依据", 48, ("{{ 行.依据 }}",), False),
)
_DUTIES: Columns = (
    ("事项", 26, ("{{ 行.事项 }}",), True),
    ("时限", 34, ("{{ 行.时限 }}",), True),
    ("办理", 40, ("{{ 行.办理 }}",), True),
    ("依据", 56, ("{{ 行.依据 }}",), False),
)
_LINKS: Columns = (
    ("序号", 12, ("{{ 行.序号 }}",), True),
    ("标题和链接", 86, ("{{ 行.标题 }}", "{{ 行.链接 }}"), False),
    ("来源", 34, ("{{ 行.来源 }}",), True),
    ("时间", 24, ("{{ 行.时间 }}",), True),
)


def build_special_template(path: Path) -> None:
    """Write the template of the 舆情专报; the same call gives the same bytes."""
    document = new_document("舆情专报")
    add = Writer(document)
    internal_head(add, "舆情专报", "{{ 编号 }}　{{ 次序 }}")
    title = add.paragraph("关于“{{ 标题 }}”的舆情专报", font="方正小标宋简体", size=20, centred=True, pitch=30)
    title.paragraph_format.space_before = title.paragraph_format.space_after = Pt(6)

    add.heading("一、舆情概况")
    add.paragraph(
        "级别：{{ 级别 }}。领域：{{ 领域 }}。地域：{{ 地域 }}。发现时间：{{ 发现时间 }}。首发：{{ 首发 }}。"
        "办理状态：{{ 状态 }}。"
    )
    add.paragraph("主要内容：{{ 事由 }}")

    add.heading("二、传播情况")
    add.paragraph("{{ 传播 }}")
    caption(add, "走势（每日日志数据）")
    table_or(add, "走势", "—", _TREND)
    caption(add, "平台和媒体层级")
    table_or(add, "平台", "—", _SOURCES)

    add.heading("三、观点分析")
    table_or(add, "观点", "—", _STANCES)
    note(add, "{{ 观点说明 }}")
    caption(add, "代表性说法")
    table_or(add, "摘引", "—", _QUOTES)

    add.heading("四、研判")
    table_or(add, "因素", "—", _FACTORS)
    only_if(add, "评级", lambda: add.paragraph("{{ 评级 }}", font=NOTE, size=12, pitch=20))
    paragraphs(add, "触发", "触发规则：")
    add.paragraph("{{ 风险 }}")

    add.heading("五、核查情况")
    add.paragraph("{{ 核查 }}")
    only_if(add, "逐条", lambda: table_or(add, "逐条", "—", CLAIMS))

    add.heading("六、处置与回应建议")
    add.paragraph("{{ 建议 }}")
    paragraphs(add, "措施", "")
    only_if(add, "口径", lambda: add.paragraph("回应口径：{{ 口径 }}"))
    paragraphs(add, "回应", "已发布：")
    only_if(add, "效果", lambda: add.paragraph("{{ 效果 }}"))
    caption(add, "时限")
    table_or(add, "时限表", "—", _DUTIES)
    signed(add)

    add.heading("七、附件")
    table_or(add, "附件", "—", _LINKS)
    only_if(add, "附件说明", lambda: note(add, "{{ 附件说明 }}"))
    save(document, path)
