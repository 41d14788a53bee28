"""Posts that somebody objects to: taken out everywhere, and kept out when they come again (个人信息保护法 Art. 24, 47).

The register of objections holds the hash of the address and a code, neither the address nor who objected; the letter
itself belongs on paper. A row of the post stays in raw.posts without words, so that counts add up: cleaning rejects it
with the reason `objection`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from pathlib import Path

import polars as pl

from caifeng.core import clock
from caifeng.core.bodies import LIVES, BodyStore
from caifeng.core.errors import UsageError
from caifeng.core.listing import Listing
from caifeng.core.model.review import parse_period
from caifeng.core.text.urls import canonical_url, is_web_url, post_id
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.purge import JOURNAL, REMOVED, Due, blank, certify, file_hash, note, read_part

REASONS = {
    "own_data": "涉及本人信息，本人要求删除",
    "deleted_at_source": "原文已被作者或网站删除",
    "minor": "涉及未成年人",
    "mistaken": "信息有误，当事人要求删除",
    "court_or_authority": "法院裁判或主管机关要求",
    "other": "其他",
}
#: Tables whose rows name a post and mean nothing without it. clean.rejects and raw.posts keep theirs, without words.
_GO = (
    "clean.posts",
    "clean.post_metrics",
    "clean.answers",
    "clean.repost_groups",
    "graded.posts",
    "graded.issue_posts",
    "graded.answer_proposals",
    "graded.measure_evidence",
    "ops.practices",
)
_STAY = ("raw.posts", "clean.rejects")


def objected(env: Env) -> frozenset[str]:
    """Ids of the posts that must stay out."""
    return frozenset(env.lake.read_range("ops.objections", date.min, date.max, ["post_id"])["post_id"])


def objections(env: Env) -> pl.DataFrame:
    """The register: rows of ops.objections with their day, oldest first."""
    return env.lake.read_range("ops.objections", date.min, date.max).sort("registered_at", "post_id")


def objection_listing(env: Env) -> Listing:
    """`caifeng objection list`: the register; it holds no addresses."""
    found = objections(env)
    rows = found.select("registered_at", "post_id", "reason", "role", "rows").rows()
    heads = ("登记时间", "帖文", "理由", "岗位", "行数")
    return Listing("不予保存", heads, rows, found.to_dicts(), "no objection is registered")


def without_words(env: Env, posts: pl.DataFrame) -> pl.DataFrame:
    """Landed posts, those objected to without their words; called by whatever writes raw.posts, before it does.

    Args:
        env: knows the objections.
        posts: rows of raw.posts.

    Returns:
        The same rows; title and text empty, address `inbox:removed/<post_id>`, answer and section unknown.
    """
    return _emptied(env, "raw.posts", posts, objected(env))


def with_reason(rejects: pl.DataFrame, objected_ids: frozenset[str]) -> pl.DataFrame:
    """Rows of clean.rejects; those that cleaning dropped as empty because somebody objected say so (`objection`)."""
    ids = pl.Series(sorted(objected_ids), dtype=pl.String)
    is_objected = (pl.col("stage") == "clean") & (pl.col("reason") == "empty") & pl.col("post_id").is_in(ids.implode())
    return rejects.with_columns(reason=pl.when(is_objected).then(pl.lit("objection")).otherwise("reason"))


def add_objection(env: Env, url: str, reason: str, role: str | None = None, now: datetime | None = None) -> JobReport:
    """Register an objection, take the post out of lake, warehouse, documents and stored pages, and certify it.

    May be run again, and goes on where it was stopped. Grades stay as they were given: they are figures, and show
    what was known at their moment; an issue that consisted of this post only goes with it. Documents that quote the
    day are deleted; `caifeng run --day D --from outputs` writes them anew without the post.

    Args:
        env: environment.
        url: address of the post, in any spelling.
        reason: a code of REASONS.
        role: who registers it, as a role; null at the command line.
        now: moment; the environment's if not given.

    Returns:
        Counts: rows removed or emptied, pages dropped, documents deleted, days touched.

    Raises:
        UsageError: no address, or no such reason.
    """
    if not is_web_url(url):
        raise UsageError("not an address of a web page: give http(s)://…, as the post is shown in the documents")
    if reason not in REASONS:
        raise UsageError(f"no such reason: {reason!r}; reasons are {', '.join(REASONS)}")
    now = now or env.now()
    blocked = post_id(url)
    known = objections(env).filter(post_id=blocked)
    if known.is_empty():  # first the block, so that nothing lands behind our back
        _register(env, blocked, reason, role, now, 0)
    removed = _remove(env, canonical_url(url), blocked)
    pages = _drop_pages(env, blocked)
    certify(env, now)
    if known.is_empty():
        _register(env, blocked, reason, role, now, removed["rows"])
    return JobReport("objection", clock.business_day(now), now, {**removed, "pages": pages})


def _register(env: Env, blocked: str, reason: str, role: str | None, now: datetime, rows: int) -> None:
    row = {"post_id": blocked, "reason": reason, "role": role, "registered_at": now, "rows": rows}
    frame = pl.DataFrame([row], schema=env.contracts["ops.objections"].polars_schema())
    env.lake.replace("ops.objections", clock.business_day(now), frame, blocked)


def _remove(env: Env, url: str, blocked: str) -> dict[str, int]:
    rows, days = 0, set[date]()
    # Papers before all else: once the links are gone, nothing says whose they are.
    documents = _drop(env, [env.settings.outputs_dir / "papers" / number for number in _issues_of(env, blocked)])
    if (env.settings.home / JOURNAL).exists():  # a run was stopped: what it touched no longer shows
        posts = env.lake.read_range("raw.posts", date.min, date.max, ["post_id"])
        days |= set(posts.filter(post_id=blocked)["day"])
    # Issues first: they need to know which posts remain. Links last: they say which issues are concerned.
    rows += _mend_issues(env, blocked, days)
    for table in (*_STAY, *(t for t in _GO if t != "graded.issue_posts"), "graded.issue_posts"):
        for day in env.lake.days(table):
            for file in env.lake.files(table, day):
                frame = _part(env, table, file)
                hit = frame["row_id" if table == "ops.practices" else "post_id"] == blocked
                after = frame.filter(~hit)
                if table in _STAY:
                    after = _emptied(env, table, frame, frozenset({blocked}))
                if table == "clean.rejects":  # it is rejected when it is cleaned now, not when it is judged
                    after = after.filter(~(hit & (frame["stage"] == "understand")))
                if not after.equals(frame):
                    _replace(env, table, day, file, after, int(hit.sum()))
                    rows += int(hit.sum())
                    days.add(day)
    rows += _reject(env, blocked)
    rows += _forget_requests(env, url, days)
    documents += _drop(env, _folders(env, days))
    return {"rows": rows, "days": len(days), "documents": documents}


def _issues_of(env: Env, blocked: str) -> set[str]:
    links = env.lake.read_range("graded.issue_posts", date.min, date.max, ["issue_no", "post_id"])
    origins = env.lake.read_range("graded.issues", date.min, date.max, ["issue_no", "origin_post_id"])
    return {*links.filter(post_id=blocked)["issue_no"], *origins.filter(origin_post_id=blocked)["issue_no"]}


def _drop(env: Env, folders: Iterable[Path]) -> int:
    """Delete the files of folders; each is on record before it goes."""
    files = sorted({file for folder in folders for file in folder.rglob("*") if file.is_file()})
    for file in files:
        note(env, Due("objection", _place(env, file), "objection", hash_before=file_hash(file)))
        file.unlink()
    return len(files)


def _folders(env: Env, days: Collection[date]) -> list[Path]:
    """Documents that may quote the post: those of its days, ledgers, and reviews.

    A review carries the practice library and the issues of earlier periods along, so all from the first day on count.
    """
    if not days:
        return []
    root = env.settings.outputs_dir
    folders = [root / "ledger", *(root / day.isoformat() for day in days)]
    for folder in (root / "review").glob("*"):
        try:
            last = parse_period(folder.name).last
        except UsageError:
            continue
        folders += [folder] if last >= min(days) else []
    for folder in (root / "dashboard").glob("*_*"):
        if folder.name.partition("_")[2] >= min(days).isoformat():
            folders.append(folder)
    return folders


def _mend_issues(env: Env, blocked: str, days: set[date]) -> int:
    """Issues of the post: without other posts they go with their grades; else the next post lends them its title."""
    links = env.lake.read_range("graded.issue_posts", date.min, date.max, ["issue_no", "post_id"])
    concerned = links.filter(post_id=blocked)["issue_no"].unique()
    origins = env.lake.read_range("graded.issues", date.min, date.max, ["issue_no", "origin_post_id"])
    concerned = pl.concat([concerned, origins.filter(origin_post_id=blocked)["issue_no"]]).unique()
    others = links.filter(pl.col("issue_no").is_in(concerned.implode()), pl.col("post_id") != blocked)
    titles = env.lake.read_range("graded.posts", date.min, date.max, ["post_id", "title"]).unique("post_id")
    heirs = (
        others.join(titles, on="post_id", how="left")
        .sort("day", "post_id")
        .unique("issue_no", keep="first", maintain_order=True)
        .select("issue_no", heir="post_id", heir_title=pl.col("title").fill_null(""))
    )
    orphans = concerned.filter(~concerned.is_in(heirs["issue_no"].implode()))
    changed = 0
    for table in ("graded.issues", "graded.issue_grades", "graded.issue_levels", "graded.measure_evidence"):
        for day in env.lake.days(table):
            for file in env.lake.files(table, day):
                frame = _part(env, table, file)
                after = frame.filter(~pl.col("issue_no").is_in(orphans.implode()))
                if table == "graded.issues":
                    lost = pl.col("origin_post_id") == blocked
                    after = after.join(heirs, on="issue_no", how="left", maintain_order="left").select(
                        pl.when(lost).then("heir").otherwise("origin_post_id").alias(name)
                        if name == "origin_post_id"
                        else pl.when(lost).then("heir_title").otherwise("title").alias(name)
                        if name == "title"
                        else pl.col(name)
                        for name in frame.columns
                    )
                if not after.equals(frame):
                    _replace(env, table, day, file, after, max(1, frame.height - after.height))
                    changed += max(1, frame.height - after.height)
                    days.add(day)
    return changed


def _reject(env: Env, blocked: str) -> int:
    """Account for the readings that stay in raw.posts: each is a reject with the reason `objection`."""
    added = 0
    for day in env.lake.days("raw.posts"):
        raw = env.lake.read("raw.posts", day).filter(post_id=blocked)
        if raw.is_empty():
            continue
        grain = ["source_id", "post_id", "observed_at"]
        there = env.lake.read("clean.rejects", day).filter(pl.col("stage") == "clean")
        rows = raw.unique(grain).join(there, on=grain, how="anti")
        if rows.is_empty():
            continue
        contract = env.contracts["clean.rejects"]
        new = rows.select(
            pl.lit("clean").alias("stage"),
            *grain,
            pl.lit(f"{REMOVED}{blocked}").alias("url"),
            pl.lit("").alias("title"),
            pl.lit(None, pl.String).alias("excerpt"),
            pl.lit("objection").alias("reason"),
            pl.lit(None, pl.String).alias("detail"),
        )
        part = env.lake.directory("clean.rejects", day) / "clean.parquet"
        frame = _part(env, "clean.rejects", part) if part.exists() else pl.DataFrame(schema=contract.polars_schema())
        env.lake.replace("clean.rejects", day, pl.concat([frame, new.select(frame.columns)]), "clean")
        added += new.height
    return added


def _forget_requests(env: Env, url: str, days: set[date]) -> int:
    """The address leaves the log of requests, the request stays."""
    contract, count = env.contracts["ops.fetches"], 0
    for day in env.lake.days("ops.fetches"):
        for file in env.lake.files("ops.fetches", day):
            frame = _part(env, "ops.fetches", file)
            hit = pl.Series([canonical_url(address) == url for address in frame["url"].to_list()], dtype=pl.Boolean)
            if hit.any():
                expression = pl.when(hit).then(blank(frame, contract, "url")).otherwise("url").alias("url")
                _replace(env, "ops.fetches", day, file, frame.with_columns(expression), int(hit.sum()))
                count += int(hit.sum())
                days.add(day)
    return count


def _drop_pages(env: Env, blocked: str) -> int:
    """Write the parts that hold a page of the post anew without it; a page of several posts goes whole."""
    store, dropped = BodyStore(env.settings.home), 0
    for life in LIVES:
        for day in store.days(life):
            for part, held in store.parts(day).items():
                if held != life:
                    continue
                pages = list(store.read(life, day, part))
                keep = [page for page in pages if page and blocked not in page.ids]
                if gone := sum(1 for page in pages if page and blocked in page.ids):
                    store.replace(day, part, keep, life)
                    dropped += gone
    return dropped


def _emptied(env: Env, table: str, frame: pl.DataFrame, ids: frozenset[str]) -> pl.DataFrame:
    if not ids or frame.is_empty():
        return frame
    contract = env.contracts[table]
    hit = pl.col("post_id").is_in(pl.Series(sorted(ids), dtype=pl.String).implode())
    columns = {name: blank(frame, contract, name) for name in contract.life.columns if name != "url"}
    columns["url"] = REMOVED + pl.col("post_id")
    if "board" in frame.columns:
        columns["board"] = pl.lit(None, pl.String)
    return frame.with_columns(
        pl.when(hit).then(value).otherwise(pl.col(name)).alias(name) for name, value in columns.items()
    )


def _replace(env: Env, table: str, day: date, file: Path, after: pl.DataFrame, rows: int) -> None:
    note(env, Due("objection", _place(env, file), "objection", table, day, rows, (), file_hash(file)))
    env.lake.replace(table, day, after, file.stem)


def _part(env: Env, table: str, file: Path) -> pl.DataFrame:
    return read_part(file, env.contracts[table]).select(env.contracts[table].names)


def _place(env: Env, file: Path) -> str:
    return file.relative_to(env.settings.home).as_posix()
