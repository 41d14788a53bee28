"""Blocks beside the work: answers found, their effect, messages that reached nobody, publications owed."""

from datetime import date, datetime, timedelta

import duckdb

from caifeng.cases.model import Actor
from caifeng.cases.service import Step
from caifeng.core.clock import SHANGHAI, business_day
from caifeng.core.model.notify import OUTBOX_STATE_NAMES, RetryRules
from caifeng.jobs.answers import effect_of
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_steps
from caifeng.notify.channels import Outcome
from caifeng.notify.message import Message
from caifeng.notify.outbox import Notice, Outbox
from tests.dags.desk_home import DAY, NOW
from tests.dags.test_levels_page import put
from tests.dags.test_plugin import (
    FIRST,
    QUESTION,
    RELEASE_CHECKED,
    active_parts,
    asked,
    browse,
    forms_of,
    home,
    pristine,
    send_to_review,
    web,
)

__all__ = ["asked", "browse", "home", "pristine", "web"]
PAGE = "https://tjj.example.gov.cn/answers/1.html"
UNREAD = "暂时读不到"
FOUND = {
    "issue_no": FIRST,
    "post_id": "a1b2c3",
    "kind": "portal_article",
    "form": "openness_platform",
    "source_name": "县统计局公开栏",
    "url": PAGE,
    "title": "关于居民收入数据来源的说明<script>alert(9)</script>",
    "published_at": datetime(2026, 11, 21, 8, 15, tzinfo=SHANGHAI),
    "why": "标题有“说明”；同属居民收入",
}


def block(page, name):
    """The section with this id; empty: there is none."""
    return page.partition(f'id="{name}"')[2].partition("</section>")[0]


def ready_to_publish(browse):
    """The first case up to where its final answer may be registered."""
    send_to_review(browse)
    leader = browse("leader")
    assert leader.do(FIRST, "approve", text="同意").status_code == 200
    assert leader.do(FIRST, "check_release", **RELEASE_CHECKED).status_code == 200


# --- an issue --------------------------------------------------------------------------------------------------------


def test_what_may_be_the_answer_is_shown_and_registers_nothing(browse, home):
    put(home, "graded.answer_proposals", business_day(NOW), FOUND)
    office = browse("office")
    text = office.get(f"/issues/{FIRST}?do=publish&answer=a1b2c3").text
    shown = block(text, "answers")
    assert "关于居民收入数据来源的说明&lt;script&gt;" in shown
    assert active_parts(text) == []
    for words in (f'href="{PAGE}"', "11-21 08:15 发布", "标题有“说明”；同属居民收入", "政府信息公开平台"):
        assert words in shown, words
    assert "现在还不能登记：事项现为“待确认”" in shown
    assert "answer=" not in shown
    assert block(office.get(f"/issues/{QUESTION}").text, "answers") == ""
    with Env.open(home).register() as register:
        assert register.events() == ()


def test_it_fills_in_the_form_of_the_final_answer_once_that_is_open(browse, home, asked):
    unstated = FOUND | {"post_id": "d4", "title": "无日期的答复", "url": f"{PAGE}?2", "published_at": None}
    put(home, "graded.answer_proposals", business_day(NOW), FOUND, unstated)
    ready_to_publish(browse)
    office = browse("office")
    shown = block(office.get(f"/issues/{FIRST}").text, "answers")
    assert f"/issues/{FIRST}?do=publish&amp;answer=a1b2c3#act" in shown
    assert "页面未载明发布时间" in shown
    ((action, values), *_) = forms_of(office.get(f"/issues/{FIRST}?do=publish&answer=a1b2c3").text)
    assert (values["event"], values["kind"]) == ("publish", "final")
    assert (values["url"], values["form"]) == (PAGE, "openness_platform")
    assert values["published_at"] == "2026-11-21T08:15"
    assert forms_of(office.get(f"/issues/{FIRST}?do=publish&answer=d4").text)[0][1]["published_at"] == ""
    assert forms_of(office.get(f"/issues/{FIRST}?do=publish&answer=nobody").text)[0][1]["url"] == ""
    early = office.client.post(action, data=values)
    assert early.status_code == 422, "published before it was approved: the guard of the form still holds"
    assert office.client.post(action, data={**values, "published_at": ""}).status_code == 200
    assert block(office.get(f"/issues/{FIRST}").text, "answers") == "", "registered: proposed no more"


