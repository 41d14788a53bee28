"""The pages behind Airflow's login: who gets in, what is escaped, who may do what, and a case from found to closed."""

import re
import shutil
import sys
from html.parser import HTMLParser

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from caifeng.core.settings import Settings, parse_as_of
from tests.dags.desk_home import DAY, HOSTILE, make_home

FIRST, QUESTION = "YQ-2026-0001", "YQ-2026-0002"
RELEASE_CHECKED = {
    **dict.fromkeys(("no_unpublished_figures", "no_respondent_data", "no_citizen_named"), "yes"),
    **dict.fromkeys(("period_stated", "unit_stated", "source_stated"), "not_applicable"),
}
SHA = "0" * 64


@pytest.fixture(scope="session")
def web(pytestconfig):
    """The application's modules, found as Airflow finds them."""
    sys.path.append(str(pytestconfig.rootpath / "plugins"))
    from caifeng_web import app, approvals, login

    return {"app": app, "approvals": approvals, "login": login}


@pytest.fixture(scope="session")
def pristine(pytestconfig, tmp_path_factory):
    """A home made once."""
    folder = tmp_path_factory.mktemp("desk")
    make_home(pytestconfig.rootpath, folder)
    return folder


@pytest.fixture
def home(pristine, tmp_path, monkeypatch):
    """A copy of that home to act in, as the environment of the process."""
    shutil.copytree(pristine, tmp_path / "desk")
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path / "desk" / "home"))
    monkeypatch.setenv("CAIFENG_CONFIG", str(tmp_path / "desk" / "config"))
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-21T08:30:00+08:00")
    return Settings.load()


@pytest.fixture
def asked(web, monkeypatch):
    """Calls to Airflow's own interface, which is not running here."""
    calls = []
    monkeypatch.setattr(web["approvals"], "start", lambda token, request: calls.append(request) or True)
    monkeypatch.setattr(web["approvals"], "answer", lambda token, *answer: calls.append(answer) or True)
    return calls


@pytest.fixture
def browse(web, home, asked):
    """Pages as seen by an account: `browse("office").get("/")`."""

    def client(user):
        app = web["app"].application()
        app.dependency_overrides[web["login"].signed_in] = lambda: user
        return Browser(TestClient(app, base_url="http://testserver", follow_redirects=True))

    yield client
    web["app"].application().dependency_overrides.clear()


class Browser:
    """Reads pages and sends their forms with everything hidden in them, as a browser does."""

    def __init__(self, client):
        self.client = client

    def get(self, path):
        return self.client.get(path)

    def send(self, page, action, **values):
        """Send the form of `page` whose action ends so; other values replace what it holds."""
        found = [form for form in forms_of(self.client.get(page).text) if form[0].endswith(action)]
        assert found, f"{page} has no form {action}"
        return self.client.post(found[0][0], data={**found[0][1], **values})

    def do(self, issue_no, event, **values):
        return self.send(f"/issues/{issue_no}?do={event}", f"/issues/{issue_no}", **values)


def forms_of(text):
    """(action, values) of each form."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            a = dict(attrs)
            if tag == "form":
                found.append((a["action"], {}))
            elif tag == "input" and found and a.get("name") and a.get("type") not in ("file", "checkbox"):
                found[-1][1][a["name"]] = a.get("value", "")
            elif tag == "select" and found:
                self.select = a["name"]
                found[-1][1][a["name"]] = None
            elif tag == "option" and found and (found[-1][1][self.select] is None or "selected" in a):
                found[-1][1][self.select] = a.get("value", "")

    Reader().feed(text)
    return found


def active_parts(text):
    """Tags and attributes of a page that could run or load something."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend([tag] if tag in ("script", "img", "iframe", "object", "embed", "style", "base") else [])
            found.extend(name for name, _ in attrs if name.startswith("on") or name == "style")

    Reader().feed(text)
    return found


