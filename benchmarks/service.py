"""What an answer of the service costs: ``python3 run.py benchmark service [--employees N] [--requests N] [--connections N]``.

A home with N scored people is served by one process as ``perfml serve`` does it, with the audit log, and its log lines in a
file; an empty FastAPI route by another as uvicorn does it, without a line. Shown are CPU seconds (user and system) of the serving
process a request, over those of the empty route in the same run: one person's explained risk, asked for the first time in the
life of the store, which gives each person a key, and again (goal 1.7 either time); a page of 20 (goal 3) and of 500 people (goal
10); and a mixture over many connections at once (goal 3) with its errors, its slowest answers, and how much memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from rich.table import Table  # noqa: E402

from perfml import terminal  # noqa: E402
from perfml.evidence.population.facts import PEOPLE  # noqa: E402
from perfml.scoring.people.files import keep_people  # noqa: E402
from perfml.service.app import create_app, listen  # noqa: E402
from perfml.service.paging import ListVersion  # noqa: E402
from perfml.service.scores import open_scores  # noqa: E402
from perfml.service.serving.log_lines import set_up_logging  # noqa: E402
from perfml.service.warming import Warming, settle_memory  # noqa: E402
from tests.service.company import DAY, advise, keep, scored, train  # noqa: E402

HOST = "127.0.0.1"
MODEL = "attrition"
LIST = f"/v1/models/{MODEL}/at-risk"
TICKS = os.sysconf("SC_CLK_TCK")
GOALS = {"one person": 1.7, "one person again": 1.7, "a page of 20": 3.0, "a page of 500": 10.0, "mixed": 3.0}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a series of requests took."""

    cpu_ms: float
    """CPU of the server a request."""
    seconds: float
    errors: int
    slowest: float
    """99th percentile of the time to an answer, in seconds."""
    grown_mb: float


