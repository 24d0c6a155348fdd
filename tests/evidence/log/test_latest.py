"""The values of the last events: in their order, as known at each date, and the rows behind them."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import numpy as np
import pytest

from perfml.errors import DefinitionError
from perfml.evidence.behind import rows_behind
from perfml.evidence.features import build
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.latest import LatestEvents
from perfml.evidence.log.validity import ValidityIntervals
from tests.tables import evidence, opened, windowed, write_tables

EMPLOYEES = """
employee_id | hired_on
ana | 2020-01-01
ben | 2020-01-01
cam | 2020-01-01
"""
EVENTS = """
employee_id | kind | happened_at | value | event_id | known_at
ana | call | 2026-01-01 09:00 | 1 | a |
ana | call | 2026-02-01 09:00 | 5 | b |
ana | call | 2026-02-01 15:00 | 3 | c |
ana | call | 2026-02-02 09:00 | | d |
ana | mail | 2026-02-02 09:00 | 9 | e |
ana | call | 2026-03-01 00:00 | 7 | f |
ben | call | 2026-01-10 09:00 | 4 | g |
ben | call | 2026-01-10 09:00 | 4 | h | 2026-02-10
ben | call | 2026-02-05 09:00 | 2 | i |
ben | call | 2026-02-05 09:00 | 8 | i | 2026-02-20
"""
CALLS = {"kinds": ["call"], "windows_days": [91], "last_events": [1, 2, 3]}
MEASURES = [{"column": f"{name}_{{last}}", "measure": name} | CALLS for name in ("mean", "lowest", "highest")]
DEFINITIONS = windowed(*MEASURES)
FEBRUARY, MARCH = dt.date(2026, 2, 10), dt.date(2026, 3, 1)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return write_tables(tmp_path, employees=EMPLOYEES, events=EVENTS)


def test_the_last_events_are_those_before_the_date_in_their_order(company: Path) -> None:
    """The call of 1 March does not count on that day, one without a value never, and a mail is no call."""
    frame = evidence(company, DEFINITIONS, [MARCH]).frame.set_index("employee_id")
    ana = frame.loc["ana"]
    assert ana[["mean_1", "mean_2", "mean_3"]].tolist() == [3, 4, 3]
    assert ana[["lowest_2", "lowest_3", "highest_1", "highest_3"]].tolist() == [3, 1, 3, 5]
    assert frame.loc["cam"].drop("as_of").isna().all(), "who has no call has no value"


def test_what_was_known_late_or_corrected_counts_from_then_on(company: Path) -> None:
    """On 10 February the second call of 10 January is not known yet, and the call of 5 February still has its first value."""
    frame = evidence(company, DEFINITIONS, [FEBRUARY, MARCH]).frame
    ben = frame[frame["employee_id"] == "ben"].set_index("as_of")
    assert ben["mean_3"].tolist() == [(4 + 2) / 2, (4 + 4 + 8) / 3]
    assert ben["mean_1"].tolist() == [2, 8]


def test_the_rows_behind_are_the_last_events(company: Path) -> None:
    with opened(company) as data:
        built = build(data, DEFINITIONS, [MARCH])
        (column,) = (each for each in built.columns if each.name == "mean_2")
        rows = rows_behind(data, DEFINITIONS, column, employee_id="ana", as_of=MARCH, kinds=built.kinds)
    assert rows["events"]["event_id"].tolist() == ["c", "b"]


def test_the_rows_behind_an_active_day_are_those_of_the_last_days(company: Path) -> None:
    """A day may hold several events: two days are three of Ana's calls."""
    measure = {"column": "since", "measure": "days_since_active_day"} | CALLS | {"last_events": [2]}
    definitions = windowed(measure)
    with opened(company) as data:
        built = build(data, definitions, [MARCH])
        rows = rows_behind(data, definitions, built.columns[0], employee_id="ana", as_of=MARCH, kinds=built.kinds)
    assert built.frame.set_index("employee_id").loc["ana", "since"] == 28
    assert rows["events"]["event_id"].tolist() == ["d", "c", "b"]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (
            {"measure": "sum"},
            "last_events is for the measures mean, lowest, highest and days_since_active_day, not 'sum'",
        ),
        ({"column": "mean"}, "needs {last} in its name"),
        ({"windows_days": []}, "needs windows_days"),
    ],
)
def test_keys_that_do_not_fit_together(key: dict[str, object], problem: str) -> None:
    with pytest.raises(DefinitionError) as error:
        windowed(MEASURES[0] | key)
    assert problem in str(error.value)


def test_dates_cost_no_pass_over_the_rows_each() -> None:
    """A hundred times as many as-of dates cost less than fifteen times the CPU time."""
    rng, n, size = np.random.default_rng(0), 2_000, 400_000
    day = rng.integers(0, 3_000, size)
    rows = {"day": day, "moment": day * 86_400_000_000, "scaled": rng.integers(-100, 100, size)}
    person, chosen = rng.integers(0, n, size), np.arange(size)

    def seconds(dates: int) -> float:
        grid = Grid(np.linspace(2_000, 3_000, dates).astype(np.int64), (364,))
        start = time.process_time()
        inside = chosen[day >= grid.edges[0]]
        latest = LatestEvents(rows, person, ValidityIntervals(rows, grid), grid, chosen=inside, n=n)
        for name in ("mean", "lowest"):
            latest.measure(name, 364, last=5, decimals=0)
        return time.process_time() - start

    seconds(1)
    assert seconds(100) < 15 * max(seconds(1), 0.05)
