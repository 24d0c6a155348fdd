"""The simulated company of these tests, open for SQL by table name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from perfml.demo.company import Truth

START, END = date(2023, 10, 1), date(2026, 10, 1)


class Company:
    """One simulated company, open for SQL by table name."""

    def __init__(self, folder: Path, truth: Truth) -> None:
        self.folder, self.truth = folder, truth
        self.connection = duckdb.connect()
        self.connection.execute("set threads = 1")
        for path in folder.glob("*.parquet"):
            self.connection.execute(f"create view {path.stem} as from '{path}'")
        self.connection.register("plants", truth.plants)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        return self.connection.execute(sql).fetchall()

    def none(self, sql: str) -> bool:
        return not self.rows(sql)

    def number(self, sql: str) -> float:
        (row,) = self.rows(sql)
        assert row[0] is not None, sql
        return float(str(row[0]))
