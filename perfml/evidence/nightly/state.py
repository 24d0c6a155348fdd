"""The state folder: files that never change once they are named in its manifest, which is replaced last and at once.

A process that is killed leaves the manifest of the night before, and files that no manifest names: the next run removes them.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from perfml.errors import PerfmlError
from perfml.evidence.nightly.row_groups import SourceFile
from perfml.files import private_folder, write_text, writing
from perfml.messages import Message

MANIFEST, LOCK = "manifest.json", "lock"


class RowBatch(BaseModel, frozen=True):
    """Some stored rows of one file, in the order of their days."""

    rows: int
    first_day: int
    last_day: int
    checksum: int
    """CRC-32 of their columns."""


class StoredFile(BaseModel, frozen=True):
    """Stored rows of one row group, or those whose key is repeated."""

    file: str
    batches: tuple[RowBatch, ...]
    last_usable_day: int
    versions: bool = False
    """Whether a later version may supersede a row."""


class StoredGroup(BaseModel, frozen=True):
    """A row group of the source, as it was read."""

    number: int
    """What its rows are called in the files that hold those of all row groups."""
    rows: int
    """Rows of the source."""
    stored: StoredFile
    keys: str | None
    """File of the sorted hashes of its keys; None where the log has no keys."""
    keys_checksum: int = 0
    """CRC-32 of these hashes."""
    last_day: int
    """The last day on which a row happened."""
    positions: str
    """Hash of the positions that its rows were counted with."""
    early: bool
    """Whether rows were refused because they lie in the future."""


class StoredSums(BaseModel, frozen=True):
    """What the rows that counted at one as-of date add up to, for one plan of columns."""

    plan: str
    """Hash of the plan."""
    as_of: int
    files: tuple[StoredFile, ...]
    """The stored rows that it was made from."""
    blocks: tuple[str, ...]
    """A file for each block of persons."""


class StoredNewest(BaseModel, frozen=True):
    """The newest rows of everybody, as they stand; see :mod:`perfml.evidence.nightly.newest`."""

    as_of: dt.date
    """They are the newest of those usable before it."""
    most: int
    """How many of each person, kind and side."""
    groups: tuple[int, ...]
    """The numbers of the row groups that they are of."""
    rows: int
    file: str
    checksum: int
    """CRC-32 of the file."""


class NightManifest(BaseModel, frozen=True):
    """All that the state holds."""

    number: int = 0
    """Grows with every run."""
    made_from: dict[str, str]
    """What the stored rows depend on beside the log itself; another value of any makes them worthless."""
    source: dict[str, SourceFile] = {}
    groups: dict[str, StoredGroup] = {}
    kinds: tuple[str, ...] = ()
    """The kinds of event, by their numbers."""
    persons: str | None = None
    """File of the ids of people, by their numbers."""
    tables: dict[str, str] = {}
    """What is kept for all row groups in one file: name -> file."""
    repeated: StoredFile | None = None
    """The stored rows whose key is repeated."""
    sums: dict[str, StoredSums] = {}
    newest: StoredNewest | None = None

    @property
    def files(self) -> set[str]:
        """Every file that is named."""
        named = {*self.tables.values(), *(group.stored.file for group in self.groups.values())}
        named |= {group.keys for group in self.groups.values() if group.keys}
        for sums in self.sums.values():
            named |= {*sums.blocks, *(file.file for file in sums.files)}
        named |= {self.repeated.file} if self.repeated else set()
        named |= {self.newest.file} if self.newest else set()
        return named | ({self.persons} if self.persons else set())


def new_name(what: str, ending: str) -> str:
    """A name that no manifest holds, on any machine."""
    return f"{what}-{uuid4().hex}.{ending}"


class DamagedState(PerfmlError):
    """A file of the state that is not what was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(Message.of("night_damaged"), where=str(path), remedy=Message.of("night_damaged_remedy"))


class StateInUse(PerfmlError):
    """Another process has the state folder."""

    may_pass = True

    def __init__(self, folder: Path) -> None:
        super().__init__(Message.of("night_locked"), where=str(folder), remedy=Message.of("night_locked_remedy"))


class StateFolder:
    """The folder, while this process alone may change it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: NightManifest | None = None
        self.damaged = False
        """Whether there was a manifest that cannot be used."""
        path = folder / MANIFEST
        if path.exists():
            self.manifest = _read_manifest(path)
            self.damaged = self.manifest is None or any(not (folder / name).is_file() for name in self.manifest.files)
            if self.damaged:
                self.manifest = None

    def path(self, name: str) -> Path:
        """Where the file ``name`` lies."""
        return self.folder / name

    def write_table(self, what: str, table: pa.Table) -> str:
        """Write ``table`` to a new file; return its name."""
        name = new_name(what, "parquet")
        with writing(self.path(name)):
            pq.write_table(table, self.path(name), compression="zstd", compression_level=1, write_page_checksum=True)
        return name

    def read_table(self, name: str) -> pa.Table:
        """Read what :meth:`write_table` wrote. Raises :class:`DamagedState`."""
        path = self.path(name)
        try:
            return pq.read_table(path, page_checksum_verification=True)
        except (OSError, pa.ArrowInvalid) as error:
            raise DamagedState(path) from error

    def keep(self, manifest: NightManifest) -> None:
        """Replace the manifest, and remove the files that it no longer names."""
        with writing(self.folder):
            for name in manifest.files - (self.manifest.files if self.manifest else set()):
                with (self.folder / name).open("rb") as written:
                    os.fsync(written.fileno())
            text = manifest.model_dump_json()
            write_text(self.folder / MANIFEST, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
        self.manifest = manifest
        self._remove_others()

    def _remove_others(self) -> None:
        keep = self.manifest.files if self.manifest else set()
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in keep and path.name not in (MANIFEST, LOCK):
                path.unlink(missing_ok=True)


def require_state(folder: Path) -> None:
    """Raise :class:`PerfmlError` in a process that does not see the state folder which another one has opened."""
    if not (folder / LOCK).exists():
        raise PerfmlError(
            "an executor does not see it",
            where=str(folder),
            remedy="let HOME lie on a disk that this machine and every executor read and write",
        )


@contextmanager
def state_folder(folder: Path) -> Iterator[StateFolder]:
    """Open the state for this process alone. Raises :class:`StateInUse`."""
    private_folder(folder)
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateInUse(folder) from None
        yield StateFolder(folder)
    finally:
        os.close(lock)


def _read_manifest(path: Path) -> NightManifest | None:
    try:
        text = path.read_text(encoding="utf-8")
        digest, _, content = text.partition("\n")
        if digest != hashlib.sha256(content.encode()).hexdigest():
            return None
        return NightManifest.model_validate_json(content)
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
