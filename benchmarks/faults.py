"""Faults on purpose: ``python3 run.py benchmark faults [NAME …]``, each a long run of what a short test holds.

What perfml does not survive is printed, and the exit code is 1.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._ingest_faults import kill_receivers, permute

SEED = 20261129


def ingest(folder: Path, times: int = 200) -> list[str]:
    """Kill receivers of late packets at random moments."""
    acknowledged, slowest, wrong = kill_receivers(folder, times=times, seed=SEED)
    print(
        f"ingest: {times} kills, {acknowledged} packets acknowledged, inbox read in {slowest:.2f} s, {len(wrong)} lost"
    )
    return wrong


def permutations(folder: Path, times: int = 1000) -> list[str]:
    """Receive duplicate, late and retracted rows in every order."""
    wrong = permute(folder, times=times)
    print(f"permutations: {times} permutations, {len(wrong)} end in another state")
    return wrong


FAULTS: dict[str, Callable[[Path], list[str]]] = {"ingest": ingest, "permutations": permutations}


def main(names: list[str]) -> int:
    """Run the faults of these names, or all; return the exit code."""
    wrong = []
    for name in names or list(FAULTS):
        if name not in FAULTS:
            print(f"{name!r} is no fault; use some of: {', '.join(FAULTS)}", file=sys.stderr)
            return 2
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            wrong += FAULTS[name](Path(folder))
        print(f"  {time.perf_counter() - started:.0f} s")
    print("\n".join(wrong[:50]))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
