"""The log of what left through our pages as a file: ops.exports."""

from __future__ import annotations

import hashlib
from datetime import UTC

import polars as pl

from caifeng.core import clock
from caifeng.core.errors import UsageError
from caifeng.core.text.scrub import scrub
from caifeng.jobs.base import Env

_MAX_NAME = 120


def log_export(env: Env, who_role: str, what: str, rows: int | None, file_hash: str) -> str:
    """Note one download, before it is sent: what cannot be logged does not leave.

    Args:
        env: environment; its clock gives the moment.
        who_role: role in which it was asked for; never an account or a name.
        what: name of the list, document or data set, with its day or month; scrubbed, at most 120 characters.
        rows: rows it holds; null for a document or workbook.
        file_hash: SHA-256 of the bytes that are sent, 64 hex digits.

    Returns:
        Id of the entry.

    Raises:
        UsageError: no role, no SHA-256, or the home cannot be written.
    """
    roles = {role.id for role in env.settings.office().roles}
    if who_role not in roles:
        raise UsageError(f"export log: {who_role!r} is no role of config/units.toml; nothing was sent")
    if len(file_hash) != 64 or set(file_hash) - set("0123456789abcdef"):
        raise UsageError(f"export log: {file_hash!r} is no SHA-256")
    at = env.now()
    name = scrub(what)[:_MAX_NAME]
    digest = hashlib.sha256(f"{who_role}|{name}|{rows}|{file_hash}".encode()).hexdigest()[:12]
    entry = f"{at.astimezone(UTC):%Y%m%dT%H%M%S%f}-{digest}"
    row = {"export_id": entry, "role": who_role, "what": name, "rows": rows, "file_hash": file_hash, "at": at}
    frame = pl.DataFrame([row], schema=env.contracts["ops.exports"].polars_schema())
    env.lake.replace("ops.exports", clock.business_day(at), frame, entry)
    return entry
