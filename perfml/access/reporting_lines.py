"""Who reports to whom on a day, through several levels, from the periods kept beside the scores.

The newest file serves every day: rights follow what is known now. A transfer recorded in advance takes effect on its date.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from perfml.home_reads import Memo
from perfml.scoring.people.periods import PositionPeriod, newest_periods_file, read_periods


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportingLines:
    """Everyone's periods, ascending; the periods of one person do not overlap."""

    periods: Mapping[str, tuple[PositionPeriod, ...]]

    def at(self, employee_id: str, day: dt.date) -> PositionPeriod | None:
        """The position of a person on ``day``; None for somebody unknown or not employed then."""
        periods = self.periods.get(employee_id, ())
        before = bisect_right(periods, day, key=lambda period: period.begins)
        if not before:
            return None
        period = periods[before - 1]
        return period if period.ends is None or day < period.ends else None

    def levels(self, employee_id: str, *, above: str, day: dt.date) -> int:
        """How many levels ``above`` stands over a person on ``day``: 1 for their manager; 0 where they are not in that line.

        A manager who has left, or whose manager nobody knows, ends the line.
        """
        managers = _managers(self, employee_id, day)
        return managers.index(above) + 1 if above in managers else 0

    def below(self, manager: str, day: dt.date) -> frozenset[str]:
        """Everyone in the line of ``manager`` on ``day``."""
        line: set[str] = set()
        if self.at(manager, day) is None:
            return frozenset()
        reports, waiting = _reports(self, day), [manager]
        while waiting:
            fresh = [person for person in reports.get(waiting.pop(), ()) if person not in line and person != manager]
            line.update(fresh)
            waiting += fresh
        return frozenset(line)


def lines_of(periods: Iterable[PositionPeriod]) -> ReportingLines:
    """Arrange periods by person."""
    people: dict[str, list[PositionPeriod]] = {}
    for period in periods:
        people.setdefault(period.employee_id, []).append(period)
    return ReportingLines(
        periods={person: tuple(sorted(each, key=lambda period: period.begins)) for person, each in people.items()}
    )


def current_lines(home: Path) -> ReportingLines:
    """The lines of the newest file under ``home``; empty where nothing was scored yet. Raises :class:`DamagedFile`."""
    return _CURRENT.of(home, lambda: _newest(home))


MOST_HOMES = 4
_CURRENT: Memo[ReportingLines] = Memo(MOST_HOMES)


def _newest(home: Path) -> ReportingLines:
    path = newest_periods_file(home)
    return lines_of(() if path is None else read_periods(path))


@lru_cache(maxsize=65_536)
def _managers(lines: ReportingLines, employee_id: str, day: dt.date) -> tuple[str, ...]:
    """Employed managers above a person, nearest first; a circle ends where it closes."""
    managers: list[str] = []
    person: str | None = employee_id
    while person is not None and (period := lines.at(person, day)) is not None:
        person = period.manager_id
        if person == employee_id or person in managers or person is None or lines.at(person, day) is None:
            break
        managers.append(person)
    return tuple(managers)


@lru_cache(maxsize=8)
def _reports(lines: ReportingLines, day: dt.date) -> Mapping[str, list[str]]:
    """Manager → direct reports on ``day``."""
    reports: dict[str, list[str]] = {}
    for person in lines.periods:
        period = lines.at(person, day)
        if period is not None and period.manager_id is not None and lines.at(period.manager_id, day) is not None:
            reports.setdefault(period.manager_id, []).append(person)
    return reports
