"""Evidence of measures: every number leads to the posts or the event it rests on; unknown stays unknown on paper."""

from datetime import timedelta
from itertools import count

import fastexcel
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.cases.model import Actor
from caifeng.core.clock import end_of_day
from caifeng.core.contracts import load_contracts
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_on_case
from caifeng.jobs.grade import grade
from caifeng.jobs.outputs import read_day
from caifeng.jobs.stages import run_stages
from caifeng.reports.daily_log_docx import daily_log_context
from expectations.gate import check
from tests.conftest import ROOT
from tests.unit.frames import DAY, NOON, links, metrics, posts
from transforms.grade.evidence import _PLACE, EVIDENCE, MOST_POSTS, measure_evidence
from transforms.grade.inputs import MEASURES
from transforms.grade.measure import KNOWN, measure_issues
from transforms.understand.issues import describe_issues
from transforms.understand.jurisdiction import _KINDS

AS_OF = NOON + timedelta(hours=12)
CONTRACTS = load_contracts(ROOT / "sql")
SCHEMA = CONTRACTS["graded.posts"].polars_schema()
NOTHING_EARLIER = pl.DataFrame(
    schema={"issue_no": pl.String, "topic": pl.String, "detected_at": pl.Datetime("us", "UTC")}
)
ONE, TWO = "YQ-2026-0001", "YQ-2026-0002"
#: Measures that are counts of something that posts show.
COUNTS = (
    "source_classes", "active_days", "views", "reposts", "comments", "distinct_docs", "neg_docs", "counted_docs",
    "emotive_docs", "n_media",
)  # fmt: skip


def evaluate(rows, seen=(), groups=None, issue_of=None, earlier=NOTHING_EARLIER, known=None, order=None):
    """Measures and evidence of the issues made of the rows; with `order` all frames are shuffled by it."""
    frame = posts(SCHEMA, *rows)
    group_of = groups or range(len(rows))
    numbers = issue_of or [ONE] * len(rows)
    linked = links(*[(numbers[i], f"p{i}", f"g{group_of[i]}", DAY) for i in range(len(rows))])
    observed = metrics(*seen)
    issues = describe_issues(linked, frame.with_columns(day=pl.lit(DAY)), observed, DAY)
    given_ = [issues, linked.drop("day"), frame, observed, earlier]
    if order is not None:
        given_ = [one.sample(fraction=1, shuffle=True, seed=order) for one in given_]
    measures = measure_issues(*given_, AS_OF, known)
    return measures, measure_evidence(measures, *given_, AS_OF, known)


def of(evidence, measure):
    return evidence.filter(pl.col("measure") == measure).to_dicts()


def told(measure, value, issue_no=ONE):
    row = (issue_no, measure, value, "person", "chief", None, f"{issue_no}#1", "set@2026-11-22T04:00:00Z")
    return pl.DataFrame([row], schema=KNOWN, orient="row")


def test_every_measure_of_every_issue_has_evidence():
    rows = [{}, {"media_tier": "none", "tone": "unknown"}, {"flags": ["pure_question"], "facts": ["names_unit"]}]
    measures, evidence = evaluate(rows, issue_of=[ONE, TWO, "YQ-2026-0003"])
    assert measures.height == 3
    assert evidence.schema == EVIDENCE
    swept = 0
    for row in measures.iter_rows(named=True):
        own = evidence.filter(issue_no=row["issue_no"])
        for name in set(MEASURES) - {"issue_no", "flags", "facts"}:
            (value,) = own.filter(measure=name)["value"].unique().to_list()
            assert value == (None if row[name] is None else str(row[name])), name
            swept += 1
        for name in ("flags", "facts"):
            found = own.filter(pl.col("measure").str.starts_with(name))
            expected = {f"{name}.{code}": "true" for code in row[name]} or {name: "none"}
            assert dict(found.select("measure", "value").unique().iter_rows()) == expected
            swept += 1
    assert swept == 3 * 20


