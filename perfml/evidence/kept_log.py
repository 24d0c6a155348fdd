"""What an opened source asks of a log that is kept from night to night (:mod:`perfml.evidence.nightly`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import duckdb

from perfml.arrays import Indexes, Objects
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.pairs import Departments
from perfml.evidence.log.windows import Plan
from perfml.evidence.tables.reading import RawTable
from perfml.evidence.withheld.fact import WithheldFact
from perfml.project.table_spec import TableSpec

if TYPE_CHECKING:
    from perfml.evidence.nightly.step import NightWork
    from perfml.evidence.tasks.runner import TaskRunner

T = TypeVar("T")


class KeptLog(Protocol):
    """A log of which only what is new is read."""

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        raw: RawTable,
        spec: TableSpec,
        *,
        today: dt.date,
        withheld: Sequence[WithheldFact],
        has_positions: bool,
        beside: TaskRunner | None = None,
    ) -> int | None:
        """Make the view ``events`` and the table :data:`~perfml.evidence.sources.LOG_DAYS`; return the number of rows, or
        None for a log that cannot be kept, which is then read as a whole.

        ``beside``: who reads much that is new beside each other; None: this process alone.
        """

    def serves(self, as_ofs: Sequence[dt.date]) -> bool:
        """Whether :meth:`at` gives the columns of these dates."""

    def at(
        self,
        plan: Plan,
        grid: Grid,
        *,
        persons: Objects,
        departments: Departments,
        exposure: Exposure | None,
        decimals: int,
        compute: Callable[[NightWork, Indexes], tuple[T, Sequence[str]]],
    ) -> T:
        """The windowed columns of ``persons`` at the one as-of date of ``grid``, in the form in which ``compute`` gives them.

        ``departments``: (1, persons) codes; ``exposure``: which days are missing for ``persons``; ``compute``: is given tonight's
        work and the numbers of ``persons`` in it, and returns also the names of the blocks of sums, which are kept.
        """

    def newest_rows(self, as_of: dt.date, *, most: int) -> str:
        """The name of a view like ``events`` that has at least the ``most`` newest rows that each person did, and that were done
        to them, of each kind, as usable before ``as_of``, and all as new as the last of these."""
