"""Which reader reads the pages of which family. Scrapy-free: a stored page is read again in the same way."""

from caifeng.core.model.families import Family
from crawlers.items import Reader
from crawlers.pages import epaper, feed, forum, hot_list, list_detail, message_board, openness, programme, sitemap

READERS: dict[Family, Reader] = {
    "list_detail": list_detail.read,
    "openness": openness.read,
    "forum": forum.read,
    "message_board": message_board.read,
    "epaper": epaper.read,
    "programme": programme.read,
    "hot_list": hot_list.read,
    "feed": feed.read,
    "sitemap": sitemap.read,
}
