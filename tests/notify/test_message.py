"""What a message says: level, title, deadline, link; and nothing else, whatever stands in a title."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.core.text.scrub import find_pii
from caifeng.notify.message import Message, deadline_words, level_mark, message_of, plain_title
from tests.notify.desk import NOW, ONE

DUE = datetime(2026, 11, 20, 10, tzinfo=UTC)
LINK = "http://caifeng.example/caifeng"


def message(title: str = "某镇收入数据疑问", **values) -> Message:
    given = {
        "level": "major", "news": "首次回应即将到期", "title": title, "issue_no": ONE, "duty": "首次回应",
        "due_at": DUE, "at": NOW, "base_link": LINK,
    }  # fmt: skip
    return message_of(**{**given, **values})


def test_a_message_in_full():
    assert message().subject == "【橙】重大｜首次回应即将到期：某镇收入数据疑问"
    assert message().text.splitlines() == [
        "【橙】重大｜首次回应即将到期",
        "事项：某镇收入数据疑问（YQ-2026-0001）",
        "时限：首次回应 2026-11-20 18:00（北京时间），剩 3.5 小时（按 11-20 14:30 计）",
        "查看：http://caifeng.example/caifeng/issues/YQ-2026-0001",
    ]


def test_without_an_issue_it_leads_to_the_first_page():
    found = message(level=None, issue_no=None, duty=None, due_at=None, title="居民收入", news="声量突增")
    assert found.text.splitlines() == [
        "【预警】声量突增",
        "事项：居民收入",
        "时限：暂无",
        "查看：http://caifeng.example/caifeng/",
    ]


def test_every_level_has_word_and_mark():
    marks = [level_mark(level) for level in LEVEL_NAMES]
    assert len(set(marks)) == len(LEVEL_NAMES) == 7
    assert marks[:2] == ["【红】特别重大", "【橙】重大"]
    assert "【○】仅记" in marks


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=3, minutes=59), "剩 3.9 小时"),
        (timedelta(minutes=59, seconds=59), "剩 59 分钟"),
        (timedelta(0), "剩 0 分钟"),
        (-timedelta(minutes=1), "已超 1 分钟"),
        (-timedelta(hours=26), "已超 26.0 小时"),
    ],
)
def test_never_more_is_left_than_there_is(left, words):
    assert f"，{words}（按 11-20 14:30 计）" in deadline_words("核查", NOW + left, NOW)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("数据不实\r\nBcc: x\u202e倒", "数据不实 Bcc: x 倒"),
        ("点 https://bad.example/a?b=1 领取补贴", "点 〔链接〕 领取补贴"),
        ("请看www.bad.example，有内情", "请看〔链接〕，有内情"),
        ('<at user_id="all">所有人</at> 数据', '＜at user_id="all"＞所有人＜/at＞ 数据'),
        ("[点这里](x) **急**", "［点这里］(x) ＊＊急＊＊"),
        ("电话13800001234反映收入", "电话〔手机号〕反映收入"),
        ("来信a.b@example.com问收入", "来信〔邮箱〕问收入"),
        ("收" * 61, "收" * 59 + "…"),
        ("收" * 60, "收" * 60),
    ],
)
def test_a_title_can_be_no_header_no_link_no_mention_and_no_personal_data(title, shown):
    assert plain_title(title) == shown


@given(st.text(max_size=300))
def test_any_title_stays_one_short_line(title):
    found = message(title)
    shown = plain_title(title)
    assert len(shown) <= 60
    assert find_pii(shown) == []
    assert not set(shown) & set("<>@[]`*\r\n\u202e\u2028")
    assert len(found.text.split("\n")) == 4
    assert "\n" not in found.subject
    assert len(found.subject) < 200
