"""The row groups of a log in Parquet files: which are new is told by the hash of their bytes.

A file on this machine whose size, time of change and footer are the same is taken to be the same; of another one each row group
is hashed. On object storage, and where the log of a table says it, a file is new when that says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from perfml.evidence.lake.dataset import NO_VALUE, Dataset
from perfml.evidence.tables.cells import FILE, ROW
from perfml.evidence.tables.reading import RawTable, parquet_sql, quoted, unreadable

BYTES_AT_ONCE = 1 << 22
_TAIL = 8
"""Bytes of the length of a footer and of the mark after it."""


class SourceFile(BaseModel, frozen=True):
    """A file of the log as it was when its row groups were named."""

    size: int
    changed_ns: int
    content: str
    """Hash of the footer, which holds the position and the statistics of every column; or what the log of its table says."""
    groups: tuple[str, ...]
    """The hash of each row group."""


@dataclass(frozen=True, kw_only=True)
class RowGroup:
    """Some rows of the log: ``number`` of a file."""

    name: str
    """Changes with its rows, and with what is said of the position of a row that is refused."""
    file: str
    """Its path below the folder of the table."""
    number: int
    dataset: Dataset | None
    path: Path

    def read(self, *, only: Collection[str] = ()) -> pa.Table:
        """Its rows, with file and row where these are said of rows that are refused, and the values in the names of folders.

        ``only``: some columns; the others are left out where the file has any of these.
        """
        with _opened(self.path, self.dataset) as file:
            names = [name for name in file.schema_arrow.names if name.lower() in only]
            rows = file.read_row_group(self.number, columns=names or None)
            first = sum(file.metadata.row_group(number).num_rows for number in range(self.number))
        if self.dataset is None:
            return rows
        n = rows.num_rows
        rows = rows.append_column(FILE, pa.repeat(pa.scalar(self.file), n))
        rows = rows.append_column(ROW, pa.array(np.arange(first + 1, first + 1 + n, dtype=np.int64)))
        pairs = dict(part.split("=", 1) for part in self.file.split("/")[:-1] if "=" in part)
        for key in self.dataset.keys:
            text = None if pairs[key] == NO_VALUE else unquote(pairs[key])
            rows = rows.append_column(key, pa.repeat(pa.scalar(text, pa.string()), n))
        return rows


def has_row_groups(raw: RawTable) -> bool:
    """Whether the table is a Parquet file or a folder of them, whose rows are those of its files."""
    if raw.dataset is not None:
        return raw.dataset.fields is None and not raw.dataset.deletes
    return not raw.is_text and raw.relation == parquet_sql(Path(raw.where))


def list_row_groups(
    raw: RawTable, known: Mapping[str, SourceFile]
) -> tuple[dict[str, RowGroup], dict[str, SourceFile]]:
    """The row groups of the log by name, and its files by path; ``known``: the files of the last night."""
    dataset = raw.dataset
    root = Path(raw.where).parent if dataset is None else Path(dataset.root)
    names = (Path(raw.where).name,) if dataset is None else dataset.names
    groups: dict[str, RowGroup] = {}
    files: dict[str, SourceFile] = {}
    for name in names:
        path = root / name
        if dataset is None or (dataset.storage is None and not dataset.partitions):
            files[name] = _local_file(path, known.get(name))
        else:
            files[name] = _logged_file(dataset, name, path, known.get(name))
        for number, content in enumerate(files[name].groups):
            unique = content if dataset is None else f"{name} {number} {content}"
            again = 1
            while unique in groups:
                again += 1
                unique = f"{content} {again}"
            groups[unique] = RowGroup(name=unique, file=name, path=path, number=number, dataset=dataset)
    return groups, files


def _local_file(path: Path, known: SourceFile | None) -> SourceFile:
    status = path.stat()
    footer = _footer_hash(path)
    same = (status.st_size, status.st_mtime_ns, footer)
    if known is not None and same == (known.size, known.changed_ns, known.content):
        return known
    return SourceFile(size=same[0], changed_ns=same[1], content=footer, groups=tuple(_group_hashes(path)))


def _logged_file(dataset: Dataset, name: str, path: Path, known: SourceFile | None) -> SourceFile:
    """A file of which its storage, or the log of its table, says whether it is the same; its groups are only counted."""
    logged = next((each for each in dataset.partitions if each.name == name), None)
    stored = None if dataset.storage is None else dataset.storage.objects[path.as_posix()]
    size = stored.bytes if stored else logged.bytes if logged else 0
    changed = stored.modified_ns if stored else 0
    content = logged.content if logged else ""
    if known is not None and (size, changed, content) == (known.size, known.changed_ns, known.content):
        return known
    with _opened(path, dataset) as file:
        count = file.num_row_groups
    return SourceFile(size=size, changed_ns=changed, content=content, groups=(f"{size} {changed} {content}",) * count)


@contextmanager
def _opened(path: Path, dataset: Dataset | None) -> Iterator[pq.ParquetFile]:
    """A file of the log. Raises :class:`DataError` where it cannot be read."""
    storage = None if dataset is None else dataset.storage
    try:
        source = path if storage is None else storage.filesystem.open_input_file(path.as_posix())
        with pq.ParquetFile(source) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error


def _footer_hash(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - _TAIL - length))
        return hashlib.sha256(file.read()).hexdigest()


def _group_hashes(path: Path) -> Iterator[str]:
    """Yield the hash of each row group: of its bytes, and of what they are read as."""
    with _opened(path, None) as file, path.open("rb") as content:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            digest = hashlib.sha256(f"{group.num_rows} {file.schema_arrow.to_string()}".encode())
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
    connection.register(name, rows)
    own = {column.lower(): column for column in rows.column_names}
    columns = [
        f"{quoted(own[column.lower()]) if column.lower() in own else 'null'}::{kind} as {quoted(column)}"
        for column, kind in raw.columns.items()
    ]
    columns += [quoted(column) for column in (FILE, ROW) if column in own and column not in raw.columns]
    return f"(select {', '.join(columns)} from {name})"
