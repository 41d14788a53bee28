"""graded.issues of a day -> graded.issue_grades and their evidence, immutable per issue, moment and rule version."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl

from caifeng.cases.corrections import SetFact, facts_in_force, final_answers
from caifeng.cases.tables import set_measures
from caifeng.core.clock import business_day
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.bursts import load_calendar
from caifeng.jobs.early_warning import early_warning
from caifeng.jobs.gates import gated
from caifeng.jobs.marts import Evaluation
from caifeng.jobs.rule_sensitivity import write_rule_sensitivity
from caifeng.jobs.standing import standing_levels
from transforms.grade.evidence import measure_evidence
from transforms.grade.grade import grade as grade_issues
from transforms.grade.measure import measure_issues, second_waves
from transforms.grade.rules_frame import rules_frame
from transforms.understand.bursts import with_release_flag
from transforms.understand.issues import latest_links


def grade(env: Env, day: date, as_of: datetime, work: Callable[..., pl.DataFrame] = grade_issues) -> JobReport:
    """Measure and grade the day's issues at `as_of` by the rules in force: those that moved or had a fact set.

    `work` is what another engine puts in the place of the grading function.
    """
    rules = env.settings.grading(day)
    evaluation = Evaluation(as_of, rules.rule_version)
    measures, evidence = measure(env, day, as_of)
    graded = work(measures.drop("evidence"), rules).join(measures.select("issue_no", "evidence"), on="issue_no")
    _store(env, day, evaluation, {"graded.issue_grades": graded, "graded.measure_evidence": evidence})
    env.lake.replace("ops.grading_rules", day, rules_frame(rules), rules.rule_version)
    write_rule_sensitivity(env, day, as_of, rules)
    early_warning(env, day, evaluation, rules, graded, standing_levels(env, day, evaluation, graded))
    levels = {str(level): count for level, count in sorted(graded["level"].value_counts().iter_rows())}
    return JobReport("grade", day, as_of, {"issues": graded.height, **levels})


def measure(env: Env, day: date, as_of: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Measures of the day's issues at a moment, and what each rests on; events registered later are not known."""
    first = day - LOOKBACK
    earlier = env.lake.read_range("graded.issues", day - timedelta(days=90), day).filter("is_new")
    with env.register() as register:
        events = register.events(until=as_of)
    said = facts_in_force(events)
    links = latest_links(env.lake.read_range("graded.issue_posts", first, day)).drop("day")
    issues = _issues(env, day, links, said)
    # half a year of posts stands behind a day, few of them in its issues
    links = links.join(issues, on="issue_no", how="semi")
    members = links.select("post_id")
    posts = env.lake.read_range("graded.posts", first, day, among=members).drop("day")
    posts = with_release_flag(posts, load_calendar(env.settings.config))
    metrics = env.lake.read_range("clean.post_metrics", first, day, among=members)
    metrics = metrics.filter(pl.col("observed_at") <= as_of)
    grouping = load_model(env.settings.config / "grouping.toml", GroupingRules)
    known = pl.concat([second_waves(links, posts, final_answers(events), grouping), set_measures(said)])
    measures = measure_issues(issues, links, posts, metrics, earlier, as_of, known)
    return measures, measure_evidence(measures, issues, links, posts, metrics, earlier, as_of, known)


def _issues(env: Env, day: date, links: pl.DataFrame, said: Iterable[SetFact]) -> pl.DataFrame:
    """The day's issues, and those of earlier days of which a person set something on the day, as they last stood."""
    today = env.lake.read("graded.issues", day)
    spoken_of = {fact.issue_no for fact in said if business_day(fact.at) == day} - set(today["issue_no"])
    if not spoken_of:
        return today
    before = env.lake.read_range("graded.issues", day - LOOKBACK, day - timedelta(days=1))
    older = before.filter(pl.col("issue_no").is_in(sorted(spoken_of))).sort("day").unique("issue_no", keep="last")
    # one whose posts have all gone elsewhere is measured there
    older = older.join(links, on="issue_no", how="semi").drop("day").with_columns(is_new=pl.lit(value=False))
    return pl.concat([today, older])


def _store(env: Env, day: date, evaluation: Evaluation, products: Mapping[str, pl.DataFrame]) -> None:
    """Write the files of an evaluation, after the gates of all of them."""
    moment = {
        "as_of": pl.lit(evaluation.as_of.astimezone(UTC)).cast(pl.Datetime("us", "UTC")),
        "rule_version": pl.lit(evaluation.rule_version),
    }
    ready = {table: gated(env, table, day, frame.with_columns(**moment)) for table, frame in products.items()}
    for table, frame in ready.items():
        env.lake.replace(table, day, frame, evaluation.part)
