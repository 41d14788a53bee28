"""Chinese heads and meanings of the columns that go to paper, in the order of their contracts.

The contracts (sql/marts/*.yml) are in English and for analysts; this is the same for the reader of a sheet.
A test holds the two together.
"""

from typing import Any, NamedTuple

from caifeng.core.model.early_warning import CHANGE_NAMES
from caifeng.core.model.terms import (
    JURISDICTION_NAMES,
    LEVEL_NAMES,
    MEDIA_TIER_NAMES,
    RESPONSE_NAMES,
    SOURCE_CLASS_NAMES,
    SOURCE_STATUS_NAMES,
    SOURCE_WARNING_NAMES,
    STANCE_NAMES,
    SUGGESTION_NAMES,
    TONE_NAMES,
)

_LEVELS = {level: names[0] for level, names in LEVEL_NAMES.items()}


class Field(NamedTuple):
    """A column on paper."""

    head: str
    meaning: str
    unknown: str = ""
    """What — means; empty: the cell is never empty."""
    names: dict[str, str] | None = None
    """Words for coded values."""
    width: int = 12
    """Column width in characters."""

    def value(self, raw: Any) -> Any:
        """Coded values and truth values in words; everything else unchanged."""
        if isinstance(raw, bool):
            return "是" if raw else "否"
        if self.names and isinstance(raw, list):
            return [self.names.get(code, code) for code in raw]
        if self.names and raw is not None:
            return self.names.get(raw, raw)
        return raw


LOG_FIELDS: dict[str, Field] = {
    "seq": Field("序号", "纸面顺序：级别高者在前，同级得分高者在前", width=6),
    "issue_no": Field("事项编号", "登记簿编号，一经编定不再改变", width=15),
    "change": Field("新增/跟踪", "当日新增，或此前事项当日有变化", names={"new": "新增", "tracked": "跟踪"}, width=9),
    "detected_at": Field("发现时间", "本系统首次采到的时间（北京时间）", width=17),
    "title": Field("标题", "事项标题", width=40),
    "summary": Field("摘要", "首发内容前 120 字，已去除个人信息；只有标题的为空", width=50),
    "source_name": Field("首发来源", "首发内容所在的来源", width=18),
    "source_class": Field("来源类别", "来源的类别", names=SOURCE_CLASS_NAMES),
    "media_tier": Field("媒体层级", "涉及的最高媒体层级", names=MEDIA_TIER_NAMES),
    "url": Field("原文链接", "首发内容的网址（纯文本，不设跳转）", width=36),
    "first_published_at": Field("首发时间", "已知最早发布时间（北京时间）", "未知", width=17),
    "topic": Field("领域代码", "所属领域的代码", width=16),
    "topic_name": Field("涉及领域", "所属领域", width=16),
    "jurisdiction": Field("涉及地域", "属于哪一级的事", names=JURISDICTION_NAMES, width=9),
    "stance": Field("首发态度", "首发内容是投诉、咨询、建议、肯定还是中性", names=STANCE_NAMES, width=9),
    "tone": Field("倾向", "事项整体倾向", names=TONE_NAMES, width=7),
    "posts": Field("帖数", "累计帖文数，含转载", width=7),
    "views": Field("阅读", "已知阅读数之和", "未知，不按 0 计", width=9),
    "reposts": Field("转发", "已知转发数之和", "未知，不按 0 计", width=7),
    "comments": Field("评论", "已知评论数之和", "未知，不按 0 计", width=7),
    "system_level": Field("系统建议级别", "按规则评出的级别", names=_LEVELS),
    "confirmed_level": Field("确认级别", "人工确认的级别", "尚未确认", _LEVELS, 9),
    "level_by_score": Field("按总分级别", "只看总分时的级别", names=_LEVELS),
    "C": Field("舆情内容", "五因素之一，0–100 分", width=9),
    "R": Field("影响范围", "五因素之一，0–100 分", width=9),
    "A": Field("公众关注度", "五因素之一，0–100 分", width=11),
    "S": Field("社会反响程度", "五因素之一，0–100 分"),
    "M": Field("媒体介入度", "五因素之一，0–100 分", width=11),
    "total": Field("总分", "五因素加权总分", width=7),
    "coverage": Field("数据覆盖", "关注度四项数据（阅读、转发、评论、篇数）中已知的比例", width=9),
    "overrides": Field("触发规则", "条件成立的升降级规则编号"),
    "explanation": Field("评级理由", "为什么是这个级别，一句话", width=60),
    "key_category": Field("重点回应类别", "规则建议属于应重点回应的政务舆情"),
    "response_value": Field("回应价值", "必须回应、应当回应、仅记录或转办", names=RESPONSE_NAMES, width=10),
    "sensitive": Field("敏感", "规则建议按敏感舆情处理（制度第七条）", width=6),
    "needs_review": Field("须人工研判", "级别须由人工研判", width=11),
    "owner_unit": Field("承办", "负责该领域的股室", width=12),
    "competent_body": Field("数据归口单位", "数据由其他单位归口的，写明该单位", "本单位", width=18),
    "suggestion": Field("处置建议", "下一步建议", names=SUGGESTION_NAMES),
    "standing_level": Field("系统持续级别", "系统综合前后评估建议的级别：升级即时，降级从缓", names=_LEVELS),
    "level_in_force": Field("现行级别", "人工确认的级别，未确认的按系统持续级别", names=_LEVELS, width=9),
    "level_yesterday": Field("昨日级别", "此前最近一日最后一次评估的现行级别", "此前未评估", _LEVELS, 9),
    "level_change": Field("较昨日", "现行级别与昨日相比", names=CHANGE_NAMES, width=9),
    "needs_look": Field("需留意", "系统持续级别高于人工确认的级别", width=7),
    "found_hours": Field("早发现（小时）", "首发到发现", "首发时间未知或只知日期", width=9),
    "warned_hours": Field("早报告·系统（小时）", "发现到首次预警送达", "无需预警", width=9),
    "reported_hours": Field("早报告·登记（小时）", "发现到首次内部或上级报送（登记簿）", "尚未报送", width=9),
    "answered_hours": Field("早反馈（小时）", "发现到首次公开回应", "尚未回应", width=9),
    "as_of": Field("数据截至", "本日志所依据的时点（北京时间）", width=17),
    "rule_version": Field("规则版本", "评级所用规则的版本", width=14),
}

