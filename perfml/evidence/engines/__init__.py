"""Where evidence is computed: DuckDB on this machine, or Spark on a cluster.

An engine reads a company's tables with the rules of :mod:`perfml.evidence.tables`, answers questions about them in DuckDB's SQL,
parts the log by persons and gives every part to :class:`~perfml.evidence.log.part.PartPlan`, so that the numbers are the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from perfml.evidence.tasks.runner import TaskRunner
from perfml.progress import Progress
from perfml.project.folder import Definitions


class Engine(Protocol):
    """Computes evidence over one opened source."""

    def make_snapshots(self, as_ofs: Sequence[dt.date]) -> None:
        """Make what :func:`~perfml.evidence.snapshots.make_snapshots` promises."""

    def write(
        self,
        definitions: Definitions,
        as_ofs: Sequence[dt.date],
        out: Path,
        *,
        kinds: Sequence[str] | None,
        estimate: bool,
        progress: Progress,
    ) -> int:
        """Write the evidence as :func:`perfml.evidence.features.write` promises; return the number of rows."""


class RemoteEngine(Engine, TaskRunner, Protocol):
    """An engine that holds the log itself, so that questions about it are asked there."""

    def query(self, sql: str) -> pa.Table:
        """The rows of a SELECT in DuckDB's SQL over the clean tables and what
        :func:`~perfml.evidence.snapshots.make_snapshots` made; few enough for memory."""

    @property
    def can_be_late(self) -> bool:
        """Whether rows of the log may become known after the day they happened, or be superseded by a correction."""

    def of_batches(self, sql: str) -> pa.Table:
        """What a SELECT in DuckDB's SQL gives of each batch of the clean ``events``, one after the other; few rows a batch."""

    def lent_log(self, sql: str) -> AbstractContextManager[None]:
        """Let ``events`` on this machine be the rows that a SELECT in DuckDB's SQL gives; otherwise reading it is refused."""

    def add_quarantined(self) -> None:
        """Add the rows of the log that cannot be used to the table ``quarantine`` on this machine."""

    def close(self) -> None:
        """Release what it holds."""
