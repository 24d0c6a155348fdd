"""Rows that are about people: whose they are, and whether a correction of one would fit. Without DuckDB: the service asks too."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perfml.errors import DataError, choose_from
from perfml.project.table_spec import TableSpec

OWNERS = {"facts": "entity"}
"""The column that says whose a row is, where it is not ``employee_id``. A row of ``progress`` is the goal's owner's."""


@dataclass(frozen=True, kw_only=True)
class StoredFact:
    """A row of one person."""

    row: Mapping[str, str]
    """Its values as text, without protected and personal ones; an empty one is left out."""
    usable_day: dt.date
    """The day on which its first version became usable."""
    others: tuple[str, ...]
    """Other people in it."""


def owner_column(name: str, spec: TableSpec) -> str | None:
    """The column of the table ``name`` that says whose a row is; None where there is none."""
    column = OWNERS.get(name, "employee_id")
    return column if column in spec.columns else None


def disputable(specs: Mapping[str, TableSpec], table: str) -> TableSpec:
    """The spec of a table whose rows are about people. Raises :class:`DataError` for another one."""
    about_people = {
        name: spec for name, spec in specs.items() if owner_column(name, spec) is not None or "goal_id" in spec.columns
    }
    if table not in about_people:
        remedy = choose_from(about_people, instead_of=table)
        raise DataError("is no table with rows about people", where=f"table {table!r}", remedy=remedy)
    return about_people[table]


def check_right(spec: TableSpec, table: str, right: Mapping[str, str]) -> None:
    """Raise :class:`DataError` where a column of ``right`` may not be corrected or its value is not of its type or scale."""
    fixed = {*spec.key, spec.happened, "known_at", owner_column(table, spec)}
    free = [name for name in spec.columns if name not in fixed]
    for column, value in right.items():
        where = f"{table}.{column}"
        if column not in free:
            raise DataError(
                "cannot be corrected",
                where=where,
                remedy=f"use one of: {', '.join(free)}; where the key, the person or the date is wrong, give no --right: the row"
                " is left out",
            )
        try:
            number = PARSED[spec.columns[column].type](value) if value else None
        except ValueError:
            number = math.nan
        off = column == "rating" and spec.scale is not None and number is not None
        if (number is not None and math.isnan(number)) or (
            off and spec.scale is not None and not spec.scale.worst <= (number or 0) <= spec.scale.best
        ):
            raise DataError(f"{value!r} is not a value of it", where=where, remedy="give a value as the table has them")


def _truth(text: str) -> float:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return 0.0


def _moment(text: str) -> float:
    dt.datetime.fromisoformat(text)
    return 0.0


PARSED: Mapping[str, Callable[[str], float]] = {
    "text": lambda text: 0.0,
    "list": lambda text: 0.0,
    "int": lambda text: float(int(text)),
    "double": float,
    "bool": _truth,
    "date": _moment,
    "timestamp": _moment,
}
"""Type of a column -> its values read; ValueError for a text that is none of them."""
