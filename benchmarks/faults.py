"""Faults on purpose: ``python3 run.py benchmark faults [NAME …]``, each a long run of what a short test holds.

What perfml does not survive is printed, and the exit code is 1.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks import _api_faults
from benchmarks._alert_faults import shuffle
from benchmarks._audit_faults import tamper
from benchmarks._file_faults import MODEL, flip_bits, kill_publishers
from benchmarks._ingest_faults import kill_receivers, permute
from benchmarks._serving_faults import kill_servers
from benchmarks._withheld_faults import measure
from perfml import Project
from perfml.demo.company import simulate
from perfml.store.opening import URL_VARIABLE
from tests.evidence.nightly.killing import kill_nights
from tests.evidence.nightly.test_state import DEFINITIONS
from tests.postgresql import new_database, postgresql_server
from tests.store.restarting import write_while_restarting
from tests.trust.disputes import killing
from tests.trust.disputes.machine import Disputes
from tests.trust.reconciliation.feeds import random_feeds, wrong_bridges

SEED = 20261129
AT_A_TIME = 100
"""Runs of the state machine after which a line says how far it is."""


def bitflips(folder: Path, times: int = 300) -> list[str]:
    """Damage files of models, scores, suggestions and people, and ask everything after each."""
    project, data, home = folder / "project", folder / "data", folder / "home"
    simulate(data, employees=500, start=dt.date(2023, 10, 1), end=dt.date(2026, 10, 1), seed=7)
    (project / "models").mkdir(parents=True)
    (project / "perfml.toml").write_text('name = "faults"')
    quick = "[label]\nhorizons_days = [182]\n[learner]\nseeds = [11]\n[backtest]\nfolds = 2\n[gates]\nrefits = 2\n"
    (project / "models" / f"{MODEL}.toml").write_text(quick)
    opened = Project(project, home=home)
    opened.train(MODEL, data)
    (scores,) = opened.write_scores(MODEL, data)
    opened.targets(data, as_of=scores.stem)
    person = str(opened.score(MODEL, data, as_of=scores.stem).column("employee_id")[0].as_py())
    refused, wrong = flip_bits(home, times=times, seed=SEED, person=person, out=folder)
    print(f"bitflips: {times} damages, {refused} refused, {len(wrong)} wrong answers")
    return wrong


def publish(folder: Path, times: int = 200) -> list[str]:
    """Kill publishers of scores, suggestions and promotions at random moments."""
    begun, wrong = kill_publishers(folder / "home", times=times, seed=SEED)
    print(f"publish: {times} kills, {begun} rounds of publications begun, {len(wrong)} half, lost or at odds")
    return wrong


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


def bridges(folder: Path, times: int = 300) -> list[str]:
    """Reconcile random feeds with planted errors: every part of every bridge comes back to the cent."""
    rng, wrong, errors = random.Random(SEED), [], 0
    for number in range(times):
        incident, as_of, planted = random_feeds(rng)
        errors += len(planted)
        wrong += wrong_bridges(incident, folder / str(number), as_of=as_of, planted=planted)
    print(f"bridges: {times} pairs of feeds with {errors} planted errors, {len(wrong)} amounts wrong")
    return wrong


def disputes(_: Path, times: int = 1000) -> list[str]:
    """Random orders of disputes, decisions, holds, stops and new scores: no disputed fact is said anywhere."""
    for done in range(0, times, AT_A_TIME):
        runs = min(AT_A_TIME, times - done)
        how = settings(max_examples=runs, stateful_step_count=8, deadline=None, derandomize=False, database=None)
        try:
            run_state_machine_as_test(Disputes, settings=how)
        except AssertionError as error:
            print(f"disputes: something is said that may not be, in fewer than {done + runs} runs")
            return [str(error)]
        print(f"disputes: {done + runs} of {times} runs", flush=True)
    print(f"disputes: {times} runs of up to 8 steps, nothing leaked")
    return []


def writes(folder: Path, times: int = 200) -> list[str]:
    """Kill writers of holds and disputes at random moments."""
    chance, acknowledged, slowest = random.Random(SEED), [], 0.0
    for run in range(times):
        lines, seconds = killing.kill_one(folder, run, chance)
        acknowledged += lines
        slowest = max(slowest, seconds)
    wrong = killing.faults(folder, acknowledged)
    print(
        f"writes: {times} kills, {len(acknowledged)} entries acknowledged, store read in {slowest:.2f} s, {len(wrong)} lost"
    )
    return wrong


def audit(folder: Path, times: int = 1000) -> list[str]:
    """Tamper with the audit log: rows, tail, key, checkpoints, people's keys and recorded entries."""
    wrong = tamper(folder, times=times, seed=SEED)
    print(f"audit: {times} tamperings, {len(wrong)} not found")
    return wrong


