"""Routes of the pages: each asks `caifeng.jobs.workbench` and renders a template, or passes one form on to it.

Every route needs a login (`login.signed_in`), every form a token. Scraped text is hostile: templates escape it, and
the policy below forbids scripts altogether, because Airflow shows these pages in a frame of its own origin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import jinja2
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as StarletteHTTPException

from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    CLAIM_TYPES,
    FINDINGS,
    FORM_NAMES,
    RECIPIENT_NAMES,
    ConflictError,
    Event,
    GuardError,
    RoleError,
)
from caifeng.cases.service import REGISTRAR, Step
from caifeng.cases.store import LostError
from caifeng.cases.table import TABLE
from caifeng.core.clock import business_day
from caifeng.core.errors import CaifengError, UsageError
from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.core.model.terms import DATE_DOUBT_NAMES, SOURCE_CLASS_NAMES, SOURCE_STATUS_NAMES
from caifeng.core.settings import Settings
from caifeng.jobs import approvals as requests
from caifeng.jobs.workbench import acting, files, forms, logs
from caifeng.jobs.workbench.board import board, next_of, source_health
from caifeng.jobs.workbench.desk import Desk, is_sample, role_for, short_time
from caifeng.jobs.workbench.issue import issue_page
from caifeng.jobs.workbench.ledger import LedgerQuery, escalation_list, ledger, ledger_file
from caifeng.jobs.workbench.rejects import answer, rejects_page
from caifeng.reports import words
from caifeng_web import approvals
from caifeng_web.login import Visitor, check_form_token, form_token, session_token, signed_in, visitor

HERE = Path(__file__).parent

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'none'"
)
#: The dashboard brings its own inline scripts: it runs in an origin of its own and cannot act for the account. Its
#: links to posts open in tabs of their own, outside of that sandbox.
DASHBOARD_POLICY = (
    "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
#: The page of the gates is words and tables only.
CHECKS_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'"
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: Of a form with a scanned page.
MAX_FORM_BYTES = 25 * 1024 * 1024
#: Level -> class of its badge; always with word and mark.
LEVEL_CLASSES = {"extreme": "l1", "major": "l2", "larger": "l3", "general": "l4"}
#: New issues shown until somebody asks for all.
NEW_SHOWN = 12


@dataclass(frozen=True)
class Posted:
    """A form whose token was good."""

    visitor: Visitor
    given: dict[str, str]
    chosen: tuple[str, ...]
    """Values of the ticked boxes named `chosen`."""
    scan: bytes | None


def desk() -> Desk:
    """Where all pages read from, opened once per process and setting."""
    return _desk(Settings.load())


@lru_cache(maxsize=2)
def _desk(settings: Settings) -> Desk:
    return Desk.open(settings)


async def posted(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> Posted:
    """The form, once its token was checked: 403 without."""
    if int(request.headers.get("content-length") or 0) > MAX_FORM_BYTES:
        raise HTTPException(413, "文件太大（不超过 25 MB）")
    form = await request.form()
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    check_form_token(who.name, given.pop("token", ""))
    upload = form.get("behalf_scan")
    scan = await upload.read() if isinstance(upload, UploadFile) else None
    chosen = tuple(value for value in form.getlist("chosen") if isinstance(value, str))
    return Posted(who, given, chosen, scan or None)


Who = Annotated[Visitor, Depends(visitor)]
Sent = Annotated[Posted, Depends(posted)]
At = Annotated[Desk, Depends(desk)]


@lru_cache(maxsize=1)
def templates() -> jinja2.Environment:
    """Templates that escape everything and know the words of the house."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        level_text=words.level_text,
        level_class=LEVEL_CLASSES,
        number=words.number,
        change=words.change,
        local_time=words.local_time,
        safe_url=words.safe_url,
        short_time=short_time,
        document_date=words.document_date,
        role_names=CASE_ROLE_NAMES,
        status_names=SOURCE_STATUS_NAMES,
        class_names=SOURCE_CLASS_NAMES,
        claim_types=CLAIM_TYPES,
        findings=FINDINGS,
        form_names=FORM_NAMES,
        recipient_names=RECIPIENT_NAMES,
        due_names=DUE_NAMES,
        event_names={row.event: row.label for row in TABLE},
        printable=words.printable,
        role_for=role_for,
    )
    made.filters["weekday"] = lambda day: "星期" + "一二三四五六日"[day.weekday()]
    made.filters["local_day"] = business_day
    return made


