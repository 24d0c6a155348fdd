"""No alert stands on a row that had not happened or was not known at its day."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings

from perfml.project.spec import parse
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.trust.alerts.alert import Look
from perfml.trust.alerts.looking import completed, looks, see
from tests.companies import Tables, company, futures, is_future
from tests.tables import opened, shipped
from tests.test_no_future import write

TEXT = {"zh": "{person}", "en": "{person}"}
SPEC = parse(
    AlertsSpec,
    {
        "zh": "提醒",
        "en": "Alerts",
        "rules": {
            name: {"zh": name, "en": name, "to": ["hr"], "texts": {"hr": TEXT}} | rule
            for name, rule in {
                "quiet": {"when": "login_days_since_last >= 7", "numbers": ["login_days_since_last"]},
                "feedback": {"when": "feedback_givers_28d = 0", "behind": ["feedback_givers_91d"]},
                "goal": {"when": "days_behind >= 7", "numbers": ["days_behind", "behind_reached"]},
                "review": {"when": "last_rating <= 3 and days_since_review >= 30", "numbers": ["last_rating"]},
                "team": {"when": "feedback_givers_7d = 0", "concerns": "team", "least_share": 0.5},
            }.items()
        },
    },
    file="alerts",
)


def looks_at(tables: Tables, as_of: dt.date) -> list[Look]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), tables, parquet=False)
        data = opened(Path(folder))
        try:
            seen = see(data, shipped(), SPEC, [as_of], policy="alerts")
            return [completed(data, shipped(), SPEC, seen, look) for look in looks(data, SPEC, seen, [as_of])]
        finally:
            data.close()


@pytest.mark.slow
@settings(max_examples=10, phases=[Phase.generate], deadline=None)
@given(futures())
def test_another_future_changes_no_alert(case: tuple[Tables, Tables, dt.date]) -> None:
    before, after, as_of = case
    first = looks_at(before, as_of)
    assert first == looks_at(after, as_of)
    rows = [row for look in first for sighting in look.seen for row in sighting.rows]
    assert all(row.happened < as_of.isoformat() for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize(("table", "rule"), [("events", "quiet"), ("events", "feedback"), ("reviews", "review")])
def test_another_past_changes_alerts(table: str, rule: str) -> None:
    """So that the test above can fail."""
    as_of = dt.date(2025, 3, 3)
    tables = company(Random(1), as_of)
    past = [row for row in tables[table] if not is_future(table, row, as_of)]
    other = tables | {table: [row for row in tables[table] if row not in past]}

    def of_rule(given: Tables) -> list[object]:
        return [
            (each.employee_id, each.rows) for look in looks_at(given, as_of) if look.rule == rule for each in look.seen
        ]

    assert any(rows for _, rows in of_rule(tables)) and of_rule(tables) != of_rule(other)
