"""Stored pages: nothing readable without the key, damage is counted and survived, lives end when they should."""

import stat
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caifeng.core import clock
from caifeng.core.bodies import LIVES, Body, BodyStore, part_name
from caifeng.core.errors import DataError
from caifeng.core.settings import Settings
from caifeng.core.text.times import UNKNOWN, Moment
from caifeng.core.text.urls import post_id
from caifeng.jobs.base import Env
from caifeng.jobs.bodies import destroy_bodies, keep_bodies
from tests.unit import frames

AT = datetime(2026, 11, 20, 8, 40, tzinfo=UTC)
DAY = date(2026, 11, 20)
PART = part_name("portal", AT)
WRITER = "发帖会员丙丁"


def page(number: int = 1, **change: Any) -> Body:
    text = f"<p class='user'>{WRITER}</p><p>第{number}篇：入户调查。</p>".encode()
    whole = Body("portal", f"http://x.example/u/7788/a{number}.html", "detail", AT, text)
    return replace(whole, **change)


def filled(home: Path, *pages: Body, part: str = PART) -> BodyStore:
    store = BodyStore(home)
    for one in pages:
        store.append(DAY, part, one)
    return store


def files(home: Path, pattern: str) -> list[Path]:
    return sorted(path for path in home.rglob(pattern) if path.is_file())


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
BODIES = st.builds(
    Body,
    source_id=TEXT,
    url=TEXT,
    kind=st.sampled_from(["detail", "snapshot", "list"]),
    fetched_at=st.datetimes(timezones=st.just(UTC)),
    body=st.binary(max_size=200),
    charset=st.none() | TEXT,
    listed=st.just(UNKNOWN) | st.builds(Moment, st.datetimes(timezones=st.just(UTC)), st.just("minute")),
    board=st.none() | TEXT,
    post_ids=st.lists(TEXT, max_size=3).map(tuple),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(BODIES, min_size=1, max_size=4))
def test_what_is_stored_comes_back_in_order(tmp_path_factory: pytest.TempPathFactory, bodies: list[Body]) -> None:
    store = filled(tmp_path_factory.mktemp("home"), *bodies)
    assert list(store.read("brief", DAY, PART)) == bodies


def test_nothing_of_a_page_is_in_any_file(tmp_path: Path) -> None:
    store = filled(tmp_path, *(page(n, body=page(n).body * (1 + n * 50)) for n in range(3)))
    store.replace(DAY, PART, [page(1)])
    swept = files(tmp_path, "*")
    assert {path.suffix for path in swept} == {".bin", ".key"}
    assert len(swept) == 4
    for secret in (WRITER, "入户调查", "x.example", "7788", "portal", "<p class"):
        assert not [path for path in swept if secret.encode() in path.read_bytes()]


def test_keys_and_pages_are_for_their_owner_only(tmp_path: Path) -> None:
    store = filled(tmp_path, page())
    store.replace(DAY, PART, [page()])
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path, "*")}
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}
    folders = [*(tmp_path / "keys").glob("**/"), *(tmp_path / "bodies").glob("*/*/")]
    assert len(folders) == 5
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_every_key_is_another(tmp_path: Path) -> None:
    store = filled(tmp_path, page())
    store.append(DAY + timedelta(days=1), PART, page())
    store.replace(DAY, PART, [page()])
    keys = [path.read_bytes() for path in files(tmp_path, "*.key")]
    assert [len(key) for key in keys] == [32, 32, 32]
    assert len(set(keys)) == 3


def test_a_wrong_key_opens_nothing(tmp_path: Path) -> None:
    filled(tmp_path, page(1), page(2))
    (key,) = files(tmp_path, "*.key")
    key.write_bytes(bytes(32))
    assert list(BodyStore(tmp_path).read("brief", DAY, PART)) == [None, None]


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_damaged_key_is_named(tmp_path: Path, key: bytes) -> None:
    filled(tmp_path, page())
    (file,) = files(tmp_path, "*.key")
    file.write_bytes(key)
    with pytest.raises(DataError, match=r"2026-11-20\.key"):
        list(BodyStore(tmp_path).read("brief", DAY, PART))
    with pytest.raises(DataError, match=r"2026-11-20\.key"):
        BodyStore(tmp_path).append(DAY, PART, page())


def test_a_record_belongs_to_its_life_day_and_part(tmp_path: Path) -> None:
    store = filled(tmp_path, page())
    (file,) = files(tmp_path, "*.bin")
    other = store.read("brief", DAY, part_name("other", AT))
    file.rename(file.with_name(f"{part_name('other', AT)}.bin"))
    assert list(other) == [None]
    assert store.parts(DAY) == {part_name("other", AT): "brief"}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["flip", "cut out", "cut off", "noise"]), st.floats(0, 0.999), st.integers(1, 40))
