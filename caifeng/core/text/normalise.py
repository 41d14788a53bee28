"""Normal forms of Chinese text, as Polars expressions: one for reading, one for matching, one for identity.

Character mapping only, no segmentation: offsets found in a matching form point into that same form.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.text.compiled import translate

#: Set phrases that contain a term of the taxonomy but say nothing about statistics work.
IDIOMS = ("据不完全统计", "不完全统计", "统计学意义")

# Letters, figures and the ideographic space only: ，。！？ and （） keep their Chinese form for the reader.
_ALPHANUMERIC = [*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]
_FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in _ALPHANUMERIC} | {"\u3000": " "}
# For matching the marks are folded as well, so that a rule needs only one spelling.
_FULL_WIDTH_MARKS = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if code not in set(_ALPHANUMERIC)}

# Traditional to simplified, only characters that occur in terms of this field; pairs stand side by side.
_TRADITIONAL = (
    "統统計计調调查查數数據据經经濟济國国縣县鄉乡鎮镇區区億亿萬万價价貨货幣币業业務务農农戶户產产總总值值"
    "長长貧贫資资開开發发類类額额銷销購购費费賣卖買买質质貿贸營营企企業业職职員员勞劳動动薪薪賬账帳帐單单"
    "條条個个體体關关係系選选舉举報报導导網网絡络傳传媒媒聞闻處处罰罚違违規规責责問问題题難难變变實实際际"
    "虛虚偽伪編编寫写騙骗詐诈號号碼码錢钱銀银補补貼贴領领騷骚擾扰態态應应該该辦办負负覺觉聽听說说話话記记"
    "錄录認认證证識识請请謝谢讚赞點点評评論论議议建建訴诉訪访談谈護护隱隐洩泄漏漏標标準准測测量量確确認认"
    "樓楼廠厂鋼钢鐵铁電电煤煤氣气漲涨跌跌滯滞緊紧縮缩緩缓穩稳復复運运輸输車车糧粮豬猪魚鱼雞鸡蔬蔬棗枣麥麦"
    "種种樹树葉叶豐丰災灾險险醫医療疗學学齡龄歲岁嬰婴兒儿婦妇離离婚婚喪丧遷迁戶户籍籍鄰邻裡里灣湾廣广東东"
    "蘇苏遼辽寧宁龍龙雲云貴贵瓊琼陝陕肅肃慶庆門门滬沪漢汉華华蘭兰亞亚歐欧韓韩羅罗馬马聯联盟盟榮荣義义術术"
    "機机構构屬属級级師师隊队團团組组織织項项預预算算決决審审監监督督檢检驗验舉举執执佈布公公圖图書书頁页"
    "連连絕绝對对錯错誤误愛爱歡欢樂乐優优劣劣終终結结線线綠绿紅红藍蓝黃黄嗎吗麼么們们這这還还過过進进遠远"
    "時时間间週周節节年年後后見见觀观視视親亲現现顯显頻频頭头顧顾願愿須须"
    "專专丟丢兩两嚴严為为爲为烏乌習习亂乱爭争於于畝亩從从倉仓儀仪傷伤眾众衆众倫伦債债償偿儲储黨党內内軍军衝冲淨净減减湊凑擊击則则創创別别劑剂勁劲勵励勢势盧卢衛卫歷历曆历廳厅"
    "壓压參参雙双髮发臺台嚇吓啟启響响園园圍围塊块堅坚墊垫聲声備备夠够獎奖媽妈憲宪宮宫寬宽賓宾將将爾尔層层屆届島岛崗岗帶带幫帮幹干並并併并庫库異异強强歸归當当徹彻徑径惡恶懲惩"
    "憤愤懶懒戲戏戰战擴扩掃扫揚扬擔担掛挂擠挤掙挣換换摻掺攤摊無无舊旧曬晒暫暂殺杀權权來来極极欄栏樣样檔档橫横殘残殯殡毆殴畢毕匯汇沒没潤润漁渔溫温滿满靈灵爐炉爛烂煩烦熱热貓猫"
    "環环盤盘瞞瞒磚砖積积稱称築筑簽签籌筹篩筛約约紀纪納纳紙纸細细紹绍給给績绩續续綜综緬缅繳缴恥耻腸肠腫肿脹胀脅胁勝胜腦脑脫脱臘腊藝艺藥药獲获薩萨慮虑蠻蛮襲袭裝装訂订討讨讓让"
    "訓训訊讯講讲訛讹設设診诊試试誠诚詢询語语讀读課课諉诿誰谁謠谣謹谨譜谱財财貫贯貸贷賽赛轉转載载輛辆達达遲迟遺遗鄭郑釋释採采釣钓鉤钩鈴铃鏈链鎖锁錦锦闖闯靜静麵面風风飛飞飲饮"
    "館馆罵骂騎骑魯鲁鮮鲜鳥鸟"
)
_SIMPLIFIED = {a: b for a, b in zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True) if a != b}

# Letters dressed up (Ⓖ, 𝐆, 🅖), radicals and compatibility ideographs that look like the plain character. Circled and
# other figures are left out: 增长5%② is not 增长5%2. Then Cyrillic and Greek twins of letters in CPI, PPI, PMI.
_DRESSED = (*range(0x249C, 0x24EA), *range(0x2F00, 0x2FD6), *range(0xF900, 0xFADA), *range(0x1D400, 0x1D6A4))
_NEGATIVES = {chr(first + n): chr(97 + n) for first in (0x1F130, 0x1F150, 0x1F170, 0x249C) for n in range(26)}
_TWINS = dict(zip("СсРрІіМмΡΙΜⅠ", "ccppiimmpimi", strict=True))
_LOOKALIKES = (
    {
        chr(code): plain
        for code in _DRESSED
        if len(plain := unicodedata.normalize("NFKC", chr(code)).lower()) == 1 and (plain.isascii() or plain > "\u4dff")
    }
    | _NEGATIVES
    | _TWINS
)

_INVISIBLE = r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\u034f\u180e\ufe00-\ufe0f\x00-\x08\x0e-\x1f\x7f]"
_HIDDEN_CONTENT = r"(?is)<(?:script|style)\b[^>]*>.*?</(?:script|style)\s*>|<!--.*?-->"
_TAG = r"</?[A-Za-z][^<>]{0,500}>"  # a tag begins with a letter, so "x<3 且 y>5" survives
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});|&#\d{3,7}(?!\d)")

# What reading_form changes; most posts have none of it and are passed over in one go.
_NOT_PLAIN = (
    rf"[<&]|{_INVISIBLE}|[\t\r\x0b\x0c\u0085\u2028\u2029\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
    r"|[０-９Ａ-Ｚａ-ｚ]|  | \n|\n[ \n]|\A[\s]|[\s]\z"
)

_FOLDED = _FULL_WIDTH_MARKS | _SIMPLIFIED | _LOOKALIKES
_MARKS = r"[\p{Mn}\p{Me}\p{Cf}\u115f\u1160\u3164\uffa0]"  # 统̶计̶局; fillers that look like nothing

# Three or more characters, each parted from the next by the same mark: the whole word is spelt out. Two would not do
# (系统-计划), nor a mark that parts words of several characters. The first engine has no back-references.
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_PARTED_HINT = r"(?:\p{Han}[^\p{L}\p{N}\n]{1,3}){2}\p{Han}|[a-z](?:[^\p{L}\p{N}\n]{1,3}[a-z]){2}"
_SPELT_OUT = re.compile(
    rf"[{_HAN}](?P<mark>[^\w\n]{{1,3}}|_{{1,3}})[{_HAN}](?:(?P=mark)[{_HAN}])+"
    r"|(?<![a-z0-9])[a-z](?P<dash>[^\w\n]{1,3}|_{1,3})[a-z](?:(?P=dash)[a-z])+(?![a-z0-9])"
)
_PARTED = rf"{_MARKS}|[^\x00-\x7f] | [^\x00-\x7f]|{_PARTED_HINT}"
_PLANE = 1 << 16


def _unescape(values: pl.Series) -> pl.Series:
    """Decode HTML entities; touches only the values that have any, which are few after a page parser."""
    return _where(values, r"&(?:#?\w+;|#\d{3})", _decode)


def _decode(values: pl.Series) -> pl.Series:
    return pl.Series([html.unescape(_ENTITY.sub(lambda m: html.unescape(m[0]), v)) for v in values], dtype=pl.String)


def reading_form(expr: pl.Expr) -> pl.Expr:
    """Text as a person should read it.

    HTML entities are decoded, then tags, scripts and comments removed; full-width letters and figures become
    half-width; invisible characters go; white space is folded to one space, line breaks to one break, and
    both are stripped at the ends. Chinese punctuation stays.

    Args:
        expr: strings; null stays null.
    """
    return expr.map_batches(
        lambda values: _where(values, _NOT_PLAIN, _read), return_dtype=pl.String, is_elementwise=True
    )


def _read(values: pl.Series) -> pl.Series:
    return (
        _unescape(values)
        .str.replace_all(_HIDDEN_CONTENT, "")
        .str.replace_all(r"(?i)<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^<>]{0,100}>", "\n")
        .str.replace_all(_TAG, "")
        .str.replace_all(_INVISIBLE, "")
        .str.replace_many(_FULL_WIDTH)
        .str.replace_all(r"[\r\x0b\x0c\u0085\u2028\u2029]+", "\n")
        .str.replace_all(r"[\p{Zs}\t]+", " ")
        .str.replace_all(r" ?\n[ \n]*", "\n")
        .str.strip_chars()
    )


def _where(values: pl.Series, pattern: str, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Change only the values in which a pattern occurs: finding it costs far less than rewriting."""
    rows = values.str.contains(pattern).fill_null(value=False).arg_true()
    return values.clone().scatter(rows, change(values.gather(rows))) if rows.len() else values


