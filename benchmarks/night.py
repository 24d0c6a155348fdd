"""What one more night costs: ``python3 run.py benchmark night [--events 5000000 20000000] [--nights 3] [--engine spark]``.

The company of ``benchmark evidence``, whose log ends with November 2024. Each night a file brings the events of one more day, and
some that happened up to two years ago. Every figure is CPU time (user and system) of a process of its own, from the opening of
the tables to the written evidence, all columns that perfml ships; *start* is a process that only loads the libraries, and is in
all.

- *whole*: the evidence at 24 dates, as ``benchmark evidence`` has it; *one date*: the same at one date;
- *first night*: the state folder is made, and gives the evidence of its date;
- *night*: one more date from the state; *night over whole* is the share of the work of 24 dates, with and without *start*;
- *records*: the rows that everybody may see of themselves, from the whole log, and from the state a night after it was made
  (these are not written).

With ``--engine spark`` all but *records* runs on ``local[2]``, and CPU is that of a tree of processes, the JVM and its workers
too; *start* is then that of Spark, by a small run before, and is in none of the others.

The evidence of the last night is compared with that of the whole log, value by value. Writes ``build/benchmark_night.json``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks._company_log import KINDS, ROWS_OF_GROUP, Size, company
from benchmarks._memory import peak_mb
from perfml.files import write_text
from perfml.project.spec import EngineSettings

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "build" / "benchmark"
TODAY = dt.date(2025, 6, 1)
FIRST = dt.date(2024, 12, 1)
"""The as-of date of the first night; the events from this day on arrive night by night."""
DATES = 24
LATE = 0.01
"""Of the events of a night: how many more come that happened in the first month of the log."""
GOALS = {"duckdb": 0.05, "spark": 0.1}
console = Console()


def evidence(folder: Path, as_ofs: Sequence[dt.date], out: Path, engine: EngineSettings | None = None) -> None:
    """All evidence, read from the whole log."""
    from perfml.evidence.features import write
    from perfml.evidence.sources import open_data
    from perfml.project.folder import ProjectFolder
    from perfml.project.starter import STARTER

    definitions = ProjectFolder(STARTER).definitions
    if as_ofs:
        with open_data(folder, definitions.tables, today=TODAY, engine=engine) as data:
            write(data, definitions, as_ofs, out, kinds=KINDS)


def night(folder: Path, as_ofs: Sequence[dt.date], out: Path, engine: EngineSettings | None = None) -> None:
    """The evidence of one date, from the state folder beside the log."""
    from perfml.evidence.features import write
    from perfml.evidence.nightly.night import NightLog, run_night
    from perfml.evidence.sources import open_data
    from perfml.project.folder import ProjectFolder
    from perfml.project.starter import STARTER

    definitions = ProjectFolder(STARTER).definitions

    def run(kept_log: NightLog) -> None:
        (kept_log.as_of,) = as_ofs
        with open_data(folder, definitions.tables, today=TODAY, kept_log=kept_log, engine=engine) as data:
            write(data, definitions, as_ofs, out, kinds=KINDS)

    run_night(folder.with_name(f"{folder.name}-state"), definitions, run)


def records(folder: Path, as_ofs: Sequence[dt.date], _: Path) -> None:
    """The rows that everybody may see of themselves at one date, read from the whole log."""
    from perfml.evidence.sources import open_data
    from perfml.project.folder import ProjectFolder
    from perfml.project.starter import STARTER
    from perfml.scoring.personal.rows import rows_of_people

    for _part in rows_of_people(open_data(folder, ProjectFolder(STARTER).definitions.tables, today=TODAY), as_ofs[0]):
        pass


def night_records(folder: Path, as_ofs: Sequence[dt.date], _: Path) -> None:
    """The rows that everybody may see of themselves at one date, from the state folder beside the log."""
    from perfml.evidence.nightly.night import NightLog, run_night
    from perfml.evidence.sources import open_data
    from perfml.project.folder import ProjectFolder
    from perfml.project.starter import STARTER
    from perfml.scoring.personal.rows import rows_of_people

    definitions = ProjectFolder(STARTER).definitions

    def run(kept_log: NightLog) -> None:
        data = open_data(folder, definitions.tables, today=TODAY, kept_log=kept_log)
        for _part in rows_of_people(data, as_ofs[0]):
            pass

    run_night(folder.with_name(f"{folder.name}-state"), definitions, run)


ON_SPARK = {"evidence": evidence, "night": night}
JOBS: Mapping[str, Callable[[Path, Sequence[dt.date], Path], None]] = {
    **ON_SPARK,
    "records": records,
    "night_records": night_records,
}


@dataclass(frozen=True)
class Cost:
    """Of one process, and of those below it."""

    cpu_seconds: float
    peak_gigabytes: float
    start_seconds: float = 0.0
    """CPU of Spark's start, which is not in :attr:`cpu_seconds`."""


