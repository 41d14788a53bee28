"""The templates of 归口报送单 and 转办函 in their first form."""

from pathlib import Path

from docx.shared import Pt

from caifeng.reports.layout import (
    TITLE,
    Columns,
    Writer,
    between,
    form,
    form_head,
    new_document,
    note,
    one_page,
    only_if,
    paragraphs,
    save,
    signed,
    table,
)


def build_report_up_template(path: Path) -> None:
    """Write the template of the 归口报送单; the same call gives the same bytes."""
    document = new_document("归口报送单")
    one_page(document)
    add = Writer(document)
    form_head(add, "政务舆情归口报送单", "编号：{{ 编号 }}　{{ 次序 }}　{{ 次第 }}")
    form(
        add,
        (
            ((("报送单位", "{{ 编制单位 }}"), ("主送", "{{ 主送 }}")), 9),
            ((("报送方式", "{{ 方式 }}"), ("报送时间", "{{ 报送时间 }}")), 9),
            ((("级别", "{{ 级别 }}"), ("报送时限", "{{ 报送时限 }}")), 9),
            ((("报送依据", "{{ 依据 }}"),), 9),
        ),
    )
    title = add.paragraph("{{ 标题 }}", font=TITLE, size=16, centred=True, pitch=28)
    title.paragraph_format.space_before = title.paragraph_format.space_after = Pt(6)
    for head, text in (
        ("基本情况", "{{ 发现时间 }}发现，首发：{{ 首发 }}。{{ 内容 }}"),
        ("传播情况", "{{ 传播 }}"),
        ("核查情况", "{{ 核查 }}"),
    ):
        add.paragraph(f"{head}：{text}", size=12, pitch=20)
    add.paragraph("已采取措施：{{ 措施 }}", size=12, pitch=20)
    paragraphs(add, "回应", "已发布：", size=12, pitch=20)
    add.paragraph("下一步建议：{{ 建议 }}", size=12, pitch=20)
    only_if(add, "附言", lambda: add.paragraph("{{ 附言 }}", size=12, pitch=20))
    signed(add)
    form(add, (((("回执时间", "{{ 回执时间 }}"), ("收件岗位", "{{ 收件岗位 }}")), 10),))
    note(add, "请收件单位填写回执后退回。事态有变化的，另行续报；办结时终报。")
    save(document, path)


_CONTENT: Columns = (
    ("内容链接", 90, ("{{ 行.链接 }}",), False),
    ("页面存证校验值（SHA-256）", 66, ("{{ 行.存证 }}",), False),
)


def build_referral_template(path: Path) -> None:
    """Write the template of the 转办函; the same call gives the same bytes."""
    document = new_document("转办函")
    one_page(document)
    add = Writer(document)
    form_head(add, "政务舆情转办函", "编号：{{ 编号 }}　{{ 次序 }}　{{ 次第 }}")
    line = add.paragraph("{{ 主送 }}：", indent=False)
    line.paragraph_format.space_before = Pt(10)
    add.paragraph("我单位在日常监测中发现下列舆情，按属地管理、谁主管谁负责的原则，现转请贵单位研究办理。")
    add.paragraph("事项：{{ 标题 }}（{{ 编号 }}）")
    add.paragraph("发现时间：{{ 发现时间 }}；首发：{{ 首发 }}")
    add.paragraph("原文链接：{{ 链接 }}")
    add.paragraph("主要内容：{{ 内容 }}")
    add.paragraph("转办理由：{{ 转办理由 }}")
    add.paragraph("我单位级别意见：{{ 级别 }}。首次回应时限：{{ 办理时限 }}。办理结果请函告我单位。")
    add.tag("{%p if 线索 %}")
    add.paragraph("其中下列内容涉嫌违法，经批准移交依法处理：")
    table(document, "线索", _CONTENT)
    add.tag("{%p endif %}")
    only_if(add, "附言", lambda: add.paragraph("{{ 附言 }}"))
    signed(add)
    line = between(add, "发函方式：{{ 方式 }}", "发函时间：{{ 报送时间 }}", size=12)
    line.paragraph_format.space_before = Pt(10)
    form(add, (((("回执时间", "{{ 回执时间 }}"), ("收件岗位", "{{ 收件岗位 }}")), 10),))
    note(add, "本函只涉及内容和链接，不涉及发帖人。请收件单位填写回执后退回。")
    save(document, path)
