"""A site that is read through its RSS 2.0 feed; every entry carries its whole text and the writer's name."""

import re
from datetime import date, datetime, time
from email.utils import format_datetime
from html import escape
from types import MappingProxyType

from samples.page import SHANGHAI, Page
from samples.town.layouts.parts import html_page, paragraphs, visible, writer
from samples.town.story import Post, Site

FIRST = "/rss.xml"
_NEWEST = 20


def address(post: Post) -> str:
    """Address of the page of an entry within the site."""
    return f"/item/{post.number}.html"


def draw(site: Site, path: str, day: date) -> Page | None:
    """The feed, newest first, or the page of an entry."""
    posts = visible(site, day)
    if path == FIRST:
        items = "\n".join(_item(site, post) for post in posts[:_NEWEST])
        text = (
            '<?xml version="1.0" encoding="utf-8"?>\n'
            '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>\n'
            f"<title>{escape(site.name)}</title>\n<link>/</link>\n"
            f"<description>{escape(site.notice)}</description>\n{items}\n</channel></rss>\n"
        )
        return Page(200, MappingProxyType({"Content-Type": "application/rss+xml; charset=utf-8"}), text.encode())
    if re.fullmatch(r"/item/\d+\.html", path):
        post = next((p for p in posts if address(p) == path), None)
        return None if post is None else html_page(site, 200, post.title, "\n".join(_lines(post)))
    return None


def _lines(post: Post) -> list[str]:
    return [f"<p>{line}</p>" for line in paragraphs(post.body)]


def _item(site: Site, post: Post) -> str:
    stated = post.time if isinstance(post.time, datetime) else datetime.combine(post.time, time.min)
    return (
        f"<item><title>{escape(post.title)}</title><link>{address(post)}</link>"
        f'<guid isPermaLink="false">{post.id}</guid>'
        f"<pubDate>{format_datetime(stated.replace(tzinfo=SHANGHAI))}</pubDate>"
        f"<dc:creator>{escape(writer(site, post.id)[1])}</dc:creator>"
        f"<description><![CDATA[{''.join(_lines(post))}]]></description></item>"
    )
