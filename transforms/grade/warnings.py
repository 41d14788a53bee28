"""Early warning (Art. 6): what the office is told at once, each thing one time, and when it is delivered.

Four kinds: a change of level, a burst, quick growth, and a first sign of a category that calls for a key response.
Nothing is told twice, whatever is run again: an alert has a name that follows from what it is about.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from caifeng.core.model.early_warning import EarlyWarningRules
from caifeng.core.model.grading import AttentionRule
from caifeng.core.model.terms import LEVEL_NAMES, SCALE, Level
from transforms.grade.standing import level_rank

_UTC = pl.Datetime("us", "UTC")
#: Rows of graded.alerts.
ALERTS = pl.Schema(
    {
        "alert_id": pl.String(),
        "as_of": _UTC,
        "rule_version": pl.String(),
        "kind": pl.String(),
        "issue_no": pl.String(),
        "key": pl.String(),
        "topic": pl.String(),
        "level_before": pl.String(),
        "level": pl.String(),
        "since": _UTC,
        "reason": pl.String(),
        "basis": pl.String(),
        "first_published_at": _UTC,
        "detected_at": _UTC,
        "alerted_at": _UTC,
        "deliver_at": _UTC,
        "muted": pl.Boolean(),
    }
)
#: What each kind brings along; the rest is the same for all.
_OWN = [name for name in ALERTS if name not in ("as_of", "rule_version", "alerted_at", "deliver_at", "muted")]

_LEVEL_WORDS = {level: names[0] for level, names in LEVEL_NAMES.items()}
_BY_RULES = "制度第六条；数值为本单位规定"
_BY_PERSON = "制度第六条；人工确认"
_BY_VOLUME = "制度第四条、第六条；数值为本单位规定"
_KEY = "制度第六条；国办发〔2016〕61号、皖政办秘〔2016〕205号"


def early_warnings(
    levels: pl.DataFrame,
    graded: pl.DataFrame,
    issues: pl.DataFrame,
    bursts: pl.DataFrame,
    given: pl.DataFrame,
    *,
    merged: Mapping[str, str],
    topics: Mapping[str, str],
    rules: EarlyWarningRules,
    attention: AttentionRule,
    as_of: datetime,
    rule_version: str,
) -> pl.DataFrame:
    """Say what an evaluation warns of that was not said before.

    - `level`: the standing level of an issue changed, or a person confirmed another one than was in force; of a new
      issue only from `rules.first_from` on.
    - `burst`: a row of graded.bursts. One whose first voice spoke within the window of an earlier alert of the series,
      or between that and the moment it was given, is the same burst, seen again with late posts.
    - `growth`: the growth that earns an issue its bonus in grading, once in `rules.growth_hours`.
    - `key_category`: an issue shows for the first time a kind that 国办发〔2016〕61号 or 皖政办秘〔2016〕205号 names.

    Growth and key categories of issues outside the scale (background, matters of other places) are not told. An issue
    that was merged into another is not told of, and what was said of it once is not said again of the other.

    Args:
        levels: graded.issue_levels of the evaluation (`transforms.grade.standing`).
        graded: graded.issue_grades of it: topic, flags, total, distinct_docs, growth_24h, emergency_level.
        issues: issue_no, first_published_at, detected_at (graded.issues).
        bursts: graded.bursts of the day.
        given: alerts of all other evaluations on record. Their names are not given again; what else is compared with
            them looks at earlier moments only, so that a new run of an old evaluation says the same again.
        merged: number of a merged issue -> number of the one that it is part of.
        topics: topic -> name on paper; one without a name is called by its id.
        rules: config/early_warning.toml.
        attention: `[attention]` of config/grading.toml: growth and documents needed.
        as_of: moment of the evaluation.
        rule_version: rules of the evaluation.

    Returns:
        Rows of `ALERTS` by alert_id. `muted` where quiet hours move `deliver_at`; never from `rules.never_muted_from`
        on (by any of standing, confirmed and alerted level) and never with an emergency behind the issue.
    """
    moment = as_of.astimezone(UTC)
    measures = graded.select(
        "issue_no", "topic", "flags", "total", "distinct_docs", "growth_24h", urgent=pl.col("emergency_level") != "none"
    )
    known = levels.join(measures, on="issue_no").join(
        issues.select("issue_no", "first_published_at", "detected_at"), on="issue_no"
    )
    earlier = given.filter(pl.col("alerted_at") <= moment).with_columns(
        pl.col("issue_no", "key").replace(dict(merged)),
    )
    alive = ~pl.col("issue_no").is_in(list(merged))
    own = known.filter(alive)
    on_scale = own.filter(level_rank("level_in_force").is_not_null())
    found = [
        _changes(own, earlier, rules),
        _confirmations(own, rules),
        _key_categories(on_scale, earlier),
        _growths(on_scale, earlier, rules, attention, moment),
        _bursts(bursts.filter(pl.col("detected_at") <= moment), known, earlier, merged, topics),
    ]
    later = rules.quiet.delivery(moment)
    return (
        pl.concat([part.select(*_OWN).cast({name: ALERTS[name] for name in _OWN}) for part in found])
        .unique("alert_id", keep="first", maintain_order=True)
        .join(given, on="alert_id", how="anti")
        .join(_urgent(known, rules), on="issue_no", how="left")
        .with_columns(urgent=pl.col("urgent").fill_null(value=False) | _from(pl.col("level"), rules.never_muted_from))
        .with_columns(
            as_of=pl.lit(moment, _UTC),
            rule_version=pl.lit(rule_version),
            alerted_at=pl.lit(moment, _UTC),
            deliver_at=pl.when("urgent").then(pl.lit(moment, _UTC)).otherwise(pl.lit(later, _UTC)),
        )
        .with_columns(muted=pl.col("deliver_at") > pl.col("alerted_at"))
        .select(ALERTS.names())
        .sort("alert_id")
    )


def _changes(own: pl.DataFrame, earlier: pl.DataFrame, rules: EarlyWarningRules) -> pl.DataFrame:
    """The standing level changed. An issue that comes back after a merge was undone is not new again."""
    first = (pl.col("change") == "new") & _from(pl.col("standing_level"), rules.first_from)
    told = earlier.filter(pl.col("kind") == "level")["issue_no"].unique()
    steps = pl.col("change").is_in(["raised", "lowered", "moved"])
    total, docs, now, was = (
        pl.col("total"),
        pl.col("distinct_docs"),
        _words("standing_level"),
        _words("standing_before"),
    )
    held = rules.over_time
    return (
        own.filter(steps | (first & ~pl.col("issue_no").is_in(told.implode())))
        .with_columns(
            kind=pl.lit("level"),
            alert_id=pl.format("level/{}/{}/{}", "issue_no", "standing_level", _stamp("standing_since")),
            key="issue_no",
            level_before="standing_before",
            level="standing_level",
            since="standing_since",
            reason=pl.when(pl.col("change") == "new")
            .then(pl.format("首次评估为{}，总分{}，{}篇。", now, total, docs))
            .when(pl.col("change") == "raised")
            .then(pl.format("由{}升为{}，总分{}，{}篇。", was, now, total, docs))
            .when(pl.col("change") == "lowered")
            .then(
                pl.format(
                    f"由{{}}降为{{}}，总分{{}}：连续{held.lower_evaluations}次以上评估均低于原级别，"
                    f"首末相隔不少于{held.lower_after_hours:g}小时。",
                    was,
                    now,
                    total,
                )
            )
            .otherwise(pl.format("由{}转为{}，总分{}。", was, now, total)),
            basis=pl.lit(_BY_RULES),
        )
        .with_columns(
            reason=pl.when(pl.col("confirmed_level").is_null())
            .then("reason")
            .otherwise(pl.format("{}人工确认的级别为{}。", "reason", _words("confirmed_level")))
        )
    )


def _confirmations(own: pl.DataFrame, rules: EarlyWarningRules) -> pl.DataFrame:
    """A person confirmed another level than was in force; where the system moved to the same one, that is told."""
    was = pl.coalesce("in_force_before", "standing_level")
    first = pl.col("in_force_before").is_null()
    told_already = ~pl.col("change").is_in(["same", "new"]) & (pl.col("confirmed_level") == pl.col("standing_level"))
    return own.filter(
        pl.col("confirmed_level") != was,
        ~told_already,
        ~first | _from(pl.col("confirmed_level"), rules.first_from),
    ).with_columns(
        kind=pl.lit("level"),
        alert_id=pl.format("level/{}/{}/{}", "issue_no", "confirmed_level", _stamp("confirmed_at")),
        key="issue_no",
        level_before=was,
        level="confirmed_level",
        since="confirmed_at",
        reason=pl.format(
            "经人工确认由{}定为{}，系统建议{}，总分{}。",
            _words(was),
            _words("confirmed_level"),
            _words("standing_level"),
            "total",
        ),
        basis=pl.lit(_BY_PERSON),
    )


def _key_categories(on_scale: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    told = earlier.filter(pl.col("kind") == "key_category")["issue_no"].unique()
    return on_scale.filter(
        pl.col("flags").list.contains("key_category"), ~pl.col("issue_no").is_in(told.implode())
    ).with_columns(
        kind=pl.lit("key_category"),
        alert_id=pl.format("key_category/{}", "issue_no"),
        key="issue_no",
        level_before="in_force_before",
        level="level_in_force",
        since="as_of",
        reason=pl.format(
            "首次出现重点回应类别，级别{}，总分{}，{}篇。", _words("level_in_force"), "total", "distinct_docs"
        ),
        basis=pl.lit(_KEY),
    )


def _growths(
    on_scale: pl.DataFrame, earlier: pl.DataFrame, rules: EarlyWarningRules, attention: AttentionRule, moment: datetime
) -> pl.DataFrame:
    recent = earlier.filter(
        pl.col("kind") == "growth", pl.col("alerted_at") > moment - timedelta(hours=rules.growth_hours)
    )
    percent = (pl.col("growth_24h") * 100).round(0).cast(pl.Int64)
    return (
        on_scale.filter(pl.col("growth_24h") >= attention.growth, pl.col("distinct_docs") >= attention.growth_docs)
        .join(recent, on="issue_no", how="anti")
        .with_columns(
            kind=pl.lit("growth"),
            alert_id=pl.format("growth/{}/{}/{}", "issue_no", "level_in_force", _stamp("as_of")),
            key="issue_no",
            level_before="in_force_before",
            level="level_in_force",
            since="as_of",
            reason=pl.format(
                "24小时内帖文增长{}%，共{}篇，级别{}，总分{}。",
                percent,
                "distinct_docs",
                _words("level_in_force"),
                "total",
            ),
            basis=pl.lit(_BY_VOLUME),
        )
    )


def _bursts(
    bursts: pl.DataFrame,
    known: pl.DataFrame,
    earlier: pl.DataFrame,
    merged: Mapping[str, str],
    topics: Mapping[str, str],
) -> pl.DataFrame:
    """Bursts that no earlier alert of the same series covers; of issues with level and topic, where they are graded."""
    told = earlier.filter(pl.col("kind") == "burst").select("key", told_since="since", told_at="alerted_at")
    seen_again = (
        bursts.join(told, on="key")
        .filter(pl.col("started_at").is_between(pl.col("told_since") - pl.duration(hours="hours"), pl.col("told_at")))
        .select("kind", "key", "started_at")
    )
    place = pl.when(pl.col("key") == "local").then(pl.lit("本县")).otherwise(pl.format("“{}”", "key"))
    named = (
        pl.when(pl.col("kind") == "topic")
        .then(pl.format("领域“{}”", pl.col("key").replace(dict(topics))))
        .when(pl.col("kind") == "place")
        .then(pl.format("地点{}", place))
        .otherwise(pl.lit("本事项"))
    )
    is_issue = pl.col("kind") == "issue"
    return (
        bursts.filter(~pl.col("key").is_in(list(merged)))
        .join(seen_again, on=["kind", "key", "started_at"], how="anti")
        .with_columns(issue_no=pl.when(is_issue).then("key"))
        .join(known.select("issue_no", "topic", "level_in_force", "in_force_before"), on="issue_no", how="left")
        .with_columns(
            alert_id=pl.format("burst/{}/{}/{}", "kind", "key", _stamp("started_at")),
            topic=pl.when(pl.col("kind") == "topic").then("key").otherwise("topic"),
            level_before="in_force_before",
            level="level_in_force",
            since="started_at",
            reason=pl.format(
                "{}：{}小时内出现{}个声音，平时约{}个。", named, "hours", "count", pl.col("expected").round(1)
            ),
            basis=pl.lit(_BY_VOLUME),
            # what is found is the burst; when the first of its voices was published is not always known
            first_published_at=pl.lit(None, _UTC),
            kind=pl.lit("burst"),
        )
    )


def _urgent(known: pl.DataFrame, rules: EarlyWarningRules) -> pl.DataFrame:
    high = [_from(pl.col(name), rules.never_muted_from) for name in ("standing_level", "confirmed_level")]
    return known.select("issue_no", urgent=pl.any_horizontal("urgent", *high))


def _from(level: pl.Expr, lowest: str) -> pl.Expr:
    """Whether a level is on the scale and at least `lowest`; false for none."""
    return (level_rank(level) >= SCALE.index(Level(lowest))).fill_null(value=False)


def _words(level: str | pl.Expr) -> pl.Expr:
    column = pl.col(level) if isinstance(level, str) else level
    return column.replace_strict(_LEVEL_WORDS, default=None, return_dtype=pl.String)


def _stamp(at: str) -> pl.Expr:
    return pl.col(at).dt.strftime("%Y%m%dT%H%M%SZ")
