"""What is PostgreSQL's own: rights, a server that comes and goes, zones, refused characters; and that both kinds agree.

What holds for both kinds alike runs on both in test_events, test_register, test_writers and tests/notify/test_outbox.
"""

import re
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from caifeng.cases import store
from caifeng.cases.model import Actor, ConflictError, GuardError
from caifeng.cases.service import act, erase_texts, read_case, verify_chain
from caifeng.cases.store import LostError, Register
from caifeng.cli import app, main
from caifeng.core.errors import UsageError
from caifeng.core.model.notify import RetryRules
from caifeng.core.settings import Settings
from caifeng.jobs.backup import copy_register
from caifeng.jobs.base import Env
from caifeng.jobs.export_cases import export_cases
from caifeng.notify.channels import Outcome
from caifeng.notify.message import Message
from caifeng.notify.outbox import Outbox
from tests.cases.cases import ONE, START, TWO, Desk, open_register
from tests.cases.test_writers import start_writer
from tests.dags.desk_home import DAY, FOUND, NOW, make_home
from tests.notify.desk import land, notice, open_desk
from tests.postgres import Server, why_not

MONITOR, OFFICE = Actor("monitor", "m"), Actor("openness_office", "o")
WHY = "当事人依法要求删除，已核准"


@pytest.fixture
def url(postgres):
    """Address of a register with three issues on PostgreSQL."""
    address = postgres.url(postgres.database())
    with open_register(address):
        pass
    return address


def note(register, words, *, key=None, actor=MONITOR, at=START, expected=None):
    return act(register, ONE, "note", actor, {"text": words}, at, None, key, expected)


def name_of(url):
    return url.rpartition("/")[2]


# --- tables and rights -----------------------------------------------------------------------------------------------


def migrated(register, revision):
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    with register.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_a_register_with_events_is_brought_up_to_date(empty_url):
    with open_register(empty_url) as register:
        desk = Desk(register)
        desk.confirm(reason="与公报口径不同，先确认")
        kept = register.events()
        migrated(register, "0002")
    with open_register(empty_url) as register:
        assert register.events() == kept
        erase_texts(register, 1, WHY, OFFICE, desk.at)
        assert verify_chain(register) == []
        assert register.events()[0].texts is None
        migrated(register, "base")
        with pytest.raises((DBAPIError, UsageError)):
            register.events()


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", ["TRUNCATE events CASCADE", "TRUNCATE event_texts", "SELECT erase_words(1)"])
def test_the_triggers_refuse_the_owner_too(empty_url, statement):
    with open_register(empty_url) as register:
        note(register, "甲")
        with pytest.raises(DBAPIError, match="append-only"), register.engine.begin() as connection:
            connection.execute(text(statement))
        assert register.events()[0].texts == {"text": "甲"}


@pytest.fixture
def restricted(postgres, url, root):
    """The register as the account of docs/deploy.md sees it; the page's own statements made it."""
    (statements,) = re.findall(r"```sql\n(.*?)```", (root / "docs" / "deploy.md").read_text("utf8"), re.DOTALL)
    owner = Register(url)
    Outbox(owner.engine)
    owner.close()
    made = postgres.run("SELECT 1 FROM pg_roles WHERE rolname = 'caifeng_app'")
    if made:  # roles belong to the server, not to a database
        statements = statements.partition("\n")[2]
    postgres.run(statements.replace("DATABASE register", f"DATABASE {name_of(url)}"), name_of(url))
    register = Register(postgres.url(name_of(url), "caifeng_app"))
    yield register
    register.close()


def test_the_restricted_account_does_all_that_caifeng_does(restricted):
    desk = Desk(restricted)
    desk.confirm(reason="与公报口径不同，先确认")
    assert restricted.allot_numbers(["neu"], 2026, START) == {"neu": "YQ-2026-0004"}
    erase_texts(restricted, 1, WHY, OFFICE, desk.at)
    assert verify_chain(restricted) == []
    outbox = Outbox(restricted.engine)
    assert outbox.enqueue(notice(), "wecom", NOW)
    row = outbox.claim("wecom", NOW, 20)
    assert outbox.note(row, Outcome("sent"), NOW, RetryRules()).state == "sent"


