"""Scrapy settings: polite, honest, boring. crawlers/run.py adds the user agent and the delay of each source."""

BOT_NAME = "caifeng"
SPIDER_MODULES: list[str] = []

# Good faith: robots.txt is obeyed by every source, with the same name the user agent carries.
ROBOTSTXT_OBEY = True
ROBOTSTXT_USER_AGENT = "CaifengBot"
USER_AGENT = "CaifengBot"

# One request at a time per host, never faster than the source's delay; AutoThrottle only slows down.
# One at a time per source as well: what a host answers must be known before the next request leaves (guard.py).
CONCURRENT_REQUESTS = 1
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 5.0
DOWNLOAD_DELAY_JITTER = 0.0
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 0.0
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0

COOKIES_ENABLED = False
REFERER_ENABLED = False
METAREFRESH_ENABLED = False
TELNETCONSOLE_ENABLED = False
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.5",
    "Accept-Language": "zh-CN,zh;q=0.9",
}

DOWNLOAD_MAXSIZE = 5 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 20
RETRY_TIMES = 1
# 429 and 503 ask for fewer requests, so they are not repeated.
RETRY_HTTP_CODES = [500, 502, 504, 408]
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"

# http and https only.
DOWNLOAD_HANDLERS = {"data": None, "file": None, "ftp": None, "s3": None}

DOWNLOADER_MIDDLEWARES = {
    # Sources link to other hosts on purpose (a portal to its paper); the guard keeps them off private networks.
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "crawlers.middlewares.guard.GuardMiddleware": 50,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawlers.middlewares.robots.RobotsMiddleware": 100,
    "crawlers.middlewares.conditional.ConditionalMiddleware": 450,
}
SPIDER_MIDDLEWARES = {"crawlers.middlewares.fetch_log.FetchLogMiddleware": 900}
ITEM_PIPELINES = {"crawlers.pipelines.scrub.ScrubPipeline": 100, "crawlers.pipelines.spool.SpoolPipeline": 900}

LOG_LEVEL = "WARNING"
LOG_STDOUT = False
