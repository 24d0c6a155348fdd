"""Restoring a backup: everything is verified before anything is written, and the home appears with one rename."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from perfml.errors import PerfmlError
from perfml.files import PRIVATE_FILE, private_folder, reading, write_text, writing
from perfml.store.audit.secret import KEY_FILE, KEY_VARIABLE, audit_key
from perfml.store.backup.making import CHECKPOINTS, HEADS, is_left_out
from perfml.store.backup.manifest import (
    ENTRIES_FILE,
    MANIFEST,
    BackupError,
    BackupManifest,
    damaged,
    read_manifest,
)
from perfml.store.backup.rows import load_rows
from perfml.store.opening import fill_store
from perfml.store.tables import AUDIT

BYTES_AT_ONCE = 1 << 20
MOST_MANIFEST = 1 << 28
"""Bytes of the longest manifest that is read."""


def restore_backup(archive: Path, home: Path, *, key_file: Path | None = None) -> BackupManifest:
    """Restore ``archive`` into ``home``, which must not exist or be empty; return what it holds.

    The key of the audit log comes from ``PERFML_AUDIT_KEY`` or ``key_file``, which is copied; entries go to the database that
    ``PERFML_STORE_URL`` names, else into the home. Raises :class:`BackupError` for a backup that is damaged or was altered, and
    without the key.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise BackupError("is not empty", where=str(home), remedy="name a home that does not exist yet")
    manifest = verified(archive)
    staging = home.parent / f".{home.name}.restoring"
    with writing(staging):
        shutil.rmtree(staging, ignore_errors=True)
        private_folder(staging)
        try:
            _take_key(staging, key_file, manifest, where=str(archive))
            with _opened(archive) as members:
                _extract(members, staging, manifest)
            _fill(staging, manifest, where=str(archive))
            if home.exists():
                home.rmdir()
            staging.rename(home)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return manifest


def verified(archive: Path) -> BackupManifest:
    """Read what a backup holds, after every byte was compared with its manifest. Raises :class:`BackupError`."""
    hashes: dict[str, str] = {}
    text = b""
    with _opened(archive) as members:
        for member, file in _members(members, str(archive)):
            if member.name == MANIFEST:
                text = file.read(MOST_MANIFEST)
            else:
                hashes[member.name] = _digest(file.read)
        assert members.fileobj is not None
        _digest(members.fileobj.read)  # to the very end, where the checksum of the whole is
    if not text:
        raise damaged(str(archive), "it has no manifest")
    manifest = read_manifest(text, where=str(archive))
    for name, digest in manifest.files.items():
        if hashes.get(name) != digest:
            raise damaged(str(archive), f"{name} {'is missing' if name not in hashes else 'was altered'}")
    return manifest


def _take_key(staging: Path, key_file: Path | None, manifest: BackupManifest, *, where: str) -> None:
    """Check the signature with the key, which then lies in the home unless the environment holds it."""
    if manifest.signature is None:
        if manifest.rows.get(AUDIT.name) or key_file is not None or os.environ.get(KEY_VARIABLE):
            raise damaged(where, "it is not signed")
        return
    if key_file is not None:
        with reading(key_file, remedy="name the file of the key with --key", error=BackupError):
            write_text(staging / KEY_FILE, key_file.read_text(encoding="ascii"))
    try:
        key = audit_key(staging)
    except PerfmlError as error:
        raise BackupError(
            "needs the key of its audit log, which is in no backup",
            where=where,
            remedy=f"name the file with --key, or set {KEY_VARIABLE}",
        ) from error
    if not manifest.is_signed_with(key):
        raise damaged(where, "it was not signed with this key, or was altered since")


def _extract(members: tarfile.TarFile, staging: Path, manifest: BackupManifest) -> None:
    """Write the files of the manifest; of one that was copied twice the later copy counts."""
    for member, file in _members(members, str(members.name)):
        if member.name in manifest.files:
            path = staging / member.name
            private_folder(path.parent)
            with open(path, "wb", opener=_private) as out:
                shutil.copyfileobj(file, out, BYTES_AT_ONCE)
    for name, digest in manifest.files.items():
        with (staging / name).open("rb") as copied:
            if _digest(copied.read) != digest:
                raise damaged(str(members.name), f"{name} was altered")


def _fill(staging: Path, manifest: BackupManifest, *, where: str) -> None:
    if manifest.head is None or manifest.store_id is None:
        return
    rows = staging / ENTRIES_FILE
    with rows.open("rb") as lines, fill_store(staging, manifest.store_id, head=manifest.head) as connection:
        if load_rows(connection, lines, manifest.numbers) != {name: n for name, n in manifest.rows.items() if n}:
            raise damaged(where, "its store has other rows than it says")
    rows.unlink()


def _members(members: tarfile.TarFile, where: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Regular files under names that stay within a home and that a backup has. Raises :class:`BackupError` for any other."""
    for member in members:
        path = PurePosixPath(member.name)
        named = member.name.startswith(CHECKPOINTS) or member.name == HEADS or not is_left_out(member.name)
        if not member.isreg() or path.is_absolute() or ".." in path.parts or "\\" in member.name or not named:
            raise damaged(where, f"it holds {member.name!r}, which no backup does")
        file = members.extractfile(member)
        assert file is not None
        yield member, file


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """The members of a backup. Raises :class:`BackupError` for a file that is none, or was cut."""
    try:
        with tarfile.open(archive, "r:gz") as members:
            yield members
    except (tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise damaged(str(archive), "it was cut, or is no backup") from error
    except OSError as error:
        if error.errno is not None and error.filename is not None:
            raise BackupError(
                f"cannot be read ({error.strerror})", where=str(archive), remedy="name a file that perfml backup wrote"
            ) from error
        raise damaged(str(archive), "it was cut, or is no backup") from error


def _digest(read: Callable[[int], bytes]) -> str:
    digest = hashlib.sha256()
    while part := read(BYTES_AT_ONCE):
        digest.update(part)
    return digest.hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)
