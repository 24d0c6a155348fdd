"""Object storage as DuckDB asks for it: what a listing said is not asked again for each file. Needs ``perfml[s3]``."""

from __future__ import annotations

import datetime as dt
from typing import IO

from fsspec import AbstractFileSystem

from perfml.evidence.lake.storage import Storage


class ListedObjects(AbstractFileSystem):
    """The objects of ``storage`` under ``scheme``; they are read in pieces, and never written."""

    cachable = False

    def __init__(self, storage: Storage, *, scheme: str) -> None:
        super().__init__()
        self.storage, self.protocol = storage, scheme

    def glob(self, path: str, maxdepth: int | None = None, **_options: object) -> list[str]:
        """The one object of this name: names are listed before, never matched."""
        return [self._key(path)] if self._key(path) in self.storage.objects else []

    def info(self, path: str, **_options: object) -> dict[str, object]:
        """Name, type and bytes, as listed."""
        key = self._key(path)
        if key not in self.storage.objects:
            raise FileNotFoundError(path)
        return {"name": key, "type": "file", "size": self.storage.objects[key].bytes}

    def exists(self, path: str, **_options: object) -> bool:
        """Whether it was listed."""
        return self._key(path) in self.storage.objects

    def modified(self, path: str) -> dt.datetime:
        """When it was written, as listed."""
        seconds = self.storage.objects[self._key(path)].modified_ns / 1e9
        return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: object = None,
        compression: str | None = None,
        **_options: object,
    ) -> IO[bytes]:
        """The object, from any place in it. Raises :class:`PermissionError` for another mode than reading."""
        if mode != "rb":
            raise PermissionError(f"{path}: a lake is only read")
        opened: IO[bytes] = self.storage.filesystem.open_input_file(self._key(path))
        return opened

    def _key(self, path: str) -> str:
        return path.removeprefix(f"{self.protocol}://").lstrip("/")