def render(request: Request, name: str, who: Visitor | None, status: int = 200, **values: Any) -> HTMLResponse:
    """A page; `who` null for pages of errors, which carry no form."""
    text = (
        templates()
        .get_template(name)
        .render(
            {"sample": False} | values,
            base=request.scope.get("root_path", "").rstrip("/"),
            who=who,
            token=form_token(who.name) if who else "",
        )
    )
    return HTMLResponse(text, status, headers=HEADERS)


def back(request: Request, path: str, notice: str = "") -> RedirectResponse:
    """To a page after a form; `notice` is shown there once."""
    reply = RedirectResponse(request.scope.get("root_path", "") + path, 303)
    if notice:
        # By cookie, so that a link from outside cannot put words on the page.
        reply.set_cookie("caifeng_said", notice.encode().hex(), max_age=60, httponly=True, samesite="strict")
    return reply


def said(request: Request) -> str:
    """The notice that the form before left."""
    try:
        return bytes.fromhex(request.cookies.get("caifeng_said", "")).decode()
    except ValueError:
        return ""


@lru_cache(maxsize=1)
def application() -> FastAPI:
    """The application, made at the first request."""
    app = FastAPI(dependencies=[Depends(signed_in)], docs_url=None, redoc_url=None, openapi_url=None)
    _add_headers(app)
    _add_errors(app)
    _add_pages(app)
    _add_forms(app)
    return app


def _add_headers(app: FastAPI) -> None:
    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if "caifeng_said" in request.cookies and request.method == "GET" and not request.url.path.endswith(".css"):
            response.delete_cookie("caifeng_said")
        return response


def _add_errors(app: FastAPI) -> None:
    def failed(request: Request, status: int, title: str, text: str) -> Response:
        return render(request, "error.html", None, status, title=title, text=text)

    @app.exception_handler(StarletteHTTPException)
    def http(request: Request, error: StarletteHTTPException) -> Response:
        titles = {401: "请先登录", 403: "不能办理", 404: "没有这个页面", 413: "文件太大"}
        text = "登录已失效或尚未登录，请回到首页登录。" if error.status_code == 401 else str(error.detail)
        return failed(request, error.status_code, titles.get(error.status_code, "出错了"), text)

    @app.exception_handler(CaifengError)
    def known(request: Request, error: CaifengError) -> Response:
        match error:
            case RoleError():
                return failed(request, 403, "不能办理", str(error))
            case LostError():
                return failed(request, 503, "登记库连接中断", str(error))
            case ConflictError():
                return failed(request, 409, "已由他人处理，请刷新", str(error))
            case GuardError():
                return failed(request, 422, "还不能办理", str(error))
            case UsageError():
                return failed(request, 404, "没有找到", str(error))
        return failed(request, 500, "出错了", str(error))

    @app.exception_handler(Exception)
    def unknown(request: Request, error: Exception) -> Response:
        # The server's log gets the trace; a page must not show it.
        return failed(request, 500, "出错了", "系统内部错误，已记入运行日志，请联系管理员。")


