"""Reviews of a month, quarter and year: job, documents, workbooks and data sets."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.clock import end_of_day, start_of_day
from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.core.model.office import Unit
from caifeng.core.model.publications import Period
from caifeng.core.model.review import ReviewRules, ScorePart, ScoreRules
from caifeng.core.settings import Settings
from caifeng.jobs import review as job
from caifeng.jobs.base import Env
from caifeng.jobs.review_runs import periods_of_run
from caifeng.reports import review as words
from caifeng.reports.daily_log_docx import check_template, placeholders
from caifeng.reports.review_docx import MOST_ROWS, REVIEW_FIELDS, review_context, write_review_docx
from caifeng.reports.review_score import score, score_text
from caifeng.reports.review_xlsx import SHEETS, write_review_xlsx
from caifeng.reports.templates.review import build_review_template
from tests.golden import invented
from tests.golden.compare import assert_golden
from tests.sql.review_town import LAST, OCTOBER, ROOT, RULES, Town, contracts, november
from tests.unit.test_reports_docx import text_of
from tests.unit.test_reports_xlsx import as_text, cells

TEMPLATE = ROOT / "config/templates/月报.docx"
FILES = {"月报.docx", "月报.xlsx", "data-dictionary.md"} | {
    f"{name}.{kind}"
    for name in (
        *("review_month", "kpi_unit", "review_breakdown", "review_issues", "review_items", "improvements"),
        *("practice_library", "review_season", "review_rules"),
    )
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
    report = job.review_period(env, "2026-11")
    assert (report.day, report.as_of, report.counts["files"]) == (LAST, end_of_day(LAST), len(FILES))
    return env


@pytest.fixture(scope="module")
def review(reviewed: Env) -> words.PeriodReview:
    units = (Unit(id="social", name="社会人口股"), Unit(id="census", name="普查中心"))
    return replace(job.read_review(reviewed, "2026-11"), office=invented.OFFICE.model_copy(update={"units": units}))


def test_document_of_a_month(review: words.PeriodReview, tmp_path: Path) -> None:
    write_review_docx(review, TEMPLATE, tmp_path / "out.docx")
    assert_golden("month_review.docx.txt", text_of(tmp_path / "out.docx"))


def test_workbook_of_a_month(review: words.PeriodReview, tmp_path: Path) -> None:
    write_review_xlsx(review, tmp_path / "out.xlsx")
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
    job.review_period(reviewed, "2026-11")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_data_sets_are_the_marts(reviewed: Env, review: words.PeriodReview) -> None:
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


def test_the_committed_template_uses_exactly_what_the_code_offers(review: words.PeriodReview, tmp_path: Path) -> None:
    used: set[str] = set()
    for kind, names in words.PERIOD_WORDS.items():
        committed = TEMPLATE.with_name(f"{names.title}.docx")
        build_review_template(tmp_path / "new.docx", kind)  # type: ignore[arg-type]
        assert (tmp_path / "new.docx").read_bytes() == committed.read_bytes()
        assert placeholders(committed) <= REVIEW_FIELDS
        used |= placeholders(committed)
    assert used == REVIEW_FIELDS
    context = review_context(review)
    offered = set(context)
    for name, value in context.items():
        if isinstance(value, list):
            offered |= {f"{name}.{column}" for row in value for column in row}
    empty = {name for name, value in context.items() if value == []}
    assert offered == {field for field in REVIEW_FIELDS if field.split(".")[0] not in empty or "." not in field}
    assert empty == set()


def test_the_readme_explains_every_placeholder() -> None:
    readme = (TEMPLATE.parent / "README.md").read_text("utf8").split("## 月报.docx")[1]
    assert [field for field in REVIEW_FIELDS if f"`{field.split('.')[-1]}`" not in readme] == []


def test_an_unknown_placeholder_is_named(review: words.PeriodReview, tmp_path: Path) -> None:
    document = Document(str(TEMPLATE))
    document.add_paragraph("{{ 满意度 }}")
    document.save(str(tmp_path / "edited.docx"))
    assert check_template(tmp_path / "edited.docx", REVIEW_FIELDS) != []
    with pytest.raises(ConfigError, match="满意度"):
        write_review_docx(review, tmp_path / "edited.docx", tmp_path / "out.docx")
    assert not (tmp_path / "out.docx").exists()


def test_a_broken_template_costs_only_its_own_document(reviewed: Env, tmp_path: Path) -> None:
    config = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    (config / "templates/月报.docx").write_bytes(b"no document")
    home = Path(shutil.copytree(reviewed.settings.home, tmp_path / "home"))
    shutil.rmtree(home / "outputs")
    env = Env.open(reviewed.settings.model_copy(update={"home": home, "config": config}))
    with pytest.raises(ConfigError, match=r"月报\.docx"):
        job.review_period(env, "2026-11")
    assert {path.name for path in (home / "outputs/review/2026-11").iterdir()} == FILES - {"月报.docx"}
    assert (home / "outputs/dashboard/2026-11-01_2026-11-30/dashboard.html").exists()


def test_a_review_has_its_dashboard(reviewed: Env) -> None:
    page = (reviewed.settings.outputs_dir / "dashboard/2026-11-01_2026-11-30/dashboard.html").read_text("utf8")
    assert '"first": "2026-11-01"' in page or '"first":"2026-11-01"' in page


@pytest.mark.parametrize("title", ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{ 7*7 }}", "a\x0bb\u202ec"])
def test_hostile_titles_appear_literally(review: words.PeriodReview, tmp_path: Path, title: str) -> None:
    hostile = replace(review, issues=review.issues.with_columns(title=pl.lit(title)))
    write_review_docx(hostile, TEMPLATE, tmp_path / "out.docx")
    write_review_xlsx(hostile, tmp_path / "out.xlsx")
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
    assert words.value_text(figure, 5) == text


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
    assert words.change_text(figure, 5) == text


def test_every_column_and_figure_has_chinese_words(review: words.PeriodReview) -> None:
    for table, fields in SHEETS.values():
        assert list(fields) == contracts()[table].names
        for column in contracts()[table].columns:
            assert bool(fields[column.name].unknown) == bool(column.null_means), f"{table}.{column.name}"
    assert list(words.FIGURES) == review.figures["figure"].to_list()
    assert set(words.NOT_RECORDED) == set(review.figures.filter(missing="not_recorded")["figure"])
    (missing,) = (c for c in contracts()["marts.review_month"].columns if c.name == "missing")
    assert set(words.MISSING_WORDS) == set(missing.values or ())


def test_real_papers_do_not_say_sample(review: words.PeriodReview, tmp_path: Path) -> None:
    write_review_docx(replace(review, is_sample=False), TEMPLATE, tmp_path / "out.docx")
    assert "样例数据" not in text_of(tmp_path / "out.docx")


def test_a_month_that_lasts_is_a_draft(tmp_path: Path) -> None:
    november(tmp_path)
    env = env_in(tmp_path, start_of_day(date(2026, 11, 21)))
    assert job.review_period(env, "2026-11").as_of == start_of_day(date(2026, 11, 21))
    draft = job.read_review(env, "2026-11")
    assert draft.figure("days_run")["denominator"] == 20
    assert "初稿" in review_context(draft)["数据截至"]
    with pytest.raises(UsageError, match="has not begun"):
        job.review_period(env, "2026-12")


def test_a_month_without_any_day_has_no_papers(tmp_path: Path) -> None:
    Town(tmp_path).fill()
    with pytest.raises(DataError, match="no day of it"):
        job.review_period(env_in(tmp_path), "2026-11")
    assert not (tmp_path / "outputs").exists()
    with pytest.raises(DataError, match="run `caifeng report month"):
        job.read_review(env_in(tmp_path), "2026-10")


@pytest.mark.parametrize("code", ["2026-13", "2026-1", "2026-Q5", "../2026-11", "0000-01", "2026-11\n", "2026q4", ""])
def test_what_is_no_period_is_refused(code: str) -> None:
    with pytest.raises(UsageError, match="not a period"):
        job.period(code)


def test_the_months_of_comparison_are_built_first(tmp_path: Path) -> None:
    november(tmp_path)
    env = env_in(tmp_path)
    sources = pl.DataFrame(schema=contracts()["ops.sources"].polars_schema())
    env.lake.replace("ops.sources", OCTOBER, sources)
    job.review_period(env, "2026-11")
    figure = job.read_review(env, "2026-11").figure("issues")
    assert (figure["value"], figure["previous_value"]) == (7.0, 3.0)


def test_the_documentation_lists_every_figure_in_order(review: words.PeriodReview) -> None:
    lines = (ROOT / "docs/review.md").read_text("utf8").splitlines()
    listed = [tuple(cell.strip() for cell in line.split("|")[1:4]) for line in lines if line.startswith("| `")]
    figures = review.figures.select("figure", "kind").rows()
    assert listed == [(f"`{figure}`", words.FIGURES[figure].name, kind) for figure, kind in figures]
    assert len(listed) > 40


@pytest.mark.parametrize(("code", "title"), [("2026-Q4", "季报"), ("2026", "年度总结")])
def test_quarter_and_year_have_papers_of_their_own(tmp_path: Path, code: str, title: str) -> None:
    november(tmp_path)
    env = env_in(tmp_path, start_of_day(date(2027, 1, 3)))
    sources = pl.DataFrame(schema=contracts()["ops.sources"].polars_schema())
    for day in (OCTOBER, LAST):
        env.lake.replace("ops.sources", day, sources)
    job.review_period(env, code)
    folder = env.settings.outputs_dir / "review" / code
    kind = "quarter" if "Q" in code else "year"
    data = {name.replace("review_month", f"review_{kind}") for name in FILES if not name.startswith("月报")}
    assert {path.name for path in folder.iterdir()} == FILES - {"月报.docx", "月报.xlsx"} | data | {
        f"{title}.docx",
        f"{title}.xlsx",
    }
    review = job.read_review(env, code)
    assert review.figure("issues")["value"] == 10.0  # three of October, seven of November
    assert review.months["period"].unique().sort().to_list() == ["2026-10", "2026-11"]
    text = text_of(folder / f"{title}.docx")
    for words_of_it in (f"政务舆情{title}", "各月走势", "定级对照：", "规则调整依据", "收入数据一图读懂"):
        assert words_of_it in text
    assert ("七、下一年度工作安排" in text, "案例库" in text, "发布日程对照" in text) == ((kind == "year",) * 3)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    job.review_period(env, code)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_november_stays_as_it_is_when_its_quarter_is_reviewed(tmp_path: Path) -> None:
    town = november(tmp_path)
    town.review()
    issues = town.read("review_issues")
    for period in (Period("quarter", date(2026, 10, 1)), Period("year", date(2026, 1, 1)), Period.of("month", LAST)):
        assert town.review_period(period)
    december = Period("month", date(2026, 12, 1))
    town.review_period(december)
    # three periods end on 31 December; none takes the rows of another
    assert town.read("review_issues", december.last)["period"].unique().sort().to_list() == ["2026", "2026-Q4"]
    assert town.read("review_issues").equals(issues)


def test_long_tables_say_that_the_workbook_has_the_rest(review: words.PeriodReview) -> None:
    main = review.issues.filter(level="major")
    many = pl.concat([main.with_columns(issue_no=pl.lit(f"N{n:04d}")) for n in range(MOST_ROWS + 5)])
    context = review_context(replace(review, issues=many))
    assert len(context["重点事项"]) == MOST_ROWS
    assert f"共 {MOST_ROWS + 5} 件" in context["重点说明"]
    assert review_context(review)["重点说明"] == ""


def test_the_score_weighs_what_is_known(review: words.PeriodReview) -> None:
    rules = ScoreRules(
        parts={
            "answered": ScorePart(weight=60, figures=("respond_on_time", "respond_final_on_time")),
            "settled": ScorePart(weight=40, figures=("closed_on_time",)),
        }
    )
    assert score({}, rules) is None
    both = score({"respond_on_time": 0.8, "respond_final_on_time": None, "closed_on_time": 0.5}, rules)
    assert both is not None
    assert both.total == 68.0
    one = score({"respond_on_time": 0.8, "open_overdue": 3.0}, rules)
    assert one is not None
    assert (one.total, one.deducted) == (74.0, 6.0)
    assert "扣 6 分" in score_text(one)
    vetoed = score({"respond_on_time": 1.0, "missed_major": 1.0}, rules)
    assert vetoed is not None
    assert vetoed.total == 0.0
    assert review_context(review)["综合得分"] == ""
    on = replace(review, rules=ReviewRules(score=ScoreRules(enabled=True)))
    assert review_context(on)["综合得分"].startswith("综合得分 ")


@given(st.dictionaries(st.sampled_from(["respond_on_time", "closed_on_time", "log_signed"]), st.floats(0, 1)))
def test_a_score_is_between_0_and_100(values: dict[str, float]) -> None:
    found = score(dict(values), ScoreRules())
    assert found is None or 0 <= found.total <= 100


def test_weights_that_do_not_add_up_and_unknown_words_are_refused(tmp_path: Path) -> None:
    assert Settings(config=ROOT / "config").review_rules() == ReviewRules()  # the file states the defaults
    for text in (
        '[score.parts]\nfound = { weight = 99, figures = ["days_run"] }\n',
        "small = 3\n",
        "small_number = 0\n",
    ):
        (tmp_path / "review.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"review\.toml"):
            Settings(config=tmp_path).review_rules()


def test_the_figures_of_the_score_exist() -> None:
    named = [figure for part in ScoreRules().parts.values() for figure in part.figures]
    assert len(named) >= 10
    assert set(named) <= set(words.FIGURES)


@pytest.mark.parametrize(
    ("now", "periods"),
    [
        ("2026-12-01T06:00+08:00", ["2026-11"]),
        ("2026-10-01T06:00+08:00", ["2026-09", "2026-Q3"]),
        ("2027-01-01T06:00+08:00", ["2026-12", "2026-Q4", "2026"]),
        ("2026-12-31T20:00+00:00", ["2026-12", "2026-Q4", "2026"]),  # 1 January in Shanghai
    ],
)
def test_the_periods_of_a_run(monkeypatch: pytest.MonkeyPatch, now: str, periods: list[str]) -> None:
    monkeypatch.setenv("CAIFENG_AS_OF", now)
    assert periods_of_run(None) == periods_of_run({"period": None}) == periods
    assert periods_of_run({"period": "2025Q4"}) == ["2025-Q4"]


def test_sheets_imported_later_count_by_the_moment_of_the_review(tmp_path: Path) -> None:
    november(tmp_path)
    env = env_in(tmp_path)
    row = {
        "row_id": "late", "raised_for": "2026-11", "measure": "补登的举措", "unit": "social",
        "due_on": date(2026, 12, 9), "state": "planned", "done_on": None,
        "imported_at": start_of_day(date(2026, 12, 2)),
    }  # fmt: skip
    env.lake.replace(
        "ops.improvements",
        date(2026, 12, 2),
        pl.DataFrame([row], schema=contracts()["ops.improvements"].polars_schema()),
    )
    job.review_period(env, "2026-11")
    assert "补登的举措" not in job.read_review(env, "2026-11").improvements["measure"].to_list()
    job.review_period(env, "2026-11", start_of_day(date(2026, 12, 3)))
    assert "补登的举措" in job.read_review(env, "2026-11").improvements["measure"].to_list()
