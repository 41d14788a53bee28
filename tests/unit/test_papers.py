"""The papers about one issue: what they say, what a broken template does, how they come from register and marts."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from docx import Document
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.cases.model import Actor
from caifeng.core.clock import SHANGHAI, end_of_day
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.settings import Settings
from caifeng.jobs import papers as job
from caifeng.jobs.base import Env
from caifeng.jobs.marts import Evaluation
from caifeng.reports import pdf
from caifeng.reports.daily_log_docx import write_daily_log_docx
from caifeng.reports.papers import PAPERS, check_papers, file_name, fill_paper, paper_of, paper_values
from caifeng.reports.papers.issue import IssueFile, acts_words
from caifeng.reports.templates.all import BUILDERS
from caifeng.reports.words import number, printable
from tests.golden import invented
from tests.golden.compare import assert_golden
from tests.golden.invented_issue import ACTS, ISSUE, bare, issue, posts
from tests.unit.test_reports_docx import text_of

TEMPLATES = invented.ROOT / "config/templates"
TO_CITY = {"recipient": "city_stats"}
HOSTILE = (
    "{{ 7*7 }}",
    "{% for x in y %}",
    "<w:br/><w:p>",
    "=cmd|' /C calc'!A0",
    "a\x0bb\x00c\u202ed",
    "甲\ud800乙\udfff",
    '"><img onerror=alert(1)>',
)


def params(kind: str) -> dict[str, str]:
    return TO_CITY if kind in ("report_up", "referral") else {}


def written(kind: str, file: IssueFile, folder: Path, templates: Path = TEMPLATES, **wishes: str) -> str:
    path = folder / f"{kind}.docx"
    fill_paper(PAPERS[kind], file, {**params(kind), **wishes}, templates, path)
    return text_of(path)


# --- templates -------------------------------------------------------------------------------------------------------


def test_committed_templates_use_exactly_what_the_code_offers() -> None:
    assert len(PAPERS) == 9
    assert check_papers(TEMPLATES) == []
    assert job.check_templates(TEMPLATES.parent) == []


@pytest.mark.parametrize("name", ["政务舆情日志.docx", "月报.docx", "季报.docx", "年度总结.docx", "督办单.docx"])
def test_a_broken_template_of_any_kind_is_named_with_its_field(root: Path, tmp_path: Path, name: str) -> None:
    config = Path(shutil.copytree(root / "config", tmp_path / "config"))
    document = Document(str(config / "templates" / name))
    document.add_paragraph("{{ 满意度 }}")
    document.save(str(config / "templates" / name))
    (fault,) = job.check_templates(config)
    assert name in fault
    assert "满意度" in fault


@pytest.mark.parametrize("name", BUILDERS)
def test_builders_are_reproducible_and_make_the_committed_template(name: str, tmp_path: Path) -> None:
    for copy in ("a.docx", "b.docx"):
        BUILDERS[name](tmp_path / copy)
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()
    assert text_of(tmp_path / "a.docx") == text_of(TEMPLATES / name)


@pytest.mark.parametrize("kind", PAPERS)
def test_the_readme_explains_every_placeholder(kind: str) -> None:
    paper = PAPERS[kind]
    readme = (TEMPLATES / "README.md").read_text("utf8")
    sections = re.split(r"^## ", readme, flags=re.MULTILINE)
    common = next(part for part in sections if part.startswith("各文书共用\n"))
    section = next(part for part in sections if part.startswith(f"{paper.name}.docx\n"))
    explained = set(re.findall(r"`([^`]+)`", common)) | set(re.findall(r"`([^`]+)`", section))
    assert {field.split(".")[-1] for field in paper.fields} <= explained
    own_fields = set(re.findall(r"^- `([^`]+)`", section, re.MULTILINE))
    assert own_fields <= {*paper.plain, *paper.tables}, "explained, but not offered"


@pytest.mark.parametrize("name", BUILDERS)
def test_fonts_are_named(name: str) -> None:
    document = Document(str(TEMPLATES / name))
    runs = [run for run in document.element.body.iter(qn("w:r")) if run.find(qn("w:t")) is not None]
    printed = [run for run in runs if not re.match(r"\{%tr ", run.find(qn("w:t")).text or "")]
    assert len(printed) > 10
    for run in printed:
        assert run.find(qn("w:rPr")).find(qn("w:rFonts")).get(qn("w:eastAsia")), run.find(qn("w:t")).text
    assert document.core_properties.author == ""


@pytest.mark.parametrize("kind", PAPERS)
def test_values_are_what_the_fields_declare(kind: str) -> None:
    paper = PAPERS[kind]
    for file in (issue(), bare()):
        if paper.needs(file, params(kind)):
            continue
        values = paper_values(paper, file, params(kind))
        assert set(values) == {*paper.plain, *paper.tables}
        for table, columns in paper.tables.items():
            for row in values[table]:
                assert isinstance(row, str) if not columns else set(row) == set(columns), table


def broken(folder: Path, name: str, text: str) -> Path:
    """A copy of the templates, one of them with a paragraph more."""
    templates = Path(shutil.copytree(TEMPLATES, folder / "templates"))
    document = Document(str(templates / name))
    document.add_paragraph(text)
    document.save(str(templates / name))
    return templates


def test_a_misspelt_field_is_named_with_its_file(tmp_path: Path) -> None:
    templates = broken(tmp_path, "督办单.docx", "{{ 超其 }}")
    (line,) = check_papers(templates)
    assert "督办单.docx" in line
    assert "超其" in line
    with pytest.raises(ConfigError, match="超其") as caught:
        written("supervision", issue(), tmp_path, templates)
    assert (Path(caught.value.path).name, caught.value.field) == ("督办单.docx", "超其")


@pytest.mark.parametrize("text", ["{{ 标题 }", "{% if 标题 %}", "{%p for 段 in 标题 %}"])
def test_an_unclosed_tag_is_said_in_words(text: str, tmp_path: Path) -> None:
    (line,) = check_papers(broken(tmp_path, "交办单.docx", text))
    assert "交办单.docx" in line
    assert "占位符写法有误" in line


def test_missing_template_and_no_zip(tmp_path: Path) -> None:
    templates = Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))
    (templates / "转办函.docx").unlink()
    (templates / "报审单.docx").write_text("不是文档")
    lines = check_papers(templates)
    assert len(lines) == 2
    assert any("转办函.docx" in line and "没有这个模板文件" in line for line in lines)
    assert any("报审单.docx" in line and "不是可以打开的 Word 文档" in line for line in lines)
    with pytest.raises(ConfigError, match="没有这个模板文件"):
        written("referral", issue(), tmp_path, templates)


# --- what they say ---------------------------------------------------------------------------------------------------


def test_papers_of_an_issue(tmp_path: Path) -> None:
    text = "\n".join(f"=== {paper.name}\n{written(kind, issue(), tmp_path)}" for kind, paper in PAPERS.items())
    assert_golden("papers.docx.txt", text)


@pytest.mark.parametrize("kind", PAPERS)
def test_same_input_same_bytes(kind: str, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    written(kind, issue(), tmp_path)
    written(kind, issue(), tmp_path / "b")
    assert (tmp_path / f"{kind}.docx").read_bytes() == (tmp_path / "b" / f"{kind}.docx").read_bytes()


@pytest.mark.parametrize("kind", PAPERS)
def test_papers_are_marked_internal_and_never_classified(kind: str, tmp_path: Path) -> None:
    text = written(kind, issue(), tmp_path)
    assert "内部资料 注意保存" in text
    assert not re.search("秘密|机密|绝密", text)
    assert "样例数据" in text
    assert "样例数据" not in written(kind, issue(is_sample=False), tmp_path)


@pytest.mark.parametrize("kind", [kind for kind in PAPERS if kind not in ("approval", "release", "supervision")])
def test_nothing_is_invented_where_nothing_is_known(kind: str, tmp_path: Path) -> None:
    text = written(kind, bare(), tmp_path)
    assert "—" in text
    assert "None" not in text
    assert "无法" not in text
    assert not re.search(r"阅读 0|0 帖|n=0", text)


def tokens(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,]*(?:\.\d+)?", text))


def numbers_of(file: IssueFile) -> set[str]:
    """Every number that register, marts and grade of the issue hold, as paper writes it."""
    words = [file.issue_no, file.title, *(str(act.said) + str(act.claims) for act in file.acts)]
    log, grade = dict(file.log or {}), dict(file.grade or {})
    for value in (*log.values(), *grade.values()):
        if isinstance(value, int | float) and not isinstance(value, bool):
            words += [number(value), str(value)]
        elif isinstance(value, str | list):
            words.append(str(value))
    times = [file.as_of, file.detected_at, *(value for value in log.values() if isinstance(value, datetime))]
    times += [act.at for act in file.acts] + [one.published_at for one in file.published]
    times += [at for duty in file.duties for at in (duty.due_at, duty.done_at) if at]
    times += [at for one in file.hand_offs for at in (one.sent_at, one.receipt_at) if at]
    times += list(file.posts["published_at"])
    for at in times:
        local = at.astimezone(SHANGHAI)
        words += [f"{local:%Y-%m-%d %H:%M}", f"{local.year}年{local.month}月{local.day}日"]
    words += [f"{abs(duty.hours_left):.1f}" for duty in file.duties if duty.hours_left is not None]
    words += [f"{days} {rest}" for duty in file.duties for days, rest in [divmod(round(abs(duty.hours_left or 0)), 24)]]
    words += [duty.basis for duty in file.duties] + list(file.posts["text"]) + list(file.posts["url"])
    words += [one.url or "" for one in file.published] + [str(one) for one in file.releases]
    return tokens(" ".join(words))


@pytest.mark.parametrize("kind", PAPERS)
def test_every_number_is_one_of_register_or_marts(kind: str, tmp_path: Path) -> None:
    file = issue()
    counted = {str(n) for n in range(file.posts.height + 1)}  # counts of its own posts, ordinals of rows
    shares = {f"{n / file.posts.height * 100:.1f}" for n in range(file.posts.height + 1)}
    growth, small = {"150"}, {"5", "90", "24"}  # growth_24h; our rule of small numbers; the windows in words
    known = numbers_of(file) | counted | shares | growth | small | tokens(text_of(TEMPLATES / PAPERS[kind].template))
    found = tokens(written(kind, file, tmp_path))
    assert len(found) > 8
    assert found - known == set()


#: Two papers with all of them, the others with one each.
ATTACKS = [
    (kind, words)
    for place, kind in enumerate(PAPERS)
    for nth, words in enumerate(HOSTILE)
    if kind in ("special", "supervision") or nth == place % len(HOSTILE)
]


@pytest.mark.parametrize(("kind", "words"), ATTACKS)
def test_hostile_words_are_inert(kind: str, words: str, tmp_path: Path) -> None:
    file = issue()
    stored = words.encode("utf8", "replace").decode("utf8")  # a table holds no lone surrogate, the register may
    log = {**(file.log or {}), "title": words, "summary": words, "source_name": words, "url": words}
    acts = tuple(act._replace(said=dict.fromkeys(act.said, words)) for act in ACTS)
    hostile = replace(
        file, title=words, log=log, history=[{**log, "day": invented.DAY}], acts=acts, unit=words,
        posts=posts(title=stored, text=stored, source_name=stored, url=stored),
    )  # fmt: skip
    text = written(kind, hostile, tmp_path)
    assert printable(words) in text
    assert "49" not in text.replace("0049", "")
    with_tables = Document(str(tmp_path / f"{kind}.docx"))
    assert len(with_tables.element.body.findall(f".//{qn('w:hyperlink')}")) == 0


@given(st.text(max_size=300))
@settings(max_examples=15, deadline=None)
def test_any_title_makes_a_document(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    text = written("supervision", issue(title=words), tmp_path_factory.mktemp("any"))
    assert ISSUE in text


def test_quotes_are_scrubbed_and_short(tmp_path: Path) -> None:
    said = "请打13800138000找我，" + "很长的话" * 50
    text = written("special", issue(posts=posts(text=said)), tmp_path)
    assert "13800138000" not in text
    assert "很长的话" * 21 not in text
    assert "…”" in text


def test_small_numbers_make_no_share(tmp_path: Path) -> None:
    assert "n=1" in written("special", issue(posts=posts(count=4)), tmp_path)
    text = written("special", issue(), tmp_path)
    assert "n=" not in text
    assert "50.0%" in text  # three complaints of six


def test_reposts_are_not_quoted_twice(tmp_path: Path) -> None:
    assert written("special", issue(), tmp_path).count("听说某镇的人均收入是坐在屋里编的") == 1


def test_letters_carry_their_round(tmp_path: Path) -> None:
    first = written("report_up", issue(), tmp_path, round="1")
    assert "首报" in first
    assert "值班岗" in first
    assert "2026-11-22 09:30" in first
    assert "续报（第 1 次）" in written("report_up", issue(), tmp_path)
    assert "终报" in written("report_up", issue(), tmp_path, final="yes")
    assert "首报" in written("report_up", issue(), tmp_path, recipient="县委宣传部")


def test_names_tell_papers_apart() -> None:
    file = issue()
    assert file_name(PAPERS["report_up"], file, TO_CITY) == "归口报送单-市统计局-02.docx"
    assert file_name(PAPERS["report_up"], file, {"recipient": "county_pub"}) == "归口报送单-县委宣传部-01.docx"
    assert file_name(PAPERS["supervision"], file, {}) == "督办单-首次回应-02.docx"
    assert file_name(PAPERS["flash"], file, {}) == "舆情快报-02.docx"
    assert file_name(PAPERS["special"], file, {}) == "舆情专报-01.docx"


def test_an_overdue_duty_is_supervised_with_what_was_asked(tmp_path: Path) -> None:
    text = written("supervision", issue(), tmp_path, round="1")
    assert "请于今日内办结。" in text
    assert "1.5 小时" in text
    assert "国办发〔2016〕61号" in text


def test_measures_name_whom_they_went_to() -> None:
    (line,) = [line for line in acts_words(issue(), 20) if "归口报送" in line]
    assert "市统计局" in line


@pytest.mark.parametrize(
    ("kind", "wishes", "words"),
    [
        ("report_up", {"recipient": "隔壁单位"}, "没有“隔壁单位”这个报送对象"),
        ("supervision", {"duty": "喝茶"}, "没有“喝茶”这项时限"),
        ("flash", {"colour": "red"}, "没有这一项：colour"),
        ("flash", {"round": "０"}, "次序须为"),
    ],
)
def test_wishes_that_cannot_be_met(kind: str, wishes: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        paper_values(PAPERS[kind], issue(), wishes)


def test_a_paper_is_known_by_id_and_name() -> None:
    assert paper_of("flash") is paper_of("舆情快报")
    with pytest.raises(UsageError, match="公告"):
        paper_of("公告")


# --- from register and marts -----------------------------------------------------------------------------------------

ONE = "YQ-2026-0001"
DAY = date(2026, 11, 20)
FOUND = datetime(2026, 11, 20, 9, tzinfo=SHANGHAI)
END = end_of_day(DAY)


def filled(env: Env, table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Rows of a contract: what matters is given, the rest is plausible."""
    contract = env.contracts[table]
    plain = {"string": "x", "int64": 1, "float64": 1.0, "boolean": False, "timestamp": FOUND, "date": DAY}
    usual = {
        c.name: [] if c.type.startswith("list") else None if c.null_means else (c.values or [plain[c.type]])[0]
        for c in contract.columns
    }
    return pl.DataFrame([{**usual, **row} for row in rows], schema=contract.polars_schema())


