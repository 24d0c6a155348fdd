"""Whether two checkouts compute the same: ``python3 run.py benchmark unchanged OTHER_CHECKOUT [--evaluate]``.

Each checkout simulates the same company, builds its evidence, trains both models, scores everybody with reasons, draws curves,
and suggests targets and courses, in a process of its own. Numbers, ids, dates, statuses and evidence names are compared to the
last digit; wording is counted and shown, since an editor may change it. With ``--evaluate`` the figures on real data are
compared too. Takes some minutes; ends with 1 where anything but wording differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
CAPTURE = """
import datetime as dt, json, sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from perfml import Project
from perfml.demo.company import simulate
from perfml.project.starter import STARTER
folder, people, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
start, end = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
data = folder / "company"
simulate(data, employees=people, start=start, end=end, seed=seed)
project = Project(STARTER, home=folder / "home")
keep = lambda name, table: pq.write_table(table, folder / f"{name}.parquet")
keep("evidence", pa.Table.from_pandas(project.features(data, as_of=[end]), preserve_index=False))
for model in ("attrition", "low_performance"):
    project.train(model, data, until=end)
    keep(f"scores of {model}", project.score(model, data, as_of=end))
keep("curves", project.curves("attrition", data, as_of=end))
keep("targets", project.targets(data, as_of="2026-09-03"))
keep("courses", project.courses(data, as_of=end))
"""
WORDING = ("en", "zh", "title", "text", "why_not")
"""How keys end whose texts may be edited."""
RENAMED = {"steady": "stable"}
"""Fields of a reason, by their earlier name."""
VERSIONS = frozenset({"model_version", "suggestion_id"})
"""Hashes of what a model or a suggestion was made from, wording included."""
SHOWN = 5


def capture(checkout: Path, folder: Path, people: int, seed: int) -> None:
    """Write what ``checkout`` computes as Parquet files into ``folder``."""
    env = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", CAPTURE, str(folder), str(people), str(seed)]
    subprocess.run(command, check=True, cwd=folder, env=env)


def evaluate(checkout: Path, folder: Path) -> None:
    """Write the figures on real data to ``figures.json`` in ``folder``; a goal that is missed is no failure here."""
    env = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        str(checkout / "evaluation" / "run.py"),
        "--out",
        str(folder / "figures.json"),
        "--jobs",
        "1",
    ]
    subprocess.run(command, cwd=checkout, env=env, stdout=subprocess.DEVNULL)


def differences(ours: Any, theirs: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, bool, Any, Any]]:
    """Each place where two nested values differ: its path, whether it is wording, and both values."""
    key = path[-1] if path else ""
    if key in VERSIONS:
        return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        ours = {RENAMED.get(name, name): value for name, value in ours.items()}
        theirs = {RENAMED.get(name, name): value for name, value in theirs.items()}
        for name in [*ours, *(name for name in theirs if name not in ours)]:
            yield from differences(ours.get(name, "absent"), theirs.get(name, "absent"), (*path, str(name)))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for left, right in zip(ours, theirs, strict=True):
            yield from differences(left, right, path)
    elif repr(ours) != repr(theirs):  # tells 0.1 from its neighbour, and one missing value is like another
        yield ".".join(path), key.endswith(WORDING), ours, theirs


def compared(name: str, ours: Any, theirs: Any) -> int:
    """Print how ``ours`` and ``theirs`` differ; returns how many places differ in more than wording."""
    places = list(differences(ours, theirs))
    facts = [place for place in places if not place[1]]
    size = f"{len(ours):,} rows" if isinstance(ours, list) else f"{len(ours):,} sets"
    print(f"{name}: {size}, {len(facts)} differences, {len(places) - len(facts)} of wording only")
    for path, count in Counter(path for path, wording, *_ in places if not wording).most_common(SHOWN):
        example = next(place for place in facts if place[0] == path)
        print(f"  {path}: {count}, e.g. {example[2]!r} and {example[3]!r}")
    for path, _, left, right in [place for place in places if place[1]][:SHOWN]:
        print(f"  wording of {path}: {left!r} and {right!r}")
    return len(facts)


def main() -> int:
    """Exit code 1 when anything but wording differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="another checkout of perfml")
    parser.add_argument("--employees", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--evaluate", action="store_true", help="compare the figures on real data too")
    options = parser.parse_args()
    checkouts = (ROOT, options.other.resolve())
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(2) as pool:
        folders = [Path(temporary) / name for name in ("ours", "theirs")]
        for folder in folders:
            folder.mkdir()
        list(pool.map(capture, checkouts, folders, [options.employees] * 2, [options.seed] * 2))
        if options.evaluate:
            list(pool.map(evaluate, checkouts, folders))
        total = 0
        tables = sorted(path.relative_to(folders[0]) for path in folders[0].glob("*.parquet"))
        tables += sorted(path.relative_to(folders[0]) for path in folders[0].glob("company/*.parquet"))
        for table in tables:
            total += compared(
                str(table.with_suffix("")), *(pq.read_table(folder / table).to_pylist() for folder in folders)
            )
        if options.evaluate:
            total += compared("evaluation", *(json.loads((folder / "figures.json").read_text()) for folder in folders))
    print("the same" if total == 0 else f"{total} differences")
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main())
