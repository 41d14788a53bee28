"""The month's review: job, document, workbook and data sets."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from docx import Document

from caifeng.core.clock import end_of_day, start_of_day
from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.core.model.office import Unit
from caifeng.core.settings import Settings
from caifeng.jobs import review as job
from caifeng.jobs.base import Env
from caifeng.jobs.timetable import month_of_run
from caifeng.reports import review as words
from caifeng.reports.daily_log_docx import check_template, placeholders
from caifeng.reports.review_docx import MONTH_REVIEW_FIELDS, month_review_context, write_month_review_docx
from caifeng.reports.review_xlsx import SHEETS, write_month_review_xlsx
from caifeng.reports.templates.review import build_month_review_template
from tests.golden import invented
from tests.golden.compare import assert_golden
from tests.sql.review_town import LAST, OCTOBER, ROOT, RULES, Town, contracts, november
from tests.unit.test_reports_docx import text_of
from tests.unit.test_reports_xlsx import as_text, cells

TEMPLATE = ROOT / "config/templates/月报.docx"
FILES = {"月报.docx", "月报.xlsx", "data-dictionary.md"} | {
    f"{name}.{kind}"
    for name in ("review_month", "kpi_unit", "review_breakdown", "review_issues", "review_items")
    for kind in ("parquet", "csv")
}


def env_in(home: Path, at: Any = None) -> Env:
    return Env.open(Settings(home=home, config=ROOT / "config", as_of=at or start_of_day(date(2026, 12, 3))))


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Env:
    """A home in which October and November were reviewed."""
    home = tmp_path_factory.mktemp("home")
    november(home).review(OCTOBER)
    (home / "SAMPLE").write_text("样例")
    env = env_in(home)
    report = job.review_month(env, "2026-11")
    assert (report.day, report.as_of, report.counts["files"]) == (LAST, end_of_day(LAST), len(FILES))
    return env


@pytest.fixture(scope="module")
def review(reviewed: Env) -> words.MonthReview:
    units = (Unit(id="social", name="社会人口股"), Unit(id="census", name="普查中心"))
    return replace(job.read_review(reviewed, "2026-11"), office=invented.OFFICE.model_copy(update={"units": units}))


def test_document_of_a_month(review: words.MonthReview, tmp_path: Path) -> None:
    write_month_review_docx(review, TEMPLATE, tmp_path / "out.docx")
    assert_golden("month_review.docx.txt", text_of(tmp_path / "out.docx"))


def test_workbook_of_a_month(review: words.MonthReview, tmp_path: Path) -> None:
    write_month_review_xlsx(review, tmp_path / "out.xlsx")
    sheets = cells(tmp_path / "out.xlsx")
    assert list(sheets) == ["打印页", *SHEETS, "字段说明"]
    meanings = {(row[0], row[1]) for row in sheets["字段说明"]}
    for sheet in SHEETS:
        assert {(sheet, head) for head in sheets[sheet][0]} <= meanings
    # The paper does not change with the grading rules.
    text = as_text(tmp_path / "out.xlsx").replace(review.figures["rule_version"][0], RULES)
    # The counted pieces are many and are in the mart's own test.
    assert_golden("month_review.xlsx.txt", text[: text.index("## 明细")] + text[text.index("## 字段说明") :])


def test_same_input_same_bytes(reviewed: Env) -> None:
    folder = reviewed.settings.outputs_dir / "review/2026-11"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == FILES
    job.review_month(reviewed, "2026-11")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_data_sets_are_the_marts(reviewed: Env, review: words.MonthReview) -> None:
    folder = reviewed.settings.outputs_dir / "review/2026-11"
    assert pl.read_parquet(folder / "review_items.parquet").equals(review.items)
    read = pl.read_csv(folder / "review_month.csv")
    assert read["figure"].to_list() == review.figures["figure"].to_list()
    assert read["value"].null_count() == review.figures["value"].null_count() > 0
    dictionary = (folder / "data-dictionary.md").read_text("utf8")
    for name in ("review_month", "kpi_unit"):
        assert f"## marts.{name}" in dictionary


def test_a_title_in_a_csv_is_no_formula(tmp_path: Path) -> None:
    frame = pl.DataFrame({"title": ["=cmd|'/C calc'!A0", "普通", None, "-1"], "value": [-1.5, None, 0.0, 1.0]})
    job._csv(frame)(tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text("utf-8-sig").splitlines()
    assert lines == ["title,value", "'=cmd|'/C calc'!A0,-1.5", "普通,", ",0.0", "'-1,1.0"]


def test_the_committed_template_uses_exactly_what_the_code_offers(review: words.MonthReview, tmp_path: Path) -> None:
    assert placeholders(TEMPLATE) == MONTH_REVIEW_FIELDS
    build_month_review_template(tmp_path / "new.docx")
    assert (tmp_path / "new.docx").read_bytes() == TEMPLATE.read_bytes()
    context = month_review_context(review)
    offered = set(context)
    for name, value in context.items():
        if isinstance(value, list):
            assert value, name
            offered |= {f"{name}.{column}" for row in value for column in row}
    assert offered == MONTH_REVIEW_FIELDS


def test_the_readme_explains_every_placeholder() -> None:
    readme = (TEMPLATE.parent / "README.md").read_text("utf8").split("## 月报.docx")[1]
    assert [field for field in MONTH_REVIEW_FIELDS if f"`{field.split('.')[-1]}`" not in readme] == []


def test_an_unknown_placeholder_is_named(review: words.MonthReview, tmp_path: Path) -> None:
    document = Document(str(TEMPLATE))
    document.add_paragraph("{{ 满意度 }}")
    document.save(str(tmp_path / "edited.docx"))
    assert check_template(tmp_path / "edited.docx", MONTH_REVIEW_FIELDS) != []
    with pytest.raises(ConfigError, match="满意度"):
        write_month_review_docx(review, tmp_path / "edited.docx", tmp_path / "out.docx")
    assert not (tmp_path / "out.docx").exists()


@pytest.mark.parametrize("title", ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{ 7*7 }}", "a\x0bb\u202ec"])
def test_hostile_titles_appear_literally(review: words.MonthReview, tmp_path: Path, title: str) -> None:
    hostile = replace(review, issues=review.issues.with_columns(title=pl.lit(title)))
    write_month_review_docx(hostile, TEMPLATE, tmp_path / "out.docx")
    write_month_review_xlsx(hostile, tmp_path / "out.xlsx")
    assert text_of(tmp_path / "out.docx").count(words.printable(title)) >= 2
    assert words.printable(title) in as_text(tmp_path / "out.xlsx")


def row(kind: str, value: float | None, denominator: int | None = None, **more: Any) -> dict[str, Any]:
    numerator = None if value is None else round(value * (denominator or 1))
    return {"kind": kind, "value": value, "numerator": numerator, "denominator": denominator, **more}


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (row("rate", 0.8571, 7), "85.7%"),
        (row("rate", 1.0, 5), "100.0%"),
        (row("rate", 1.0, 4), "n=4"),
        (row("rate", 0.0, 3), "n=3"),
        (row("rate", None, 0), "—"),
        (row("rate", None, None), "—"),
        (row("count", 0.0), "0"),
        (row("count", 1284.0), "1,284"),
        (row("hours", 14.5, 9), "14.5 小时"),
        (row("hours", 14.5, 2), "n=2"),
    ],
)
def test_small_numbers_are_no_percentages(figure: dict[str, Any], text: str) -> None:
    assert words.value_text(figure) == text


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (row("rate", 0.8, 10, change=-0.05, previous_denominator=10), "−5.0 个百分点"),
        (row("rate", 0.8, 10, change=0.0, previous_denominator=10), "持平"),
        (row("rate", 0.8, 10, change=0.3, previous_denominator=4), "—"),
        (row("count", 10.0, change=0.25, previous_denominator=None), "+25.0%"),
        (row("count", 10.0, change=None, previous_denominator=None), "—"),
    ],
)
def test_comparisons(figure: dict[str, Any], text: str) -> None:
    assert words.change_text(figure) == text


def test_every_column_and_figure_has_chinese_words(review: words.MonthReview) -> None:
    for table, fields in SHEETS.values():
        assert list(fields) == contracts()[table].names
        for column in contracts()[table].columns:
            assert bool(fields[column.name].unknown) == bool(column.null_means), f"{table}.{column.name}"
    assert list(words.FIGURES) == review.figures["figure"].to_list()
    assert set(words.NOT_RECORDED) == set(review.figures.filter(missing="not_recorded")["figure"])
    assert set(words.MISSING_WORDS) == set(contracts()["marts.review_month"].columns[8].values or ())


def test_real_papers_do_not_say_sample(review: words.MonthReview, tmp_path: Path) -> None:
    write_month_review_docx(replace(review, is_sample=False), TEMPLATE, tmp_path / "out.docx")
    assert "样例数据" not in text_of(tmp_path / "out.docx")


def test_a_month_that_lasts_is_a_draft(tmp_path: Path) -> None:
    november(tmp_path)
    env = env_in(tmp_path, start_of_day(date(2026, 11, 21)))
    assert job.review_month(env, "2026-11").as_of == start_of_day(date(2026, 11, 21))
    draft = job.read_review(env, "2026-11")
    assert draft.figure("days_run")["denominator"] == 20
    assert "初稿" in month_review_context(draft)["数据截至"]
    with pytest.raises(UsageError, match="has not begun"):
        job.review_month(env, "2026-12")


def test_a_month_without_any_day_has_no_papers(tmp_path: Path) -> None:
    Town(tmp_path).fill()
    with pytest.raises(DataError, match="no day of it"):
        job.review_month(env_in(tmp_path), "2026-11")
    assert not (tmp_path / "outputs").exists()
    with pytest.raises(DataError, match="run `caifeng report month"):
        job.read_review(env_in(tmp_path), "2026-10")


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "2026", "../2026-11", "0000-01", "2026-11\n"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(UsageError, match="not a month"):
        job.period(month)


def test_the_months_of_comparison_are_built_first(tmp_path: Path) -> None:
    november(tmp_path)
    env = env_in(tmp_path)
    sources = pl.DataFrame(schema=contracts()["ops.sources"].polars_schema())
    env.lake.replace("ops.sources", OCTOBER, sources)
    job.review_month(env, "2026-11")
    figure = job.read_review(env, "2026-11").figure("issues")
    assert (figure["value"], figure["previous_value"]) == (7.0, 3.0)


def test_the_month_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-12-01T06:00+08:00")
    assert month_of_run(None) == month_of_run({"month": None}) == "2026-11"
    assert month_of_run({"month": "2025-12"}) == "2025-12"
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-12-31T20:00+00:00")  # 1 January in Shanghai
    assert month_of_run({}) == "2026-12"
