"""Whether silent holes are found, and how often a sound log is doubted: ``python3 run.py benchmark holes [--data FOLDER …]``.

Simulated companies have a log without holes: what is found there is a false alarm. Stretches of 1 to 10 days are then hidden, of
one source, kind, department, location, or source in a location, and it is counted how many are found, and where. ``--data`` looks
at further logs, of which nobody knows the truth.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.stats import beta, chi2

from perfml.demo.company import simulate
from perfml.evidence.holes.hole import Hole, LogPart
from perfml.evidence.holes.known import KnownHoles
from perfml.evidence.holes.planted import hidden_rows
from perfml.evidence.holes.silent import REACH_DAYS
from perfml.evidence.record_end import end_of_record
from perfml.evidence.sources import Data, open_data
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

START, END = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
LENGTHS = (1, 2, 3, 5, 10)
SHAPES = ("source", "kind", "department", "location", "source in a location")
FOLDER = ProjectFolder(STARTER)


def alarms(data: Data) -> tuple[int, int, list[Hole]]:
    """Company-years looked at, alarms, and the holes behind them."""
    end = end_of_record(data)
    (begin,) = data.connection.execute("select min(happened_day) from events").fetchall()[0]
    years = max(1, (end - begin).days // REACH_DAYS)
    dates = [end - dt.timedelta(days=REACH_DAYS * year) for year in reversed(range(years))]
    known = KnownHoles(data, FOLDER.definitions.holes, dates)
    holes = [hole for day in dates for hole in known.at[day]]
    return years, len(holes), holes


def parts(data: Data, shape: str) -> list[tuple[LogPart, float]]:
    """The parts of a shape with their rows on a working day."""
    known = KnownHoles(data, FOLDER.definitions.holes, [END])
    assert known.counts is not None
    names = ("source", "location") if shape.startswith("source in") else (shape,)
    rates = known.counts.on_time[:, -200:].sum(axis=1) / (200 * 5 / 7)
    return [
        (part, float(rate))
        for part, rate in zip(known.counts.parts, rates, strict=True)
        if tuple(part.given) == names and rate > 0
    ]


def main() -> int:
    """Print false alarms a company-year, and the share of planted holes that are found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--employees", type=int, default=300)
    parser.add_argument("--each", type=int, default=4, help="holes of each shape and length in each company")
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    rng = np.random.default_rng(5)
    years, wrong = 0, 0
    by_length: dict[object, list[bool]] = defaultdict(list)
    by_rate: dict[object, list[bool]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(options.seeds):
            folder = Path(temporary) / str(seed)
            simulate(folder, employees=options.employees, start=START, end=END, seed=100 + seed)
            with open_data(folder, FOLDER.definitions.tables) as data:
                more, alarmed, holes = alarms(data)
                years, wrong = years + more, wrong + alarmed
                for hole in holes:
                    print("false alarm:", render(hole.text(), "en"))
                for shape in SHAPES:
                    choices = parts(data, shape)
                    for length in LENGTHS:
                        for _ in range(options.each):
                            part, rate = choices[int(rng.integers(len(choices)))]
                            first = END - dt.timedelta(days=int(rng.integers(length + 1, 300)))
                            while first.weekday() > 4:
                                first += dt.timedelta(days=1)
                            last = min(first + dt.timedelta(days=length - 1), END - dt.timedelta(days=2))
                            planted = Hole(part=part, first=first, last=last, cause="lost")
                            with hidden_rows(data, [planted], END):
                                known = KnownHoles(data, FOLDER.definitions.holes, [END]).at[END]
                            found = any(
                                hole.first <= last and hole.last >= first and hole.part.given.keys() & part.given.keys()
                                for hole in known
                            )
                            by_length[length].append(found)
                            by_rate[next(limit for limit in (3, 10, 30, 100, 1e9) if rate <= limit)].append(found)
    high = chi2.ppf(0.95, 2 * (wrong + 1)) / 2 / years
    print(f"false alarms: {wrong} in {years} company-years of simulated logs (95 % limit {high:.2f} a year)")
    for title, shares in (("days", by_length), ("rows a working day, up to", by_rate)):
        for key, seen in sorted(shares.items(), key=lambda item: float(str(item[0]))):
            low = beta.ppf(0.025, sum(seen), len(seen) - sum(seen) + 1) if any(seen) else 0.0
            print(f"found, {title} {key}: {sum(seen)} of {len(seen)} (at least {low:.0%} at 97.5 %)")
    for path in options.data:
        with open_data(path, FOLDER.definitions.tables) as data:
            more, alarmed, holes = alarms(data)
            print(f"{path.name}: {alarmed} alarms in {more} years")
            for hole in holes:
                print("  ", render(hole.text(), "en"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
