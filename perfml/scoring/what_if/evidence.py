"""The evidence of everyone with a score, ``home/evidence/<model>/<as_of>.parquet``: sealed, and written with the scores.

A score file keeps the values behind the listed reasons alone; a prediction for other values needs all columns. One column is
read at a time, and only a person's own row whole. Light: the service reads with pyarrow and NumPy.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Floats
from perfml.messages import Message
from perfml.scoring.score_files import NoScore, ScoreKey
from perfml.scoring.sealed_files import DamagedFile, SealedFile, in_groups, open_sealed, write_sealed

FOLDER = "evidence"
PERSON, UNSTATED = "employee_id", "unstated"
"""Columns beside those of the model: whose row it is, and the numbers of its columns whose value may not be told."""
ROWS_AT_ONCE = 500
"""Of a group of rows, at least."""
MOST_GROUPS = 200
"""Groups of rows of a file, roughly."""


@dataclass(frozen=True, kw_only=True)
class PersonEvidence:
    """The row of one person, and the rows of everyone in some columns."""

    own: Floats
    """(columns of the model,)"""
    stated: Bools
    """(columns of the model,): whether the value may be told."""
    people: Sequence[str]
    """Everyone with a row, in its order."""
    everyone: Floats
    """(people, columns of the model): NaN in columns that were not asked for."""


def evidence_path(home: Path, model: str, as_of: dt.date) -> Path:
    """The file of a date."""
    return home / FOLDER / model / f"{as_of}.parquet"


def evidence_rows(columns: Sequence[str], people: Sequence[str], *, values: Floats, shown: Floats) -> pa.Table:
    """Rows of the file. ``values``, ``shown``: (people, columns); what is missing in ``shown`` alone may not be told."""
    hidden = np.isnan(shown) & ~np.isnan(values)
    arrays: list[pa.Array] = [
        pa.array(people, pa.string()),
        pa.array([np.flatnonzero(row).tolist() for row in hidden], pa.list_(pa.int16())),
        *(pa.array(values[:, number]) for number in range(len(columns))),
    ]
    return pa.Table.from_arrays(arrays, names=[PERSON, UNSTATED, *columns])


def write_evidence(
    home: Path, parts: Iterable[pa.Table], *, model: str, version: str, as_of: dt.date, people: int
) -> Path:
    """Write the rows of a date in place of an earlier run's. ``parts``: of :func:`evidence_rows`, at least one, by person.

    ``people``: how many they are, roughly. While it is written, 280 kB are held of every group of rows with 150 columns.
    """
    address = evidence_path(home, model, as_of).relative_to(home).as_posix()
    rows = max(ROWS_AT_ONCE, people // MOST_GROUPS)
    return write_sealed(in_groups(parts, rows=rows), home, address, record={"version": version}, row_group=rows)


def read_evidence(home: Path, score: ScoreKey, *, columns: Sequence[str], of_everyone: Iterable[int]) -> PersonEvidence:
    """What a person was scored on, and the columns of these numbers ``of_everyone``.

    Raises :class:`NoScore` where no rows were kept, and :class:`DamagedFile`, also where another version scored than that of
    the file, or the person has no row.
    """
    path, employee_id = evidence_path(home, score["model"], score["as_of"]), score["employee_id"]
    with _opened(path, model=score["model"], version=score["model_version"], columns=columns) as sealed:
        people = sealed.once("people", lambda: _people(sealed))
        at = bisect_left(people, employee_id)
        if people[at : at + 1] != [employee_id]:
            raise DamagedFile(path, Message.of("file_earlier"))
        group, at_row = divmod(at, sealed.file.metadata.row_group(0).num_rows)
        row = sealed.file.read_row_group(group, use_threads=False).slice(at_row, 1)
        own = np.array([row.column(name)[0].as_py() for name in columns], dtype=np.float64)
        stated = np.ones(len(columns), dtype=bool)
        stated[cast(list[int], row.column(UNSTATED)[0].as_py())] = False
        everyone = np.full((len(people), len(columns)), np.nan)
        for number in of_everyone:
            everyone[:, number] = _column(sealed, columns[number])
        return PersonEvidence(own=own, stated=stated, people=people, everyone=everyone)


def read_everyone(
    home: Path, *, model: str, version: str, as_of: dt.date, columns: Sequence[str]
) -> tuple[list[str], Floats]:
    """Everyone with a row, and their rows: (people, columns of the model). Raises like :func:`read_evidence`."""
    path = evidence_path(home, model, as_of)
    with _opened(path, model=model, version=version, columns=columns) as sealed:
        return _people(sealed), np.column_stack([_column(sealed, name) for name in columns])


@contextmanager
def _opened(path: Path, *, model: str, version: str, columns: Sequence[str]) -> Iterator[SealedFile]:
    """The file, if it is there and holds what ``version`` was scored on."""
    if not path.is_file():
        raise NoScore(
            "its evidence is not stored", where=str(path), remedy=f"it is stored with the next `perfml score {model}`"
        )
    with open_sealed(path) as sealed:
        if sealed.record.get("version") != version:
            raise DamagedFile(path, Message.of("file_earlier"))
        sealed.require([PERSON, UNSTATED, *columns])
        yield sealed


def _people(sealed: SealedFile) -> list[str]:
    return cast(list[str], sealed.file.read([PERSON], use_threads=False).column(0).to_pylist())


def _column(sealed: SealedFile, name: str) -> Floats:
    """A column as NumPy reads its bytes; what is missing is NaN, and nothing null. pyarrow's own way loads pandas."""
    chunks = sealed.file.read([name], use_threads=False).column(0).chunks
    parts = [np.frombuffer(each.buffers()[1])[each.offset : each.offset + len(each)] for each in chunks]
    return np.concatenate([np.zeros(0), *parts])
