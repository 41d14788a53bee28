"""`caifeng backfill` over days that were landed and never run: in day order, whole, and the same however it is cut."""

import csv
import hashlib
import os
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from caifeng.core import clock
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env
from caifeng.jobs.import_file import import_file
from tests.e2e.sabotage import ROOT

FIRST = date(2026, 8, 26)
#: Days of the long form, which `make test-all` runs.
LONG = int(os.environ.get("CAIFENG_BACKFILL_DAYS", "90"))
#: What is complained about, each a matter of its own; heard again and again as the weeks go by.
MATTERS = (
    ("住户调查记账补贴没有发", "城关镇群众来电，反映住户调查记账户的补贴拖欠三个月，要求县统计局说明原因。"),
    ("粮食产量数据怎么又改了", "小涧镇来电反映县统计局公布的粮食产量数据前后不一致，怀疑统计数据造假，要求核实。"),
    ("人口普查登记态度生硬", "立仓镇居民反映人口普查登记时普查员不出示证件，态度生硬，不解释为何要问收入。"),
    ("居民收入增速和感受不符", "楚村镇来电质疑县里公布的居民人均可支配收入增速，说身边没有人涨工资，被平均了。"),
    ("企业报表要报好几遍", "乐土镇一家企业反映统计联网直报的报表内容重复，同一指标一月要填三遍，负担太重。"),
    ("统计公报网上找不到", "三义镇来电反映统计局网站上找不到去年的国民经济和社会发展统计公报，请求公开。"),
    ("房价指数与实际差得远", "篱笆镇居民认为住宅销售价格指数与实际成交相差很远，问统计局数据从哪里来。"),
    ("经济普查催报打扰店铺", "双涧镇个体户反映经济普查人员一天来三次催报，打扰做生意，希望统计部门改进方式。"),
)


def heard(number: int) -> list[dict[str, str]]:
    """What the office wrote down on the n-th day: a complaint, and a question that is none of its business."""
    rows = [MATTERS[number % len(MATTERS)], (f"咨询第{number + 1}件", "来电咨询城南公园几点开门，门票多少钱。")]
    moment = f"{FIRST + timedelta(days=number)} 09:{number % 60:02d}"
    return [{"标题": title, "内容": f"{text}（第{number + 1}次来电登记）", "时间": moment} for title, text in rows]


def landed(home: Path, days: int) -> Env:
    """A home in which each day was written down on that day, and none was run."""
    home.mkdir(parents=True)
    for number in range(days):
        day = FIRST + timedelta(days=number)
        file = home.parent / f"{day}.csv"
        with file.open("w", encoding="utf8", newline="") as out:
            writer = csv.DictWriter(out, ["标题", "内容", "时间"])
            writer.writeheader()
            writer.writerows(heard(number))
        at = parse_as_of(f"{day}T17:00+08:00")
        report = import_file(Env.open(Settings(home=home, config=ROOT / "config", as_of=at)), file, "manual")
        assert not report.faults, report
    after = parse_as_of(f"{FIRST + timedelta(days=days)}T08:00+08:00")
    return Env.open(Settings(home=home, config=ROOT / "config", as_of=after))


def backfill(env: Env, first: int, last: int) -> list[str]:
    """Run the verb from the n-th to the m-th day; what it printed."""
    days = [str(FIRST + timedelta(days=number)) for number in (first, last)]
    environment = os.environ | {"CAIFENG_HOME": str(env.settings.home), "CAIFENG_CONFIG": str(ROOT / "config")}
    command = [sys.executable, "-m", "caifeng.cli", "backfill", "--from", days[0], "--to", days[1]]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def parts(env: Env) -> dict[str, str]:
    """Hash of every part but ops.runs, which says how long each run took."""
    lake = env.settings.lake_dir
    files = (file for file in sorted(lake.rglob("*.parquet")) if "ops/runs/" not in file.as_posix())
    return {str(file.relative_to(lake)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize(("days", "again"), [(3, 1), pytest.param(LONG, 5, marks=pytest.mark.slow)])
def test_a_backfill_runs_each_day_in_order_and_can_be_cut_anywhere(tmp_path, days, again):
    env = landed(tmp_path / "one" / "home", days)
    shutil.copytree(env.settings.home, tmp_path / "two" / "home")
    started = time.monotonic()
    said = backfill(env, 0, days - 1)
    sys.stdout.write(f"\n{days} days backfilled in {time.monotonic() - started:.0f} s\n")
    assert len(said) == 7 * days

    last = FIRST + timedelta(days=days - 1)
    summaries = env.warehouse.read("marts.daily_summary", FIRST, last)
    assert summaries["day"].to_list() == [FIRST + timedelta(days=number) for number in range(days)]
    assert summaries["observations"].to_list() == [len(heard(number)) for number in range(days)]
    for number in range(days):
        day = FIRST + timedelta(days=number)
        assert (env.lake.read("ops.reconciliation", day)["gap"] == 0).all()
        assert len(list((env.settings.home / "outputs" / str(day)).iterdir())) == 5
    # Numbers follow the days, and what is heard again stays one issue.
    issues = env.lake.read_range("graded.issues", FIRST, last).filter("is_new").sort("day", "issue_no")
    assert issues.height >= min(days, len(MATTERS))
    assert issues["issue_no"].is_sorted()
    assert issues["issue_no"].n_unique() == issues.height
    assert issues["detected_at"].is_sorted()
    assert issues.select((pl.col("detected_at") < clock.end_of_day(last)).all()).item()

    # Run again, or stopped on the way and run from an earlier day on: the same bytes, the same marts.
    wanted, marts = parts(env), env.warehouse.fingerprints()
    backfill(env, days - again, days - 1)
    assert parts(env) == wanted
    if days <= 10:
        other = Env.open(env.settings.model_copy(update={"home": tmp_path / "two" / "home"}))
        backfill(other, 0, 0)
        backfill(other, 0, days - 1)
        assert parts(other) == wanted
        assert other.warehouse.fingerprints() == marts
    assert env.warehouse.fingerprints() == marts
