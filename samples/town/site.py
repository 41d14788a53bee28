"""Sites of the sample town: pure functions from story, path and day to the bytes a site would send."""

from collections.abc import Mapping
from datetime import date, datetime, time
from functools import partial
from types import MappingProxyType, ModuleType

from samples.page import SHANGHAI, Page, WebSite, text_page, with_validators
from samples.town.layouts import board, disclosure, epaper, feed, hotlist, mailbox, portal
from samples.town.layouts.parts import count, html_page
from samples.town.story import Layout, Post, Site, Story

LAYOUTS: Mapping[Layout, ModuleType] = MappingProxyType(
    {
        "portal": portal,
        "board": board,
        "hotlist": hotlist,
        "epaper": epaper,
        "feed": feed,
        "mailbox": mailbox,
        "disclosure": disclosure,
    }
)


def web_sites(story: Story) -> list[WebSite]:
    """The sites of the story, ready to be served, in the order of their ports."""
    return [WebSite(site.id, partial(render, site), site.closed_from) for site in story.sites]


def first_path(site: Site, day: date) -> str:
    """Where a reader of the site starts on a day."""
    path: str = LAYOUTS[site.layout].FIRST
    return path.format(day=day)


def post_path(layout: Layout, post: Post) -> str:
    """Address of a post within its site."""
    path: str = LAYOUTS[layout].address(post)
    return path


def figures(site: Site, post: Post, day: date) -> tuple[int | None, int | None]:
    """Views and replies that the page of a post shows on a day; None where it shows none."""
    return count(site, post, post.views, day), count(site, post, post.replies, day)


def render(site: Site, path: str, day: date) -> Page:
    """What `site` answers to a GET of `path` on `day`.

    Args:
        site: the site with its posts or topics.
        path: decoded path without query; unknown ones give 404.
        day: the current sample day; nothing of a later day is visible.

    Returns:
        The page; with ETag and Last-Modified (the sample day since which its
        bytes are the same) if it is 200.
    """
    if path == "/healthz":
        return text_page(200, "ok\n")
    page = _draw(site, path, day)
    changed = day
    for earlier in reversed([d for d in site.days if d < day]):
        if _draw(site, path, earlier) != page:
            break
        changed = earlier
    return with_validators(page, datetime.combine(changed, time.min, SHANGHAI))


def _draw(site: Site, path: str, day: date) -> Page:
    if path == "/robots.txt":
        return text_page(200, "".join(["User-agent: *\n", *(f"Disallow: {p}\n" for p in site.disallow)]))
    if path == "/":
        path = first_path(site, day)
    page: Page | None = LAYOUTS[site.layout].draw(site, path, day)
    return page or html_page(site, 404, "找不到页面", "<p>404 Not Found</p>")
