"""A simulated record of the same offices before the incident, long enough for a model.

One month of forty people cannot carry a model. In this record more people work in the offices, for two years of monthly targets
and quarterly reviews; how somebody did lately says more about the next review than the last one does.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from perfml.demo.incident.parameters import Incident
from perfml.demo.incident.tables import Rows, goal_row, leader_of, position_row, write_csv

MONTHS: Final = 24
PEOPLE: Final = 40
"""In each office: so many that a few in each quarter have a low rating, from which a model can learn."""
LASTING: Final = 0.85
"""Share of a month's deviation from the target that lasts into the next."""
REVIEW_DAY: Final = 5
"""Day of January, April, July and October on which the quarter is reviewed."""


class Reached(NamedTuple):
    """How much of the target of one month somebody reached."""

    person: str
    office: str
    month: dt.date
    share: float


def write_earlier(incident: Incident, folder: Path) -> Path:
    """Write the record as CSV into ``folder``; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    staff = [(office, f"{office}-{n:02}") for office in incident.offices for n in range(1, PEOPLE + 1)]
    months = list(reversed([_months_before(incident.month, n) for n in range(1, MONTHS + 1)]))
    rng = random.Random(incident.seed)
    reached = [each for office, person in staff for each in _reached(office, person, months, rng)]
    hired = {person: _months_before(months[0], rng.randint(1, 60)) for _, person in staff}
    tables: dict[str, Rows] = {
        "employees": [{"employee_id": person, "hired_on": str(day)} for person, day in hired.items()],
        "positions": [
            position_row(person, str(hired[person]), manager=leader_of(office), location=office, family="sales")
            for office, person in staff
        ],
        "goals": [_goal(incident, each) for each in reached],
        "progress": [row for each in reached for row in _progress(incident, each)],
        "reviews": [_review(each, rng) for each in reached if each.month.month % 3 == 0],
    }
    for name, rows in tables.items():
        write_csv(folder / f"{name}.csv", rows)
    return folder


def _reached(office: str, person: str, months: list[dt.date], rng: random.Random) -> Iterator[Reached]:
    deviation = rng.gauss(0, 0.1)
    for month in months:
        deviation = LASTING * deviation + rng.gauss(0, 0.1 * (1 - LASTING**2) ** 0.5)
        yield Reached(person, office, month, max(0.0, 1 + deviation))


def _goal(incident: Incident, each: Reached) -> dict[str, str]:
    of_month = replace(incident, month=each.month)
    set_on = each.month - dt.timedelta(days=1)
    row = goal_row(of_month, each.person, effective=set_on, target=incident.target, version=1)
    return {**row, "goal_id": _goal_id(each)}


def _goal_id(each: Reached) -> str:
    return f"G-{each.person}-{each.month:%Y-%m}"


def _progress(incident: Incident, each: Reached) -> Iterator[dict[str, str]]:
    """Weekly, and on the last day of the month."""
    days = (_months_before(each.month, -1) - each.month).days
    for day in (7, 14, 21, days):
        evening = dt.datetime.combine(each.month + dt.timedelta(days=day - 1), dt.time(22))
        share = Decimal(str(round(each.share * day / days, 4)))
        yield {
            "goal_id": _goal_id(each),
            "measured_at": str(evening),
            "actual": str(incident.target * share),
            "definition": "v1",
            "known_at": str(evening),
        }


def _review(each: Reached, rng: random.Random) -> dict[str, str]:
    """The review of the quarter that ends with the month."""
    rating = round(3.2 + 9 * (each.share - 1) + rng.gauss(0, 0.4))
    end = _months_before(each.month, -1)
    return {
        "review_id": f"R-{each.person}-{each.month}",
        "employee_id": each.person,
        "reviewer_id": leader_of(each.office),
        "period_end": str(end - dt.timedelta(days=1)),
        "reviewed_on": str(end.replace(day=REVIEW_DAY)),
        "rating": str(min(5, max(1, rating))),
    }


def _months_before(month: dt.date, count: int) -> dt.date:
    months = month.year * 12 + month.month - 1 - count
    return dt.date(months // 12, months % 12 + 1, 1)
