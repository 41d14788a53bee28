"""Closed vocabularies of the field, with the words printed on screens and paper.

Codes are stored and queried; names are shown. Order matters where a scale is ordered.
Sources: the founding document (Art. 6: five factors, graded warning), docs/glossary.md.
"""

from enum import StrEnum


class Level(StrEnum):
    """Level of an issue, lowest first; `context` and `refer_out` stand outside the scale."""

    LOG_ONLY = "log_only"
    GENERAL = "general"
    LARGER = "larger"
    MAJOR = "major"
    EXTREME = "extreme"
    CONTEXT = "context"
    REFER_OUT = "refer_out"


#: The ordered scale on which overrides act.
SCALE = (Level.LOG_ONLY, Level.GENERAL, Level.LARGER, Level.MAJOR, Level.EXTREME)

#: Level -> (name, mark, colour word or "", roman numeral or ""). Never colour alone: word + mark + colour.
LEVEL_NAMES: dict[str, tuple[str, str, str, str]] = {
    "extreme": ("特别重大", "●", "红", "Ⅰ"),
    "major": ("重大", "▲", "橙", "Ⅱ"),
    "larger": ("较大", "◆", "黄", "Ⅲ"),
    "general": ("一般", "■", "蓝", "Ⅳ"),
    "log_only": ("仅记", "○", "", ""),
    "context": ("背景", "◇", "", ""),
    "refer_out": ("转办", "→", "", ""),
}

RESPONSE_NAMES = {"must": "必须回应", "should": "应当回应", "log_only": "仅记录", "refer_out": "转办"}

TONE_NAMES = {"negative": "负面", "neutral": "中性", "positive": "正面", "unknown": "未定"}

STANCE_NAMES = {
    "complaint": "投诉",
    "question": "咨询",
    "suggestion": "建议",
    "praise": "肯定",
    "neutral": "中性",
    "unsure": "未定",
}

#: Reach of a source, smallest first (points of the reach factor are in config/grading.toml).
GEO_NAMES = {"village": "村镇", "county": "县", "city": "市", "province": "省", "nation": "全国"}

#: Media tier, lowest first; `none` is not a medium at all.
MEDIA_TIER_NAMES = {
    "none": "非媒体",
    "self": "自媒体",
    "county": "县级媒体",
    "city": "市级媒体",
    "province": "省级媒体",
    "central": "中央媒体",
}

JURISDICTION_NAMES = {
    "local": "本县",
    "city": "本市",
    "province": "本省",
    "national": "全国",
    "other": "外地",
    "unknown": "未定",
}

SOURCE_CLASS_NAMES = {
    "portal": "门户网",
    "board": "论坛",
    "message_board": "互动留言",
    "disclosure": "信息公开平台",
    "news": "新闻网",
    "epaper": "数字报",
    "rss": "订阅源",
    "hotlist": "热榜",
    "broadcast": "广播电视",
    "manual": "人工登记",
}

SOURCE_STATUS_NAMES = {"ok": "正常", "silent": "静默", "broken": "故障", "not_run": "未采集"}

#: What is not as usual with a source that may well answer (marts.source_health).
SOURCE_WARNING_NAMES = {
    "layout_changed": "版式疑似变更",
    "robots_changed": "抓取声明有变",
    "gap": "可能有漏采",
    "volume_low": "新增明显偏少",
    "times_missing": "多数无发布时间",
    "extractors_disagree": "两种提取结果差异大",
}

#: Why a stated time of publication is not believed (clean.posts).
DATE_DOUBT_NAMES = {"future": "晚于采集时间", "guessed": "年份或日期为推断"}

EMERGENCY_LEVELS = ("none", "general", "larger", "major", "extreme")

#: Why a post is held relevant or not, as printed by `caifeng classify --json` (docs/glossary.md).
RELEVANCE_REASONS = {
    "strong_term": "出现专门用语（统计局、普查、统计法等）",
    "indicator_term": "出现统计指标用语",
    "context_term": "出现多义词，且附近有统计语境词",
    "no_term": "没有统计用语",
    "no_context": "只有多义词，附近没有统计语境词",
    "excluded": "命中排除语境（赛事、游戏、考研、公司数据等）",
    "foreign": "外国统计，且与我国无关",
}

SUGGESTION_NAMES = {
    "report_and_verify": "报送并核查",
    "verify_and_answer": "核查后回应",
    "answer": "直接答复",
    "refer": "转办",
    "log": "记入日志",
}

#: Roles of the office (docs/glossary.md).
ROLE_NAMES = {"deputy": "分管领导", "chief": "主要领导"}

#: Bodies that own figures which the office may be asked about (config/taxonomy: competent_body).
BODY_NAMES = {"nbs_survey_team": "国家统计局调查队"}

#: Shown on the page of an issue that accuses the bureau itself (`bureau_accused`); policy_basis.toml: PB-ST-10.
WHISTLE_BLOWING = (
    "任何单位和个人有权检举统计中弄虚作假等违法行为（《中华人民共和国统计法》第十条）。"
    "反映本局数据造假的，可向上级统计机构或者监察机关检举，不受打击报复；本局须先将此事项报送市统计局。"
)