#: What the owner of the tables could do, and whoever writes events every day cannot.
FORBIDDEN = (
    "UPDATE events SET actor_role = 'chief'",
    "DELETE FROM events",
    "DELETE FROM event_texts",
    "TRUNCATE event_texts",
    "UPDATE issue_numbers SET issue_no = 'YQ-2026-0009'",
    "DELETE FROM issue_numbers",
    "DELETE FROM outbox",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "DROP TRIGGER event_texts_erasure ON event_texts",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE event_texts2 (a integer)",
    "ALTER TABLE events RENAME TO other",
)


def test_the_restricted_account_can_do_nothing_else(restricted):
    note(restricted, "甲")
    for statement in FORBIDDEN:
        with pytest.raises(UsageError, match="this account may not do that"), restricted.engine.begin() as connection:
            connection.execute(text(statement))
    assert verify_chain(restricted) == []


def test_an_account_that_may_not_make_the_tables_is_one_clear_line(restricted, postgres):
    empty = postgres.database()
    with pytest.raises(
        UsageError, match=rf"register postgresql\S+caifeng_app@\S+/{empty}: .*permission denied"
    ) as told:
        Register(postgres.url(empty, "caifeng_app"))
    assert "\n" not in str(told.value)


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_form_of_the_address_leads_to_psycopg(url, form):
    register = Register(form + url.removeprefix("postgresql"))
    assert register.engine.driver == "psycopg"
    assert len(register.issue_numbers()) == 3
    register.close()


@pytest.mark.parametrize(
    "address",
    [
        "register.db",
        "postgresql:/pass:geheim@h/x",
        "mysql://u:geheim@h/x",
        "sqlite://",
        "postgresql://u:geheim@h:eins/x",
    ],
)
def test_an_address_of_no_known_form_is_one_clear_line_without_the_password(address):
    with pytest.raises(UsageError, match="postgresql://USER:PASSWORD@HOST:PORT/DATABASE") as told:
        Register(address)
    assert "geheim" not in str(told.value)
    assert "\n" not in str(told.value)


def test_no_server_is_one_clear_line_without_the_password(postgres):
    with pytest.raises(UsageError, match="cannot be opened") as told:
        Register("postgresql://u:geheim@127.0.0.1:1/x?password=geheim2")
    assert "geheim" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"pip install 'psycopg\[binary\]'"):
        Register("postgresql://u:geheim@127.0.0.1:1/x")


# --- what is kept is the same ----------------------------------------------------------------------------------------


def test_moments_come_back_in_utc_whatever_zone_the_server_lives_in(url, postgres):
    assert postgres.run("SHOW timezone") == [("Asia/Shanghai",)]
    register = Register(url)
    note(register, "甲", at=datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=8))))
    (event,) = register.events()
    assert (event.at, event.at.tzinfo) == (START, UTC)
    assert register.events(until=START) == (event,)
    assert register.events(until=START - timedelta(seconds=1)) == ()
    stored = "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM events"
    assert postgres.run(stored, name_of(url)) == [("2026-11-20 01:00",)]
    assert verify_chain(register) == []
    register.close()


def test_a_copied_register_keeps_every_moment(tmp_path, postgres):
    source, target = f"sqlite:///{tmp_path / 'register.db'}", postgres.url(postgres.database())
    east = datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=8)))
    with open_register(source) as register:
        note(register, "甲", at=east)
        assert register.allot_numbers(["d"], 2026, east) == {"d": "YQ-2026-0004"}
        outbox = Outbox(register.engine)
        assert outbox.enqueue(notice(), "wecom", east)
        events, rows = register.events(), outbox.rows()
    copy_register(source, target)
    register = Register(target)
    assert register.events() == events
    outbox = Outbox(register.engine)
    assert outbox.rows() == rows
    assert outbox.enqueue(notice("another"), "wecom", east)  # it counts on where the copy ended
    moments = "SELECT DISTINCT to_char(allotted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM issue_numbers"
    assert postgres.run(moments, name_of(target)) == [("2026-11-20 01:00",)]
    register.close()


