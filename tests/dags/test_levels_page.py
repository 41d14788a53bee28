"""Levels beside each other, what a measure rests on, the review queue, alerts, and forms that correct the machine."""

import re
from datetime import timedelta
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.cases.model import LABELS
from caifeng.core.clock import business_day
from caifeng.core.model.terms import SCALE
from caifeng.jobs.base import Env
from caifeng.jobs.workbench import levels
from caifeng.jobs.workbench.alerts import todays_alerts
from caifeng.jobs.workbench.board import board
from caifeng.jobs.workbench.desk import Desk, Stand
from caifeng.jobs.workbench.evidence import detail_words, measure_name, value_words
from tests.dags.desk_home import DAY, HOSTILE, NOW
from tests.dags.test_plugin import active_parts, asked, browse, forms_of, home, pristine, web

__all__ = ["asked", "browse", "home", "pristine", "web"]
FIRST, QUESTION = "YQ-2026-0001", "YQ-2026-0002"
REASON = "分管领导在快报上批示尽快核实"


def put(settings, table, day, *rows):
    """Add rows to a lake table; what a row leaves out is null, or a value of its kind where that is not allowed."""
    env = Env.open(settings)
    contract = env.contracts[table]
    kinds = {"string": "x", "timestamp": NOW, "int64": 0, "boolean": False, "float64": 0.0}
    blank = {c.name: None if c.null_means else (c.values or (kinds[c.type],))[0] for c in contract.columns}
    env.lake.replace(table, day, pl.DataFrame([blank | row for row in rows], schema=contract.polars_schema()), "test")


def graded(settings, number=FIRST):
    return Desk.open(settings).read("graded.issue_grades").filter(issue_no=number).row(-1, named=True)


def plain(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.text))


# --- facts that only people know -------------------------------------------------------------------------------------


def test_the_form_of_facts_asks_yes_no_or_unchanged_and_shows_what_stands(browse, home):
    office = browse("office")
    page = office.get(f"/issues/{FIRST}?do=set_facts").text
    form = forms_of(page)[0][1]
    flags = ("superior_orders", "leader_instruction", "offline_collective", "key_category", "sensitive")
    assert {form[name] for name in flags} == {""}
    assert (
        page.count('<option value="">不变</option><option value="yes">是</option><option value="no">否</option>') == 5
    )
    assert page.count("现为：未登记") >= 3
    refused = office.do(FIRST, "set_facts", leader_instruction="yes", reason="批示了", role="openness_office")
    assert refused.status_code == 422
    assert "不少于 10 个字" in refused.text
    assert 'value="yes" selected' in refused.text
    assert office.do(FIRST, "set_facts", reason=REASON, role="openness_office").status_code == 422
    done = office.do(
        FIRST, "set_facts", leader_instruction="yes", sensitive="no", reason=REASON, role="openness_office"
    )
    assert done.status_code == 200
    assert "领导批示" in plain(done)
    with Env.open(home).register() as register:
        (event,) = register.events(FIRST)
    assert event.codes == {"leader_instruction": True, "sensitive": False}
    again = plain(office.get(f"/issues/{FIRST}?do=set_facts"))
    assert "现为：是（政务公开办 11-21 08:30）" in again
    assert "现为：否（政务公开办 11-21 08:30）" in again


# --- levels ----------------------------------------------------------------------------------------------------------


def test_a_manual_level_stands_beside_the_suggested_one(browse, home):
    office = browse("office")
    text = plain(office.get(f"/issues/{FIRST}"))
    assert "人工确认 尚未确认" in text
    assert "数据覆盖 1/4：阅读数、转发数、评论数未知，不按 0 计" in text
    assert office.do(FIRST, "confirm", level="general", reason=REASON, role="openness_office").status_code == 200
    text = plain(office.get(f"/issues/{FIRST}"))
    assert "人工确认 ■ 一般 Ⅳ 政务公开办 11-21 08:30" in text
    assert "人工定级理由：" + REASON in text
    assert "系统建议 ◆ 较大 Ⅲ" in text
    assert "需留意" in text


