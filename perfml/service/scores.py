"""A score file in memory: everything read from it comes from one run, even when another run replaces the file meanwhile.

A file is verified, decoded and indexed by person once, and again as soon as another lies there. Reasons become Python values only
for the rows that are shown. Rows are compared in plain Python, because pyarrow's own comparisons import pandas (0.5 s and 40 MB
for a process that serves rows).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import pyarrow as pa

from perfml.home_reads import Memo
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.scoring.score_files import COLUMNS
from perfml.scoring.sealed_files import DamagedFile, open_sealed
from perfml.scoring.table_files import rows_at
from perfml.scoring.withheld.withholding import NOBODY, Withholding, withheld_row, withholding
from perfml.service.problems import no_horizon
from perfml.service.texts import JsonText
from perfml.trust.holds.hold import Hold

MOST_ROWS = 2_000_000
"""Rows that a process keeps in memory, of all files together."""
MOST_FILES = 200
"""Files of which a process remembers whom they withhold."""
StoredRow = Mapping[str, object]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class _Decoded:
    """The rows of one file in memory, and where each person's lie."""

    table: pa.Table
    record: JsonObject
    written: dt.datetime

    @cached_property
    def positions(self) -> Mapping[str, list[int]]:
        """Person -> positions of their rows."""
        out: dict[str, list[int]] = {}
        for position, person in enumerate(self.values("employee_id")):
            out.setdefault(str(person), []).append(position)
        return out

    @cached_property
    def by_person(self) -> tuple[pa.RecordBatch, Mapping[str, int]]:
        """The rows person by person, and where each person's begin: a slice costs a fifth of a selection."""
        order = [position for positions in self.positions.values() for position in positions]
        begins, begin = {}, 0
        for person, positions in self.positions.items():
            begins[person] = begin
            begin += len(positions)
        return rows_at(self.table, order).combine_chunks().to_batches()[0], begins

    @cached_property
    def _values(self) -> dict[str, list[object]]:
        return {}

    @cached_property
    def computed(self) -> dict[Hashable, Any]:
        """What was computed from the rows, for :meth:`ScoreFile.once`."""
        return {}

    @cached_property
    def texts(self) -> dict[str, JsonText]:
        """Person -> what was written of their rows, for :meth:`ScoreFile.text`."""
        return {}

    @cached_property
    def lines(self) -> pa.Table:
        """The table whose reasons are without the values behind them, which are half of it."""
        chunks = []
        for lists in self.table.column("reasons").chunks:
            reasons = lists.values
            fields = [field for field in reasons.type if field.name != "values"]
            parts = [reasons.field(field.name) for field in fields]
            structs = pa.StructArray.from_arrays(parts, fields=fields, mask=reasons.is_null())
            chunks.append(pa.ListArray.from_arrays(lists.offsets, structs, mask=lists.is_null()))
        at = self.table.column_names.index("reasons")
        return self.table.set_column(at, "reasons", pa.chunked_array(chunks))

    def values(self, name: str) -> list[object]:
        """All values of a narrow column."""
        if name not in self._values:
            self._values[name] = self.table.column(name).to_pylist()
        return self._values[name]


_DECODED: Memo[_Decoded] = Memo(MOST_ROWS)


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """Where the rows of one horizon lie in a file, and by which version of the model they are."""

    days: int
    version: str
    rows: Sequence[int]
    ranked: Sequence[int]
    """Those with a rank, the highest risk first."""


