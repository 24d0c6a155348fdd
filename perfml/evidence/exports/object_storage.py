"""An export on object storage: tables as ``<table>.parquet`` or folders of Parquet files below one ``s3://`` address."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import duckdb

from perfml.errors import DataError
from perfml.evidence.lake.addresses import s3_dataset
from perfml.evidence.lake.dataset import Dataset, is_hidden
from perfml.evidence.lake.dataset_table import dataset_table
from perfml.evidence.lake.storage import S3, bucket_path, listed, open_s3
from perfml.evidence.tables.reading import Origin, RawTable


class Bucket:
    """The folder of a bucket; what it holds is listed once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, address: str) -> None:
        self.connection, self.where = connection, S3 + bucket_path(address)
        self.files: dict[str, Path] = {}
        if not self.names:
            raise DataError("is not there, or is empty", where=self.where, remedy="check bucket, folder and region")

    @cached_property
    def names(self) -> list[str]:
        """Parquet files and folders directly below the address."""
        path = bucket_path(self.where)
        entries = listed(open_s3(), path, recursive=False)
        below = {key[len(path) + 1 :]: entry for key, entry in entries.items()}
        return sorted(
            name
            for name, entry in below.items()
            if not is_hidden(name) and (entry is None or name.endswith(".parquet"))
        )

    @property
    def folders(self) -> list[str]:
        """The tables, by their names here."""
        return self.names

    def table(self, name: str) -> RawTable | None:
        """The file or folder of this name."""
        origin = self.origin(name)
        return dataset_table(self.connection, name, origin) if isinstance(origin, Dataset) else None

    def origin(self, name: str) -> Origin:
        """The file or folder of this name."""
        existing = [each for each in (f"{name}.parquet", name) if each in self.names]
        if len(existing) > 1:
            where = f"{self.where}/{existing[0]}"
            raise DataError(f"stands beside {existing[1]}/", where=where, remedy="keep one of the two")
        return self.dataset(existing[0]) if existing else {}

    def dataset(self, name: str) -> Dataset | None:
        """The Parquet files at the path ``name``."""
        return s3_dataset(f"{self.where}/{name}")

    def query(self, name: str, sql: str) -> str:
        """Refused."""
        remedy = f"name a file or folder in sources/{name}.toml instead of a query"
        raise DataError("is no database", where=self.where, remedy=remedy)
