"""What the evidence costs: ``python3 run.py benchmark evidence [--events 5000000 50000000] [--quick] [--fresh]``.

Companies of 20,000 people over 24 months, in the shape of the input contract; the definitions are those that perfml ships.
Every figure is CPU time (user and system) or peak memory of a process of its own, so that a busy machine changes a ratio
little: processes that are compared run one after the other, several times over where the company is small.

- *scan*: DuckDB merely groups the same columns of the log by employee and kind;
- *perfml*: all evidence into one Parquet file, from the opening of the tables on;
- *pandas*: the windowed evidence as one would first write it (``_pandas_version.py``), compared with perfml's *windowed* alone;
- *nightly*: perfml at one as-of date; *known next day*: perfml where every event names the day after as ``known_at``.

Prints a table with the goals and writes ``build/benchmark_evidence.json``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.table import Table

from benchmarks._company_log import Size, company
from perfml.files import write_text

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "build" / "benchmark"
TODAY = dt.date(2025, 6, 1)
GOALS = {
    "perfml_over_scan": ("≤", 5.0),
    "pandas_over_perfml": ("≥", 5.0),
    "perfml_peak_gigabytes": ("≤", 5.0),
    "growth_events_x4": ("≤", 3.5),
    "growth_as_ofs_x4": ("≤", 2.5),
}
SCAN = """select employee_id, kind, count(*), sum(value), max(happened_at), count(counterpart_id)
from read_parquet('{folder}/events/*.parquet') group by employee_id, kind"""
console = Console()


# ---- what a child process does ----------------------------------------------------------------------------------


def scan(folder: Path, as_ofs: Sequence[dt.date], out: Path) -> None:
    """Group the columns of the log, as cheaply as DuckDB does it."""
    import duckdb

    duckdb.connect().execute(SCAN.format(folder=folder)).fetchnumpy()


def perfml(folder: Path, as_ofs: Sequence[dt.date], out: Path) -> None:
    """All evidence that perfml's own definitions make, into a Parquet file."""
    from perfml.evidence.features import write
    from perfml.evidence.sources import open_data
    from perfml.project.folder import ProjectFolder
    from perfml.project.starter import STARTER

    definitions = ProjectFolder(STARTER).definitions
    write(open_data(folder, definitions.tables, today=TODAY), definitions, as_ofs, out)


def windowed(folder: Path, as_ofs: Sequence[dt.date], out: Path) -> None:
    """perfml's windowed evidence alone: the columns that the pandas version makes."""
    from perfml.evidence.features import write
    from perfml.evidence.sources import open_data
    from perfml.project.folder import ProjectFolder
    from perfml.project.starter import STARTER

    definitions = ProjectFolder(STARTER).definitions
    write(open_data(folder, definitions.tables, today=TODAY), replace(definitions, relational=()), as_ofs, out)


def pandas(folder: Path, as_ofs: Sequence[dt.date], out: Path) -> None:
    """The windowed evidence in pandas, into a Parquet file."""
    from benchmarks._pandas_version import features
    from perfml.project.folder import ProjectFolder
    from perfml.project.starter import STARTER

    features(folder, ProjectFolder(STARTER).definitions, as_ofs).to_parquet(out)


JOBS: dict[str, Callable[[Path, Sequence[dt.date], Path], None]] = {
    "scan": scan,
    "perfml": perfml,
    "windowed": windowed,
    "pandas": pandas,
}


