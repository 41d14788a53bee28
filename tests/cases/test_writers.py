"""Many people at once, and processes killed in the middle: nothing is lost, no case forks, the chain is whole."""

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from caifeng.cases.model import Actor, ConflictError
from caifeng.cases.service import act, verify_chain
from caifeng.cases.store import Register
from tests.cases.cases import ONE, START, TWO, open_register

WRITERS = 50


@pytest.fixture
def url(empty_url):
    """Address of a register with three issues."""
    with open_register(empty_url):
        pass
    return empty_url


def note(register, words, issue_no, key=None, expected=None):
    return act(register, issue_no, "note", Actor("monitor", "m"), {"text": words}, START, None, key, expected)


@pytest.mark.slow
def test_fifty_writers_lose_nothing_and_fork_nothing(url):
    each = 4

    def write(writer: int) -> list[int]:
        register = Register(url)
        try:
            return [note(register, f"{writer}-{i}", (ONE, TWO)[i % 2]).position for i in range(each)]
        finally:
            register.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        positions = sorted(place for found in pool.map(write, range(WRITERS)) for place in found)
    assert positions == list(range(1, WRITERS * each + 1))
    register = Register(url)
    assert verify_chain(register) == []
    for issue_no in (ONE, TWO):
        assert [event.sequence for event in register.events(issue_no)] == list(range(1, WRITERS * each // 2 + 1))
    words = {event.payload["text"] for event in register.events()}
    assert words == {f"{writer}-{i}" for writer in range(WRITERS) for i in range(each)}
    register.close()


@pytest.mark.slow
def test_of_fifty_on_the_same_page_one_wins(url):
    def confirm(writer: int) -> str:
        register = Register(url)
        try:
            note(register, str(writer), ONE, expected=0)
        except ConflictError:
            return "told"
        finally:
            register.close()
        return "won"

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = list(pool.map(confirm, range(WRITERS)))
    assert (outcomes.count("won"), outcomes.count("told")) == (1, WRITERS - 1)


_WRITE_ON = """
import sys
from caifeng.core.errors import CaifengError
from tests.cases.test_writers import ONE, Register, note
register = Register(sys.argv[1])
print("writing", flush=True)
try:
    for number in range(100000):
        note(register, f"{sys.argv[2]}-{number}", ONE)
        print(number, flush=True)
except CaifengError as error:
    print(type(error).__name__, flush=True)
"""


def start_writer(url, root, run):
    """A process that writes on and on, and says so after each event."""
    command = [sys.executable, "-c", _WRITE_ON, url, str(run)]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    return process


def killed(url, root, run, after):
    """A writer that is killed after so many seconds; how many events it was told are kept."""
    process = start_writer(url, root, run)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    with process:
        return len(process.stdout.read().split())


@pytest.mark.slow
def test_fifty_kills_leave_the_chain_whole(url, root):
    chance = random.Random(7)
    promised = sum(killed(url, root, run, chance.uniform(0, 0.15)) for run in range(50))
    register = Register(url)
    assert verify_chain(register) == []
    events = register.events(ONE)
    assert promised > 0
    assert promised <= len(events) <= promised + 50  # at most the one that each was about to report
    assert all(event.texts is not None for event in events)
    register.close()


def test_one_kill_leaves_the_chain_whole(url, root):
    promised = killed(url, root, 0, 0.2)
    register = Register(url)
    assert verify_chain(register) == []
    assert promised <= len(register.events(ONE)) <= promised + 1
    register.close()
