"""Which rows count at one as-of date and did not at an earlier one, and which did and do no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from perfml.arrays import Bools
from perfml.evidence.log.cells import Arrays
from perfml.evidence.nightly.state import StoredFile
from perfml.evidence.nightly.stored_rows import CONTENT, choose, counted, joined, read_rows

Types = Mapping[str, np.dtype[np.generic]]


@dataclass(frozen=True)
class RowsAt:
    """The stored rows of some files at one as-of date."""

    files: Sequence[StoredFile]
    as_of: int


def difference(
    connection: duckdb.DuckDBPyConnection, folder: Path, before: RowsAt, now: RowsAt, types: Types
) -> tuple[Arrays, Arrays]:
    """The rows that came and the rows that went between ``before`` and ``now``; a row that was stored again did neither.

    ``types``: of the columns. Files that both have are read only where rows of them may have become usable since.
    """
    names_before, names_now = ({file.file for file in at.files} for at in (before, now))
    both = [
        file
        for file in now.files
        if file.file in names_before and (file.versions or file.last_usable_day >= before.as_of)
    ]
    came: list[Arrays] = []
    went: list[Arrays] = []
    new = [file for file in now.files if file.file not in names_before]
    old = [file for file in before.files if file.file not in names_now]
    came += _where(folder, new, lambda rows: counted(rows, now.as_of))
    went += _where(folder, old, lambda rows: counted(rows, before.as_of))
    came += _where(folder, both, lambda rows: counted(rows, now.as_of) & ~counted(rows, before.as_of))
    versions = [file for file in both if file.versions]
    went += _where(folder, versions, lambda rows: counted(rows, before.as_of) & ~counted(rows, now.as_of))
    plus, minus = joined(came, types), joined(went, types)
    if not len(minus["day"]) or not len(plus["day"]):
        return plus, minus
    connection.register("night_came", pa.table(plus))
    connection.register("night_went", pa.table(minus))
    plus = _arrays(connection, "select * from night_came except all select * from night_went", types)
    minus = _arrays(connection, "select * from night_went except all select * from night_came", types)
    connection.unregister("night_came")
    connection.unregister("night_went")
    return plus, minus


def _where(folder: Path, files: Sequence[StoredFile], which: Callable[[Arrays], Bools]) -> Iterator[Arrays]:
    for rows in read_rows(folder, files):
        chosen = choose(rows, which(rows))
        yield {name: values for name, values in chosen.items() if name in CONTENT}


def _arrays(connection: duckdb.DuckDBPyConnection, sql: str, types: Types) -> Arrays:
    table = connection.sql(sql).to_arrow_table()
    return {name: table.column(name).to_numpy().astype(kind) for name, kind in types.items()}
