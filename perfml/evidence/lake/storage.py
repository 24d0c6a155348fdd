"""Object storage through pyarrow, read by DuckDB. Credentials come from the environment, as for every tool of the vendor:
``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE``, a role; ``AWS_DEFAULT_REGION``; ``AWS_ENDPOINT_URL`` for a server of one's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pyarrow import fs

from perfml.errors import DataError
from perfml.evidence.tables.secrets import without_secrets

S3: Final = "s3://"


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One object as its storage lists it."""

    bytes: int
    modified_ns: int
    """Nanoseconds since 1970 (UTC)."""


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A file system of objects, and what it listed."""

    filesystem: fs.FileSystem
    objects: Mapping[str, StoredObject] = field(repr=False)
    """``bucket/key`` → the object."""


def bucket_path(address: str) -> str:
    """``bucket/folder`` of an ``s3://`` address. Raises :class:`DataError` for one that holds credentials or options.

    >>> bucket_path("s3://lake/hr/events/")
    'lake/hr/events'
    """
    path = address.removeprefix(S3).strip("/")
    if "@" in path or "?" in path:
        raise DataError(
            "holds credentials or options",
            where=S3 + path.partition("?")[0].rpartition("@")[2],
            remedy="give them in the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID …, AWS_ENDPOINT_URL), never in an address",
        )
    return path


def open_s3() -> fs.FileSystem:
    """The S3 that the environment describes."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return fs.S3FileSystem(endpoint_override=endpoint) if endpoint else fs.S3FileSystem()


def listed(filesystem: fs.FileSystem, path: str, *, recursive: bool) -> dict[str, StoredObject | None]:
    """What lies below ``path``: ``bucket/key`` → the object, None for a folder. Raises :class:`DataError`."""
    try:
        entries = filesystem.get_file_info(fs.FileSelector(path, recursive=recursive, allow_not_found=True))
    except OSError as error:
        raise away(S3 + path, error) from None
    return {entry.path: _object(entry) for entry in entries}


def object_at(filesystem: fs.FileSystem, path: str) -> StoredObject | None:
    """The object at ``path``; None where there is none, or a folder. Raises :class:`DataError`."""
    try:
        return _object(filesystem.get_file_info(path))
    except OSError as error:
        raise away(S3 + path, error) from None


def _object(entry: fs.FileInfo) -> StoredObject | None:
    return StoredObject(bytes=entry.size, modified_ns=entry.mtime_ns) if entry.is_file else None


def away(where: str, error: Exception) -> DataError:
    """The error for a lake that does not answer, in its own words but without secrets."""
    first = " ".join(without_secrets(str(error)).split())
    return DataError(f"cannot be read ({first[:300]})", where=where, remedy="check name, rights and environment")


def missing_extra(what: str, extra: str, *, where: str) -> DataError:
    """The error for an address that needs an extra which is not installed."""
    return DataError(f"reading {what} needs its libraries", where=where, remedy=f'install "perfml[{extra}]"')
