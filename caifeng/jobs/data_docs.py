"""What the gates found, as one page: data-docs/index.html, made from ops.quality at every publish.

An own page, because the Data Docs of Great Expectations ask a network for their styles and scripts. No script, nothing
from outside. Scraped text is hostile and may stand in an example: it is escaped, scrubbed once more, and cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from html import escape
from pathlib import Path

import polars as pl

from caifeng.core.clock import SHANGHAI
from caifeng.core.files import replacing
from caifeng.core.text.scrub import scrub
from caifeng.jobs.base import Env

#: Days shown (our choice); the examples in ops.quality live no longer than 14 days.
DAYS_SHOWN = 14
_DETAIL_CHARACTERS = 200
_OWNERS = {"maintainer": "维护人员", "monitor": "监测员", "office": "政务公开办"}
_ON_FAIL = {"stop": "停止当日", "quarantine": "隔离该行", "log": "提示"}
#: State of a rule or a table -> word, worst first; a table passes if what could be judged passes.
_STATES = {"fail": "未通过", "quarantine": "有隔离", "warn": "提示", "ok": "通过", "unknown": "行数不足"}
_RANK = list(_STATES)

_STYLE = """
:root{color-scheme:light;--line:#d8dce0;--ink:#1d2733;--soft:#5b6875}
body{font:15px/1.6 system-ui,"Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei",sans-serif;color:var(--ink);
margin:2rem auto;max-width:76rem;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}p,caption{color:var(--soft)}
table{border-collapse:collapse;width:100%}th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;
vertical-align:top;overflow-wrap:anywhere}th{background:#f3f5f7;font-weight:600}td.n{text-align:right;
font-variant-numeric:tabular-nums}.days td+td,.days th+th{text-align:center;white-space:nowrap;overflow-wrap:normal}
.fail{background:#fbe3e1}.quarantine{background:#fdeecf}.warn{background:#fff8d6}.ok{color:#1d6b3a}.unknown{color:#5b6875}
summary{cursor:pointer;padding:.25rem 0}code{font-size:.9em}.scroll{overflow-x:auto}
"""


def data_docs(env: Env) -> Path:
    """Write the page of the latest days into the home; readers see the old or the new one whole.

    Returns:
        `<home>/data-docs/index.html`.

    Raises:
        UsageError: the home cannot be written.
    """
    known = env.lake.days("ops.quality")
    last = known[-1] if known else None
    found = env.lake.read_range("ops.quality", last - timedelta(days=DAYS_SHOWN - 1), last) if last else None
    page = data_docs_html(env.settings.office().name, found, env.now())
    target = env.settings.home / "data-docs" / "index.html"
    with replacing(target) as temporary:
        temporary.write_text(page, "utf8")
    return target


def data_docs_html(office: str, found: pl.DataFrame | None, made_at: datetime) -> str:
    """The whole page; the same input gives the same text.

    Args:
        office: whose gates they are.
        found: rows of ops.quality with `day`; null or empty: no gate has run yet.
        made_at: when the page is made; with zone.
    """
    made = f"{made_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    body = "<p>尚无检查记录：还没有运行过任何一天。</p>"
    if found is not None and found.height:
        rows = found.with_columns(state=_state())
        last: date = rows["day"].max()  # type: ignore[assignment]
        body = _overview(rows) + _findings(rows.filter(day=last), last) + _all_rules(rows.filter(day=last), last)
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>数据质量检查</title><style>{_STYLE}</style></head><body>"
        f"<h1>数据质量检查</h1><p>{_text(office)} · 生成于 {made}（北京时间）· 数据来自 <code>ops.quality</code>，"
        f"“—”表示未知</p>{body}</body></html>\n"
    )


def _state() -> pl.Expr:
    """State of each row, as in `_STATES`."""
    broken = {"stop": "fail", "quarantine": "quarantine", "log": "warn"}
    return (
        pl.when(pl.col("success").is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("success"))
        .then(pl.lit("ok"))
        .otherwise(pl.col("on_fail").replace_strict(broken, default="fail"))
    )


def _overview(rows: pl.DataFrame) -> str:
    days = sorted(rows["day"].unique())
    worst = {
        (table, day): min(states, key=_RANK.index)
        for table, day, states in rows.group_by("table_name", "day").agg("state").iter_rows()
    }
    lines = []
    for table in sorted(rows["table_name"].unique()):
        cells = [_cell(worst.get((table, day))) for day in days]
        lines.append(f"<tr><td><code>{_text(table)}</code></td>{''.join(cells)}</tr>")
    heads = "".join(f"<th>{day:%m-%d}</th>" for day in days)
    return (
        f'<h2>近 {len(days)} 天各表</h2><div class="scroll"><table class="days"><tr><th>表</th>{heads}</tr>'
        f"{''.join(lines)}</table></div>"
    )


def _cell(state: str | None) -> str:
    if state is None:
        return "<td>—</td>"
    return f'<td class="{state}">{_STATES[state]}</td>'


def _findings(rows: pl.DataFrame, day: date) -> str:
    """What did not hold, worst first."""
    found = [row for row in rows.iter_rows(named=True) if row["state"] not in ("ok", "unknown")]
    found.sort(key=lambda row: (_RANK.index(row["state"]), row["table_name"], row["rule"], row["part"]))
    if not found:
        return f"<h2>{day} 未通过的规则</h2><p>全部 {rows.height} 条检查均通过或行数不足以判断。</p>"
    lines = [
        f'<tr class="{row["state"]}"><td>{_STATES[row["state"]]}</td><td><code>{_text(row["table_name"])}</code></td>'
        f"<td>{_rule(row)}</td><td class='n'>{_number(row['unexpected'])} / {_number(row['checked'])}</td>"
        f"<td>{_example(row['detail'])}</td><td>{_text(row['reason'])}</td><td>{_OWNERS[row['owner']]}</td></tr>"
        for row in found
    ]
    return (
        f"<h2>{day} 未通过的规则</h2><table><tr><th>结果</th><th>表</th><th>规则</th><th>不符 / 已检</th>"
        f"<th>示例</th><th>依据与原因</th><th>处理人</th></tr>{''.join(lines)}</table>"
    )


def _all_rules(rows: pl.DataFrame, day: date) -> str:
    """Every rule of the day, folded by table."""
    parts = [f"<h2>{day} 全部规则（{rows.height} 条）</h2>"]
    for (table,), mine in rows.sort("table_name", "part", "rule", "column_name").group_by(
        ["table_name"], maintain_order=True
    ):
        lines = [
            f'<tr class="{row["state"]}"><td>{_STATES[row["state"]]}</td><td>{_text(row["part"])}</td>'
            f"<td>{_rule(row)}</td><td>{_ON_FAIL[row['on_fail']]}</td><td class='n'>{_number(row['unexpected'])}</td>"
            f"<td class='n'>{_number(row['checked'])}</td><td>{_text(row['reason'])}</td></tr>"
            for row in mine.iter_rows(named=True)
        ]
        held = mine.filter(pl.col("state") == "ok").height
        parts.append(
            f"<details><summary><code>{_text(str(table))}</code>：{held} / {mine.height} 通过</summary><table><tr>"
            "<th>结果</th><th>部分</th><th>规则</th><th>不符时</th><th>不符</th><th>已检</th><th>依据与原因</th></tr>"
            f"{''.join(lines)}</table></details>"
        )
    return "".join(parts)


def _rule(row: dict[str, str]) -> str:
    return f"<code>{_text(row['rule'])}</code><br>{_text(row['column_name'])}"


def _example(detail: str | None) -> str:
    return "—" if detail is None else _text(scrub(detail)[:_DETAIL_CHARACTERS])


def _number(value: int | None) -> str:
    return "—" if value is None else str(value)


def _text(value: str | Iterable[str]) -> str:
    return escape(value if isinstance(value, str) else "、".join(value))
