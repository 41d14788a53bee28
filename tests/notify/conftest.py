"""The outbox stands beside the register, in a database of either kind (tests/postgres.py)."""

from tests.postgres import empty_url, postgres, postgres_server

__all__ = ["empty_url", "postgres", "postgres_server"]
