"""An office with channels: a home, a configuration, an outbox, and notices to send."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.core.clock import business_day
from caifeng.core.contracts import Contract
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.marts import Evaluation
from caifeng.jobs.notify import outbox_rows
from caifeng.notify.message import Message
from caifeng.notify.outbox import Notice, Outbox, OutboxRow

#: A Friday, 14:30 Beijing time.
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ONE, TWO = "YQ-2026-0001", "YQ-2026-0002"


def robot_table(kind: str, base: str, extra: str = "") -> str:
    signed = 'secret_env = "CAIFENG_TEST_SECRET"\n' if kind != "wecom" else ""
    return (
        f'[[channel]]\nid = "{kind}"\nkind = "{kind}"\nbase_url = "{base}"\ntoken_env = "CAIFENG_TEST_TOKEN"\n'
        f'{signed}timeout_seconds = 0.5\nmembers = ["openness_office", "deputy", "chief"]\n{extra}'
    )


def mail_table(port: int, extra: str = "", to: str = 'openness_office = ["zwgk@example.gov.cn"]') -> str:
    return (
        f'[[channel]]\nid = "mail"\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        f'sender = "caifeng@example.gov.cn"\ntimeout_seconds = 0.5\n{extra}[channel.to]\n{to}\n'
    )


def open_desk(tmp_path: Path, config: Path, channels: str = "", rules: str = "") -> Env:
    """A home whose config/notify.toml has these tables."""
    (config / "notify.toml").write_text(f'base_link = "http://caifeng.example/caifeng"\n{rules}\n{channels}', "utf8")
    return Env.open(Settings(home=tmp_path / "home", config=config))


def notice(
    key: str = f"duty/{ONE}/major/respond/overdue",
    level: str = "major",
    at: datetime = NOW,
    roles: tuple[str, ...] = ("openness_office",),
    kind: str = "duty",
) -> Notice:
    text = f"【橙】重大｜首次回应已超期\n事项：某镇收入数据疑问（{ONE}）"
    return Notice(key, kind, ONE, level, "respond/overdue", roles, Message("【橙】重大｜首次回应已超期", text), at)


@contextmanager
def outbox_of(env: Env) -> Iterator[Outbox]:
    with env.register() as register:
        yield Outbox(register.engine)


def put(env: Env, channel: str, *notices: Notice, at: datetime = NOW) -> None:
    with outbox_of(env) as outbox:
        for each in notices or (notice(),):
            assert outbox.enqueue(each, channel, at)


def only_row(env: Env) -> OutboxRow:
    (row,) = outbox_rows(env)
    return row


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


def filled(contract: Contract, at: datetime, **values: Any) -> dict[str, Any]:
    """A row of a contract: what matters is given, the rest is plausible."""
    plain = {"string": "x", "int64": 1, "float64": 1.0, "boolean": False, "timestamp": at, "date": at.date()}
    row: dict[str, Any] = {}
    for column in contract.columns:
        empty = None if column.null_means else (column.values or [plain.get(column.type)])[0]
        row[column.name] = [] if column.type == "list[string]" else empty
    return {**row, **values}


def land(env: Env, found: datetime, *issues: dict[str, Any]) -> None:
    """Issues of a day with their grades: issue_no, level, and what else a grade or an issue has."""
    day = business_day(found)
    contracts = env.contracts
    rows = [
        filled(
            contracts["graded.issues"], found, issue_no=i["issue_no"], title=i.get("title", "收入数据疑问"),
            detected_at=found,
        )
        for i in issues
    ]  # fmt: skip
    schema = contracts["graded.issues"].polars_schema()
    env.lake.replace("graded.issues", day, pl.DataFrame(rows, schema=schema))
    rules = env.settings.grading().rule_version
    grades = [
        filled(
            contracts["graded.issue_grades"], found, issue_no=i["issue_no"], level=i["level"], as_of=found,
            rule_version=rules, response_value="must", n_media=0, media_tier="none",
            emergency_level=i.get("emergency_level", "none"),
        )
        for i in issues
    ]  # fmt: skip
    schema = contracts["graded.issue_grades"].polars_schema()
    frame = pl.DataFrame(grades, schema=schema)
    env.lake.replace("graded.issue_grades", day, frame, Evaluation(found, rules).part)
    with env.register() as register:
        register.allot_numbers([i["issue_no"] for i in issues], found.year, found)


def warn(env: Env, at: datetime, **values: Any) -> None:
    """One row of graded.alerts."""
    contract = env.contracts["graded.alerts"]
    row = filled(contract, at, as_of=at, alerted_at=at, deliver_at=at, since=at, detected_at=at) | values
    frame = pl.DataFrame([row], schema=contract.polars_schema())
    env.lake.replace("graded.alerts", business_day(at), frame, f"{at:%H%M%S}-{row['kind']}")
