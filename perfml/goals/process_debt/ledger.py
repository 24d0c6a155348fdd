"""The ledger of what processes owe at a date: everyone employed, each process, with what of their predicted risk it carries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.goals.process_debt.risk import carried
from perfml.goals.process_debt.rows import SCHEMA, DebtRow, debt_rows
from perfml.goals.process_debt.rules import missing_tables, owed
from perfml.messages import Bilingual, Message
from perfml.project.goals.process_debt_spec import ProcessDebtSpec

UNKNOWN = (float("nan"), float("nan"))


@dataclass(frozen=True, kw_only=True)
class ProcessDebtReport:
    """What processes owe at ``as_of``, as known before it."""

    as_of: dt.date
    table: pa.Table
    """See :data:`~perfml.goals.process_debt.rows.SCHEMA`."""
    notices: tuple[Message, ...] = ()
    """Processes that could not be looked at."""

    @property
    def rows(self) -> list[DebtRow]:
        """Everyone's rows, owed or not."""
        return debt_rows(self.table)


def process_debt_at(
    data: Data, spec: ProcessDebtSpec, as_of: dt.date, *, home: Path, held: Collection[str] = ()
) -> ProcessDebtReport:
    """Look at every process at ``as_of``; nobody who is ``held`` is in it."""
    make_snapshots(data, [as_of])
    people: pd.DataFrame = data.connection.sql(
        "select employee_id, department, manager_id from temp.people order by employee_id"
    ).df()
    people = people[~people["employee_id"].isin(list(held))]
    parts, notices = [], []
    for name, process in spec.processes.items():
        if name in spec.off:
            continue
        if missing := missing_tables(data, process):
            process_name = Bilingual(zh=process.zh, en=process.en)
            notices.append(Message.of("process_debt_no_table", process=process_name, table=missing[0]))
            continue
        rows = owed(data, as_of, process).groupby("employee_id", as_index=False)
        together = rows.agg(
            since=("since", "min"),
            days=("days", "sum"),
            hours=("hours", "first"),
            goal_ids=("goal_id", lambda ids: sorted(ids.dropna())),
            metrics=("metric", lambda names: sorted(names.dropna())),
        )
        risk = carried(home, process.model, process.evidence, as_of=as_of) if process.model else {}
        merged = people.merge(together, on="employee_id", how="left")
        merged = merged.assign(
            as_of=as_of,
            process=name,
            rule=process.rule,
            owner=process.owner,
            owed=merged["since"].notna(),
            model=process.model if risk else None,
            probability=[risk.get(who, UNKNOWN)[0] for who in merged["employee_id"]],
            carried=[risk.get(who, UNKNOWN)[1] for who in merged["employee_id"]],
        )
        parts.append(_rows(merged))
    table = pa.concat_tables(parts) if parts else SCHEMA.empty_table()
    return ProcessDebtReport(as_of=as_of, table=table, notices=tuple(notices))


def _rows(frame: pd.DataFrame) -> pa.Table:
    """A frame as rows of the schema: everything that is missing becomes None."""
    plain = frame.astype(object).where(frame.notna(), None)
    since = pd.Series(
        [None if each is None else pd.Timestamp(each).date() for each in plain["since"]], plain.index, object
    )
    return pa.Table.from_pylist(plain.assign(since=since).to_dict("records"), schema=SCHEMA)
