"""The log as a document, and the template a user may edit."""

import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from docx import Document
from docx.table import Table

from caifeng.core.errors import ConfigError
from caifeng.reports import daily_log_docx as module
from caifeng.reports.day import DayReport, with_level
from caifeng.reports.templates.daily_log import build_daily_log_template
from tests.golden import invented
from tests.golden.compare import assert_golden

TEMPLATE = invented.ROOT / "config/templates/政务舆情日志.docx"


def text_of(path: Path) -> str:
    """Paragraphs and table rows in order."""
    lines = []
    for block in Document(str(path)).iter_inner_content():
        if isinstance(block, Table):
            lines += ["| " + " | ".join(cell.text.replace("\n", " / ") for cell in row.cells) for row in block.rows]
        else:
            lines.append(block.text)
    return "\n".join(lines) + "\n"


def written(report: DayReport, folder: Path, template: Path = TEMPLATE) -> str:
    path = folder / "out.docx"
    module.write_daily_log_docx(report, template, path)
    return text_of(path)


def releases(status: str = "published") -> pl.DataFrame:
    """marts.release_calendar of the invented day: one of two topics tomorrow, one too far away."""
    near = {"indicator": "居民消费价格（10月）", "first_day": invented.DAY + timedelta(days=1), "status": status}
    far = {"indicator": "统计公报", "first_day": invented.DAY + timedelta(days=9), "status": status}
    rows = [
        {**row, "last_day": row["first_day"], "at": "09:30", "topic": topic, "topic_name": name}
        for row, topic, name in ((near, "price", "物价"), (near, "income", "居民收入"), (far, "gdp", "经济总量"))
    ]
    return pl.DataFrame(rows)


def edited(folder: Path, text: str) -> Path:
    """The committed template with one more paragraph."""
    document = Document(str(TEMPLATE))
    document.add_paragraph(text)
    path = folder / "edited.docx"
    document.save(str(path))
    return path


def test_the_committed_template_uses_exactly_what_the_code_offers() -> None:
    assert module.placeholders(TEMPLATE) == module.DAILY_LOG_FIELDS
    assert module.check_template(TEMPLATE, module.DAILY_LOG_FIELDS) == []


def test_the_readme_explains_every_placeholder() -> None:
    readme = (TEMPLATE.parent / "README.md").read_text("utf8").split("## 各文书共用")[0]
    explained = set(re.findall(r"^\| `(?:行\.)?([^`]+)`", readme, re.MULTILINE))
    assert explained == {field.split(".")[-1] for field in module.DAILY_LOG_FIELDS}


def test_the_code_offers_what_it_says() -> None:
    context = module.daily_log_context(invented.report(), releases())
    offered = set(context)
    for name, value in context.items():
        if isinstance(value, list):
            assert value, name
            offered |= {f"{name}.{column}" for row in value for column in row}
    assert offered == module.DAILY_LOG_FIELDS


def test_the_builder_is_reproducible(tmp_path: Path) -> None:
    for name in ("a.docx", "b.docx"):
        build_daily_log_template(tmp_path / name)
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()
    assert module.check_template(tmp_path / "a.docx", module.DAILY_LOG_FIELDS) == []


def test_log_of_an_ordinary_day(tmp_path: Path) -> None:
    assert_golden("daily_log.docx.txt", written(invented.report(), tmp_path))


def test_the_log_shows_the_level_in_force_and_marks_what_nobody_confirmed() -> None:
    log = pl.DataFrame(
        {
            "seq": [1, 2, 3],
            "system_level": ["general", "general", "major"],
            "confirmed_level": [None, None, "larger"],
            "level_in_force": ["larger", None, "larger"],  # one that fell for one evaluation; an old row; a person's
        },
        schema={"seq": pl.Int64} | dict.fromkeys(("system_level", "confirmed_level", "level_in_force"), pl.String),
    )
    shown = with_level(log)
    assert shown["level"].to_list() == ["larger", "general", "larger"]
    assert shown["standing"].to_list() == ["建议", "建议", "已确认"]


def test_zero_report_still_proves_coverage(tmp_path: Path) -> None:
    text = written(invented.report(invented.log(numbers=(419,))), tmp_path)
    assert "当日未发现涉本单位统计工作舆情（零报告）。" in text
    assert "5/6 个来源已巡查" in text
    assert "均为背景 1 件" in text
    assert "另计背景 1 件、转办 0 件。" in text


def test_a_day_without_any_row(tmp_path: Path) -> None:
    text = written(invented.report(invented.log(numbers=()), is_sample=False), tmp_path)
    assert_golden("zero_report.docx.txt", text)
    assert "样例" not in text.replace(invented.OFFICE.name, "").replace("样例日报", "")


def test_same_input_same_bytes(tmp_path: Path) -> None:
    for name in ("a.docx", "b.docx"):
        module.write_daily_log_docx(invented.report(), TEMPLATE, tmp_path / name)
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()


