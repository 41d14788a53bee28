"""docs/gates.md: every rule of every gate, made from the suites."""

from __future__ import annotations

from collections.abc import Mapping

from caifeng.core.contracts import Contract
from expectations import log_calendar, source_profile
from expectations.baseline import structure_rule
from expectations.rule import Rule
from expectations.suite import suite

#: The invariants of the domain (Great Expectations invariants), and the rules that hold them: table, or * for every
#: table with such columns, and name.
INVARIANTS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("an issue number is unique", (("graded.issues", "one_row_per_grain"), ("cases.cases", "one_row_per_grain"))),
    ("due at or after detection", (("*", "due_after_start"),)),
    ("states in a legal order", (("cases.events", "legal_step"), ("cases.events", "states_in_order"))),
    (
        "nothing is answered without address or channel",
        (("cases.cases", "answered_means_published"), ("cases.responses", "has_address")),
    ),
    (
        "the level is one of the set, and the highest of score and overrides, unless a person said otherwise",
        (
            ("graded.issue_grades", "known_values"),
            ("graded.issue_grades", "level_follows"),
            ("cases.cases", "people_go_first"),
            ("cases.events", "changed_to_a_level"),
            ("marts.grade_audit", "sql_agrees"),
        ),
    ),
    ("the score re-adds within 0.05", (("graded.issue_grades", "total_re_adds"),)),
    (
        "null is not zero for counts",
        (("graded.issue_grades", "coverage_counts_known"), ("graded.measure_evidence", "unknown_is_said")),
    ),
    ("published at most 10 minutes after it was found", (("*", "published_before_found"),)),
    ("no phone, citizen, card or plate number in any published table", (("*", "no_personal_data"),)),
    ("a log for every calendar day", (("marts.daily_summary", "one_row_a_day"), ("calendar", "log_every_day"))),
    ("levels add up to issues", (("marts.daily_summary", "levels_add_up"),)),
    ("fewer than 15 % without a topic of their own", (("graded.posts", "few_fall_back"),)),
    ("a decision of robots.txt for every fetch", (("ops.fetches", "robots_decided"),)),
)


def gates_page(contracts: Mapping[str, Contract]) -> str:
    """The page in Markdown: the invariants with their rules, then all rules by table."""
    tables = rules_by_table(contracts)
    lines = [
        "# Gates",
        "",
        "Made from the suites (`expectations/`) by `caifeng gates`. What a gate finds is in `ops.quality`, and on the",
        "page `data-docs/index.html`. **fail** stops the day, **quarantine** sets the row aside (`clean.quarantine`),",
        "**warn** is logged. Each table also has the rules that follow from its contract: columns and types, one row",
        "per grain, not null, known values, ranges; they are counted here, and named in the",
        "[data dictionary](data-dictionary.md).",
        "",
        "## Invariants",
        "",
        "| invariant | rules |",
        "|---|---|",
        *(f"| {words} | {', '.join(f'`{t}` {name}' for t, name in named)} |" for words, named in INVARIANTS),
        "",
        "## Rules",
        "",
        "| table | rule | columns | if broken | who | why |",
        "|---|---|---|---|---|---|",
    ]
    derived = ("columns_and_types", "one_row_per_grain", "not_null", "known_values", "in_range")
    for table, rules in tables.items():
        counted = sum(rule.name in derived for rule in rules)
        lines += [f"| `{table}` | {counted} from the contract | | | | |"] if counted else []
        lines += [
            f"| `{table}` | {r.name} | {r.column_name} | {_IF_BROKEN[r.on_fail]} | {r.owner} | {r.reason} |"
            for r in rules
            if r.name not in derived
        ]
    return "\n".join(lines) + "\n"


def rules_by_table(contracts: Mapping[str, Contract]) -> dict[str, tuple[Rule, ...]]:
    """All rules, by table; those of sources and of the calendar under `sources` and `calendar`."""
    found = {table: (structure_rule(contract), *suite(contract)) for table, contract in contracts.items()}
    return {**found, "sources": source_profile.rules(), "calendar": log_calendar.rules()}


_IF_BROKEN = {"stop": "fail", "quarantine": "quarantine", "log": "warn"}
