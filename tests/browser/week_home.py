"""A home for a played week: what people wrote on Monday and on Wednesday, found, graded and published."""

import csv
from datetime import UTC, date, datetime, time
from pathlib import Path

from caifeng.core.clock import SHANGHAI
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.import_file import import_file
from caifeng.jobs.publish import publish
from caifeng.jobs.stages import run_stages
from samples.config import write_config
from tests.dags.desk_home import SOURCE

LETTERS = SOURCE.replace("测试论坛<b>", "县长信箱").replace(
    'class = "board"', 'class = "message_board"\nofficial_channel = true'
)
MONDAY, WEDNESDAY = date(2026, 11, 16), date(2026, 11, 18)
POSTS = {
    MONDAY: (
        (
            "请问蒙城县统计局居民消费价格指数怎么算",
            "想问一下蒙城县统计局，居民消费价格指数是怎么算出来的？包含房租吗？",
        ),
        ("蒙城县统计年鉴在哪里能查到", "请问蒙城县统计局，往年的统计年鉴在哪里可以查阅？能不能放到网上？"),
        ("咨询蒙城县农业普查登记时间", "请问蒙城县统计局，第四次农业普查入户登记从哪一天开始？外出打工的怎么登记？"),
        ("蒙城县统计局数据造假", "听说蒙城县统计局的居民收入数据是坐在办公室里编出来的，请给个说法。"),
    ),
    WEDNESDAY: (
        ("请问蒙城县小超市算不算经济普查对象", "想问蒙城县统计局，街边小超市算不算经济普查对象？"),
        ("蒙城县平均工资包括私营单位吗", "请问蒙城县统计局，公布的平均工资包括私营单位吗？"),
        ("请问蒙城县粮食产量怎么统计", "想问蒙城县统计局，全县粮食产量是抽样调查还是逐户统计？"),
        ("有人冒充蒙城县统计局普查员收费", "有人冒充蒙城县统计局普查员，上门登记时收了二十元工本费，大家当心是骗子。"),
    ),
}


def make_week(root: Path, folder: Path) -> Settings:
    """Settings of a home where Monday was run and published; the clock is the environment's."""
    config, home = folder / "config", folder / "home"
    write_config(root / "config", config, {"board": LETTERS}, 8000)
    settings = Settings(home=home, config=config)
    add_day(settings, MONDAY, folder)
    return settings


def add_day(settings: Settings, day: date, folder: Path) -> None:
    """Find what was written on a day, run its stages and publish."""
    file = folder / f"{day}.csv"
    with file.open("w", encoding="utf8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["标题", "内容", "链接", "时间"])
        rows = enumerate(POSTS[day], start=1)
        writer.writerows([*post, f"https://board.example/{day:%d}{n}", f"{day} 0{n}:00"] for n, post in rows)
    home, config = settings.home, settings.config
    found = Settings(home=home, config=config, as_of=datetime.combine(day, time(6), SHANGHAI))
    report = import_file(Env.open(found), file, "board")
    assert (report.posts, report.rejected) == (len(POSTS[day]), 0), report.words()
    run = Settings(home=home, config=config, as_of=datetime.combine(day, time(8), SHANGHAI).astimezone(UTC))
    assert len(list(run_stages(run, day, as_of=run.as_of))) >= 7
    publish(Env.open(run))
