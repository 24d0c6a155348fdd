"""What verbs of several subjects need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from perfml.dates import DateLike, date_of
from perfml.evidence.people import people_at, periods_at
from perfml.evidence.sources import Data
from perfml.scoring.people.files import keep_people
from perfml.scoring.people.periods import keep_periods
from perfml.trust.definitions.holding import hold_clashes
from perfml.trust.notices.withheld import not_learnt_from, train_without, withheld_people

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.trust.holds.hold import Hold

DataLocation = str | Path
"""A folder, a workbook, a DuckDB file, or a URL."""
GivenData = DataLocation | Data
"""Where data are, or data that are open already, for several verbs in a row."""


def held_at(project: Project, opened: Data, as_of: dt.date) -> dict[str, Hold]:
    """Employee -> why there is no score. Whom a clash of definitions affects is held before anybody is scored or advised."""
    hold_clashes(project.home, project.folder.metrics, opened, as_of)
    return withheld_people(opened, project.folder, as_of, project.home)


def open_to_learn(project: Project, data: GivenData | None) -> Data:
    """Open ``data`` without people who opted out. What is open already stays whole: it is opened anew where somebody did."""
    people = not_learnt_from(project.folder, project.home)
    opened = project.open(data.origin if isinstance(data, Data) and people else data)
    train_without(opened, people)
    return opened


def keep_who_is_who(project: Project, opened: Data, day: dt.date) -> None:
    """Keep who is who at ``day``, and the positions that access rights stand on."""
    keep_people(people_at(opened, day), project.home, as_of=day, holds=opened.withheld.number)
    keep_periods(periods_at(opened, day), project.home, as_of=day)


def seen(project: Project, what: str, people: Iterable[str]) -> None:
    """Record that ``what`` is shown about ``people``. Raises :class:`PerfmlError` where it cannot, so that nothing
    is shown; on a full disk it is recorded later."""
    from perfml.trust.audit.seeing import record_seen

    record_seen(project.home, what, people)


def today_or(value: DateLike | None) -> dt.date:
    """``value``, else the clock's day, UTC."""
    return date_of(value) if value else dt.datetime.now(dt.UTC).date()


def date_or_none(value: DateLike | None) -> dt.date | None:
    """``value`` as a date."""
    return date_of(value) if value else None


def people_of(rows: pa.Table) -> list[str]:
    """Everyone in ``rows``."""
    return [str(person) for person in rows.column("employee_id").unique().to_pylist()]
