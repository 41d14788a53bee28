"""The papers about one issue, as data: name, template, placeholders, when it can be written and how it is numbered.

The office edits config/templates/<name>.docx; the code only fills it in (docs/documents.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caifeng.core.errors import UsageError
from caifeng.reports.papers.briefings import flash_values, special_values
from caifeng.reports.papers.fill import check_template, field_names, fill
from caifeng.reports.papers.issue import HEAD, SIGNED, IssueFile
from caifeng.reports.papers.letters import recipient_of, referral_values, report_up_values, sent_to
from caifeng.reports.papers.treatment import (
    approval_values,
    assignment_values,
    minutes_values,
    release_values,
    supervised_duty,
    supervision_values,
)

Params = Mapping[str, str]


@dataclass(frozen=True)
class Paper:
    """One kind of paper."""

    name: str
    """Name on paper; its template is <name>.docx."""
    when: str
    """When the office writes it, in Chinese."""
    article: str
    """What it rests on."""
    plain: tuple[str, ...]
    """Placeholders of one value."""
    tables: Mapping[str, tuple[str, ...]]
    """Placeholders of rows, with their columns; no columns: a list of paragraphs."""
    values: Callable[[IssueFile, int, Params], dict[str, Any]]
    needs: Callable[[IssueFile, Params], str | None]
    """Why it cannot be written now, in Chinese; null: it can."""
    round: Callable[[IssueFile, Params], int]
    """Its number if none is wished."""
    params: tuple[str, ...] = ()
    """What a caller may say: recipient, duty, form, at, final."""
    part: Callable[[IssueFile, Params], str | None] = lambda _file, _params: None
    """What tells papers of one kind about one issue apart beside their number: recipient, duty."""

    @property
    def fields(self) -> frozenset[str]:
        """What its template may use."""
        return field_names(self.plain, self.tables)

    @property
    def template(self) -> str:
        """Name of its template file."""
        return f"{self.name}.docx"


def _always(_file: IssueFile, _params: Params) -> None:
    return None


def _next(event: str) -> Callable[[IssueFile, Params], int]:
    """Written before the event: one more than it happened."""
    return lambda file, _: file.count(event) + 1


def _latest(event: str) -> Callable[[IssueFile, Params], int]:
    """Written after the event, or as an empty form before the first."""
    return lambda file, _: max(1, file.count(event))


def _treatment(file: IssueFile, _: Params) -> int:
    """One for each time that the issue was taken up; written again as more becomes known."""
    return 1 + file.count("reopen") + file.count("second_wave")


def _needs_draft(file: IssueFile, _: Params) -> str | None:
    return None if file.last("draft") else "尚未拟稿"


def _needs_duty(file: IssueFile, params: Params) -> str | None:
    if supervised_duty(file, params):
        return None
    return f"没有“{params['duty']}”这项时限" if params.get("duty") else "没有未办的时限"


def _needs_recipient(file: IssueFile, params: Params) -> str | None:
    wished = params.get("recipient")
    if wished and recipient_of(file, params) is None:
        return f"没有“{wished}”这个报送对象（可填 {'、'.join(file.recipients)}）"
    return None


def _letter_round(event: str) -> Callable[[IssueFile, Params], int]:
    """One letter more than that recipient was sent."""

    def place(file: IssueFile, params: Params) -> int:
        recipient = recipient_of(file, params)
        return len(sent_to(file, event, recipient)) + 1 if recipient else 1

    return place


def _approval_round(file: IssueFile, _: Params) -> int:
    done = file.count("submit")
    return max(1, done) if file.answer in ("in_review", "approved") else done + 1


def _supervision_round(file: IssueFile, params: Params) -> int:
    duty = supervised_duty(file, params)
    key = duty.duty if duty else None
    orders = [act for act in file.acts if act.event == "supervise" and act.codes.get("duty") == key]
    return len(orders) + 1


def _duty_name(file: IssueFile, params: Params) -> str | None:
    duty = supervised_duty(file, params)
    return duty.name if duty else None


PAPERS: dict[str, Paper] = {
    "flash": Paper(
        "舆情快报", "发现重大以上或敏感事项，第一时间报领导", "制度第五、六条",
        (*HEAD, "次序", "主送", "领域", "地域", "发现时间", "首发", "链接", "事由", "传播", "定级理由", "核查", "措施",
         "建议", "时限", "联系岗位"),
        {}, flash_values, _always, _next("report_inside"),
    ),
    "special": Paper(
        "舆情专报", "较大以上事项的全面分析，供会商和报审", "制度第六、七条",
        (*HEAD, *SIGNED, "次序", "领域", "地域", "发现时间", "首发", "事由", "状态", "传播", "观点说明", "评级", "风险",
         "核查", "建议", "口径", "效果", "附件说明"),
        {
            "走势": ("日期", "帖数", "阅读", "转发", "评论", "总分", "级别"),
            "平台": ("类别", "层级", "帖数", "占比", "最早"),
            "观点": ("立场", "媒体", "公众", "合计", "占比"),
            "摘引": ("立场", "来源", "时间", "摘引"),
            "因素": ("因素", "得分", "权重", "折算", "依据"),
            "触发": (),
            "逐条": ("序号", "说法", "类型", "结论", "依据"),
            "措施": (),
            "时限表": ("事项", "时限", "办理", "依据"),
            "回应": (),
            "附件": ("序号", "标题", "来源", "时间", "链接"),
        },
        special_values, _always, _treatment,
    ),
    "assignment": Paper(
        "交办单", "级别确认后交股室核查；股室填写后退回", "制度第八、九条",
        (*HEAD, "次序", "交办时间", "首发", "链接", "内容", "拟办意见", "领导批示", "承办", "协办", "回避", "核查时限",
         "回应时限", "核查结论", "处置措施", "口径", "渠道", "反馈时间", "销号意见"),
        {}, assignment_values, _always, _latest("assign"),
    ),
    "approval": Paper(
        "报审单", "口径拟好后送领导审批", "制度第七条",
        (*HEAD, "次序", "报审时间", "拟稿岗位", "类别", "审批人", "回应时限", "定级理由", "核查结论", "会商情况",
         "口径", "报审意见", "分管意见", "主要意见"),
        {}, approval_values, _needs_draft, _approval_round,
    ),
    "minutes": Paper(
        "会商纪要", "敏感或重大事项会商时填写，会后存档", "制度第七条",
        (*HEAD, *SIGNED, "次序", "时间", "方式", "参加单位", "议题", "分歧", "级别结论", "处置意见"),
        {"意见": ("单位", "时间", "方式", "意见"), "分工": ("事项", "责任", "时限", "依据")},
        minutes_values, _always, _latest("minutes"),
    ),
    "report_up": Paper(
        "归口报送单", "重大以上、较大且敏感等事项向对口部门报送；首报、续报、终报各一份", "制度第七条",
        (*HEAD, *SIGNED, "次序", "主送", "次第", "方式", "报送时间", "报送时限", "依据", "发现时间", "首发", "内容",
         "传播", "核查", "措施", "建议", "附言", "回执时间", "收件岗位"),
        {"回应": ()},
        report_up_values, _needs_recipient, _letter_round("report_up"), ("recipient", "final"), recipient_of,
    ),
    "referral": Paper(
        "转办函", "非本单位职责或外地事项转给主管单位", "制度第十条",
        (*HEAD, *SIGNED, "次序", "主送", "次第", "方式", "报送时间", "发现时间", "首发", "链接", "内容", "转办理由",
         "办理时限", "附言", "回执时间", "收件岗位"),
        {"线索": ("链接", "存证")},
        referral_values, _needs_recipient, _letter_round("refer"), ("recipient", "final"), recipient_of,
    ),
    "supervision": Paper(
        "督办单", "时限已过仍未办的，发给承办股室", "制度第十四条",
        (*HEAD, *SIGNED, "次序", "督办时间", "督办事项", "承办", "责任岗位", "原定时限", "延期至", "超期", "依据",
         "已督办次数", "内容", "状态", "督办要求"),
        {}, supervision_values, _needs_duty, _supervision_round, ("duty",), _duty_name,
    ),
    "release": Paper(
        "发布准备单", "发布回应或召开新闻发布会之前", "制度第十一、十二条",
        (*HEAD, "次序", "类别", "发布时间", "发布形式", "发言人", "回应时限", "核查结论", "口径", "批准", "审查岗位"),
        {
            "问答": ("序号", "说法", "类型", "结论", "依据"),
            "解读": ("时间", "事项", "形式", "链接"),
            "日程": ("日期", "内容", "领域", "性质"),
            "审查": ("项目", "结果"),
        },
        release_values, _needs_draft, lambda file, _: len(file.published) + 1, ("form", "at"),
    ),
}  # fmt: skip


def paper_of(kind: str) -> Paper:
    """A paper by its id or its name.

    Raises:
        UsageError: there is none of that name.
    """
    by_name = {paper.name: paper for paper in PAPERS.values()}
    if paper := PAPERS.get(kind) or by_name.get(kind):
        return paper
    names = "、".join(f"{one}（{paper.name}）" for one, paper in PAPERS.items())
    raise UsageError(f"没有“{kind}”这种文书，可用：{names}")


def place_of(paper: Paper, file: IssueFile, params: Params) -> int:
    """The number of a paper within its issue: as wished, otherwise the next one.

    Raises:
        UsageError: the wish is no number from 1.
    """
    wished = params.get("round")
    if wished is None:
        return paper.round(file, params)
    if not wished.isascii() or not wished.isdigit() or not 1 <= int(wished) <= 999:
        raise UsageError(f"{paper.name}：次序须为 1 至 999 的整数：{wished!r}")
    return int(wished)


def paper_values(paper: Paper, file: IssueFile, params: Params) -> dict[str, Any]:
    """The values of its placeholders.

    Raises:
        UsageError: the paper cannot be written now, or does not know one of `params`.
    """
    known = ("round", *paper.params)
    if unknown := sorted(set(params) - set(known)):
        raise UsageError(f"{paper.name}：没有这一项：{'、'.join(unknown)}（可用 {'、'.join(known)}）")
    if why := paper.needs(file, params):
        raise UsageError(f"{file.issue_no}：不能出具{paper.name}：{why}")
    values = paper.values(file, place_of(paper, file, params), params)
    return {name: values[name] for name in (*paper.plain, *paper.tables)}


def file_name(paper: Paper, file: IssueFile, params: Params) -> str:
    """Its file name: kind, what tells it apart, number."""
    part = paper.part(file, params)
    words = [paper.name, *([part] if part else []), f"{place_of(paper, file, params):02d}"]
    return "-".join(words) + ".docx"


def fill_paper(paper: Paper, file: IssueFile, params: Params, templates: Path, path: Path) -> None:
    """Write a paper; the same input gives the same bytes.

    Args:
        paper: which one.
        file: the issue.
        params: what the caller says: `round`, and those of `paper.params`.
        templates: folder of the templates.
        path: where to write.

    Raises:
        UsageError: as `paper_values`.
        ConfigError: its template is missing or broken; names file and placeholder.
    """
    fill(templates / paper.template, paper.fields, paper_values(paper, file, params), path)


def check_papers(templates: Path) -> list[str]:
    """What is wrong with the templates of the papers, one line each, naming file and placeholder."""
    return template_faults(templates, {paper.template: paper.fields for paper in PAPERS.values()})


def template_faults(templates: Path, fields: Mapping[str, frozenset[str]], whole: bool = True) -> list[str]:
    """What is wrong with some templates, by file name, one line each; `whole` as `check_template`."""
    found = []
    for name, offered in fields.items():
        path = templates / name
        for words in check_template(path, offered, whole):
            found.append(words if words.startswith(str(path)) else f"{path}: {words}")
    return found
