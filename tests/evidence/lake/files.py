"""A small company whose log lies in parts: as one file, and parted by day as a lake holds it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from tests.tables import write_tables

PEOPLE = "employee_id | hired_on\n007 | 2020-01-01\n008 | 2020-01-01"
LOG = """
    select case when i % 2 = 0 then '007' else '008' end as employee_id,
        timestamp '2024-01-01' + interval (i * 5) hour as happened_at,
        case when i % 3 = 0 then 'login' else 'praise' end as kind, i / 4 as value, 'v' || i as event_id
    from range(60) t(i)
"""
"""Sixty events of two people on thirteen days, the first on 1 January 2024."""


def people(folder: Path) -> Path:
    return write_tables(folder, employees=PEOPLE)


def one_file(folder: Path) -> Path:
    """The company with its log in one file."""
    with duckdb.connect() as connection:
        connection.execute(f"copy ({LOG}) to '{people(folder) / 'events.parquet'}' (format parquet)")
    return folder


def log_rows() -> pa.Table:
    """The log, with its day."""
    with duckdb.connect() as connection:
        return connection.sql(f"select *, happened_at::date as day from ({LOG})").to_arrow_table()


def parted(folder: Path, name: str = "events") -> Path:
    """The company with its log in a folder for each day; returns the folder of the log."""
    log = people(folder) / name
    log.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select *, happened_at::date as day from ({LOG})) to '{log}' (format parquet, partition_by (day))"
        )
    return log


def write_part(log: Path, name: str, sql: str) -> Path:
    """Write what ``sql`` gives as one more file of the log."""
    path = log / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({sql}) to '{path}' (format parquet)")
    return path
