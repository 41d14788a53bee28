"""Issue numbers: given once, in order, never changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from caifeng.cases.store import Register, metadata
from caifeng.core.errors import UsageError

AT = datetime(2026, 11, 22, 16, tzinfo=UTC)


@pytest.fixture
def register(empty_url):
    register = Register(empty_url)
    yield register
    register.close()


def test_numbers_follow_the_given_order(register):
    numbers = register.allot_numbers(["b", "a"], 2026, AT)
    assert numbers == {"b": "YQ-2026-0001", "a": "YQ-2026-0002"}


def test_a_known_key_keeps_its_number_and_a_new_one_goes_on(register):
    register.allot_numbers(["a", "b"], 2026, AT)
    assert register.allot_numbers(["c", "b"], 2026, AT) == {"b": "YQ-2026-0002", "c": "YQ-2026-0003"}


def test_a_repeated_key_gets_one_number(register):
    assert register.allot_numbers(["a", "a", "b"], 2026, AT) == {"a": "YQ-2026-0001", "b": "YQ-2026-0002"}


def test_each_year_counts_from_one_but_a_key_is_never_numbered_twice(register):
    register.allot_numbers(["a"], 2026, AT)
    assert register.allot_numbers(["a", "b"], 2027, AT) == {"a": "YQ-2026-0001", "b": "YQ-2027-0001"}


def test_two_writers_at_once_never_share_a_number(empty_url):
    url = empty_url

    def allot(writer: int) -> dict[str, str]:
        register = Register(url)
        try:
            return {k: v for i in range(10) for k, v in register.allot_numbers([f"{writer}-{i}"], 2026, AT).items()}
        finally:
            register.close()

    with ThreadPoolExecutor(4) as pool:
        given = [number for numbers in pool.map(allot, range(4)) for number in numbers.values()]
    assert len(given) == 40
    assert len(set(given)) == 40


def test_migrations_make_exactly_the_declared_tables(register):
    with register.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_unusable_place_is_one_clear_error(tmp_path):
    (tmp_path / "register.db").mkdir()
    with pytest.raises(UsageError, match="cannot be opened"):
        Register(f"sqlite:///{tmp_path / 'register.db'}")
