"""One crawl of some sources in one process: `python -m crawlers.run --help`.

A process of its own, because Twisted's reactor cannot be started twice; jobs call it with subprocess.
"""

import argparse
import asyncio
import logging
import sys
import tomllib
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings

from caifeng.core import clock
from caifeng.core.errors import CaifengError, ConfigError, UsageError
from caifeng.core.model.office import Units
from caifeng.core.model.source import Source
from crawlers import settings as house_settings
from crawlers.pipelines.spool import spool_paths
from crawlers.plan import Plan, load_plan
from crawlers.platforms.epaper import EPaperSpider
from crawlers.platforms.feed import FeedSpider
from crawlers.platforms.forum import ForumSpider
from crawlers.platforms.hot_list import HotListSpider
from crawlers.platforms.list_detail import ListDetailSpider
from crawlers.platforms.message_board import MessageBoardSpider
from crawlers.platforms.openness import OpennessSpider
from crawlers.platforms.programme import ProgrammeSpider
from crawlers.platforms.sitemap import SitemapSpider
from crawlers.spider import SourceSpider

PLATFORMS: dict[str, type[SourceSpider]] = {
    "list_detail": ListDetailSpider,
    "openness": OpennessSpider,
    "forum": ForumSpider,
    "message_board": MessageBoardSpider,
    "epaper": EPaperSpider,
    "programme": ProgrammeSpider,
    "hot_list": HotListSpider,
    "feed": FeedSpider,
    "sitemap": SitemapSpider,
}

_Model = TypeVar("_Model", bound=BaseModel)


def main(arguments: list[str] | None = None) -> int:
    """Crawl, write the spool, and return the exit code.

    Returns:
        0 when the process did its work, whatever the sites answered: their failures are rows. 2 on bad arguments
        or configuration, with one line on standard error.
    """
    options = _parser().parse_args(arguments)
    try:
        office = load_model(options.config / "units.toml", Units).office
        ids = list(dict.fromkeys(part.strip() for part in options.sources.split(",") if part.strip()))
        if not ids:
            raise UsageError("--sources: no source named")
        today = clock.business_day(options.fetched_at)
        sources = [load_source(options.config, source_id).on(today) for source_id in ids]
        for source in sources:
            if source.family not in PLATFORMS:
                raise UsageError(f"--sources: {source.id}: the family {source.family} is not crawled")
        plan = load_plan(options.plan) if options.plan else Plan()
        options.spool.mkdir(parents=True, exist_ok=True)
        for source in sources:
            for path in spool_paths(options.spool, source.id).values():
                path.write_text("")
    except CaifengError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command line's one line
        return error.exit_code
    except OSError as error:
        print(f"--spool: {error}", file=sys.stderr)  # noqa: T201
        return 2
    crawl(sources, options.day, options.fetched_at, plan, options.spool, office.contact, options.bodies)
    return 0


def crawl(
    sources: list[Source],
    day: date,
    fetched_at: datetime,
    plan: Plan,
    spool: Path,
    contact: str,
    bodies: Path | None = None,
) -> None:
    """Run one spider per source in this process; returns when all have ended. Once per process only.

    Args:
        sources: what to crawl; those on one host take turns in this order.
        day: stands for `{day}` where the plan says nothing of a source.
        fetched_at: the instant of all rows.
        plan: what is known, due and resting, and for how long the run may ask.
        spool: directory of the rows.
        contact: address for the user agent.
        bodies: home of the encrypted store of pages; without it no page is stored.
    """
    settings = Settings()
    settings.setmodule(house_settings, priority="project")
    settings.set("RUN_SECONDS", plan.run_seconds, priority="project")
    settings.setdict(
        {"USER_AGENT": f"CaifengBot/{version('caifeng')} (+{contact})", "SPOOL_DIR": str(spool)}, priority="cmdline"
    )
    settings.set("BODIES_HOME", str(bodies) if bodies else None, priority="project")
    process = AsyncCrawlerProcess(settings)
    # What these report is in the rows already.
    for name in (
        "scrapy.core.downloader.handlers.http11",
        "scrapy.downloadermiddlewares.httpcompression",
        "scrapy.downloadermiddlewares.redirect",
        "scrapy.downloadermiddlewares.robotstxt",
    ):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    turns: dict[str, asyncio.Lock] = {}
    for source in sources:
        own = settings.copy()
        own.set("DOWNLOAD_DELAY", source.min_delay_seconds, priority="cmdline")
        crawler = Crawler(PLATFORMS[source.family], own)
        process.crawl(crawler, source=source, day=day, fetched_at=fetched_at, plan=plan, turns=turns)
    process.start()


def load_source(config: Path, source_id: str) -> Source:
    """Read config/sources/<id>.toml.

    Raises:
        ConfigError: there is no such file, it breaks the model, or its id is not its name.
    """
    path = config / "sources" / f"{source_id}.toml"
    source = load_model(path, Source)
    if source.id != source_id:
        raise ConfigError(path, "id", f"is {source.id}, but the file is named {source_id}")
    return source


def load_model(path: Path, model: type[_Model]) -> _Model:
    """Read a TOML file into its model; raises ConfigError naming file, field and reason."""
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf8")))
    except FileNotFoundError as error:
        raise ConfigError(path, "", "no such file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, "", str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(path, ".".join(map(str, first["loc"])), first["msg"]) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crawlers.run", description="Crawl sources into the spool.")
    parser.add_argument("--config", type=Path, required=True, help="directory with units.toml and sources/")
    parser.add_argument("--sources", required=True, help="source ids, separated by commas")
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="fetch day, YYYY-MM-DD")
    parser.add_argument("--fetched-at", type=_aware, required=True, help="instant of all rows, ISO 8601 with zone")
    parser.add_argument("--plan", type=Path, help="what is known, due and resting: JSON, see crawlers/plan.py")
    parser.add_argument("--spool", type=Path, required=True, help="directory to write to")
    parser.add_argument("--bodies", type=Path, help="home of the encrypted store of pages; without it none is stored")
    return parser


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("needs a zone, e.g. +00:00")
    return at


if __name__ == "__main__":
    sys.exit(main())
