"""From the web to paper: what a person would expect of each day's log is what the log says."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from caifeng.core.text.scrub import find_pii, scrub
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.publish import publish, rebuild
from samples.town.site import post_path
from samples.town.story import load_expected


@pytest.fixture(scope="module")
def expected():
    return load_expected()


@pytest.fixture(scope="module")
def item_of(town) -> dict[str, str]:
    """Item of the story -> post_id, by the number at the end of its address or by its title."""
    days = town.story.days
    env = town.env()
    raw = env.lake.read_range("raw.posts", days[0], days[-1], ["source_id", "post_id", "url", "title"]).unique(
        "post_id"
    )
    by_title = {(row["source_id"], row["title"]): row["post_id"] for row in raw.iter_rows(named=True)}
    by_number = {}
    for row in raw.iter_rows(named=True):
        if number := re.search(r"(\d+)(?:-1-1)?\.html?$", row["url"]):
            by_number[row["source_id"], int(number[1])] = row["post_id"]
    found = {}
    for site in town.story.sites:
        for item_id, item in site.items.items():
            key = (site.id, scrub(item.title)) if site.layout == "hotlist" else (site.id, item.number)
            post_id = (by_title if site.layout == "hotlist" else by_number).get(key)
            if post_id:
                found[item_id] = post_id
    return found


def read(town, table: str) -> pl.DataFrame:
    return town.env().lake.read_range(table, town.story.days[0], town.story.days[-1])


def test_every_item_is_judged_as_a_person_would(town, expected, item_of):
    relevant = {row["post_id"]: row for row in read(town, "graded.posts").iter_rows(named=True)}
    rejects = {row["post_id"]: row["reason"] for row in read(town, "clean.rejects").iter_rows(named=True)}
    topics = set(town.settings().taxonomy().topic_ids)
    wrong = []
    swept = 0
    for group in expected.relevant:
        for item in group.items:
            swept += 1
            row = relevant.get(item_of.get(item))
            if row is None:
                wrong.append((item, "should be relevant", rejects.get(item_of.get(item))))
                continue
            if group.topic in topics and row["topic"] != group.topic:
                wrong.append((item, "topic", group.topic, row["topic"]))
            if row["jurisdiction"] != group.jurisdiction:
                wrong.append((item, "jurisdiction", group.jurisdiction, row["jurisdiction"]))
            if group.stance and row["stance"] != group.stance:
                wrong.append((item, "stance", group.stance, row["stance"]))
    for group in expected.rejected:
        for item in group.items:
            swept += 1
            if rejects.get(item_of.get(item)) not in group.reasons:
                wrong.append((item, group.reasons, rejects.get(item_of.get(item)), item_of.get(item) in relevant))
    assert swept > 100
    assert wrong == [], "\n".join(map(str, wrong))


def test_pages_that_cannot_be_read_are_on_record(town, expected):
    fetches = read(town, "ops.fetches")
    swept = 0
    for group in expected.not_landed:
        for item in group.items:
            site = next(site for site in town.story.sites if item in site.items)
            path = post_path(site.layout, town.story.items[item])
            asked = fetches.filter(pl.col("source_id") == site.id, pl.col("url").str.ends_with(path))
            expected_outcomes = [] if group.outcome == "not_asked" else [group.outcome]
            assert asked["outcome"].unique().to_list() == expected_outcomes, item
            swept += 1
    assert swept >= 5


def test_each_days_log_has_the_issues_a_person_would_expect(town, expected, item_of):
    links = {row["post_id"]: row["issue_no"] for row in read(town, "graded.issue_posts").iter_rows(named=True)}
    numbers = {group.issue: {links[item_of[item]] for item in group.items} for group in expected.relevant}
    split = {issue: sorted(found) for issue, found in numbers.items() if len(found) > 1}
    assert split == {}, f"items of one issue share one number: {split}"
    number_of = {issue: next(iter(found)) for issue, found in numbers.items()}
    assert len(set(number_of.values())) == len(number_of), "different issues have different numbers"
    issue_of = {number: issue for issue, number in number_of.items()}
    log = read_warehouse(town, "marts.daily_log")
    for expected_day in expected.log:
        rows = log.filter(pl.col("day") == expected_day.day)
        new = set(rows.filter(pl.col("change") == "new")["issue_no"])
        moved = set(rows.filter(pl.col("change") == "tracked")["issue_no"])
        assert {issue_of.get(no, no) for no in new} == set(expected_day.new), expected_day.day
        assert {issue_of.get(no, no) for no in moved} == set(expected_day.moved), expected_day.day


def read_warehouse(town, table: str) -> pl.DataFrame:
    return town.env().warehouse.read(table, town.story.days[0], town.story.days[-1])


def test_counts_add_up_at_every_gate(town):
    env = town.env()
    for day in town.story.days:
        raw, metrics, rejects, posts, graded, links = (
            env.lake.read(table, day)
            for table in (
                "raw.posts",
                "clean.post_metrics",
                "clean.rejects",
                "clean.posts",
                "graded.posts",
                "graded.issue_posts",
            )
        )
        dropped = dict(rejects["stage"].value_counts().iter_rows())
        assert raw.height > 0
        assert raw.height == metrics.height + dropped.get("clean", 0)
        assert posts.height == graded.height + dropped.get("understand", 0)
        assert graded.height == links.height
        summary = env.warehouse.read("marts.daily_summary", day).row(0, named=True)
        levels = ("extreme", "major", "larger", "general", "log_only", "context", "refer_out")
        assert sum(summary[level] for level in levels) == summary["issues_new"] + summary["issues_tracked"]
        assert summary["posts_relevant"] == graded.height
        assert summary["observations"] == metrics.height


def test_each_source_does_as_a_person_would_say(town, expected):
    """A dead site and a new layout are broken, a frozen site is silent, a quiet one is in order."""
    health = read_warehouse(town, "marts.source_health")
    status = {(row["source_id"], row["day"]): row["status"] for row in health.iter_rows(named=True)}
    assert {group.source for group in expected.sources} == {site.id for site in town.story.sites}
    for group in expected.sources:
        assert [status[group.source, day] for day in town.story.days] == list(group.status), group.source
    named = {word for group in expected.sources for word in group.status}
    assert named == {"ok", "silent", "broken"}
    # The crawl itself knows of what it could not reach; that a page no longer says anything, health finds out.
    dead = {site.id: site.closed_from for site in town.story.sites if site.closed_from is not None}
    assert dead
    for day, report in town.landed.items():
        assert set(report.failed) == {source for source, since in dead.items() if since <= day}
    reasons = dict(health.filter(pl.col("status") == "broken").select("source_id", "reason").iter_rows())
    assert reasons["lixin"].startswith("无法连接×")


def test_every_source_is_accounted_for_on_every_day(town):
    health = read_warehouse(town, "marts.source_health")
    assert health.height == len(town.story.days) * len(town.story.sites)
    summary = read_warehouse(town, "marts.daily_summary")
    assert summary["sources_planned"].to_list() == [len(town.story.sites)] * len(town.story.days)


def test_the_stored_grades_agree_with_the_sql_recomputation(town):
    audit = read_warehouse(town, "marts.grade_audit")
    assert audit.height >= 10
    assert audit.filter(~pl.col("agrees")).rows() == []


def test_no_author_and_no_seed_is_anywhere(town):
    """Swept: every value of the lake, every document, log and register file."""
    authors = [name for site in town.story.sites for name in site.authors]
    seeds = [seed.value for seed in town.story.seeds]
    assert authors
    assert seeds
    env = town.env()
    swept = 0
    for table in env.contracts:
        for day in env.lake.days(table):
            text = env.lake.read(table, day).write_ndjson()
            swept += 1
            for secret in (*authors, *seeds):
                assert secret not in text, (table, day, secret)
    assert swept > 30
    for text in read(town, "raw.posts").select("title", "text").iter_rows():
        assert find_pii(" ".join(text)) == []
    for name, content in _files(town.home):
        swept += 1
        assert not [secret for secret in (*authors, *seeds) if secret.encode() in content], name
    assert swept > 100


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file beside the lake; documents, which are archives, part by part."""
    for path in home.rglob("*"):
        if not path.is_file() or path.suffix in {".parquet", ".duckdb"}:
            continue
        if path.suffix in {".docx", ".xlsx"}:
            with ZipFile(path) as parts:
                yield from ((f"{path}/{part}", parts.read(part)) for part in parts.namelist())
        else:
            yield str(path), path.read_bytes()


