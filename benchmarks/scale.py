"""What evidence costs on Spark beside DuckDB: ``python3 run.py benchmark scale [--events 1000000 4000000] [--master local[2]]``.

Companies of :mod:`benchmarks._company_log` over 24 months, the shipped definitions, both engines in the same run and each in
processes of its own. CPU is of a whole tree of processes on Linux, Python workers and executors too; the start of Spark and of
its workers is measured by a small run before, and reported apart. ``--master local-cluster[2,1,2048]`` has executors that are
processes of their own; ``--kill`` ends one of them in mid-run; ``--uneven``: half of the events are one person's, and everyone is
of one department and group of peers.

Prints a table with the goals and writes ``build/benchmark_scale.json``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks._company_log import Size, company
from benchmarks._memory import peak_mb
from benchmarks.evidence import HOME, ROOT, TODAY, dates
from perfml.evidence.features import write
from perfml.evidence.sources import open_data
from perfml.files import write_text
from perfml.project.folder import ProjectFolder
from perfml.project.spec import EngineSettings
from perfml.project.starter import STARTER

GOALS = {"spark_over_duckdb": 2.5, "growth_events_x4": 4.2, "spark_java_peak_mb": 2048, "spark_python_peak_mb": 2048}
SMALL = Size(employees=200, events=20_000)
EXECUTOR = "CoarseGrainedExecutorBackend"
TICKS = os.sysconf("SC_CLK_TCK")
console = Console()


@dataclass(frozen=True, kw_only=True)
class Process:
    """What Linux tells of a process."""

    name: str
    """Of its command."""
    parent: int
    cpu_seconds: float
    peak_mb: float


def processes() -> dict[int, Process]:
    """Every process by its number."""
    known: dict[int, Process] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, _, numbers = (path / "stat").read_text().partition("(")[2].rpartition(")")
            fields = numbers.split()
            status = (path / "status").read_text()
        except OSError:
            continue
        peak = next((float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
        cpu = sum(map(int, fields[11:13])) / TICKS
        known[int(path.name)] = Process(name=name, parent=int(fields[1]), cpu_seconds=cpu, peak_mb=peak)
    return known


def below(known: Mapping[int, Process], root: int) -> list[int]:
    """``root`` and its descendants."""
    tree = [root]
    for process in tree:
        tree += [child for child, of_child in known.items() if of_child.parent == process]
    return tree


class ProcessTree:
    """What this process and all below it cost, those that have ended too: looked at every second, as nobody waits for Spark's
    Python workers."""

    def __init__(self) -> None:
        self._seen: dict[int, Process] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self._look()
            time.sleep(1.0)

    def _look(self) -> None:
        known = processes()
        self._seen |= {process: known[process] for process in below(known, os.getpid()) if process in known}

    def cpu_seconds(self) -> float:
        """Of all."""
        self._look()
        return sum(process.cpu_seconds for process in self._seen.values())

    def largest_mb(self, name: str = "") -> float:
        """The peak memory of the largest process below this one whose command's name begins with ``name``."""
        others = (process for number, process in self._seen.items() if number != os.getpid())
        return max((process.peak_mb for process in others if process.name.startswith(name)), default=0.0)


def run(engine: EngineSettings | None, folder: Path, as_ofs: Sequence[dt.date], out: Path) -> None:
    """All shipped evidence into a file."""
    definitions = ProjectFolder(STARTER).definitions
    with open_data(folder, definitions.tables, today=TODAY, engine=engine) as data:
        write(data, definitions, as_ofs, out)


def kill_an_executor(after: float) -> None:
    """End one executor of this process's Spark, once, ``after`` seconds."""
    time.sleep(after)
    for process in below(processes(), os.getpid()):
        command = Path(f"/proc/{process}/cmdline")
        if command.exists() and EXECUTOR.encode() in command.read_bytes():
            os.kill(process, signal.SIGKILL)
            print(f"executor {process} was killed", file=sys.stderr)
            return


def small_spark(master: str) -> EngineSettings:
    """Settings of a Spark with few tasks beside each other."""
    settings = {"spark.driver.memory": "1g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4"}
    return EngineSettings(name="spark", master=master, settings=settings)


