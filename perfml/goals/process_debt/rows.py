"""One row of the ledger for each person and process, whether anything is owed or not, and reading it back. Light."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from perfml.dated_files import dated_file
from perfml.goals.kept_reports import DatedReport, keep_report
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.project.goals.process_debt_spec import DebtRule
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding

FOLDER = "process_debt/rows"
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("as_of", pa.date32()),
        ("process", pa.string()),
        ("rule", pa.string()),
        ("owner", pa.string()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("owed", pa.bool_()),
        ("since", pa.date32()),
        ("days", pa.int64()),
        ("hours", pa.float64()),
        ("goal_ids", pa.list_(pa.string())),
        ("metrics", pa.list_(pa.string())),
        ("model", pa.string()),
        ("probability", pa.float64()),
        ("carried", pa.float64()),
    ]
)
"""``since``: from which day on, the earliest where several goals are owed; ``days``: days owed, of all goals together; ``hours``:
above the limit; ``probability``: predicted by ``model`` within its shortest horizon, ``carried``: how much less it would be
without the reasons of this process. Null where nothing is owed, or nothing was scored."""


@dataclass(frozen=True, kw_only=True)
class DebtRow:
    """One row as read."""

    employee_id: str
    as_of: dt.date | None
    process: str
    rule: DebtRule
    owner: str | None
    department: str | None
    manager_id: str | None
    owed: bool
    since: dt.date | None
    days: int | None
    hours: float | None
    goal_ids: tuple[str, ...]
    metrics: tuple[str, ...]
    model: str | None
    probability: float | None
    carried: float | None

    @property
    def text(self) -> Message:
        """What is owed, as a sentence."""
        return Message.of(
            f"process_debt_{self.rule}", days=self.days or 0, hours=self.hours or 0.0, metrics=", ".join(self.metrics)
        )


def keep_debts(report: DatedReport, home: Path, *, record: JsonObject) -> Path:
    """Keep the ledger of a date, in place of an earlier one."""
    return keep_report(report, home, FOLDER, record=record)


def debts_file(home: Path, as_of: dt.date | None = None) -> tuple[dt.date, Path] | None:
    """The date (default: the newest) and the file of a ledger; None where none is kept."""
    return dated_file(home / FOLDER, as_of)


def kept_debts(path: Path) -> list[DebtRow]:
    """The rows of a ledger without people who are withheld now. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    return debt_rows(withholding(path).table(read_rows(path)))


def debt_rows(rows: pa.Table) -> list[DebtRow]:
    """The rows of a table, without those that are withheld."""
    shown: list[dict[str, Any]] = [row for row in rows.to_pylist() if row["owed"] is not None]
    return [DebtRow(**row | {name: tuple(row[name] or ()) for name in ("goal_ids", "metrics")}) for row in shown]
