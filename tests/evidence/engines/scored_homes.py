"""Two homes, scored on two engines, side by side."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

CLOSE = 1e-12


def unlike_files(first: Path, other: Path) -> list[str]:
    """The Parquet files below two homes that are not in both, or whose rows differ: numbers by more than :data:`CLOSE`."""
    names = [{path.relative_to(home) for path in home.rglob("*.parquet")} for home in (first, other)]
    wrong = [str(name) for name in names[0] ^ names[1]]
    for name in names[0] & names[1]:
        left, right = (pq.read_table(home / name) for home in (first, other))
        if left.schema.remove_metadata() != right.schema.remove_metadata():
            wrong.append(f"{name}: columns")
        elif not left.equals(right) and not close(left.to_pylist(), right.to_pylist()):
            wrong.append(f"{name}: rows")
    return sorted(wrong)


def close(left: object, right: object) -> bool:
    """Whether two values, or all within them, are the same; numbers up to :data:`CLOSE`."""
    match left, right:
        case float(), float():
            return abs(left - right) <= CLOSE * max(1.0, abs(left)) or (left != left and right != right)
        case dict(), dict():
            return left.keys() == right.keys() and all(close(left[key], right[key]) for key in left)
        case list(), list():
            return len(left) == len(right) and all(map(close, left, right))
    return left == right
