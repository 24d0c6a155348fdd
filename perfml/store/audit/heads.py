"""The newest hashes beside the database: a line a committed row, so rows cut off at the tail since the last checkpoint show.

Lines are appended after the commit without a lock; their order means nothing. A process killed in between, or a full disk, leaves
out a line, which accuses nobody. A line begins with its break, so that one cut short spoils no other. A checkpoint covers every
line before it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perfml.files import PRIVATE_FILE, private_folder

FOLDER, FILE = "audit", "heads"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Head:
    """Number and hash of a committed row."""

    number: int
    hash: str


def add_heads(home: Path, heads: Sequence[Head]) -> None:
    """Add the newest of ``heads``, whose rows are committed: what is in the store is not taken for lost where this cannot be."""
    if not heads:
        return
    newest = max(heads, key=lambda head: head.number)
    path = home / FOLDER / FILE
    try:
        try:
            file = _opened(path)
        except FileNotFoundError:  # the folder is missing
            private_folder(path.parent)
            file = _opened(path)
        try:
            os.write(file, f"\n{newest.number} {newest.hash}".encode())
        finally:
            os.close(file)
    except OSError as error:
        logger.warning("audit row %d has no head beside the database: %s", newest.number, error)


def _opened(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, PRIVATE_FILE)


def read_heads(home: Path) -> list[Head]:
    """The heads since the last checkpoint. A line that was cut by a loss of power is none."""
    path = home / FOLDER / FILE
    if not path.exists():
        return []
    lines = [line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines()]
    return [
        Head(number=int(line[0]), hash=line[1])
        for line in lines
        if len(line) == 2 and line[0].isdecimal() and len(line[1]) == 64
    ]


def clear_heads(home: Path) -> None:
    """Remove the lines that a checkpoint covers."""
    (home / FOLDER / FILE).unlink(missing_ok=True)
