"""How long what is kept lives, and whether that time has come (product.md, privacy and retention).

Lives of tables stand in their contracts (`life`), lives of files in `purge.FILES`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from caifeng.core import clock
from caifeng.core.contracts import Contract, span_end
from caifeng.core.errors import UsageError
from caifeng.jobs.base import Env

#: Life of what quotes posts and is no table: documents, messages, forms (product.md: text of relevant posts 180 days).
WORDS = "180d"
#: So many days back, most days must have a run: else the machine was off, or its clock is wrong (our choice).
_WATCHED_DAYS = 14


def is_over(day: date, span: str, now: datetime) -> bool:
    """Whether a span that began with the end of a day has ended."""
    return clock.end_of_day(span_end(span, day)) <= now


def moment(env: Env, given: datetime | None) -> datetime:
    """The moment for which lives are measured: the given one, else that of the clock if it can be believed.

    A clock that jumped ahead would end words and keys long before their time, and nothing brings them back. So a
    moment that nobody named counts only where the days before it were worked through.

    Raises:
        UsageError: most of the last days have no run; says how to go on if the clock is right.
    """
    if given or env.settings.as_of:
        return given or env.now()
    now, days = env.now(), env.lake.days("ops.runs")
    today = clock.business_day(now)
    expected = [day for n in range(1, _WATCHED_DAYS + 1) if days and (day := today - timedelta(days=n)) >= days[0]]
    missing = set(expected) - set(days)
    if len(missing) * 2 > len(expected):
        raise UsageError(
            f"{len(missing)} of the {len(expected)} days before {today} have no run: this machine was off, or its "
            "clock is wrong; nothing was destroyed. If the clock is right: caifeng purge --as-of "
            f"{now.astimezone(clock.SHANGHAI).isoformat(timespec='minutes')}"
        )
    return now


def check_recomputable(env: Env, day: date, now: datetime | None = None) -> None:
    """Refuse to recompute a day whose words are gone: it would come out as a day on which nothing was said.

    Raises:
        UsageError: the text's life is over; the day can be loaded and its marts built, from what was graded then.
    """
    if is_over(day, text_life(env.contracts), now or env.now()):
        raise UsageError(
            f"{day}: the text of this day has ended its life ({text_life(env.contracts)}); it is loaded from its "
            "graded partitions (--from load) and never recomputed"
        )


def text_life(contracts: dict[str, Contract]) -> str:
    """How long the words of posts live, by the contract of raw.posts."""
    return contracts["raw.posts"].life.words or WORDS
