"""A home with one day of hostile and harmless posts, run through the real stages and published."""

import csv
from datetime import date, datetime
from pathlib import Path

import duckdb

from caifeng.core.clock import SHANGHAI
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.import_file import import_file
from caifeng.jobs.publish import publish
from caifeng.jobs.stages import run_stages
from samples.config import write_config

DAY = date(2026, 11, 20)
FOUND = datetime(2026, 11, 20, 9, 0, tzinfo=SHANGHAI)
NOW = datetime(2026, 11, 21, 8, 30, tzinfo=SHANGHAI)
HOSTILE = "<script>alert(1)</script>蒙城县统计局数据造假<img src=x onerror=alert(2)>"
SOURCE = """
id = "board"
name = "测试论坛<b>"
family = "inbox"
class = "board"
reach = "county"
[columns]
title = "标题"
text = "内容"
url = "链接"
published_at = "时间"
"""
MANUAL = (
    SOURCE.replace('"board"\nname', '"manual"\nname').replace('class = "board"', 'class = "manual"')
    .replace("测试论坛<b>", "人工登记").replace('url = "链接"\n', "")
)  # fmt: skip
POSTS = (
    ("蒙城县统计局数据造假", "听说蒙城县统计局居民收入数据是编的，{{ 7 * 7 }}", "https://board.example/1"),
    ("请问蒙城县统计局CPI是怎么算的", "想问一下蒙城县统计局，居民消费价格指数是怎么算的？", "https://board.example/2"),
    ("给蒙城县统计局的普查员点赞", "普查员冒雨登记，辛苦了，点赞。", "https://board.example/3"),
    ("蒙城县农业普查员晚上入户登记", "农业普查登记，晚上九点还来敲门，太晚了。", "https://board.example/4"),
    ("蒙城县2026年前三季度经济运行情况", "蒙城县统计局发布前三季度地区生产总值。", "https://board.example/5"),
)


def make_home(root: Path, folder: Path) -> Settings:
    """Settings of a home with the posts found, graded and published; the clock stands at `NOW`."""
    config, home = folder / "config", folder / "home"
    write_config(root / "config", config, {"board": SOURCE, "manual": MANUAL}, 8000)
    file = folder / "found.csv"
    with file.open("w", encoding="utf8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["标题", "内容", "链接", "时间"])
        writer.writerows([*post, f"2026-11-20 0{hour}:00"] for hour, post in enumerate(POSTS, start=1))
    report = import_file(Env.open(Settings(home=home, config=config, as_of=FOUND)), file, "board")
    assert (report.posts, report.rejected) == (len(POSTS), 0), report.words()
    settings = Settings(home=home, config=config, as_of=NOW)
    assert len(list(run_stages(settings, DAY))) >= 7
    publish(Env.open(settings))
    # The import takes such things out; pages must not rely on it.
    with duckdb.connect(str(settings.analytics_file)) as published:  # noqa: TID251 - as if a page had let it through
        for table in ("marts.daily_log", "graded.issues", "graded.posts"):
            published.execute(f"UPDATE {table} SET title = ? WHERE title LIKE '%造假%'", [HOSTILE])
        published.execute("UPDATE graded.posts SET url = 'javascript:alert(3)' WHERE title = ?", [HOSTILE])
    return settings
