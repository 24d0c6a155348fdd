"""One row for each milestone of an employed person, kept by date under ``home/goals/milestones``, and reading it back. Light."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import TypeAdapter

from perfml.dated_files import dated_file
from perfml.goals.kept_reports import DatedReport, keep_report
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding

FOLDER = "goals/milestones"
MilestoneStatusName = Literal["on_time", "late_marking", "late_work", "unclear", "running"]
"""on_time: finished and marked in time; late_marking: finished in time, and marked late or not yet; late_work: finished after it
was due, or not finished; unclear: late, and the record does not tell which; running: not due yet."""
SCHEMA = pa.schema(
    [
        ("goal_id", pa.string()),
        ("as_of", pa.date32()),
        ("employee_id", pa.string()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("metric", pa.string()),
        ("name", pa.string()),
        ("status", pa.string()),
        ("due_on", pa.date32()),
        ("first_due_on", pa.date32()),
        ("marked_on", pa.date32()),
        ("finished_on", pa.date32()),
        ("in_time", pa.float64()),
        ("expected_on", pa.date32()),
        ("low_on", pa.date32()),
        ("high_on", pa.date32()),
        ("inherited_days", pa.int64()),
        ("waits_for", pa.string()),
        ("waits_for_goal", pa.string()),
        ("waits_for_employee", pa.string()),
        ("pushes", pa.int64()),
        ("problem", pa.string()),
        ("period_end", pa.date32()),
        ("goal_expected_on", pa.date32()),
        ("goal_low_on", pa.date32()),
        ("goal_high_on", pa.date32()),
    ]
)
"""``status``: :data:`MilestoneStatusName`; ``first_due_on``: as planned first; ``in_time``: probability that the work
was, or will be, finished by ``due_on``; ``expected_on``: median of the last day of work, ``low_on`` to ``high_on`` its 80 %
interval, of open ones; ``inherited_days``: how much later it begins because of ``waits_for``, a milestone of the goal
``waits_for_goal``; ``pushes``: how many milestones begin later because of it; ``problem``: ``circle`` or ``unknown_dependency``;
``goal_…``: the same of the last milestone of the goal. Null where it is not known."""


@dataclass(frozen=True, kw_only=True)
class MilestoneRow:
    """One row as read."""

    goal_id: str
    as_of: dt.date
    employee_id: str
    department: str | None
    manager_id: str | None
    metric: str
    name: str
    status: MilestoneStatusName
    due_on: dt.date
    first_due_on: dt.date
    marked_on: dt.date | None
    finished_on: dt.date | None
    in_time: float | None
    expected_on: dt.date | None
    low_on: dt.date | None
    high_on: dt.date | None
    inherited_days: int | None
    waits_for: str | None
    waits_for_goal: str | None
    waits_for_employee: str | None
    pushes: int
    problem: Literal["circle", "unknown_dependency"] | None
    period_end: dt.date
    goal_expected_on: dt.date | None
    goal_low_on: dt.date | None
    goal_high_on: dt.date | None

    @property
    def is_open(self) -> bool:
        """Whether neither its mark nor its end is on record."""
        return self.marked_on is None and self.finished_on is None

    @property
    def text(self) -> Message:
        """How it stands, as a sentence."""
        if self.status == "late_work" and not self.is_open and self.finished_on is not None:
            return Message.of("milestone_late_work_known", days=(self.finished_on - self.due_on).days)
        if self.status == "late_marking" and self.is_open:
            return Message.of("milestone_late_marking_open")
        if self.status == "late_work" and self.is_open:
            return Message.of("milestone_late_work_open")
        return Message.of(f"milestone_{self.status}")

    @property
    def waiting_text(self) -> Message | None:
        """How much later it begins or began, and what it waits for; None where it begins as planned."""
        if self.waits_for is None or not self.inherited_days:
            return None
        code = "milestone_waits" if self.is_open else "milestone_waited"
        return Message.of(code, name=self.waits_for, days=self.inherited_days)


_ROWS = TypeAdapter(list[MilestoneRow])


def keep_milestones(report: DatedReport, home: Path, *, record: JsonObject) -> Path:
    """Keep the milestones of a date, in place of those that were kept of it."""
    return keep_report(report, home, FOLDER, record=record)


def milestones_file(home: Path, as_of: dt.date | None = None) -> tuple[dt.date, Path] | None:
    """The date (default: the newest) and its file; None where none is kept."""
    return dated_file(home / FOLDER, as_of)


def kept_milestones(path: Path) -> list[MilestoneRow]:
    """The rows of a file without people who are withheld now. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    return milestone_rows(withholding(path).table(read_rows(path)))


def milestone_rows(rows: pa.Table) -> list[MilestoneRow]:
    """The rows of a table, without those that are withheld."""
    return _ROWS.validate_python([row for row in rows.to_pylist() if row["due_on"] is not None])