def test_flags_facts_and_tone_lead_to_a_term_of_a_post_or_to_its_source():
    lines = ["income:收入@2", "source:local_board", "county_short:蒙城@0", "key_category:拖欠@9", "complaint:投诉@4",
             "question:请问@0"]  # fmt: skip
    _, evidence = evaluate(
        [
            {
                "topic": "income", "evidence": lines, "flags": ["key_category", "pure_question"], "stance": "complaint",
                "facts": ["names_bureau"], "local_board": True, "tone": "negative",
            },
            {"topic": "price", "published_at": NOON + timedelta(minutes=1)},
        ]
    )  # fmt: skip
    expected = {
        "topic": "income:收入@2", "flags.key_category": "key_category:拖欠@9", "flags.pure_question": "question:请问@0",
        "facts.names_bureau": "county_short:蒙城@0", "facts.local_board": "source:forum", "tone": "complaint:投诉@4",
        "neg_docs": "complaint:投诉@4",
    }  # fmt: skip
    for measure, detail in expected.items():
        (row,) = of(evidence, measure)
        assert (row["post_id"], row["setter"], row["detail"]) == ("p0", "rule", detail), measure
    assert {row["detail"] for row in of(evidence, "jurisdiction")} == {"source:local_board", None}
    assert set(_PLACE) == {"source", *_KINDS}


def test_counts_say_how_much_each_post_shows_and_when_it_did():
    seen = [("p0", NOON, 10, None, 0), ("p0", NOON + timedelta(hours=1), 30, None, None), ("p1", NOON, 5, None, None)]
    _, evidence = evaluate([{}, {"source_id": "paper"}, {}], seen)
    assert [(row["post_id"], row["shown"], row["detail"]) for row in of(evidence, "views")] == [
        ("p0", 30, "30@2026-11-22T05:00:00Z"),
        ("p1", 5, "5@2026-11-22T04:00:00Z"),
    ]
    (zero,) = of(evidence, "comments")
    assert (zero["value"], zero["shown"], zero["detail"]) == ("0", 0, "0@2026-11-22T04:00:00Z")
    (unknown,) = of(evidence, "reposts")
    assert (unknown["value"], unknown["post_id"], unknown["shown"]) == (None, None, None)
    assert unknown["detail"] == "not_shown:forum,paper"


def test_growth_and_recurrence_say_what_they_count():
    earlier = pl.DataFrame(
        {
            "issue_no": ["YQ-2026-0009", "YQ-2025-0004", "YQ-2026-0008"],
            "topic": ["gdp", "gdp", "price"],
            "detected_at": [NOON - timedelta(days=3), NOON - timedelta(days=120), NOON - timedelta(days=1)],
        },
        schema_overrides={"detected_at": pl.Datetime("us", "UTC")},
    )
    old = {"published_at": AS_OF - timedelta(hours=30)}
    _, evidence = evaluate([old, {}, {}], earlier=earlier)
    (growth,) = of(evidence, "growth_24h")
    assert (growth["value"], growth["detail"]) == ("2.0", "new:2,before:1")
    (before,) = of(evidence, "same_topic_issues_90d")
    assert (before["value"], before["shown"], before["detail"]) == ("1", 1, "issues:YQ-2026-0009")
    (unknown,) = of(evaluate([{}])[1], "growth_24h")
    assert (unknown["value"], unknown["detail"]) == (None, "new:1,before:0")


def test_at_most_five_posts_those_that_show_most():
    shown = [3, 90, 7, 90, 1, 50, 7]
    _, evidence = evaluate([{}] * 7, [(f"p{i}", NOON, views, None, None) for i, views in enumerate(shown)])
    rows = of(evidence, "views")
    assert {row["post_id"]: row["shown"] for row in rows} == {"p1": 90, "p3": 90, "p5": 50, "p2": 7, "p6": 7}
    assert len(rows) == MOST_POSTS
    assert {row["value"] for row in rows} == {"248"}


def test_what_a_person_set_has_its_event_and_outweighs_the_rules():
    rows = [{"flags": ["key_category"], "evidence": ["key_category:拖欠@1"]}]
    words = [("emergency_level", "major"), ("facts.leader_instruction", "true"), ("flags.key_category", "false")]
    known = pl.concat([told(measure, value) for measure, value in words])
    measures, evidence = evaluate(rows, known=known)
    row = measures.row(0, named=True)
    assert (row["emergency_level"], row["facts"], row["flags"]) == ("major", ["leader_instruction"], [])
    for measure, value in words:
        (line,) = of(evidence, measure)
        assert (line["value"], line["setter"], line["role"]) == (value, "person", "chief")
        assert (line["event_id"], line["post_id"]) == (f"{ONE}#1", None)
    assert of(evidence, "flags")[0]["value"] == "none"
    _, confirmed = evaluate(rows, known=told("flags.key_category", "true"))
    assert [(line["setter"], line["post_id"]) for line in of(confirmed, "flags.key_category")] == [
        ("person", None),
        ("rule", "p0"),
    ]