@pytest.mark.parametrize(
    "wish",
    [
        {"words": "甲\x00乙"},
        {"words": "半个字\ud83d"},
        {"words": "甲", "key": "a\x00"},
        {"words": "甲", "key": "\udcff"},
        {"words": "甲", "key": "k" * 101},
        {"words": "甲", "actor": Actor("monitor", "m\x00")},
    ],
)
def test_what_one_kind_could_not_keep_neither_keeps(empty_url, wish):
    with open_register(empty_url) as register:
        with pytest.raises(GuardError):
            note(register, **wish)
        assert register.events() == ()


@pytest.mark.parametrize("link", ["https://www.example.gov.cn/\x00", "https://www.example.gov.cn/\ud83d"])
def test_a_link_that_cannot_be_kept_is_refused(empty_url, link):
    with open_register(empty_url) as register:
        desk = Desk(register)
        desk.confirm()
        desk.verify()
        desk.approved()
        desk.check()
        before = register.events()
        with pytest.raises(GuardError):
            desk.publish(url=link)
        assert register.events() == before


@pytest.mark.parametrize("number", ["YQ-\x00", "\ud83d", "无" * 500])
def test_a_number_that_nobody_could_have_given_is_unknown(empty_url, number):
    with open_register(empty_url) as register:
        with pytest.raises(UsageError, match="no such issue"):
            read_case(register, number)
        assert register.events(number) == ()


def test_a_message_that_does_not_fit_is_cut_and_cleaned(empty_url):
    with open_register(empty_url) as register:
        outbox = Outbox(register.engine)
        long = notice()
        hostile = Message("题\x00\ud83d" + "长" * 300, "文\x00" + "长" * 3000)
        assert outbox.enqueue(type(long)(**{**vars(long), "message": hostile}), "wecom", NOW)
        (row,) = outbox.rows()
    assert (len(row.subject), len(row.text), row.subject[:4]) == (200, 1000, "题  长")


def act_out(settings):
    """A case under way, with an erasure, in the register of these settings."""
    register = Register(settings.register_url)
    desk = Desk(register)
    desk.at = NOW.astimezone(UTC) - timedelta(hours=2)
    desk.confirm("larger", reason="与公报口径不同，先确认")
    desk.do("report_up", "openness_office", recipient="city_stats", medium="phone", round="first")
    desk.assign(reason="领域对口")
    desk.verify("partly_true")
    erase_texts(register, 1, WHY, OFFICE, desk.at)
    register.close()


@pytest.fixture
def office(tmp_path, config_copy):
    """A home with two graded issues, and a case under way in its file."""
    env = open_desk(tmp_path, config_copy)
    land(env, FOUND, {"issue_no": ONE, "level": "larger"}, {"issue_no": TWO, "level": "general"})
    settings = Settings(home=env.settings.home, config=config_copy, as_of=NOW)
    act_out(settings)
    return settings


def moved(settings, postgres):
    """The same home with its register on PostgreSQL."""
    address = postgres.url(postgres.database()).replace("postgresql:", "postgresql+psycopg:")
    assert copy_register(settings.register_url, address) > 0
    return Settings(home=settings.home, config=settings.config, as_of=NOW, CAIFENG_REGISTER_URL=address)


