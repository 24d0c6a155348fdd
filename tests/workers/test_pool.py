"""Calls give what the functions give, in the order of the program, whatever happens to the workers."""

from __future__ import annotations

import math
import operator
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from perfml.workers.pool import ALONE, Workers
from perfml.workers.processors import usable_processors

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workers():
    with Workers(3) as pool:
        pool.begin()
        yield pool


def elsewhere(workers: Workers) -> int:
    """The id of a process that is not this one, once a worker answers."""
    for _ in range(200):
        process = workers.submit(os.getpid, long=True)
        while not process.begun:
            time.sleep(0.01)
        if process.result() != os.getpid():
            return process.result()
    raise AssertionError("no worker answers")


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_come_in_the_order_of_the_program(jobs: int) -> None:
    with Workers(jobs) as workers:
        workers.begin()
        calls = [workers.submit(math.factorial, n) for n in range(50)]
        assert [call.result() for call in calls] == [math.factorial(n) for n in range(50)]
        assert calls[7].result() == math.factorial(7)


def test_workers_compute(workers: Workers) -> None:
    assert elsewhere(workers) != os.getpid()


def test_a_call_alone_stays_in_this_process(workers: Workers) -> None:
    elsewhere(workers)
    assert {workers.submit(os.getpid, alone=True).result() for _ in range(5)} == {os.getpid()}
    assert ALONE.submit(os.getpid).result() == os.getpid()


def test_a_shared_value_is_sent_once_and_forgotten(workers: Workers) -> None:
    values = np.arange(6.0)
    shared = workers.share(values)
    assert workers.share(values) is shared
    assert [workers.submit(operator.getitem, shared, n).result() for n in range(6)] == values.tolist()
    workers.forget(values)
    other = workers.share(values)
    assert other is not shared and workers.submit(operator.getitem, other, 3).result() == 3.0


def test_an_error_is_raised_where_the_result_is_wanted(workers: Workers) -> None:
    elsewhere(workers)
    calls = [workers.submit(math.factorial, n) for n in (3, -1, 4)]
    assert calls[0].result() == 6 and calls[2].result() == 24
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            calls[1].result()


class NotReceived:
    """Can be sent, and not be received: as if memory ran out in a worker."""

    def __reduce__(self) -> tuple[object, ...]:
        return operator.truediv, (1, 0)


def test_each_call_has_its_own_answer_where_a_value_is_not_received() -> None:
    with Workers(2) as workers:
        workers.begin()
        elsewhere(workers)
        shared = workers.share(NotReceived())
        for function, argument, result in [(type, shared, NotReceived), (len, "abc", 3), (len, "ab", 2), (len, "", 0)]:
            call = workers.submit(function, argument)
            time.sleep(0.2)  # the worker is waiting for it
            assert call.result() == result


def test_without_workers_nothing_is_kept_that_nobody_waits_for() -> None:
    value = np.arange(3.0)
    still_there = weakref.ref(value)
    ALONE.submit(len, ALONE.share(value))
    del value
    assert still_there() is None


def test_a_worker_does_long_calls_when_no_other_waits(tmp_path: Path) -> None:
    with Workers(2) as pool:
        done = tmp_path / "done"
        calls = [pool.submit(os.system, f"echo {name} >> {done}", long=name == "long") for name in ("long", "a", "b")]
        pool.begin()
        while not all(call.ended for call in calls):
            time.sleep(0.01)
    assert done.read_text(encoding="utf-8").split() == ["a", "b", "long"]


def test_several_may_wait_for_one_call() -> None:
    call = ALONE.submit(time.sleep, 0.3)
    waiting = [threading.Thread(target=call.result, daemon=True) for _ in range(2)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(10)
    assert not any(thread.is_alive() for thread in waiting)


def test_what_cannot_be_sent_is_computed_in_this_process(workers: Workers) -> None:
    elsewhere(workers)
    assert workers.submit(lambda: 5).result() == 5
    assert workers.submit(len, [lambda: 0]).result() == 1


def test_prints_do_not_get_among_the_answers(workers: Workers) -> None:
    elsewhere(workers)
    calls = [workers.submit(os.system, "echo noise") for _ in range(4)]
    assert [call.result() for call in calls] == [0] * 4


def test_nothing_is_lost_with_a_worker(workers: Workers) -> None:
    killed = elsewhere(workers)
    calls = [workers.submit(time.sleep, 0.3) for _ in range(6)]
    while not any(call.begun for call in calls):
        time.sleep(0.01)
    os.kill(killed, signal.SIGKILL)
    assert [call.result() for call in calls] == [None] * 6
    assert [workers.submit(math.factorial, n).result() for n in range(5)] == [1, 1, 2, 6, 24]


def test_without_processes_everything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with Workers(4) as workers:
        workers.begin()
        assert workers.submit(math.factorial, 5).result() == 120


def test_closing_ends_workers_in_the_middle_of_a_call() -> None:
    with Workers(2) as workers:
        workers.begin()
        process = elsewhere(workers)
        workers.submit(time.sleep, 60, long=True)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_limit_of_processors_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert usable_processors() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_process_that_began_them(ending: signal.Signals, tmp_path: Path) -> None:
    """Also a script without a guard, which multiprocessing would run again in every process."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import os, signal, sys, time
            signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell runs the tests in the background
            sys.path.insert(0, {str(ROOT)!r})
            from perfml.workers.pool import Workers
            with Workers(2) as workers:
                workers.begin()
                ours = os.getpid()
                while (theirs := workers.submit(os.getpid).result()) == ours:
                    pass
                busy = workers.submit(time.sleep, 60, long=True)
                while not busy.begun:
                    time.sleep(0.01)
                print(theirs, flush=True)
                busy.result()
            """
        )
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as ran:
        assert ran.stdout is not None
        worker = int(ran.stdout.readline())
        ran.send_signal(ending)
        ran.wait(20)
    for _ in range(100):
        if _has_ended(worker):
            return
        time.sleep(0.1)
    raise AssertionError(f"worker {worker} outlives the process that began it")


def _has_ended(process: int) -> bool:
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return True
    return state == "Z"  # nobody asks for its exit code