def test_what_was_taken_back_or_concerns_another_issue_changes_nothing():
    plain, _ = evaluate([{}])
    back, evidence = evaluate([{}], known=told("facts.offline_collective", "false"))
    assert back.equals(plain)
    assert of(evidence, "facts.offline_collective")[0]["value"] == "false"
    other, evidence = evaluate([{}], known=told("facts.offline_collective", "true", TWO))
    assert other.equals(plain)
    assert set(evidence["issue_no"]) == {ONE}


def test_a_tick_is_on_record_and_no_measure():
    plain, _ = evaluate([{}])
    ticked, evidence = evaluate([{}], known=told("sensitive", "true"))
    assert ticked.equals(plain)
    assert [(row["value"], row["setter"]) for row in of(evidence, "sensitive")] == [("true", "person")]


def test_nothing_to_grade_has_no_evidence():
    measures, evidence = evaluate([{}])
    nothing = [posts(SCHEMA), metrics(), NOTHING_EARLIER]
    empty = links().drop("day")
    issues = describe_issues(links(), posts(SCHEMA).with_columns(day=pl.lit(DAY)), metrics(), DAY)
    none = measure_issues(issues, empty, *nothing, AS_OF)
    assert none.schema == measures.schema
    assert measure_evidence(none, issues, empty, *nothing, AS_OF).equals(evidence.clear())


def optional(numbers):
    return st.one_of(st.none(), numbers)


POSTS = st.lists(
    st.fixed_dictionaries(
        {
            "tone": st.sampled_from(["negative", "neutral", "positive", "unknown"]),
            "emotive": st.booleans(),
            "reach": st.sampled_from(["village", "county", "nation"]),
            "source_id": st.sampled_from(["forum", "paper", "list"]),
            "source_class": st.sampled_from(["board", "news", "hotlist"]),
            "media_tier": st.sampled_from(["none", "self", "city"]),
            "local_board": st.booleans(),
            "flags": st.lists(st.sampled_from(["key_category", "pure_question"]), unique=True).map(sorted),
            "facts": st.lists(st.sampled_from(["names_unit", "official_notice"]), unique=True).map(sorted),
            "jurisdiction": st.sampled_from(["local", "city", "unknown"]),
            "published_at": st.integers(0, 100).map(lambda hours: NOON - timedelta(hours=hours)),
        }
    ),
    min_size=1,
    max_size=9,
)
SEEN = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.integers(0, 60),
        *[optional(st.integers(0, 10**6))] * 3,
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(rows=POSTS, seen=SEEN, data=st.data())
def test_shares_add_up_and_the_order_of_the_input_does_not_matter(rows, seen, data):
    groups = [data.draw(st.integers(0, i)) for i in range(len(rows))]
    # a repost belongs to the issue of its group
    issue_of = [(ONE, TWO)[group % 2] for group in groups]
    observed = [
        (f"p{post}", NOON - timedelta(hours=hours), *counted) for post, hours, *counted in seen if post < len(rows)
    ]
    measures, evidence = evaluate(rows, observed, groups, issue_of)
    assert measures.height == len(set(issue_of))
    swept = 0
    for issue in measures.iter_rows(named=True):
        own = evidence.filter(issue_no=issue["issue_no"])
        assert set(MEASURES) - {"issue_no", "flags", "facts"} <= set(own["measure"])
        for name in COUNTS:
            lines = own.filter(measure=name)
            shown = lines["shown"].drop_nulls()
            assert lines["post_id"].drop_nulls().is_unique().all()
            assert lines.height <= MOST_POSTS
            if lines.height < MOST_POSTS:
                assert (shown.sum() if len(shown) else None) == (issue[name] or (issue[name] if len(shown) else None))
            else:
                assert shown.sum() <= issue[name]
            swept += 1
    assert swept == len(COUNTS) * measures.height
    again = evaluate(rows, observed, groups, issue_of, order=data.draw(st.integers(0, 1000)))
    assert again[0].sort("issue_no").equals(measures.sort("issue_no"))
    assert again[1].equals(evidence)
    stored = evidence.with_columns(as_of=pl.lit(AS_OF).cast(pl.Datetime("us", "UTC")), rule_version=pl.lit("r"))
    contract = CONTRACTS["graded.measure_evidence"]
    assert contract.conform(stored).height == evidence.height


