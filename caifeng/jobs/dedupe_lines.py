"""JSON lines in, repost groups out: `caifeng dedupe --json`."""

from collections.abc import Iterable, Sequence

import polars as pl

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.text.identity import content_hash
from caifeng.core.text.normalise import reading_form
from caifeng.jobs.json_lines import read_texts, to_line
from transforms.understand.reposts import clip, find_copies

_TEXTS = ("text",)


def dedupe_lines(lines: Iterable[str], rules: GroupingRules, places: Sequence[str] = ()) -> tuple[list[str], bool]:
    """Say of each text which others say the same.

    Args:
        lines: JSON objects `{id, text}`; the id is a string or an integer and is echoed; blank lines are passed over.
        rules: how like is the same.
        places: names of places (`caifeng.jobs.reposts.place_names`).

    Returns:
        One JSON line per input line, in input order, and whether every line could be read. A good line gives `id` and
        `group_id`, the smallest id of its group: by number if all ids are integers, else as strings. A bad one gives
        `{"id", "error"}` with "field: reason" (id null where it cannot be read), and the others go on. The
        order of the lines does not matter.
    """
    parsed = read_texts(lines, _TEXTS)
    good = [entry for entry in parsed if "error" not in entry]
    ids = [entry["id"] for entry in good]
    numeric = all(isinstance(given, int) for given in ids)
    order = sorted(range(len(good)), key=lambda i: ids[i] if numeric else (str(ids[i]), isinstance(ids[i], str)))
    firsts = _first_of_group([good[i]["text"] for i in order], rules, places)
    groups = dict(zip(order, (ids[order[first]] for first in firsts), strict=True))
    numbered = iter(range(len(good)))
    answers = [e if "error" in e else {"id": e["id"], "group_id": groups[next(numbered)]} for e in parsed]
    return [to_line(answer) for answer in answers], len(good) == len(parsed)


def _first_of_group(texts: list[str], rules: GroupingRules, places: Sequence[str]) -> list[int]:
    """Position of the representative of each text; texts come in the order of their rank."""
    raw = pl.DataFrame({"raw": texts}, schema={"raw": pl.String}).with_row_index("row")
    read = raw.with_columns(text=clip(reading_form(pl.col("raw"))))
    # texts of marks and pictures only are the same only if they are the same
    said = pl.col("text").str.contains(r"[\p{L}\p{N}]")
    hashed = content_hash(pl.lit(""), pl.col("text"))
    keyed = read.with_columns(key=pl.when(said).then(pl.lit("t") + hashed).otherwise(pl.lit("r") + pl.col("raw")))
    different = keyed.unique("key", keep="first", maintain_order=True)
    parents = find_copies(different["text"], 0, rules, places)["parent"]
    rows = different.select("key", first=different["row"].gather(parents))
    return keyed.join(rows, on="key", how="left", maintain_order="left")["first"].to_list()
