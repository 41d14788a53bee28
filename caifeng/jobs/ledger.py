"""marts.ledger -> 政务舆情台账 (Art. 13) of a period, in outputs/ledger/."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl

from caifeng.cases.model import (
    ADOPTION_NAMES,
    CASE_ROLE_NAMES,
    FORM_NAMES,
    LOG_REASON_NAMES,
    OUTCOME_NAMES,
    RECIPIENT_NAMES,
    SCOPE_REASON_NAMES,
    STATE_NAMES,
)
from caifeng.core import clock
from caifeng.core.errors import DataError, UsageError
from caifeng.core.files import replacing
from caifeng.core.model.publications import Period
from caifeng.jobs.base import Env
from caifeng.reports.ledger_xlsx import Ledger, write_ledger_xlsx

#: Words of the register's codes, by column.
REGISTER_WORDS = {
    "state": STATE_NAMES,
    "reason_code": {**LOG_REASON_NAMES, **SCOPE_REASON_NAMES},
    "outcome": OUTCOME_NAMES,
    "adoption": ADOPTION_NAMES,
    "response_forms": FORM_NAMES,
    "reported_to": RECIPIENT_NAMES,
    "recorder_role": CASE_ROLE_NAMES,
    "reviewer_role": CASE_ROLE_NAMES,
}


def write_ledger(env: Env, first: date, last: date, as_of: datetime | None = None) -> Path:
    """Write the ledger of the issues that were found from `first` to `last`, each as it stood last.

    Args:
        env: environment.
        first: first Shanghai day.
        last: last one, included.
        as_of: rows made for later moments are left out; now if not given.

    Returns:
        outputs/ledger/政务舆情台账_<period>.xlsx; the same rows give the same bytes.

    Raises:
        UsageError: `last` comes before `first`, or the file cannot be written.
        DataError: no day of the period is in the warehouse.
    """
    path = env.settings.outputs_dir / "ledger" / f"政务舆情台账_{period_code(first, last)}.xlsx"
    ledger = read_ledger(env, first, last, as_of)
    with replacing(path) as temporary:
        write_ledger_xlsx(ledger, temporary)
    return path


def read_ledger(env: Env, first: date, last: date, as_of: datetime | None = None) -> Ledger:
    """Rows of marts.ledger for `write_ledger`; arguments and errors as there."""
    if last < first:
        raise UsageError(f"{first} comes after {last}")
    moment = as_of or env.now()
    days = env.warehouse.read("marts.daily_summary", first, last).filter(pl.col("as_of") <= moment)
    if days.is_empty():
        raise DataError(f"no day from {first} to {last} is in the warehouse: run `caifeng run --day {first}` first")
    until = clock.business_day(moment)
    found = env.warehouse.read("marts.ledger", first, max(first, until)).filter(
        pl.col("as_of") <= moment,
        pl.col("detected_at") >= clock.start_of_day(first),
        pl.col("detected_at") < clock.end_of_day(last),
    )
    rows = found.sort("issue_no", "day").unique("issue_no", keep="last", maintain_order=True)
    made = max([days["as_of"].max(), *rows["as_of"].to_list()])
    is_sample = (env.settings.home / "SAMPLE").exists()
    return Ledger(first, last, made, env.settings.office(), rows, REGISTER_WORDS, is_sample)


def period_code(first: date, last: date) -> str:
    """2026-11, 2026Q4, 2026, or 2026-11-20_2026-11-24."""
    for kind in ("month", "quarter", "year"):
        period = Period.of(kind, first)
        if (period.first, period.last) == (first, last):
            return period.code
    return f"{first}_{last}"


def quarter_days(text: str) -> tuple[date, date]:
    """First and last day of a quarter given as 2026-Q4 or 2026Q4.

    Raises:
        UsageError: it is none.
    """
    year, _, number = text.upper().replace("-", "").partition("Q")
    if len(year) != 4 or not year.isascii() or not year.isdigit() or number not in ("1", "2", "3", "4"):
        raise UsageError(f"not a quarter: {text!r} (write 2026-Q4)")
    quarter = Period.of("quarter", date(int(year), 3 * int(number) - 2, 1))
    return quarter.first, quarter.last
