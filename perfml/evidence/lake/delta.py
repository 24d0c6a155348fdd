"""A Delta table: the files that its newest version consists of, read where they lie. Needs ``perfml[delta]``."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import pyarrow as pa

from perfml.errors import DataError
from perfml.evidence.lake.dataset import NO_VALUE, Dataset, Partition, partition_keys, values_in_folders
from perfml.evidence.lake.storage import S3, Storage, StoredObject, away, bucket_path, missing_extra, open_s3

if TYPE_CHECKING:
    from deltalake import DeltaTable

DELTA: Final = "delta:"
READ_AS_PARQUET = {"timestampNtz", "vacuumProtocolCheck", "v2Checkpoint", "deletionVectors"}
"""Features of a table that need nothing of a reader of its files; deletion vectors as long as there are none."""
_NANOSECONDS = 1_000_000
_OF_SEVERAL_FORMS = (dt.datetime, float, bool, bytes, decimal.Decimal)
"""Values that writers of Delta tables do not all write alike."""


def delta_dataset(location: str) -> Dataset:
    """The newest version of the table at ``location``, a folder or an ``s3://`` address.

    Raises :class:`DataError` where there is none, or where its files alone do not say what its rows are.
    """
    try:
        from deltalake import DeltaTable  # the optional extra perfml[delta]
        from deltalake.exceptions import DeltaError
    except ImportError:
        raise missing_extra("Delta tables", "delta", where=location) from None
    remote = location.startswith(S3)
    root = bucket_path(location) if remote else str(Path(location).absolute())
    try:
        table = DeltaTable(S3 + root if remote else root)
        _require_plain_files(table, where=location)
        actions = pa.table(table.get_add_actions(flatten=False)).to_pylist()
    except (DeltaError, OSError) as error:
        raise away(location, error) from None
    if not actions:
        raise DataError("holds no rows", where=location, remedy="write its rows first, or leave the table out")
    actions.sort(key=lambda action: str(action["path"]))
    names = tuple(unquote(str(action["path"])) for action in actions)
    for name, action in zip(names, actions, strict=True):
        _require_values_in_folders(name, action.get("partition") or {}, where=location)
    storage = None
    if remote:
        objects = {
            f"{root}/{name}": StoredObject(
                bytes=action["size_bytes"], modified_ns=action["modification_time"] * _NANOSECONDS
            )
            for name, action in zip(names, actions, strict=True)
        }
        storage = Storage(filesystem=open_s3(), objects=objects)
    return Dataset(
        where=location,
        root=root,
        names=names,
        keys=partition_keys(names, where=location),
        storage=storage,
        partitions=tuple(
            Partition(name=name, bytes=action["size_bytes"], content=f"{action['path']} {action['modification_time']}")
            for name, action in zip(names, actions, strict=True)
        ),
    )


def _require_plain_files(table: DeltaTable, *, where: str) -> None:
    """Raise :class:`DataError` for a table whose files hold other rows or names than the table has."""
    features: Sequence[str] = table.protocol().reader_features or []
    odd = sorted(set(features) - READ_AS_PARQUET)
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        odd.append("columnMapping")
    if "deletionVectors" in features and any(batch.num_rows for batch in table.deletion_vectors()):
        odd.append("deletionVectors")
    if odd:
        remedy = "let the lake write its files anew without it (REORG TABLE … APPLY (PURGE)), or name a copy as Parquet"
        raise DataError(
            f"uses {', '.join(dict.fromkeys(odd))}, which its files alone do not show", where=where, remedy=remedy
        )


def _require_values_in_folders(name: str, values: Mapping[str, object], *, where: str) -> None:
    """Raise :class:`DataError` where the folders of a file do not say what the log of the table says of it."""
    in_folders = {key: unquote(value) for key, value in values_in_folders(name)}
    in_log = {
        key: NO_VALUE if value is None else in_folders.get(key) if isinstance(value, _OF_SEVERAL_FORMS) else str(value)
        for key, value in values.items()
    }
    if in_folders != in_log:
        raise DataError(
            f"{name} lies in folders that do not name its values of {', '.join(values) or 'no column'}",
            where=where,
            remedy="let the lake write its files anew in folders named like the partitions",
        )
