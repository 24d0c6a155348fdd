"""Making a backup while others write: files are copied until none has changed, and then the store is read in one transaction.

In this order, because what is computed from the store says up to which entry it knows it: such a file may be older than the store
of a backup, and never newer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sql

from perfml._version import __version__
from perfml.files import atomic_write, private_file
from perfml.home_reads import Identity, identity_of
from perfml.store.audit.heads import FILE as HEADS_FILE
from perfml.store.audit.heads import FOLDER
from perfml.store.audit.secret import KEY_FILE, KEY_VARIABLE, audit_key
from perfml.store.backup.manifest import ENTRIES_FILE, MANIFEST, BackupError, BackupManifest
from perfml.store.backup.rows import last_numbers, write_rows
from perfml.store.opening import FILE, MARKER, is_made, session
from perfml.store.tables import AUDIT, HEAD, IDENTITY

ROUNDS = 20
"""How often files are looked at again until nothing has changed."""
CHECKPOINTS = f"{FOLDER}/checkpoints/"
NIGHTLY = "nightly/"
"""What is kept of the log from night to night: it is made anew from the log."""
HEADS = f"{FOLDER}/{HEADS_FILE}"
DATABASES = (".db", ".sqlite")
PASSING = ("-wal", "-shm", "-journal", ".tmp")
"""Endings of files that belong to a moment."""


def make_backup(home: Path, to: Path, *, now: dt.datetime) -> tuple[Path, BackupManifest]:
    """Write a backup of ``home`` to the file ``to``, or into the folder ``to`` under the time; return where, and what it holds.

    A process that is killed leaves no backup. Raises :class:`BackupError` for a place within the home, and where files never
    settle.
    """
    if not home.is_dir():
        raise BackupError("is no folder", where=str(home), remedy="name the home with --home")
    path = to / f"perfml-{now:%Y%m%dT%H%M%SZ}.tar.gz" if to.is_dir() or not to.suffix else to
    if path.resolve().is_relative_to(home.resolve()):
        raise BackupError("lies in the home", where=f"--to {to}", remedy="name another folder, on another disk")
    with atomic_write(path) as temporary:
        private_file(temporary)
        with tarfile.open(temporary, "w:gz", compresslevel=1) as archive:
            files = _settled(archive, home)
            manifest = _store(archive, home, files, now=now)
            if (home / KEY_FILE).exists() or os.environ.get(KEY_VARIABLE):
                manifest = manifest.signed(audit_key(home))
            _add(archive, MANIFEST, io.BytesIO(manifest.text().encode()))
    return path, manifest


def is_left_out(name: str) -> bool:
    """Whether a file of a home is in no backup as it is: keys, what belongs to a moment, and what the store is written into."""
    base = name.rsplit("/", 1)[-1]
    return base.endswith((".key", *PASSING)) or name in (MARKER, HEADS) or name.startswith((FILE, CHECKPOINTS, NIGHTLY))


def _settled(archive: tarfile.TarFile, home: Path) -> dict[str, str]:
    """Copy the files until none has changed: all copies are then of one moment. File → SHA-256."""
    copied: dict[str, Identity | None] = {}
    hashes: dict[str, str] = {}
    for _ in range(ROUNDS):
        now = dict(_files(home))
        if now == copied:
            break
        for name in now.keys() - hashes.keys() | {name for name in now if now[name] != copied.get(name)}:
            with suppress(FileNotFoundError), (home / name).open("rb") as file:  # gone since: the next look knows
                hashes[name] = _add(archive, name, file)
        copied = now
    else:
        raise BackupError("changes all the time", where=str(home), remedy="try again when less is computed")
    hashes = {name: digest for name, digest in hashes.items() if name in copied}
    for database in _databases(home):
        hashes[database] = _copy_database(archive, home, database)
    return hashes


def _files(home: Path) -> Iterator[tuple[str, Identity | None]]:
    for folder, _, names in os.walk(home):
        for base in names:
            path = Path(folder) / base
            name = path.relative_to(home).as_posix()
            if not is_left_out(name) and not path.is_symlink() and path.suffix not in DATABASES:
                identity = identity_of(path)
                if identity is not None:
                    yield name, identity


def _databases(home: Path) -> list[str]:
    """Databases of others in the home, such as MLflow's."""
    paths = (path for ending in DATABASES for path in home.rglob(f"*{ending}"))
    names = (path.relative_to(home).as_posix() for path in paths if path.is_file() and not path.is_symlink())
    return sorted(name for name in names if not is_left_out(name))


def _copy_database(archive: tarfile.TarFile, home: Path, name: str) -> str:
    with tempfile.TemporaryDirectory(prefix="perfml") as folder:
        copy = Path(folder) / "copy"
        with (
            closing(sqlite3.connect(f"file:{home / name}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        with copy.open("rb") as file:
            return _add(archive, name, file)


def _store(archive: tarfile.TarFile, home: Path, files: Mapping[str, str], *, now: dt.datetime) -> BackupManifest:
    """Add the rows of the store, the checkpoints that they reach, and the newest hash of the log."""
    at = now.isoformat(timespec="seconds")
    if not is_made(home):
        return BackupManifest(
            perfml=__version__, made_at=at, head=None, store_id=None, rows={}, numbers={}, files=files
        )
    hashes = dict(files)
    with tempfile.TemporaryFile() as rows:
        with session(home, writing=False) as connection:
            counts = write_rows(connection, rows)
            numbers = last_numbers(connection)
            number = str(connection.execute(sql.select(IDENTITY.c.id)).scalar_one())
            newest = connection.execute(
                sql.select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)
            ).one_or_none()
        hashes[ENTRIES_FILE] = _add(archive, ENTRIES_FILE, rows)
    if newest is not None:
        hashes[HEADS] = _add(archive, HEADS, io.BytesIO(f"\n{newest.number} {newest.hash}".encode()))
    for path in sorted((home / CHECKPOINTS).glob("*.checkpoint")):
        if path.stem.isdecimal() and int(path.stem) <= counts[AUDIT.name]:
            with path.open("rb") as file:
                hashes[CHECKPOINTS + path.name] = _add(archive, CHECKPOINTS + path.name, file)
    return BackupManifest(
        perfml=__version__, made_at=at, head=HEAD, store_id=number, rows=counts, numbers=numbers, files=hashes
    )


class _Hashing(io.RawIOBase):
    """Hashes what is read through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read and hash."""
        part = self._file.read(size)
        self.digest.update(part)
        return part


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes]) -> str:
    """Add the bytes of ``file`` as a member; return their SHA-256."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = file.seek(0, os.SEEK_END), 0o600
    file.seek(0)
    hashing = _Hashing(file)
    archive.addfile(info, hashing)
    return hashing.digest.hexdigest()