def test_both_kinds_export_the_same_bytes(office, postgres):
    found = []
    for settings in (office, moved(office, postgres)):
        for day in (DAY, NOW.date()):
            export_cases(Env.open(settings), day, NOW)
        files = sorted((settings.lake_dir / "cases").rglob("*.parquet"))
        found.append({file.relative_to(settings.lake_dir): file.read_bytes() for file in files})
        shutil.rmtree(settings.lake_dir / "cases")
    assert len(found[0]) == 12
    assert found[0] == found[1]


# --- at the same time, and after breaks -------------------------------------------------------------------------------


def test_who_comes_second_is_told_in_the_same_words(empty_url):
    with open_register(empty_url) as register, open_register(empty_url) as other:
        note(register, "甲", expected=0)
        with pytest.raises(ConflictError, match=r"^您打开页面之后有人先处理了这个事项，请刷新后再办$"):
            note(other, "乙", expected=0)


def test_who_waits_too_long_is_told(empty_url, monkeypatch):
    monkeypatch.setattr(store, "_LOCK_SECONDS", 1)
    with open_register(empty_url) as register, open_register(empty_url) as other:
        with register.writing(), pytest.raises(ConflictError, match=r"^登记库正忙，请稍后再试"):
            note(other, "乙")
        note(other, "乙")
        assert len(register.events()) == 1


def test_a_database_with_the_strictest_isolation_refuses_nobody(postgres, url):
    postgres.run(f"ALTER DATABASE {name_of(url)} SET default_transaction_isolation = 'serializable'")

    def write(writer):
        register = Register(url)
        try:
            register.allot_numbers([f"w{writer}"], 2026, START)
            return [note(register, f"{writer}-{n}").position for n in range(5)]
        finally:
            register.close()

    with ThreadPoolExecutor(4) as pool:
        places = sorted(place for found in pool.map(write, range(4)) for place in found)
    assert places == list(range(1, 21))


def test_a_server_that_was_restarted_between_two_calls_is_not_noticed(postgres, url):
    register = Register(url)
    outbox = Outbox(register.engine)
    note(register, "甲")
    postgres.stop()
    with pytest.raises(UsageError, match="cannot be opened") as told:
        note(register, "乙")
    assert "\n" not in str(told.value)
    postgres.start()
    note(register, "丙")
    postgres.stop()
    postgres.start()
    assert outbox.enqueue(notice(), "wecom", NOW)
    assert [event.payload["text"] for event in register.events()] == ["甲", "丙"]
    assert verify_chain(register) == []
    register.close()


def test_a_connection_that_breaks_in_the_middle_leaves_nothing_half_written(postgres, url):
    register = Register(url)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"

    def write():
        with register.writing() as book:
            _append(book, "甲")
            assert postgres.run(cut) == [(True,)]
            _append(book, "乙")

    with pytest.raises(LostError, match="登记库连接中断") as told:
        write()
    assert "\n" not in str(told.value)
    assert register.events() == ()
    note(register, "丙")
    assert [event.position for event in register.events()] == [1]
    register.close()


def _append(book, words):
    return book.append(
        ONE, "note", states=("detected", "detected"), actor=MONITOR, on_behalf=None, at=START,
        codes={}, texts={"text": words}, idempotency_key=None,
    )  # fmt: skip


def test_a_writer_that_froze_is_cut_off_and_the_others_go_on(url, monkeypatch):
    monkeypatch.setattr(store, "_FROZEN_SECONDS", 1)
    with open_register(url) as frozen, open_register(url) as other:
        began = threading.Event()

        def freeze():
            with frozen.writing() as book:
                _append(book, "冻")
                began.set()
                time.sleep(2)

        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(freeze)
            assert began.wait(20)
            note(other, "乙")
            with pytest.raises(LostError):
                writer.result()
        assert [event.payload["text"] for event in other.events()] == ["乙"]


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_five_crashes_of_the_server_lose_nothing_that_was_promised(root):
    server = Server(durable=True)
    try:
        url = server.url(server.database())
        with open_register(url):
            pass
        promised = []
        for crash in range(5):
            writer = start_writer(url, root, crash)
            time.sleep(0.2 + crash * 0.07)
            server.stop(signal.SIGQUIT)
            with writer:
                *numbers, error = writer.stdout.read().split()
            assert error in ("LostError", "UsageError")
            promised += [f"{crash}-{number}" for number in numbers]
            server.start()
            with open_register(url) as register:
                assert verify_chain(register) == []
                words = [event.payload["text"] for event in register.events(ONE)]
                assert set(promised) <= set(words)
                assert len(words) <= len(promised) + crash + 1  # at most the one that each was about to report
        assert len(promised) > 5
        assert "database system was not properly shut down" in (server.folder / "log").read_text("utf8")
    finally:
        server.remove()