@pytest.fixture
def env(tmp_path: Path, config_copy: Path) -> Env:
    env = Env.open(Settings(home=tmp_path / "home", config=config_copy, as_of=END))
    version = env.settings.grading(DAY).rule_version
    lake = env.lake
    lake.replace(
        "graded.issues",
        DAY,
        filled(env, "graded.issues", [{"issue_no": ONE, "title": "数据是编的", "topic": "income"}]),
    )
    grade = {"issue_no": ONE, "as_of": END, "rule_version": version, "topic": "income", "level": "larger",
             "response_value": "must", "media_tier": "none", "n_media": 0}  # fmt: skip
    lake.replace("graded.issue_grades", DAY, filled(env, "graded.issue_grades", [grade]), Evaluation(END, version).part)
    links = [{"issue_no": ONE, "post_id": f"p{n}", "group_id": f"p{n}"} for n in range(3)]
    lake.replace("graded.issue_posts", DAY, filled(env, "graded.issue_posts", links))
    said = [{"post_id": f"p{n}", "title": f"第{n}帖", "text": "长" * 400, "topic": "income"} for n in range(4)]
    lake.replace("graded.posts", DAY, filled(env, "graded.posts", said))
    log = {"issue_no": ONE, "title": "数据是编的", "as_of": END, "posts": 3, "views": None, "topic": "income",
           "level_by_score": "larger", "level_in_force": "larger"}  # fmt: skip
    with duckdb.connect(str(env.settings.warehouse_file)) as connection:  # noqa: TID251 - a mart by hand
        for table in ("marts.daily_log", "marts.response_effect", "marts.release_calendar"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}")
            connection.execute(env.contracts[table].ddl())
        rows = filled(env, "marts.daily_log", [log]).with_columns(day=pl.lit(DAY)).to_arrow()  # noqa: F841
        connection.execute("INSERT INTO marts.daily_log BY NAME SELECT * FROM rows")
    with env.register() as register:
        register.allot_numbers([ONE], 2026, FOUND)
    return env