def test_who_may_not_publish_gets_no_link(browse, home, asked):
    put(home, "graded.answer_proposals", business_day(NOW), FOUND)
    ready_to_publish(browse)
    shown = block(browse("analyst").get(f"/issues/{FIRST}").text, "answers")
    assert "您的角色不能登记发布" in shown
    assert "answer=" not in shown


def measured(home, **values):
    """Publish a row of marts.response_effect."""
    contract = Env.open(home).contracts["marts.response_effect"]
    kinds = {"string": "x", "timestamp": NOW, "int64": 0, "boolean": False, "float64": 0.0}
    row = {c.name: None if c.null_means else (c.values or (kinds[c.type],))[0] for c in contract.columns}
    row |= {"day": DAY, "issue_no": FIRST, "kind": "final", "least_voices": 5} | values
    columns = ", ".join(row)
    with duckdb.connect(str(home.analytics_file)) as published:  # noqa: TID251 - as if the daily run had published it
        published.execute(
            f"INSERT INTO marts.response_effect ({columns}) VALUES ({', '.join('?' * len(row))})",
            [*row.values()],
        )


def test_the_effect_stands_beside_its_numbers_and_its_caution(browse, home):
    office = browse("office")
    assert block(office.get(f"/issues/{FIRST}").text, "effect") == "", "not answered yet"
    measured(
        home, window_complete=True, volume_drop=0.75, voices_before=12, voices_after=6, negative_change=-12.5,
        judged_before=8, judged_after=7, voices_later=9, questions_new=0, second_wave=False, peak_before=4,
    )  # fmt: skip
    shown = block(office.get(f"/issues/{FIRST}").text, "effect")
    for words in (
        "75%",
        "前 24 小时 n=12，后 24 至 72 小时两天共 n=6",
        "−12.5 个百分点",
        "前 n=8，后 n=7",
        "n=9，其中引用 —",
    ):
        assert words in shown, words
    assert '<td>引用率</td><td class="num">—</td>' in shown
    assert '<td>新增提问</td><td class="num">0</td>' in shown
    assert '<td>二次舆情</td><td class="num">无</td>' in shown
    assert "时间上的关联，不证明因果" in shown
    assert effect_of(Env.open(home), FIRST)["caution"] == "时间上的关联，不证明因果"


def test_an_open_window_makes_no_figures(browse, home):
    measured(home, window_complete=False, voices_before=12, voices_after=2)
    shown = block(browse("office").get(f"/issues/{FIRST}").text, "effect")
    assert "未结束" in shown
    assert shown.count('<td class="num">—</td>') == 4


# --- the 工作台 ------------------------------------------------------------------------------------------------------


def notice(number, issue_no=FIRST, roles=("openness_office",)):
    subject = f"【橙】重大｜首次回应已超期 {number}"
    return Notice(f"duty/{number}", "duty", issue_no, "major", "respond/overdue", roles, Message(subject, subject), NOW)


def test_messages_that_reached_nobody_wait_for_a_person(browse, home):
    office = browse("office")
    assert "没有需要人工处理的消息" in block(office.get("/").text, "unsent")
    with Env.open(home).register() as register:
        outbox = Outbox(register.engine)
        for number in range(10):
            assert outbox.enqueue(notice(number), "", NOW + timedelta(minutes=number))
        for number, outcome in ((20, Outcome("failed", "HTTP 500")), (21, Outcome("unclear", "没有答复"))):
            outbox.enqueue(notice(number, roles=("deputy",)), "wecom", NOW + timedelta(hours=1, minutes=number))
            row = outbox.claim("wecom", NOW + timedelta(hours=3), 20)
            outbox.note(row, outcome, NOW + timedelta(hours=3), RetryRules(attempts=1))
        outbox.enqueue(notice(30), "wecom", NOW + timedelta(hours=2))
    shown = block(office.get("/").text, "unsent")
    lines = shown.split("<li>")[1:]
    assert len(lines) == 8
    for line, state in zip(lines, ("unclear", "given_up", *["no_channel"] * 6), strict=True):
        assert OUTBOX_STATE_NAMES[state] in line
        assert f"/issues/{FIRST}" in line
    assert "HTTP 500" in lines[1]
    assert "分管领导" in lines[1]
    assert "已超期 9" in lines[2], "the newest first"
    assert "已超期 30" not in shown, "what still waits for its turn needs nobody"


