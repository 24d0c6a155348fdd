"""Learning from rows that lie on two machines, beside one machine and drawn rows: ``python3 run.py benchmark distributed``.

The trees of one seed with the learner's settings, learnt from made-up rows: by one process with one thread and with two, and from
a file that it reads in blocks, so that it holds no values but LightGBM's bins, a byte each; by two
processes that talk over sockets, one thread each (LightGBM's ``tree_learner`` ``data`` and ``voting``; its library refuses
``feature``); and by one process from rows drawn by date and outcome. Each process makes its own rows, alike in every run, which
is not measured. CPU and peak memory are of the processes that learn, bytes those that the loopback carried meanwhile: give it one
of its own, where others use it, with ``unshare --net sh -c 'ip link set lo up; python3 run.py benchmark distributed'``.

Prints a table and writes ``build/benchmark_distributed.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import lightgbm as lgb  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks._memory import held_mb, peak_mb  # noqa: E402
from perfml.arrays import Floats, Objects  # noqa: E402
from perfml.files import write_text  # noqa: E402
from perfml.learning.dataset.drawn_rows import draw_rows  # noqa: E402
from perfml.learning.estimators.blend import DEFAULTS, probability  # noqa: E402
from perfml.learning.estimators.problem import boosting  # noqa: E402
from perfml.learning.validation.metrics import auc, estimate, expected_over_observed, log_loss  # noqa: E402
from perfml.project.model_spec import SampleSpec  # noqa: E402

BLOCK = 50_000
"""Rows that are made at once."""
DATES = 12
TEST_ROWS = 100_000
VALUE_BYTES = 4
METRICS = {"auc": auc, "log_loss": log_loss, "expected_over_observed": expected_over_observed}
console = Console()

Values = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to learn."""

    name: str
    learner: str = "serial"
    """LightGBM's ``tree_learner``."""
    machines: int = 1
    threads: int = 1
    rows_a_date: int | None = None
    """Rows drawn of either outcome; None: all."""
    in_blocks: bool = False
    """Whether the rows lie in a file and are read in blocks."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one process does."""

    way: Way
    rank: int
    ports: tuple[int, ...]
    rows: int
    columns: int
    rounds: int
    out: str
    """Where the trees go."""

    @property
    def blocks(self) -> range:
        """The blocks of rows that this process has."""
        return range(self.rank, self.rows // BLOCK, self.way.machines)


def made_rows(block: int, columns: int) -> tuple[Values, Floats]:
    """(rows, columns) and labels of a block: five correlated columns a theme, a tenth of the values missing, one case in 30."""
    world, rng = np.random.default_rng(0), np.random.default_rng([1, block])
    effects = world.normal(0.0, 0.35, 8)
    themes = rng.normal(size=(BLOCK, columns // 5)).astype(np.float32)
    values = np.repeat(themes, 5, axis=1) * np.float32(0.8)
    values += rng.normal(size=values.shape).astype(np.float32) * np.float32(0.6)
    values[rng.random(values.shape, np.float32) < 0.1] = np.nan
    margin = themes[:, :8] @ effects + 0.5 * themes[:, 0] * themes[:, 1] + 0.4 * (themes[:, 2] > 1) - 4.0
    return values, (rng.random(BLOCK) < probability(margin)).astype(np.float64)


class RowsOnDisk(lgb.Sequence):
    """Rows in a file, read when LightGBM asks for them: once those it takes the bounds of bins from, once all."""

    batch_size = BLOCK

    def __init__(self, path: Path, columns: int) -> None:
        self.path, self.columns = path, columns

    def __len__(self) -> int:
        return self.path.stat().st_size // (self.columns * VALUE_BYTES)

    def __getitem__(self, rows: int | slice | list[int]) -> Floats:
        if isinstance(rows, list):
            return np.stack([self[row] for row in rows])
        first, after, _ = (rows if isinstance(rows, slice) else slice(rows, rows + 1)).indices(len(self))
        offset, count = first * self.columns * VALUE_BYTES, (after - first) * self.columns
        values = np.fromfile(self.path, np.float32, count, offset=offset).reshape(-1, self.columns).astype(np.float64)
        return values if isinstance(rows, slice) else values[0]


def rows_on_disk(task: Task) -> tuple[RowsOnDisk, Floats]:
    """The rows of one process in a file, and their labels."""
    path, labels = Path(f"{task.out}.rows"), []
    with path.open("wb") as file:
        for block in task.blocks:
            values, label = made_rows(block, task.columns)
            values.tofile(file)
            labels.append(label)
    return RowsOnDisk(path, task.columns), np.concatenate(labels)


def rows_of(task: Task) -> tuple[Values, Floats, Floats | None]:
    """The rows of one process, their labels, and how many rows each stands for."""
    most = task.way.rows_a_date
    if most is None:
        values, labels = (
            np.empty((len(task.blocks) * BLOCK, task.columns), np.float32),
            np.empty(len(task.blocks) * BLOCK),
        )
        for number, block in enumerate(task.blocks):
            part = slice(number * BLOCK, (number + 1) * BLOCK)
            values[part], labels[part] = made_rows(block, task.columns)
        return values, labels, None
    labels = np.concatenate([made_rows(block, task.columns)[1] for block in task.blocks])
    row = np.arange(len(labels))
    when = np.datetime64("2024-01-01") + (row * DATES // len(row)).astype("m8[D]")
    drawn = draw_rows(when, person_ids(len(row)), labels, SampleSpec(rows_a_date=most))
    parts = [
        made_rows(block, task.columns)[0][drawn.rows[drawn.rows // BLOCK == block] % BLOCK] for block in task.blocks
    ]
    return np.concatenate(parts), labels[drawn.rows], drawn.stands_for


def person_ids(n: int) -> Objects:
    """Made-up ids."""
    return np.array([f"E{number:08}" for number in range(n)], dtype=object)


def learn(task: Task) -> dict[str, float]:
    """Learn in this process, write the trees, and return what it cost."""
    values: Values | RowsOnDisk
    if task.way.in_blocks:
        (values, labels), stands_for = rows_on_disk(task), None
    else:
        values, labels, stands_for = rows_of(task)
    parameters = boosting(DEFAULTS, seed=DEFAULTS.seeds[0], rows=len(labels)) | {
        "objective": "binary",
        "num_threads": task.way.threads,
        "tree_learner": task.way.learner,
    }
    if task.way.machines > 1:
        parameters |= {
            "num_machines": task.way.machines,
            "machines": ",".join(f"127.0.0.1:{port}" for port in task.ports),
            "local_listen_port": task.ports[task.rank],
            "pre_partition": True,
            "time_out": 10,
        }
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is that of making the rows: Linux forgets it
    before, cpu, wall = held_mb(), time.process_time(), time.perf_counter()
    train = lgb.Dataset(values, labels, weight=stands_for)
    booster = lgb.train(parameters, train, task.rounds)
    spent = {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "rise_mb": peak_mb() - before,
        "rows_mb": 0.0 if task.way.in_blocks else len(values) * task.columns * VALUE_BYTES / 2**20,
        "rows": float(len(labels)),
    }
    booster.save_model(task.out)
    return spent


def free_ports(n: int) -> tuple[int, ...]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = tuple(int(each.getsockname()[1]) for each in sockets)
    for each in sockets:
        each.close()
    return ports


def loopback_bytes() -> int:
    """Bytes that the loopback has carried, on Linux."""
    line = next(line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[0])


def run(way: Way, *, rows: int, columns: int, rounds: int, folder: Path) -> tuple[dict[str, float], lgb.Booster]:
    """Learn one way, in processes of their own; return the cost and the trees of the first."""
    ports = free_ports(way.machines)
    outs = [folder / f"{way.name.replace(' ', '_')}_{rank}.txt" for rank in range(way.machines)]
    tasks = [
        Task(way=way, rank=rank, ports=ports, rows=rows, columns=columns, rounds=rounds, out=str(out))
        for rank, out in enumerate(outs)
    ]
    before = loopback_bytes()
    environment = os.environ | {"OMP_NUM_THREADS": str(way.threads)}
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, "--task", json.dumps(asdict(task))],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for task in tasks
    ]
    printed = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(f"{way.name}: a process failed")
    costs = [json.loads(text.splitlines()[-1]) for text in printed]
    if len({trees_of(out) for out in outs}) > 1:
        raise SystemExit(f"{way.name}: the processes have different trees")
    cost = {
        "rows": sum(each["rows"] for each in costs),
        "cpu": sum(each["cpu"] for each in costs),
        "wall": max(each["wall"] for each in costs),
        "rows_mb": max(each["rows_mb"] for each in costs),
        "rise_mb": max(each["rise_mb"] for each in costs),
        "loopback_mb": (loopback_bytes() - before) / 2**20,
    }
    return cost, lgb.Booster(model_file=outs[0])


def trees_of(path: Path) -> tuple[str, ...]:
    """Columns and thresholds of the splits of each tree in a model's file."""
    text = path.read_text()
    return tuple("".join(found) for found in re.findall(r"^(split_feature=.*\n)(?:.*\n)*?(threshold=.*)$", text, re.M))


def task_of(text: str) -> Task:
    """What ``--task`` says."""
    given = json.loads(text)
    return Task(**given | {"way": Way(**given["way"]), "ports": tuple(given["ports"])})


def ways(rows_a_date: Sequence[int]) -> Iterator[Way]:
    """All that are compared; the first is what the others are compared with."""
    yield Way(name="one process")
    yield Way(name="one process, two threads", threads=2)
    yield Way(name="one process, in blocks", in_blocks=True)
    for learner in ("data", "voting"):
        yield Way(name=f"two processes, {learner}", learner=learner, machines=2)
    for most in rows_a_date:
        yield Way(name=f"drawn: {most:,} of either outcome a date", rows_a_date=most)


def main() -> int:
    """Compare the ways to learn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_200_000, help=f"of all dates; a multiple of {2 * BLOCK:,}")
    parser.add_argument("--columns", type=int, default=250, help="a multiple of 5, at least 40")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--rows-a-date", type=int, nargs="*", default=[2_000])
    parser.add_argument("--task", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.task:
        print(json.dumps(learn(task_of(chosen.task))))
        return 0
    test = [made_rows(10**6 + number, chosen.columns) for number in range(TEST_ROWS // BLOCK)]
    features, label = np.concatenate([values for values, _ in test]), np.concatenate([labels for _, labels in test])
    person = person_ids(len(label))
    results: dict[str, dict[str, object]] = {}
    table = Table(
        title=f"{chosen.rows:,} rows × {chosen.columns} columns, {chosen.rounds} trees; tested on {TEST_ROWS:,}"
    )
    for head in (
        "",
        "rows",
        "CPU s",
        "by the clock s",
        "memory beside its rows MB",
        "loopback MB",
        "same trees",
        *METRICS,
    ):
        table.add_column(head)
    one: Floats | None = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for way in ways(chosen.rows_a_date):
            size = {"rows": chosen.rows, "columns": chosen.columns, "rounds": chosen.rounds}
            cost, booster = run(way, **size, folder=folder)
            predicted = np.asarray(booster.predict(features), np.float64)
            one = predicted if one is None else one
            models = [trees_of(folder / f"{each.replace(' ', '_')}_0.txt") for each in ("one process", way.name)]
            cost["same_trees"] = sum(left == right for left, right in zip(*models, strict=True)) / len(models[0])
            figures = estimate(METRICS, label, predicted, person=person)
            beside = estimate(METRICS, label, predicted, person=person, against=one)
            results[way.name] = {
                **cost,
                **{metric: each.to_json() for metric, each in figures.items()},
                **{f"{metric}_over_one_process": each.to_json() for metric, each in beside.items()},
            }
            table.add_row(
                way.name,
                f"{cost['rows']:,.0f}",
                f"{cost['cpu']:.1f}",
                f"{cost['wall']:.1f}",
                f"{cost['rise_mb']:,.0f} + {cost['rows_mb']:,.0f}",
                f"{cost['loopback_mb']:,.1f}",
                f"{cost['same_trees']:.0%}",
                *(f"{each}" for each in figures.values()),
            )
            write_text(ROOT / "build" / "benchmark_distributed.json", json.dumps(results, indent=1) + "\n")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
