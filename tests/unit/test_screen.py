"""What a verb shows, on a terminal and into a pipe."""

import io
import json
import re
from datetime import UTC, date, datetime

import pytest
from rich.cells import cell_len

from caifeng.core.errors import UsageError
from caifeng.core.listing import Listing
from caifeng.screen import as_json_lines, cell_text, progress, show, table

COLUMNS = {"issue_no": "编号", "level": "级别", "views": "阅读", "due_at": "时限"}
ROWS = [
    ("YQ-2026-0001", "较大", 1284, datetime(2026, 11, 22, 4, tzinfo=UTC)),
    ("YQ-2026-0002", "[bold]一般[/bold]", None, None),
]


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown(out: io.StringIO, rows=ROWS, **options) -> list[str]:
    table("待办事项", COLUMNS, rows, to=out, **options)
    return out.getvalue().splitlines()


def test_a_pipe_gets_one_line_per_row_with_tabs_and_nothing_else():
    assert shown(io.StringIO()) == [
        "编号\t级别\t阅读\t时限",
        "YQ-2026-0001\t较大\t1284\t2026-11-22 12:00",
        "YQ-2026-0002\t[bold]一般[/bold]\t—\t—",
    ]


def test_tabs_and_lines_within_a_cell_do_not_break_a_row():
    lines = shown(io.StringIO(), [("a\tb", "c\nd", 1, None)])
    assert lines[1].split("\t") == ["a b", "c d", "1", "—"]


def test_a_terminal_gets_a_frame_in_which_every_line_is_as_wide():
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown(Terminal())]
    assert "待办事项" in lines[0]
    framed = lines[1:]
    assert len(framed) == 6
    assert len({cell_len(line.rstrip()) for line in framed}) == 1
    assert "[bold]一般[/bold]" in framed[4]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_character_is_lost(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    title = "关于居民收入抽样调查记账户补贴发放标准和时间的说明以及有关数据口径的解释" * 2
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown(Terminal(), [("YQ-2026-0001", title, 1, None)])]
    assert max(cell_len(line) for line in lines) <= width
    folded = "".join(re.findall(r"[\u4e00-\u9fff]", "".join(lines)))
    assert sorted(folded) == sorted(title + "待办事项" + "".join(COLUMNS.values()))


def test_numbers_of_issues_and_times_stay_on_one_line():
    lines = "\n".join(shown(Terminal(), [("YQ-2026-0001", "较大" * 40, 1284, datetime(2026, 11, 22, 4, tzinfo=UTC))]))
    assert "YQ-2026-0001" in lines
    assert "2026-11-22 12:00" in lines
    plain = re.sub(r"\x1b\[[0-9;]*m", "", lines).splitlines()[1:]
    assert {line.rstrip()[-1] for line in plain} <= set("┓┃┩│┘")


def test_no_color_is_honoured(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    lines = shown(Terminal())
    assert lines
    assert not any(re.search(r"\x1b\[[0-9;]*3[0-9]m", line) for line in lines)


def test_json_has_keys_nulls_and_times_with_their_zone_also_on_a_terminal():
    rows = [json.loads(line) for line in shown(Terminal(), as_json=True)]
    assert rows[0] == {
        "issue_no": "YQ-2026-0001", "level": "较大", "views": 1284, "due_at": "2026-11-22T12:00:00+08:00",
    }  # fmt: skip
    assert rows[1]["views"] is None
    assert [*rows[1]] == [*COLUMNS]


def test_rows_by_key_are_the_same_rows():
    by_key = [dict(zip(COLUMNS, row, strict=True)) | {"more": 1} for row in ROWS]
    assert shown(io.StringIO(), by_key) == shown(io.StringIO())


@pytest.mark.parametrize("row", [("a",), {"issue_no": "a"}])
def test_a_row_that_does_not_fit_is_an_error(row):
    with pytest.raises(UsageError, match="a row has"):
        shown(io.StringIO(), [row])


def test_json_lines_keep_chinese_and_refuse_what_has_no_json():
    said = as_json_lines([{"day": date(2026, 11, 22), "title": "收入"}])
    assert list(said) == ['{"day": "2026-11-22", "title": "收入"}']
    with pytest.raises(TypeError, match="no JSON"):
        list(as_json_lines([{"a": {1}}]))


def test_cells():
    said = [cell_text(cell) for cell in (None, True, False, 0, 1.5, ["甲", "乙"], [], date(2026, 1, 2), "")]
    assert said == ["—", "是", "否", "0", "1.5", "甲、乙", "", "2026-01-02", ""]


def test_progress_in_a_pipe_is_a_line_per_step():
    out = io.StringIO()
    with progress("补算", 2, to=out) as step:
        step("2026-11-20")
        step()
    with progress("采集", to=out) as step:
        step("portal")
    assert out.getvalue().splitlines() == ["补算 1/2 2026-11-20", "补算 2/2", "采集 1 portal"]


def test_progress_on_a_terminal_is_gone_when_it_is_done():
    out = Terminal()
    with progress("[补算]", 2, to=out) as step:
        step("2026-11-20")
        step("2026-11-21")
    said = out.getvalue()
    assert "补算" in said
    assert "2/2" in said
    assert said.rstrip("\x1b[?25h\n\r").endswith(("\x1b[2K", "\x1b[1A"))


def test_an_error_passes_through_progress():
    for out in (io.StringIO(), Terminal()):
        with pytest.raises(ZeroDivisionError), progress("补算", 2, to=out):
            raise ZeroDivisionError


LISTING = Listing(
    "值班", ("日期", "值班"), [(date(2026, 12, 4), "无人")], [{"day": date(2026, 12, 4), "user": None}], "没有"
)


def test_a_listing_is_shown_in_words_and_given_in_codes():
    plain, framed, objects = io.StringIO(), Terminal(), io.StringIO()
    show(LISTING, to=plain)
    show(LISTING, to=framed)
    show(LISTING, as_json=True, to=objects)
    assert plain.getvalue() == "日期\t值班\n2026-12-04\t无人\n"
    assert "┃" in framed.getvalue()
    assert "无人" in framed.getvalue()
    assert objects.getvalue() == '{"day": "2026-12-04", "user": null}\n'


def test_nothing_to_list_is_said_where_it_does_not_disturb(capsys):
    nothing = Listing("值班", ("日期", "值班"), [], [], "没有值班")
    plain, framed, objects = io.StringIO(), Terminal(), io.StringIO()
    show(nothing, to=plain)
    assert capsys.readouterr().err == "没有值班\n"
    show(nothing, to=framed)
    show(nothing, as_json=True, to=objects)
    assert (plain.getvalue(), framed.getvalue(), objects.getvalue()) == ("日期\t值班\n", "没有值班\n", "")
    assert capsys.readouterr().err == ""
