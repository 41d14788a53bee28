"""Text and title in a page's data (JSON-LD and the like), for pages that a script draws."""

import json
import re

from crawlers.extract.body import PUNCTUATION, body_text
from crawlers.extract.lines import UNREAD
from crawlers.pages.values import parse_html

_JSON_TEXT = re.compile(
    r"[\"'](?:articleBody|content|contentHtml|htmlContent|articleContent|body|text|detail)[\"']\s*:\s*"
    r'("(?:[^"\\]|\\.){80,}")'
)
_JSON_TITLE = re.compile(r"[\"'](?:headline|articleTitle|title)[\"']\s*:\s*(\"(?:[^\"\\\n]|\\.){4,120}\")")


def script_text(html: str) -> str:
    """The longest text among the usual fields of JSON-LD and page data, for pages that a script draws."""
    for source in (html, html.replace('\\"', '"').replace("\\\\", "\\")):
        found = (_json_string(quoted) for quoted in _JSON_TEXT.findall(source))
        texts = [text for text in found if len(PUNCTUATION.findall(text)) >= 3]
        if texts:
            longest = max(texts, key=len)
            page = parse_html(longest)
            page.strip_tags(UNREAD)
            return body_text(page.body, "") if "<" in longest and page.body else "\n".join(longest.split("\n"))
    return ""


def script_title(html: str) -> str:
    """The first title in the page's data; empty without one."""
    return next((text for quoted in _JSON_TITLE.findall(html) if (text := _json_string(quoted))), "")


def _json_string(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return ""