def test_paper_is_written_for_every_day(town):
    for day in town.story.days:
        names = {path.name for path in (town.home / "outputs" / str(day)).iterdir()}
        assert names == {"政务舆情日志.docx", "政务舆情日志.xlsx", "预警报送清单.xlsx", "dashboard.html", "SHA256SUMS"}


def test_a_day_run_again_gives_the_same_bytes(town):
    before = town.partitions()
    marts = {t: read_warehouse(town, t) for t in town.env().contracts if t.startswith("marts.")}
    for day in (town.story.days[0], town.story.days[-1]):
        town.run(day)
    assert town.partitions() == before
    assert len(before) > 30
    for table, rows in marts.items():
        assert read_warehouse(town, table).equals(rows), table


def test_all_days_in_one_go_give_what_day_by_day_gave(town, tmp_path):
    """Landed days, a fresh register: the same partitions, byte by byte, hence the same issue numbers."""
    made = ("raw.posts", "ops.fetches", "ops.sources")
    again = replace(town, home=tmp_path / "home")
    for table in made:
        for day in town.story.days:
            shutil.copytree(town.env().lake.directory(table, day), again.env().lake.directory(table, day))
    landed = again.partitions()
    for day in town.story.days:
        again.run(day)
    assert again.partitions() == town.partitions()
    assert len(town.partitions()) > len(landed) > 50
    for table in (t for t in town.env().contracts if t.startswith("marts.")):
        assert read_warehouse(again, table).equals(read_warehouse(town, table)), table


def test_the_analysts_copy_has_excerpts_instead_of_texts(town):
    env = town.env()
    publish(env)
    published = Warehouse(env.settings.analytics_file, env.contracts, env.warehouse.sql_dir)
    days = town.story.days
    posts = published.read("graded.posts", days[0], days[-1])
    assert posts.height == read(town, "graded.posts").height
    assert posts["text"].str.len_chars().max() <= 200
    assert read(town, "graded.posts")["text"].str.len_chars().max() > 200
    assert published.read("marts.daily_log", days[0], days[-1]).equals(read_warehouse(town, "marts.daily_log"))


def test_the_warehouse_can_be_thrown_away_and_rebuilt(town):
    env = town.env()
    marts = {t: read_warehouse(town, t) for t in env.contracts if t.startswith("marts.")}
    env.warehouse.file.unlink()
    assert rebuild(env) == len(town.story.days)
    for table, rows in marts.items():
        assert read_warehouse(town, table).equals(rows), table


def test_the_second_visit_of_a_page_asks_whether_it_changed(town):
    outcomes = read(town, "ops.fetches").filter(pl.col("day") == town.story.days[-1])["outcome"].to_list()
    assert "not_modified" in outcomes
