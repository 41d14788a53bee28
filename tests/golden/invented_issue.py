"""An invented issue for the tests of papers: larger, heard, assigned, verified, drafted; everything made up."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl

from caifeng.cases.model import CHECK_NAMES, RECIPIENT_NAMES
from caifeng.core.clock import end_of_day, start_of_day
from caifeng.core.model.office import Role
from caifeng.reports.papers.issue import Act, Claim, Duty, HandOff, IssueFile, Published
from tests.golden import invented

NOON = start_of_day(invented.DAY) + timedelta(hours=12)
MORNING = NOON - timedelta(hours=4)
ISSUE = "YQ-2026-0412"

_POSTS = (
    # hours before noon, source, class, tier, stance, tone, text
    (30, "样例论坛·民生", "board", "self", "complaint", "negative", "听说某镇的人均收入是坐在屋里编的，没人来问过。"),
    (28, "样例论坛·民生", "board", "self", "question", "neutral", "想问问这个数是怎么算出来的，和自家的感觉差得远。"),
    (20, "县融媒体·民声", "message_board", "county", "complaint", "negative", "请统计部门说明这个数据的来历。"),
    (9, "样例日报数字报", "epaper", "city", "neutral", "neutral", "本报就居民收入数据来源询问有关部门。"),
    (5, "样例论坛·民生", "board", "self", "praise", "positive", "记账户是真的，我家就在记。"),
    (4, "样例论坛·民生", "board", "self", "complaint", "negative", "听说某镇的人均收入是坐在屋里编的，没人来问过。"),
)


def posts(count: int = len(_POSTS), **changes: Any) -> pl.DataFrame:
    """The posts of the issue by time; the last one repeats the first."""
    rows = [
        {
            "post_id": f"p{place}",
            "group_id": f"g{0 if place == 5 else place}",
            "source_name": source,
            "source_class": kind,
            "media_tier": tier,
            "url": f"https://forum.example/thread/{place}.html",
            "title": text[:12],
            "text": text,
            "published_at": NOON - timedelta(hours=hours),
            "published_precision": "minute",
            "first_fetched_at": NOON - timedelta(hours=hours - 1),
            "stance": stance,
            "tone": tone,
            **changes,
        }
        for place, (hours, source, kind, tier, stance, tone, text) in enumerate(_POSTS[:count])
    ]
    return pl.DataFrame(rows)


def grade(row: dict[str, Any]) -> dict[str, Any]:
    """A row of graded.issue_grades beside a row of the log."""
    return {
        **row,
        "level": row["system_level"],
        "flags": ["alleges_fabrication", "specific_checkable"],
        "source_classes": 3,
        "growth_24h": 1.5,
        "same_topic_issues_90d": 2,
    }


def _act(sequence: int, event: str, hour: float, label: str, role: str, who: str, **said: Any) -> Act:
    claims = tuple(said.pop("claims", ()))
    codes = {name: said[name] for name in ("duty",) if name in said}
    words = {name: str(value) for name, value in said.items()}
    return Act(event, sequence, MORNING + timedelta(hours=hour), label, role, who, words, codes, claims)


ACTS = (
    _act(1, "confirm", 0, "确认级别", "openness_office", "政务公开办", level="较大"),
    _act(2, "report_inside", 0.2, "报告领导", "openness_office", "政务公开办"),
    _act(3, "consult", 0.4, "发起会商", "openness_office", "政务公开办", invitees="宣传部门、涉事股室",
         consult_medium="电话", text="怎样说明收入数据的来源"),
    _act(4, "consult_result", 0.9, "登记会商意见", "openness_office", "政务公开办", invitee="宣传部门",
         consult_medium="电话", opinion="先说明来源，再说明平均数的含义。"),
    _act(5, "minutes", 1, "登记会商纪要", "openness_office", "政务公开办", concluded_level="较大",
         text="由社会人口股核查，政务公开办拟口径。", disagreement="是否配图，暂缓。"),
    _act(6, "assign", 1.1, "交办", "openness_office", "政务公开办", unit="社会人口股", reason="涉及住户调查"),
    _act(7, "report_up", 1.5, "归口报送", "openness_office", "政务公开办", recipient="市统计局", medium="系统"),
    _act(8, "verify", 2.5, "登记核查结论", "section", "承办股室", outcome="不属实",
         basis="核对抽样名册和记账资料，未发现编造。",
         claims=(Claim("收入是坐在屋里编的", "事实", "不属实", ("记账资料抽查记录",)),
                 Claim("为什么和感觉不一样", "疑问", "不作认定", ()))),
    _act(9, "draft", 3, "拟稿", "openness_office", "政务公开办", kind="正式回应",
         text="关于居民收入数据来源的说明：\n一、数据来自记账户逐日记账。\n二、平均数和个人感受会有不同。"),
    _act(10, "submit", 3.2, "报审", "openness_office", "政务公开办", reason="事实清楚，建议发布"),
    _act(11, "supervise", 3.4, "发出督办单", "openness_office", "政务公开办", duty="respond", text="请于今日内办结。"),
)  # fmt: skip

DUTIES = (
    Duty("respond", "首次回应", NOON - timedelta(hours=1.5), None, None, -1.5, "overdue",
         "《关于在政务公开工作中进一步做好政务舆情回应的通知》（国办发〔2016〕61号）", "分管领导"),
    Duty("respond_final", "最终回应", NOON + timedelta(hours=77), None, None, 77.0, "none", "本单位规定", "政务公开办"),
    Duty("report_up", "归口报送", NOON, None, MORNING + timedelta(hours=1.5), None, "done", "本单位规定", "—"),
    Duty("verify", "核查", NOON, None, MORNING + timedelta(hours=2.5), None, "done", "本单位规定", "—"),
)  # fmt: skip

RELEASE = {
    "indicator": "居民收入（三季度）", "topic_name": "居民收入", "first_day": invented.DAY + timedelta(days=1),
    "last_day": invented.DAY + timedelta(days=1), "at": "10:00", "status": "published",
}  # fmt: skip


def issue(**changes: Any) -> IssueFile:
    """The issue as of noon; `changes` override it."""
    row = invented.log(numbers=(412,), level_in_force="larger").row(0, named=True)
    file = IssueFile(
        issue_no=ISSUE,
        office=invented.OFFICE.model_copy(update={"roles": (Role(id="spokesperson", name="新闻发言人"),)}),
        as_of=NOON,
        title=row["title"],
        state="已核查",
        detected_at=MORNING - timedelta(hours=2),
        level="larger",
        confirmed=True,
        outcome="不属实",
        outcome_code="false",
        unit="社会人口股",
        answer="in_review",
        next_step="分管领导审批",
        log=row,
        history=[{**row, "day": invented.DAY}],
        grade=grade(row),
        posts=posts(),
        acts=ACTS,
        duties=DUTIES,
        hand_offs=(
            HandOff(7, "report_up", "市统计局", "系统", "首报", MORNING + timedelta(hours=1.5),
                    MORNING + timedelta(hours=2), "值班岗", None),
        ),
        published=(
            Published(ISSUE, 1, "关注通报", "门户公告", "https://www.example.gov.cn/a.html", None, MORNING),
        ),
        releases=[RELEASE],
        recipients=RECIPIENT_NAMES,
        checks=[(words, "") for words in CHECK_NAMES.values()],
        is_sample=True,
    )  # fmt: skip
    return replace(file, **changes)


def bare() -> IssueFile:
    """An issue of which nothing is known yet but its number, title and time: nobody acted, nothing was graded."""
    return IssueFile(
        ISSUE, invented.OFFICE, end_of_day(invented.DAY), "一条线索", "待确认", NOON, recipients=RECIPIENT_NAMES
    )
