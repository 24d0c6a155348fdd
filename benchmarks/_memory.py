"""What a process holds, in MB, on Linux."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_mb() -> float:
    """The most that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mb() -> float:
    """What this process holds now. A later :func:`peak_mb` less this is what came on top; less an earlier peak, what was given
    back in between would hide some of it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
