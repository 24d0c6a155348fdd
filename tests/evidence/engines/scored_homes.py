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


def close(one: object, two: object) -> bool:
    """Whether two values, or all within them, are the same; numbers up to :data:`CLOSE`."""
    match one, two:
        case float(), float():
            return abs(one - two) <= CLOSE * max(1.0, abs(one)) or (one != one and two != two)
        case dict(), dict():
            return one.keys() == two.keys() and all(close(one[key], two[key]) for key in one)
        case list(), list():
            return len(one) == len(two) and all(map(close, one, two))
    return one == two
