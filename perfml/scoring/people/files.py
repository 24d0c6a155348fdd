"""Who is who at each date, kept under ``home`` when that date is scored or advised: the one source of names for HR.

Names stand in ``home/people/<as_of>.parquet`` and nowhere else: not in scores, suggestions, records, logs or MLflow. Light: the
service reads with pyarrow alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from perfml.dated_files import dates_in
from perfml.evidence.population.facts import PEOPLE
from perfml.home_reads import Memo
from perfml.scoring.sealed_files import open_sealed, write_sealed
from perfml.scoring.table_files import rows_at
from perfml.scoring.withheld.stamps import stamp_of
from perfml.trust.holds.hold_log import HoldLog

TABLES = ("employees/", "positions/")
"""The tables that these facts come from, as facts are named in holds."""
MOST_FILES = 200
"""Files of which a process remembers who disputes a fact in them."""
MOST_PEOPLE = 1_000_000
"""People that a process keeps, of all files together."""
FACTS = tuple(name for name in PEOPLE.names if name != "employee_id")
"""The columns beside an id."""


_INDEXED: Memo[tuple[pa.Table, dict[str, int]]] = Memo(MOST_PEOPLE)
_DISPUTED: Memo[set[str]] = Memo(MOST_FILES)


@dataclass(frozen=True, kw_only=True)
class PersonFacts:
    """What HR knows a person by; None where the record does not say."""

    employee_id: str
    name: str | None = None
    department: str | None = None
    manager_id: str | None = None
    manager_name: str | None = None
    role_family: str | None = None
    location: str | None = None
    level: int | None = None
    tenure_days: int | None = None

    @property
    def label(self) -> str:
        """The name, else the id."""
        return self.name or self.employee_id

    @property
    def manager(self) -> str | None:
        """The manager's name, else id."""
        return self.manager_name or self.manager_id


def keep_people(people: pa.Table, home: Path, *, as_of: dt.date, holds: int | None = None) -> Path:
    """Keep :func:`perfml.evidence.people.people_at`, in place of an earlier run's.

    ``holds``: the number of the newest entry about holds that it was made under.
    """
    return write_sealed([people], home, f"people/{as_of}.parquet", record={"holds": holds})


def people_facts(home: Path, as_of: dt.date, employee_ids: Collection[str] | None = None) -> dict[str, PersonFacts]:
    """Employee -> facts as known at ``as_of``, of ``employee_ids`` (default: everyone).

    Scores of before names were kept have no file of their own: then the newest earlier one serves, and where there is none,
    nobody has facts. Nothing later than ``as_of`` is ever read. Somebody who disputes such a fact has none until it is kept
    again. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """
    day = next((day for day in dates_in(_folder(home)) if day <= as_of), None)
    if day is None:
        return {}
    path = _folder(home) / f"{day}.parquet"
    disputed = _DISPUTED.of(path, lambda: _disputing(home, path))
    table, position = _INDEXED.of(path, lambda: _indexed(path), weight=lambda indexed: indexed[0].num_rows)
    if employee_ids is None:
        rows: list[dict[str, Any]] = table.to_pylist()
    else:
        rows = rows_at(table, sorted(position[person] for person in set(employee_ids) & position.keys())).to_pylist()
    return {row["employee_id"]: PersonFacts(**row) for row in rows if row["employee_id"] not in disputed}


def facts_of(people: Mapping[str, PersonFacts], employee_id: str) -> PersonFacts:
    """The facts of a person; only the id where nothing is known."""
    return people.get(employee_id) or PersonFacts(employee_id=employee_id)


def with_people(table: pa.Table, people: Mapping[str, PersonFacts]) -> pa.Table:
    """``table`` with :data:`FACTS` beside its ``employee_id``."""
    ids = table.column("employee_id").to_pylist()
    at = table.column_names.index("employee_id") + 1
    for name in FACTS:
        values = [getattr(facts_of(people, person), name) for person in ids]
        table = table.add_column(at, PEOPLE.field(name), pa.array(values, PEOPLE.field(name).type))
        at += 1
    return table


def _indexed(path: Path) -> tuple[pa.Table, dict[str, int]]:
    """The rows of a file, and the position of each person's."""
    with open_sealed(path) as sealed:
        present = [
            name for name in PEOPLE.names if name in sealed.file.schema_arrow.names
        ]  # earlier ones lack the location
        table = sealed.file.read(present, use_threads=False).combine_chunks()
    return table, {person: at for at, person in enumerate(table.column("employee_id").to_pylist())}


def _disputing(home: Path, path: Path) -> set[str]:
    """The people who disputed a fact of :data:`TABLES`, or had it decided, since ``path`` was written."""
    facts = [hold for hold in HoldLog(home).state().holds if hold.kind == "fact" and hold.name.startswith(TABLES)]
    stamp = stamp_of(path) if facts else 0
    return {str(hold.employee_id) for hold in facts if stamp < hold.number}


def _folder(home: Path) -> Path:
    return home / "people"