def do(env: Env, event: str, role: str = "openness_office", minutes: int = 0, **payload: object) -> None:
    from caifeng.cases.service import act

    with env.register() as register:
        sequence = len(register.events(ONE))
        at = FOUND.replace(hour=10 + sequence, minute=minutes)
        act(register, ONE, event, Actor(role, f"{role}1"), payload, at)


def test_an_issue_is_read_from_register_and_marts(env: Env) -> None:
    do(env, "confirm", level="larger", suggested_level="larger")
    do(env, "assign", unit="social")
    do(env, "report_up", recipient="city_stats", medium="system")
    do(env, "receipt", hand_off=3, receipt_at="2026-11-20T12:05:00+08:00", receipt_role="值班岗")
    file = job.issue_file(env, ONE, END)
    assert (file.title, file.level, file.confirmed, file.unit) == ("数据是编的", "larger", True, "社会人口股")
    assert file.log is not None
    assert (file.log["posts"], file.posts.height) == (3, 3)
    assert set(file.posts["text"].str.len_chars()) == {200}
    (sent,) = file.hand_offs
    assert (sent.recipient, sent.round, sent.receipt_role) == ("市统计局", "首报", "值班岗")
    assert [act.label for act in file.acts] == ["确认级别", "交办", "归口报送", "登记回执"]
    assert {duty.duty for duty in file.duties} >= {"verify", "respond"}
    assert sum("舆情内容 C" in line["measure"] for line in file.computation) == 1