def _add_pages(app: FastAPI) -> None:
    @app.get("/", response_class=HTMLResponse)
    def show_board(request: Request, who: Who, at: At, all: bool = False) -> Response:
        shown = board(at, who.roles)
        new = shown.new if all else shown.new[:NEW_SHOWN]
        return render(request, "workbench.html", who, board=shown, new=new, said=said(request))

    @app.get("/issues", response_class=HTMLResponse)
    def show_issues(
        request: Request, who: Who, at: At,
        q: str = "", level: str = "", unit: str = "", topic: str = "", all: bool = False, page: int = 1,
    ) -> Response:  # fmt: skip
        found = ledger(at, LedgerQuery(q, level, unit, topic, all, page))
        return render(request, "ledger.html", who, page=found, sample=is_sample(at))

    @app.get("/escalations", response_class=HTMLResponse)
    def show_escalations(request: Request, who: Who, at: At) -> Response:
        day, rows = escalation_list(at)
        return render(request, "escalations.html", who, day=day, rows=rows, sample=is_sample(at))

    @app.get("/ledger/{quarter}.xlsx")
    def file_of_ledger(who: Who, at: At, quarter: str) -> Response:
        path = ledger_file(at, quarter)
        return _download(at, who, path, path.name)

    @app.get("/issues/{issue_no}", response_class=HTMLResponse)
    def show_issue(request: Request, who: Who, at: At, issue_no: str, do: str = "", answer: str = "") -> Response:
        page = issue_page(at, issue_no, who.roles, do, answer)
        return render(request, "issue.html", who, page=page, said=said(request), fault="", given={}, chosen=())

    @app.get("/lead", response_class=HTMLResponse)
    def show_lead(request: Request, who: Who, at: At) -> Response:
        return render(request, "lead.html", who, fault="", given={}, sample=is_sample(at))

    @app.get("/logs", response_class=HTMLResponse)
    def show_logs(request: Request, who: Who, at: At) -> Response:
        found = logs.daily_logs(at)
        reviews = files.reviews(at)
        return render(request, "logs.html", who, logs=found, reviews=reviews, sample=is_sample(at), said=said(request))

    @app.get("/files/{day}/{name}")
    def file(who: Who, at: At, day: str, name: str) -> Response:
        path = files.day_file(at, day, name)
        return _dashboard(path) if path.suffix == ".html" else _download(at, who, path, f"{day} {name}")

    @app.get("/reviews/{code}/{name}")
    def file_of_review(who: Who, at: At, code: str, name: str) -> Response:
        path = files.review_file(at, code, name)
        return _dashboard(path) if path.suffix == ".html" else _download(at, who, path, f"{code} {name}")

    @app.get("/dashboard")
    def show_dashboard(request: Request, who: Who, at: At) -> Response:
        latest = next((log for log in logs.daily_logs(at) if "dashboard.html" in log.files), None)
        if latest is None:
            return render(request, "error.html", None, 404, title="还没有看板", text="第一次整理完成后，这里显示看板。")
        return back(request, f"/files/{latest.day}/dashboard.html")

    @app.get("/checks")
    def show_checks(request: Request, who: Who, at: At) -> Response:
        page = at.settings.home / "data-docs" / "index.html"
        if not page.is_file():
            text = "第一次发布完成后，这里显示各表的质量检查。"
            return render(request, "error.html", None, 404, title="还没有检查记录", text=text)
        return FileResponse(page, media_type="text/html", headers={"Content-Security-Policy": CHECKS_POLICY})

    @app.get("/sources", response_class=HTMLResponse)
    def show_sources(request: Request, who: Who, at: At) -> Response:
        day, health, doubts = source_health(at)
        return render(
            request, "sources.html", who, day=day, health=health, doubts=doubts, doubt_names=DATE_DOUBT_NAMES,
            sample=is_sample(at),
        )  # fmt: skip

    @app.get("/rejects", response_class=HTMLResponse)
    def show_rejects(request: Request, who: Who, at: At, week: str | None = None) -> Response:
        return render(request, "rejects.html", who, page=rejects_page(at, week), said=said(request), fault="")

    @app.get("/style.css")
    def style() -> Response:
        return FileResponse(HERE / "style.css", media_type="text/css")