def on_spark(job: str, folder: Path, as_ofs: Sequence[dt.date], out: Path) -> None:
    """Run a job on Spark once it has started, and print what it cost as JSON."""
    from benchmarks.scale import SMALL, ProcessTree, small_spark

    tree, engine = ProcessTree(), small_spark("local[2]")
    evidence(company(SMALL, HOME), [FIRST], out, engine)
    start = tree.cpu_seconds()
    ON_SPARK[job](folder, as_ofs, out, engine)
    print(json.dumps([tree.cpu_seconds() - start, peak_mb() / 1e3, start]))


def cost(job: str, folder: Path, as_ofs: Sequence[dt.date], *, engine: str, keep: Path | None = None) -> Cost:
    """Run a job as a process of its own; ``keep``: where its evidence is kept."""
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        out = keep or Path(scratch) / "out.parquet"
        command = [
            sys.executable,
            __file__,
            "--engine",
            engine,
            "--child",
            job,
            str(folder),
            str(out),
            *map(str, as_ofs),
        ]
        if engine == "spark":
            answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            measured = Cost(*json.loads(answer.stdout.splitlines()[-1]))
        else:
            _, status, used = os.wait4(os.posix_spawn(sys.executable, command, os.environ), 0)
            assert not status, "a process failed; its words stand above"
            measured = Cost(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9)
    console.print(f"{measured.cpu_seconds:8.1f} CPU s  {job}, {len(as_ofs)} dates, {folder.name}", highlight=False)
    return measured


def until_first(size: Size) -> tuple[Path, pa.Table]:
    """A copy of the company whose log ends before the first night, and the events of the month that follows."""
    source = company(size, HOME)
    folder = HOME / f"{source.name}-nights"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder.with_name(f"{folder.name}-state"), ignore_errors=True)
    shutil.copytree(source, folder)
    last = folder / "events" / f"{FIRST:%Y-%m}.parquet"
    rows = pq.read_table(last)
    last.unlink()
    return folder, rows


def arrive(folder: Path, rows: pa.Table, day: dt.date) -> int:
    """Write the events of ``day`` and some old ones as one more file; return how many."""
    days = pc.cast(rows["happened_at"], pa.date32())
    new = rows.filter(pc.equal(days, pa.scalar(day)))
    with pq.ParquetFile(sorted((folder / "events").iterdir())[0]) as oldest:
        late = oldest.read_row_group(0).slice(day.day * 1000, int(LATE * new.num_rows))
    path = folder / "events" / f"{day}.parquet"
    pq.write_table(pa.concat_tables([new, late]), path, row_group_size=ROWS_OF_GROUP, store_schema=False)
    return int(new.num_rows + late.num_rows)


