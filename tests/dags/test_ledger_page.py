"""The ledger with its search, the escalation list, and both as files."""

import re
from io import BytesIO
from zipfile import ZipFile

import pytest

from tests.dags.test_plugin import FIRST, active_parts, asked, browse, home, pristine, web

__all__ = ["asked", "browse", "home", "pristine", "web"]


def numbers(text):
    return set(re.findall(r"<td>(YQ-2026-\d{4})</td>", text))


def title_of(text, number):
    found = re.search(rf'/issues/{number}">([^<]+)</a>', text)
    assert found, f"{number} is not on the page"
    return found[1]


def test_every_issue_is_found_by_its_number_and_by_words_of_its_title(browse):
    office = browse("office")
    everything = office.get("/issues?all=1").text
    known = numbers(everything)
    assert len(known) > 2
    swept = 0
    for number in known:
        assert numbers(office.get(f"/issues?all=1&q={number}").text) == {number}
        title = re.sub(r"[&<>\"'].*", "", title_of(everything, number))
        if len(title) > 5:
            assert number in numbers(office.client.get("/issues", params={"all": 1, "q": title[:8]}).text), title
            swept += 1
    assert swept >= 2


def test_a_search_reads_posts_and_needs_every_word(browse):
    office = browse("office")
    whole = numbers(office.get("/issues?all=1").text)

    def found(words):
        return numbers(office.client.get("/issues", params={"all": 1, "q": words}).text)

    assert found("统计")
    assert found("统计") <= whole
    assert found("统 计") == found("统計")  # apart, traditional: as posts are read
    assert found(f"{FIRST} 绝无此词") == set()
    assert found(FIRST.lower()) == {FIRST}
    assert "没有符合条件的事项" in office.get("/issues?all=1&q=绝无此词").text


@pytest.mark.parametrize("words", ['"><script>alert(1)</script>', "%' OR 1=1 --", ".*", "((", "\\", "x" * 5000, "\x00"])
def test_hostile_words_are_words(browse, words):
    reply = browse("office").client.get("/issues", params={"q": words})
    assert reply.status_code == 200
    assert active_parts(reply.text) == []
    assert numbers(reply.text) == set()


def test_what_is_chosen_narrows_and_stays_chosen(browse):
    office = browse("office")
    levels = {"extreme", "major", "larger", "general", "log_only", "context", "refer_out"}
    parts = {level: numbers(office.get(f"/issues?all=1&level={level}").text) for level in levels}
    assert set().union(*parts.values()) == numbers(office.get("/issues?all=1").text)
    assert sum(map(len, parts.values())) == len(set().union(*parts.values()))
    chosen = next(level for level in levels if parts[level])
    assert f'<option value="{chosen}" selected>' in office.get(f"/issues?all=1&level={chosen}").text
    assert numbers(office.get("/issues?level=nonsense").text) == set()


def test_pages_hold_every_case_once(browse, monkeypatch):
    from caifeng.jobs.workbench import ledger

    monkeypatch.setattr(ledger, "PAGE_LINES", 1)
    office = browse("office")
    first = office.get("/issues?all=1")
    last = int(re.search(r"第 1 / (\d+) 页", first.text)[1])
    seen = [numbers(office.get(f"/issues?all=1&page={page}").text) for page in range(1, last + 1)]
    assert [len(found) for found in seen] == [1] * last
    assert len(set().union(*seen)) == last > 2
    assert numbers(office.get("/issues?all=1&page=99").text) == seen[-1]
    assert numbers(office.get("/issues?all=1&page=-3").text) == seen[0]


def test_the_list_names_who_must_act_and_can_be_taken_along(browse, home):
    office = browse("office")
    page = office.get("/escalations").text
    assert f"/issues/{FIRST}" in page
    assert "<th>下一步</th><th>时限</th>" in page
    assert active_parts(page) == []
    link = re.search(r'href="(/files/[^"]+清单\.xlsx)" download', page)[1]
    reply = office.get(link)
    assert reply.headers["content-disposition"].startswith("attachment")
    assert "xl/workbook.xml" in ZipFile(BytesIO(reply.content)).namelist()


def test_the_ledger_of_a_quarter_comes_as_a_file(browse):
    office = browse("office")
    links = re.findall(r'href="(/ledger/[^"]+\.xlsx)" download', office.get("/issues").text)
    assert links == ["/ledger/2026Q4.xlsx"]
    reply = office.get(links[0])
    assert reply.status_code == 200
    assert reply.headers["content-disposition"].startswith("attachment")
    assert "xl/workbook.xml" in ZipFile(BytesIO(reply.content)).namelist()
    assert office.get("/ledger/2031Q1.xlsx").status_code != 200
    assert office.get("/ledger/..%2f..%2fregister.xlsx").status_code == 404


def test_before_the_first_day_pages_say_so(web, browse, home):
    home.analytics_file.unlink()
    office = browse("office")
    assert "还没有清单" in office.get("/escalations").text
    assert "没有未办结的事项" in office.get("/issues").text
