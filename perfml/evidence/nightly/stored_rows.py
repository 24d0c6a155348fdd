"""Stored rows: the usable rows of the log as numbers, in the order of their days, with a checksum for each batch that is read."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Ints
from perfml.evidence.log.cells import NO_ONE, Arrays
from perfml.evidence.log.windows import Plan
from perfml.evidence.nightly.state import DamagedState, RowBatch, StoredFile, new_name
from perfml.files import writing

Stretches = Sequence[tuple[int, int]]
"""Days ``[first, end)``."""
ROWS_OF_BATCH = 65_536
CONTENT = ("person", "kind", "day", "other", "scaled", "valued", "moment", "met")
"""The columns that make a row what it is; ``usable_day`` and ``superseded_day`` say when it counts."""


def write_rows(folder: Path, rows: pa.Table) -> StoredFile:
    """Write ``rows``, in the order of their days, to a new file of the state ``folder``."""
    name = new_name("rows", "arrow")
    path = folder / name
    rows = rows.combine_chunks()
    batches = []
    with (
        writing(path),
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, rows.schema) as writer,
    ):
        for low in range(0, rows.num_rows, ROWS_OF_BATCH):
            part = rows.slice(low, ROWS_OF_BATCH).combine_chunks()
            batch = pa.RecordBatch.from_arrays(
                [_plain(part.column(column).to_numpy()) for column in part.column_names], schema=part.schema
            )
            writer.write_batch(batch)
            day = batch.column("day").to_numpy()
            batches.append(
                RowBatch(rows=len(day), first_day=int(day[0]), last_day=int(day[-1]), checksum=_checksum(batch))
            )
    usable = rows.column("usable_day").to_numpy()
    return StoredFile(
        file=name,
        batches=tuple(batches),
        last_usable_day=int(usable.max(initial=0)),
        versions="superseded_day" in rows.column_names,
    )


def _plain(values: np.ndarray) -> pa.Array:
    return pa.array(np.ascontiguousarray(values))


def read_rows(folder: Path, files: Sequence[StoredFile], days: Stretches | None = None) -> Iterator[Arrays]:
    """Yield the rows of ``files`` of the state ``folder``, a batch at a time; ``days``: only those of these stretches.

    Raises :class:`DamagedState` for a batch that is not what was written.
    """
    for stored in files:
        chosen = _batches_of_days(stored, days)
        if not chosen:
            continue
        for batch in _verified(folder / stored.file, stored, chosen):
            rows = {name: batch.column(name).to_numpy() for name in batch.schema.names}
            if days is not None:
                inside = np.zeros(len(rows["day"]), bool)
                for first, end in days:
                    inside |= (rows["day"] >= first) & (rows["day"] < end)
                rows = choose(rows, inside)
            yield rows


def rows_of_days(stored: StoredFile, days: Stretches | None) -> int:
    """How many rows :func:`read_rows` goes through."""
    return sum(stored.batches[number].rows for number in _batches_of_days(stored, days))


def _batches_of_days(stored: StoredFile, days: Stretches | None) -> list[int]:
    return [
        number
        for number, batch in enumerate(stored.batches)
        if days is None or any(batch.first_day < end and batch.last_day >= first for first, end in days)
    ]


def _verified(path: Path, stored: StoredFile, chosen: Sequence[int]) -> Iterator[pa.RecordBatch]:
    try:
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            for number in chosen:
                batch = reader.get_batch(number)
                if batch.num_rows != stored.batches[number].rows or _checksum(batch) != stored.batches[number].checksum:
                    raise DamagedState(path)
                yield batch
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise DamagedState(path) from error


def _checksum(batch: pa.RecordBatch) -> int:
    checksum = 0
    for column in batch.columns:
        checksum = zlib.crc32(column.to_numpy(), checksum)
    return checksum


def choose(rows: Arrays, which: Bools | Ints) -> Arrays:
    """The rows that a mask marks, or at some positions."""
    return {name: values[which] for name, values in rows.items()}


def counted(rows: Arrays, as_of: int) -> Bools:
    """Which rows count at ``as_of``: usable before it, and not superseded before it."""
    mask = rows["usable_day"] < as_of
    if "superseded_day" in rows:
        mask &= rows["superseded_day"] >= as_of
    return mask


def joined(parts: Sequence[Arrays], like: Mapping[str, np.dtype]) -> Arrays:
    """``parts`` one after the other, with the columns of ``like``."""
    return {
        name: np.concatenate([part[name] for part in parts]) if parts else np.empty(0, kind)
        for name, kind in like.items()
    }


def of_plan(rows: Arrays, plan: Plan, channel_of: Ints, met_of: Sequence[int]) -> Arrays:
    """Stored rows as :class:`~perfml.evidence.log.cells.EventLog` has them: channels for kinds, a row more in the channel of each
    condition that it meets, and a row of the counterpart.

    ``channel_of``: kind -> channel; ``met_of``: the bit of each condition of ``plan``.
    """
    own = {name: values for name, values in rows.items() if name not in ("kind", "met", "usable_day", "superseded_day")}
    channel: Ints = channel_of.take(rows["kind"])
    own["channel"] = channel
    needs_other = plan.counts_received or bool(plan.pair_columns)
    if not needs_other:
        own.pop("other", None)
    sides = [own]
    for number, condition in enumerate(plan.conditions):
        meets = np.flatnonzero((rows["met"] >> met_of[number]) & 1 & np.isin(own["channel"], condition.kinds))
        side = choose(own, meets)
        side["channel"] = np.full(len(meets), len(plan.kinds) + 1 + number, np.int64)
        sides.append(side)
    if needs_other:
        for side in tuple(sides):
            met = np.flatnonzero((side["other"] != NO_ONE) & (side["other"] != side["person"]))
            theirs = choose(side, met)
            theirs["person"], theirs["other"] = theirs["other"], theirs["person"]
            theirs["channel"] = theirs["channel"] + plan.n_channels
            sides.append(theirs)
    return {name: np.concatenate([side[name] for side in sides]) for name in own}
