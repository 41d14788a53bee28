"""Rules that follow from the names of columns: the same name means the same thing in every table."""

from __future__ import annotations

import polars as pl

from caifeng.core.contracts import Contract
from caifeng.core.text.scrub import PII_PATTERNS, find_pii
from expectations.baseline import row_policy
from expectations.rule import OnFail, Rule, expects, holds

#: Clocks of sites and ours differ by minutes.
CLOCK_SKEW = pl.duration(minutes=10)

#: Column -> (name of the rule, pattern, reason).
_FORMS = {
    "post_id": ("is_post_id", r"^[0-9a-f]{16}$", "16 hex digits of the SHA-256 of the canonical address"),
    "origin_post_id": ("is_post_id", r"^[0-9a-f]{16}$", "16 hex digits of the SHA-256 of the canonical address"),
    "text_hash": ("is_hash", r"^[0-9a-f]{16}$", "16 hex digits over title and body; duplicates are found by it"),
    "issue_no": ("is_issue_number", r"^YQ-\d{4}-\d{4,}$", "numbers come from the register and nowhere else"),
    "url": (
        "is_address",
        r"^(?:https?://[^\s/]|inbox:\S+/[0-9a-f]{16}$)",
        "it leads a reader to the page or the entry",
    ),
}
#: Columns with words of others, or of people in the office; a closed set of codes holds no words.
_WORDS = ("title", "text", "summary", "detail", "excerpt", "note", "reason", "explanation")
#: Where the clock of a duty starts, the first that a table has.
_STARTS = ("detected_at", "started_at")

#: Our own names of repost groups; one in 800 has a row of digits that reads like a telephone number.
_GROUP_ID = r"\bg[0-9a-f]{16}\b"
_LONG_NUMBER = r"[0-9０-９][0-9０-９ \u00a0\u3000\-－—]{13,}[0-9０-９XxＸｘ]"


def common_rules(contract: Contract) -> tuple[Rule, ...]:
    """Forms of identifiers and addresses, no personal data, times in their order."""
    policy, names = row_policy(contract), contract.names
    rules = [
        expects(
            "expect_column_values_to_match_regex",
            column,
            name=name,
            reason=reason,
            on_fail=policy,
            screen=pl.col(column).str.contains(pattern),
            regex=pattern,
        )
        for column, (name, pattern, reason) in _forms(contract).items()
    ]
    rules += [
        holds(
            ~has_personal_data(column),
            column,
            name="no_personal_data",
            reason="个人信息保护法 Art. 6, 网络数据安全管理条例 Art. 24: what is not needed is not kept",
            on_fail=policy,
        )
        for column in _WORDS
        if any(c.name == column and c.values is None for c in contract.columns)
    ]
    if {"published_at", "first_fetched_at"} <= set(names):
        rules.append(published_before_found("published_at", "first_fetched_at", policy))
    if {"published_at", "published_precision"} <= set(names):
        rules += _precision_rules(policy)
    start = next((name for name in _STARTS if name in names), None)
    rules += [
        expects(
            "expect_column_pair_values_a_to_be_greater_than_b",
            due,
            start,
            name="due_after_start",
            reason="a limit runs from detection or reopening (国办发〔2016〕61号: 24 and 48 hours)",
            on_fail=policy,
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        )
        for due in names
        if due.endswith("due_at") and start
    ]
    return tuple(rules)


def published_before_found(published: str, found: str, on_fail: OnFail = "stop") -> Rule:
    """Nothing is found before it is published; cleaning makes later times unknown."""
    return holds(
        pl.col(published) <= pl.col(found) + CLOCK_SKEW,
        published,
        found,
        name="published_before_found",
        reason="nothing is found before it is published; cleaning makes later times unknown",
        on_fail=on_fail,
    )


def has_personal_data(column: str) -> pl.Expr:
    """Whether personal data stand in a text: the patterns of the scrubber, read anew by another engine.

    The patterns are joined into one, six times as fast as one after the other. Citizen numbers and bank cards
    need their checksum, so texts with a number that long, which are few, are looked at one by one.
    """
    joined = "|".join(f"(?m:{pattern})" for pattern in PII_PATTERNS.values())
    words = pl.col(column).str.replace_all(_GROUP_ID, "") if column == "detail" else pl.col(column)
    return words.str.contains(joined) | words.map_batches(
        _has_card_number, return_dtype=pl.Boolean, is_elementwise=True
    )


def _has_card_number(texts: pl.Series) -> pl.Series:
    long = texts.str.contains(_LONG_NUMBER).fill_null(value=False)
    if not long.any():
        return long
    found = texts.filter(long).map_elements(
        lambda text: not {"id_card", "bank_card"}.isdisjoint(find_pii(text)), return_dtype=pl.Boolean
    )
    return long.scatter(long.arg_true(), found)


def _forms(contract: Contract) -> dict[str, tuple[str, str, str]]:
    forms = {column: form for column, form in _FORMS.items() if column in contract.names}
    if contract.table == "ops.fetches":  # an imported file is on record as a fetch
        name, pattern, reason = forms["url"]
        forms["url"] = (name, f"{pattern}|^file:.", reason)
    return forms


def _precision_rules(policy: OnFail) -> list[Rule]:
    published, precision = pl.col("published_at"), pl.col("published_precision")
    midnight = published.dt.convert_time_zone("Asia/Shanghai").dt.time() == pl.time(0)
    return [
        holds(
            (precision == "unknown") == published.is_null(),
            "published_at",
            "published_precision",
            name="precision_fits_time",
            reason="null is unknown: an unknown time has no precision, a known one has",
            on_fail=policy,
        ),
        holds(
            (precision != "day") | midnight,
            "published_at",
            "published_precision",
            name="day_means_midnight",
            reason="00:00 Shanghai time stands for a day; another hour would be invented",
            on_fail="log",
            owner="monitor",
        ),
    ]
