"""What leaves through the pages as a file: only files of the lists, each noted by role before it is sent."""

import re
import shutil
from hashlib import sha256
from urllib.parse import quote

import polars as pl
import pytest

from caifeng.core.clock import business_day
from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env
from caifeng.jobs.review import review_period
from tests.dags.desk_home import DAY
from tests.dags.test_plugin import asked, browse, home, pristine, web

__all__ = ["asked", "browse", "home", "pristine", "web"]

CODE = f"{DAY:%Y-%m}"


@pytest.fixture(scope="session")
def reviewed(pristine, tmp_path_factory):
    """Outputs of the review of the month of that home."""
    folder = tmp_path_factory.mktemp("reviewed") / "desk"
    shutil.copytree(pristine, folder)
    as_of = parse_as_of("2026-11-21T08:30:00+08:00")
    settings = Settings(home=folder / "home", config=folder / "config", as_of=as_of)
    review_period(Env.open(settings), CODE)
    return settings.outputs_dir


@pytest.fixture
def office(browse, home, reviewed):
    """The office's account, in a home with a review."""
    for name in ("review", "dashboard"):
        shutil.copytree(reviewed / name, home.outputs_dir / name)
    return browse("office")


def exports(settings):
    env = Env.open(settings)
    return env.lake.read("ops.exports", business_day(env.now())).sort("at", "export_id")


def test_every_download_of_the_pages_is_noted_with_the_hash_of_what_was_sent(office, home):
    pages = office.get("/logs").text + office.get("/issues").text + office.get("/escalations").text
    links = re.findall(r'href="([^"]+)" download', pages)
    sent = {}
    for link in dict.fromkeys(links):
        reply = office.get(link)
        assert reply.status_code == 200, link
        assert reply.headers["content-disposition"].startswith("attachment"), link
        sent[sha256(reply.content).hexdigest()] = link
    noted = exports(home)
    assert noted["file_hash"].sort().to_list() == sorted(sent)
    assert set(noted["role"]) == {"monitor"}
    suffixes = {link.rpartition(".")[2] for link in links}
    assert suffixes == {"docx", "xlsx", "csv", "parquet", "md"}
    assert len(links) > 20


def test_rows_of_data_sets_are_counted_and_their_names_say_the_period(office, home):
    folder = home.outputs_dir / "review" / CODE
    for suffix in ("parquet", "csv"):
        office.get(f"/reviews/{CODE}/review_issues.{suffix}")
    noted = exports(home)
    held = pl.read_parquet(folder / "review_issues.parquet").height
    assert held > 1
    assert noted["rows"].to_list() == [held, held]
    assert noted["what"].to_list() == [f"{CODE} review_issues.parquet", f"{CODE} review_issues.csv"]


def test_what_is_looked_at_is_no_download(office, home):
    page = office.get("/logs").text
    [link] = re.findall(rf'href="(/reviews/{CODE}/dashboard.html)">看板', page)
    reply = office.get(link)
    assert "echarts" in reply.text
    assert reply.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "content-disposition" not in reply.headers
    assert exports(home).is_empty()


def test_what_cannot_be_noted_does_not_leave(office, web, monkeypatch):
    def full(*_):
        raise UsageError("the home cannot be written")

    link = f"/files/{DAY}/{quote('政务舆情日志.docx')}"
    assert office.get(link).content[:2] == b"PK"
    monkeypatch.setattr(web["app"].files, "log_export", full)
    reply = office.get(link)
    assert reply.status_code == 404
    assert b"PK" not in reply.content


def test_only_files_of_a_review_are_handed_out(office, home):
    folder = home.outputs_dir / "review" / CODE
    secret = home.home / "outputs" / "secret.docx"
    secret.write_text("secret")
    (folder / "link.docx").symlink_to(secret)
    (folder / ".hidden.docx").write_text("secret")
    (folder / "notes.py").write_text("secret")
    swept = 0
    for path in (
        f"/reviews/{CODE}/link.docx",
        f"/reviews/{CODE}/.hidden.docx",
        f"/reviews/{CODE}/notes.py",
        f"/reviews/{CODE}/..%2f..%2fsecret.docx",
        f"/reviews/{CODE}/none.docx",
        "/reviews/2026-13/dashboard.html",
        "/reviews/2025-01/dashboard.html",
        "/reviews/..%2f../secret.docx",
        "/reviews/x/review_issues.csv",
    ):
        reply = office.get(path)
        assert reply.status_code == 404, path
        assert "secret" not in reply.text
        swept += 1
    assert swept == 9
    assert exports(home).is_empty()
    shown = office.get("/logs").text
    assert not any(name in shown for name in ("link.docx", ".hidden.docx", "notes.py"))


def test_before_the_first_review_the_page_says_so(browse):
    assert "还没有定期评议" in browse("office").get("/logs").text