def routes(app):
    return [route for route in app.routes if isinstance(route, APIRoute)]


def filled(path):
    return path.format(issue_no=FIRST, day=DAY, name="dashboard.html", quarter="2026Q4", code="2026-11")


def test_every_route_refuses_who_is_not_signed_in(web, home):
    app = web["app"].application()
    client = TestClient(app)
    swept = set()
    for route in routes(app):
        for method in route.methods:
            reply = client.request(method, filled(route.path))
            assert reply.status_code == 401, (method, route.path)
            assert "请先登录" in reply.text
            assert reply.headers["content-security-policy"] == web["app"].PAGE_POLICY
            swept.add((method, route.path))
    assert len(swept) >= 14
    assert len([m for m, _ in swept if m == "POST"]) == 10


def test_airflow_decides_who_is_signed_in(web, home, monkeypatch):
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api import security

    manager = create_auth_manager()
    token = manager.generate_jwt(SimpleAuthManagerUser(username="office", role="op"))
    app = web["app"].application()
    assert TestClient(app, cookies={"_token": "forged"}).get("/").status_code == 403

    async def known(text):
        assert text == token
        return SimpleAuthManagerUser(username="office", role="op")

    monkeypatch.setattr(security, "resolve_user_from_token", known)
    assert "office" in TestClient(app, cookies={"_token": token}).get("/").text
    assert TestClient(app, headers={"Authorization": f"Bearer {token}"}).get("/").status_code == 200


def test_an_account_without_a_role_is_refused_in_words(browse):
    reply = browse("stranger").get("/")
    assert reply.status_code == 403
    assert "没有登记角色" in reply.text


def test_every_form_needs_a_token_of_this_account(web, browse, home):
    app, office = web["app"].application(), browse("office")
    posts = [route for route in routes(app) if "POST" in route.methods]
    foreign = web["login"].form_token("leader")
    for route in posts:
        query = "?reason=irrelevant&seen=0" if route.path.endswith("/quick") else ""
        for token in ("", "x", foreign):
            reply = office.client.post(filled(route.path) + query, data={"token": token, "event": "confirm"})
            assert reply.status_code == 403, (route.path, token)
            assert "页面已过期" in reply.text
    assert len(posts) == 10
    from caifeng.jobs.base import Env

    with Env.open(home).register() as register:
        assert register.events() == ()


def test_pages_carry_strict_headers_and_no_script(web, browse):
    office, swept = browse("office"), 0
    for route in routes(web["app"].application()):
        if "GET" not in route.methods or route.path.startswith(("/files", "/reviews", "/dashboard", "/checks")):
            continue
        reply = office.get(filled(route.path))
        assert reply.status_code == 200, route.path
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'self'" in policy
        assert "form-action 'self'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        if reply.headers["content-type"].startswith("text/html"):
            assert active_parts(reply.text) == [], route.path
            swept += 1
    assert swept >= 6


def test_scraped_text_is_shown_and_never_run(browse):
    office, swept = browse("office"), 0
    for path in ("/", "/issues", f"/issues/{FIRST}"):
        text = office.get(path).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text, path
        assert active_parts(text) == [], path
        assert "测试论坛<b>" not in text, path
        swept += 1
    assert swept == 3
    assert "javascript:" not in office.get(f"/issues/{FIRST}").text
    links = re.findall(r'<a class="out"[^>]*>', office.get(f"/issues/{QUESTION}").text)
    assert links
    assert all("noopener noreferrer" in link for link in links)
    assert "{{ 7 * 7 }}" in office.get(f"/issues/{FIRST}").text