def test_damage_costs_the_records_it_hits_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, damage: str, place: float, length: int
) -> None:
    home = tmp_path_factory.mktemp("home")
    store, ends = BodyStore(home), [0]
    for number in range(4):
        store.append(DAY, PART, page(number))
        (file,) = files(home, "*.bin")
        ends.append(file.stat().st_size)
    whole = file.read_bytes()
    first = int(place * len(whole))
    last = {"flip": first + 1, "cut off": len(whole)}.get(damage, min(first + length, len(whole)))
    left = b"" if damage.startswith("cut") else bytes(byte ^ 255 for byte in whole[first:last])
    file.write_bytes(whole[:first] + left + whole[last:])

    hit = [n for n in range(4) if ends[n] < last and first < ends[n + 1]]
    read = list(store.read("brief", DAY, PART))
    assert hit
    survived = [one for one in read if one]
    assert [n for n in range(4) if page(n) in survived and n not in hit] == [n for n in range(4) if n not in hit]
    assert survived == [page(n) for n in range(4) if page(n) in survived]
    assert read.count(None) <= len(hit)
    # A record that was cut away as a whole leaves no trace to count.
    assert damage.startswith("cut") or None in read


def test_a_killed_crawler_leaves_half_a_record_and_the_next_ones_are_read(tmp_path: Path) -> None:
    store = filled(tmp_path, page(1), page(2))
    (file,) = files(tmp_path, "*.bin")
    file.write_bytes(file.read_bytes()[:-7])
    store.append(DAY, PART, page(3))
    assert [one and one.url[-7:] for one in store.read("brief", DAY, PART)] == ["a1.html", None, "a3.html"]


