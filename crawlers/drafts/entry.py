"""An entry page: rules for title, time and body that read what the generic extractor reads, or none."""

import re
from collections.abc import Mapping
from dataclasses import replace

from selectolax.lexbor import LexborHTMLParser

from caifeng.core.model.families import DetailPage
from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.times import Moment
from crawlers.drafts.draft import Draft, read_with
from crawlers.drafts.ranking import with_topics
from crawlers.drafts.selectors import level, next_element, selector, shape
from crawlers.drafts.words import DATE, likeness, unspaced
from crawlers.extract import extract_page
from crawlers.items import Page
from crawlers.pages.list_detail import read_detail
from crawlers.pages.values import Unreadable, block_text, drop_personal, parse_count, parse_html, stated_moment

#: Share of the generic extractor's text, as character 4-grams (F1), that a body selector must give (our choice).
SAME_TEXT = 0.95
_VIEWS = re.compile(r"浏览|阅读|点击|查看|访问|人气")
_COMMENTS = re.compile(r"评论|回复|跟帖")
_BY_POSITION = re.compile(r"(?:^|[ >])(?:div|ul|ol|section)(?::nth-of-type\(\d+\))?$")
_NO_COUNTER = frozenset({"script", "style", "a", "li", "dd", "tr", "ul", "table", *(f"h{n}" for n in range(1, 7))})
_LETTER_LABELS = {
    "time": re.compile(r"^(?:来信|留言|提问|写信|咨询|提交|发布|诉求)(?:时间|日期)\s*[:：]?"),
    "answered": re.compile(r"^(?:回复|答复|办结|办理|反馈)(?:时间|日期)\s*[:：]?"),
}
_ANSWER_HEAD = re.compile(r"(?:回复|答复|办结|办理|反馈)(?:时间|日期)")
_ANSWER_MARK = re.compile(r"answer|reply|huifu|dafu|result", re.IGNORECASE)
_PRECISIONS = {"minute": "到分钟", "hour": "到小时", "day": "到日", "unknown": "未知"}


def draft_entry(draft: Draft, page: Page) -> Draft:
    """Add what an entry page tells: detail rules that read what the generic extractor reads, or none.

    Raises:
        Undecodable: the body is no text.
    """
    if draft.family == "hot_list":
        return with_topics(draft, page)
    try:
        match draft.family:
            case "message_board":
                return _letter(draft, page)
            case "list_detail" | "feed" | "sitemap":
                return _detail(draft, page)
            case _:
                return _try_entry(draft, page)
    except Unreadable as error:
        remark = f"打开的条目页读不出正文（{error}）：请换一页核对"
        return replace(draft, found=(*draft.found, remark))


def _detail(draft: Draft, page: Page) -> Draft:
    """Detail rules that read this page as the generic extractor does; none where they would not."""
    decoded = decode(page.body, page.charset)
    generic = extract_page(decoded.text, page.url, page.fetched_at)
    if not generic.body:
        raise Unreadable("generic extractor: no body")
    tree = parse_html(decoded.text)
    rules: dict[str, str] = {}
    stated = generic.published if generic.published.at is not None else draft.entry_listed
    if time := _detail_time(tree, stated, page):
        rules["time"] = time
    counters, empty = _counters(tree)
    drop_personal(tree)
    title = _title_rule(tree, {draft.entry_title, generic.title})
    body = _body_rule(tree, generic.body)
    seen = [f"条目页：{generic.title or draft.entry_title}", f"正文：{len(generic.body)} 字"]
    at = generic.published.at
    shown = f"{_PRECISIONS[generic.published.precision]}（{generic.date_source}）" if at else "通用抽取没有认出"
    seen.append(f"时间：{shown}")
    if empty:
        seen.append("浏览次数由脚本填写，页面里没有数字：记为未知")
    if title and body:
        proposed = {"title": title, "body": body, **rules, **counters}
        if _same(proposed, page, generic.body, generic.published, {draft.entry_title, generic.title}):
            seen.append("详情选择器：已拟好，与通用抽取读得一致")
            return replace(draft, tables={**draft.tables, "detail": proposed}, found=(*draft.found, *seen))
    seen.append("详情选择器：没有可靠的，交给通用抽取")
    checks = {**draft.checks, "detail": "no selectors were found that read what the generic extractor reads"}
    return replace(draft, checks=checks, found=(*draft.found, *seen))


