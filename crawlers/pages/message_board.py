"""Reading of letters to an office and their public answers. Pure: source and page in, values out.

The letter is the post. Question and answer have a time each: the ground truth of response times.
"""

import re
from datetime import timedelta

from selectolax.lexbor import LexborHTMLParser

from caifeng.core.model.families import LetterPage
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import SHANGHAI, Moment
from crawlers.extract import is_soft_404
from crawlers.items import Page, Read, post_from
from crawlers.pages.forum import read_links
from crawlers.pages.values import (
    Unreadable,
    block_text,
    drop_personal,
    first_text,
    layout_of,
    parse_count,
    parse_html,
    select,
    stated_moment,
    whole_page,
)

#: Clocks of sites are ahead by minutes; an answer later than that after our reading is misread. Our choice.
CLOCK_SKEW = timedelta(minutes=10)

# What stands where the answer will be, or in the column of states.
_OPEN = re.compile(
    r"未(?:回复|答复|办结|处理|受理|回应)|(?:尚|还|暂)[未无没]|(?:正在|等待|待)(?:回复|答复|办理|处理|受理|审核)"
    r"|(?:办理|处理|受理|审核|回复|答复|转办|交办)中|^待|已(?:受理|转办|交办|接收)"
)
_DONE = re.compile(r"已(?:经)?(?:回复|答复|办结|办理|处理|回应)|办结|答复完毕|^(?:回复|答复)$")
# A notice instead of a letter is a short page.
_NOTICE = 200
_GONE = re.compile(r"(?:信件|来信|留言|问题|内容|记录)(?:不存在|已?被?删除|不公开|未公开)")
#: An answer is longer than such a phrase. Our choice.
_PHRASE = 20

_PERSONAL_FIELD = (
    r"(?:留言|来信|写信|咨询|投诉|反映|举报|申请|提问|发布)(?:人|者)(?:姓名|电话|手机|地址|邮箱)?|写信人|"
    r"网友|网名|昵称|用户名?|姓名|称呼|性别|年龄|职业|"
    r"(?:联系)?(?:手机|电话)(?:号码?)?|手机号|联系方式|(?:电子)?邮箱|(?:联系|家庭|通信|通讯)?(?:地址|住址)|身份证号?码?|IP(?:属地|地址)?"
)
_FIELD = re.compile(rf"^[\[【(（]?(?:{_PERSONAL_FIELD})[\]】)）]?\s*[:：]?$")
# A sentence that begins so is the letter's own; scrubbing takes the number out of it.
_FIELD_WITH_VALUE = re.compile(rf"^[\[【(（]?(?:{_PERSONAL_FIELD})[\]】)）]?\s*[:：][^，。；！？]{{0,60}}$")
#: A personal field's value is no longer; what is longer is the letter. Our choice.
_VALUE = 40


def read(source: Source, page: Page) -> Read:
    """A list page gives the letters and whether each is answered; a letter's page gives the letter and its answer."""
    if page.kind == "list":
        return read_links(source, page, answers_shown)
    rules = source.letter
    assert rules is not None
    decoded = decode(page.body, page.charset)
    tree = parse_html(decoded.text)
    asked = stated_moment(tree, rules.time, "letter.time", page.fetched_at)
    views = parse_count(first_text(tree, rules.views, "letter.views"))
    status = first_text(tree, rules.status, "letter.status") or ""
    answered = stated_moment(tree, rules.answered, "letter.answered", page.fetched_at)
    title = first_text(tree, rules.title, "letter.title") or ""
    layout = layout_of(tree, rules.title, rules.body)
    drop_personal(tree)
    text = _text(tree, rules.body, "letter.body") or ""
    if is_soft_404(title, text) or (not (title and text) and _is_gone(*whole_page(tree))):
        raise Unreadable("soft 404")
    if not title or not text:
        rule = "body" if title else "title"
        raise Unreadable(f"letter.{rule}: nothing found ({getattr(rules, rule)})")
    answer = _answer(tree, rules, status)
    answered_at, problem = None, None
    if answer is not None:
        answered_at, problem = answered.at, _nonsense(asked if asked.at is not None else page.listed, answered, page)
    elif answers_shown(status) == 1:
        problem = f"letter.answer: the letter is answered, but no answer is shown ({rules.answer})"
    post = post_from(
        source,
        page,
        title=title,
        text=text,
        encoding=decoded.encoding,
        published=asked,
        date_source="rule",
        views=views,
        answer=answer,
        answered_at=None if problem else answered_at,
    )
    return Read(1, posts=(post,), problem=problem, layout=layout)


def answers_shown(status: str | None) -> int | None:
    """How many answers a letter has by its state: 1 (已办结, 已回复), 0 (未回复, 办理中), null where it is not said."""
    plain = (status or "").strip()
    if _OPEN.search(plain):
        return 0
    return 1 if _DONE.search(plain) else None


def without_writer(text: str) -> str:
    """The text without lines that say who wrote it (来信人：…, 联系电话：…; or the field, and its value below it)."""
    kept: list[str] = []
    value_follows = False
    for line in text.split("\n"):
        is_field = _FIELD.match(line) is not None
        if not is_field and not _FIELD_WITH_VALUE.match(line) and not (value_follows and len(line) <= _VALUE):
            kept.append(line)
        value_follows = is_field
    return "\n".join(kept)


def _answer(tree: LexborHTMLParser, rules: LetterPage, status: str) -> str | None:
    """Words of the answer; null while there is none (no element, an empty one, 正在办理, a state that says so)."""
    text = _text(tree, rules.answer, "letter.answer")
    if not text or answers_shown(status) == 0 or (len(text) <= _PHRASE and _OPEN.search(text)):
        return None
    return text


def _nonsense(asked: Moment, answered: Moment, page: Page) -> str | None:
    """What is wrong with the time of the answer; days are compared where one of both is stated by the day only."""
    if answered.at is None:
        return None
    if answered.at > page.fetched_at + CLOCK_SKEW:
        return "letter.answered: later than the page was read"
    if asked.at is None:
        return None
    if asked.precision == answered.precision == "minute":
        early = answered.at < asked.at
    else:
        early = answered.at.astimezone(SHANGHAI).date() < asked.at.astimezone(SHANGHAI).date()
    return "letter.answered: before the letter" if early else None


def _text(tree: LexborHTMLParser, selector: str | None, rule: str) -> str | None:
    for node in select(tree, selector, rule)[:1] if selector else []:
        return without_writer(block_text(node)) or None
    return None


def _is_gone(title: str, text: str) -> bool:
    return is_soft_404(title, text) or (len(text) < _NOTICE and bool(_GONE.search(text)))
