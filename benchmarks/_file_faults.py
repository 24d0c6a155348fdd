"""Damages and kills of the files under a home, and what must be true after each; :mod:`benchmarks.faults` runs them for long."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
from starlette.testclient import TestClient

from perfml import Project
from perfml.advice.suggestion_files import keep_suggestions
from perfml.errors import PerfmlError
from perfml.learning.registry.artifacts import CHAMPION, pointed
from perfml.learning.registry.model_store import load
from perfml.learning.registry.promotion_log import Promotion, add_promotion, promotions
from perfml.scoring.batches.rows import SCHEMA
from perfml.scoring.run_record import RunRecord
from perfml.scoring.scoring import keep_scores
from perfml.scoring.sealed_files import open_sealed
from perfml.service.app import create_app

MODEL, POLICY = "attrition", "target_adjustment"
DAY = dt.date(2026, 9, 1)
PATTERNS = ("models/**/*", "scores/**/*", "suggestions/**/*", "people/*")
"""Files under a home that are damaged."""
VARYING = ("age_hours",)
"""Keys of answers that change with the clock."""
REPORT_EVERY = 10
"""Damages after which the report, which takes longest, is asked for as well."""
LONGEST_LIFE = 0.2
"""Seconds after which a publisher is killed at the latest."""
Answers = Mapping[str, str | None]
"""Question → answer; None for a refusal."""


def flip_bits(home: Path, *, times: int, seed: int, person: str, out: Path) -> tuple[int, list[str]]:
    """Flip one bit of a random file of ``home``, or cut it, ``times`` times; ask everything after each.

    Returns how many damages were refused, and every answer that is neither the one of the sound files nor a refusal.
    """
    chance = random.Random(seed)
    files = sorted({path for pattern in PATTERNS for path in home.glob(pattern) if path.is_file()})
    sound, wrong, refused = answers(home, person, out), [], 0
    if None in sound.values():
        return 0, [f"the sound files do not answer {[question for question in sound if sound[question] is None]}"]
    for number in range(times):
        path = chance.choice(files)
        with damaged(path, chance) as what:
            given = answers(home, person, out if number % REPORT_EVERY == 0 else None)
        wrong += [
            f"{number}: {path.relative_to(home)}, {what}: {question}: {answer[:300]}"
            for question, answer in given.items()
            if answer is not None and answer != sound[question]
        ]
        refused += None in given.values()
    if answers(home, person, out) != sound:
        wrong.append("the restored files do not give the answers of before")
    return refused, wrong


@contextmanager
def damaged(path: Path, chance: random.Random) -> Iterator[str]:
    """Damage ``path`` where it lies, its times put back; restore it afterwards. Yields what was done."""
    content, status = path.read_bytes(), path.stat()
    times = (status.st_atime_ns, status.st_mtime_ns)
    if chance.random() < 0.7 and content:
        position, bit = chance.randrange(len(content)), chance.randrange(8)
        other = bytearray(content)
        other[position] ^= 1 << bit
        what = f"bit {bit} of byte {position}"
    else:
        other = bytearray(content[: chance.randrange(max(1, len(content)))])
        what = f"cut to {len(other)} of {len(content)} bytes"
    try:
        path.write_bytes(other)
        os.utime(path, ns=times)
        yield what
    finally:
        path.write_bytes(content)
        os.utime(path, ns=times)


def answers(home: Path, person: str, out: Path | None) -> Answers:
    """What the service and the library say of the files under ``home``; ``out``: where a report is written, where one is."""
    project = Project(home=home)
    asked: dict[str, Callable[[], object]] = {
        "explain": lambda: project.explain(person, model=MODEL),
        "explain to a manager": lambda: project.explain(person, model=MODEL, voice="manager"),
        "person": lambda: project.person(person).model_dump(mode="json"),
        "priorities": lambda: project.priorities(MODEL).to_json(),
        "escalations": lambda: [case.model_dump(mode="json") for case in project.escalations(policy=POLICY)],
        "predict": lambda: _predicted(home),
        "promotions": lambda: [vars(entry) for entry in promotions(home, MODEL)],
    }
    if out is not None:
        asked["report"] = lambda: project.report(out / "report.html").read_text(encoding="utf-8")
    given = {question: _answered(ask) for question, ask in asked.items()}
    addresses = (
        *("/v1/models", f"/v1/models/{MODEL}", f"/v1/models/{MODEL}/at-risk", "/v1/health"),
        *(f"/v1/employees/{person}", f"/v1/employees/{person}/risk", f"/v1/employees/{person}/risk?voice=employee"),
        *(f"/v1/priorities?model={MODEL}", "/v1/targets", "/v1/escalations"),
    )
    with TestClient(create_app(home), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        return given | {address: _served(client, address) for address in addresses}


def _answered(ask: Callable[[], object]) -> str | None:
    """The answer as text; None for a refusal with a remedy, and any other error as an answer, which is a wrong one."""
    try:
        answer = ask()
        if isinstance(answer, dict) and answer.get("missing"):  # a person without the suggestions that cannot be read
            return None
        return json.dumps(answer, default=str, ensure_ascii=False)
    except PerfmlError as error:
        return None if error.remedy and error.where else f"no file or remedy: {error}"
    except Exception as error:  # whatever it is, it is no refusal
        return f"{type(error).__name__}: {error}"


def _served(client: TestClient, address: str) -> str | None:
    answer = client.get(address)
    body = answer.json()
    if answer.status_code != 200:
        return None if body.get("remedy") else f"{answer.status_code} {answer.text}"
    if body.get("refused") or body.get("missing") or body.get("status") == "degraded":  # these name what they refuse
        return None
    return json.dumps({key: _steady(value) for key, value in body.items()}, ensure_ascii=False)


def _steady(value: object) -> object:
    if isinstance(value, dict):
        return {key: _steady(inner) for key, inner in value.items() if key not in VARYING}
    return [_steady(inner) for inner in value] if isinstance(value, list) else value


def _predicted(home: Path) -> list[list[float]]:
    """What the model in use predicts of three made-up people."""
    model = load(home, MODEL)
    features = np.arange(3.0 * len(model.columns)).reshape(3, -1)
    margins: list[list[float]] = model.incidences(features).margin.tolist()
    return margins


def kill_publishers(home: Path, *, times: int, seed: int) -> tuple[int, list[str]]:
    """Publish scores, suggestions and promotions over and over in a child that is killed at a random moment, ``times`` times.

    Returns how many publications were begun of each kind, and what was half, lost or at odds with its record.
    """
    chance, wrong, begun = random.Random(seed), list[str](), 0
    least = dict.fromkeys(PUBLISHED, 0)
    for publish, _ in PUBLISHED.values():
        publish(home, begun)
    for kill in range(times):
        acknowledged, begun = _killed_publisher(home, begun, chance.uniform(0.0, LONGEST_LIFE))
        for what, (_, read) in PUBLISHED.items():
            try:
                stored = read(home)
            except PerfmlError as error:
                wrong.append(f"kill {kill}: {what}: {error}")
                continue
            least[what] = max(least[what], acknowledged.get(what, 0))
            if len(set(stored)) > 1 or not least[what] <= stored[0] <= begun:
                wrong.append(f"kill {kill}: {what} holds {stored}; {least[what]} was acknowledged, {begun} begun")
            least[what] = max(stored)
    return begun, wrong


def _killed_publisher(home: Path, number: int, seconds: float) -> tuple[dict[str, int], int]:
    """Publish from ``number`` on in a child for ``seconds``: the newest number acknowledged of each kind, and begun."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            for each in itertools.count(number + 1):
                os.write(write, f"begun {each}\n".encode())
                for what, (publish, _) in PUBLISHED.items():
                    publish(home, each)
                    os.write(write, f"{what} {each}\n".encode())
        finally:
            os._exit(1)
    os.close(write)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(read) as lines:
        newest = {what: int(each) for what, each in (line.split() for line in lines)}
    return newest, newest.pop("begun", number)