@pytest.mark.parametrize(
    "title",
    [
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "{{ 7*7 }}",
        "{% for x in y %}",
        "<w:p/>&amp;",
        "a\x0bb\x00c\u202ed",
    ],
)
def test_hostile_titles_appear_literally(tmp_path: Path, title: str) -> None:
    text = written(invented.report(invented.log(numbers=(415,), title=title, source_name=title)), tmp_path)
    assert text.count(module.printable(title)) == 3  # title, source, list of what to do


def test_unknown_measures_are_dashes(tmp_path: Path) -> None:
    assert "阅读 —" in written(invented.report(invented.log(numbers=(415,), views=None)), tmp_path)
    assert "阅读 0" in written(invented.report(invented.log(numbers=(415,), views=0)), tmp_path)


def test_an_unknown_placeholder_is_named(tmp_path: Path) -> None:
    template = edited(tmp_path, "{{ 概数 }}")
    assert module.check_template(template, module.DAILY_LOG_FIELDS) == [
        "模板中有系统不提供的占位符：概数；请对照模板目录中的 README.md 改正"
    ]
    with pytest.raises(ConfigError, match="概数") as caught:
        written(invented.report(), tmp_path, template)
    assert caught.value.field == "概数"
    assert not (tmp_path / "out.docx").exists()


def test_an_unknown_column_of_a_table_is_named(tmp_path: Path) -> None:
    template = edited(tmp_path, "{% for 件 in 需要处理 %}{{ 件.电话 }}{% endfor %}")
    assert module.check_template(template, module.DAILY_LOG_FIELDS) == [
        "模板中有系统不提供的占位符：需要处理.电话；请对照模板目录中的 README.md 改正"
    ]


def test_a_missing_placeholder_is_named_but_allowed(tmp_path: Path) -> None:
    document = Document(str(TEMPLATE))
    for paragraph in document.paragraphs:
        if "{{ 概述 }}" in paragraph.text:
            paragraph.clear()
    template = tmp_path / "short.docx"
    document.save(str(template))
    assert module.check_template(template, module.DAILY_LOG_FIELDS) == [
        "模板缺少占位符：概述；这些内容不会出现在文件中"
    ]
    assert "监测来源" not in written(invented.report(), tmp_path, template)


@pytest.mark.parametrize("text", ["{{ 概述 }", "{% if 概述 %}", "{{ 概述. }}"])
def test_broken_syntax_is_said_in_words(tmp_path: Path, text: str) -> None:
    (said,) = module.check_template(edited(tmp_path, text), module.DAILY_LOG_FIELDS)
    assert "占位符写法有误" in said
    assert "edited.docx" in said


def test_a_template_cannot_reach_into_the_program(tmp_path: Path) -> None:
    template = edited(tmp_path, "{{ 概述.__class__.__mro__ }}")
    with pytest.raises(ConfigError, match="模板无法填写"):
        written(invented.report(), tmp_path, template)


def test_files_that_are_no_document(tmp_path: Path) -> None:
    (tmp_path / "text.docx").write_text("不是文档")
    for name in ("text.docx", "absent.docx"):
        (said,) = module.check_template(tmp_path / name, module.DAILY_LOG_FIELDS)
        assert "不是可以打开的 Word 文档" in said


@pytest.mark.parametrize("office", ["县统计局", "样例县统计局政务公开办", "某某自治州统计局政务公开和信息化办公室"])
def test_signature_stands_two_characters_in_and_the_date_two_further(office: str) -> None:
    def width(text: str) -> float:
        return sum(0.5 if char.isascii() else 1 for char in text)

    signature, signed_on = module.signature_lines(office, invented.DAY)
    assert signature.strip() == office
    assert signed_on.strip() == "2026年11月22日"
    assert max(width(signature), width(signed_on)) in (25.5, 26)
    assert len(signed_on) - len(signed_on.lstrip()) == len(signature) - len(signature.lstrip()) + 2


def test_tomorrows_releases_are_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "log.docx"
    module.write_daily_log_docx(invented.report(), TEMPLATE, path, releases())
    text = text_of(path)
    assert "| 11-23 09:30 | 居民消费价格（10月） | 居民收入、物价 | 已公布日程" in text
    assert "统计公报" not in text
    module.write_daily_log_docx(invented.report(), TEMPLATE, path, releases("by_custom"))
    assert "按惯例推算，待核对" in text_of(path)


def test_a_calendar_that_was_not_read_is_not_an_empty_one(tmp_path: Path) -> None:
    assert "—（未读取发布日程）" in written(invented.report(), tmp_path)
    path = tmp_path / "log.docx"
    module.write_daily_log_docx(invented.report(), TEMPLATE, path, releases().clear())
    assert "今后三日无已列日程的数据发布。" in text_of(path)


def test_lone_surrogates_are_no_obstacle() -> None:
    assert module.printable("甲\ud800乙") == "甲 乙"
