"""Who held which position from when until when, kept under ``home/lines``: what access rights stand on.

Unlike :mod:`perfml.scoring.people.files` it holds whole histories and transfers known in advance, and no names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from perfml.dated_files import dates_in
from perfml.evidence.population.facts import PERIODS
from perfml.scoring.sealed_files import open_sealed, write_sealed

FOLDER = "lines"


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionPeriod:
    """A position from ``begins`` until before ``ends``; None: for good."""

    employee_id: str
    begins: dt.date
    ends: dt.date | None = None
    manager_id: str | None = None
    department: str | None = None
    location: str | None = None

    @property
    def units(self) -> frozenset[str]:
        """The units that it belongs to, as holds and grants name them."""
        units = (("department", self.department), ("location", self.location))
        return frozenset(f"{kind}:{name}" for kind, name in units if name)


def keep_periods(periods: pa.Table, home: Path, *, as_of: dt.date) -> Path:
    """Keep :func:`perfml.evidence.people.periods_at`, in place of an earlier run's."""
    return write_sealed([periods], home, f"{FOLDER}/{as_of}.parquet")


def newest_periods_file(home: Path) -> Path | None:
    """The file of the latest date; None where nothing was kept."""
    day = next(iter(dates_in(home / FOLDER)), None)
    return None if day is None else home / FOLDER / f"{day}.parquet"


def read_periods(path: Path) -> Iterator[PositionPeriod]:
    """The periods of a file. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    with open_sealed(path) as sealed:
        sealed.require(PERIODS.names)
        for batch in sealed.file.iter_batches(columns=PERIODS.names, use_threads=False):
            for row in batch.to_pylist():
                yield PositionPeriod(**row)