def child(name: str, folder: Path, n_as_ofs: int, out: Path, master: str, kill: float) -> None:
    """Run one engine in this process, and print what it cost as JSON."""
    engine, start, tree = None, 0.0, ProcessTree()
    if name == "spark":
        engine = small_spark(master)
        run(engine, company(SMALL, HOME), dates(1), out)
        start = tree.cpu_seconds()
        if kill:
            threading.Thread(target=kill_an_executor, args=(kill,), daemon=True).start()
    before = tree.cpu_seconds() if engine else 0.0
    run(engine, folder, dates(n_as_ofs), out)
    used, largest = tree.cpu_seconds() - before, {f"{each}_mb": tree.largest_mb(each) for each in ("java", "python")}
    print(json.dumps({"cpu": used, "start": start, "own_peak_mb": peak_mb(), **largest}))


def cost(name: str, folder: Path, n_as_ofs: int, out: Path, *, master: str, kill: float = 0.0) -> dict[str, float]:
    """What one engine costs in a process of its own."""
    command = [sys.executable, __file__, "--child", name, str(folder), str(n_as_ofs), str(out), master, str(kill)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    console.print(f"{figures['cpu']:8.1f} CPU s  {name}, {n_as_ofs} dates, {folder.name}", highlight=False)
    return figures


def unlike(first: Path, other: Path) -> float:
    """The largest difference of two files of evidence, relative where values are above 1. Raises where rows or columns differ."""
    left, right = pq.ParquetFile(first), pq.ParquetFile(other)
    assert left.schema_arrow.names == right.schema_arrow.names, "columns differ"
    largest = 0.0
    for name in left.schema_arrow.names:
        one, two = (file.read([name]).column(0).to_pandas() for file in (left, right))
        if name in ("employee_id", "as_of"):
            assert one.equals(two), "rows differ"
            continue
        assert one.isna().equals(two.isna()), f"other values of {name} are missing"
        largest = max(largest, float(((one - two).abs() / one.abs().clip(lower=1)).max()))
    return largest


def goal_of(figure: str) -> float | None:
    """The most that a figure should be; its number of events is not part of its name."""
    return GOALS.get(figure.partition(" ")[0])


def main() -> int:
    """Exit code 1 where a goal is missed or the engines differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000, 4_000_000])
    parser.add_argument("--employees", type=int, default=20_000)
    parser.add_argument("--as-ofs", type=int, default=24)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--kill", type=float, default=0.0, metavar="SECONDS", help="after which an executor is killed")
    parser.add_argument("--uneven", action="store_true", help="half of the events are one person's, and all are peers")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "benchmark_scale.json")
    parser.add_argument("--child", nargs=6, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        name, folder, n_as_ofs, out, master, kill = chosen.child
        child(name, Path(folder), int(n_as_ofs), Path(out), master, float(kill))
        return 0
    HOME.mkdir(parents=True, exist_ok=True)
    figures: dict[str, float] = {}
    spent: list[float] = []
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        here, there = Path(scratch) / "duckdb.parquet", Path(scratch) / "spark.parquet"
        for events in sorted(chosen.events):
            folder = company(Size(chosen.employees, events, uneven=chosen.uneven), HOME)
            ours = cost("duckdb", folder, chosen.as_ofs, here, master="")
            spark = cost("spark", folder, chosen.as_ofs, there, master=chosen.master, kill=chosen.kill)
            spent.append(spark["cpu"])
            figures |= {
                f"duckdb_cpu_seconds {events:,}": ours["cpu"],
                f"duckdb_peak_mb {events:,}": ours["own_peak_mb"],
                f"spark_cpu_seconds {events:,}": spark["cpu"],
                f"spark_start_cpu_seconds {events:,}": spark["start"],
                f"spark_python_driver_peak_mb {events:,}": spark["own_peak_mb"],
                f"largest_difference {events:,}": unlike(here, there),
                f"spark_over_duckdb {events:,}": spark["cpu"] / ours["cpu"],
                f"spark_java_peak_mb {events:,}": spark["java_mb"],
                f"spark_python_peak_mb {events:,}": spark["python_mb"],
            }
    if len(spent) > 1:
        last, before = sorted(chosen.events)[:-3:-1]
        figures[f"growth_events_x{last / before:g}"] = spent[-1] / spent[-2]
    table = Table(title="evidence on Spark", title_justify="left")
    for heading in ("figure", "value", "goal"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for figure, value in figures.items():
        table.add_row(figure.replace("_", " "), f"{value:.3g}", f"≤ {goal:g}" if (goal := goal_of(figure)) else "")
    console.print(table)
    write_text(chosen.out, json.dumps(figures, indent=1) + "\n")
    differs = any(value > 1e-12 for figure, value in figures.items() if figure.startswith("largest_difference"))
    return int(differs or any(value > goal for figure, value in figures.items() if (goal := goal_of(figure))))


if __name__ == "__main__":
    sys.exit(main())
