"""One row for each person and line, kept by date under ``home/goals/lines``, and reading it back. Light."""

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
from perfml.messages import Bilingual, Message
from perfml.project.goals.lines_spec import LineRule
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding

FOLDER = "goals/lines"
LineProblem = Literal["few people", "no forecast", "units differ"]
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("as_of", pa.date32()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("line", pa.string()),
        ("line_en", pa.string()),
        ("line_zh", pa.string()),
        ("rule", pa.string()),
        ("metric", pa.string()),
        ("unit", pa.string()),
        ("group", pa.string()),
        ("people", pa.int64()),
        ("on", pa.date32()),
        ("days_left", pa.int64()),
        ("actual", pa.float64()),
        ("line_now", pa.float64()),
        ("distance", pa.float64()),
        ("crossed", pa.bool_()),
        ("line_expected", pa.float64()),
        ("expected", pa.float64()),
        ("probability", pa.float64()),
        ("needed_a_week", pa.float64()),
        ("pace_a_week", pa.float64()),
        ("problem", pa.string()),
    ]
)
"""``on``: the day of the line; ``days_left``: until its end; ``line_now`` and ``line_expected``: where the line lies now, and is
expected to lie on its day, of ``rank`` the mean of the people around it; ``distance``: how much is missing to ``line_now``, 0
where it is ``crossed``; ``probability``: of being above the line on its day; ``needed_a_week``: to reach ``line_expected``;
``pace_a_week``: so far; ``problem``: why figures are missing. Amounts are shares of the target where ``unit`` is ``%``."""


@dataclass(frozen=True, kw_only=True)
class LineRow:
    """One row as read."""

    employee_id: str
    as_of: dt.date
    department: str | None
    manager_id: str | None
    line: str
    line_en: str
    line_zh: str
    rule: LineRule
    metric: str
    unit: str | None
    group: str | None
    people: int
    on: dt.date
    days_left: int
    actual: float | None
    line_now: float | None
    distance: float | None
    crossed: bool | None
    line_expected: float | None
    expected: float | None
    probability: float | None
    needed_a_week: float | None
    pace_a_week: float | None
    problem: LineProblem | None

    @property
    def title(self) -> Bilingual:
        """The name of the line."""
        return Bilingual(zh=self.line_zh, en=self.line_en)

    @property
    def text(self) -> Message:
        """How far it is and what that takes, as a sentence."""
        if self.problem == "few people":
            return Message.of("line_few_people")
        if self.problem == "units differ":
            return Message.of("line_units_differ")
        if self.problem == "no forecast" or self.probability is None or self.needed_a_week is None:
            return Message.of("line_no_forecast")
        if self.needed_a_week <= 0:
            return Message.of("line_crossed" if self.rule == "attainment" else "line_kept", chance=self.probability)
        return Message.of("line_ahead", weeks=self.days_left / 7, chance=self.probability)


_ROWS = TypeAdapter(list[LineRow])


def keep_lines(report: DatedReport, home: Path, *, record: JsonObject) -> Path:
    """Keep the rows of a date, in place of those that were kept of it."""
    return keep_report(report, home, FOLDER, record=record)


def lines_file(home: Path, as_of: dt.date | None = None) -> tuple[dt.date, Path] | None:
    """The date (default: the newest) and its file; None where none is kept."""
    return dated_file(home / FOLDER, as_of)


def kept_lines(path: Path) -> list[LineRow]:
    """The rows of a file without people who are withheld now. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    return line_rows(withholding(path).table(read_rows(path)))


def line_rows(rows: pa.Table) -> list[LineRow]:
    """The rows of a table, without those that are withheld."""
    return _ROWS.validate_python([row for row in rows.to_pylist() if row["line"] is not None])
