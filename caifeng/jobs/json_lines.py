"""Reading and writing of JSON lines, strictly: what every `--json` verb shares."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any


class LineError(Exception):
    """A line that cannot be used; `key` is what names the line, as far as it could be read."""

    def __init__(self, key: str | None, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(reason)


def parse_object(line: str, key_field: str, fields: Collection[str]) -> tuple[str | None, dict[str, Any]]:
    """Read one JSON object with known fields only.

    Args:
        line: the text.
        key_field: field whose string names the line in an error.
        fields: names that may occur.

    Returns:
        The key (null if it is missing or no string) and the object.

    Raises:
        LineError: not JSON, no object, a field given twice or unknown; "field: reason".
    """
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated.extend(key for key in record if keys.count(key) > 1)
        return record

    try:
        record = json.loads(line, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise LineError(None, "line: not valid JSON") from error
    if not isinstance(record, dict):
        raise LineError(None, "line: not a JSON object")
    value = record.get(key_field)
    key = value if isinstance(value, str) and is_text(value) else None
    if repeated:
        raise LineError(key, f"{repeated[0]}: given twice")
    if unknown := [name for name in record if name not in fields]:
        raise LineError(key, f"{unknown[0]}: unknown field")
    return key, record


def read_texts(lines: Iterable[str], fields: Sequence[str]) -> list[dict[str, Any]]:
    """Read lines of `{id, …}` whose other fields are texts; blank lines are passed over.

    Args:
        lines: JSON objects; the id is a string or an integer.
        fields: names of the texts; all must be there, and nothing else.

    Returns:
        Each object as it came, or `{"id", "error"}` with "field: reason" (id null where it cannot be read).
    """
    return [_read_text(line, fields) for line in lines if line.strip()]


def _read_text(line: str, fields: Sequence[str]) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"line: not JSON: {error}"}
    if not isinstance(entry, dict):
        return {"id": None, "error": "line: not a JSON object"}
    given = entry.get("id")
    id_ok = isinstance(given, str | int) and not isinstance(given, bool) and _is_writable(given)
    if problem := _problem(entry, ("id", *fields), id_ok=id_ok):
        return {"id": given if id_ok else None, "error": problem}
    return entry


def _problem(entry: dict[str, Any], fields: Sequence[str], *, id_ok: bool) -> str | None:
    for field in fields:
        if field not in entry:
            return f"{field}: missing"
    if not id_ok:
        return "id: neither a string nor an integer"
    for field in fields[1:]:
        if not isinstance(entry[field], str):
            return f"{field}: not a string"
        if not is_text(entry[field]):
            return f"{field}: not valid Unicode"
    unknown = next((field for field in entry if field not in fields), None)
    return None if unknown is None else f"{unknown if is_text(unknown) else 'field'}: unknown field"


def _is_writable(given: str | int) -> bool:
    try:
        return is_text(str(given))
    except ValueError:  # an integer of thousands of digits
        return False


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON may smuggle in half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_line(answer: dict[str, Any]) -> str:
    """One line of JSON, Chinese as it is, what cannot be written replaced."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf8", "replace").decode("utf8")
