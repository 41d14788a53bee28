"""Every figure of an invented year again, in plain Python from the export of the register.

Written from the definitions (docs/review.md), not from the SQL: one list of things that happened, and for each figure
what counts and what hits. All months, quarters and the year are compared.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from caifeng.core.clock import end_of_day, start_of_day
from caifeng.core.model.publications import Period
from caifeng.core.model.review import ReviewRules, months_of, period_code
from tests.sql.review_town import Town

YEAR = Period("year", date(2026, 1, 1))
MONTHS = months_of(YEAR)
QUARTERS = [Period("quarter", date(2026, month, 1)) for month in (1, 4, 7, 10)]
PERIODS = [*MONTHS, *QUARTERS, YEAR]
RULES = ReviewRules(told_by_others=("hotline", "letters"), close_days=4, found_hours=20, found_hours_major=3)
UNITS = ("social", "census", "trade")
SCALE = ("log_only", "general", "larger", "major", "extreme")
LIMITS = {"confirm": 2, "report_inside": 6, "report_up": 24, "refer": 72, "verify": 48, "respond_final": 240}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Case = dict[str, Any]


def invented_year(seed: int) -> dict[str, Any]:
    """What happened in 2026: cases with their whole course, and the days, logs, publications and sheets around them."""
    chance = random.Random(seed)
    start = start_of_day(YEAR.first)

    def moment(after: datetime, most_days: float, share: float = 1.0) -> datetime | None:
        if chance.random() > share:
            return None
        return after + timedelta(seconds=chance.randrange(60, int(most_days * 86400)))

    cases = []
    for number in range(1, 141):
        detected = start + timedelta(seconds=chance.randrange(365 * 86400))
        level = chance.choice([*SCALE, *SCALE, "context", "refer_out"])
        case: Case = {
            "issue_no": f"YQ-2026-{number:04d}", "detected": detected, "system": level,
            "confirmed": level if chance.random() < 0.7 else chance.choice(SCALE),
            "confirmed_at": moment(detected, 0.3, 0.9), "unit": chance.choice([*UNITS, None]),
            "published": chance.choice([None, *[detected - timedelta(hours=h) for h in (1, 2.5, 3.5, 19, 21, 50)]]),
            "precision": chance.choice(["minute", "minute", "hour", "day"]),
            "source": chance.choice(["board", "board", "hotline", "letters"]),
            "state": chance.choice(["verified", "responded", "closed", "closed", "duplicate", "out_of_scope"]),
            "outcome": chance.choice([None, "true", "partly_true", "false", "misunderstanding", "unverifiable"]),
        }  # fmt: skip
        due: dict[str, tuple[datetime, datetime | None]] = {
            duty: (detected + hours * HOUR, moment(detected, 2 * hours / 24, 0.8))
            for duty, hours in LIMITS.items()
            if chance.random() < 0.7
        }
        answered = moment(detected, 4, 0.8)
        due["respond"] = (detected + chance.choice([5, 24, 48, 72]) * HOUR, answered)
        if case["outcome"] in ("true", "partly_true"):
            due["rectify"] = (detected + 30 * DAY, moment(detected, 50, 0.7))
        if case["confirmed"] == "extreme":
            due["press_conference"] = (detected + DAY, moment(detected, 2, 0.5))
        case |= {
            "due": due, "answered": answered,
            "verified_at": moment(detected, 4) if case["outcome"] else None,
            "result_at": moment(detected, 40, 0.6), "final_at": moment(detected, 15, 0.6),
            "closed_at": moment(detected, 45) if case["state"] == "closed" else None,
            "wave": chance.choice([None, True, False]) if answered else None,
        }  # fmt: skip
        steps: list[tuple[datetime, str]] = []
        for event in chance.sample(["submit", "return", "submit", "supervise", "close", "reopen", "close"], 4):
            steps.append((moment(detected, 60) or detected, event))
        if answered and chance.random() < 0.1:
            steps.append((answered + chance.choice([1, 5]) * DAY, "second_wave"))
        case["adoption"] = chance.choice([None, "adopted", "partly", "not_adopted"])
        if case["adoption"]:
            steps.append((moment(detected, 20) or detected, "adopt"))
        case["steps"] = sorted(steps)
        cases.append(case)

    days = [YEAR.first + timedelta(days=n) for n in range(365)]
    publications = []
    for n in range(40):
        due_on = chance.choice(days)
        published = chance.choice([None, due_on + timedelta(days=chance.randrange(-20, 20))])
        publications.append(
            {"item": f"p{n}", "due_on": due_on, "published_on": published, "unit": chance.choice(UNITS)}
        )
    codes = [month.code for month in MONTHS] + [quarter.code for quarter in QUARTERS] + ["2026", "2025-12"]
    return {
        "cases": cases,
        "runs": {day: chance.randrange(50) for day in days if chance.random() < 0.97},
        "health": {day: chance.choice(["ok", "silent", "broken"]) for day in days},
        "logs": {day for day in days if chance.random() < 0.9},
        "publications": publications,
        "trainings": {(chance.choice(days), f"课{n % 4}", chance.choice(UNITS)) for n in range(20)},
        "entries": {
            (chance.choice(codes), chance.choice(UNITS), chance.choice(["praise", "notice", "deduction"]), f"事{n}")
            for n in range(60)
        },
        "measures": [
            (chance.choice(codes), f"举措{n}", chance.choice(days), chance.choice(["planned", "dropped", "done"]))
            for n in range(30)
        ],
    }


def known_by(moment: datetime | None, end: datetime) -> datetime | None:
    return moment if moment and moment <= end else None


def export(town: Town, year: dict[str, Any]) -> None:
    """The tables as the jobs write them: of the cases one snapshot at the end of each month."""
    for day, number in year["runs"].items():
        town.add("marts.daily_summary", day, observations=number, posts_new=number // 2, posts_relevant=number // 3,
                 zero_report=number == 0)  # fmt: skip
    for day, status in year["health"].items():
        town.add("marts.source_health", day, source_id="portal", status=status)
    for day in year["logs"]:
        signed = start_of_day(day) + 32 * HOUR
        town.add(
            "cases.events", day, event_id=f"log#{day}", event="log_signed", log_day=day, at=signed, decided_at=signed
        )
    for case in year["cases"]:
        number, detected = case["issue_no"], case["detected"]
        day = (detected + 8 * HOUR).date()
        town.add("graded.issues", day, issue_no=number, detected_at=detected, first_published_at=case["published"],
                 origin_post_id=number, is_new=True)  # fmt: skip
        town.add("graded.posts", day, post_id=number, published_precision=case["precision"], source_id=case["source"])
        town.add(
            "marts.daily_log", day, issue_no=number, system_level=case["system"], topic="gdp", source_class="board"
        )
        for sequence, (at, event) in enumerate(case["steps"], 1):
            town.add("cases.events", (at + 8 * HOUR).date(), event_id=f"{number}#{sequence}", issue_no=number,
                     sequence=sequence, event=event, from_state="verified", to_state="verified", at=at,
                     decided_at=at)  # fmt: skip
        if case["wave"] is not None:
            over = case["answered"] + 72 * HOUR
            town.add("marts.response_effect", (over + 8 * HOUR).date(), issue_no=number, responded_at=case["answered"],
                     second_wave=case["wave"], event_id=number, window_ends_at=over)  # fmt: skip
        for month in MONTHS:
            end = end_of_day(month.last)
            if end < detected:
                continue
            confirmed = known_by(case["confirmed_at"], end)
            town.case(
                number, month.last, started_at=detected, system_level=case["system"],
                confirmed_level=case["confirmed"] if confirmed else None, confirmed_at=confirmed, unit=case["unit"],
                level=case["confirmed"] if confirmed else case["system"],
                state=case["state"] if case["state"] != "closed" or known_by(case["closed_at"], end) else "responded",
                closed_at=known_by(case["closed_at"], end),
                outcome=case["outcome"] if known_by(case["verified_at"], end) else None,
                verified_at=known_by(case["verified_at"], end), adoption=case["adoption"],
                result_notice_at=known_by(case["result_at"], end), final_published_at=known_by(case["final_at"], end),
                first_published_at=known_by(case["answered"], end),
                due={duty: (at, known_by(done, end)) for duty, (at, done) in case["due"].items()},
            )  # fmt: skip
    for month in MONTHS:
        for one in year["publications"]:
            published = one["published_on"] if one["published_on"] and one["published_on"] <= month.last else None
            town.add("marts.publications_due", month.last, item=one["item"], period="2026", unit=one["unit"],
                     due_on=one["due_on"], published_on=published)  # fmt: skip
    before = {"imported_at": start_of_day(YEAR.first)}
    for held_on, topic, unit in year["trainings"]:
        town.add("ops.training", YEAR.first, row_id=f"{held_on}{topic}{unit}", held_on=held_on, topic=topic, unit=unit,
                 **before)  # fmt: skip
    for n, (code, unit, kind, reason) in enumerate(sorted(year["entries"])):
        town.add(
            "ops.assessments", YEAR.first, row_id=str(n), period=code, unit=unit, kind=kind, reason=reason, **before
        )
    for n, (code, measure, due_on, state) in enumerate(year["measures"]):
        done_on = due_on + timedelta(days=n % 3 - 1) if state == "done" else None
        town.add("ops.improvements", YEAR.first, row_id=str(n), raised_for=code, measure=measure, unit="social",
                 due_on=due_on, state=state, done_on=done_on, **before)  # fmt: skip


Count = tuple[int, int]


def recomputed(year: dict[str, Any], period: Period) -> dict[str, Any]:
    """Figures of a period by their definitions: (hits, pieces) of rates, a number of counts and hours."""
    start, end = start_of_day(period.first), end_of_day(period.last)

    def within(moment: datetime | None) -> bool:
        return moment is not None and start < moment <= end

    def by_end(moment: datetime | None) -> bool:
        return moment is not None and moment <= end

    def rate(hits: Iterator[bool]) -> Count:
        listed = list(hits)
        return sum(listed), len(listed)

    cases = [case for case in year["cases"] if case["detected"] < end]
    days = [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]
    found: dict[str, Any] = {"duties_unknown": 0}
    for duty in (*LIMITS, "rectify", "press_conference", "respond"):
        found[f"{duty}_on_time"] = rate(
            by_end(done) and done <= at
            for case in cases
            for at, done in [case["due"].get(duty, (None, None))]
            if within(at)
        )
    for figure, low, high in (("respond_5h", 0, 5), ("respond_24h", 5, 24), ("respond_48h", 24, 48)):
        found[figure] = rate(
            by_end(done) and done <= at
            for case in cases
            for at, done in [case["due"]["respond"]]
            if within(at) and low * HOUR < at - case["detected"] <= high * HOUR
        )
    found["open_overdue"] = sum(at <= end and not by_end(done) for case in cases for at, done in case["due"].values())

    closings = []
    for case in cases:
        owed = [case["due"][duty] for duty in ("verify", "respond", "respond_final", "rectify") if duty in case["due"]]
        last = max(at for at, _ in owed) + RULES.close_days * DAY
        if within(last) and case["state"] not in ("logged_only", "duplicate", "out_of_scope"):
            closings.append((case["closed_at"], last))
    found["closed"] = rate(by_end(closed) for closed, _ in closings)
    found["closed_on_time"] = rate(by_end(closed) and closed <= last for closed, last in closings)

    verified = [case for case in cases if within(case["verified_at"])]
    found["result_told"] = rate(by_end(c["result_at"]) for c in verified if c["outcome"] in ("true", "partly_true"))
    found["clarified"] = rate(by_end(c["final_at"]) for c in verified if c["outcome"] in ("false", "misunderstanding"))
    found["suggestions_told"] = rate(
        by_end(case["final_at"]) or by_end(case["result_at"])
        for case in cases
        for at, event in case["steps"]
        if event == "adopt" and within(at) and case["adoption"] in ("adopted", "partly")
    )

    judged = [case for case in cases if within(case["confirmed_at"])]
    found["level_agreed"] = rate(case["system"] == case["confirmed"] for case in judged)
    pairs = [
        (SCALE.index(case["system"]), SCALE.index(case["confirmed"]))
        for case in judged
        if case["system"] in SCALE and case["confirmed"] in SCALE
    ]
    found["level_kappa"] = kappa(pairs)

    hours = sorted(round((c["answered"] - c["detected"]) / HOUR, 2) for c in cases if within(c["answered"]))
    found["first_response_median"] = median(hours) if hours else None
    found["first_response_p90"] = quantile(hours, 0.9) if hours else None

    def waved(case: Case) -> bool | None:
        said = any(event == "second_wave" and at > case["answered"] and by_end(at) for at, event in case["steps"])
        return True if said else case["wave"]

    watched = [waved(case) for case in cases if case["answered"] and within(case["answered"] + 72 * HOUR)]
    found["second_wave"] = rate(verdict for verdict in watched if verdict is not None)

    found["urged"] = sum(event == "supervise" and within(at) for case in cases for at, event in case["steps"])
    found["returned"] = rate(
        later in ("return",) for at, later in followed(cases, ("submit", "return"), "submit", end) if within(at)
    )
    found["reopened"] = rate(
        later in ("reopen", "second_wave")
        for at, later in followed(cases, ("close", "reopen", "second_wave"), "close", end)
        if within(at)
    )

    own, of_period = [], [case for case in year["cases"] if start <= case["detected"] < end]
    for case in of_period:
        level = case["confirmed"] if by_end(case["confirmed_at"]) else case["system"]
        if level not in ("context", "refer_out") and case["state"] not in ("duplicate", "out_of_scope"):
            own.append((case, level))
    found["issues"], found["issues_own"] = len(of_period), len(own)
    verdicts = [in_time(case, level) for case, level in own]
    found["found_in_time"] = rate(verdict for verdict in verdicts if verdict is not None)
    told = [(case["source"] in RULES.told_by_others, level) for case, level in own]
    found["missed"], found["self_found"] = rate(t for t, _ in told), rate(not t for t, _ in told)
    found["missed_major"] = sum(t and level in ("major", "extreme") for t, level in told)

    first_run = min(year["runs"])
    found["days_run"] = rate(day in year["runs"] for day in days if day >= first_run)
    found["sources_checked"] = rate(year["health"][day] != "broken" for day in days)
    found["zero_report_days"] = sum(year["runs"].get(day) == 0 for day in days)
    for figure, part in (("observations", 1), ("posts_new", 2), ("posts_relevant", 3)):
        found[figure] = sum(year["runs"][day] // part for day in days if day in year["runs"])
    found["log_signed"] = rate(
        day in year["logs"] and start_of_day(day) + 32 * HOUR <= end
        for day in (period.first + timedelta(days=n) for n in range(-4, len(days)))
        if day >= first_run and within(log_due(day))
    )
    found["published_on_time"] = rate(
        one["published_on"] is not None and one["published_on"] <= min(one["due_on"], period.last)
        for one in year["publications"]
        if one["due_on"] in days
    )
    found["trainings"] = sum(held_on in days for held_on, _, _ in year["trainings"])
    for figure, kind in (("praised", "praise"), ("noticed", "notice"), ("deducted", "deduction")):
        found[figure] = sum(k == kind and contained(code, period) for code, _, k, _ in year["entries"])
    found["improvements_on_time"] = rate(
        state == "done" and n % 3 - 1 <= 0
        for n, (_, _, due_on, state) in enumerate(year["measures"])
        if due_on in days and state != "dropped"
    )
    return found


def in_time(case: Case, level: str) -> bool | None:
    """Found in time; nothing where the time of publication is unknown, or not exact enough to tell."""
    if case["published"] is None:
        return None
    most = 3 if level in ("major", "extreme") else 20
    longest = (case["detected"] - case["published"]) / HOUR
    if longest <= most:
        return True
    inexact = {"day": 24, "hour": 1, "minute": 0}[case["precision"]]
    return False if longest - inexact > most else None


def followed(
    cases: list[Case], chain: tuple[str, ...], event: str, end: datetime
) -> Iterator[tuple[datetime, str | None]]:
    """Each such event with the next one of its chain, as far as known at the end."""
    for case in cases:
        links = [(at, name) for at, name in case["steps"] if name in chain and at <= end]
        for n, (at, name) in enumerate(links):
            if name == event:
                yield at, links[n + 1][1] if n + 1 < len(links) else None


def log_due(day: date) -> datetime:
    """09:30 of the next working day, weekends off."""
    following = day + DAY
    while following.weekday() > 4:
        following += DAY
    return start_of_day(following) + 9.5 * HOUR


def contained(code: str, period: Period) -> bool:
    """Whether 2026-10, 2026Q3 or 2026 lies in a period."""
    year = int(code[:4])
    if "-" in code:
        first = last = int(code[5:])
    elif "Q" in code:
        first, last = 3 * int(code[-1]) - 2, 3 * int(code[-1])
    else:
        first, last = 1, 12
    return period.first <= date(year, first, 1) and date(year, last, 1) <= period.last


def quantile(values: list[float], q: float) -> float:
    """By linear interpolation between the two nearest."""
    place = q * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def kappa(pairs: list[tuple[int, int]]) -> tuple[int, int, float | None]:
    """Agreeing pairs, pairs, and Cohen's kappa with quadratic weights from observed and expected tables."""
    n = len(pairs)
    agreeing = sum(a == b for a, b in pairs)
    observed = sum((a - b) ** 2 for a, b in pairs) / n if n else 0
    expected = sum((a - b) ** 2 for a, _ in pairs for _, b in pairs) / n**2 if n else 0
    return agreeing, n, 1 - observed / expected if expected else None