def test_evidence_passes_its_gate():
    rows = [{"tone": "negative", "source_class": "hotlist"}, {"flags": ["key_category"]}]
    known = told("emergency_level", "major")
    _, evidence = evaluate(rows, [("p0", NOON, 5, None, 0)], known=known)
    stored = evidence.with_columns(
        # the register of this test counts short, the gate wants ids as they are
        post_id=pl.when(pl.col("post_id").is_not_null()).then(
            pl.format("000000000000000{}", pl.col("post_id").str.slice(1))
        ),
        as_of=pl.lit(AS_OF).cast(pl.Datetime("us", "UTC")),
        rule_version=pl.lit("r"),
    )
    contract = CONTRACTS["graded.measure_evidence"]
    report = check("graded.measure_evidence", stored.select(contract.names), contract)
    assert [result.rule.key for result in report.results if result.success is False] == []
    assert report.height > 20


# --- through all layers ----------------------------------------------------------------------------------------------

END = end_of_day(DAY)
WAGES = {
    "title": "问问县统计局：在岗职工平均工资是怎么算出来的",
    "text": "看到县统计局公布的平均工资，和我们车间差得有点远，想请统计局讲一讲统计口径。",
}
CENSUS = {
    "title": "庄周街道农业普查登记要带什么材料",
    "text": "社区通知农业普查要登记，请问县统计局普查办，户主需要准备什么材料？",
}
UNKNOWN, ZERO = {"views": None, "reposts": None, "comments": None}, {"views": 0, "reposts": 0, "comments": 0}


def land(env, day, *entries):
    """Raw posts of a board that is silent about its counts, or not."""
    number = count(1)
    plain = {
        "source_id": "board", "published_at": NOON, "published_precision": "minute", "encoding": "utf-8",
        "fetched_at": NOON + timedelta(hours=1), "observed_at": NOON + timedelta(hours=1), "date_source": "rule",
    }  # fmt: skip
    rows = [
        {**plain, "post_id": f"{next(number):016x}", "url": f"https://board.example.org/thread-{i}.html", **entry}
        for i, entry in enumerate(entries)
    ]
    env.lake.replace("raw.posts", day, pl.DataFrame(rows, schema=CONTRACTS["raw.posts"].polars_schema()))
    source = {
        "source_id": "board", "name": "县城论坛", "source_class": "board", "media_tier": "self", "reach": "county",
        "local_board": True, "official_channel": False, "silent_after_hours": 48,
    }  # fmt: skip
    env.lake.replace("ops.sources", day, pl.DataFrame([source], schema=CONTRACTS["ops.sources"].polars_schema()))


@pytest.fixture
def env(tmp_path, root):
    return Env.open(Settings(home=tmp_path / "home", config=root / "config", as_of=END))


def only(frame, **values):
    (row,) = frame.filter(**values).to_dicts()
    return row


def test_unknown_and_zero_stay_apart_from_the_page_to_the_paper(env):
    land(env, DAY, {**WAGES, **UNKNOWN}, {**CENSUS, **ZERO})
    assert len(list(run_stages(env.settings, DAY, as_of=END))) == 7
    number_of = {
        row["post_id"]: row["issue_no"] for row in env.lake.read("graded.issue_posts", DAY).iter_rows(named=True)
    }
    silent, zero = (number_of[f"{i:016x}"] for i in (1, 2))
    assert silent != zero
    graded, evidence = env.lake.read("graded.issue_grades", DAY), env.lake.read("graded.measure_evidence", DAY)
    report = read_day(env, DAY)
    printed_log = daily_log_context(report)
    context = {row["编号"]: row for row in (*printed_log["新增事项"], *printed_log["其他新增"])}
    book = fastexcel.read_excel(env.settings.outputs_dir / str(DAY) / "政务舆情日志.xlsx")
    sheet = book.load_sheet("明细", dtypes="string").to_polars()
    place = sheet.columns.index("阅读")
    swept = 0
    for number, value, coverage in ((silent, None, 0.25), (zero, 0, 1.0)):
        for rows in (graded, report.log):
            row = only(rows, issue_no=number)
            assert [row[name] for name in UNKNOWN] == [value] * 3
            assert row["coverage"] == coverage
        printed = "—" if value is None else "0"
        for name in UNKNOWN:
            line = only(evidence, issue_no=number, measure=name)
            assert (line["value"], line["shown"]) == (None if value is None else "0", value)
            swept += 1
        assert context[number]["传播"] == f"1 帖，阅读 {printed}"
        assert [*only(sheet, 事项编号=number).values()][place : place + 3] == [printed] * 3
        assert f"数据覆盖{int(coverage * 4)}/4" in only(graded, issue_no=number)["explanation"]
    assert swept == 6
    assert only(evidence, issue_no=silent, measure="views")["detail"] == "not_shown:board"


