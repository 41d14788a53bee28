"""The register keeps everything and forgets nothing: append-only, in sequence, chained."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from caifeng.cases.model import Actor, ConflictError, GuardError, RoleError
from caifeng.cases.service import Step, act, act_all, chain_faults, erase_texts, read_case, verify_chain
from caifeng.cases.store import Register
from caifeng.core.errors import UsageError
from tests.cases.cases import ONE, START, TWO, Desk, open_register


@pytest.fixture
def register(empty_url):
    with open_register(empty_url) as register:
        yield register


@pytest.fixture
def desk(register):
    return Desk(register)


def note(register, words, *, issue_no=ONE, at=START, key=None, expected=None):
    return act(register, issue_no, "note", Actor("monitor", "m"), {"text": words}, at, None, key, expected)


def test_events_are_numbered_within_their_case_and_in_the_register(register):
    added = [note(register, "甲"), note(register, "乙", issue_no=TWO), note(register, "丙")]
    assert [event.event_id for event in added] == [f"{ONE}#1", f"{TWO}#1", f"{ONE}#2"]
    assert [event.position for event in added] == [1, 2, 3]


def test_what_is_read_is_what_was_added(desk):
    desk.confirm(reason=None)
    added = desk.do("assign", "openness_office", unit="general", reason="领域对口")
    read = desk.register.events(ONE)[-1]
    assert read == added
    assert read.at.tzinfo is not None
    assert read.payload == {"unit": "general", "reason": "领域对口"}


@pytest.mark.parametrize("table", ["events", "event_texts"])
@pytest.mark.parametrize("change", ["UPDATE {} SET position = position", "DELETE FROM {}"])
def test_the_database_refuses_to_change_or_delete(register, table, change):
    note(register, "甲")
    with pytest.raises(DBAPIError, match="append-only"), register.engine.begin() as connection:
        connection.execute(text(change.format(table)))
    assert len(register.events()) == 1


def tampered(register, statement):
    """What the chain says after somebody with the file in hand, or the superuser, went round every wall."""
    if register.engine.dialect.name == "postgresql":
        with register.engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers, no foreign keys
            assert connection.execute(text(statement.replace(":", r"\:"))).rowcount == 1
        return verify_chain(register)
    connection = sqlite3.connect(register.engine.url.database)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    assert connection.execute(statement).rowcount == 1
    connection.commit()
    connection.close()
    return verify_chain(register)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor_role = 'chief' WHERE position = 2",
        "UPDATE events SET at = '2026-11-19 00:00:00.000000' WHERE position = 2",
        'UPDATE events SET codes = \'{"unit": "rural"}\' WHERE position = 2',
        "UPDATE events SET on_behalf_role = 'chief', decided_at = at, medium = 'phone' WHERE position = 2",
        "UPDATE events SET to_state = 'closed' WHERE position = 2",
        "UPDATE events SET scan_hash = 'b' WHERE position = 2",
        "UPDATE events SET actor_id = 'x' WHERE position = 2",
        "UPDATE event_texts SET salt = 'x' WHERE position = 2",
        'UPDATE event_texts SET texts = \'{"reason": "别的话"}\' WHERE position = 2',
        "DELETE FROM events WHERE position = 2",
        "DELETE FROM events WHERE position = 1",
        "UPDATE events SET position = 9 WHERE position = 3",
    ],
)
def test_tampering_is_found(desk, statement):
    desk.confirm()
    desk.assign(reason="领域对口")
    desk.verify()
    assert verify_chain(desk.register) == []
    assert tampered(desk.register, statement) != []


ERASER = Actor("openness_office", "o")
WHY = "当事人依法要求删除，已核准"


def test_a_lawful_erasure_leaves_the_chain_whole_and_the_case_as_it_was(desk):
    desk.confirm()
    claims = [{"text": "建议公布分乡镇数据", "type": "suggestion", "finding": "none"}]
    desk.do("verify", "section", outcome="opinion_or_suggestion", basis="来电人家住某村", claims=claims)
    before = desk.case
    done = erase_texts(desk.register, 2, WHY, ERASER, desk.at)
    assert (done.event_id, done.codes) == ("erasures#1", {"position": 2})
    assert verify_chain(desk.register) == []
    assert desk.register.events(ONE)[1].texts is None
    assert desk.case == before
    assert before.owes_adoption
    with pytest.raises(DBAPIError, match="append-only"), desk.register.engine.begin() as connection:
        connection.execute(text("DELETE FROM event_texts"))


def test_words_that_are_gone_without_an_erasure_are_a_fault(desk):
    desk.confirm()
    desk.assign(reason="领域对口")
    assert tampered(desk.register, "DELETE FROM event_texts WHERE position = 2") == [
        f"{ONE}#2: its words are missing, and no erasure is registered"
    ]


@pytest.mark.parametrize("position", [9, 2])
def test_what_is_not_there_or_gone_cannot_be_erased(desk, position):
    desk.confirm()
    note(desk.register, "甲", at=desk.at)
    if position == 2:
        erase_texts(desk.register, 2, WHY, ERASER, desk.at)
    events = desk.register.events()
    with pytest.raises(UsageError, match="no words to erase"):
        erase_texts(desk.register, position, WHY, ERASER, desk.at)
    assert desk.register.events() == events


def test_an_erasure_has_a_reason_and_is_no_matter_of_the_sections(desk):
    desk.confirm()
    with pytest.raises(GuardError):
        erase_texts(desk.register, 1, "删", ERASER, desk.at)
    with pytest.raises(RoleError):
        erase_texts(desk.register, 1, WHY, Actor("section", "s"), desk.at)
    assert desk.register.events()[0].texts is not None


def test_a_swapped_event_is_found(register):
    events = [note(register, "甲"), note(register, "乙")]
    assert chain_faults(events) == []
    assert chain_faults(events[::-1]) != []


def test_the_same_payload_does_not_give_the_same_hash(register):
    first, second = note(register, "甲"), note(register, "甲")
    assert first.payload_hash != second.payload_hash


def test_an_approval_that_arrives_twice_is_one_event(register):
    first = note(register, "同意", key="run-7")
    assert note(register, "同意", key="run-7", at=START + timedelta(hours=1)) == first
    assert len(register.events()) == 1
    with pytest.raises(ConflictError, match="run-7"):
        note(register, "不同意", key="run-7")
    with pytest.raises(ConflictError, match="run-7"):
        note(register, "同意", key="run-7", issue_no=TWO)


def test_who_acts_on_an_old_page_is_told(register):
    note(register, "甲", expected=0)
    with pytest.raises(ConflictError, match="刷新"):
        note(register, "乙", expected=0)
    note(register, "乙", expected=1)
    assert read_case(register, ONE).sequence == 2


def test_a_form_is_kept_whole_or_not_at_all(register):
    steps = [
        Step("confirm", {"level": "general", "suggested_level": "general"}),
        Step("close", {}),
    ]
    with pytest.raises(GuardError):
        act_all(register, ONE, steps, Actor("openness_office", "o"), START)
    assert register.events() == ()


def test_time_does_not_run_backwards_in_a_case(register):
    note(register, "甲", at=START)
    with pytest.raises(GuardError, match="时钟"):
        note(register, "乙", at=START - timedelta(hours=1))
    note(register, "别的事项", issue_no=TWO, at=START - timedelta(hours=1))


def test_a_moment_keeps_its_instant_whatever_its_zone(register):
    note(register, "甲", at=datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=8))))
    assert register.events()[0].at == datetime(2026, 11, 20, 1, tzinfo=UTC)
    assert verify_chain(register) == []


def test_writers_at_once_neither_lose_an_event_nor_fork_the_chain(empty_url):
    url = empty_url
    with open_register(url):
        pass

    def write(writer: int) -> list[int]:
        register = Register(url)
        try:
            return [note(register, f"{writer}-{i}", issue_no=(ONE, TWO)[i % 2]).position for i in range(10)]
        finally:
            register.close()

    with ThreadPoolExecutor(6) as pool:
        positions = sorted(p for found in pool.map(write, range(6)) for p in found)
    assert positions == list(range(1, 61))
    register = Register(url)
    assert verify_chain(register) == []
    for issue_no in (ONE, TWO):
        assert [event.sequence for event in register.events(issue_no)] == list(range(1, 31))
    register.close()


def test_of_two_people_at_once_one_wins_and_the_other_is_told(empty_url):
    url = empty_url
    with open_register(url):
        pass

    def confirm(level: str) -> str:
        register = Register(url)
        try:
            payload = {"level": level, "suggested_level": level}
            act(register, ONE, "confirm", Actor("monitor", level), payload, START, expected=0)
        except ConflictError:
            return "conflict"
        finally:
            register.close()
        return level

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(confirm, ["general", "larger", "major", "extreme"]))
        if "conflict" in outcomes:
            break
    assert outcomes.count("conflict") == 3
    register = Register(url)
    assert [event.name for event in register.events(ONE)] == ["confirm"]
    register.close()


def test_the_unique_constraint_is_the_last_wall(register):
    """A writer that does not go through the service cannot take a place twice either."""
    note(register, "甲")
    with pytest.raises(DBAPIError), register.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO events (position, subject, sequence, name, actor_role, actor_id, at, codes, payload_hash,"
                " previous_hash, hash) SELECT 2, subject, sequence, name, actor_role, actor_id, at, codes,"
                " payload_hash, previous_hash, 'x' FROM events"
            )
        )
    assert len(register.events()) == 1
