"""Bursts: a topic, a place or an issue of which much more is said than is usual for it.

A voice is a repost group, counted once per series when it is first found; copies do not add. An entry of a hot list
counts as several voices, for many have chosen it. The usual is a seasonal running mean: so much a day, by type of day
(working day, weekend, holiday, release day of the topic, day near one), spread over the hours as the posts of such
days have been. Counts and means are compared on the scale 2 sqrt(x + 3/8), on which the noise of counts has the same
size everywhere (Anscombe 1948). Release days are compared with release days: a release as loud as ever is no burst. An
issue, which has no releases behind it, is then compared with those of its topic.

Nothing looks ahead: the usual of a day comes from the days before it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from caifeng.core.model.bursts import DAY_TYPES, BurstRules
from caifeng.core.model.release import ReleaseCalendar

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_UTC = pl.Datetime("us", "UTC")
#: What `find_bursts` takes: one row per series and voice.
VOICES = pl.Schema(
    {
        "kind": pl.String(),
        "key": pl.String(),
        "topic": pl.String(),  # null for places
        "at": _UTC,  # when it was said
        "known_at": _UTC,  # when we found it
        "post_id": pl.String(),
        "weight": pl.Int64(),
    }
)
#: Rows of graded.bursts.
BURSTS = pl.Schema(
    {
        "kind": pl.String(),
        "key": pl.String(),
        "started_at": _UTC,
        "detected_at": _UTC,
        "hours": pl.Int64(),
        "count": pl.Int64(),
        "expected": pl.Float64(),
        "z": pl.Float64(),
        "release_window": pl.Boolean(),
        "evidence": pl.List(pl.String()),
    }
)
#: China has one zone and no summer time.
_BEIJING = timedelta(hours=8)
#: Series in memory at once: the arrays hold every hour of the history.
_BLOCK = 500
_KINDS = ("topic", "place", "issue")
_WORKING, _NEAR = DAY_TYPES.index("working"), DAY_TYPES.index("near")


def count_voices(
    posts: pl.DataFrame, groups: pl.DataFrame, links: pl.DataFrame, heat: pl.DataFrame, rules: BurstRules
) -> pl.DataFrame:
    """Who spoke when, in each series that a post belongs to.

    A post belongs to its topic, to its issue, and, if it is local, to the county ("local") and the towns it names. Of
    a repost group only the post found first counts; an entry of a hot list counts beside it.

    Args:
        posts: graded.posts of the days that count, in any order.
        groups: post_id, group_id.
        links: post_id, issue_no.
        heat: post_id, observed_at, heat of hot lists (clean.post_metrics); the first known heat counts.
        rules: what a hot list counts.

    Returns:
        Rows of `VOICES`, sorted.
    """
    first_heat = (
        heat.filter(pl.col("heat").is_not_null())
        .sort("observed_at")
        .unique("post_id", keep="first")
        .select("post_id", "heat")
    )
    listed = pl.col("source_class") == "hotlist"
    decades = (pl.col("heat").cast(pl.Float64) / rules.hot_list_heat).clip(lower_bound=1.0).log10().floor()
    spoken = (
        posts.select("post_id", "topic", "jurisdiction", "evidence", "source_class", "first_fetched_at", at=said_at())
        .join(groups.select("post_id", "group_id"), on="post_id")
        .join(links.select("post_id", "issue_no"), on="post_id")
        .join(first_heat, on="post_id", how="left")
        .with_columns(
            listed=listed,
            weight=pl.when(listed).then(rules.hot_list_voices + decades.fill_null(0.0)).otherwise(1.0).cast(pl.Int64),
        )
    )
    towns = pl.col("evidence").list.eval(pl.element().str.extract(r"^town:(.+)@\d+$").drop_nulls()).list.unique()
    here = pl.col("jurisdiction") == "local"
    keys = {
        "topic": pl.concat_list("topic"),
        "place": pl.when(here).then(pl.concat_list(pl.lit("local"), towns)).otherwise(pl.lit([], pl.List(pl.String))),
        "issue": pl.concat_list("issue_no"),
    }
    series = [
        spoken.with_columns(kind=pl.lit(kind), key=key).explode("key", keep_nulls=False, empty_as_null=False)
        for kind, key in keys.items()
    ]
    order = ["first_fetched_at", "at", "post_id"]
    voices = (
        pl.concat(series)
        .sort("kind", "key", *order)
        .unique(["kind", "key", "group_id", "listed"], keep="first", maintain_order=True)
    )
    # an issue is about what its first post is about
    subject = pl.when(pl.col("kind") != "place").then(pl.col("topic").first().over("kind", "key"))
    return voices.select(
        "kind", "key", subject.alias("topic"), "at", pl.col("first_fetched_at").alias("known_at"), "post_id", "weight"
    ).cast(dict(VOICES))  # type: ignore[arg-type]


def said_at() -> pl.Expr:
    """When a post was said: published, as far as known to the hour, and never after it was found.

    Of a time known to the day, the moment of that day nearest to when we found it; without a time, when we found it.
    """
    published, found = pl.col("published_at"), pl.col("first_fetched_at")
    within_day = pl.max_horizontal(published, pl.min_horizontal(found, published + pl.duration(hours=23)))
    said = (
        pl.when(pl.col("published_precision") == "day")
        .then(within_day)
        .when(pl.col("published_precision") != "unknown")
        .then(published)
    )
    return pl.min_horizontal(pl.coalesce(said, found), found)


def in_release_window(posts: pl.DataFrame, calendar: ReleaseCalendar) -> pl.Series:
    """Whether each post falls near a release of its topic: the content flag `release_window` of grading.

    Args:
        posts: topic, published_at, published_precision, first_fetched_at.
        calendar: the tables loaded.

    Returns:
        Boolean, in the order of `posts`; null where the year has no table: then it is not known.
    """
    days = posts.select("topic", day=_beijing_day(said_at()))
    joined = days.join(
        _topic_days(calendar).with_columns(inside=pl.lit(value=True)),
        on=["topic", "day"],
        how="left",
        maintain_order="left",
    )
    loaded = pl.col("day").dt.year().is_in(sorted(calendar.years))
    return joined.select(release_window=pl.when(loaded).then(pl.col("inside").fill_null(value=False))).to_series()


def with_release_flag(posts: pl.DataFrame, calendar: ReleaseCalendar) -> pl.DataFrame:
    """Posts with `release_window` among their `flags` where it holds; other columns and order as they were."""
    inside = in_release_window(posts, calendar)
    flagged = pl.concat_list("flags", pl.lit(["release_window"])).list.unique().list.sort()
    return posts.with_columns(flags=pl.when(inside).then(flagged).otherwise("flags"))


def find_bursts(
    voices: pl.DataFrame, day_types: pl.DataFrame, calendar: ReleaseCalendar, rules: BurstRules, since: date
) -> pl.DataFrame:
    """Say where more was said than usual. Needs no more than the voices; their order does not matter.

    A series is raised in the hour in which the voices of a window that ends with it are `alarm_z` above the usual, and
    at least as many as its kind needs; then not again before it has been below `calm_z` for `cool_down_hours` on end.

    Args:
        voices: as `count_voices` gives them.
        day_types: `day` (every Beijing day of the history, without gaps), `day_type` (working, weekend, holiday).
        calendar: days of releases; they outrank the type of the day for the series of their topics.
        rules: the thresholds.
        since: first day of the installation, on which nothing is raised; then `rules.cold_days` take more to be.

    Returns:
        Rows of `BURSTS`, by detected_at, kind, key. `detected_at` is when the voice was found that was the last one
        needed, `started_at` when the earliest voice of the window spoke, `hours` the length of the window.
    """
    days = day_types.sort("day")
    if days.is_empty():
        return BURSTS.to_frame()
    start: date = days["day"][0]
    hour = (pl.col("at").dt.epoch("s") + int(_BEIJING.total_seconds())) // 3600 - _hours_before(start)
    placed = voices.with_columns(hour=hour).filter(pl.col("hour").is_between(0, days.height * 24 - 1))
    placed = placed.sort("kind", "key", "known_at", "at", "post_id")
    series = _series(placed, rules)
    if series.is_empty():
        return BURSTS.to_frame()
    types = _types(days, calendar)
    profiles = _profiles(placed, types, days.height, rules.profile_prior)
    alarms = [_Grid(placed, block, types, profiles, start, rules, since).alarms() for block in _blocks(series)]
    raised = pl.concat(alarms).unique(["kind", "key", "hour"], maintain_order=True)
    heard = placed.filter(pl.col("hour") >= _heard_from(start, since))
    return _describe(raised, heard, calendar, rules)


def _heard_from(start: date, since: date) -> int:
    """Hour from which voices count: what an installation finds on its first day was there before."""
    return max(0, ((since - start).days + 1) * 24)


def _series(placed: pl.DataFrame, rules: BurstRules) -> pl.DataFrame:
    """The series that could be raised at all."""
    least = {kind: rules.kind(kind).min_count for kind in _KINDS}
    return (
        placed.group_by("kind", "key", maintain_order=True)
        .agg(pl.col("topic").first(), total=pl.col("weight").sum(), first_hour=pl.col("hour").min())
        .filter(pl.col("total") >= pl.col("kind").replace_strict(least, return_dtype=pl.Int64))
    )


def _blocks(series: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """So many series at a time, with a row number each; the topics are in every block, for their issues."""
    whole, others = series.filter(pl.col("kind") == "topic"), series.filter(pl.col("kind") != "topic")
    for part in others.iter_slices(_BLOCK) if others.height else [others]:
        yield pl.concat([whole, part]).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


@dataclass(frozen=True)
class _Types:
    """Type of each day, as codes of DAY_TYPES: in general, and for the topics with releases."""

    plain: Ints
    of_topic: dict[str, Ints]

    def __getitem__(self, topic: str | None) -> Ints:
        return self.of_topic.get(topic or "", self.plain)


def _types(days: pl.DataFrame, calendar: ReleaseCalendar) -> _Types:
    codes = {name: code for code, name in enumerate(DAY_TYPES)}
    plain = days["day_type"].replace_strict(codes, return_dtype=pl.Int64).to_numpy()
    place = {day: n for n, day in enumerate(days["day"].to_list())}
    of_topic: dict[str, Ints] = {}
    for topic, day, phase in calendar.topic_days():
        if day in place:
            of_topic.setdefault(topic, plain.copy())[place[day]] = codes[phase]
    return _Types(plain, of_topic)


class _Grid:
    """Dense arrays, one row per series: counts by hour, what was expected, and where the two part."""

    def __init__(
        self,
        placed: pl.DataFrame,
        series: pl.DataFrame,
        types: _Types,
        profiles: Floats,
        start: date,
        rules: BurstRules,
        since: date,
    ) -> None:
        heard_from = _heard_from(start, since)
        self._series, self._rules = series, rules
        kinds = series["kind"].to_list()
        self._types = np.stack([types[topic] for topic in series["topic"]])
        shape = (series.height, self._types.shape[1] * 24)
        own = placed.join(series.select("kind", "key", "row"), on=["kind", "key"])
        where = own["row"].to_numpy(), own["hour"].to_numpy()
        self._counts, self._voices = np.zeros(shape), np.zeros(shape)
        np.add.at(self._counts, where, own["weight"].to_numpy().astype(float))
        np.add.at(self._voices, where, 1.0)
        self._least = np.array([[rules.kind(kind).min_count] for kind in kinds], float).repeat(shape[1], axis=1)
        cold = max(0, ((since - start).days + rules.cold_days) * 24)
        self._least[:, :cold] = np.maximum(self._least[:, :cold], rules.cold_min_count)
        self._least_voices = np.array([[rules.kind(kind).min_voices] for kind in kinds], float)
        kind_codes = np.array([_KINDS.index(kind) for kind in kinds])
        by_hour = profiles[kind_codes[:, None], self._types, np.arange(self._types.shape[1])]
        self._expected = self._of_topics(self._levels()[:, :, None] * by_hour).reshape(shape)
        # From the first day something of the usual can be learnt, but nothing of what is new.
        self._counts[:, :heard_from] = self._voices[:, :heard_from] = 0.0

    def _levels(self) -> Floats:
        """Expected voices of each day, from the days before it: a running mean by type of day."""
        rules = self._rules
        factor = np.array([1.0, 1.0, 1.0, rules.near_factor, rules.release_factor])
        alpha = np.where(np.arange(len(DAY_TYPES)) >= _NEAR, rules.alpha_release, rules.alpha)
        prior = np.array([rules.kind(kind).prior_per_day for kind in self._series["kind"]])
        first_day = self._series["first_hour"].to_numpy() // 24
        # Topics and places are always there; an issue begins with its first voice.
        first_day = np.where((self._series["kind"] == "issue").to_numpy(), first_day, 0)
        daily = _steady(self._counts.reshape(len(prior), -1, 24).sum(axis=2))
        mean = np.repeat(_steady(prior)[:, None], len(DAY_TYPES), axis=1)
        seen = np.zeros(mean.shape, bool)
        rows, levels = np.arange(len(prior)), np.empty(daily.shape)
        for day in range(daily.shape[1]):
            kind = self._types[:, day]
            plain = _counted(np.where(seen[:, _WORKING], mean[:, _WORKING], _steady(prior)))
            # A type that has not come yet is like a working day, or louder by its factor.
            usual = np.where(seen[rows, kind], mean[rows, kind], _steady(plain * factor[kind]))
            levels[:, day] = _counted(usual)
            begun = day >= first_day
            mean[rows, kind] = np.where(begun, usual + alpha[kind] * (daily[:, day] - usual), mean[rows, kind])
            seen[rows, kind] |= begun
        return levels

    def _of_topics(self, expected: Floats) -> Floats:
        """Issues take over what is expected of their topic on its release days and near them: [series, day, hour]."""
        own = self._series.select("row", "topic").filter(self._series["kind"] == "issue")
        rows = own.join(self._series.filter(pl.col("kind") == "topic").select("topic", whole="row"), on="topic")
        issue, topic = rows["row"].to_numpy(), rows["whole"].to_numpy()
        loud = (self._types[issue] >= _NEAR)[:, :, None]
        expected[issue] = np.where(loud, np.maximum(expected[topic], expected[issue]), expected[issue])
        return expected

    def alarms(self) -> pl.DataFrame:
        """kind, key, hour (the last of the window), hours, expected, z, need, one row per burst."""
        rules = self._rules
        best = np.full(self._counts.shape, -np.inf)
        fires, z_top = np.zeros(best.shape, bool), best.copy()
        hours, expected, need = np.zeros(best.shape, np.int64), np.zeros(best.shape), np.zeros(best.shape)
        for window in rules.windows:
            count, usual = _trailing(self._counts, window), _trailing(self._expected, window)
            z = 2 * (_steady(count) - _steady(usual))
            wanted = np.maximum(self._least, np.ceil(_counted(rules.alarm_z / 2 + _steady(usual)) - 1e-9))
            over = (count >= wanted) & (_trailing(self._voices, window) >= self._least_voices)
            better = over & (z > best)
            best = np.where(better, z, best)
            hours, expected = np.where(better, window, hours), np.where(better, usual, expected)
            need, fires, z_top = np.where(better, wanted, need), fires | over, np.maximum(z_top, z)
        calm = _run_lengths(z_top < rules.calm_z) >= rules.cool_down_hours
        calmed = np.cumsum(calm, axis=1)
        raised: list[tuple[int, int]] = []
        last: dict[int, int] = {}
        # Few cells are over the threshold; np.nonzero gives them by series and hour.
        for row, hour in zip(*(axis.tolist() for axis in np.nonzero(fires)), strict=True):
            if row not in last or calmed[row, hour] > calmed[row, last[row]]:
                last[row] = hour
                raised.append((row, hour))
        at = tuple(np.array(raised, np.int64).reshape(-1, 2).T)
        found = pl.DataFrame(
            {"row": at[0], "hour": at[1], "hours": hours[at], "expected": expected[at], "z": best[at], "need": need[at]}
        )
        named = found.join(self._series.select("row", "kind", "key"), on="row", how="left", maintain_order="left")
        return named.drop("row")


def _describe(alarms: pl.DataFrame, placed: pl.DataFrame, calendar: ReleaseCalendar, rules: BurstRules) -> pl.DataFrame:
    """Alarms with the voices of their window: when it began, when it was known, which posts show it."""
    voices = {kind: rules.kind(kind).min_voices for kind in _KINDS}
    inside = (
        alarms.rename({"hour": "until"})
        .join(placed, on=["kind", "key"])
        .filter(pl.col("hour") <= pl.col("until"), pl.col("hour") > pl.col("until") - pl.col("hours"))
        .sort("known_at", "at", "post_id")
    )
    enough = (pl.col("weight").cum_sum() >= pl.col("need").first()) & (
        pl.int_range(1, pl.len() + 1) >= pl.col("kind").replace_strict(voices, return_dtype=pl.Int64).first()
    )
    loudest = pl.col("post_id").sort_by("weight", "at", "post_id", descending=[True, False, False])
    bursts = inside.group_by("kind", "key", "until").agg(
        pl.col("topic").first(),
        pl.col("hours", "expected", "z").first(),
        started_at=pl.col("at").min(),
        detected_at=pl.col("known_at").filter(enough).first(),
        count=pl.col("weight").sum(),
        evidence=loudest.head(rules.evidence),
    )
    day = _beijing_day(pl.col("detected_at"))
    loaded = day.dt.year().is_in(sorted(calendar.years)) & pl.col("topic").is_not_null()
    window = _topic_days(calendar).with_columns(inside=pl.lit(value=True))
    return (
        bursts.with_columns(day=day, loaded=loaded)
        .join(window, on=["topic", "day"], how="left")
        .with_columns(release_window=pl.when("loaded").then(pl.col("inside").fill_null(value=False)))
        .select(BURSTS.names())
        .cast(dict(BURSTS))  # type: ignore[arg-type]
        .sort("detected_at", "kind", "key", "started_at")
    )


def _topic_days(calendar: ReleaseCalendar) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [{"topic": day.topic, "day": day.day} for day in calendar.topic_days()]
    return pl.DataFrame(rows, schema={"topic": pl.String, "day": pl.Date})


def _profiles(placed: pl.DataFrame, types: _Types, n_days: int, prior: float) -> Floats:
    """Share of each hour in a day, by kind, type of day and day, from the days before: [kind, type, day, hour]."""
    found = np.zeros((len(_KINDS), len(DAY_TYPES), n_days, 24))
    for (kind, subject), part in placed.group_by("kind", "topic"):
        hours = part["hour"].to_numpy()
        day = hours // 24
        np.add.at(found[_KINDS.index(str(kind))], (types[subject and str(subject)][day], day, hours % 24), 1.0)
    before = np.cumsum(found, axis=2) - found + prior / 24
    shares: Floats = before / before.sum(axis=3, keepdims=True)
    return shares


def _steady(count: Floats) -> Floats:
    """Half the Anscombe scale: the square root on which the noise of counts has standard deviation 1/2."""
    rooted: Floats = np.sqrt(count + 0.375)
    return rooted


def _counted(steady: Floats) -> Floats:
    """Back to counts."""
    counts: Floats = np.maximum(np.square(steady) - 0.375, 0.0)
    return counts


def _trailing(values: Floats, window: int) -> Floats:
    """Sums of the last `window` columns, this one included."""
    total = np.cumsum(values, axis=1)
    total[:, window:] = total[:, window:] - total[:, :-window].copy()
    return total


def _run_lengths(true: npt.NDArray[np.bool_]) -> Ints:
    """How many columns in a row have been true, this one included."""
    place = np.arange(1, true.shape[1] + 1)
    broken = np.maximum.accumulate(np.where(true, 0, place), axis=1)
    runs: Ints = place - broken
    return runs


def _hours_before(start: date) -> int:
    """Hours from the epoch to midnight of a day, on a clock that shows Beijing time."""
    return int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) // 3600


def _beijing_day(moment: pl.Expr) -> pl.Expr:
    return moment.dt.convert_time_zone("Asia/Shanghai").dt.date()