def test_what_people_register_fires_the_overrides_and_counts_from_its_moment(env):
    land(env, DAY, {**WAGES, **UNKNOWN})
    list(run_stages(env.settings, DAY, ("clean", "understand", "cluster"), END))
    number = env.lake.read("graded.issues", DAY)["issue_no"][0]
    at = NOON + timedelta(hours=3)
    act_on_case(
        env, number, "set_facts", Actor("openness_office", "o"),
        {
            "emergency_level": "major", "superior_orders": True, "leader_instruction": True, "offline_collective": True,
            "key_category": True, "reason": "县应急管理局已通报事件等级",
        },
        at=at,
    )  # fmt: skip
    levels = {}
    for moment in (at - timedelta(minutes=1), at + timedelta(minutes=1)):
        grade(env, DAY, moment)
        row = only(env.lake.read("graded.issue_grades", DAY), issue_no=number, as_of=moment)
        levels[moment] = row["level"], set(row["overrides"]) & {"O1", "O3", "O4", "O7"}
    assert list(levels.values()) == [("log_only", set()), ("major", {"O1", "O3", "O4", "O7"})]
    evidence = env.lake.read("graded.measure_evidence", DAY).filter(pl.col("setter") == "person")
    assert set(evidence["measure"]) == {
        "emergency_level", "facts.superior_orders", "facts.leader_instruction", "facts.offline_collective",
        "flags.key_category",
    }  # fmt: skip
    assert set(evidence["event_id"]) == {f"{number}#1"}
    act_on_case(
        env, number, "set_facts", Actor("deputy", "d"),
        {
            "emergency_level": "none", "offline_collective": False, "key_category": False,
            "reason": "应急局来函更正了等级",
        },
        at=at + timedelta(hours=1),
    )  # fmt: skip
    grade(env, DAY, END)
    row = only(env.lake.read("graded.issue_grades", DAY), issue_no=number, as_of=END)
    assert (row["emergency_level"], row["level"]) == ("none", "larger")
    assert {"superior_orders", "leader_instruction"} <= set(row["facts"])
    assert "key_category" not in row["flags"]


def test_an_issue_that_did_not_move_is_graded_on_the_day_on_which_something_is_set_of_it(env):
    land(env, DAY, {**WAGES, **UNKNOWN})
    list(run_stages(env.settings, DAY, ("clean", "understand", "cluster", "grade"), END))
    number = env.lake.read("graded.issues", DAY)["issue_no"][0]
    following = DAY + timedelta(days=1)
    grade(env, following, end_of_day(following))
    assert env.lake.read("graded.issue_grades", following).is_empty()
    given_ = {"leader_instruction": True, "reason": "主要领导批示要求核实回应"}
    act_on_case(env, number, "set_facts", Actor("monitor", "m"), given_, at=END + timedelta(hours=9))
    grade(env, following, end_of_day(following))
    row = only(env.lake.read("graded.issue_grades", following), issue_no=number)
    assert (row["level"], row["overrides"]) == ("larger", ["O4"])
    files = [env.lake.files(table, following) for table in ("graded.issue_grades", "graded.measure_evidence")]
    first = [path.read_bytes() for paths in files for path in paths]
    grade(env, following, end_of_day(following))
    assert [path.read_bytes() for paths in files for path in paths] == first
    assert len(first) == 2
