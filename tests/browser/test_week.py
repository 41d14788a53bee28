"""A week of two people in a real browser: what every issue took in clicks, from the 工作台 on (docs/clicks.md)."""

import os
import re
import shutil
from collections import defaultdict
from contextlib import contextmanager

import pytest

from caifeng.cases.service import cases_of, chain_faults
from caifeng.jobs.base import Env
from tests.browser.chromium import chromium
from tests.browser.site import pages_of
from tests.browser.week_home import WEDNESDAY, add_day, make_week
from tests.dags.test_plugin import RELEASE_CHECKED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium (apt install chromium)"),
]
ON_PAPER = ("YQ-2026-0001", "YQ-2026-0002", "YQ-2026-0003")
AT_ONCE = "YQ-2026-0005"
ON_PAGES = ("YQ-2026-0006", "YQ-2026-0007")
SERIOUS = ("YQ-2026-0004", "YQ-2026-0008")
WAYS = {
    "一般，纸质报审单（三件一批）": ON_PAPER,
    "一般，纸质报审单（单件，当场登记）": (AT_ONCE,),
    "一般，两人在页面办理（两件一批）": ON_PAGES,
    "较大且敏感，两人在页面办理": SERIOUS,
}
NAMES = ["confirm", "assign", "verify", "draft", "submit", "approve", "check_release", "publish", "close"]


class Week:
    """Two people before one browser: who clicked for which issues, and what was filled in."""

    def __init__(self, page, base, folder, monkeypatch):
        self.page, self.base, self.monkeypatch = page, base, monkeypatch
        self.scan = folder / "scan.pdf"
        self.scan.write_bytes(b"%PDF signed")
        self.clicks, self.filled = defaultdict(float), defaultdict(float)
        self.person = ""

    def at(self, moment, person):
        """The clock moves on; somebody opens the 工作台."""
        self.monkeypatch.setenv("CAIFENG_AS_OF", f"2026-11-{moment}:00+08:00")
        self.person = person
        self.page.sign_in(self.base, person)
        self.page.open(f"{self.base}/")

    @contextmanager
    def counted(self, *issues):
        """What is done inside is shared by these issues."""
        clicks, filled = len(self.page.clicks), len(self.page.filled)
        yield
        for issue in issues:
            self.clicks[issue, self.person] += (len(self.page.clicks) - clicks) / len(issues)
            self.filled[issue, self.person] += (len(self.page.filled) - filled) / len(issues)

    def row(self, issue):
        """The line of an issue on the 工作台, marked so that it can be clicked in."""
        found = self.page.run(f"""(() => {{ document.querySelectorAll("[data-row]").forEach(e => delete e.dataset.row);
            const rows = [...document.querySelectorAll("ul.todo li, table.new tr")];
            const e = rows.find(e => e.innerText.includes({issue!r})); if (e) e.dataset.row = "here";
            return !!e; }})()""")
        assert found, f"{issue} is not on the 工作台: {self.page.text()[:1500]}"
        return "[data-row=here]"

    def fill(self, values):
        for name, value in values.items():
            self.page.fill(f"#act [name={name}]", value)

    def send(self, said="已登记", then=False):
        self.page.click("#act button[name=then]" if then else "#act button.primary")
        assert said in self.page.text(), self.page.text()[:1200]

    def paper(self, day):
        self.fill({"behalf_role": "deputy", "behalf_at": f"2026-11-{day}T09:00"})
        self.page.attach("#act input[name=behalf_scan]", self.scan)


FOUND_OUT = {"outcome": "opinion_or_suggestion", "basis": "查阅统计制度和公开资料", "text": "您好，有关情况答复如下。"}
SHOWN = {"form": "board_reply", "url": "https://www.example.gov.cn/letters/1"}
#: What each single form of a serious issue asks beyond what is filled in beforehand.
ASKED = {
    "report_inside": {"report_to": "deputy"},
    "report_up": {"recipient": "county_openness", "medium": "system"},
    "verify": {"outcome": "false", "basis": "核对调查台账和入户记录"},
    "consult": {"invitees": "publicity", "consult_medium": "phone"},
    "consult_result": {"invitee": "publicity", "consult_medium": "phone", "opinion": "同意尽快公开说明"},
    "conclude": {"text": "经核查，网传内容不实，现将情况说明如下。"},
    "approve_release": {"text": "同意", **RELEASE_CHECKED},
}