def _score(home: Path, number: int) -> None:
    row = {"as_of": DAY, "model": MODEL, "margin": float(number)}
    rows = pa.Table.from_pylist([{**row, "employee_id": f"e{each}"} for each in range(50)], schema=SCHEMA)
    list(keep_scores([rows], home, record=lambda _: _record(number)))


def _scored(home: Path) -> list[int]:
    """The number in the record, and those in the rows."""
    with open_sealed(home / "scores" / MODEL / f"{DAY}.parquet") as sealed:
        rows = sealed.file.read(["margin"]).column(0).to_pylist()
        return [int(str(sealed.record["source"])), *map(int, rows)]


def _suggest(home: Path, number: int) -> None:
    rows = pa.table({"employee_id": ["e1", "e2"], "new_target": [float(number)] * 2})
    keep_suggestions(rows, home, policy=POLICY, as_of=DAY, record=_record(number))


def _suggested(home: Path) -> list[int]:
    with open_sealed(home / "suggestions" / POLICY / f"{DAY}.parquet") as sealed:
        rows = sealed.file.read(["new_target"]).column(0).to_pylist()
        return [int(str(sealed.record["source"])), *map(int, rows)]


def _promote(home: Path, number: int) -> None:
    version = f"{number:012x}"
    add_promotion(home, Promotion(model=MODEL, version=version, approver="Sam", reason="Why.", at="", before=None))


def _promoted(home: Path) -> list[int]:
    """The champion, and the newest entry of the log."""
    champion = pointed(home, MODEL, CHAMPION) or "0"
    return [int(version, 16) for version in (champion, promotions(home, MODEL)[-1].version)]


def _record(number: int) -> RunRecord:
    return cast(RunRecord, {"source": str(number)})


PUBLISHED: Mapping[str, tuple[Callable[[Path, int], None], Callable[[Path], list[int]]]] = {
    "scores": (_score, _scored),
    "suggestions": (_suggest, _suggested),
    "promotion": (_promote, _promoted),
}
"""What is published under a number, and how the number is read back, once from each part that could be at odds."""
