"""A template that the office may edit: what it uses, what is wrong with it, and how it is filled in."""

from collections.abc import Collection, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from docx.opc.exceptions import PackageNotFoundError
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment
from lxml.etree import XMLSyntaxError  # type: ignore[import-untyped]

from caifeng.core.errors import ConfigError
from caifeng.core.office_file import DOCUMENT, Harm, UnsafeFileError, check_office_file
from caifeng.reports.layout import fixed_zip

_UNSAFE: dict[Harm, str] = {
    "no_archive": "不是可以打开的 Word 文档（.docx）",
    "size": "模板解压后过大，不予打开",
    "members": "模板内的部件过多，不予打开",
    "path": "模板内有指向文件之外的部件，不予打开",
    "locked": "模板设有密码或采用不支持的压缩方式，请取消密码后另存为 .docx",
    "markup": "模板内的 XML 有实体声明或已损坏，不予打开",
    "macro": "模板含有宏、控件或嵌入程序，请删除后另存为 .docx",
    "link": "模板打开时会读取外部文件或网址，请断开链接、改为嵌入后另存",
}


def fill(template: Path, fields: Collection[str], values: Mapping[str, Any], path: Path) -> None:
    """Fill a template and write it; the same input gives the same bytes.

    Args:
        template: a .docx with placeholders.
        fields: placeholders the code offers.
        values: their values: text that may be shown as it is, rich text, lists of rows.
        path: where to write.

    Raises:
        ConfigError: the template cannot be read, or uses a placeholder that does not exist.
        OSError: `path` cannot be written.
    """
    if unknown := sorted(placeholders(template) - set(fields)):
        raise ConfigError(template, "、".join(unknown), _unknown_words(unknown))
    document = DocxTemplate(template)
    buffer = BytesIO()
    try:
        document.render(dict(values), _environment(), autoescape=True)
        document.save(buffer)
    except TemplateError as error:
        raise ConfigError(template, "", f"模板无法填写：{error.message}") from error
    except XMLSyntaxError as error:
        raise ConfigError(template, "", "模板无法填写：有标签跨越了段落或表格行，填入后不再是 Word 文档") from error
    path.write_bytes(fixed_zip(buffer.getvalue()))


def check_template(template: Path, fields: Collection[str], whole: bool = True) -> list[str]:
    """What is wrong with an edited template, in plain Chinese; empty when nothing is.

    Args:
        template: a .docx with placeholders.
        fields: placeholders the code offers, such as `DAILY_LOG_FIELDS`.
        whole: whether it is to use all of them.

    Returns:
        One sentence for the unknown placeholders, one for the missing ones, or the reason it cannot be read.
    """
    try:
        used = placeholders(template)
    except ConfigError as error:
        return [str(error)]
    unknown, missing = sorted(used - set(fields)), sorted(set(fields) - used)
    return ([_unknown_words(unknown)] if unknown else []) + (
        [f"模板缺少占位符：{'、'.join(missing)}；这些内容不会出现在文件中"] if missing and whole else []
    )


def placeholders(template: Path) -> set[str]:
    """Names a template uses: `name` at the top, `table.column` inside a loop over a table.

    Raises:
        ConfigError: no such file, not a .docx, one with macros or links to elsewhere, or a broken {{ }} or {% %}.
    """
    if not template.exists():
        raise ConfigError(template, "", "没有这个模板文件，不是可以打开的 Word 文档（.docx）")
    try:
        check_office_file(template.read_bytes(), DOCUMENT)
    except OSError as error:
        raise ConfigError(template, "", "不是可以打开的 Word 文档（.docx）") from error
    except UnsafeFileError as error:
        raise ConfigError(template, "", f"{_UNSAFE[error.harm]}（{error.detail}）") from error
    document = DocxTemplate(template)
    try:
        document.init_docx()
        xml = document.patch_xml(document.get_xml())
        for kind in (document.HEADER_URI, document.FOOTER_URI):
            for _, part in document.get_headers_footers(kind):
                xml += document.patch_xml(document.get_part_xml(part))
    except (OSError, PackageNotFoundError, BadZipFile, KeyError, ValueError, XMLSyntaxError) as error:
        raise ConfigError(template, "", "不是可以打开的 Word 文档（.docx）") from error
    try:
        tree = _environment().parse(xml)
    except TemplateSyntaxError as error:
        raise ConfigError(template, "", f"占位符写法有误（括号或标签不成对）：{error.message}") from error
    tables: dict[str, set[str]] = {}
    for loop in tree.find_all(nodes.For):
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name):
            columns = {
                attribute.attr
                for attribute in loop.find_all(nodes.Getattr)
                if isinstance(attribute.node, nodes.Name) and attribute.node.name == loop.target.name
            }
            tables.setdefault(loop.iter.name, set()).update(columns)
    return meta.find_undeclared_variables(tree) | {f"{t}.{c}" for t, columns in tables.items() for c in columns}


def field_names(plain: Iterable[str], tables: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """What a template may use: plain placeholders, and for tables `table` and `table.column`."""
    return frozenset(
        [*plain, *tables, *(f"{table}.{column}" for table, columns in tables.items() for column in columns)]
    )


def _unknown_words(unknown: Iterable[str]) -> str:
    return f"模板中有系统不提供的占位符：{'、'.join(unknown)}；请对照模板目录中的 README.md 改正"


def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