def test_crawlers_side_by_side_agree_on_the_key(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def crawl(number: int) -> None:
        store = BodyStore(tmp_path)
        start.wait()
        for turn in range(5):
            store.append(DAY, f"s{number}" if number % 2 else "shared", page(100 * number + turn))

    threads = [threading.Thread(target=crawl, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = BodyStore(tmp_path)
    read = [one for part in store.parts(DAY) for one in store.read("brief", DAY, part)]
    assert None not in read
    assert len({one.url for one in read if one}) == 40
    assert len(files(tmp_path / "keys", "*")) == 1


@pytest.mark.parametrize(("life", "span"), [("brief", timedelta(hours=24)), ("kept", timedelta(days=30))])
def test_a_life_ends_so_long_after_the_end_of_its_day(tmp_path: Path, life: Any, span: timedelta) -> None:
    store = filled(tmp_path, page())
    store.replace(DAY, PART, [page()])
    end = clock.end_of_day(DAY) + span
    assert LIVES[life] == span
    store.destroy(end - timedelta(seconds=1))
    assert list(store.read(life, DAY, PART)) == [page()]
    assert store.destroy(end) == {**dict.fromkeys(("brief_keys", "brief_files", "kept_keys", "kept_files"), 0)} | {
        f"{life}_keys": 1,
        f"{life}_files": 1,
    }
    assert not any(store.destroy(end).values())
    with pytest.raises(DataError, match="no such key"):
        list(store.read(life, DAY, PART))
    assert not files(tmp_path / "bodies" / life, "*")


def test_the_bytes_of_a_destroyed_key_are_overwritten(tmp_path: Path) -> None:
    store = filled(tmp_path, page())
    (key,) = files(tmp_path, "*.key")
    secret = key.read_bytes()
    # A process was killed while it made the key: the same file under a second name.
    leftover = key.with_name(f".{key.name}.0011223344556677.tmp")
    leftover.hardlink_to(key)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.hardlink_to(key)
    store.destroy(clock.end_of_day(DAY) + LIVES["brief"])
    assert elsewhere.read_bytes() != secret
    assert not files(tmp_path / "keys", "*")


def test_what_else_lies_there_is_left_alone(tmp_path: Path) -> None:
    store = filled(tmp_path, page())
    (tmp_path / "keys" / "brief" / "note.key").write_text("x")
    (tmp_path / "bodies" / "brief" / "day=someday").mkdir()
    assert store.days("brief") == [DAY]
    store.destroy(clock.end_of_day(DAY) + LIVES["brief"])
    assert (tmp_path / "keys" / "brief" / "note.key").exists()


@pytest.fixture
def env(root: Path, tmp_path: Path) -> Env:
    return Env.open(Settings(home=tmp_path / "home", config=root / "config", as_of=AT))


def judge(env: Env, day: date, relevant: list[str], irrelevant: list[str]) -> None:
    schema = env.contracts["graded.posts"].polars_schema()
    rows = frames.posts(schema, *({"post_id": post} for post in relevant))
    env.lake.replace("graded.posts", day, rows)
    rejects = [
        {"stage": "understand", "source_id": "portal", "post_id": post, "observed_at": AT, "url": "", "title": ""}
        | {"reason": "no_term"}
        for post in irrelevant
    ]
    schema = env.contracts["clean.rejects"].polars_schema()
    env.lake.replace("clean.rejects", day, pl.DataFrame(rejects, schema=schema), "understand")


def kept(env: Env) -> list[str]:
    store = BodyStore(env.settings.home)
    bodies = (
        [b for part, life in store.parts(DAY).items() for b in store.read(life, DAY, part)] if store.parts(DAY) else []
    )
    return [body.url[-7:-5] for body in bodies if body]


NEXT_DAY = clock.end_of_day(DAY) + timedelta(hours=24)


def test_relevant_and_unread_pages_outlive_the_day_and_irrelevant_ones_do_not(env: Env) -> None:
    read = [page(n, post_ids=(post_id(page(n).url),)) for n in (1, 2)]
    thread = page(4, post_ids=("reply1", "reply2"))
    filled(env.settings.home, *read, page(3), thread, page(5, post_ids=("reply3",)))
    judge(env, DAY, [read[0].post_ids[0], "reply2"], [read[1].post_ids[0], "reply1", "reply3"])
    report = keep_bodies(env, DAY)
    assert report.counts == {"pages": 5, "kept": 3, "dropped": 2, "damaged": 0}
    assert keep_bodies(env, DAY).counts == report.counts
    assert kept(env) == ["a1", "a2", "a3", "a4", "a5"]
    done = destroy_bodies(env, NEXT_DAY)
    assert (done.counts["brief_keys"], done.counts["brief_files"], done.counts["kept_keys"]) == (1, 1, 0)
    assert kept(env) == ["a1", "a3", "a4"]
    again = destroy_bodies(env, NEXT_DAY).counts
    assert not any(again[f"{life}_{what}"] for life in LIVES for what in ("keys", "files"))


def test_nobody_need_have_called_keep_before_the_brief_life_ends(env: Env) -> None:
    filled(env.settings.home, page(1), page(2))
    judge(env, DAY, [], [post_id(page(2).url)])
    assert destroy_bodies(env, NEXT_DAY).counts["kept"] == 1
    assert kept(env) == ["a1"]


def test_a_page_of_a_post_judged_on_an_earlier_day_goes_by_that_judgement(env: Env) -> None:
    filled(env.settings.home, page(1), page(2))
    judge(env, DAY - timedelta(days=3), [post_id(page(1).url)], [post_id(page(2).url)])
    destroy_bodies(env, NEXT_DAY)
    assert kept(env) == ["a1"]


def test_without_judgement_everything_is_kept(env: Env) -> None:
    filled(env.settings.home, page(1), page(2, post_ids=("p",)))
    destroy_bodies(env, NEXT_DAY)
    assert kept(env) == ["a1", "a2"]


def test_an_unread_page_that_was_read_later_and_is_irrelevant_goes(env: Env) -> None:
    filled(env.settings.home, page(1), page(2))
    destroy_bodies(env, NEXT_DAY)
    judge(env, DAY, [post_id(page(1).url)], [post_id(page(2).url)])
    before = files(env.settings.home, "*.bin")[0].stat().st_ino
    assert destroy_bodies(env, NEXT_DAY + timedelta(days=1)).counts["dropped"] == 1
    assert kept(env) == ["a1"]
    after = files(env.settings.home, "*.bin")[0].stat().st_ino
    assert before != after
    destroy_bodies(env, NEXT_DAY + timedelta(days=2))
    assert files(env.settings.home, "*.bin")[0].stat().st_ino == after


def test_thirty_days_later_nothing_is_left(env: Env) -> None:
    filled(env.settings.home, page(1))
    destroy_bodies(env, NEXT_DAY)
    assert files(env.settings.home, "*.bin")
    destroy_bodies(env, clock.end_of_day(DAY) + timedelta(days=30))
    left = files(env.settings.home / "bodies", "*") + files(env.settings.home / "keys", "*")
    assert left == []


def test_an_office_that_was_off_for_months_ends_both_lives_at_once(env: Env) -> None:
    filled(env.settings.home, page(1))
    counts = destroy_bodies(env, clock.end_of_day(DAY) + timedelta(days=90)).counts
    assert counts["brief_keys"] == counts["kept_keys"] == 1
    assert files(env.settings.home / "bodies", "*") + files(env.settings.home / "keys", "*") == []