def test_what_came_later_is_left_out(env: Env) -> None:
    do(env, "confirm", level="larger", suggested_level="larger")
    file = job.issue_file(env, ONE, FOUND.replace(hour=9, minute=30))
    assert file.acts == ()
    assert file.log is None
    assert file.grade is None


def test_a_paper_is_written_under_its_name_and_again_the_same(env: Env) -> None:
    path = job.write_paper(env, "flash", ONE, END)
    assert path == env.settings.outputs_dir / "papers" / ONE / "舆情快报-01.docx"
    first = path.read_bytes()
    assert job.write_paper(env, "舆情快报", ONE, END).read_bytes() == first
    assert "数据是编的" in text_of(path)


def test_a_broken_template_stops_only_its_own_paper(env: Env) -> None:
    (env.settings.config / "templates" / "交办单.docx").write_bytes(b"PK no zip")
    paths, faults = job.write_papers(env, ONE, END)
    assert [fault for fault in faults if "交办单.docx" in fault] == faults
    assert len(faults) == 1
    names = {path.name.split("-")[0] for path in paths}
    assert names == {"舆情快报", "舆情专报", "会商纪要", "归口报送单", "转办函", "督办单"}


def test_lines_say_what_can_be_written_and_what_is_empty(env: Env) -> None:
    listing = job.paper_listing(env, ONE, END)
    assert len(listing.cells) == len(listing.values) == len(PAPERS)
    said = {name: (empty, why_not) for name, _, _, empty, why_not in listing.cells}
    assert "尚未拟稿" in said["报审单"][1]
    assert "主送" in said["归口报送单"][0]
    with pytest.raises(UsageError, match="YQ-2026-0999"):
        job.paper_listing(env, "YQ-2026-0999", END)


