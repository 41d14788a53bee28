"""An issue from found to closed by clicks in a real browser; nothing on the pages runs, whatever was scraped."""

import shutil
import threading
import time

import pytest
import uvicorn
from fastapi import FastAPI, Request

from tests.browser.chromium import PATIENCE_SECONDS, chromium
from tests.dags.desk_home import DAY, make_home

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium (apt install chromium)"),
]
FIRST = "YQ-2026-0001"


@pytest.fixture
def site(root, tmp_path, monkeypatch):
    """The pages on loopback; the cookie of the session names the account."""
    monkeypatch.syspath_prepend(str(root / "plugins"))
    settings = make_home(root, tmp_path)
    monkeypatch.setenv("CAIFENG_HOME", str(settings.home))
    monkeypatch.setenv("CAIFENG_CONFIG", str(settings.config))
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-21T08:30:00+08:00")
    from caifeng_web import approvals, login
    from caifeng_web.app import application

    asked = []
    monkeypatch.setattr(approvals, "start", lambda token, request: asked.append(request) or True)
    monkeypatch.setattr(approvals, "answer", lambda *answer: asked.append(answer) or True)
    pages, root_app = application(), FastAPI()

    def account(request: Request) -> str:
        return request.cookies["_token"]

    pages.dependency_overrides[login.signed_in] = account
    root_app.mount("/caifeng", pages)
    server = uvicorn.Server(uvicorn.Config(root_app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        for _ in range(PATIENCE_SECONDS * 10):
            if server.started:
                break
            time.sleep(0.1)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/caifeng", settings, asked
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        pages.dependency_overrides.clear()
    assert not thread.is_alive()


def test_from_found_to_closed_by_clicks(site, tmp_path):
    from caifeng.jobs.base import Env

    base, settings, asked = site
    send = "#act button.primary"

    def go(label):
        """From the 工作台 to the case and the form of this label, as a person does."""
        page.open(f"{base}/")
        page.click(f"a[href='/caifeng/issues/{FIRST}']")
        if page.run("document.querySelector('#act h2').innerText") != label:
            place = page.run(f"[...document.querySelectorAll('.others a')].findIndex(a => a.innerText === '{label}')")
            assert place >= 0, f"no {label} in {page.text()}"
            page.click(f".others a:nth-child({place + 1})")
        assert page.run("document.querySelector('#act h2').innerText") == label

    def sent():
        page.click(send)
        assert "已登记" in page.text() or "已报审" in page.text(), page.text()[:800]

    with chromium(tmp_path / "profile") as page:
        page.sign_in(base, "office")
        page.open(f"{base}/")
        assert page.run("document.title") == "工作台"
        assert page.run("document.querySelectorAll('script, img, iframe').length") == 0
        assert page.run("document.querySelector('.lv').textContent") == "◆ 较大 Ⅲ"
        page.click(f"a[href='/caifeng/issues/{FIRST}']")
        assert "<script>alert(1)</script>" in page.text()
        sent()  # the suggested level is filled in
        go("交办")
        page.fill("#act select[name=unit]", "enforcement")
        sent()
        go("登记核查")
        page.fill("#act select[name=outcome]", "false")
        page.fill("#act textarea[name=basis]", "核对台账与调查记录")
        sent()
        go("拟稿")
        page.fill("#act select[name=kind]", "final")
        page.fill("#act textarea[name=text]", "经核查，网传内容不实。")
        sent()
        go("报审")
        sent()
        page.sign_in(base, "leader")
        go("同意")
        sent()
        page.sign_in(base, "office")
        go("登记发布")
        page.fill("#act select[name=form]", "portal_notice")
        page.fill("#act input[name=url]", "https://www.example.gov.cn/1")
        sent()
        go_to_close = f"{base}/issues/{FIRST}"
        page.open(go_to_close)
        sent()
        assert "办结" in page.text()
        page.open(f"{base}/logs")
        page.click(f"#d{DAY} form button")
        assert "已签发" in page.text()
        assert page.errors == []
    with Env.open(settings).register() as register:
        names = [event.name for event in register.events(FIRST)]
    assert names == ["confirm", "assign", "verify", "draft", "submit", "approve", "publish", "close"]
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
