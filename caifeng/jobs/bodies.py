"""Stored pages in the course of time: what is worth keeping passes on, the rest ends with its key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from caifeng.core import clock
from caifeng.core.bodies import LIVES, Body, BodyStore
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.lives import moment


def keep_bodies(env: Env, day: date) -> JobReport:
    """Make the kept life of a day hold its relevant pages and those of which nothing is known yet.

    A page is relevant when one of its posts is. It is dropped when its posts were judged and none is relevant. A page
    that could not be read has no judged post, so it is kept until it has been read again and judged. May run again
    at any time; once the day's brief life has ended, it only drops.

    Returns:
        Counts: pages read, kept, dropped, and damaged records.
    """
    return JobReport("keep_bodies", day, env.now(), _keep(env, BodyStore(env.settings.home), [day]))


def destroy_bodies(env: Env, now: datetime | None = None) -> JobReport:
    """End the lives that are over, after keeping what is worth it; for every day, however long nobody ran this.

    Args:
        env: environment.
        now: moment for which lives are measured; that of the clock, if it can be believed, where none is given.

    Returns:
        Counts: keys and files destroyed by life, and those of `keep_bodies` for the days it looked at.

    Raises:
        UsageError: the clock cannot be believed (`lives.moment`).
    """
    now = moment(env, now)
    store = BodyStore(env.settings.home)
    ending = {day for day in store.days("brief") if clock.end_of_day(day) + LIVES["brief"] <= now}
    living = {day for day in store.days("kept") if clock.end_of_day(day) + LIVES["kept"] > now}
    kept = _keep(env, store, sorted(ending | living))
    return JobReport("destroy_bodies", clock.business_day(now), now, {**store.destroy(now), **kept})


def ending_bodies(env: Env, now: datetime) -> list[tuple[str, date, int]]:
    """What `destroy_bodies` would end, life by life, oldest first: life, day, number of files; destroys nothing."""
    store = BodyStore(env.settings.home)
    return [
        (life, day, sum(held == life for held in store.parts(day).values()))
        for life, lasts in LIVES.items()
        for day in store.days(life)
        if clock.end_of_day(day) + lasts <= now
    ]


def _keep(env: Env, store: BodyStore, days: Sequence[date]) -> dict[str, int]:
    counts = {"pages": 0, "kept": 0, "dropped": 0, "damaged": 0}
    parts = [(day, part, life) for day in days for part, life in store.parts(day).items()]
    ids = {post for day, part, life in parts for body in store.read(life, day, part) if body for post in body.ids}
    relevant = _ids_in(env, "graded.posts", days, ids)
    irrelevant = _ids_in(env, "clean.rejects", days, ids) - relevant

    def is_kept(body: Body) -> bool:
        return not body.ids.isdisjoint(relevant) or body.ids.isdisjoint(irrelevant)

    for day, part, life in parts:
        keep = dropped = 0
        for body in store.read(life, day, part):
            counts["pages" if body else "damaged"] += 1
            if body:
                keep, dropped = (keep + 1, dropped) if is_kept(body) else (keep, dropped + 1)
        # What is kept already and stays so is not written anew.
        if life == "brief" or dropped:
            store.replace(day, part, (b for b in store.read(life, day, part) if b and is_kept(b)))
        counts["kept"] += keep
        counts["dropped"] += dropped
    return counts


def _ids_in(env: Env, table: str, days: Sequence[date], ids: set[str]) -> set[str]:
    """Those of the posts that a table knows on these days or before: a post is judged once, its page comes again."""
    if not ids:
        return set()
    known = env.lake.read_range(table, days[0] - LOOKBACK, days[-1], ["post_id"])["post_id"]
    return set(known.filter(known.is_in(list(ids))).to_list())