def test_producing_goes_on_after_a_broken_template(tmp_path: Path) -> None:
    def fails(_: Path) -> None:
        raise ConfigError("日志.docx", "概数", "模板中有系统不提供的占位符")

    with pytest.raises(ConfigError, match="概数"):
        job.produce(tmp_path, {"a.docx": fails, "b.txt": lambda path: path.write_text("有")})
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]
    with pytest.raises(ConfigError, match="2 个文件未写出"):
        job.produce(tmp_path, {"a.docx": fails, "c.docx": fails})
    assert job.produce(tmp_path, {"d.txt": lambda path: path.write_text("有")}) == 1


# --- PDF -------------------------------------------------------------------------------------------------------------


def test_without_libreoffice_a_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda _: None)
    copy = pdf.pdf_copy(tmp_path / "a.docx")
    assert copy.path is None
    assert "未安装 LibreOffice" in copy.words


@pytest.mark.parametrize(("body", "words"), [("exit 1", "不能转换"), ("exit 0", "没有写出"), ("sleep 9", "已放弃")])
def test_a_conversion_that_fails_is_said(tmp_path: Path, body: str, words: str) -> None:
    program = tmp_path / "office"
    program.write_text(f"#!/bin/sh\nexec >/dev/null 2>&1\n{body.replace('sleep', 'exec sleep')}\n")
    program.chmod(0o755)
    copy = pdf.pdf_copy(tmp_path / "a.docx", str(program), timeout=0.3 if "sleep" in body else 20)
    assert copy.path is None
    assert words in copy.words


