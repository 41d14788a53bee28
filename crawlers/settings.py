"""Scrapy settings: polite, honest, boring. crawlers/run.py adds the user agent and the delay of each source."""

BOT_NAME = "caifeng"
SPIDER_MODULES: list[str] = []

# Good faith: robots.txt is obeyed by every source, with the same name the user agent carries. Scrapy's own middleware
# is replaced by crawlers/middlewares/robots.py, which has no switch.
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

# Our pipelines do not wait for anything; Scrapy starts so many tasks for every page (100 by default).
CONCURRENT_ITEMS = 1
# In the order of the list: the newest entries first, should the run end early.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

REFERER_ENABLED = False
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.5",
    "Accept-Language": "zh-CN,zh;q=0.9",
}

DOWNLOAD_MAXSIZE = 5 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
# From the first byte sent to the last received, so that a slow drip ends, too; with the one retry 40 s a page.
DOWNLOAD_TIMEOUT = 20
DNS_TIMEOUT = 20
REDIRECT_MAX_TIMES = 5
RETRY_TIMES = 1
# At once, so that a host that does not answer is found out after three pages, not after all of them.
RETRY_PRIORITY_ADJUST = 1
# 429 and 503 ask for fewer requests, so they are not repeated.
RETRY_HTTP_CODES = [500, 502, 504, 408]
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"

# Bounds of one run (our choice). What a source's share leaves out is named in its rows (fetch_log.py, guard.py). The
# job gives up after 25 minutes and lands nothing, hence the crawl ends before.
MAX_REQUESTS = 2_000
RUN_SECONDS = 20 * 60

# http and https only.
DOWNLOAD_HANDLERS = {"data": None, "file": None, "ftp": None, "s3": None}

# What runs is named here and nowhere else: a new Scrapy adds nothing by itself (its remote control ran the code of
# whoever had its token), and what is not named is not imported, so that a crawler starts a third faster.
EXTENSIONS_BASE: dict[str, int] = {}
EXTENSIONS = {
    "scrapy.extensions.corestats.CoreStats": 0,
    "scrapy.extensions.logcount.LogCount": 0,
    "scrapy.extensions.throttle.AutoThrottle": 0,
}
# No cookies, no passwords, no cache. Sources link to other hosts on purpose (a portal to its paper); the guard keeps
# them off private networks.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES = {
    "crawlers.middlewares.guard.GuardMiddleware": 50,
    "crawlers.middlewares.robots.RobotsMiddleware": 100,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "crawlers.middlewares.conditional.ConditionalMiddleware": 450,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": 550,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": 850,
    "crawlers.middlewares.pace.PaceMiddleware": 950,
}
SPIDER_MIDDLEWARES = {
    "crawlers.middlewares.fetch_log.FetchLogMiddleware": 900,
    # Nearest to the spider: it sees the posts of a page before anything else does. Off without BODIES_HOME.
    "crawlers.middlewares.bodies.BodiesMiddleware": 950,
}
ITEM_PIPELINES = {"crawlers.pipelines.scrub.ScrubPipeline": 100, "crawlers.pipelines.spool.SpoolPipeline": 900}

LOG_LEVEL = "WARNING"
LOG_STDOUT = False
