"""Several companies as one, so that an engine runs once for all, and what is done to their logs."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from perfml.evidence.withheld.fact import Withheld, WithheldFact
from tests.companies import Tables, is_future
from tests.tables import write_tables


def with_late_and_copied(tables: Tables, as_of: dt.date) -> Tables:
    """``tables`` with more events of which a later version came, shortly before ``as_of``, and copies of others."""
    events = tables["events"]
    late = [row | {"known_at": f"{as_of - dt.timedelta(days=9)} 08:00:00"} for row in events[:9]]
    return tables | {"events": [*events, *late, *events[9:15]]}


def withheld_events(companies: Mapping[str, Tables], as_of: dt.date) -> Withheld:
    """Of the past of each of ``companies``, as :func:`side_by_side` writes them, one event that is retracted and one that has
    another value: the same of companies with the same past."""
    facts = []
    for name, tables in companies.items():
        past = [row for row in tables["events"] if row["event_id"] and not is_future("events", row, as_of)]
        for row, right in zip(sorted(past, key=lambda row: [*row.values()]), (None, {"value": "4.5"}), strict=False):
            key, who = (f"{name} {row[column]}" for column in ("event_id", "employee_id"))
            facts.append(WithheldFact(table="events", key=key, employee_id=who, right=right))
    return Withheld(facts=tuple(facts))


def side_by_side(
    folder: Path, companies: Mapping[str, Mapping[str, Sequence[Mapping[str, str]]]], *, parquet: bool = False
) -> Path:
    """Write all ``companies`` (name -> tables) as one, their ids, departments and roles apart; return the folder."""
    tables: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for name, company_tables in companies.items():
        for table, rows in company_tables.items():
            tables[table].append(apart(pd.DataFrame(rows, dtype=str), name))
    merged = {table: pd.concat(frames).fillna("") for table, frames in tables.items()}
    if not parquet:
        return write_tables(folder, **merged)
    folder.mkdir()
    for table, rows in merged.items():
        rows.to_parquet(folder / f"{table}.parquet", index=False)
    return folder


def apart(rows: pd.DataFrame, company_name: str) -> pd.DataFrame:
    """The rows with ids, departments and roles of one company alone."""
    own = [column for column in rows if column.endswith("_id") or column in ("department", "role_family")]
    return rows.assign(
        **{column: rows[column].where(rows[column] == "", f"{company_name} " + rows[column]) for column in own}
    )
