"""Files that are written whole or not at all, readable by their owner alone; a damaged one ends in one error that names it."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from threading import get_ident

from perfml.errors import DiskFull, PerfmlError

DAMAGE = (
    OSError,  # unreadable, or a folder in its stead
    ValueError,  # no JSON, no UTF-8, no date
    LookupError,  # a key or column that is not in it
    TypeError,  # a list for a mapping, or fields of another version: ``Promotion(**entry)``
)
"""What reading a damaged file raises. Blocks under :func:`reading` hold the reading alone, as a fault of perfml would look the
same; the error it came from stays attached."""
LONGEST_REASON = 200
INTERRUPTED_SECONDS = 3600
"""Age from which an untouched temporary file is left over from a killed process; writing one takes seconds."""
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""Rights of files and folders that are made."""
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a full disk, and of a used-up quota."""


@contextmanager
def reading(path: Path, *, remedy: str, error: type[PerfmlError] = PerfmlError) -> Iterator[None]:
    """Whatever a reader of ``path`` raises becomes one ``error`` that names the file and says what to do.

    >>> with reading(Path("a.json"), remedy="make it again"):
    ...     int("{")
    Traceback (most recent call last):
    perfml.errors.PerfmlError: a.json: cannot be read (invalid literal for int() with base 10: '{'); make it again
    """
    try:
        yield
    except DAMAGE as damage:
        lines = str(damage.strerror if isinstance(damage, OSError) and damage.strerror else damage).splitlines()
        reason = (lines or [type(damage).__name__])[0][:LONGEST_REASON]
        raise error(f"cannot be read ({reason})", where=str(path), remedy=remedy) from damage


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A full disk becomes one :class:`DiskFull` that names ``path``; another error stays what it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise DiskFull(str(path)) from error


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; its file replaces ``path`` if the block ends without an error.

    A process killed at any moment leaves the previous ``path`` unchanged; what it left half written goes with a later file of the
    folder. Raises :class:`DiskFull`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.tmp")
    with writing(path):
        private_folder(path.parent)
        _remove_interrupted(path.parent)
        try:
            yield temporary
            temporary.chmod(PRIVATE_FILE)
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the new name outlasts a loss of power
            finally:
                os.close(folder)
        finally:
            temporary.unlink(missing_ok=True)


def _remove_interrupted(folder: Path) -> None:
    """Remove temporary files of killed processes; one modified recently may still be in use."""
    for path in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):  # the other process has just finished
            if time.time() - path.stat().st_mtime > INTERRUPTED_SECONDS:
                path.unlink()


def private_folder(path: Path) -> None:
    """Make ``path`` and its parents; folders that are made are open to their owner alone."""
    missing = list(takewhile(lambda folder: not folder.exists(), (path, *path.parents)))
    for folder in reversed(missing):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def private_file(path: Path) -> None:
    """Make ``path`` if it does not exist, readable and writable by its owner alone."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE_FILE))


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, completely or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
