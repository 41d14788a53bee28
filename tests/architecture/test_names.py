"""Names and files that belong together."""

import ast
import re
from importlib.metadata import packages_distributions

OWN_ROOTS = {"caifeng", "crawlers", "expectations", "transforms"}


def python_files(root):
    return [
        p
        for folder in ("caifeng", "crawlers", "expectations", "transforms", "dags", "plugins", "samples", "bench")
        for p in (root / folder).rglob("*.py")
    ]


def test_no_other_distribution_provides_our_import_names():
    providers = packages_distributions()
    for name in OWN_ROOTS:
        assert set(providers.get(name, ["caifeng"])) <= {"caifeng"}


def test_every_mart_has_its_select_and_every_select_its_contract(root):
    marts = root / "sql" / "marts"
    selects, contracts = ({p.stem for p in marts.glob(f"*.{kind}")} for kind in ("sql", "yml"))
    assert len(selects) >= 5
    # A mart that is `like` another has partitions of its own and the other's SELECT.
    shared = {p.stem for p in marts.glob("*.yml") if re.search(r"^like: \w+$", p.read_text("utf8"), re.MULTILINE)}
    assert selects == contracts - shared
    assert shared == {"review_quarter", "review_year"}
    elsewhere = [p for p in (root / "sql").glob("*/*.sql") if p.parent.name != "marts"]
    assert elsewhere == []


def test_no_table_has_an_author_or_person_key(root):
    forbidden = re.compile(r"author|user|uid|nick|avatar|ip_|person_|phone", re.IGNORECASE)
    columns = [
        (path, match)
        for path in (root / "sql").glob("*/*.yml")
        for match in re.findall(r"- \{name: (\w+)", path.read_text("utf8"))
    ]
    assert len(columns) > 150
    assert [(p.name, c) for p, c in columns if forbidden.search(c)] == []


def test_only_the_clock_asks_the_time_and_only_the_warehouse_opens_duckdb(root):
    files = python_files(root)
    assert len(files) > 40
    for path in files:
        source = path.read_text("utf8")
        if path.name != "clock.py":
            assert not re.search(r"datetime\.now\(|date\.today\(|utcnow\(", source), path
        if path.name != "warehouse.py":
            assert "import duckdb" not in source, path


def test_transforms_do_no_io(root):
    """No file, network or environment access in pure functions."""
    banned = {"open", "print", "input"}
    modules = {"os", "pathlib", "subprocess", "socket", "requests", "urllib", "tomllib", "sqlite3", "logging"}
    files = list((root / "transforms").rglob("*.py"))
    assert len(files) > 8
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in banned, path
            if isinstance(node, ast.Import):
                assert not modules & {alias.name.split(".")[0] for alias in node.names}, path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in modules, path


def test_dags_import_airflow_and_jobs_only_and_stay_timetables(root):
    files = list((root / "dags").glob("*.py"))
    assert len(files) == 7
    allowed = {"airflow", "datetime", "typing", "zoneinfo"}
    for path in files:
        source = path.read_text("utf8")
        assert source.count("\n") <= 60, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, path
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert module.split(".")[0] in allowed or module.startswith("caifeng.jobs"), path


def test_nothing_names_a_package_host_or_this_machine(root):
    # Put together here, so that this file does not name them either.
    names = ["py" + r"pi\.org", r"files\.python" + "hosted", "registry" + r"\.npm", "/w" + "ork/", r"\.\./sha" + "red"]
    hosts = re.compile("|".join(names))
    skipped = {
        ".git",
        ".venv",
        ".venv-spark",
        ".venv-cluster",
        "var",
        "__pycache__",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
    }
    swept = 0
    for path in root.rglob("*"):
        if path.is_dir() or skipped & set(path.relative_to(root).parts):
            continue
        try:
            text = path.read_text("utf8")
        except UnicodeDecodeError:
            continue
        swept += 1
        assert not hosts.search(text), path
    assert swept > 100
