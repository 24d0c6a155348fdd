"""Memory of a process in MB, on Linux."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_mb() -> float:
    """The peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mb() -> float:
    """The memory of this process now: subtract it from a later :func:`peak_mb` to get the rise.

    Subtracting an earlier peak instead would hide memory released in between.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