def _same(rules: Mapping[str, str], page: Page, body: str, published: Moment, titles: set[str]) -> bool:
    """Whether the rules read what the generic extractor read; the time may be finer."""
    try:
        read = read_detail(page.body, page.url, DetailPage.model_validate(rules), page.fetched_at, page.charset)
    except (Unreadable, Undecodable):
        return False
    agrees = published.at is None or read.published.at is None or _near(read.published, published)
    lost = published.at is not None and read.published.at is None and bool(rules.get("time"))
    return (
        unspaced(read.title) in set(map(unspaced, titles))
        and likeness(read.text, body) >= SAME_TEXT
        and agrees
        and not lost
    )


def _near(one: Moment, other: Moment) -> bool:
    if one.at is None or other.at is None:
        return False
    coarse = "day" in {one.precision, other.precision}
    return abs((one.at - other.at).total_seconds()) < (86_400 if coarse else 60)


def _title_rule(tree: LexborHTMLParser, titles: set[str]) -> str | None:
    """Selector of the headline: the first h1, h2 or named element whose whole text is a title we know."""
    known = {unspaced(title) for title in titles if title}
    # Lists cut long headlines: 关于开展第四次全国…
    cut = tuple(
        unspaced(re.sub(r"(?:…|\.{3}|\.\.)$", "", title)) for title in titles if re.search(r"(?:…|\.\.)$", title)
    )
    for tag in ("h1", "h2", "h3", "*"):
        for node in tree.css(f"body {tag}"):
            text = unspaced(node.text(separator=" "))
            if not text or len(text) > 120 or not (text in known or any(text.startswith(c) for c in cut if len(c) > 8)):
                continue
            if node.tag == "a" or (rule := selector(tree, node)) is None:
                continue
            return rule
    return None


def _body_rule(tree: LexborHTMLParser, body: str) -> str | None:
    """Selector of the smallest element whose text is the body."""
    best: tuple[float, str] | None = None
    for node in tree.css("body *"):
        if node.tag in {"p", "span", "a", "script", "style"} or len(node.text(strip=True)) < 0.8 * len(unspaced(body)):
            continue
        score = likeness(block_text(node), body)
        if score < SAME_TEXT or (best is not None and score < best[0]):
            continue
        if (rule := selector(tree, node)) is not None:
            best = (score, rule)
    return best[1] if best else None


def _detail_time(tree: LexborHTMLParser, published: Moment, page: Page) -> str | None:
    """Selector of the smallest element that states the time of publication as the extractor read it, or finer."""
    if published.at is None:
        return None
    for node in reversed(tree.css("body *")):
        text = node.text(separator=" ", strip=True)
        if node.tag in {"script", "style", "a", "p"} or len(text) > 160 or not DATE.search(text):
            continue
        rule = selector(tree, node)
        if rule is None:
            continue
        moment = stated_moment(tree, rule, "time", page.fetched_at)
        if _near(moment, published) and (published.precision == "day" or moment.precision != "day"):
            return rule
    return None


