"""Fixtures of the register: an empty database of each kind (tests/postgres.py)."""

from tests.postgres import empty_url, postgres, postgres_server

__all__ = ["empty_url", "postgres", "postgres_server"]