def matching_form(expr: pl.Expr, idioms: Sequence[str] = IDIOMS) -> pl.Expr:
    """Text as rules compare it: the reading form, further folded.

    Lower case, half-width marks, simplified characters (those of this field), look-alike letters and combining
    marks undone, `idioms` removed, and spaces removed unless they part two ASCII words, so that 统 计 局 and
    "70 城" are found. Single characters that are all parted by the same mark (统.计.局, G-D-P) are joined.
    Line breaks stay.
    """
    return folded_form(reading_form(expr), idioms)


def fold_terms(terms: pl.Expr) -> pl.Expr:
    """The matching form of a rule's term: as `matching_form`, but an idiom is kept."""
    return folded_form(reading_form(terms), ())


def folded_form(text: pl.Expr, idioms: Sequence[str] = IDIOMS) -> pl.Expr:
    """The matching form of a text in its reading form; null stays null."""
    folded = text.map_batches(lambda values: translate(values, _forms()), return_dtype=pl.String, is_elementwise=True)
    folded = folded.map_batches(
        lambda values: _where(values, _PARTED, _close_up), return_dtype=pl.String, is_elementwise=True
    )
    return folded.str.replace_many(list(idioms), [""] * len(idioms), leftmost=True) if idioms else folded


@cache
def _forms() -> NDArray[np.int32]:
    """The folded form of each character of the first two planes."""
    small = (chr(code).lower()[0] for code in range(2 * _PLANE))
    return np.array([ord(_FOLDED.get(character, character)) for character in small], np.int32)


def _close_up(values: pl.Series) -> pl.Series:
    """Remove what parts the characters of one word."""
    joined = _where(values.str.replace_all(_MARKS, ""), _PARTED_HINT, _join_parted)
    return joined.str.replace_all(r"([^\x00-\x7f]) +", "$1").str.replace_all(r" +([^\x00-\x7f])", "$1")


def _join_parted(values: pl.Series) -> pl.Series:
    """Join what is written character by character."""
    joined = [_SPELT_OUT.sub(lambda m: m[0].replace(m["mark"] or m["dash"], ""), v) for v in values]
    return pl.Series(joined, dtype=pl.String)