# --- the whole way ---------------------------------------------------------------------------------------------------


@pytest.fixture
def case(monkeypatch):
    """The command line `caifeng case` in the home of these settings."""

    def at(settings):
        monkeypatch.setenv("CAIFENG_HOME", str(settings.home))
        monkeypatch.setenv("CAIFENG_CONFIG", str(settings.config))
        monkeypatch.setenv("CAIFENG_AS_OF", NOW.isoformat())
        monkeypatch.setenv("CAIFENG_REGISTER_URL", settings.register_url)
        return lambda *words: CliRunner().invoke(app, ["case", *words])

    return at


ADDED = "来电补充了一处细节"


def test_the_command_line_on_postgresql(office, case, postgres, monkeypatch, capsys):
    served = moved(office, postgres)
    file, call = (office.home / "register.db").read_bytes(), case(served)
    assert ONE in call("list").stdout
    assert "核查" in call("show", ONE).stdout
    acted = call("act", ONE, "note", "--role", "monitor", "--actor", "m", f"text={ADDED}")
    assert acted.exit_code == 0, acted.output
    assert ADDED in call("show", ONE).stdout
    assert call("verify").stdout == "the register is whole\n"
    assert (office.home / "register.db").read_bytes() == file

    # The superuser goes round every wall and changes one byte.
    database = name_of(served.register_url)
    assert "u53e3" in str(postgres.run("SELECT texts::text FROM event_texts WHERE position = 3", database))
    postgres.run(
        "SET session_replication_role = replica; UPDATE event_texts "
        "SET texts = replace(texts::text, 'u53e3', 'u53e4')::json WHERE position = 3",
        database,
    )
    found = call("verify")
    assert (found.exit_code, found.stdout) == (1, f"{ONE}#3: its payload was changed\n")

    postgres.stop()
    try:
        monkeypatch.setattr(sys, "argv", ["caifeng", "case", "verify"])
        with pytest.raises(SystemExit) as left:
            main()
    finally:
        postgres.start()
    said = capsys.readouterr().err
    assert (left.value.code, said.count("\n")) == (2, 1)
    assert said.startswith("caifeng: register postgresql+psycopg://")


@pytest.mark.slow
def test_the_pages_on_postgresql(root, tmp_path, case, postgres, monkeypatch):
    made = make_home(root, tmp_path)
    act_out(made)
    call = case(moved(made, postgres))
    monkeypatch.syspath_prepend(str(root / "plugins"))
    from caifeng_web import login
    from caifeng_web.app import application
    from starlette.testclient import TestClient

    pages = application()
    pages.dependency_overrides[login.signed_in] = lambda: "office"
    browser = TestClient(pages)
    try:
        assert browser.get("/").status_code == 200
        assert ADDED not in browser.get(f"/issues/{ONE}").text
        assert call("act", ONE, "note", "--role", "monitor", "--actor", "m", f"text={ADDED}").exit_code == 0
        assert ADDED in browser.get(f"/issues/{ONE}").text
        postgres.stop()
        gone = browser.get(f"/issues/{ONE}")
        assert gone.status_code >= 400
        assert "cannot be opened" in gone.text
        postgres.start()
        assert ADDED in browser.get(f"/issues/{ONE}").text
    finally:
        pages.dependency_overrides.clear()