def until_watched(week, issue, day):
    """One serious issue, by whatever the 工作台 proposes next, until it is answered and only watched."""
    events = []
    for minute in range(1, 20):
        for person in ("office", "leader"):
            week.at(f"{day}:{minute:02}", person)
            row = week.row(issue)
            if "跟踪至" in week.page.run(f"document.querySelector({row!r}).innerText"):
                return events
            link = f"document.querySelector({row + ' .acts a.primary'!r})"
            event = re.search(r"do=(\w+)", week.page.run(f"{link} ? {link}.href : ''") or "")
            event = event[1] if event else ""
            if person == ("leader" if event in ("approve", "approve_release") else "office"):
                break
        events.append(event)
        with week.counted(issue):
            if event == "publish":
                for name, value in SHOWN.items():
                    week.page.fill(f"{row} [name='{name}.{issue}']", value)
                week.page.click_label(row, "登记链接")
                assert "已登记" in week.page.text()
            else:
                week.page.click(f"{row} .acts a.primary")
                week.fill(ASKED[event])
                week.send("已报审" if event == "conclude" else "已登记")
    raise AssertionError(events)


def play(week, settings, folder):
    """Monday to Friday, and the Monday on which the last issue is closed."""
    page = week.page
    # Monday: agree to three questions in one go; a serious matter is taken on by itself
    week.at("16T08:30", "office")
    with week.counted(*ON_PAPER):
        page.click("#new h2 button")
        assert "已确认 3 件" in page.text(), page.text()[:800]
    proposed = {SERIOUS[0]: until_taken_on(week, SERIOUS[0])}
    proposed[SERIOUS[0]] += until_watched(week, SERIOUS[0], "16T10")
    # Tuesday: the papers came back signed
    week.at("17T10:00", "office")
    with week.counted(*ON_PAPER):
        page.click_label(week.row(ON_PAPER[0]), "登记答复")
        for number in range(len(ON_PAPER)):
            assert page.run("document.querySelector('#act h2').innerText") == "登记答复"
            week.fill(FOUND_OUT | RELEASE_CHECKED | SHOWN)
            week.paper(17)
            week.send(then=number < len(ON_PAPER) - 1)
    # Wednesday: one question is answered on the spot, two are taken on, and a second serious matter
    add_day(settings, WEDNESDAY, folder)
    week.at("18T09:30", "office")
    with week.counted(AT_ONCE):
        page.click_label(week.row(AT_ONCE), "登记答复")
        week.fill(FOUND_OUT | RELEASE_CHECKED | SHOWN)
        week.paper(18)
        week.send()
    week.at("18T09:40", "office")
    with week.counted(*ON_PAGES):
        page.click("#new h2 button")
        assert "已确认 2 件" in page.text(), page.text()[:800]
    proposed[SERIOUS[1]] = until_taken_on(week, SERIOUS[1])
    proposed[SERIOUS[1]] += until_watched(week, SERIOUS[1], "18T10")
    # Thursday: without paper, two people
    week.at("19T09:00", "office")
    with week.counted(*ON_PAGES):
        page.click_label(week.row(ON_PAGES[0]), "登记结论并报审")
        for number in range(len(ON_PAGES)):
            week.fill(FOUND_OUT)
            week.send("已报审", then=number < len(ON_PAGES) - 1)
    week.at("19T10:00", "leader")
    with week.counted(*ON_PAGES):
        page.click_label(week.row(ON_PAGES[0]), "批准并发布审查")
        for number in range(len(ON_PAGES)):
            week.fill({"text": "同意"} | RELEASE_CHECKED)
            week.send(then=number < len(ON_PAGES) - 1)
    week.at("19T11:00", "office")
    with week.counted(*ON_PAGES):
        for issue in ON_PAGES:
            for name, value in SHOWN.items():
                page.fill(f"{week.row(issue)} [name='{name}.{issue}']", value)
        page.click_label(week.row(ON_PAGES[0]), "登记链接")
        assert "已登记 2 件" in page.text()
    # Friday, the weekend duty, and Monday: what was watched long enough
    watched = ("20T10:30", (*ON_PAPER, SERIOUS[0])), ("21T09:45", (AT_ONCE,)), ("23T08:30", (*ON_PAGES, SERIOUS[1]))
    for moment, issues in watched:
        week.at(moment, "office")
        with week.counted(*issues):
            page.click("#close h2 button")
            assert f"已办结 {len(issues)} 件" in page.text(), page.text()[:800]
    return proposed


