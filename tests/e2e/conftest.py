"""The sample town over real HTTP, in this process; the crawlers and the jobs are the real ones."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.crawl import crawl
from caifeng.jobs.stages import run_stages
from samples.config import TOWN_SOURCES, write_config
from samples.server import serving
from samples.town.site import web_sites
from samples.town.story import Story, load_story


@dataclass
class Town:
    """A running town and a home to work in."""

    story: Story
    config: Path
    home: Path
    today: date
    landed: dict[date, JobReport] = field(default_factory=dict)
    """What each day's crawl reported."""

    def settings(self, at: str = "23:50") -> Settings:
        """Settings whose clock stands at a time of the current sample day."""
        return Settings(home=self.home, config=self.config, as_of=parse_as_of(f"{self.today}T{at}+08:00"))

    def env(self) -> Env:
        return Env.open(self.settings())

    def crawl(self, day: date) -> JobReport:
        """Move the town to a day and land it."""
        self.today = day
        return crawl(self.env())

    def run(self, day: date) -> None:
        """Run all stages of a day, evaluated at its end."""
        self.today = day + timedelta(days=1)
        assert len(list(run_stages(self.settings("00:10"), day))) == 7

    def partitions(self) -> dict[str, str]:
        """Hash of every file in the lake but ops.runs, which says how long each run took."""
        lake = self.home / "lake"
        return {
            str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(lake.rglob("*"))
            if path.is_file() and not path.is_relative_to(lake / "ops" / "runs")
        }


# before the plugin that distributes tests looks at the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of the town run in one process: building it takes a minute."""
    for item in items:
        if "town" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("town"))


@pytest.fixture(scope="session")
def town(tmp_path_factory) -> Iterator[Town]:
    """The town with all its days landed and run."""
    base = tmp_path_factory.mktemp("town")
    story = load_story()
    town = Town(story, base / "config", base / "home", story.days[0])
    with serving(web_sites(story), 0, lambda: town.today) as ports:
        first = ports[0]
        templates = {path.stem: path.read_text("utf8") for path in TOWN_SOURCES.glob("*.toml")}
        for offset, port in enumerate(ports):
            placeholder = "{port}" if offset == 0 else f"{{port+{offset}}}"
            templates = {name: text.replace(placeholder, str(port)) for name, text in templates.items()}
        write_config(Path(__file__).resolve().parents[2] / "config", town.config, templates, first)
        for day in story.days:
            town.landed[day] = town.crawl(day)
            town.run(day)
    return town
