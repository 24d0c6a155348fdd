"""A table of many Parquet files, read where they lie; values of some columns may stand in the names of folders.

``events/day=2024-05-06/part-0.parquet``: every file below ``events`` is a part of the table, and ``day`` is a column of it. A
folder or file that begins with ``_`` or ``.`` is left out, as Spark does: what a job has not finished writing, logs, checksums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfml.errors import DataError
from perfml.evidence.lake.storage import Storage
from perfml.evidence.tables.cells import PARQUET

DELTA_LOG, ICEBERG_METADATA = "_delta_log", "metadata"
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What a folder is named by where its column has no value."""


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One file of a table, as it is told whether its rows have changed."""

    name: str
    """Its path below the table's folder."""
    bytes: int
    content: str
    """Changes with its rows: a hash of its bytes, the tag that its storage gives it, or what the log of its table says of it."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The files of one table, and how they are read."""

    where: str
    """How errors call it."""
    root: str
    """The folder that the files lie below, as a path or, on object storage, ``bucket/folder``."""
    names: tuple[str, ...]
    """The files, by their path below ``root``."""
    keys: tuple[str, ...] = ()
    """Columns whose values stand in the names of folders."""
    storage: Storage | None = None
    """The object storage that they lie on; None: this machine's disk."""
    fields: str | None = None
    """SQL of the columns by their field ids, where names in the files may be older ones (Iceberg)."""
    deletes: tuple[str, ...] = ()
    """Files below ``root`` that list deleted rows by file and position (Iceberg)."""
    address: str = ""
    """``root`` as those lists write it."""
    partitions: tuple[Partition, ...] = ()
    """What the log of its table says of each file; empty where it has no log, and its files may be written over."""


def partition_keys(names: Sequence[str], *, where: str) -> tuple[str, ...]:
    """The columns that stand in the folders of the files ``names``; none where some files lie in no such folder.

    Raises :class:`DataError` for files that lie in folders of different columns.

    >>> partition_keys(["year=2024/day=2024-05-06/part-0.parquet"], where="events")
    ('year', 'day')
    """
    examples = {tuple(key for key, _ in values_in_folders(name)): name for name in names}
    (first, example), *others = examples.items()
    different = next(((keys, name) for keys, name in others if keys and first), None)
    if different is not None:
        keys, name = different
        problem = f"{name} lies in folders of {' / '.join(keys)}, {example} in folders of {' / '.join(first)}"
        raise DataError(problem, where=where, remedy="keep files of one way of parting in one folder")
    return () if others else first


def values_in_folders(name: str) -> list[tuple[str, str]]:
    """The columns that stand in the folders of the file ``name``, each with its value.

    >>> values_in_folders("raw/day=2024-05-06/part-0.parquet")
    [('day', '2024-05-06')]
    """
    parts = (folder.partition("=") for folder in name.split("/")[:-1] if "=" in folder)
    return [(column, value) for column, _, value in parts]


def is_hidden(name: str) -> bool:
    """Whether a file is none of the table's: it, or a folder on its path, begins with ``.`` or ``_``.

    >>> is_hidden("_temporary/0/part-0.parquet"), is_hidden("_day=2024-05-06/part-0.parquet")
    (True, False)
    """
    return any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in name.split("/"))


def parquet_names(names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` that are a table's Parquet files, in order."""
    return tuple(sorted(name for name in names if name.lower().endswith(PARQUET) and not is_hidden(name)))


def folder_dataset(folder: Path) -> Dataset:
    """The Parquet files below ``folder``. Raises :class:`DataError` where there are none, or they are an Iceberg table's."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return dataset_of((path.relative_to(folder).as_posix() for path in paths), root=str(folder), where=str(folder))


def dataset_of(names: Iterable[str], *, root: str, where: str, storage: Storage | None = None) -> Dataset:
    """The table of the files ``names`` below ``root``. Raises :class:`DataError`, see :func:`folder_dataset`."""
    every = list(names)
    if any(name.startswith(f"{ICEBERG_METADATA}/") and name.endswith(".metadata.json") for name in every):
        remedy = 'name it by its catalogue in sources/: file = "iceberg:CATALOGUE.NAMESPACE.TABLE"'
        raise DataError("is an Iceberg table, whose files hold deleted rows too", where=where, remedy=remedy)
    parquet = parquet_names(every)
    if not parquet:
        raise DataError("holds no Parquet files", where=where, remedy="export it again, or remove the empty folder")
    return Dataset(where=where, root=root, names=parquet, keys=partition_keys(parquet, where=where), storage=storage)