HEALTH_FIELDS: dict[str, Field] = {
    "source_id": Field("来源代码", "来源配置文件名", width=18),
    "name": Field("来源", "来源名称", width=22),
    "source_class": Field("类别", "来源的类别", "配置文件无法读取", SOURCE_CLASS_NAMES, 13),
    "status": Field(
        "状态",
        "正常；静默：能访问，但超过设定时长没有新帖；故障：入口页或全部详情页读不出，或配置有误；未采集：当日没有访问",
        names=SOURCE_STATUS_NAMES,
        width=8,
    ),
    "fetches": Field("访问次数", "请求次数", width=9),
    "fetches_ok": Field("读出", "读出内容的请求", width=7),
    "fetches_not_modified": Field("无变化", "页面未变化的请求", width=8),
    "fetches_failed": Field("失败", "失败的请求，含 robots 拒绝和读不出的页面", width=7),
    "observations": Field("采集条数", "看到的帖文，含已知的", width=9),
    "posts_new": Field("新增帖文", "首次看到的帖文", width=9),
    "posts_relevant": Field("涉统计", "新增帖文中涉统计的", width=8),
    "last_new_post_at": Field("最近新帖", "最近一次发现新帖的时间（北京时间）", "从未有过", width=17),
    "newest_published_at": Field("最新发布", "最新一条内容的发布时间（北京时间）", "未知", width=17),
    "posts_usual": Field("平日新增", "前 14 天有访问之日新增帖文的中位数", "此前没有访问", width=9),
    "untimed_share": Field("无时间占比", "当日新增帖文中没有可用发布时间的占比", "当日没有新帖", width=10),
    "agreement": Field("提取一致度", "抽样比对两种正文提取结果的相似度，0 至 1", "未抽样", width=10),
    "reason": Field("说明", "不正常的原因，或哪些页面失败", "无", width=40),
    "warnings": Field("留意", "与前 14 天相比的异常", names=SOURCE_WARNING_NAMES, width=24),
    "phrase": Field("状态说明", "一句话说明", width=50),
    "as_of": Field("数据截至", "所依据的时点（北京时间）", width=17),
}