def test_only_files_of_the_list_are_handed_out(browse, home):
    office = browse("office")
    for folder in (home.home / "outputs", home.home / "outputs" / DAY.isoformat()):
        (folder / "secret.txt").write_text("secret")
    reply = office.get(f"/files/{DAY}/政务舆情日志.docx")
    assert reply.status_code == 200
    assert reply.content[:2] == b"PK"
    board = office.get("/dashboard")
    assert board.status_code == 200
    assert "echarts" in board.text
    assert board.headers["content-security-policy"].startswith("sandbox allow-scripts allow-popups")
    for path in (
        f"/files/{DAY}/secret.txt",
        "/files/../secret.txt",
        f"/files/{DAY}/..%2fsecret.txt",
        "/files/x/dashboard.html",
        "/files/..%2f..%2fhome/register.db",
        f"/files/{DAY}/dashboard.html%00.docx",
    ):
        reply = office.get(path)
        assert reply.status_code == 404, path
        assert "secret" not in reply.text


def test_batch_agreement_and_one_click_refusals(browse):
    office = browse("office")
    page = office.get("/").text
    boxes = re.findall(r'name="chosen" value="([^"]+)"[^>]*?( checked)?>', page)
    ticked = [value for value, checked in boxes if checked]
    assert len(boxes) == 5
    assert not any(value.startswith(FIRST) for value in ticked), "a severe level is agreed to by looking at it"
    token = forms_of(page)[0][1]["token"]
    reply = office.client.post("/confirm", data={"token": token, "role": "openness_office", "chosen": ticked[:2]})
    assert "已确认 2 件" in reply.text
    reply = office.client.post("/confirm", data={"token": token, "role": "openness_office", "chosen": ticked[:1]})
    assert "已由他人处理" in reply.text
    number, _, seen = ticked[2].split("|")
    path = f"/issues/{number}/quick?reason=irrelevant&seen={seen}"
    assert "已转出" in office.client.post(path, data={"token": token, "role": "monitor"}).text
    assert office.client.post(path, data={"token": token, "role": "monitor"}).status_code == 409


def test_a_wrong_role_and_a_missing_reason_are_refused_in_the_words_of_the_guard(browse):
    assert "没有可办的操作" in browse("analyst").get(f"/issues/{FIRST}").text
    office = browse("office")
    reply = office.do(FIRST, "confirm", level="general", reason="不重要")
    assert reply.status_code == 422
    assert "理由不少于 10 个字" in reply.text
    assert "不重要" in reply.text
    reply = office.do(FIRST, "confirm", role="chief")
    assert reply.status_code == 403
    assert "不能以“主要领导”的身份办理" in reply.text
    token = forms_of(office.get("/").text)[0][1]["token"]
    values = {"token": token, "event": "approve", "role": "openness_office", "seen": "0"}
    reply = office.client.post(f"/issues/{FIRST}", data=values)
    assert reply.status_code == 403
    assert "政务公开办不能同意" in reply.text


def test_somebody_else_was_first(browse):
    office = browse("office")
    values = forms_of(office.get(f"/issues/{FIRST}?do=confirm").text)[0][1]
    assert office.client.post(f"/issues/{FIRST}", data=values).status_code == 200
    reply = office.client.post(f"/issues/{FIRST}", data=values)
    assert reply.status_code == 409
    assert "已由他人处理，请刷新" in reply.text