def test_the_history_shows_changes_and_the_latest_evaluation(browse, home):
    grade = graded(home)
    today = business_day(NOW)
    moments = [NOW - timedelta(hours=hours) for hours in (5, 4, 3, 2, 1)]
    found = ("general", "general", "larger", "larger", "larger")
    rows = [
        {
            "issue_no": FIRST, "as_of": moment, "rule_version": grade["rule_version"], "level": level,
            "standing_level": level, "level_in_force": level,
        }
        for moment, level in zip(moments, found, strict=True)
    ]  # fmt: skip
    put(home, "graded.issue_levels", today, *rows)
    reply = browse("office").get(f"/issues/{FIRST}")
    table = reply.text.partition("历次评级")[2].partition("</table>")[0]
    assert "11-21 07:30" in table
    assert "11-21 05:30" in table
    assert "11-21 04:30" not in table
    assert "11-21 06:30" not in table
    assert table.index("11-21 07:30") < table.index("11-21 05:30")
    assert active_parts(reply.text) == []


def stand_of(*issues):
    """A stand of issues given as (number, suggested, confirmed, needs_review)."""
    logged = [
        {
            "issue_no": number, "title": number, "needs_review": review, "overrides": [], "total": 40.0,
            "level_by_score": "larger", "standing_level": suggested,
        }
        for number, suggested, _, review in issues
    ]  # fmt: skip
    rows = {
        number: {"state": "confirmed", "system_level": suggested, "confirmed_level": confirmed, "events": 1}
        for number, suggested, confirmed, _ in issues
    }
    return Stand(pl.DataFrame(logged), {}, rows, {}, NOW)


def confirmed(number, level, suggested, reason=""):
    """An event as far as the queue looks at it."""
    codes = {"level": level, "suggested_level": suggested}
    return SimpleNamespace(
        subject=number, name="confirm", codes=codes, payload={**codes, "reason": reason}, decided_at=NOW,
        role="openness_office",
    )  # fmt: skip


def test_the_review_queue_says_why_and_puts_what_nobody_has_seen_first():
    stand = stand_of(
        ("A", "larger", "larger", True), ("B", "larger", "general", False), ("C", "major", "larger", False),
        ("D", "larger", None, True), ("E", "larger", None, False), ("F", "general", "larger", False),
    )  # fmt: skip
    events = [
        confirmed("A", "larger", "larger"),
        confirmed("B", "general", "larger", "旧帖转述"),
        confirmed("C", "larger", "larger"),
        confirmed("F", "larger", "larger"),
    ]
    queue = levels.review_queue(stand, events)
    assert [(one.issue_no, one.urgent) for one in queue] == [("C", True), ("D", True), ("F", True), ("B", False)]
    for one, word in zip(queue, ("需留意", "人工复核", "现建议", "旧帖转述"), strict=True):
        assert word in one.why
    assert queue[0].confirmed == "larger"
    assert queue[1].confirmed is None


@given(st.sampled_from(sorted(levels.LEVEL_NAMES)), st.sampled_from([*sorted(levels.LEVEL_NAMES), None]))
def test_only_a_level_of_the_scale_is_above_another(level, other):
    above = levels.is_above(level, other)
    if other is None or level not in list(SCALE):
        assert not above
    elif other in list(SCALE):
        assert above == (list(SCALE).index(level) > list(SCALE).index(other))
    else:
        assert above
    assert not (above and other is not None and levels.is_above(other, level))


def test_the_workbench_lists_the_queue_and_the_agreement(browse, home):
    import duckdb

    office = browse("office")
    assert "没有待复核的级别" in office.get("/").text
    assert office.do(FIRST, "confirm", level="general", reason=REASON, role="openness_office").status_code == 200
    with duckdb.connect(str(home.analytics_file)) as published:  # noqa: TID251 - figures of weeks that were not run
        columns = "day, week, figure, item, checked, hits, value, as_of, rule_version"
        for week, n, value in (("2026-W47", 12, 0.8149), ("2026-W46", 3, 0.5)):
            published.execute(
                f"INSERT INTO marts.quality_week ({columns}) VALUES (?, ?, 'level_kappa', 'all', ?, 2, ?, ?, 'x')",
                [DAY, week, n, value, NOW],
            )
        published.execute("UPDATE marts.daily_log SET needs_review = true WHERE issue_no = ?", [QUESTION])
    reply = office.get("/")
    text = plain(reply)
    assert "0.81（n=12）" in text
    assert "11月9日至11月15日 n=3" in text
    assert "0.50" not in text
    assert "已说明理由的 1 件" in text
    queue = reply.text.partition('id="review"')[2].partition("</section>")[0]
    assert f"/issues/{QUESTION}?do=confirm#act" in queue
    assert f"/issues/{FIRST}?do=change_level#act" in queue
    assert QUESTION not in reply.text.partition('id="new"')[2].partition("</section>")[0]
    assert active_parts(reply.text) == []
    # what is in the queue can still be passed on with one click
    token = forms_of(reply.text)[0][1]["token"]
    path = f"/issues/{QUESTION}/quick?reason=irrelevant&seen=0"
    assert "已转出" in office.client.post(path, data={"token": token, "role": "monitor"}).text
    assert "确认级别" not in browse("leader").get("/").text.partition('id="review"')[2].partition("</section>")[0]


