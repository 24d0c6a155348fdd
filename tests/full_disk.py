"""A disk of its own that can be filled, where one may be mounted."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REST = "everything-else"


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """Mount a file system of ``megabytes`` at ``folder``; the test is skipped where that is not permitted."""
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("a full disk needs `mount`, which is not installed")
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Write until nothing more fits."""
    with (disk / REST).open("ab", buffering=0) as rest:
        try:
            while True:
                rest.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def make_space(disk: Path) -> None:
    """Remove what :func:`fill` wrote."""
    (disk / REST).unlink()