def test_from_found_to_closed(browse, home, asked):
    office = browse("office")

    def done(reply, words="已登记"):
        assert reply.status_code == 200, re.sub(r"<[^>]+>", " ", reply.text)[:600]
        assert words in reply.text
        return reply

    done(office.do(FIRST, "confirm", role="openness_office"))
    assert f"/issues/{FIRST}?do=" in office.get("/").text, "it is on the to-do list"
    done(office.do(FIRST, "assign", unit="enforcement", accused_unit="social", role="openness_office"))
    done(office.do(FIRST, "verify", outcome="false", basis="核对台账与调查记录", role="openness_office"))
    done(office.do(FIRST, "draft", kind="final", text="经核查，网传内容不实。", role="openness_office"))
    done(office.do(FIRST, "submit", role="openness_office"), "审批表单已发出")
    assert asked[0].issue_no == FIRST
    assert asked[0].users == ("leader",)
    assert HOSTILE not in str(asked[0].conf())
    leader = browse("leader")
    done(leader.do(FIRST, "approve", text="同意"))
    done(leader.do(FIRST, "check_release", **RELEASE_CHECKED))
    assert asked[1] == (asked[0].request_id, "同意", "同意")
    office = browse("office")
    done(office.do(FIRST, "publish", form="portal_notice", url="https://www.example.gov.cn/1", role="openness_office"))
    done(office.do(FIRST, "close", role="openness_office"))
    from caifeng.jobs.base import Env

    with Env.open(home).register() as register:
        names = [event.name for event in register.events(FIRST)]
    assert names == ["confirm", "assign", "verify", "draft", "submit", "approve", "check_release", "publish", "close"]
    assert "办结" in office.get("/issues?all=1").text


def send_to_review(browse):
    """The first case from detected to a final answer in review."""
    office = browse("office")
    for event, values in (
        ("confirm", {}),
        ("assign", {"unit": "enforcement"}),
        ("verify", {"outcome": "false", "basis": "核对台账"}),
        ("draft", {"kind": "final", "text": "经核查，网传内容不实。"}),
        ("submit", {}),
    ):
        assert office.do(FIRST, event, role="openness_office", **values).status_code == 200


def submitted(browse, asked):
    """A case whose draft is in review; its request."""
    send_to_review(browse)
    return asked[0]


@pytest.mark.parametrize("way", ["form", "page", "paper"])
def test_the_form_the_page_and_paper_end_in_the_same_state(browse, home, asked, way):
    from caifeng.cases.service import cases_of
    from caifeng.jobs.approvals import settle_request
    from caifeng.jobs.base import Env

    request = submitted(browse, asked)
    if way == "form":
        assert settle_request(home, request.request_id, "同意", "可以", None, "leader") == "approved"
    elif way == "page":
        assert browse("leader").do(FIRST, "approve", text="可以").status_code == 200
    else:
        office = browse("office")
        values = {"behalf_role": "deputy", "behalf_at": "2026-11-21T08:00", "behalf_medium": "paper", "text": "可以"}
        refused = office.do(FIRST, "approve", **values)
        assert refused.status_code == 422
        assert "扫描件" in refused.text
        action, held = forms_of(office.get(f"/issues/{FIRST}?do=approve").text)[0]
        scan = {"behalf_scan": ("scan.pdf", b"%PDF scan")}
        assert office.client.post(action, data={**held, **values}, files=scan).status_code == 200
    # The form that still stands there is answered, too: nothing happens a second time.
    assert settle_request(home, request.request_id, "退回", "再改", None, "leader") == "settled"
    with Env.open(home).register() as register:
        events = register.events(FIRST)
    case = cases_of(events)[FIRST]
    assert (case.state, case.answer, case.approved_by) == ("verified", "approved", "deputy")
    assert [event.name for event in events if event.name in ("approve", "return")] == ["approve"]


def test_refusing_on_the_form_sends_the_draft_back_and_never_publishes(browse, home, asked):
    from caifeng.cases.model import RoleError
    from caifeng.jobs.approvals import settle_request
    from caifeng.jobs.base import Env

    request = submitted(browse, asked)
    with pytest.raises(RoleError):
        settle_request(home, request.request_id, "同意", "", None, "analyst")
    assert settle_request(home, request.request_id, "不予", "口径不准", "重大", "leader") == "returned"
    with Env.open(home).register() as register:
        change, answer = register.events(FIRST)[-2:]
    assert (change.name, change.payload["level"]) == ("change_level", "major")
    assert (answer.name, answer.payload["reason"]) == ("return", "不予：口径不准")