def dates(number: int) -> list[dt.date]:
    """As-of dates: one (the last), monthly (24), or four a month (96), over the same two years."""
    monthly = [dt.date(2023 + month // 12, month % 12 + 1, 1) for month in range(1, 25)]
    if number <= len(monthly):
        return monthly[-number:]
    return sorted(first - dt.timedelta(days=back) for first in monthly for back in (0, 8, 15, 23))


# ---- measuring it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """Of one process."""

    cpu_seconds: float
    peak_gigabytes: float


def cost(job: str, folder: Path, n_as_ofs: int = 24) -> Cost | None:
    """Run a job as a process of its own; None where it fails (out of memory, for example)."""
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        out = Path(scratch) / "out.parquet"
        command = [sys.executable, __file__, "--child", job, str(folder), str(n_as_ofs), str(out)]
        _, status, used = os.wait4(os.posix_spawn(sys.executable, command, os.environ), 0)
    if status:
        return None
    console.print(
        f"{used.ru_utime + used.ru_stime:8.1f} CPU s  {job}, {n_as_ofs} dates, {folder.name}", highlight=False
    )
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9)


Figures = dict[str, list[float]]


def note(figures: Figures, name: str, value: float) -> None:
    """One more measurement of a figure."""
    figures.setdefault(name, []).append(value)


def measure(size: Size, *, repeats: int, once: bool, fresh: bool, with_pandas: bool) -> Figures:
    """All figures of a company of one size; with ``once``, only perfml and the scan are measured again and again."""
    figures: Figures = {}
    folder = company(size, HOME, fresh=fresh)
    quarter = company(replace(size, events=size.events // 4), HOME, fresh=fresh)
    late = company(replace(size, known_next_day=True), HOME, fresh=fresh)
    for number in range(repeats):
        before, ours, after = cost("scan", folder), cost("perfml", folder), cost("scan", folder)
        assert before and ours and after, "a process failed; its words stand above"
        scanned = (before.cpu_seconds + after.cpu_seconds) / 2
        note(figures, "scan_cpu_seconds", scanned)
        note(figures, "perfml_cpu_seconds", ours.cpu_seconds)
        note(figures, "perfml_peak_gigabytes", ours.peak_gigabytes)
        note(figures, "perfml_over_scan", ours.cpu_seconds / scanned)
        if number and once:
            continue
        fewer, more = cost("perfml", quarter), cost("perfml", folder, 96)
        nightly, delayed = cost("perfml", folder, 1), cost("perfml", late)
        assert fewer and more and nightly and delayed, "a process failed; its words stand above"
        note(figures, "growth_events_x4", ours.cpu_seconds / fewer.cpu_seconds)
        note(figures, "growth_as_ofs_x4", more.cpu_seconds / ours.cpu_seconds)
        note(figures, "peak_gigabytes_96_as_ofs", more.peak_gigabytes)
        note(figures, "nightly_cpu_seconds", nightly.cpu_seconds)
        note(figures, "known_next_day_over_perfml", delayed.cpu_seconds / ours.cpu_seconds)
        if with_pandas and number == 0:
            same, theirs = cost("windowed", folder), cost("pandas", folder)
            if same is None or theirs is None:
                console.print(f"[yellow]pandas did not finish on {size.events:,} events[/]")
            else:
                note(figures, "perfml_windowed_cpu_seconds", same.cpu_seconds)
                note(figures, "pandas_cpu_seconds", theirs.cpu_seconds)
                note(figures, "pandas_peak_gigabytes", theirs.peak_gigabytes)
                note(figures, "pandas_over_perfml", theirs.cpu_seconds / same.cpu_seconds)
    return figures


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"value": statistics.median(values), "low": min(values), "high": max(values)}


def show(results: dict[str, dict[str, dict[str, float]]], judged: str) -> int:
    """Print the figures; return how many of the ``judged`` set's goals are missed."""
    table = Table(title="evidence, CPU seconds and ratios of them", title_justify="left")
    for heading in ("events", "figure", "value", "from … to", "goal"):
        table.add_column(heading, justify="left" if heading in ("figure", "goal") else "right")
    missed = 0
    for name, figures in results.items():
        for figure, found in figures.items():
            sign, goal = GOALS.get(figure, ("", 0.0))
            reached = found["value"] <= goal if sign == "≤" else found["value"] >= goal
            missed += name == judged and bool(sign) and not reached
            said = f"[{'green' if reached else 'red'}]{sign} {goal:g}[/]" if sign and name == judged else ""
            span = f"{found['low']:.2f} … {found['high']:.2f}" if found["low"] < found["high"] else ""
            table.add_row(name, figure.replace("_", " "), f"{found['value']:.2f}", span, said)
    console.print(table)
    return missed


def main() -> int:
    """Exit code 1 when the largest company misses a goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[5_000_000, 50_000_000])
    parser.add_argument("--employees", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3, help="of the largest company: of perfml and the scan only")
    parser.add_argument("--no-pandas", type=int, default=0, metavar="EVENTS", help="leave pandas out from this size on")
    parser.add_argument("--quick", action="store_true", help="one company of 2,000 people and 400,000 events, once")
    parser.add_argument("--fresh", action="store_true", help="make the companies anew")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "benchmark_evidence.json")
    parser.add_argument("--child", nargs=4, metavar=("JOB", "FOLDER", "AS_OFS", "OUT"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        job, folder, n_as_ofs, out = chosen.child
        JOBS[job](Path(folder), dates(int(n_as_ofs)), Path(out))
        return 0
    sizes = [Size(chosen.employees, events) for events in sorted(chosen.events)]
    if chosen.quick:
        sizes = [Size(2_000, 400_000)]
    HOME.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, dict[str, float]]] = {}
    for size in sizes:
        repeats = 1 if chosen.quick else chosen.repeats
        with_pandas = not chosen.no_pandas or size.events < chosen.no_pandas
        figures = measure(size, repeats=repeats, once=size == sizes[-1], fresh=chosen.fresh, with_pandas=with_pandas)
        results[f"{size.events:,}"] = {name: summary(values) for name, values in figures.items()}
    missed = show(results, f"{sizes[-1].events:,}")
    write_text(chosen.out, json.dumps(results, indent=1) + "\n")
    console.print(f"written to {chosen.out}")
    return 1 if missed and not chosen.quick else 0


if __name__ == "__main__":
    sys.exit(main())
