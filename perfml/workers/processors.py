"""How many processors may be used."""

from __future__ import annotations

from joblib import cpu_count


def usable_processors() -> int:
    """Processors that this process may use: of the machine, its affinity and the quota of its container. At least 1."""
    return max(1, int(cpu_count()))
