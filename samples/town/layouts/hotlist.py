"""A hot list: an index of the snapshots of a day, and the snapshots, all JSON."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from samples.page import SHANGHAI, Page, json_page
from samples.town.layouts.parts import html_page
from samples.town.story import Post, Site, Topic

FIRST = "/hot/{day}/index.json"


def address(post: Post) -> str:
    """A hot list has topics only, whose addresses carry the title."""
    return "/topic"


def draw(site: Site, path: str, day: date) -> Page | None:
    """A hot list: an index of the snapshots of a day, and hourly snapshots, all JSON."""
    if path == "/topic":
        return html_page(site, 200, "话题", "<p>话题页（样例），没有用户内容。</p>")
    match = re.fullmatch(r"/hot/(\d{4}-\d\d-\d\d)/(index|\d\d)\.json", path)
    asked = next((d for d in site.days if match and d.isoformat() == match[1]), None)
    if match is None or asked is None or asked > day:
        return None
    midnight = datetime.combine(asked, time.min)
    hours = [
        h for h in (midnight + timedelta(hours=n) for n in range(0, 24, site.every_hours)) if h not in site.missing
    ]
    if match[2] == "index":
        return json_page({"snapshots": [f"/hot/{h:%Y-%m-%d}/{h:%H}.json" for h in hours]})
    return next((json_page(_snapshot(site, h)) for h in hours if f"{h:%H}" == match[2]), None)


def _snapshot(site: Site, hour: datetime) -> dict[str, Any]:
    """Topics on the list in `hour`, hottest first, those without heat at the end."""

    def figure(topic: Topic, line: tuple[int, int] | None) -> int | None:
        return None if line is None else max(0, line[0] + line[1] * ((hour - topic.start) // timedelta(hours=1)))

    listed = [t for t in site.topics if t.start <= hour <= t.end]
    listed.sort(key=lambda t: (t.heat is None, -(figure(t, t.heat) or 0), t.title))
    items = [[t.title, *(figure(t, line) for line in (t.heat, t.views, t.comments, t.originals))] for t in listed]
    return {"time": hour.replace(tzinfo=SHANGHAI).isoformat(), "items": items}