def _download(at: Desk, who: Visitor, path: Path, name: str) -> Response:
    """A file to be saved, noted in the export log before it is sent."""
    content = files.hand_out(at, who.roles[0], path, name)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type=guess_type(name)[0] or "application/octet-stream", headers=headers)


def _dashboard(path: Path) -> Response:
    """A page that is looked at, in an origin of its own."""
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": DASHBOARD_POLICY})


def _add_forms(app: FastAPI) -> None:
    @app.post("/issues/{issue_no}")
    def act(request: Request, sent: Sent, at: At, issue_no: str) -> Response:
        who, given = sent.visitor, sent.given
        event = given.get("event", "")
        try:
            on_behalf = forms.on_behalf_of(given, sent.scan)
            role = REGISTRAR if on_behalf else given.get("role", "")
            payload = forms.payload_of(event, {**given, "posts": ",".join(sent.chosen)})
            done = acting.do(
                at, issue_no, event, who.name, role, payload, on_behalf, forms.parse_seen(given.get("seen"))
            )
        except GuardError as error:
            page = issue_page(at, issue_no, who.roles, event)
            return render(
                request, "issue.html", who, 422, page=page, said="", fault=str(error), given=given, chosen=sent.chosen
            )
        return back(request, f"/issues/{issue_no}", _after(request, at, [done]))

    @app.post("/issues/{issue_no}/together")
    def act_together(request: Request, sent: Sent, at: At, issue_no: str) -> Response:
        who, given = sent.visitor, sent.given
        name = given.get("event", "")
        try:
            done = acting.do_together(
                at, issue_no, name, who.name, given.get("role", "") or REGISTRAR, given,
                forms.on_behalf_of(given, sent.scan), forms.parse_seen(given.get("seen")),
            )  # fmt: skip
        except GuardError as error:
            page = issue_page(at, issue_no, who.roles, name)
            return render(
                request, "issue.html", who, 422, page=page, said="", fault=str(error), given=given, chosen=sent.chosen
            )
        notice = _after(request, at, done)
        if given.get("then") == "next":
            number = next_of(at, who.roles, name)
            return back(request, f"/issues/{number}?do={name}" if number else "/", f"{issue_no} {notice}")
        return back(request, f"/issues/{issue_no}", notice)

    @app.post("/close")
    def close(request: Request, sent: Sent, at: At) -> Response:
        pairs = [value.partition("|") for value in sent.chosen]
        steps = [(number, forms.parse_seen(events) or 0, Step("close")) for number, _, events in pairs]
        return back(request, "/", _each(at, sent, "办结", steps) if steps else "没有选择事项")

    @app.post("/publish")
    def publish(request: Request, sent: Sent, at: At) -> Response:
        steps = []
        for value in sent.chosen:
            number, seen, kind = (*value.split("|"), "", "")[:3]
            given = {name: sent.given.get(f"{name}.{number}", "") for name in ("form", "url")}
            if any(given.values()):  # lines that nobody filled in are left alone
                payload = forms.payload_of("publish", {**given, "kind": kind})
                steps.append((number, forms.parse_seen(seen) or 0, Step("publish", payload)))
        return back(request, "/", _each(at, sent, "登记", steps) if steps else "没有填写链接")

    @app.post("/issues/{issue_no}/labels")
    def correct(request: Request, sent: Sent, at: At, issue_no: str) -> Response:
        who, given = sent.visitor, sent.given
        posts = None if given.get("whole") == "all" else sent.chosen
        topic, stance, reason = (given.get(name, "") for name in ("topic", "stance", "reason"))
        try:
            count = acting.correct(at, issue_no, who.name, given.get("role", ""), posts, topic, stance, reason)
        except GuardError as error:
            page = issue_page(at, issue_no, who.roles, "label")
            return render(
                request, "issue.html", who, 422, page=page, said="", fault=str(error), given=given, chosen=sent.chosen
            )
        return back(request, f"/issues/{issue_no}", f"已登记 {count} 条帖文的更正")

    @app.post("/issues/{issue_no}/quick")
    def quick(request: Request, sent: Sent, at: At, issue_no: str, reason: str, seen: int) -> Response:
        payload = {"scope_reason": reason}
        role = sent.given.get("role", "")
        acting.do(at, issue_no, "out_of_scope", sent.visitor.name, role, payload, expected=seen)
        return back(request, "/", f"{issue_no} 已转出")

    @app.post("/confirm")
    def confirm(request: Request, sent: Sent, at: At) -> Response:
        chosen = [forms.parse_choice(value) for value in sent.chosen]
        batch = acting.agree(at, sent.visitor.name, sent.given.get("role", ""), chosen)
        text = f"已确认 {len(batch.done)} 件" + "".join(
            f"；{number} 未确认：{why}" for number, why in batch.refused.items()
        )
        return back(request, "/", text if chosen else "没有选择事项")

    @app.post("/lead")
    def add_lead(request: Request, sent: Sent, at: At) -> Response:
        given, who = sent.given, sent.visitor
        try:
            text = acting.add_lead(
                at, who.name, who.roles[0], *(given.get(name, "") for name in ("title", "text", "url", "source"))
            )
        except GuardError as error:
            sample = is_sample(at)
            return render(request, "lead.html", who, 422, fault=str(error), given=given, sample=sample)
        return back(request, "/", text)

    @app.post("/rejects")
    def answer_reject(request: Request, sent: Sent, at: At) -> Response:
        given, who = sent.given, sent.visitor
        week, relevant = given.get("week") or None, given.get("answer") == "relevant"
        try:
            answer(
                at, who.name, given.get("role", ""), given.get("post_id", ""), relevant,
                given.get("topic", ""), given.get("reason", ""),
            )  # fmt: skip
        except GuardError as error:
            page = rejects_page(at, week)
            return render(request, "rejects.html", who, 422, page=page, said="", fault=str(error))
        return back(
            request,
            "/rejects" + (f"?week={week}" if week else ""),
            "已登记，下一次整理后收录" if relevant else "已登记",
        )

    @app.post("/logs/{day}")
    def sign(request: Request, sent: Sent, at: At, day: str) -> Response:
        given = sent.given
        acting.sign_log(at, sent.visitor.name, given.get("role", ""), day, given.get("file_hash", ""))
        return back(request, "/logs", f"{day} 日志已签发")


def _each(at: Desk, sent: Posted, verb: str, steps: Sequence[tuple[str, int, Step]]) -> str:
    """Do the same for several cases; the notice for the page."""
    batch = acting.do_each(at, sent.visitor.name, sent.given.get("role", ""), steps)
    refused = "".join(f"；{number} 未{verb}：{why}" for number, why in batch.refused.items())
    return f"已{verb} {len(batch.done)} 件{refused}"


def _after(request: Request, at: Desk, done: Sequence[Event]) -> str:
    """Ask for, or answer, the approval form that goes with the events of a form; the notice for the page."""
    by_name = {event.name: event for event in done}
    if "submit" in by_name and "approve" not in by_name:
        started = approvals.start(session_token(request), requests.approval_request(at, by_name["submit"]))
        return "已报审，审批表单已发出" if started else "已报审；审批表单未能发出，请在本页登记批示"
    answered = by_name.get("approve") or by_name.get("return")
    if answered and "submit" not in by_name and (asked := requests.request_of(at, answered)):
        option = requests.APPROVAL_OPTIONS[0 if answered.name == "approve" else 1]
        opinion = str(answered.payload.get("text") or answered.payload.get("reason") or "")
        approvals.answer(session_token(request), asked, option, opinion)
    return "已登记"