def home_of(folder: Path, employees: int) -> None:
    """Keep the scores of ``employees`` people within three horizons, who they are, and a few suggestions."""
    version = train(folder, MODEL, {91: True, 182: True, 365: True}, segments={})
    ids = [f"E{number:06d}" for number in range(employees)]
    rows = [
        scored(person, rank, days=days, band="act" if rank <= employees // 20 else "none")
        for days in (91, 182, 365)
        for rank, person in enumerate(ids, 1)
    ]
    keep(folder, MODEL, version, rows)
    facts = {
        "employee_id": ids,
        "name": [f"Person {number}" for number in range(employees)],
        "department": [f"D{number % 40}" for number in range(employees)],
        "manager_id": [f"E{number // 8:06d}" for number in range(employees)],
    }
    empty = pa.nulls(employees)
    columns = [pa.array(facts.get(field.name, empty), field.type) for field in PEOPLE]
    keep_people(pa.Table.from_arrays(columns, schema=PEOPLE), folder, as_of=DAY)
    advise(folder)


def cursors_of(folder: Path, employees: int) -> list[str]:
    """The cursor behind each rank, as the service gives them out."""
    version = open_scores(folder / "scores" / MODEL / f"{DAY}.parquet").version
    whole = ListVersion(address=LIST, parameters={"as_of": DAY, "horizon_days": 91}, version=version)
    return [whole.cursor(rank) for rank in range(employees)]


def _empty() -> FastAPI:
    app = FastAPI()

    @app.get("/v1/nothing")
    async def nothing() -> dict[str, bool]:
        return {"sound": True}

    return app


def _serve(port: int, home: str | None) -> None:
    if home is None:
        uvicorn.run(_empty(), host=HOST, port=port, access_log=False, log_level="warning", server_header=False)
        return
    with (Path(home).parent / "log").open("w") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    set_up_logging("text")
    app = create_app(home)
    Warming(app.state.store).write(pause=0)  # as the service does beside its first requests
    settle_memory()
    listen(app, HOST, port)


@contextmanager
def serving(home: Path | None) -> Iterator[tuple[int, int]]:
    """Process id and port of a server that answers."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(port, None if home is None else str(home))
    )
    process.start()
    try:
        for _ in range(3_000):  # texts are written first
            try:
                socket.create_connection((HOST, port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield int(process.pid or 0), port
    finally:
        process.terminate()
        process.join()


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


async def _client(port: int, paths: Iterator[str], times: list[float], statuses: list[int]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    for path in paths:
        began = time.perf_counter()
        method, _, address = path.partition(" ")
        writer.write(f"{method} {address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        statuses.append(int(head[9:12]))
        times.append(time.perf_counter() - began)
    writer.close()


def run(pid: int, port: int, address: Callable[[int], str], *, requests: int, connections: int) -> Run:
    """Send ``requests`` over ``connections`` kept alive."""
    times: list[float] = []
    statuses: list[int] = []
    numbers = iter(range(requests))
    paths = [(f"GET {address(number)}" for number in numbers) for _ in range(connections)]

    async def all_of_them() -> None:
        await asyncio.gather(*(_client(port, each, times, statuses) for each in paths))

    memory, cpu, began = memory_mb(pid), cpu_seconds(pid), time.perf_counter()
    asyncio.run(all_of_them())
    return Run(
        cpu_ms=1000 * (cpu_seconds(pid) - cpu) / requests,
        seconds=time.perf_counter() - began,
        errors=sum(status >= 400 for status in statuses),
        slowest=float(np.quantile(times, 0.99)),
        grown_mb=memory_mb(pid) - memory,
    )


def main() -> int:
    """Serve, ask, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("employees", 10_000), ("requests", 20_000), ("connections", 64)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    n = asked.employees

    def person(number: int) -> str:
        return f"/v1/employees/E{number * 7919 % n:06d}/risk"

    def page(size: int) -> Callable[[int], str]:
        return lambda number: f"{LIST}?limit={size}&cursor={cursors[number * size % n]}"

    mixture = (person, person, person, page(20), lambda _: "/v1/health", person, page(50), lambda _: "/v1/holds")
    table = Table(title=f"{n:,} people, audit on, {dt.date.today()}", title_justify="left")
    for heading in ("requests", "at once", "CPU ms", "× empty", "goal", "errors", "p99 ms", "MB grown"):
        table.add_column(heading, justify="right")
    table.add_column("what")
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home_of(home, n)
        cursors = cursors_of(home, n)
        with serving(None) as (pid, port):
            run(pid, port, lambda _: "/v1/nothing", requests=500, connections=4)
            one = run(pid, port, lambda _: "/v1/nothing", requests=4_000, connections=1)
            many = run(pid, port, lambda _: "/v1/nothing", requests=8_000, connections=asked.connections)
        with serving(home) as (pid, port):
            run(pid, port, person, requests=200, connections=4)
            few = max(20, asked.requests // 100)
            for name, address, requests, connections in (
                ("one person", person, asked.requests // 4, asked.connections),
                ("one person again", person, asked.requests // 4, asked.connections),
                ("a page of 20", page(20), few * 5, asked.connections),
                ("a page of 500", page(500), few, asked.connections),
                ("mixed", lambda number: mixture[number % 8](number), asked.requests, asked.connections),
                ("one person, alone", person, few, 1),
            ):
                empty = one if connections == 1 else many
                took = run(pid, port, address, requests=requests, connections=connections)
                ratio, goal = took.cpu_ms / empty.cpu_ms, GOALS.get(name)
                missed += goal is not None and (ratio > goal or took.errors > 0)
                cells = (f"{took.cpu_ms:.2f}", f"{ratio:.2f}", f"{goal or ''}", str(took.errors))
                table.add_row(
                    f"{requests:,}",
                    str(connections),
                    *cells,
                    f"{1000 * took.slowest:.0f}",
                    f"{took.grown_mb:.0f}",
                    name,
                )
    table.caption = f"empty route: {one.cpu_ms:.2f} ms alone, {many.cpu_ms:.2f} ms at once"
    terminal.out.print(table)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