def test_the_log_is_signed_as_it_was_seen(browse, home):
    office = browse("office")
    form = next(f for f in forms_of(office.get("/logs").text) if f[0].endswith(f"/logs/{DAY}"))
    stale = office.client.post(f"/logs/{DAY}", data={**form[1], "file_hash": SHA})
    assert stale.status_code == 409
    assert "已签发" in office.client.post(f"/logs/{DAY}", data=form[1]).text
    assert "签发 11月20日" not in office.get("/").text


def test_a_lead_is_registered_scrubbed_and_landed(browse, home):
    from caifeng.jobs.base import Env

    office = browse("office")
    reply = office.send("/lead", "/lead", text="听说蒙城县普查员收费，电话13912345678", source="电话")
    assert "下一次整理后列入新事项" in reply.text
    assert office.send("/lead", "/lead", text="", url="").status_code == 422
    env = Env.open(home)
    landed = [row for day in env.lake.days("raw.posts") for row in env.lake.read("raw.posts", day).to_dicts()]
    mine = [row for row in landed if row["source_id"] == "manual"]
    assert len(mine) == 1
    assert "13912345678" not in str(mine)
    with env.register() as register:
        assert [event.name for event in register.events("leads")] == ["new_lead"]
        assert "13912345678" not in str(register.events("leads"))


def test_roles_come_from_the_office_and_only_strangers_have_none(root):
    from caifeng.core.model.office import Office
    from caifeng.jobs.workbench.desk import roles_of

    now = parse_as_of("2026-11-21T08:30:00+08:00")
    office = Settings(config=root / "config").office()
    assert roles_of("leader", office, now)[0] == "deputy"
    assert "openness_office" in roles_of("office", office, now)
    assert roles_of("analyst", office, now) == ("auditor",)
    assert roles_of("admin", office, now) == ("openness_office",)
    assert roles_of("nobody", office, now) == ()
    bare = Office.model_validate({**office.model_dump(), "roles": (), "duty": None})
    assert {user: roles_of(user, bare, now) for user in ("office", "leader", "analyst", "admin", "x")} == {
        "office": ("openness_office",), "leader": ("deputy",), "analyst": ("auditor",),
        "admin": ("openness_office",), "x": (),
    }  # fmt: skip


def test_pages_say_nothing_of_the_machinery_and_work_before_the_first_day(web, tmp_path, monkeypatch, root):
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path / "empty"))
    app = web["app"].application()
    app.dependency_overrides[web["login"].signed_in] = lambda: "office"
    try:
        client, swept = TestClient(app), 0
        for path in ("/", "/issues", "/logs", "/sources", "/lead"):
            text = client.get(path).text
            assert not re.search(r"\b(DAG|Dag|task|Airflow)\b", text), path
            swept += 1
        assert "还没有数据" in client.get("/").text
        assert client.get("/dashboard").status_code == 404
        assert swept == 5
    finally:
        app.dependency_overrides.clear()