# --- early warning ---------------------------------------------------------------------------------------------------


def test_alerts_of_today_newest_first_and_words_where_there_are_none(browse, home):
    desk = Desk.open(home)
    today = business_day(NOW)
    assert todays_alerts(desk, NOW + timedelta(days=30)) == []
    assert "今天没有预警" in browse("office").get("/").text or todays_alerts(desk, NOW)
    put(
        home, "graded.alerts", today,
        {
            "alert_id": "a", "as_of": NOW - timedelta(hours=1), "deliver_at": NOW, "kind": "level", "issue_no": FIRST,
            "level": "larger", "reason": f"由一般升为较大：{HOSTILE}",
        },
        {"alert_id": "b", "as_of": NOW + timedelta(hours=1), "kind": "burst", "reason": "还没有发生的事"},
    )  # fmt: skip
    put(
        home, "graded.alerts", today - timedelta(days=1),
        {
            "alert_id": "c", "as_of": NOW - timedelta(hours=10), "deliver_at": NOW - timedelta(hours=2), "muted": True,
            "kind": "burst", "reason": "冒充诈骗昨夜突增",
        },
        {
            "alert_id": "d", "as_of": NOW - timedelta(hours=20), "deliver_at": NOW - timedelta(hours=20),
            "kind": "burst", "reason": "昨天中午的事",
        },
    )  # fmt: skip
    found = [one for one in todays_alerts(desk, NOW) if one.at != NOW]
    reasons = [one.reason for one in found if "数据造假" not in one.reason or HOSTILE in one.reason]
    assert [reason for reason in reasons if "由一般" in reason or "昨夜" in reason] == [
        f"由一般升为较大：{HOSTILE}", "冒充诈骗昨夜突增",
    ]  # fmt: skip
    assert not any("昨天中午" in reason or "还没有发生" in reason for reason in reasons)
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
    reply = browse("office").get("/")
    assert "静默时段，11-21 06:30 发出" in reply.text
    assert active_parts(reply.text) == []


# --- what a measure rests on -----------------------------------------------------------------------------------------


def test_evidence_names_who_set_a_measure_and_links_to_the_posts(browse, home):
    office = browse("office")
    assert office.do(FIRST, "set_facts", key_category="yes", reason=REASON, role="openness_office").status_code == 200
    grade = graded(home)
    post = Desk.open(home).read("graded.issue_posts").filter(issue_no=FIRST)["post_id"][0]
    common = {name: grade[name] for name in ("issue_no", "as_of", "rule_version")} | {"setter": "rule"}
    stored = Env.open(home).lake
    for file in stored.files("graded.measure_evidence", grade["day"]):
        file.unlink()
    put(
        home, "graded.measure_evidence", grade["day"],
        {**common, "measure": "flags.alleges_fabrication", "value": "true", "post_id": post, "detail": "造:假@3"},
        {**common, "measure": "views", "value": None, "detail": "not_shown:board"},
        {
            **common, "measure": "flags.key_category", "value": "true", "setter": "person", "role": "openness_office",
            "event_id": f"{FIRST}#1", "detail": "set@2026-11-21T00:30:00Z",
        },
    )  # fmt: skip
    reply = office.get(f"/issues/{FIRST}")
    table = reply.text.partition("谁认定、从哪来")[2].partition("</table>")[0]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", table))
    assert f'href="#p{post}"' in table
    assert f'id="p{post}"' in reply.text
    assert 'href="#e1"' in table
    assert 'id="e1"' in reply.text
    assert "重点回应类别 是 人（政务公开办）" in text
    assert "阅读数 未知 规则" in text
    assert "指称数据造假 是 规则" in text
    assert "测试论坛&lt;b&gt;" in table
    assert active_parts(reply.text) == []


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (None, ""),
        ("1200@2026-11-21T00:00:00Z", "1200，见于 11-21 08:00"),
        ("set@2026-11-21T00:00:00Z", "登记于 11-21 08:00"),
        ("answered@2026-11-21T00:00:00Z", "答复于 11-21 08:00"),
        ("not_shown:a,b", "这些来源不显示：甲网、b"),
        ("source:a", "甲网"),
        ("new:3,before:2", "24小时内 3 帖，此前 2 帖"),
        ("issues:YQ-2026-0002,YQ-2026-0001", "YQ-2026-0002、YQ-2026-0001"),
        ("source_class:board", "论坛"),
        ("source_class:board..source_class:news", "论坛、新闻网"),
        ("fabrication/made_up:编@12", "fabrication/made_up:编@12"),
        ("x\u202ey", "x y"),
    ],
)
def test_details_in_words(detail, said):
    assert detail_words(detail, {"a": "甲网"}) == said