def measure(size: Size, nights: int, engine: str) -> dict[str, float]:
    """All figures of a company of one size."""
    folder, rows = until_first(size)
    state = folder.with_name(f"{folder.name}-state")
    months = [dt.date(2022 + month // 12, month % 12 + 1, 1) for month in range(12, 12 + DATES)]
    spark = engine == "spark"
    whole = cost("evidence", folder, months, engine=engine)
    first = cost("night", folder, [FIRST], engine=engine)
    costs, of_people, arrived = [], [], 0
    last, again = HOME / "night.parquet", HOME / "whole.parquet"
    for number in range(1, nights + 1):
        arrived += arrive(folder, rows, FIRST + dt.timedelta(days=number - 1))
        as_of = FIRST + dt.timedelta(days=number)
        costs.append(cost("night", folder, [as_of], engine=engine, keep=last))
        of_people += [] if spark else [cost("night_records", folder, [as_of], engine=engine)]
    one = cost("evidence", folder, [FIRST + dt.timedelta(days=nights)], engine=engine, keep=again)
    assert pq.read_table(last).equals(pq.read_table(again), check_metadata=True), "a night differs from the whole log"
    of_night = statistics.median(each.cpu_seconds for each in costs)
    figures = {
        "whole_cpu_seconds": whole.cpu_seconds,
        "one_date_cpu_seconds": one.cpu_seconds,
        "first_night_cpu_seconds": first.cpu_seconds,
        "night_cpu_seconds": of_night,
        "night_over_whole": of_night / whole.cpu_seconds,
        "night_over_one_date": of_night / one.cpu_seconds,
        "night_peak_gigabytes": max(each.peak_gigabytes for each in costs),
        "first_night_peak_gigabytes": first.peak_gigabytes,
        "state_gigabytes": sum(path.stat().st_size for path in state.iterdir()) / 1e9,
        "log_gigabytes": sum(path.stat().st_size for path in (folder / "events").iterdir()) / 1e9,
        "rows_of_a_night": arrived / nights,
    }
    if spark:
        return figures | {"start_cpu_seconds": statistics.median(each.start_seconds for each in costs)}
    start = cost("evidence", folder, [], engine=engine).cpu_seconds
    people = cost("records", folder, [FIRST + dt.timedelta(days=nights)], engine=engine)
    return figures | {
        "start_cpu_seconds": start,
        "night_over_whole_without_start": (of_night - start) / (whole.cpu_seconds - start),
        "records_cpu_seconds": people.cpu_seconds,
        "first_night_records_cpu_seconds": of_people[0].cpu_seconds,
        "night_records_cpu_seconds": of_people[-1].cpu_seconds,
    }


def show(results: dict[str, dict[str, float]]) -> None:
    """Print the figures."""
    table = Table(title="one more night", title_justify="left")
    table.add_column("figure")
    for size in results:
        table.add_column(f"{size} events", justify="right")
    for figure in next(iter(results.values())):
        table.add_row(figure.replace("_", " "), *(f"{of_size[figure]:,.3f}" for of_size in results.values()))
    console.print(table)


def main() -> int:
    """Exit code 1 when the largest company misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[5_000_000, 20_000_000])
    parser.add_argument("--employees", type=int, default=20_000)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--engine", choices=["duckdb", "spark"], default="duckdb")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "benchmark_night.json")
    parser.add_argument("--child", nargs="+", metavar=("JOB", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        job, folder, out, *as_ofs = chosen.child
        given = Path(folder), list(map(dt.date.fromisoformat, as_ofs)), Path(out)
        if chosen.engine == "spark":
            on_spark(job, *given)
        else:
            JOBS[job](*given)
        return 0
    HOME.mkdir(parents=True, exist_ok=True)
    sizes = sorted(chosen.events)
    results = {f"{events:,}": measure(Size(chosen.employees, events), chosen.nights, chosen.engine) for events in sizes}
    show(results)
    write_text(chosen.out, json.dumps(results, indent=1) + "\n")
    ratio, goal = results[f"{sizes[-1]:,}"]["night_over_whole"], GOALS[chosen.engine]
    console.print(f"written to {chosen.out}; the largest: {ratio:.1%} of the work of {DATES} dates (goal ≤ {goal:.0%})")
    return 0 if ratio <= goal else 1


if __name__ == "__main__":
    sys.exit(main())