def test_of_a_matter_that_is_done_nobody_needs_to_be_told(browse, home):
    with Env.open(home).register() as register:
        Outbox(register.engine).enqueue(notice(1, QUESTION), "", NOW)
    office = browse("office")
    assert QUESTION in block(office.get("/").text, "unsent")
    assert office.do(QUESTION, "out_of_scope", scope_reason="irrelevant", role="openness_office").status_code == 200
    assert "没有需要人工处理的消息" in block(office.get("/").text, "unsent")


def publication(position, state, **values):
    name = {"item": f"item-{position}", "period": "2026-10", "name": f"第{position}项", "period_name": "2026年10月"}
    return {
        **name,
        "unit": "enforcement",
        "state": state,
        "position": position,
        "as_of": NOW - timedelta(hours=1),
    } | values


def test_what_is_owed_to_the_public_is_listed_the_most_urgent_first(browse, home):
    today = business_day(NOW)
    put(
        home, "ops.publications", today,
        publication(2, "due_soon", due_on=today),
        publication(1, "overdue", due_on=date(2026, 11, 16), note="发布日程为预告", page="https://tjj.example.gov.cn/list"),
        publication(3, "unknown_start", note="请登记批复日期"),
        publication(4, "published", due_on=today, source="crawled", url="javascript:alert(1)", found_on=today),
        publication(5, "not_due", due_on=date(2026, 12, 16)),
        publication(6, "published", due_on=today, source="person", published_on=today),
    )  # fmt: skip
    office = browse("office")
    shown = block(office.get("/").text, "owed")
    lines = shown.split("<li>")[1:]
    assert [f"第{n}项 2026年10月" in line for n, line in enumerate(lines, start=1)] == [True] * 4
    for line, words in zip(lines, ("超期 5 天", "今天到期", "起算日待登记", "采集发现，待确认"), strict=True):
        assert words in line
    assert "至迟 11月16日；发布日程为预告" in lines[0]
    assert 'href="https://tjj.example.gov.cn/list"' in lines[0]
    assert "javascript:" not in shown
    assert "docs/publications.md" in shown


def test_a_word_said_since_the_list_was_made_is_told(browse, home):
    put(home, "ops.publications", business_day(NOW), publication(1, "unknown_start"), publication(2, "unknown_start"))
    step = Step("publication_started", {"item": "item-1", "period": "2026-10", "started_on": "2026-11-18"})
    act_steps(Env.open(home), None, [step], Actor("openness_office", "office"))
    first, second = block(browse("office").get("/").text, "owed").split("<li>")[1:]
    assert "11-21 08:30 有新登记，下次整理后更新" in first
    assert "起算日待登记" in second


def test_days_are_counted_as_of_today_whatever_the_list_says(browse, home):
    put(home, "ops.publications", DAY + timedelta(days=1), *(publication(n, "due_soon", due_on=DAY) for n in range(10)))
    shown = block(browse("office").get("/").text, "owed")
    assert shown.count("超期 1 天") == 8
    assert "另有 2 项未列出" in shown


def test_a_block_that_cannot_be_read_leaves_the_page_alone(browse, home):
    env, office, swept = Env.open(home), browse("office"), 0
    office.get("/")
    for table in ("ops.publications", "graded.answer_proposals"):
        file = env.lake.directory(table, business_day(NOW)) / "data.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"torn")
    with duckdb.connect(str(home.analytics_file)) as published:  # noqa: TID251 - a copy from before there was the table
        published.execute("DROP TABLE marts.response_effect")
    with env.register() as register, register.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE outbox")
    for path, names in (("/", ("unsent", "owed")), (f"/issues/{FIRST}", ("answers", "effect"))):
        reply = office.get(path)
        assert reply.status_code == 200, path
        for name in names:
            assert UNREAD in block(reply.text, name), name
            swept += 1
    assert swept == 4
    assert office.do(FIRST, "confirm", role="openness_office").status_code == 200