def value_of(expected: Any) -> float | None:
    if isinstance(expected, tuple):
        return expected[2] if len(expected) == 3 else expected[0] / expected[1] if expected[1] else None
    return expected


def test_every_figure_of_every_period_again_in_plain_python(tmp_path: Path) -> None:
    town, year = Town(tmp_path), invented_year(1)
    export(town, year)
    expected = {period: recomputed(year, period) for period in PERIODS}
    for period in PERIODS:
        town.review_period(period, rules=RULES)
    compared = changes = 0
    for period in PERIODS:
        rows = town.read(f"review_{period.kind}", period.last)
        assert rows["period"].unique().to_list() == [period_code(period)]
        for row in rows.iter_rows(named=True):
            where = f"{period_code(period)} {row['figure']}"
            if row["missing"] == "not_recorded":
                assert row["figure"] in ("assign_on_time", "satisfied"), where
                continue
            mine = expected[period][row["figure"]]
            value = value_of(mine)
            if isinstance(mine, tuple):
                assert (row["numerator"], row["denominator"]) == mine[:2], where
            assert (row["value"] is None) == (value is None), where
            if value is not None:
                close = 0.0501 if row["kind"] == "hours" else 0.00005001
                assert abs(row["value"] - value) <= close, where
                compared += 1
            other = period.later(-1)
            before = value_of(expected[other].get(row["figure"])) if other in expected else None
            assert (row["previous_value"] is None) == (before is None), where
            if value is not None and before is not None and (row["kind"] in ("rate", "index") or before):
                change = value - before if row["kind"] in ("rate", "index") else value / before - 1
                assert row["change"] == pytest.approx(change, abs=0.05 if row["kind"] == "hours" else 0.00011), where
                changes += 1
            elif before == 0 and row["kind"] not in ("rate", "index"):
                assert row["change"] is None, where
            assert row["change_on_year"] is None, where  # nothing is known of 2025
    assert compared > 600
    assert changes > 400


def test_units_add_up_to_the_whole(tmp_path: Path) -> None:
    town, year = Town(tmp_path), invented_year(3)
    export(town, year)
    for period in (MONTHS[11], QUARTERS[3], YEAR):
        town.review_period(period, rules=RULES)
    swept = 0
    for period in (MONTHS[11], QUARTERS[3], YEAR):
        code = period_code(period)
        units = town.read("kpi_unit", period.last)
        whole = {row["figure"]: row for row in town.read(f"review_{period.kind}", period.last).iter_rows(named=True)}
        for figure, rows in units.filter(units["period"] == code).group_by("figure"):
            row = whole[str(figure[0])]
            assert rows["numerator"].sum() == row["numerator"], (code, figure)
            if row["kind"] == "rate":
                assert rows["denominator"].sum() == row["denominator"], (code, figure)
            swept += 1
    assert swept >= 45