class ScoreFile:
    """Rows by position, in the order of the file, as far as they are not withheld."""

    def __init__(self, decoded: _Decoded, with_holds: Withholding = NOBODY) -> None:
        self._decoded, self.written = decoded, decoded.written
        self._held = self._withheld(with_holds) if with_holds else {}

    @cached_property
    def names(self) -> frozenset[str]:
        """The columns of the file."""
        return frozenset(self._decoded.table.column_names)

    @property
    def version(self) -> str:
        """What changes when the file is replaced by one with other rows."""
        return str(self._decoded.record.get("content") or self.written.isoformat())

    @cached_property
    def model_version(self) -> str:
        """The version of the model that the first row is by."""
        return str(self._decoded.values("model_version")[0])

    @property
    def people(self) -> Collection[str]:
        """Everybody who has a row."""
        return self._decoded.positions.keys()

    def text(self, person: str, write: Callable[[], JsonText]) -> JsonText | None:
        """What ``write`` makes of a person's rows alone: written once a file, and anew while they are withheld; None where they
        have none."""
        if self._held and not self._held.keys().isdisjoint(self.of(person)):
            return write()
        written = self._decoded.texts
        if person not in written and self.of(person):
            written[person] = write()
        return written.get(person)

    def column(self, name: str) -> list[object]:
        """All values of one narrow column."""
        return self.columns([name], slice(None))[0]

    def columns(self, names: Sequence[str], part: slice) -> list[list[object]]:
        """The values of narrow columns within ``part`` of the rows."""
        low, high, _ = part.indices(self._decoded.table.num_rows)
        values = [self._decoded.values(name)[low:high] for name in names]
        for position, hold in self._held.items():
            if low <= position < high:
                row = withheld_row({name: each[position - low] for name, each in zip(names, values, strict=True)}, hold)
                for name, each in zip(names, values, strict=True):
                    each[position - low] = row[name]
        return values

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What ``compute`` makes of these rows alone: computed once a file, and anew while somebody is withheld."""
        if self._held:
            return compute()
        computed = self._decoded.computed
        if key not in computed:
            computed[key] = compute()
        result: T = computed[key]
        return result

    def horizon(self, days: int | None, *, model: str) -> Horizon:
        """The rows of one horizon, the shortest by default. Raises :class:`~perfml.service.problems.NotFound`."""
        available = self.once("horizons", lambda: sorted(set(cast(list[int], self.column("horizon_days")))))
        chosen = days or available[0]
        if chosen not in available:
            raise no_horizon(model, available)
        return self.once(("horizon", chosen), lambda: self._horizon(chosen))

    def _horizon(self, days: int) -> Horizon:
        horizons, ranks, versions = self.columns(["horizon_days", "rank", "model_version"], slice(None))
        rows = [position for position, horizon in enumerate(horizons) if horizon == days]
        ranked = sorted((row for row in rows if ranks[row] is not None), key=lambda row: cast(int, ranks[row]))
        return Horizon(days=days, version=str(versions[rows[0]]), rows=rows, ranked=ranked)

    def of(self, person: str) -> Sequence[int]:
        """The positions of a person's rows."""
        return self._decoded.positions.get(person, ())

    def rows_of(self, person: str, columns: Sequence[str]) -> list[StoredRow]:
        """A person's rows of ``columns``, with what lies behind their reasons."""
        positions = self.of(person)
        if not positions:
            return []
        batch, begins = self._decoded.by_person
        rows = batch.select(columns).slice(begins[person], len(positions)).to_pylist()
        return [self._read_row(position, row) for position, row in zip(positions, rows, strict=True)]

    def rows(
        self, positions: Sequence[int], columns: Sequence[str] | None = None, *, behind: bool = True
    ) -> list[StoredRow]:
        """The rows at ``positions``, in that order, of ``columns`` (default: all).

        ``behind``: whether their reasons tell the values behind them.
        """
        table = self._decoded.table if behind else self._decoded.lines
        table = table if columns is None else table.select(columns)
        return [
            self._read_row(position, row)
            for position, row in zip(positions, rows_at(table, positions).to_pylist(), strict=True)
        ]

    def _read_row(self, position: int, row: StoredRow) -> StoredRow:
        hold = self._held.get(position)
        return row if hold is None else withheld_row(row, hold)

    def _withheld(self, with_holds: Withholding) -> Mapping[int, Hold]:
        """Position -> hold, of the rows of people and metrics that are held."""
        names = [name for name in ("employee_id", "metric") if name in self._decoded.table.column_names]
        rows = zip(*(self._decoded.values(name) for name in names), strict=True)
        holds = (with_holds.hold(dict(zip(names, row, strict=True))) for row in rows)
        return {position: hold for position, hold in enumerate(holds) if hold is not None}


def open_scores(path: Path, columns: Sequence[str] = COLUMNS) -> ScoreFile:
    """Read a file of scores, or of other rows with ``columns``; a file that has not changed is read once.

    Raises :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """

    file = _FILES.of(path, lambda: _opened(path))
    if not set(columns) <= file.names:
        raise DamagedFile(path, Message.of("file_earlier"))
    return file


def _opened(path: Path) -> ScoreFile:
    decoded = _DECODED.of(path, lambda: _decode(path), weight=lambda each: each.table.num_rows)
    return ScoreFile(decoded, withholding(path, decoded.record))


def _decode(path: Path) -> _Decoded:
    with open_sealed(path) as sealed:
        return _Decoded(table=sealed.file.read(use_threads=False), record=sealed.record, written=sealed.written)


_FILES: Memo[ScoreFile] = Memo(MOST_FILES)
