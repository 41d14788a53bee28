"""Who objects is heard: the post goes everywhere, does not come back, and every count still adds up."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from caifeng.core import clock
from caifeng.core.bodies import Body, BodyStore
from caifeng.core.errors import UsageError
from caifeng.core.text.urls import post_id
from caifeng.jobs.base import Env
from caifeng.jobs.objections import add_objection, objected, objections, with_reason
from caifeng.jobs.reconcile import account
from tests.privacy.homes import AT, COMPLAINT, DAY, LOST, PRAISE, ROWS, finds, landed, opened

POST = post_id(COMPLAINT)
#: Words that stand in this post only.
OWN = "我要投诉"


def gaps(env: Env) -> list[dict[str, object]]:
    return account(env, DAY, clock.end_of_day(DAY)).filter(pl.col("gap") != 0).to_dicts()


def test_the_post_is_gone_everywhere_and_the_others_stay(env: Env) -> None:
    assert finds(env.settings.home, OWN)
    issues = env.lake.read("graded.issues", DAY).height
    counts = add_objection(env, COMPLAINT + "?utm_source=x#top", "own_data", "openness_office").counts
    assert finds(env.settings.home, OWN) == []
    assert finds(env.settings.home, COMPLAINT) == []
    assert env.lake.read("graded.posts", DAY)["url"].to_list() == [PRAISE]
    assert env.lake.read("graded.issues", DAY).height == issues - 1
    assert counts["rows"] > 5
    assert counts["documents"] > 3
    assert env.warehouse.read("marts.daily_log", DAY).height == issues - 1
    assert not (env.settings.outputs_dir / DAY.isoformat() / "dashboard.html").exists()


def test_papers_ledgers_and_reviews_that_may_quote_it_go(env: Env) -> None:
    [number] = env.lake.read("graded.issue_posts", DAY).filter(post_id=POST)["issue_no"].to_list()
    quarter = f"{DAY.year}-Q{(DAY.month + 2) // 3}"
    gone = (
        f"papers/{number}/快报.docx", "ledger/a.xlsx", f"review/{DAY:%Y-%m}/月度报告.docx", f"review/{quarter}/a.csv",
        f"review/{DAY.year}/a.csv", f"dashboard/{DAY:%Y-%m}-01_{DAY:%Y-%m}-28/dashboard.html",
    )  # fmt: skip
    stays = ("papers/YQ-1999-0001/快报.docx", "review/1999-12/a.csv", "dashboard/1999-01-01_1999-01-31/dashboard.html")
    for name in (*gone, *stays):
        file = env.settings.outputs_dir / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(OWN)
    add_objection(env, COMPLAINT, "own_data")
    assert [name for name in gone if (env.settings.outputs_dir / name).exists()] == []
    assert all((env.settings.outputs_dir / name).exists() for name in stays)
    certified = set(env.lake.read("ops.purges", clock.business_day(env.now()))["place"])
    assert {f"outputs/{name}" for name in gone} <= certified


def test_counts_add_up_and_name_the_reason(env: Env) -> None:
    assert gaps(env) == []
    for url in (COMPLAINT, LOST):
        add_objection(env, url, "minor")
    assert gaps(env) == []
    rejects = env.lake.read("clean.rejects", DAY)
    assert rejects.select("post_id", "stage", "reason").sort("post_id").rows() == sorted(
        (post_id(url), "clean", "objection") for url in (COMPLAINT, LOST)
    )


def test_it_is_registered_without_its_address_and_certified(env: Env) -> None:
    add_objection(env, COMPLAINT, "own_data", "openness_office")
    [row] = objections(env).to_dicts()
    assert (row["post_id"], row["reason"], row["role"]) == (POST, "own_data", "openness_office")
    assert row["rows"] > 5
    assert objected(env) == {POST}
    certified = env.lake.read("ops.purges", clock.business_day(env.now()))
    assert set(certified["what"]) == {"objection"}
    assert certified.height > 5


def test_a_second_time_changes_nothing(env: Env) -> None:
    add_objection(env, COMPLAINT, "own_data")
    lake = env.settings.home / "lake"
    before = {path: path.read_bytes() for path in lake.rglob("*.parquet")}
    assert add_objection(env, COMPLAINT, "own_data").counts["rows"] == 0
    assert before == {path: path.read_bytes() for path in lake.rglob("*.parquet")}


def test_it_stays_out_when_it_comes_again(env: Env, tmp_path: Path) -> None:
    add_objection(env, COMPLAINT, "own_data")
    again = landed(env.settings.config, env.settings.home, tmp_path / "in", AT + timedelta(days=1))
    raw = again.lake.read("raw.posts", DAY + timedelta(days=1))
    assert raw.height == len(ROWS)
    blocked = raw.filter(post_id=POST)
    assert blocked.select("title", "text", "url", "views").rows() == [("", "", f"inbox:removed/{POST}", 12)]
    assert finds(env.settings.home, OWN) == []


def test_without_the_guard_at_landing_the_sweep_finds_it(
    env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_objection(env, COMPLAINT, "own_data")
    monkeypatch.setattr("caifeng.jobs.objections.without_words", lambda _, posts: posts)
    landed(env.settings.config, env.settings.home, tmp_path / "in", AT + timedelta(days=1))
    assert finds(env.settings.home, OWN)


def test_cleaning_names_the_reason(env: Env) -> None:
    schema = env.contracts["clean.rejects"].polars_schema()
    row = {"stage": "clean", "source_id": "box", "observed_at": AT, "url": "", "title": "", "reason": "empty"}
    rejects = pl.DataFrame([{**row, "post_id": POST}, {**row, "post_id": "f" * 16}], schema=schema)
    assert with_reason(rejects, frozenset({POST}))["reason"].to_list() == ["objection", "empty"]


def test_stored_pages_of_the_post_go(env: Env) -> None:
    store = BodyStore(env.settings.home)
    for url in (COMPLAINT, PRAISE):
        store.append(DAY, "portal-1", Body("portal", url, "detail", AT, OWN.encode()))
    assert add_objection(env, COMPLAINT, "own_data").counts["pages"] == 1
    assert [page.url for page in BodyStore(env.settings.home).read("brief", DAY, "portal-1") if page] == [PRAISE]


@pytest.mark.parametrize(("url", "reason"), [("board.example/a1", "own_data"), (COMPLAINT, "annoying"), ("", "other")])
def test_what_is_no_address_or_no_reason_is_refused(env: Env, url: str, reason: str) -> None:
    with pytest.raises(UsageError):
        add_objection(env, url, reason)
    assert objections(env).is_empty()


def test_a_stopped_objection_goes_on(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    from caifeng.jobs import objections as job

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "_reject", killed)
        with pytest.raises(KeyboardInterrupt):
            add_objection(env, COMPLAINT, "own_data")
    assert objected(env) == {POST}
    add_objection(opened(env.settings.config, env.settings.home, env.now()), COMPLAINT, "own_data")
    assert gaps(env) == []
    assert finds(env.settings.home, OWN) == []
    assert env.lake.read("graded.posts", DAY)["url"].to_list() == [PRAISE]
