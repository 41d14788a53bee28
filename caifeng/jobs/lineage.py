"""Where a table comes from and where it goes: docs/lineage.md and `caifeng lineage`.

Of marts the lineage is read off their SELECTs, to the column. What jobs read and write is declared here, in `FLOWS`;
tests/e2e/test_lineage.py compares it with what the jobs of the sample town were seen to do (ops.runs), and
tests/unit/test_lineage_flows.py with the tables that the jobs' code names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from caifeng.core.contracts import Contract
from caifeng.core.errors import UsageError
from caifeng.core.warehouse import mart_queries, tables_read


class Flow(NamedTuple):
    """A job, or a part of one, and the tables of the lake that it reads and writes."""

    job: str
    """Its module, caifeng.jobs.<job>."""
    what: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    stage: str | None = None
    """Stage of the day that it is or belongs to; none: it runs at a time of its own."""


#: Marts are left out: the job `marts` makes them by their SELECTs. So are the gates' findings: every job that writes
#: writes ops.quality and clean.quarantine, too.
FLOWS = (
    Flow("crawl", "lands what the crawlers read", ("ops.fetches",), ("raw.posts", "ops.fetches", "ops.sources")),
    Flow("reparse", "reads stored pages anew", ("raw.posts", "ops.fetches"), ("raw.posts",)),
    Flow(
        "clean",
        "what can be read, and its measures",
        ("raw.posts", "ops.sources", "ops.objections", "clean.posts"),
        ("clean.posts", "clean.post_metrics", "clean.answers", "clean.rejects", "ops.sources"),
        "clean",
    ),
    Flow(
        "understand",
        "relevance, topics, place, stance; what others did well",
        ("clean.posts", "ops.sources"),
        ("graded.posts", "clean.rejects", "ops.topics", "ops.practices"),
        "understand",
    ),
    Flow(
        "reposts",
        "which posts repeat a text",
        ("graded.posts", "clean.repost_bands"),
        ("clean.repost_bands",),
        "cluster",
    ),
    Flow(
        "cluster",
        "repost groups, issues and their numbers",
        ("graded.posts", "graded.issue_posts", "graded.issues", "clean.post_metrics"),
        ("clean.repost_groups", "graded.issue_posts", "graded.issues"),
        "cluster",
    ),
    Flow(
        "bursts",
        "sudden growth of a topic, a place, an issue",
        ("graded.posts", "clean.posts", "clean.repost_groups", "graded.issue_posts", "clean.post_metrics"),
        ("graded.bursts", "ops.releases"),
        "cluster",
    ),
    Flow(
        "grade",
        "five factors and the level",
        ("graded.issues", "graded.issue_posts", "graded.posts", "clean.post_metrics"),
        ("graded.issue_grades", "graded.measure_evidence", "ops.grading_rules"),
        "grade",
    ),
    Flow(
        "standing",
        "the level over time",
        ("graded.issue_grades", "graded.issue_levels"),
        ("graded.issue_levels",),
        "grade",
    ),
    Flow(
        "early_warning",
        "early warnings",
        ("graded.issues", "graded.issue_levels", "graded.bursts", "graded.alerts"),
        ("graded.alerts",),
        "grade",
    ),
    Flow(
        "rule_sensitivity",
        "levels under other weights",
        ("graded.issue_grades", "ops.rule_sensitivity"),
        ("ops.rule_sensitivity",),
        "grade",
    ),
    Flow(
        "reconcile",
        "whether every row is accounted for",
        (
            *("raw.posts", "ops.fetches", "clean.posts", "clean.post_metrics", "clean.rejects", "clean.quarantine"),
            *("clean.repost_groups", "graded.posts", "graded.issue_posts", "graded.issues", "graded.issue_grades"),
        ),
        ("ops.reconciliation",),
        "load",
    ),
    Flow(
        "export_cases",
        "what people decided, from the register",
        ("graded.issues", "graded.issue_grades", "graded.issue_levels"),
        ("cases.cases", "cases.due", "cases.events", "cases.claims", "cases.responses", "cases.hand_offs"),
        "load",
    ),
    Flow(
        "answers",
        "answers on our own pages, and their effect",
        (
            *("cases.cases", "cases.responses", "clean.answers", "clean.posts", "graded.issue_posts", "graded.issues"),
            *("graded.posts", "graded.answer_proposals", "ops.sources"),
        ),
        ("graded.answer_proposals", "graded.response_counts"),
        "load",
    ),
    Flow(
        "quality",
        "what people said of single posts",
        ("clean.posts", "clean.rejects", "graded.posts", "graded.issues"),
        ("ops.labels", "ops.quality_rules"),
        "load",
    ),
    Flow("publications", "what must be published", ("clean.posts", "ops.publications"), ("ops.publications",), "load"),
    Flow("runs", "what each job read and wrote", ("ops.runs",), ("ops.runs",)),
    Flow(
        "sheets_import",
        "sheets that people fill in",
        ("ops.training", "ops.assessments", "ops.improvements", "ops.practices"),
        ("ops.training", "ops.assessments", "ops.improvements", "ops.practices"),
    ),
    Flow("exports", "what left through our pages", (), ("ops.exports",)),
    Flow(
        "objections",
        "posts removed at somebody's objection",
        (
            *("raw.posts", "ops.fetches", "clean.rejects", "graded.posts", "graded.issues", "graded.issue_posts"),
            "ops.objections",
        ),
        ("clean.rejects", "ops.objections"),
    ),
    Flow(
        "purge",
        "what has reached the end of its life",
        ("graded.posts", "clean.rejects", "ops.sources"),
        ("ops.purges",),
    ),
)
#: What the gates of every job write.
GATES = ("clean.quarantine", "ops.quality")


class Line(NamedTuple):
    """One step: what makes `table`, and of which tables."""

    maker: str
    """Job, or for a mart its file."""
    table: str
    sources: tuple[str, ...]


def steps(sql_dir: Path) -> list[Line]:
    """Every step of the house: first the jobs, then the marts in the order in which they are built.

    Raises:
        ConfigError: a mart's file is not one SELECT.
    """
    found = [Line(flow.job, table, flow.reads) for flow in FLOWS for table in flow.writes]
    for mart, query in mart_queries(sql_dir).items():
        file = _file(sql_dir, mart)
        found.append(Line(f"sql/marts/{file.name}", mart, tuple(sorted(tables_read(query, file)))))
    return found


def upstream(sql_dir: Path, table: str) -> set[str]:
    """Every table that a change of which may change this one."""
    makers: dict[str, set[str]] = {}
    for step in steps(sql_dir):
        makers.setdefault(step.table, set()).update(step.sources)
    return _reach(table, makers)


def downstream(sql_dir: Path, table: str) -> set[str]:
    """Every table that a change of this one may change."""
    readers: dict[str, set[str]] = {}
    for step in steps(sql_dir):
        for source in step.sources:
            readers.setdefault(source, set()).add(step.table)
    return _reach(table, readers)


def lineage_of(name: str, contracts: Mapping[str, Contract], sql_dir: Path) -> list[str]:
    """Up and down of a table or a column, as lines for a terminal.

    Args:
        name: `schema.table` or `schema.table.column`.
        contracts: all contracts.
        sql_dir: where the SELECTs are.

    Raises:
        UsageError: there is no such table or column.
    """
    table, column = _named(name, contracts)
    if column:
        return _column_lines(table, column, contracts, sql_dir)
    mine = [step for step in steps(sql_dir) if step.table == table]
    readers = [step for step in steps(sql_dir) if table in step.sources]
    makers = [f"  {step.maker}: {', '.join(step.sources) or 'nothing of the lake'}" for step in mine]
    return [
        f"{table} is made by",
        *(makers or ["  nothing that is declared"]),
        "and rests on",
        f"  {', '.join(sorted(upstream(sql_dir, table) - {table})) or 'no other table'}",
        "read by",
        f"  {', '.join(sorted({step.maker for step in readers})) or 'nobody'}",
        "and goes into",
        f"  {', '.join(sorted(downstream(sql_dir, table) - {table})) or 'no other table'}",
    ]


def column_sources(mart: str, contracts: Mapping[str, Contract], sql_dir: Path) -> dict[str, tuple[str, ...] | None]:
    """Columns of a mart and the columns they are made of, `schema.table.column`; null: could not be told.

    Columns that only choose or order rows (WHERE, JOIN … ON, ORDER BY) are none of them. No source at all: a constant,
    a parameter or a count of rows.
    """
    query = mart_queries(sql_dir)[mart]
    try:
        scope = _scope(query, contracts)
    except SqlglotError:
        return dict.fromkeys(contracts[mart].names)
    return {name: _sources(name, query, scope) for name in contracts[mart].names}


def lineage_page(contracts: Mapping[str, Contract], sql_dir: Path) -> str:
    """docs/lineage.md: the jobs and the marts as two diagrams (Mermaid), and the same in words."""
    marts = [step for step in steps(sql_dir) if step.table.startswith("marts.")]
    read_by_marts = sorted({source for step in marts for source in step.sources if not source.startswith("marts.")})
    lake = ["flowchart LR"]
    for flow in FLOWS:
        lake += [f"  {flow.job}([{flow.job}])"]
        lake += [f"  {_node(table)} --> {flow.job}" for table in flow.reads]
        lake += [f"  {flow.job} --> {_node(table)}" for table in flow.writes]
    diagram = ["flowchart LR"]
    diagram += [f"  {_node(source)} --> {_node(step.table)}" for step in marts for source in step.sources]
    made = {step.table for step in steps(sql_dir)} | set(GATES)
    lines = [
        "# Lineage",
        "",
        "Made by `caifeng lineage` from the SELECTs under `sql/marts` and the jobs' declarations in",
        "`caifeng/jobs/lineage.py`; a test compares these with what the jobs of the sample town were seen to read and",
        "write. `caifeng lineage TABLE[.COLUMN]` says where one table or column comes from and where it goes.",
        "",
        "## Jobs and the lake",
        "",
        "```mermaid",
        *lake,
        "```",
        "",
        "Every job that writes also writes what its gates found: `ops.quality`, and `clean.quarantine` where rows are",
        "set aside. `load` puts every table but raw into the warehouse; `marts` makes the marts there.",
        "",
        "| job | stage | does | reads | writes |",
        "|---|---|---|---|---|",
        *(
            f"| {flow.job} | {flow.stage or '—'} | {flow.what} | {_codes(flow.reads)} | {_codes(flow.writes)} |"
            for flow in FLOWS
        ),
        "",
        "## Marts",
        "",
        "```mermaid",
        *diagram,
        "```",
        "",
        "| mart | reads | rests on, of raw and ops.fetches |",
        "|---|---|---|",
        *(f"| `{step.table}` | {_codes(step.sources)} | {_codes(_roots(sql_dir, step.table))} |" for step in marts),
        "",
        f"Tables of the lake that no mart reads: {_codes(sorted(_lake(contracts) - set(read_by_marts)))}.",
    ]
    if unmade := sorted(set(contracts) - made):
        lines += ["", f"Tables that no declared job makes: {_codes(unmade)}."]
    return "\n".join(lines) + "\n"


def _lake(contracts: Mapping[str, Contract]) -> set[str]:
    return {table for table in contracts if not table.startswith("marts.")}


def _roots(sql_dir: Path, table: str) -> list[str]:
    return sorted(upstream(sql_dir, table) & {"raw.posts", "ops.fetches"})


def _column_lines(table: str, column: str, contracts: Mapping[str, Contract], sql_dir: Path) -> list[str]:
    name = f"{table}.{column}"
    lines = [f"{name}: {next(c.meaning for c in contracts[table].columns if c.name == column)}", "is made of"]
    lines += _up(name, contracts, sql_dir, 1, {name}, {})
    lines.append("and goes into")
    found = [
        f"{step.table}.{target}"
        for step in steps(sql_dir)
        if table in step.sources and step.table.startswith("marts.")
        for target, sources in column_sources(step.table, contracts, sql_dir).items()
        if sources and name in sources
    ]
    readers = sorted({s.maker for s in steps(sql_dir) if table in s.sources and not s.table.startswith("marts.")})
    lines += [f"  {target}" for target in found]
    if readers:
        lines.append(f"  jobs that read the table: {', '.join(readers)}")
    return lines if found or readers else [*lines, "  nothing"]


def _up(
    name: str,
    contracts: Mapping[str, Contract],
    sql_dir: Path,
    depth: int,
    seen: set[str],
    known: dict[str, dict[str, tuple[str, ...] | None]],
) -> list[str]:
    """The columns of which a column is made, and of which these are, down to the lake."""
    table, column = name.rsplit(".", 1)
    if not table.startswith("marts."):
        jobs = sorted({step.maker for step in steps(sql_dir) if step.table == table})
        return [f"{'  ' * depth}{', '.join(jobs) or 'nothing that is declared'} (Python)"]
    if table not in known:
        known[table] = column_sources(table, contracts, sql_dir)
    sources = known[table].get(column)
    if not sources:
        said = "could not be told from the SELECT" if sources is None else "a constant, a parameter or a count of rows"
        return [f"{'  ' * depth}{said}"]
    lines = []
    for source in sources:
        lines.append(f"{'  ' * depth}{source}")
        if source not in seen:
            lines += _up(source, contracts, sql_dir, depth + 1, seen | {source}, known)
    return lines


def _scope(query: str, contracts: Mapping[str, Contract]) -> Scope:
    columns: dict[str, dict[str, dict[str, str]]] = {}
    for table, contract in contracts.items():
        schema, name = table.split(".")
        kinds = {column: kind for column, (kind, _) in contract.warehouse_columns().items()}
        columns.setdefault(schema, {})[name] = kinds
    parsed = sqlglot.parse_one(query, dialect="duckdb")
    scope = build_scope(qualify(parsed, dialect="duckdb", schema=columns, validate_qualify_columns=False))  # type: ignore[arg-type]
    assert scope is not None  # what mart_queries returned is one SELECT
    return scope


def _sources(column: str, query: str, scope: Scope) -> tuple[str, ...] | None:
    try:
        root = lineage(column, query, {}, dialect="duckdb", scope=scope, trim_selects=False)
    except SqlglotError:
        return None
    except ValueError:  # sqlglot's, where a UNION BY NAME leaves a column out
        return None
    return tuple(sorted({found for node in root.walk() if (found := _leaf(node))}))


def _leaf(node: Node) -> str | None:
    """`schema.table.column` of a node that is a column of a table."""
    if node.downstream or not isinstance(node.source, exp.Table):
        return None
    name = f"{node.source.db}.{node.source.name}.{node.name.rsplit('.', 1)[-1]}"
    return name.replace('"', "")


def _named(name: str, contracts: Mapping[str, Contract]) -> tuple[str, str | None]:
    table, column = ".".join(name.split(".")[:2]), ".".join(name.split(".")[2:]) or None
    if table not in contracts:
        raise UsageError(f"no table {table!r}; sql/ has {', '.join(sorted(contracts))}")
    if column and column not in contracts[table].names:
        raise UsageError(f"{table} has no column {column!r}; it has {', '.join(contracts[table].names)}")
    return table, column


def _reach(table: str, links: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [table]
    while todo:
        for other in links.get(todo.pop(), set()) - found:
            found.add(other)
            todo.append(other)
    return found


def _file(sql_dir: Path, mart: str) -> Path:
    """The SELECT of a mart; one that is like another has none of its own."""
    file = sql_dir / "marts" / f"{mart.split('.')[1]}.sql"
    return file if file.exists() else file.with_suffix(".yml")


def _node(table: str) -> str:
    return f'{table.replace(".", "_")}["{table}"]'


def _codes(tables: Iterable[str]) -> str:
    return ", ".join(f"`{table}`" for table in tables) or "—"