needs_office = pytest.mark.skipif(
    pdf.office_program() is None, reason="LibreOffice is not installed: no pages to count"
)


def pages(path: Path) -> int:
    copy = pdf.pdf_copy(path)
    assert copy.path is not None, copy.words
    counted = len(re.findall(rb"/Type\s*/Page[^s]", copy.path.read_bytes()))
    if shutil.which("pdfinfo"):
        info = subprocess.run(["pdfinfo", str(copy.path)], check=True, capture_output=True, text=True).stdout
        counted = int(re.findall(r"Pages:\s+(\d+)", info)[0])
    return counted


@pytest.mark.slow
@needs_office
def test_a_flash_stays_on_one_page_whatever_it_says(tmp_path: Path) -> None:
    long = "说了很多话" * 60
    acts = tuple(act._replace(said=dict.fromkeys(act.said, long)) for act in ACTS)
    file = issue()
    log = {
        **(file.log or {}),
        "summary": long,
        "overrides": ["O9", "O5", "O6", "O8"],
        "url": "https://a.example/" + "b" * 300,
    }
    written("flash", replace(file, title=long, log=log, acts=acts), tmp_path)
    assert pages(tmp_path / "flash.docx") == 1


@pytest.mark.slow
@needs_office
def test_an_ordinary_log_has_two_pages(tmp_path: Path) -> None:
    write_daily_log_docx(invented.report(), TEMPLATES / "政务舆情日志.docx", tmp_path / "log.docx")
    assert pages(tmp_path / "log.docx") <= 2


@pytest.mark.slow
@needs_office
def test_a_special_has_three_to_five_pages(tmp_path: Path) -> None:
    written("special", issue(), tmp_path)
    assert 3 <= pages(tmp_path / "special.docx") <= 5