def test_measures_and_values_in_words():
    assert measure_name("flags.key_category") == "重点回应类别"
    assert measure_name("facts.leader_instruction") == "领导批示"
    assert measure_name("views") == "阅读数"
    assert measure_name("unheard_of") == "unheard_of"
    assert value_words("views", None) == "—"
    assert value_words("views", "0") == "0"
    assert value_words("geo", "county") == "县"
    assert value_words("facts", "none") == "无"
    assert value_words("emergency_level", "none") == "不是突发事件"


# --- corrections -----------------------------------------------------------------------------------------------------


def test_topic_and_stance_are_corrected_for_ticked_posts_or_all(browse, home):
    office = browse("office")
    reply = office.get(f"/issues/{FIRST}?do=label")
    (post,) = re.findall(r'<input type="checkbox" form="do" name="chosen" value="([^"]+)"', reply.text)
    action, held = next(form for form in forms_of(reply.text) if form[0].endswith(f"/issues/{FIRST}/labels"))
    assert held["whole"] == "ticked"

    def send(**values):
        return office.client.post(action, data={**held, **values})

    assert send(topic="income").status_code == 422, "nothing is ticked"
    assert send(chosen=[post]).status_code == 422, "nothing is said"
    kept = send(chosen=[post], reason="像是问收入的")
    assert re.search(rf'value="{post}"[^>]* checked', kept.text), "a refusal keeps what was ticked"
    assert "像是问收入的" in kept.text
    assert send(chosen=["f" * 16], topic="income").status_code == 404, "a post of another issue"
    assert send(chosen=[post], topic="weather").status_code == 404
    assert "已登记 1 条帖文的更正" in send(chosen=[post], topic="income", reason="说的是居民收入").text
    assert "已登记 1 条帖文的更正" in send(whole="all", stance="question").text
    labels = Desk.open(home).register.events(LABELS)
    assert [event.codes for event in labels] == [
        {"post_id": post, "topic": "income"}, {"post_id": post, "stance": "question"},
    ]  # fmt: skip
    text = plain(office.get(f"/issues/{FIRST}"))
    assert "人工判定：居民收入（监测员 11-21 08:30），咨询（监测员 11-21 08:30）" in text
    assert "/labels" not in browse("leader").get(f"/issues/{FIRST}?do=label").text


def test_posts_to_split_are_ticked(browse, home):
    office = browse("office")
    page = office.get(f"/issues/{FIRST}?do=split").text
    assert page.index('id="posts"') < page.index('id="why"'), "the posts come first where they are ticked"
    (post,) = re.findall(r'<input type="checkbox" form="do" name="chosen" value="([^"]+)"', page)
    assert 'name="posts"' not in page
    assert 'type="checkbox" form="do"' not in office.get(f"/issues/{FIRST}?do=confirm").text
    refused = office.do(FIRST, "split", role="openness_office")
    assert refused.status_code == 422
    assert "未填分出的帖文" in refused.text
    done = office.do(FIRST, "split", role="openness_office", chosen=[post], parent=QUESTION)
    assert done.status_code == 200
    assert "分出的帖文：1 条" in plain(done)
    with Env.open(home).register() as register:
        assert register.events(FIRST)[0].codes == {"posts": [post], "parent": QUESTION}


def test_the_board_shows_nothing_where_levels_over_time_were_not_computed(root, tmp_path):
    from caifeng.core.settings import Settings

    found = board(Desk.open(Settings(home=tmp_path, config=root / "config", as_of=NOW)))
    assert (found.review, found.agreement, found.alerts) == ((), (), [])
    assert [one.hours for one in found.latencies] == [None, None, None]