def restart(folder: Path, times: int = 20) -> list[str]:
    """Restart PostgreSQL while six writers store decisions, holds and packets."""
    with postgresql_server() as server:
        os.environ[URL_VARIABLE] = new_database(server)
        try:
            outcome = write_while_restarting(folder / "home", server, restarts=times, seconds=1.5)
        finally:
            del os.environ[URL_VARIABLE]
    print(
        f"restart: {times} restarts, {outcome.acknowledged} entries acknowledged, {outcome.refused} attempts refused and "
        f"repeated, slowest {outcome.slowest:.1f} s, {len(outcome.wrong)} lost or stored twice"
    )
    return outcome.wrong


def withheld(folder: Path, times: int = 100) -> list[str]:
    """File disputes against a warm service, half of them in another process, and ask at once."""
    latencies, wrong = measure(folder / "home", times=times)
    figures = []
    for name in ("filing", "clock", "cpu"):
        seconds = [getattr(each, name) for each in latencies]
        figures.append(f"{name} {1000 * statistics.median(seconds):.0f} and {1000 * max(seconds):.0f}")
    print(
        f"withheld: {times} disputes, {len(wrong)} still said at the next request; median and worst, ms: {', '.join(figures)}"
    )
    return wrong


def alerts(folder: Path, times: int = 200) -> list[str]:
    """Enter looks of alerts in any order, repeated."""
    looks, wrong = shuffle(folder, times=times, seed=SEED)
    print(f"alerts: {times} sequences of {looks} looks, {len(wrong)} faults")
    return wrong


def serving(folder: Path, times: int = 25) -> list[str]:
    """Kill the server of the service under eight writers, with SQLite and with PostgreSQL."""
    wrong = []
    with postgresql_server() as server:
        for database in ("SQLite", "PostgreSQL"):
            if database == "PostgreSQL":
                os.environ[URL_VARIABLE] = new_database(server)
            try:
                outcome = kill_servers(folder / database / "home", times=times, seed=SEED)
            finally:
                os.environ.pop(URL_VARIABLE, None)
            print(
                f"serving, {database}: {times} kills, {len(outcome.acknowledged)} writes acknowledged, {outcome.repeated}"
                f" attempts without an answer and repeated, answers again within {outcome.slowest:.1f} s,"
                f" {len(outcome.wrong)} lost, stored twice or refused",
                flush=True,
            )
            wrong += outcome.wrong
    return wrong


def api(folder: Path, times: int = 20_000) -> list[str]:
    """Send requests that the OpenAPI document allows, and ones that it forbids, over the whole API."""
    _api_faults.company(folder)
    statuses, wrong = _api_faults.explore(folder, cases=times, start=SEED)
    counted = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    print(f"api: {statuses.total()} requests, {counted}; {len(wrong)} failed inside or had another shape")
    return wrong


def nights(folder: Path, times: int = 200) -> list[str]:
    """Kill runs that bring the log's state folder to the next night at random moments, among rows that come late and change."""
    kills, wrong = kill_nights(folder, DEFINITIONS, times=times, seed=SEED)
    killed = ", ".join(f"{n} of a {which}" for which, n in sorted(kills.items()))
    print(
        f"nights: {times} runs, killed on their way {killed}; {len(wrong)} nights differ, are read anew or leave files"
    )
    return wrong


FAULTS: dict[str, Callable[[Path], list[str]]] = {
    "bitflips": bitflips,
    "publish": publish,
    "ingest": ingest,
    "nights": nights,
    "permutations": permutations,
    "bridges": bridges,
    "alerts": alerts,
    "api": api,
    "audit": audit,
    "disputes": disputes,
    "writes": writes,
    "serving": serving,
    "restart": restart,
    "withheld": withheld,
}


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