def _counters(tree: LexborHTMLParser) -> tuple[dict[str, str], bool]:
    """Selectors of the counters that stand on the page, and whether one is named without its number."""
    rules: dict[str, str] = {}
    empty = False
    for measure, label in (("views", _VIEWS), ("comments", _COMMENTS)):
        for node in reversed(tree.css("body *")):
            text = node.text(separator=" ", strip=True)
            if len(text) > 60 or node.tag in _NO_COUNTER or not label.search(text):
                continue
            # One of many is an entry of a list of other articles.
            if shape(node) != node.tag and len(tree.css(shape(node))) > 2:
                continue
            count = parse_count(text)
            inner = [
                n for n in node.css("*") if parse_count(n.text(strip=True)) is not None and n.mem_id != node.mem_id
            ]
            if count is None:
                beside = next_element(node)
                rule = selector(tree, beside) if beside is not None and len(text) < 8 else None
                if beside is not None and rule and parse_count(beside.text(strip=True)) is not None:
                    rules[measure] = rule
                    break
                empty = empty or measure == "views"
                continue
            target = inner[-1] if len(inner) == 1 and selector(tree, inner[-1]) else node
            labels = {name for name, other in (("views", _VIEWS), ("comments", _COMMENTS)) if other.search(text)}
            rule = selector(tree, target)
            if labels != {measure} or rule is None or _BY_POSITION.search(rule):
                continue
            rules[measure] = rule
            break
    return rules, empty and "views" not in rules


def _letter(draft: Draft, page: Page) -> Draft:
    """Rules of a letter and its answer, as far as labels and names of classes tell."""
    decoded = decode(page.body, page.charset)
    tree = parse_html(decoded.text)
    rules: dict[str, str] = {}
    for key, label in _LETTER_LABELS.items():
        if rule := _labelled(tree, label, page):
            rules[key] = rule
    counters, _ = _counters(tree)
    answers = [n for n in tree.css("[class], [id]") if _ANSWER_MARK.search(f"{n.attributes.get('class')} {n.id}")]
    texts = [n for n in answers if len(n.text(strip=True)) >= 10]
    # The words alone; a container also has the office and the time.
    plain = [n for n in texts if not _ANSWER_HEAD.search(n.text(strip=True))]
    answer = max(plain or texts, key=lambda n: (len(n.text(strip=True)), -level(n)), default=None)
    if answer is not None and (rule := selector(tree, answer)):
        rules["answer"] = rule
    title = _title_rule(tree, {draft.entry_title})
    for node in texts:
        if node.parent is not None:
            node.decompose()
    generic = extract_page(tree.html or "", page.url, page.fetched_at)
    body = _body_rule(tree, generic.body) if generic.body else None
    letter = {"title": title or "h1", "body": body or "body", **rules}
    letter |= {"views": counters["views"]} if "views" in counters else {}
    checks = dict(draft.checks)
    if not title:
        checks["letter.title"] = "check: nothing on the page equals the list's title"
    if not body:
        checks["letter.body"] = "check: where the question stands, and only the question"
    if "answer" not in letter:
        checks["letter"] = "check: answer, answered: the letter looked at has none; open an answered one"
    words = {"time": "来信时间", "answer": "答复", "answered": "答复时间", "views": "浏览次数"}
    seen = "、".join(f"{name}{'有' if key in letter else '没有认出'}" for key, name in words.items())
    found = (*draft.found, f"来信页：{draft.entry_title}", seen)
    return replace(draft, tables={**draft.tables, "letter": letter}, checks=checks, found=found)


def _labelled(tree: LexborHTMLParser, label: re.Pattern[str], page: Page) -> str | None:
    """Selector of the element with a time beside, or behind, its label."""
    for node in reversed(tree.css("body *")):
        text = node.text(strip=True, separator=" ")
        if len(text) > 60 or not (found := label.match(text)):
            continue
        candidates = [node] if DATE.search(text[found.end() :]) else []
        beside = next_element(node)
        candidates += [beside] if beside is not None else []
        for candidate in candidates:
            rule = selector(tree, candidate)
            if rule and stated_moment(tree, rule, "time", page.fetched_at).at is not None:
                return rule
    return None


def _try_entry(draft: Draft, page: Page) -> Draft:
    """Families whose pages need no rules: say what the reader makes of one."""
    read = read_with(draft, replace(page, kind="detail"))
    posts = [
        f"条目页：{p.title or p.text[:20]}，正文 {len(p.text)} 字，时间 {p.published_precision}" for p in read.posts[:1]
    ]
    return replace(draft, found=(*draft.found, *(posts or ["条目页：没有读出内容"])))
