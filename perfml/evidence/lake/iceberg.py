"""An Iceberg table: the files of its newest snapshot, read where they lie. Needs ``perfml[iceberg]``.

The catalogue is one that pyiceberg knows, from ``~/.pyiceberg.yaml`` or ``PYICEBERG_CATALOG__<NAME>__URI`` in the environment,
with its credentials. Columns are read by their field ids, so that a renamed column is one column in files of all ages.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import duckdb

from perfml.errors import DataError
from perfml.evidence.lake.dataset import Dataset, Partition
from perfml.evidence.lake.storage import Storage, StoredObject, away, missing_extra
from perfml.evidence.tables.reading import described, literal, quoted

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table

ICEBERG: Final = "iceberg:"
_S3 = ("s3", "s3a", "s3n")


def iceberg_dataset(connection: duckdb.DuckDBPyConnection, name: str) -> Dataset:
    """The newest snapshot of the table ``CATALOGUE.NAMESPACE.TABLE``.

    Raises :class:`DataError` where there is none, or where its files alone do not say what its rows are.
    """
    where = ICEBERG + name
    try:
        from pyiceberg.catalog import load_catalog  # the optional extra perfml[iceberg]
        from pyiceberg.utils.config import Config
    except ImportError:
        raise missing_extra("Iceberg tables", "iceberg", where=where) from None
    catalogue, _, identifier = name.partition(".")
    if not identifier:
        raise DataError("names no table", where=where, remedy="write iceberg:CATALOGUE.NAMESPACE.TABLE")
    try:
        settings = (
            Config().get_catalog_config(catalogue) or {}
        )  # read now: load_catalog knows the environment of its import
        table = load_catalog(catalogue, **{key: str(value) for key, value in settings.items()}).load_table(identifier)
        tasks = list(table.scan().plan_files())
    except Exception as error:  # each kind of catalogue raises its own
        raise away(where, error) from None
    if not tasks:
        raise DataError("holds no rows", where=where, remedy="write its rows first, or leave the table out")
    return _dataset(connection, table, sorted(tasks, key=lambda task: task.file.file_path), where=where)


def _dataset(
    connection: duckdb.DuckDBPyConnection, table: Table, tasks: Sequence[FileScanTask], *, where: str
) -> Dataset:
    deletes = {file.file_path: file for task in tasks for file in task.delete_files}
    every = {task.file.file_path: task.file for task in tasks} | deletes
    odd = next((path for path, file in every.items() if file.file_format != "PARQUET"), None)
    if odd is not None:
        remedy = "let the lake write its files anew as Parquet, with position deletes or none"
        raise DataError(f"{odd.rpartition('/')[2]} is no Parquet file", where=where, remedy=remedy)
    first, last = min(every), max(every)  # what these two share, all share
    alike = itertools.takewhile(
        lambda pair: pair[0] == pair[1], zip(first.split("/")[:-1], last.split("/")[:-1], strict=False)
    )
    address = "/".join(part for part, _ in alike)
    scheme, _, path = address.rpartition("://") if "://" in address else ("file", "", address.removeprefix("file:"))
    if scheme not in ("file", *_S3):
        raise DataError(f"lies on {scheme}://, which is not read", where=where, remedy="copy it to S3 or to a folder")
    storage = None
    if scheme in _S3:
        objects = {
            file[len(scheme) + 3 :]: StoredObject(bytes=entry.file_size_in_bytes, modified_ns=0)
            for file, entry in every.items()
        }
        from pyiceberg.io.pyarrow import PyArrowFileIO  # the optional extra perfml[iceberg]

        if not isinstance(table.io, PyArrowFileIO):
            raise DataError("is not read through pyarrow", where=where, remedy="leave out py-io-impl of its catalogue")
        storage = Storage(filesystem=table.io.fs_by_scheme(scheme, path.partition("/")[0]), objects=objects)
    return Dataset(
        where=where,
        root=path,
        names=tuple(task.file.file_path[len(address) + 1 :] for task in tasks),
        deletes=tuple(file[len(address) + 1 :] for file in sorted(deletes)),
        address=address,
        fields=_fields(connection, table),
        storage=storage,
        partitions=tuple(
            Partition(
                name=task.file.file_path[len(address) + 1 :],
                bytes=task.file.file_size_in_bytes,
                content=" ".join([task.file.file_path, *sorted(file.file_path for file in task.delete_files)]),
            )
            for task in tasks
        ),
    )


def _fields(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """SQL of the columns by their field ids: a column that a file does not have is empty there."""
    schema = table.schema()
    view = "columns of an Iceberg table"
    connection.register(view, schema.as_arrow().empty_table())
    try:
        types = described(connection, quoted(view))
    finally:
        connection.unregister(view)
    columns = [
        f"{field.field_id}: {{name: {literal(field.name)}, type: {literal(types[field.name])}, default_value: null}}"
        for field in schema.fields
    ]
    return f"map {{{', '.join(columns)}}}"