def test_airflow_finds_the_plugin_and_loading_it_is_light(root):
    import subprocess

    code = f"""
import os, sys
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = {str(root / "plugins")!r}
from airflow import plugins_manager
apps, _ = plugins_manager.get_fastapi_plugins()
print([a["url_prefix"] for a in apps if a["name"] == "caifeng"])
print(sorted({{"polars", "duckdb", "caifeng_web"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.strip().splitlines()[-2:]
    assert first == "['/caifeng']"
    assert second == "[]"


def test_the_approval_form_has_three_chinese_answers_and_no_default(root):
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(root / "dags" / "approval.py"))
    assert bag.import_errors == {}
    dag = bag.dags["approval"]
    ask = dag.get_task("ask")
    assert ask.options == ["同意", "退回", "不予"]
    assert ask.defaults is None
    assert ask.response_timeout is None
    assert set(ask.params) == {"审批意见", "核定级别"}
    assert ask.downstream_task_ids == {"settle"}
    assert len((root / "dags" / "approval.py").read_text("utf8").splitlines()) <= 60


def test_a_decision_on_the_page_closes_the_form_or_its_run(web, monkeypatch):
    import httpx

    approvals, calls = web["approvals"], []

    def reply(codes):
        def request(method, url, json, headers, timeout):
            calls.append((method, url.partition("/api/v2")[2], json))
            assert headers == {"Authorization": "Bearer t"}
            if codes.get(url.rsplit("/", 1)[-1]) is None:
                raise httpx.ConnectError("down")
            return httpx.Response(codes[url.rsplit("/", 1)[-1]])

        monkeypatch.setattr(httpx, "request", request)

    reply({"hitlDetails": 200})
    assert approvals.answer("t", "YQ-2026-0001-5", "同意", "可以")
    assert [json["chosen_options"] for _, _, json in calls] == [["同意"]]
    reply({"hitlDetails": 403, "YQ-2026-0001-5": 200})
    assert approvals.answer("t", "YQ-2026-0001-5", "同意", "可以")
    assert calls[-1] == ("PATCH", "/dags/approval/dagRuns/YQ-2026-0001-5", {"state": "success"})
    reply({})
    assert not approvals.answer("t", "YQ-2026-0001-5", "同意", "可以")
    assert not approvals.start("t", web["app"].requests.ApprovalRequest("r", "n", "s", "b", ("leader",)))
    reply({"dagRuns": 409})
    assert approvals.start("t", web["app"].requests.ApprovalRequest("r", "n", "s", "b", ("leader",)))


# --- several events in one form --------------------------------------------------------------------------------------

FOUND_OUT = {"outcome": "opinion_or_suggestion", "basis": "查阅统计制度", "text": "您好，有关情况答复如下。"}
SIGNED = {"behalf_role": "deputy", "behalf_at": "2026-11-21T08:00", "behalf_medium": "paper"}


def together(office, issue_no, name, scan=None, **values):
    page = office.get(f"/issues/{issue_no}?do={name}").text
    action, held = next(form for form in forms_of(page) if form[1].get("event") == name)
    files = {"behalf_scan": ("scan.pdf", scan)} if scan else None
    return office.client.post(action, data={**held, **values}, files=files)


def names_of(home, issue_no):
    from caifeng.jobs.base import Env

    with Env.open(home).register() as register:
        return [event.name for event in register.events(issue_no)]


def test_an_answer_on_paper_is_registered_in_one_form_or_not_at_all(browse, home, asked):
    office = browse("office")
    answer = FOUND_OUT | RELEASE_CHECKED | SIGNED | {"form": "board_reply", "url": "https://www.example.gov.cn/1"}
    for spoiled, words in (
        ({"behalf_role": ""}, "报审单"),
        ({"behalf_at": ""}, "决定时间"),
        ({"no_respondent_data": "no"}, "发布审查未通过"),
        ({"url": ""}, "链接或发布渠道"),
        ({"basis": ""}, "未填"),
        ({"published_at": "2026-11-21T07:00"}, "早于同意时间"),
    ):
        reply = together(office, QUESTION, "register_answer", b"%PDF", **{**answer, **spoiled})
        assert reply.status_code == 422, spoiled
        assert words in reply.text, spoiled
    assert together(office, QUESTION, "register_answer", None, **answer).status_code == 422, "no scan"
    assert names_of(home, QUESTION) == []
    assert together(office, QUESTION, "register_answer", b"%PDF", **answer).status_code == 200
    assert names_of(home, QUESTION) == [
        "confirm", "assign", "verify", "draft", "submit", "approve", "check_release", "publish",
    ]  # fmt: skip
    assert asked == [], "approved on paper: nobody is asked again"
    assert "跟踪至 11-24 08:30" in office.get("/").text


def test_a_long_form_stands_in_groups_beside_the_matter_and_a_short_one_at_the_side(browse):
    office = browse("office")
    long, short = (office.get(f"/issues/{QUESTION}?do={name}").text for name in ("register_answer", "conclude"))
    assert re.findall("<legend>(.*?)</legend>", long) == ["交办", "登记核查", "拟稿", "发布审查", "登记发布"]
    assert "<legend>" not in short
    for page, comes_first in ((long, True), (short, False)):
        assert page.count('id="act"') == 1
        assert page.count('name="behalf_role"') <= 1
        assert (page.index('id="act"') < page.index("<aside>")) == comes_first


def test_two_people_conclude_and_approve_each_in_one_form(browse, home, asked):
    office = browse("office")
    assert "审批表单已发出" in together(office, QUESTION, "conclude", **FOUND_OUT).text
    refused = together(office, QUESTION, "approve_release", **RELEASE_CHECKED, **SIGNED | {"behalf_medium": "phone"})
    assert refused.status_code == 422
    assert "扫描件" in refused.text, "who drafted does not approve, not even by a word on the phone"
    leader = browse("leader")
    assert together(leader, QUESTION, "approve_release", text="同意", **RELEASE_CHECKED).status_code == 200
    assert asked[1] == (asked[0].request_id, "同意", "同意")
    assert names_of(home, QUESTION)[-2:] == ["approve", "check_release"]
    page = browse("office").get("/").text
    assert "登记链接" in page


def test_the_short_way_is_only_for_ordinary_issues_and_its_own_role(browse, home):
    office = browse("office")
    assert "register_answer" not in office.get(f"/issues/{FIRST}").text
    token = forms_of(office.get("/").text)[0][1]["token"]
    values = {"token": token, "event": "register_answer", "role": "openness_office", **FOUND_OUT, **SIGNED}
    reply = office.client.post(f"/issues/{FIRST}/together", data=values, files={"behalf_scan": ("s.pdf", b"%PDF")})
    assert reply.status_code == 422
    assert "现在不能登记答复" in reply.text
    unknown = office.client.post(f"/issues/{FIRST}/together", data={**values, "event": "nonsense"})
    assert unknown.status_code == 422
    token = forms_of(browse("leader").get(f"/issues/{QUESTION}").text)[0][1]["token"]
    reply = browse("leader").client.post(
        f"/issues/{QUESTION}/together", data={**values, "token": token}, files={"behalf_scan": ("s.pdf", b"%PDF")}
    )
    assert reply.status_code == 403
    assert names_of(home, FIRST) == names_of(home, QUESTION) == []


@pytest.mark.parametrize(
    ("grade", "role", "rules", "expected"),
    [
        ({}, "openness_office", "", ["confirm", "assign"]),
        ({}, "monitor", "", ["confirm"]),
        ({}, "openness_office", "assign_on_agreement = false", ["confirm"]),
        ({"level": "larger"}, "openness_office", "", ["confirm"]),
        ({"flags": ["staff_conduct"]}, "openness_office", "", ["confirm"]),
        ({"flags": ["staff_conduct"]}, "openness_office", "assign_by_hand = []", ["confirm", "assign"]),
        ({"level": "log_only", "response_value": "log_only"}, "openness_office", "", ["log_only"]),
    ],
)
def test_agreeing_assigns_what_is_ordinary_and_leaves_suspicions_to_a_person(
    home, monkeypatch, grade, role, rules, expected
):
    from caifeng.cases.model import Actor
    from caifeng.jobs import case_actions
    from caifeng.jobs.base import Env

    usual = {"level": "general", "response_value": "should", "topic": "price", "flags": ["pure_question"]}
    monkeypatch.setattr(case_actions, "_grades", lambda env, at: {QUESTION: usual | grade})
    (home.config / "register.toml").write_text(rules + "\n", "utf8")
    batch = case_actions.agree(Env.open(home), [QUESTION], Actor(role, "office"))
    assert batch.refused == {}
    assert len(batch.done) == 1, "one for each issue, whatever else was said with it"
    assert names_of(home, QUESTION) == expected


def test_an_issue_that_is_answered_is_closed_in_the_list_when_it_was_watched(browse, home, asked, monkeypatch):
    office = browse("office")
    answer = FOUND_OUT | RELEASE_CHECKED | SIGNED | {"form": "board_reply", "place": "县长信箱"}
    assert together(office, QUESTION, "register_answer", b"%PDF", **answer).status_code == 200
    assert 'id="close"' not in office.get("/").text
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-24T08:31:00+08:00")
    page = office.get("/").text
    held = next(values for action, values in forms_of(page) if action.endswith("/close"))
    chosen = re.search(rf'value="({QUESTION}\|\d+)"', page)
    assert chosen
    stale = office.client.post("/close", data={**held, "chosen": [f"{QUESTION}|1"]})
    assert "未办结" in stale.text
    assert "已办结 1 件" in office.client.post("/close", data={**held, "chosen": [chosen[1]]}).text
    assert names_of(home, QUESTION)[-1] == "close"


def test_links_are_registered_in_the_list_all_that_are_filled_in_at_once(browse, home, asked):
    office = browse("office")
    own = {"role": "openness_office"}
    office.do(FIRST, "confirm", **own)
    office.do(FIRST, "assign", unit="enforcement", accused_unit="social", **own)
    office.do(FIRST, "verify", outcome="false", basis="核对台账与调查记录", **own)
    office.do(FIRST, "draft", kind="final", text="经核查，网传内容不实。", **own)
    office.do(FIRST, "submit", **own)
    assert together(office, QUESTION, "conclude", **FOUND_OUT).status_code == 200
    leader = browse("leader")
    for number in (FIRST, QUESTION):
        leader.do(number, "approve", text="同意")
        leader.do(number, "check_release", **RELEASE_CHECKED)
    office = browse("office")
    page = office.get("/").text
    token = next(values for action, values in forms_of(page) if action.endswith("/publish"))
    chosen = re.findall(r'name="chosen" value="([^"|]+\|\d+\|final)"', page)
    assert [value.partition("|")[0] for value in chosen] == [QUESTION], "the other one has something else to do first"
    chosen += [f"{FIRST}|{len(names_of(home, FIRST))}|final"]
    nothing = office.client.post("/publish", data={**token, "chosen": chosen})
    assert "没有填写链接" in nothing.text
    shown = {f"form.{number}": "portal_notice" for number in (FIRST, QUESTION)}
    links = {f"url.{FIRST}": "https://www.example.gov.cn/1", f"url.{QUESTION}": "javascript:alert(1)"}
    reply = office.client.post("/publish", data={**token, "chosen": chosen, **shown, **links}).text
    assert f"已登记 1 件；{QUESTION} 未登记" in reply
    assert names_of(home, FIRST)[-1] == "publish"
    assert names_of(home, QUESTION)[-1] == "check_release"
    assert "已登记 0 件" in office.client.post("/publish", data={**token, "chosen": chosen, **shown, **links}).text
    assert names_of(home, FIRST).count("publish") == 1


def test_an_extension_is_shown_and_the_law_is_named_where_the_office_is_accused(browse, home):
    office = browse("office")
    assert office.do(FIRST, "confirm", role="openness_office", bureau_accused="yes").status_code == 200
    (home.config / "register.toml").write_text("consult_before_submit = false\n", "utf8")
    page = office.get(f"/issues/{FIRST}").text
    assert "可向上级统计机构或者监察机关检举" in page
    assert "不要求先行会商" in page
    reply = browse("leader").do(
        FIRST, "extend", duty="respond", new_due_at="2026-11-25T18:00", reason="需调阅两年台账，经研究延期"
    )
    assert reply.status_code == 200, re.sub(r"<[^>]+>", " ", reply.text)[:400]
    assert "延至 11-25 18:00" in office.get(f"/issues/{FIRST}").text
    assert "（已延期）" in office.get(f"/issues/{FIRST}").text
