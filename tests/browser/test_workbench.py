"""An issue from found to closed by clicks in a real browser; nothing on the pages runs, whatever was scraped."""

import shutil

import pytest

from tests.browser.chromium import chromium
from tests.browser.site import pages_of
from tests.dags.desk_home import DAY, make_home
from tests.dags.test_plugin import RELEASE_CHECKED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium (apt install chromium)"),
]
FIRST = "YQ-2026-0001"


@pytest.fixture
def site(root, tmp_path, monkeypatch):
    """The pages of the one-day home."""
    settings = make_home(root, tmp_path)
    with pages_of(settings, root, monkeypatch, "2026-11-21T08:30:00+08:00") as (base, asked):
        yield base, settings, asked


def test_from_found_to_closed_by_clicks(site, tmp_path):
    from caifeng.jobs.base import Env

    base, settings, asked = site
    send = "#act button.primary"

    def go(label):
        """From the 工作台 to the case and the form of this label, as a person does."""
        page.open(f"{base}/")
        page.click(f"a[href='/caifeng/issues/{FIRST}']")
        if page.run("document.querySelector('#act h2').innerText") != label:
            page.click_label(".others", label)
        assert page.run("document.querySelector('#act h2').innerText") == label

    def sent():
        page.click(send)
        assert "已登记" in page.text() or "已报审" in page.text(), page.text()[:800]

    def consult():
        go("发起会商")
        page.run("document.querySelector('#act [name=invitees]').value = 'publicity'")
        page.fill("#act select[name=consult_medium]", "phone")
        sent()
        go("登记会商意见")
        page.fill("#act select[name=invitee]", "publicity")
        page.fill("#act select[name=consult_medium]", "phone")
        page.fill("#act [name=opinion]", "同意口径")
        sent()

    with chromium(tmp_path / "profile") as page:
        page.sign_in(base, "office")
        page.open(f"{base}/")
        assert page.run("document.title") == "工作台"
        assert page.run("document.querySelectorAll('script, img, iframe').length") == 0
        assert page.run("document.querySelector('.lv').textContent") == "◆ 较大 Ⅲ"
        page.click(f"a[href='/caifeng/issues/{FIRST}']")
        assert "<script>alert(1)</script>" in page.text()
        assert page.run("document.querySelector('#act h2').innerText") == "确认并交办"
        sent()  # the suggested level and unit are filled in
        go("登记核查")
        page.fill("#act select[name=outcome]", "false")
        page.fill("#act textarea[name=basis]", "核对台账与调查记录")
        sent()
        consult()
        go("登记结论并报审")
        page.fill("#act textarea[name=text]", "经核查，网传内容不实。")
        sent()
        page.sign_in(base, "leader")
        go("批准并发布审查")
        for name, code in RELEASE_CHECKED.items():
            page.fill(f"#act select[name={name}]", code)
        sent()
        page.sign_in(base, "office")
        go("登记发布")
        page.fill("#act select[name=form]", "portal_notice")
        page.fill("#act input[name=url]", "https://www.example.gov.cn/1")
        sent()
        go("办结")
        sent()
        assert "办结" in page.text()
        page.open(f"{base}/logs")
        page.click(f"#d{DAY} form button")
        assert "已签发" in page.text()
        assert page.errors == []
    with Env.open(settings).register() as register:
        names = [event.name for event in register.events(FIRST)]
    assert names == [
        "confirm", "assign", "verify", "consult", "consult_result", "draft", "submit", "approve", "check_release",
        "publish", "close",
    ]  # fmt: skip
    assert len(asked) == 2


def test_facts_corrections_and_a_split_by_clicks(site, tmp_path):
    from caifeng.cases.model import LABELS
    from caifeng.jobs.base import Env

    base, settings, _ = site
    send, reason = "#act button.primary", "分管领导在快报上批示尽快核实"
    with chromium(tmp_path / "profile") as page:
        page.sign_in(base, "office")
        page.open(f"{base}/issues/{FIRST}")
        place = page.run("[...document.querySelectorAll('.others a')].findIndex(a => a.innerText === '登记事实')")
        page.click(f".others a:nth-child({place + 1})")
        page.fill("#act select[name=leader_instruction]", "yes")
        page.fill("#act textarea[name=reason]", reason)
        page.click(send)
        assert "已登记" in page.text()
        assert "领导批示" in page.text()
        page.open(f"{base}/issues/{FIRST}?do=label")
        # every field of the form has a label, every box a name: what a screen reader says
        unnamed = "e => e.type !== 'hidden' && !e.labels.length && !e.ariaLabel"
        assert page.run(f"[...document.querySelectorAll('main input, main select')].filter({unnamed}).length") == 0
        page.run("document.querySelector('#posts input[name=chosen]').focus()")
        page.press(" ")
        assert page.run("document.querySelectorAll('#posts input[name=chosen]:checked').length") == 1
        page.fill("#act select[name=topic]", "income")
        page.click(send)
        assert "已登记 1 条帖文的更正" in page.text()
        page.open(f"{base}/issues/{FIRST}?do=split")
        page.run("document.querySelector('#posts input[name=chosen]').click()")
        page.click(send)
        assert "已登记" in page.text()
        assert page.errors == []
    with Env.open(settings).register() as register:
        assert [event.name for event in register.events(FIRST)] == ["set_facts", "split"]
        assert [event.codes["topic"] for event in register.events(LABELS)] == ["income"]


def test_batch_and_quick_buttons_by_clicks(site, tmp_path):
    base, _, _ = site
    with chromium(tmp_path / "profile") as page:
        page.sign_in(base, "office")
        page.open(f"{base}/")
        new = page.run("document.querySelectorAll('input[name=chosen]').length")
        ticked = page.run("document.querySelectorAll('input[name=chosen]:checked').length")
        assert (new, ticked) == (5, 4)
        page.click("input[name=chosen]:checked + *, tr:last-child .acts button")
        assert "已转出" in page.text()
        page.click("#new h2 button")
        assert "已确认 3 件" in page.text()
        assert page.run("document.querySelectorAll('input[name=chosen]').length") == 1
        page.open(f"{base}/lead")
        page.fill("#text", "听说蒙城县统计局普查收费")
        page.click("form button.primary")
        assert "线索已登记" in page.text()
        assert page.errors == []
