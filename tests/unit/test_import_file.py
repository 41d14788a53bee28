"""A file into an inbox: good rows land once and scrubbed, bad rows come back with reasons, nothing crashes."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caifeng.core.errors import CaifengError, ConfigError, DataError, UsageError
from caifeng.core.settings import Settings
from caifeng.core.text.scrub import find_pii
from caifeng.core.text.urls import post_id
from caifeng.jobs.base import Env
from caifeng.jobs.clean import clean
from caifeng.jobs.crawl import crawl, land_sources
from caifeng.jobs.import_file import import_file

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DAY = AT.date()
PHONE = "13912345678"
HEAD = ["标题", "内容", "链接", "时间", "阅读", "来电人"]
GOOD = ["入户调查", f"请回电{PHONE}", "http://x.example/1?uid=7", "2026-11-20 09:30", "1.2万", "来电人甲"]
SOURCE = """
id = "box"
name = "测试信箱"
family = "inbox"
class = "message_board"
reach = "county"
board = "信箱"
[columns]
title = ["标题", "主题"]
text = "内 容"
url = "链接"
published_at = "时间"
views = "阅读"
"""
FEED = """
id = "feed"
name = "订阅"
family = "feed"
class = "rss"
reach = "county"
[feed]
urls = ["http://127.0.0.1:1/rss.xml"]
"""


@pytest.fixture
def env(config_copy: Path, tmp_path: Path) -> Env:
    return opened(config_copy, tmp_path, AT)


def opened(config: Path, tmp_path: Path, at: datetime) -> Env:
    for path in (config / "sources").glob("*.toml"):
        path.unlink()
    (config / "sources" / "box.toml").write_text(SOURCE, "utf8")
    return Env.open(Settings(home=tmp_path / "home", config=config, as_of=at))


def write(path: Path, rows: list[list[Any]], encoding: str = "utf-8", separator: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


def posts(env: Env) -> pl.DataFrame:
    return env.lake.read("raw.posts", DAY)


def test_a_row_lands_read_and_scrubbed(env: Env, tmp_path: Path) -> None:
    report = import_file(env, write(tmp_path / "a.csv", [HEAD, GOOD]), "box")
    assert report.counts == {"rows": 1, "posts": 1, "repeated": 0, "rejected": 0, "shortened": 0}
    assert (report.day, report.faults, report.rejected_file) == (DAY, {}, None)
    (row,) = posts(env).to_dicts()
    assert row == {
        "post_id": post_id("http://x.example/1"),
        "source_id": "box",
        "board": "信箱",
        "url": "http://x.example/1",
        "title": "入户调查",
        "text": "请回电〔手机号〕",
        "published_at": datetime(2026, 11, 20, 1, 30, tzinfo=UTC),
        "published_precision": "minute",
        "fetched_at": AT,
        "observed_at": AT,
        "views": 12000,
        "reposts": None,
        "comments": None,
        "heat": None,
        "encoding": "utf-8",
        "date_source": "file",
        "date_guessed": False,
        "parent_id": None,
        "index_no": None,
        "answer": None,
        "answered_at": None,
        "read_at": None,
    }
    (fetch,) = env.lake.read("ops.fetches", DAY).to_dicts()
    assert (fetch["url"], fetch["kind"], fetch["outcome"], fetch["found"]) == ("file:a.csv", "list", "ok", 1)
    assert (fetch["http_status"], fetch["detail"]) == (None, None)
    assert fetch["bytes"] == (tmp_path / "a.csv").stat().st_size


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "canonical"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030")]
)
def test_csv_as_offices_write_it(env: Env, tmp_path: Path, separator: str, encoding: str, canonical: str) -> None:
    caption = ["工单导出", "", "", "", "", ""]
    row = ["调查员;上门，不便", '第一行\n第二行, 引号"内"', "", "11月20日", "0", ""]
    file = write(tmp_path / "a.csv", [caption, HEAD, row, [""] * 6], encoding, separator)
    assert import_file(env, file, "box").posts == 1
    (post,) = posts(env).to_dicts()
    assert (post["title"], post["text"]) == ("调查员;上门，不便", '第一行\n第二行, 引号"内"')
    assert (post["published_precision"], post["views"], post["encoding"]) == ("day", 0, canonical)
    assert post["url"].startswith("inbox:box/")
    assert post["post_id"] == post_id(post["url"])


def test_a_workbook_with_caption_dates_numbers_and_formula_like_text(env: Env, tmp_path: Path) -> None:
    rows = [
        ["十一月工单"],
        HEAD,
        ["=1+1", '=HYPERLINK("http://evil.example")', None, date(2026, 11, 20), 340],
        ["有钟点", "-", "", "2026-11-20 09:30", 1204.0],
    ]
    file = workbook(tmp_path / "a.xlsx", {"工单": rows, "说明": [["别的"]]})
    assert import_file(env, file, "box").counts["posts"] == 2
    first, second = posts(env).sort("views").to_dicts()
    assert (first["title"], first["text"]) == ("=1+1", '=HYPERLINK("http://evil.example")')
    assert (first["published_at"], first["published_precision"]) == (datetime(2026, 11, 19, 16, tzinfo=UTC), "day")
    assert (first["views"], second["views"]) == (340, 1204)
    assert (second["text"], second["published_precision"]) == ("", "minute")


def test_a_named_sheet(env: Env, tmp_path: Path) -> None:
    (env.settings.config / "sources" / "box.toml").write_text(SOURCE.replace("[columns]", 'sheet = "二"\n[columns]'))
    file = workbook(tmp_path / "a.xlsx", {"一": [["别的"]], "二": [HEAD, GOOD]})
    assert import_file(env, file, "box").posts == 1
    with pytest.raises(ConfigError, match=r"box.toml: sheet: b.xlsx: no sheet 二; sheets found: 一、三"):
        import_file(env, workbook(tmp_path / "b.xlsx", {"一": [HEAD, GOOD], "三": []}), "box")


def test_json_lines(env: Env, tmp_path: Path) -> None:
    lines = [
        {"标题": "甲", "内容": "一\u2028二", "链接": None, "时间": "2026-11-20", "阅读": 12},
        {"主题": "乙", "链接": "http://x.example/2", "时间": 1763600000, "阅读": "1.2万", "附": {"x": [1]}},
        {"标题": ["丙"], "内容": "丁"},
    ]
    body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines) + "\nno json\n[1]\n"
    (tmp_path / "a.jsonl").write_text(body, "utf8")
    report = import_file(env, tmp_path / "a.jsonl", "box")
    assert (report.posts, report.rejected, report.faults) == (2, 3, {"row": 3})
    assert posts(env).sort("title")["title"].to_list() == ["乙", "甲"]
    assert posts(env).sort("title")["views"].to_list() == [12000, 12]
    returned = [json.loads(line) for line in (tmp_path / "a.rejected.jsonl").read_text("utf8").splitlines()]
    assert [line["原因"] for line in returned] == [
        "row：标题不是文字或数字",
        "row：第 5 行不是 JSON 对象",
        "row：第 6 行不是 JSON 对象",
    ]
    assert returned[1]["原文"] == "no json"


BAD = [
    (["", "", "", "", "", ""], None),
    (["-", "无", "http://x.example/9", "", "", ""], "title, text（标题、内 容）：标题和内容都为空"),
    (["甲", "", "www.x.example", "", "", ""], "url（链接）：不是网址（须以 http:// 或 https:// 开头）"),
    (["甲", "", "javascript:alert(1)", "", "", ""], "url（链接）：不是网址（须以 http:// 或 https:// 开头）"),
    (["甲", "", "", "前些时候", "", ""], "published_at（时间）：不是时间"),
    (["甲", "", "", "2026-13-40", "", ""], "published_at（时间）：不是时间"),
    (["甲", "", "", "", "很多", ""], "views（阅读）：不是次数"),
    (["甲", "", "", "", "-5", ""], "views（阅读）：不是次数"),
    (["甲", "", "", "", "", "", "多"], "row：比表头多 1 列"),
]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_bad_rows_come_back_and_good_ones_land(env: Env, tmp_path: Path, suffix: str) -> None:
    rows = [HEAD, GOOD, *(row for row, _ in BAD)]
    file = tmp_path / f"a{suffix}"
    _ = write(file, rows) if suffix == ".csv" else workbook(file, {"工单": rows})
    report = import_file(env, file, "box")
    reasons = [reason for _, reason in BAD if reason]
    assert report.counts == {"rows": 9, "posts": 1, "repeated": 0, "rejected": 8, "shortened": 0}
    assert report.faults == {"published_at": 2, "row": 1, "title, text": 1, "url": 2, "views": 2}
    assert report.rejected_file == tmp_path / f"a.rejected{suffix}"
    returned = (
        list(csv.reader(report.rejected_file.open(encoding="utf-8-sig", newline="")))
        if suffix == ".csv"
        else [list(row) for row in pl.read_excel(report.rejected_file, has_header=False, sheet_name="工单").rows()]
    )
    assert returned[0] == [*HEAD, "列7", "原因"]
    assert [row[-1] for row in returned[1:]] == reasons
    (fetch,) = env.lake.read("ops.fetches", DAY).to_dicts()
    assert (fetch["outcome"], fetch["found"]) == ("ok", 1)
    assert fetch["detail"] == "8 of 9 rows rejected: 2 published_at, 1 row, 1 title, text, 2 url, 2 views"
    # Corrected, the returned file is imported like any other.
    again = [
        [cell.replace("前些时候", "昨天") for cell in map(str, row)]
        for row in returned
        if row[3] in {"时间", "前些时候"}
    ]
    assert import_file(env, write(tmp_path / "b.csv", again), "box").counts["posts"] == 1


def test_only_bad_rows_show_as_a_source_in_trouble(env: Env, tmp_path: Path) -> None:
    report = import_file(env, write(tmp_path / "a.csv", [HEAD, *(row for row, reason in BAD if reason)]), "box")
    assert (report.posts, report.rejected) == (0, 8)
    assert env.lake.read("ops.fetches", DAY)["outcome"].to_list() == ["unreadable"]
    assert posts(env).is_empty()


def test_a_file_of_headers_only_is_empty_and_no_fault(env: Env, tmp_path: Path) -> None:
    report = import_file(env, write(tmp_path / "a.csv", [HEAD]), "box")
    assert (report.rows, report.posts, report.rejected) == (0, 0, 0)
    assert env.lake.read("ops.fetches", DAY)["outcome"].to_list() == ["empty"]


def test_the_same_file_again_changes_nothing(env: Env, config_copy: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [HEAD, GOOD, ["甲", "乙", "", "昨天", "", ""], ["甲", "乙", "", "昨天", "", ""]])
    first = import_file(env, file, "box")
    assert (first.posts, first.repeated) == (2, 1)
    before = {path: path.read_bytes() for path in (tmp_path / "home" / "lake").rglob("*.parquet")}
    assert len(before) == 3
    later = opened(config_copy, tmp_path, AT.replace(hour=9))
    renamed = file.rename(tmp_path / "a.csv")
    assert import_file(later, renamed, "box") == first
    assert {path: path.read_bytes() for path in (tmp_path / "home" / "lake").rglob("*.parquet")} == before


def test_a_corrected_map_replaces_what_the_file_had_landed(env: Env, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [[*HEAD, "编号"], [*GOOD, "A1"]])
    import_file(env, file, "box")
    (env.settings.config / "sources" / "box.toml").write_text(SOURCE + 'comments = "来电人"\n', "utf8")
    assert import_file(env, file, "box").posts == 0
    assert posts(env).is_empty()


def test_another_file_adds_and_a_number_keeps_the_post(env: Env, config_copy: Path, tmp_path: Path) -> None:
    (env.settings.config / "sources" / "box.toml").write_text(SOURCE.replace('url = "链接"', 'id = "编号"'), "utf8")
    head = ["编号", "标题", "内容", "时间", "阅读"]
    import_file(env, write(tmp_path / "a.csv", [head, ["A1", "甲", "原话", "昨天", "1"]]), "box")
    second = write(tmp_path / "b.csv", [head, ["A1", "甲", "改正的话", "昨天", "2"], ["A2", "甲", "原话", "昨天", ""]])
    later = Env.open(Settings(home=tmp_path / "home", config=config_copy, as_of=AT.replace(hour=9)))
    import_file(later, second, "box")
    assert posts(env).height == 3
    assert posts(env)["post_id"].n_unique() == 2
    assert "A1" not in "".join(posts(env)["url"])
    cleaned = clean(later, DAY, AT.replace(hour=10))
    assert cleaned.counts == {"raw": 3, "posts": 2, "rejected": 0}


def test_rows_without_address_differ_by_words_and_time(env: Env, tmp_path: Path) -> None:
    rows = [["甲", "乙", "", "昨天"], ["甲", "乙", "", "前天"], ["甲乙", "", "", "昨天"], ["", "甲乙", "", "昨天"]]
    report = import_file(env, write(tmp_path / "a.csv", [HEAD, *rows]), "box")
    assert (report.posts, report.repeated) == (4, 0)


def test_a_text_without_title_gets_its_first_sentence(env: Env, tmp_path: Path) -> None:
    rows = [["", "普查员半夜敲门。请管管。"], ["", "长" * 100]]
    import_file(env, write(tmp_path / "a.csv", [HEAD, *rows]), "box")
    assert sorted(posts(env)["title"]) == ["普查员半夜敲门", "长" * 40 + "…"]


def test_long_fields_are_cut_after_scrubbing(env: Env, tmp_path: Path) -> None:
    text = "好" * 19_996 + PHONE + "坏" * 100
    report = import_file(env, write(tmp_path / "a.csv", [HEAD, ["题" * 400, text], ["短", "短"]]), "box")
    assert report.shortened == 1
    longest = posts(env).sort(pl.col("text").str.len_chars()).row(-1, named=True)
    assert (len(longest["title"]), len(longest["text"])) == (300, 20_000)
    assert PHONE[:4] not in longest["text"]


def test_no_private_data_of_the_file_reaches_the_lake(env: Env, tmp_path: Path) -> None:
    name = f"投诉{PHONE}.csv"
    row = ["身份证11010519491231002X", f"车牌皖S12345，微信号abc12345，{PHONE}", "", "昨天", "", "来电人甲"]
    import_file(env, write(tmp_path / name, [HEAD, row, ["坏", PHONE, "不是", "", "", "来电人甲"]]), "box")
    swept = 0
    for path in (tmp_path / "home").rglob("*.parquet"):
        frame = pl.read_parquet(path)
        for column in frame.select(pl.col(pl.String)).iter_columns():
            for value in column.drop_nulls():
                swept += 1
                assert find_pii(value) == []
                assert "来电人甲" not in value
                assert str(tmp_path) not in value
    assert swept > 10


def test_a_returned_csv_runs_no_formula_and_reads_back(env: Env, tmp_path: Path) -> None:
    row = ["=cmd|' /C calc'!A0", "@SUM(1)", "", "哪天", "", "+1"]
    report = import_file(env, write(tmp_path / "a.csv", [HEAD, row]), "box")
    assert report.rejected_file is not None
    returned = list(csv.reader(report.rejected_file.open(encoding="utf-8-sig", newline="")))
    assert [cell[:2] for cell in returned[1][:2]] == ["'=", "'@"]
    assert not [cell for cell in returned[1] if cell[:1] in {"=", "+", "@"}]
    returned[1][3] = "昨天"
    import_file(env, write(tmp_path / "b.csv", returned), "box")
    assert posts(env)["title"].to_list() == ["=cmd|' /C calc'!A0"]
    assert posts(env)["text"].to_list() == ["@SUM(1)"]


@pytest.mark.parametrize(
    ("name", "body", "error", "said"),
    [
        ("a.csv", b"", DataError, "the file is empty"),
        ("a.csv", b"\n \n", DataError, "the file is empty"),
        ("a.csv", b"\xef\xbb\xbf", DataError, "the file is empty"),
        ("a.csv", b",,,\n,,\n", DataError, "the file is empty"),
        ("a.jsonl", b"\n\n", DataError, "the file is empty"),
        ("a.xlsx", b"", DataError, "the file is empty"),
        ("a.csv", bytes(range(256)) * 20, DataError, "a.csv: "),
        ("a.csv", b"a\0b,c\n" * 50, DataError, "a.csv: "),
        ("a.xlsx", b"PK\x03\x04" + b"\0" * 100, DataError, "not an xlsx workbook"),
        ("a.xlsx", "标题,内容\n".encode(), DataError, "not an xlsx workbook"),
        ("a.csv", '标题,内容,链接,时间,阅读\n"甲"乙,丙\n'.encode(), DataError, "line 2"),
        ("a.csv", '标题,内容,链接,时间,阅读\n甲,"没有收尾'.encode(), DataError, "line 2"),
        ("a.csv", "标题,时间,链接,阅读\n甲,昨天,,1\n".encode(), ConfigError, "columns.text: a.csv: no column 内 容"),
        ("a.jsonl", b'{"a": 1}\n', ConfigError, "columns.title: a.jsonl: no column 标题 / 主题; columns found: a"),
        ("a.jsonl", b"nothing\n", ConfigError, "columns found: none"),
        ("a.xls", b"x", UsageError, "can be imported: .csv"),
        ("a", b"x", UsageError, "ends in nothing"),
    ],
)
def test_files_that_cannot_be_used_are_one_line(
    env: Env, tmp_path: Path, name: str, body: bytes, error: type[CaifengError], said: str
) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(error) as caught:
        import_file(env, tmp_path / name, "box")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert list((tmp_path / "home" / "lake").rglob("*.parquet")) == []
    assert list(tmp_path.glob("*.rejected*")) == []


def test_a_column_that_is_missing_is_named_with_those_found(env: Env, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [["标题", "内容", "链接", "日期", "阅读"], ["甲", "乙", "", "昨天", "1"]])
    with pytest.raises(ConfigError) as caught:
        import_file(env, file, "box")
    said = "columns.published_at: a.csv: no column 时间; columns found: 标题、内容、链接、日期、阅读"
    assert str(caught.value) == f"{env.settings.config / 'sources' / 'box.toml'}: {said}"
    assert caught.value.exit_code == 2


def test_only_an_inbox_takes_a_file_and_only_sites_are_crawled(env: Env, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", [HEAD, GOOD])
    (env.settings.config / "sources" / "feed.toml").write_text(FEED, "utf8")
    (env.settings.config / "sources" / "bad.toml").write_text("id = 3", "utf8")
    with pytest.raises(UsageError, match="family feed is crawled, not imported; inboxes: box"):
        import_file(env, file, "feed")
    with pytest.raises(UsageError, match=r"nowhere.toml: source file not found or not enabled"):
        import_file(env, file, "nowhere")
    with pytest.raises(ConfigError, match=r"bad.toml"):
        import_file(env, file, "bad")
    with pytest.raises(UsageError, match=r"none.csv: cannot be read: No such file"):
        import_file(env, tmp_path / "none.csv", "box")
    with pytest.raises(UsageError, match="use caifeng import FILE --source box"):
        crawl(env, ["box"])


def test_an_inbox_counts_among_the_sources_of_a_day_with_an_import_only(env: Env, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no source to crawl"):
        crawl(env)
    (env.settings.config / "sources" / "feed.toml").write_text(FEED, "utf8")
    land_sources(env, DAY)
    assert env.lake.read("ops.sources", DAY)["source_id"].to_list() == ["feed"]
    import_file(env, write(tmp_path / "a.csv", [HEAD, GOOD]), "box")
    assert env.lake.read("ops.sources", DAY)["source_id"].to_list() == ["box", "feed"]
    # A crawl later on the same day keeps it.
    land_sources(env, DAY)
    assert env.lake.read("ops.sources", DAY)["source_id"].to_list() == ["box", "feed"]
    report = clean(env, DAY, AT)
    assert report.counts == {"raw": 1, "posts": 1, "rejected": 0}
    post = env.lake.read("clean.posts", DAY).row(0, named=True)
    assert (post["source_class"], post["source_name"], post["media_tier"]) == ("message_board", "测试信箱", "none")


def test_an_office_of_inboxes_only_has_sources(env: Env) -> None:
    land_sources(env, DAY)
    assert env.lake.read("ops.sources", DAY).is_empty()
    assert env.lake.files("ops.sources", DAY)


@pytest.mark.parametrize(
    ("source_id", "row"),
    [
        (
            "hotline",
            {
                "工单编号": "2026112200017",
                "工单标题": "入户调查",
                "诉求内容": "夜里来人",
                "来电时间": "2026-11-21 21:40",
            },
        ),
        ("manual", {"标题": "电台热线", "内容": "有人说收入数据不实", "时间": "昨天"}),
    ],
)
def test_the_shipped_inboxes_take_a_row(config_copy: Path, tmp_path: Path, source_id: str, row: dict[str, str]) -> None:
    env = Env.open(Settings(home=tmp_path / "home", config=config_copy, as_of=AT))
    report = import_file(env, write(tmp_path / "a.csv", [list(row), list(row.values())]), source_id)
    assert (report.posts, report.rejected) == (1, 0)
    assert posts(env)["published_at"].is_not_null().all()


CELLS = st.one_of(
    st.sampled_from(
        ["", "无", "0", "1.2万", "昨天", "2026-11-20", "http://x.example/1", PHONE, "=1", "'=1", "\t", '"']
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=1, max_size=7), max_size=5))
def test_whatever_the_cells_every_row_is_accounted_for(env: Env, tmp_path: Path, rows: list[list[str]]) -> None:
    file = write(tmp_path / "any.csv", [HEAD, *rows])
    report = import_file(env, file, "box")
    assert report.rows == report.posts + report.repeated + report.rejected
    assert report.rows == sum(any(cell.strip() for cell in row) for row in rows)
    assert (report.rejected_file is not None) == (report.rejected > 0)
    if report.rejected_file:
        returned = list(csv.reader(report.rejected_file.open(encoding="utf-8-sig", newline="")))
        assert len(returned) == report.rejected + 1
        assert all(row[-1] for row in returned)
