"""Tables drawn as text, and written where a company would leave them.

>>> draw('''
... employee_id | hired_on
... e1          | 2020-01-01
... e2          |
... ''').to_dict("records")
[{'employee_id': 'e1', 'hired_on': '2020-01-01'}, {'employee_id': 'e2', 'hired_on': ''}]
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd

from perfml.evidence.features import Evidence, build
from perfml.evidence.sources import Data, open_data
from perfml.project.feature_spec import WindowedSpec
from perfml.project.folder import Definitions, ProjectFolder, WindowedFile
from perfml.project.spec import parse
from perfml.project.starter import STARTER

TODAY = dt.date(2026, 12, 31)
"""The clock of the tests: nothing can have happened later."""


def draw(text: str) -> pd.DataFrame:
    """A frame of text from a drawing: the first line names the columns, ``|`` parts them, nothing is an empty value."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    wrong = [line for line in lines if len(line) != len(lines[0])]
    if wrong:
        raise ValueError(f"{wrong[0]} has not the {len(lines[0])} cells of {lines[0]}")
    return pd.DataFrame(lines[1:], columns=lines[0], dtype=str)


def write_tables(folder: Path, **frames: pd.DataFrame | str) -> Path:
    """Write each frame (or drawing) as ``<folder>/<name>.csv``; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        table = draw(frame) if isinstance(frame, str) else frame
        table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8")
    return folder


def write_parquet(folder: Path, name: str, sql: str) -> Path:
    """Write what the DuckDB query ``sql`` gives as ``<folder>/<name>.parquet``: for types that text does not have."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"copy ({sql}) to '{str(path).replace(chr(39), chr(39) * 2)}' (format parquet)")
    return folder


@cache
def shipped() -> Definitions:
    """The definitions that perfml ships."""
    return ProjectFolder(STARTER).definitions


def opened(folder: Path, *, strict: bool = True) -> Data:
    """The tables in ``folder``, checked against the shipped contract."""
    return open_data(folder, shipped().tables, today=TODAY, strict=strict)


def windowed(*measures: Mapping[str, object], **spec: object) -> Definitions:
    """Definitions of one windowed file ``log``; words that a measure lacks are filled in."""
    column = {"zh": "", "en": "", "unit": "", "owner": "employee"}
    whole = {"zh": "", "en": "", "measures": [column | dict(measure) for measure in measures]} | spec
    return Definitions(
        shipped().tables, (WindowedFile("log", "features/log.toml", parse(WindowedSpec, whole, file="log")),), ()
    )


def evidence(folder: Path, definitions: Definitions, as_ofs: Sequence[dt.date]) -> Evidence:
    """The evidence that ``folder`` gives at ``as_ofs``."""
    data = opened(folder)
    try:
        return build(data, definitions, as_ofs)
    finally:
        data.close()


def difference(first: Evidence, other: Evidence) -> str:
    """The first thing in which two differ: rows, values to the last bit, columns with their words; empty where they are alike."""
    try:
        pd.testing.assert_frame_equal(first.frame, other.frame, check_exact=True)
    except AssertionError as error:
        return str(error)
    for field in ("columns", "kinds", "left_out"):
        if getattr(first, field) != getattr(other, field):
            return f"{field}: {getattr(first, field)} and {getattr(other, field)}"
    return ""


def quarantined(data: Data) -> list[tuple[str, ...]]:
    """(table, rule, column, key) of every quarantined row, in that order; no column is ''."""
    return data.connection.execute(
        "select table_name, rule, coalesce(column_name, ''), key from quarantine order by all"
    ).fetchall()


def usable_rows(data: Data, table: str) -> list[tuple[object, ...]]:
    """The usable rows of ``table`` in the contract's columns, in order."""
    columns = ", ".join(f'"{name}"' for name in data.columns[table])
    return data.connection.execute(f"select {columns} from {table} order by all").fetchall()


def nothing_lost(data: Data) -> None:
    """Assert that every row read is either usable or quarantined."""
    for table, read in data.rows_read.items():
        usable = data.connection.execute(f"select count(*) from {table}").fetchall()[0][0]
        out = data.connection.execute("select count(*) from quarantine where table_name = ?", [table]).fetchall()[0][0]
        assert read == usable + out, f"{table}: {json.dumps({'read': read, 'usable': usable, 'quarantined': out})}"
