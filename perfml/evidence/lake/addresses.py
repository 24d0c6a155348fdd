"""Addresses of tables in a lake: ``s3://bucket/folder``, ``iceberg:CATALOGUE.NAMESPACE.TABLE``, ``delta:LOCATION``."""

from __future__ import annotations

from pathlib import Path

import duckdb

from perfml.errors import DataError
from perfml.evidence.lake.dataset import DELTA_LOG, Dataset, dataset_of, folder_dataset
from perfml.evidence.lake.delta import DELTA, delta_dataset
from perfml.evidence.lake.iceberg import ICEBERG, iceberg_dataset
from perfml.evidence.lake.storage import S3, Storage, bucket_path, listed, object_at, open_s3


def is_address(text: str) -> bool:
    """Whether ``text`` names a table in a lake rather than a file of the export."""
    return text.startswith((S3, ICEBERG, DELTA))


def dataset_at(connection: duckdb.DuckDBPyConnection, address: str) -> Dataset:
    """The table at ``address``. Raises :class:`DataError` where it is not there or its library is not installed."""
    if address.startswith(ICEBERG):
        return iceberg_dataset(connection, address.removeprefix(ICEBERG))
    if address.startswith(DELTA):
        return delta_dataset(address.removeprefix(DELTA))
    return s3_dataset(address)


def s3_dataset(address: str) -> Dataset:
    """The Parquet files below an ``s3://`` address, or the one that it names; a folder with a Delta log is a Delta table."""
    path, filesystem = bucket_path(address), open_s3()
    file = object_at(filesystem, path) if path.endswith(".parquet") else None
    if file is not None:
        root, objects = path.rpartition("/")[0], {path: file}
    else:
        root = path
        objects = {key: entry for key, entry in listed(filesystem, path, recursive=True).items() if entry is not None}
    names = [key[len(root) + 1 :] for key in objects]
    if not names:
        remedy = "check bucket, folder and AWS_DEFAULT_REGION, or AWS_ENDPOINT_URL for a server of your own"
        raise DataError("is not there", where=address, remedy=remedy)
    if any(each.startswith(f"{DELTA_LOG}/") for each in names):
        return delta_dataset(address)
    return dataset_of(names, root=root, where=address, storage=Storage(filesystem=filesystem, objects=objects))


def local_dataset(folder: Path) -> Dataset:
    """The table of the Parquet files below ``folder``, a Delta table where it has a Delta log. Raises :class:`DataError`."""
    return delta_dataset(str(folder)) if (folder / DELTA_LOG).is_dir() else folder_dataset(folder)
