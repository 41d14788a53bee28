"""Generic extractor: title, time and body of a page no source file describes. Pure.

The page is read once into lines (the text between two block borders) and boxes (the block elements around them). Each
line counts as content (sentences) or furniture (links, template phrases). The body is the box with the most content for
its furniture, near the headline; what a template adds inside of it is cut off at both ends. No site is known by name.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from caifeng.core.text.times import Moment, parse_time
from caifeng.core.text.urls import is_web_url
from crawlers.extract.body import SHORT, body_text, main_box
from crawlers.extract.lines import UNREAD, Reading, find_headline, first_line, read_lines
from crawlers.extract.published import day_in, settle, shown_time, signed_day, stated_time, time_elements, to_the_minute
from crawlers.extract.scripts import script_text, script_title
from crawlers.extract.title import find_title, heading_above, read_metas
from crawlers.pages.values import parse_html

_BARE_404 = re.compile(r"^\W*404\W*$")
_SOFT_404 = re.compile(
    r"(?:^|[\s\-_|–—·:：,，])(?:404(?:\s*(?:not\s*found|错误|页面|error))?|not\s*found|"
    r"(?:抱歉|对不起)?[,，\s]*(?:您|你)?(?:所)?(?:访问|查看|请求|浏览|要找)?的?(?:页面|网页|文章|帖子|主题|内容|信息)"
    r"(?:不存在|已(?:经)?(?:被)?(?:作者)?删除|已失效|找不到|未找到|无法找到)[^，。！!]{0,12}|"
    r"(?:找不到|未找到)(?:该|您|你)?(?:访问|请求|要)?的?(?:页面|网页|文章|内容|信息)|"
    r"(?:该|此|本)?(?:页面|网页|文章|帖子|内容|信息)?已删除)(?:$|[\s\-_|–—·:：,，!！。.])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Extracted:
    """What a page says.

    `date_source`: meta, script, element, text, url, or null when no time was found.
    """

    title: str
    published: Moment
    date_source: str | None
    body: str


def extract_page(html: str, url: str, reference: datetime) -> Extracted:
    """Title, time of publication and body of a page.

    Title: a heading that the page's `<title>` or meta title confirms, then the meta title, then `<title>` without the
    site's name. Time: what the page shows near the headline, to the minute, unless it is more than a day from the meta
    or script value; then meta, script, elements named after time, the address. Body: see the module.

    Args:
        html: decoded page.
        url: its address; the day in it is the last resort and a check. May be empty.
        reference: when it was read; relative times count from it.

    Returns:
        Empty title or body where none is found; never a name from an author element.

    Raises:
        Unreadable: the page is nested too deeply to be parsed in reasonable time.
    """
    page = parse_html(html)
    metas = read_metas(page)
    title = find_title(page, metas)
    page.strip_tags(UNREAD)
    root = page.body or page.root
    reading = read_lines(root, title, strict=True) if root is not None else Reading()
    headline = find_headline(reading.lines, title)
    main = main_box(reading, headline)
    if root is not None and (main is None or len(reading.boxes[main].text(strip=True)) < SHORT):
        # The theme may have named the article itself as it names furniture.
        loose = read_lines(root, title, strict=False)
        at = find_headline(loose.lines, title)
        if (other := main_box(loose, at, shortest=4)) is not None:
            reading, main, headline = loose, other, at
    first = first_line(reading, main)
    if headline is None:
        # <title> names only the site, or nothing.
        title = heading_above(reading.lines, first) or title
    shown = shown_time(reading.lines, headline, first, reference)
    stated = stated_time(metas, "" if to_the_minute(shown) else html, reference)
    elements = [] if to_the_minute(shown) else [parse_time(text, reference) for text in time_elements(page)]
    body = "" if main is None else body_text(reading.boxes[main], title)
    if len(body) < SHORT and len(scripted := script_text(html)) > 3 * len(body):
        body, title = scripted, (script_title(html) if headline is None else "") or title
    moment, source = settle(shown, stated, elements, day_in(url), reference)
    if moment.at is None and (signed := signed_day(body, reference)).at is not None:
        moment, source = signed, "text"
    return Extracted(title, moment, source, body)


def is_soft_404(title: str, text: str) -> bool:
    """Whether a page answered 200 only says that there is nothing (页面不存在, 404, 已删除, 找不到).

    A short page only: a citizen may well complain that a link leads to 404.
    """
    if len(text) < 200 and _SOFT_404.search(title):
        return True
    # A bare 404 beside other words may be a counter: 浏览次数：404.
    alone = len(text) < 12
    said = (found for found in _SOFT_404.finditer(text) if alone or not _BARE_404.match(found[0]))
    return len(text) < 60 and next(said, None) is not None


def own_address(html: str) -> str:
    """The address a page states for itself (canonical link, og:url); empty without one.

    Raises:
        Unreadable: the page is nested too deeply to be parsed in reasonable time.
    """
    page = parse_html(html)
    for selector, name in (("link[rel=canonical]", "href"), ("meta[property='og:url']", "content")):
        for node in page.css(selector)[:1]:
            if is_web_url(address := (node.attributes.get(name) or "").strip()):
                return address
    return ""