def until_taken_on(week, issue):
    """The level of a serious issue is looked at, confirmed and given to a unit."""
    with week.counted(issue):
        week.page.click_label(week.row(issue), "确认并交办")
        week.send()
    return ["take_on"]


def table(week):
    """The counted clicks as docs/clicks.md shows them."""
    lines = ["| 办法 | 件 | 政务公开办点击/件 | 领导点击/件 | 填写、选择、上传/件 |", "|---|---:|---:|---:|---:|"]
    for name, issues in WAYS.items():
        office, leader = (sum(week.clicks[i, who] for i in issues) / len(issues) for who in ("office", "leader"))
        filled = sum(week.filled[i, who] for i in issues for who in ("office", "leader")) / len(issues)
        lines.append(f"| {name} | {len(issues)} | {office:.2f} | {leader:.2f} | {filled:.1f} |")
    return "\n".join(lines)


def test_a_week_of_two_people_by_clicks(root, tmp_path, monkeypatch):
    settings = make_week(root, tmp_path)
    opened = pages_of(settings, root, monkeypatch, "2026-11-16T08:30:00+08:00")
    with opened as (base, asked), chromium(tmp_path / "profile") as page:
        week = Week(page, base, tmp_path, monkeypatch)
        proposed = play(week, settings, tmp_path)
        assert page.errors == []
    with Env.open(settings).register() as register:
        events = register.events()
        cases = cases_of(events)
        assert chain_faults(events) == []
        names = {number: [event.name for event in register.events(number)] for number in cases}
    assert {number: case.state for number, case in cases.items()} == dict.fromkeys(
        (*ON_PAPER, AT_ONCE, *ON_PAGES, *SERIOUS), "closed"
    )
    for number in (*ON_PAPER, AT_ONCE, *ON_PAGES):
        assert names[number] == NAMES, number
    for number in SERIOUS:
        assert set(NAMES) | {"consult", "consult_result"} <= set(names[number]), number
        assert {"take_on", "consult", "consult_result", "conclude", "approve_release", "publish"} <= set(
            proposed[number]
        ), "the 工作台 proposes each of them when its time has come"
    assert len([one for one in asked if not isinstance(one, tuple)]) == len(ON_PAGES) + len(SERIOUS)
    for number in (*ON_PAPER, AT_ONCE):
        signed = [e for e in events if e.subject == number and e.name in ("approve", "check_release")]
        assert [e.on_behalf is not None and e.on_behalf.scan_hash is not None for e in signed] == [True, True]
    ordinary = [*ON_PAPER, AT_ONCE, *ON_PAGES]
    assert max(week.clicks[number, "office"] for number in ordinary) <= 3
    shown = root / "docs" / "clicks.md"
    text = shown.read_text("utf8")
    head, _, rest = text.partition("<!-- counted -->\n")
    counted, _, tail = rest.partition("\n<!-- /counted -->")
    if os.environ.get("CAIFENG_UPDATE_GOLDEN"):
        shown.write_text(f"{head}<!-- counted -->\n{table(week)}\n<!-- /counted -->{tail}", "utf8")
    else:
        assert counted == table(week), "run again with CAIFENG_UPDATE_GOLDEN=1 if the pages changed on purpose"
