"""Issue numbers and what people correct, over days: the job between lake and register."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from caifeng.cases.corrections import corrections_of, final_answers
from caifeng.cases.model import Actor, GuardError
from caifeng.cases.service import act
from caifeng.core.clock import end_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.cluster import cluster
from tests.cases.cases import ONE, THREE, TWO, Desk, open_register
from tests.unit.frames import DAY, NOON, links, metrics, posts
from tests.unit.test_issues import METER, OTHERS, RETOLD, RULES, SAME
from transforms.grade.measure import measure_issues, second_waves
from transforms.understand.issues import describe_issues, latest_links

ROOT = Path(__file__).resolve().parents[2]
DAYS = [DAY + timedelta(days=n) for n in range(3)]
MONITOR = Actor("monitor", "m-1")
STORY = {
    0: [METER, OTHERS[0], OTHERS[1]],
    1: [RETOLD[1], OTHERS[2], RETOLD[2] | {"post_id": "d1p8"}],
    2: [RETOLD[0], METER | {"post_id": "d2copy"}],
}


NAMES = [f"d{n}p{i}" for n in range(3) for i in range(9)] + ["d2copy", "early"]


def id_of(name: str) -> str:
    """The id of a post by its name in these tests."""
    return sha256(name.encode()).hexdigest()[:16]


NAME_OF = {id_of(name): name for name in NAMES}


class Town:
    """A home with graded posts for some days, and the job that links them."""

    def __init__(self, home: Path) -> None:
        self.env = Env.open(Settings(home=home, config=ROOT / "config", as_of=None))
        self.schema = self.env.contracts["graded.posts"].polars_schema()

    def land(self, n: int, rows=None, order=1) -> None:
        at = NOON + timedelta(days=n)
        full = [
            {
                "post_id": f"d{n}p{i}", **SAME, "published_at": at + timedelta(minutes=i),
                "first_fetched_at": at + timedelta(hours=2), "text_hash": f"{abs(hash_of(row)):016x}", **row,
            }
            for i, row in enumerate(STORY[n] if rows is None else rows)
        ]  # fmt: skip
        named = [{**row, "post_id": id_of(row["post_id"])} for row in full]
        self.env.lake.replace("graded.posts", DAYS[n], posts(self.schema, *named[::order]))
        empty = self.env.contracts["clean.post_metrics"].polars_schema()
        self.env.lake.replace("clean.post_metrics", DAYS[n], pl.DataFrame(schema=empty))

    def run(self, n: int) -> None:
        cluster(self.env, DAYS[n], end_of_day(DAYS[n]))

    def links(self, until: int = 2) -> dict[str, str]:
        found = latest_links(self.env.lake.read_range("graded.issue_posts", DAYS[0], DAYS[until]))
        return {NAME_OF[post]: no for post, no in found.select("post_id", "issue_no").iter_rows()}

    def issues(self, n: int) -> dict[str, int]:
        found = self.env.lake.read("graded.issues", DAYS[n]).filter(pl.col("posts") > 0)
        return dict(found.select("issue_no", "posts").iter_rows())

    def partitions(self) -> dict[str, bytes]:
        files = sorted((self.env.settings.lake_dir / "graded").rglob("*.parquet"))
        return {str(path.relative_to(self.env.settings.lake_dir)): path.read_bytes() for path in files}

    def act(self, issue_no: str, event: str, n: int, **payload):
        at = datetime.combine(DAYS[n], datetime.min.time(), UTC) + timedelta(hours=8)
        with self.env.register() as register:
            return act(register, issue_no, event, MONITOR, payload, at)


def hash_of(row) -> int:
    return int.from_bytes((row["title"] + row["text"]).encode()[:40], "big") % 2**60


@pytest.fixture
def town(tmp_path) -> Town:
    made = Town(tmp_path / "home")
    for n in STORY:
        made.land(n)
        made.run(n)
    return made


NUMBERS = {
    "d0p0": "YQ-2026-0001", "d0p1": "YQ-2026-0002", "d0p2": "YQ-2026-0003", "d1p0": "YQ-2026-0001",
    "d1p1": "YQ-2026-0004", "d1p8": "YQ-2026-0001", "d2p0": "YQ-2026-0001", "d2copy": "YQ-2026-0001",
}  # fmt: skip
A, B, C, D = (f"YQ-2026-000{n}" for n in (1, 2, 3, 4))


def test_one_matter_over_three_days_keeps_its_number(town):
    assert town.links() == NUMBERS
    assert town.issues(2) == {A: 5}


def test_backfill_shuffled_rows_and_other_runs_give_the_same_numbers(town, tmp_path):
    before = town.partitions()
    for n in (0, 2, 1, 0, 1, 2):
        town.run(n)
    assert town.partitions() == before
    again = Town(tmp_path / "again")
    for n in STORY:
        again.land(n, order=-1)
    for n in STORY:
        again.run(n)
    assert again.links() == NUMBERS
    assert {name: data for name, data in again.partitions().items() if "/posts/" not in name} == {
        name: data for name, data in before.items() if "/posts/" not in name
    }


def test_a_late_post_renames_nothing(tmp_path):
    town = Town(tmp_path / "home")
    town.land(0)
    town.run(0)
    first = town.links(0)
    early = RETOLD[1] | {"post_id": "early", "published_at": NOON - timedelta(hours=5)}
    town.land(0, [*STORY[0], early])
    town.run(0)
    assert town.links(0) == first | {"early": A}
    with town.env.register() as register:
        assert len(register.issue_numbers()) == 3


def test_an_empty_day_and_a_day_with_one_post_run(tmp_path):
    town = Town(tmp_path / "home")
    town.land(0, [])
    town.run(0)
    assert town.issues(0) == {}
    town.land(1, [{"title": "", "text": "", "published_at": None, "published_precision": "unknown"}])
    town.run(1)
    assert town.issues(1) == {A: 1}


def test_a_merge_takes_the_posts_along_keeps_the_number_and_survives_every_run(town):
    town.act(B, "merge", 1, parent=C)
    for _ in range(2):
        for n in STORY:
            town.run(n)
        assert town.links(0) == {post: no for post, no in NUMBERS.items() if post.startswith("d0")}
        assert town.links() == NUMBERS | {"d0p1": C}
        assert town.issues(1) == {A: 3, C: 2, D: 1}
    with pytest.raises(GuardError):
        town.act(D, "merge", 2, parent=B)
    town.act(B, "reopen", 2, reason="看错了，这是两件不同的事情")
    town.run(2)
    assert town.links() == NUMBERS
    assert town.issues(2) == {A: 5, B: 1, C: 1}


def test_what_joins_a_merged_issue_joins_its_parent(town):
    town.act(A, "merge", 1, parent=D)
    town.run(1)
    town.run(2)
    assert set(town.links().values()) == {B, C, D}
    assert town.issues(2) == {D: 6}


def test_a_split_founds_an_issue_with_a_number_of_its_own_and_survives_every_run(town):
    town.act(A, "split", 1, posts=[id_of("d1p0")])
    new = "YQ-2026-0005"
    for _ in range(2):
        for n in STORY:
            town.run(n)
        assert town.links() == NUMBERS | {"d1p0": new} | {p: town.links()[p] for p in ("d1p8", "d2p0")}
        assert town.links()["d1p0"] == new
        assert town.links()["d0p0"] == A
    with town.env.register() as register:
        assert register.issue_numbers()[-1] == new


def test_a_split_can_go_to_an_issue_that_is_there(town):
    town.act(A, "split", 1, posts=f"{id_of('d0p0')}, {id_of('d1p8')}", parent=B)
    town.run(1)
    assert {town.links(1)[post] for post in ("d0p0", "d0p1", "d1p8")} == {B}
    assert town.links(1)["d1p0"] == A
    with pytest.raises(GuardError):
        town.act(A, "split", 2, posts=[id_of("d0p0")], parent=A)


def test_posts_to_split_are_ids(tmp_path):
    with open_register(tmp_path) as register:
        desk = Desk(register, ONE)
        for bad in ("", [], "a/b", [1], ["x" * 65], {"a": 1}):
            with pytest.raises(GuardError):
                desk.do("split", "monitor", posts=bad)
        assert desk.do("split", "monitor", posts="b1，a1\na1").codes["posts"] == ["a1", "b1"]


def test_corrections_are_read_from_the_events_in_order(tmp_path):
    with open_register(tmp_path) as register:
        one, two, three = (Desk(register, no) for no in (ONE, TWO, THREE))
        two.at, three.at = one.at + timedelta(hours=1), one.at + timedelta(hours=2)
        one.do("merge", "monitor", parent=TWO)
        two.do("merge", "monitor", parent=THREE)
        three.do("split", "monitor", posts=["p1", "p2"])
        found = corrections_of(register.events())
        assert found.merged == {ONE: THREE, TWO: THREE}
        assert found.split == dict.fromkeys(("p1", "p2"), f"split:{THREE}#1")
        assert found.founded == {f"split:{THREE}#1": 2026}
        three.do("log_only", "monitor", log_reason="praise")
        one.at = three.at
        one.do("reopen", "monitor", reason="并案有误，应当分开办理才对")
        assert corrections_of(register.events()).merged == {TWO: THREE}


# --- second wave ------------------------------------------------------------------------------------------------------

ANSWERED = NOON + timedelta(hours=1)


def wave(schema, *rows, groups=None):
    frame = posts(schema, *rows)
    own = groups or [f"g{i}" for i in range(len(rows))]
    of_day = links(*[("YQ-1", f"p{i}", own[i], DAY) for i in range(len(rows))])
    return second_waves(of_day, frame, {"YQ-1": ANSWERED}, RULES), of_day, frame


def after(hours, **more):
    return {"published_at": ANSWERED + timedelta(hours=hours), "stance": "complaint", **more}


@pytest.mark.parametrize(
    ("rows", "groups", "holds"),
    [
        ([after(-1), after(7), after(8)], None, True),
        ([after(-1), after(7)], None, False),
        ([after(-1), after(7), after(8)], ["g0", "g1", "g1"], False),
        ([after(-1), after(7), after(8)], ["g0", "g0", "g2"], True),
        ([after(-1), after(5), after(6)], None, False),
        ([after(7), after(8, stance="praise")], None, False),
        ([after(7), after(8, stance="neutral")], None, False),
        ([after(7), after(8, facts=["official_notice"])], None, False),
    ],
)
def test_a_second_wave_is_enough_voices_long_enough_after_the_answer(town, rows, groups, holds):
    found, of_day, frame = wave(town.schema, *rows, groups=groups)
    assert (not found.is_empty()) == holds
    seen = metrics()
    issues = describe_issues(of_day, frame.with_columns(day=pl.lit(DAY)), seen, DAY)
    earlier = issues.select("issue_no", "topic", "detected_at").clear()
    known = pl.concat([found, found.clear()])
    measured = measure_issues(issues, of_day.drop("day"), frame, seen, earlier, NOON + timedelta(days=2), known)
    assert ("second_wave" in measured["facts"][0]) == holds


def test_what_is_known_besides_joins_flags_and_facts(town):
    _, of_day, frame = wave(town.schema, after(1, flags=["pure_question"], facts=["names_bureau"]))
    issues = describe_issues(of_day, frame.with_columns(day=pl.lit(DAY)), metrics(), DAY)
    earlier = issues.select("issue_no", "topic", "detected_at").clear()
    known = pl.DataFrame(
        [("YQ-1", "flags.release_window"), ("YQ-1", "facts.second_wave"), ("YQ-9", "facts.second_wave")],
        schema=["issue_no", "measure"],
        orient="row",
    )
    known = known.with_columns(value=pl.lit("true"), setter=pl.lit("rule"))
    row = measure_issues(issues, of_day.drop("day"), frame, metrics(), earlier, NOON, known).row(0, named=True)
    assert row["flags"] == ["pure_question", "release_window"]
    assert row["facts"] == ["names_bureau", "second_wave"]


def test_the_latest_final_answer_counts_and_a_merged_issue_gives_its_answer_to_its_parent(tmp_path):
    with open_register(tmp_path) as register:
        desk = Desk(register, ONE)
        desk.answered()
        assert final_answers(register.events()) == {ONE: desk.at}
        desk.do("reopen", "monitor", reason="群众又有新的质疑，需要再查")
        desk.do("merge", "monitor", parent=TWO)
        assert set(final_answers(register.events())) == {ONE, TWO}
