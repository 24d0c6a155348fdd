"""Nights that are killed at random moments, and what must hold afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from perfml.evidence.nightly.state import LOCK, MANIFEST
from perfml.project.folder import Definitions
from tests.evidence.nightly.nights import Company, differs, nightly, whole
from tests.evidence.test_features import KINDS

DISTURBED = ("night_damaged_state", "night_damaged_sums", "night_changed")
"""Codes of notices that a killed run must not lead to."""

RUNS = ("next night", "next night", "first night", "second model")


def killed(run: Callable[[], object], seconds: float) -> bool:
    """Fork a run and kill it after so long; whether it had not ended by itself."""
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def kill_nights(folder: Path, definitions: Definitions, *, times: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Kill ``times`` runs at a random moment of the time that the last of their kind took: each a first night, one after another
    change of the log, or a second model of the same night; and let the next one end.

    Return how many of each were killed on their way, and what was wrong afterwards.
    """
    company, rng, state = Company(folder / "data", Random(seed)), Random(seed), folder / "state"
    company.begin()
    company.write()
    started = time.monotonic()
    nightly(company.folder, state, definitions, company.day)
    longest = dict.fromkeys(RUNS, time.monotonic() - started)
    kills, wrong = Counter[str](), []
    for run in range(times):
        company.pass_days(rng.choice((0, 1, 1, 2)))
        for _ in range(rng.choice((0, 1, 2))):
            company.change()
        company.write()
        day, kinds = company.day, KINDS
        which = rng.choice(RUNS)
        if which == "first night":
            shutil.rmtree(state)
        elif which == "second model":
            nightly(company.folder, state, definitions, day)
            kinds = KINDS[:2]
        tonight = partial(nightly, company.folder, state, definitions, day)
        kills[which] += killed(partial(tonight, kinds=kinds), rng.uniform(0, longest[which]))
        started = time.monotonic()
        for asked in dict.fromkeys((kinds, KINDS)):
            answers = tonight(kinds=asked)
            if asked is kinds:
                longest[which] = time.monotonic() - started
            unlike = differs(answers, whole(company.folder, definitions, day, kinds=asked))
            if unlike:
                wrong.append(f"run {run}, {which}, {day}: {unlike}")
            if answers.full is not None and answers.full.code in DISTURBED:
                wrong.append(f"run {run}, {which}, {day}: {answers.full.code}")
        names = (state / MANIFEST).read_text(encoding="utf-8")
        left = [path.name for path in state.iterdir() if path.name not in (MANIFEST, LOCK) and path.name not in names]
        wrong += [f"run {run}: {name} is left over" for name in left]
    return kills, wrong
