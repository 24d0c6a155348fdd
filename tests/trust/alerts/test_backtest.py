"""How early a rule would have spoken, and how often for nothing: against figures computed by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml.messages import render
from tests.tables import write_tables
from tests.trust.alerts.company import project

QUIET = [f"p{n:02}" for n in range(12)]
BUSY = [f"q{n:02}" for n in range(12)]
LOW = {*QUIET[:10], BUSY[0]}


def mondays(weeks: int) -> list[dt.date]:
    return [dt.date(2025, 6, 1) + dt.timedelta(days=7 * week) for week in range(weeks)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """All were active on Sunday, 1 June; the quiet never again, the busy every Sunday. Reviews are on 15 July."""
    employees = "employee_id | hired_on\n" + "\n".join(f"{who} | 2020-01-01" for who in [*QUIET, *BUSY, "mia"])
    rows = [f"{who} | 2025-06-01 09:00:00 | crm_update" for who in QUIET]
    rows += [f"{who} | {day} 09:00:00 | crm_update" for who in BUSY for day in mondays(34)]
    rows += [f"mia | {dt.date(2025, 3, 1) + dt.timedelta(days=n)} 10:00:00 | login" for n in range(337)]
    reviews = "review_id | employee_id | period_end | reviewed_on | rating\n" + "\n".join(
        f"r-{who} | {who} | 2025-06-30 | 2025-07-15 | {1 if who in LOW else 4}" for who in [*QUIET, *BUSY]
    )
    events = "employee_id | happened_at | kind\n" + "\n".join(rows)
    return write_tables(tmp_path / "data", employees=employees, events=events, reviews=reviews)


@pytest.mark.slow
def test_figures_are_those_computed_by_hand(data: Path, tmp_path: Path) -> None:
    """Twelve are told of on 16 June, 15 days after; ten of them get a low rating, 29 days later. Until the review there are seven
    Mondays with 24 people, 11 of whom get a low rating."""
    tested = project(tmp_path).backtest_alerts(data)
    assert tested.first == dt.date(2025, 6, 2)
    rules = {rule.rule: rule for rule in tested.rules}
    quiet = rules["quiet"]
    assert (quiet.alerts, quiet.judged, quiet.outcomes, quiet.insufficient) == (12, 12, 11, None)
    assert quiet.precision and quiet.base_rate and quiet.lift and quiet.spoken and quiet.lead_days
    assert quiet.precision.value == pytest.approx(10 / 12)
    assert quiet.base_rate.value == pytest.approx(11 / 24)
    assert quiet.lift.value == pytest.approx(10 / 12 / (11 / 24))
    assert quiet.precision.low < 10 / 12 < quiet.precision.high
    assert quiet.spoken.value == pytest.approx(10 / 11)
    assert quiet.lead_days.value == 29
    weeks, people = tested.looks, 25
    assert quiet.per_100_a_month == pytest.approx(100 * 12 / (weeks * people * 7 / (365.25 / 12)))
    assert rules["rare"].insufficient and "praise" in render(rules["rare"].insufficient, "zh")


@pytest.mark.slow
def test_few_alerts_have_no_precision(data: Path, tmp_path: Path) -> None:
    events = (data / "events.csv").read_text(encoding="utf-8").splitlines()
    (data / "events.csv").write_text("\n".join(row for row in events if row[:3] not in QUIET[3:]), encoding="utf-8")
    quiet = next(rule for rule in project(tmp_path).backtest_alerts(data).rules if rule.rule == "quiet")
    assert (quiet.judged, quiet.precision, quiet.lead_days) == (3, None, None)
    assert quiet.insufficient and "3" in render(quiet.insufficient, "en")
