"""Who does tasks beside each other, and the connection that a task computes with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import duckdb

from perfml.evidence.tables.reading import literal

MEMORY = "1GB"
"""Of DuckDB in a task; what is more goes to disk."""


class TaskRunner(Protocol):
    """Does tasks beside each other, in processes that see the same folders."""

    folder: Path
    """What tasks and this process leave for each other."""

    @property
    def parallel(self) -> int:
        """How many tasks run at once, roughly."""

    def run(self, task: Callable[[int], None], n: int) -> None:
        """Do ``task`` for each number below ``n``."""


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of one task: Spark runs as many tasks beside each other as there are cores."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set threads = 1; set preserve_insertion_order = false")
    connection.execute(f"set memory_limit = '{MEMORY}'; set temp_directory = {literal(tempfile.gettempdir())}")
    connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
    return connection
