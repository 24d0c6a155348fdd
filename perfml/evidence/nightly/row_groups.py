"""The row groups of a log in Parquet files: which are new is told by the hash of their bytes.

A file whose size, time of change and footer are the same is taken to be the same; of another one each row group is hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from perfml.evidence.tables.reading import RawTable, parquet_sql

BYTES_AT_ONCE = 1 << 22
_TAIL = 8
"""Bytes of the length of a footer and of the mark after it."""


class SourceFile(BaseModel, frozen=True):
    """A file of the log as it was when its row groups were hashed."""

    size: int
    changed_ns: int
    footer: str
    """Hash of the footer, which holds the place and the statistics of every column."""
    groups: tuple[str, ...]
    """The hash of each row group."""


@dataclass(frozen=True, kw_only=True)
class RowGroup:
    """Some rows of the log: ``number`` of the file ``path``."""

    name: str
    """Its hash; the second group of the same bytes is another one."""
    path: Path
    number: int

    def read(self, columns: list[str] | None = None) -> pa.Table:
        """Its rows."""
        with pq.ParquetFile(self.path) as file:
            return file.read_row_group(self.number, columns)


def is_parquet(raw: RawTable) -> bool:
    """Whether the table is a Parquet file or a folder of them, read as it stands."""
    return not raw.is_text and raw.relation == parquet_sql(Path(raw.where))


def list_row_groups(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, known: Mapping[str, SourceFile]
) -> tuple[dict[str, RowGroup], dict[str, SourceFile]]:
    """The row groups of the log by name, and its files by path; ``known``: the files of the last night."""
    root = Path(raw.where)
    pattern = raw.relation.removeprefix("read_parquet(").partition(", union_by_name")[0]
    paths = [
        Path(str(row[0])) for row in connection.execute(f"select file from glob({pattern}) order by file").fetchall()
    ]
    groups: dict[str, RowGroup] = {}
    files: dict[str, SourceFile] = {}
    for path in paths:
        name = path.relative_to(root).as_posix() if path != root else path.name
        files[name] = _source_file(path, known.get(name))
        for number, content in enumerate(files[name].groups):
            unique, again = content, 1
            while unique in groups:
                again += 1
                unique = f"{content}-{again}"
            groups[unique] = RowGroup(name=unique, path=path, number=number)
    return groups, files


def _source_file(path: Path, known: SourceFile | None) -> SourceFile:
    status = path.stat()
    footer = _footer_hash(path)
    same = (status.st_size, status.st_mtime_ns, footer)
    if known is not None and same == (known.size, known.changed_ns, known.footer):
        return known
    return SourceFile(size=same[0], changed_ns=same[1], footer=footer, groups=tuple(_group_hashes(path)))


def _footer_hash(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - _TAIL - length))
        return hashlib.sha256(file.read()).hexdigest()


def _group_hashes(path: Path) -> Iterator[str]:
    """Yield the hash of each row group: of its bytes, and of what they are read as."""
    with pq.ParquetFile(path) as file, path.open("rb") as content:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            digest = hashlib.sha256(f"{group.num_rows} {file.schema}".encode())
            for index in range(group.num_columns):
                column = group.column(index)
                start = column.data_page_offset
                if column.has_dictionary_page and column.dictionary_page_offset:
                    start = min(start, column.dictionary_page_offset)
                digest.update(f"{column.path_in_schema} {column.compression} {column.num_values}".encode())
                content.seek(start)
                rest = column.total_compressed_size
                while rest and (chunk := content.read(min(BYTES_AT_ONCE, rest))):
                    digest.update(chunk)
                    rest -= len(chunk)
            yield digest.hexdigest()


def group_relation(connection: duckdb.DuckDBPyConnection, raw: RawTable, rows: pa.Table, *, name: str) -> str:
    """SQL of ``rows`` of the log in the types of the whole log, registered under ``name``."""
    connection.execute(f"create temp table if not exists {name}_types as select * from {raw.relation} limit 0")
    connection.register(name, rows)
    return f"(select * from {name}_types union all by name select * from {name})"
