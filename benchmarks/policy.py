"""Whether effects of programmes are told rightly (``python3 run.py benchmark policy``): worlds of the simulator run with the
programme and again without it.

``--panels``: how many worlds of each design, of which only the lives are simulated; ``--companies``: how many whole companies,
read from their tables. A true effect is the difference between the worlds with and without the programme in what was expected to
happen, over all worlds of a design.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks._programme_worlds import PERIODS, by_outcome, panel_of, true_effect, world
from perfml import Project
from perfml.arrays import Floats, Ints
from perfml.demo.company import simulate
from perfml.demo.planted.programme import KIND, PERIOD_DAYS, WAVES, Programme, draw_programme
from perfml.demo.plants import NEVER
from perfml.learning.effects.judging import effects
from perfml.learning.effects.panel import UnitPanel
from perfml.learning.effects.people import randomised
from perfml.learning.effects.programmes import programme_panel
from perfml.learning.effects.staggered import EffectRefusal, StaggeredEffect, staggered
from perfml.learning.validation.uplift import known_interventions

END = dt.date(2026, 10, 1)
EPOCH = dt.date(1970, 1, 1)
LAST = (END - EPOCH).days
FIRST = LAST - PERIODS * PERIOD_DAYS
Verdicts = list[StaggeredEffect | EffectRefusal]
EFFECTS = ("lot", "no lot")
"""Starts in random order, and known to be; the same starts, of which nobody says that a lot was drawn."""
DRIFTS = {"drift": 0.35, "drift down": -0.25, "drift by start": 0.7}
"""Units that ever start move apart from the others anyway, by so much a year; or the first do, and the later the less."""
DESIGNS = (*EFFECTS, "outcome", *DRIFTS, "nobody", "once", "early", "three", "five")
"""Besides: first where most resigned; none at all; all at once; within the first two periods; of three units; of five
departments."""
OFFERS = ("all drawn", "all of them")
"""Without overlap of people: chance held nobody out; everybody of a department had it, and nobody there is left to compare."""


def main() -> None:
    """Print one JSON line a design and factor."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--panels", type=int, default=300)
    parser.add_argument("--companies", type=int, default=10)
    parser.add_argument("--overlaps", type=int, default=10, help="companies of 300 people without overlap of people")
    parser.add_argument("--first", type=int, default=5000)
    parser.add_argument("--employees", type=int, default=600)
    parser.add_argument("--designs", nargs="*", default=DESIGNS)
    parser.add_argument("--factors", nargs="*", type=float, default=(1.0, 0.7, 0.5))
    options = parser.parse_args()
    for design in options.designs:
        for factor in options.factors if design in EFFECTS else (1.0,):
            print(json.dumps(_design(design, factor, options)), flush=True)
    if options.companies:
        for factor in options.factors:
            print(json.dumps(_companies(factor, options)), flush=True)
    for design in OFFERS if options.overlaps else ():
        print(json.dumps(_overlap(design, options)), flush=True)


def _design(design: str, factor: float, options: argparse.Namespace) -> dict[str, object]:
    verdicts: Verdicts = []
    truths = []
    for seed in range(options.first, options.first + options.panels):
        programme = _programme(design, factor, seed, employees=options.employees)
        lives = world(programme, employees=options.employees, start=FIRST, seed=seed)
        panel = _by_department(panel_of(lives)[0]) if design == "five" else panel_of(lives)[0]
        verdicts.append(staggered(panel, random=design == "lot"))
        if factor != 1:
            without = world(replace(programme, factor=1.0), employees=options.employees, start=FIRST, seed=seed)
            truths.append(true_effect(lives, without))
    return {"design": design, "factor": factor} | _summary(verdicts, float(np.mean(truths)) if truths else 0.0)


def _programme(design: str, factor: float, seed: int, *, employees: int) -> Programme:
    programme = draw_programme(start=FIRST, end=LAST, factor=factor, seed=seed)
    if design == "outcome":
        return by_outcome(programme, world(programme, employees=employees, start=FIRST, seed=seed))
    starts = programme.start
    if design in DRIFTS:
        return replace(programme, drift=DRIFTS[design] * (_earliness(starts) if design == "drift by start" else 1.0))
    match design:
        case "nobody":
            return replace(programme, start=np.full(starts.shape, NEVER))
        case "once":
            return replace(programme, start=np.full(starts.shape, int(starts.min())))
        case "early":
            wave = (starts - int(starts.min())) // PERIOD_DAYS % 2
            return replace(programme, start=np.where(starts < NEVER, FIRST + wave * PERIOD_DAYS, NEVER))
        case "three":
            kept = np.isin(np.arange(starts.size).reshape(starts.shape), np.argsort(starts, axis=None)[:3])
            return replace(programme, start=np.where(kept, starts, NEVER))
    return programme


def _earliness(starts: Ints) -> Floats:
    """1 for units of the first wave, less for each that follows, 0 for units that never start."""
    wave = (starts - int(starts.min())) / PERIOD_DAYS
    return np.where(starts < NEVER, 1 - wave / WAVES, 0.0)


def _overlap(design: str, options: argparse.Namespace) -> dict[str, object]:
    """What is said of offers to people that leave nobody to compare with, by verdict."""
    verdicts = Counter[str]()
    for seed in range(options.first, options.first + options.overlaps):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            simulate(data, employees=300, start=END - dt.timedelta(days=3 * 365), end=END, seed=seed)
            offers = pd.read_parquet(data / "interventions.parquet")
            offers = offers[~offers["hold_out"]].assign(random=True) if design == "all drawn" else _everybody(data)
            schema = pq.read_schema(data / "interventions.parquet")
            pq.write_table(
                pa.Table.from_pandas(offers, schema=schema, preserve_index=False), data / "interventions.parquet"
            )
            project = Project(home=data / "var")
            label = project.folder.model("attrition").label
            with project.open(folder) as opened:
                records = effects(opened, known_interventions(opened, END), label, days=182, as_of=END)
        verdicts.update(f"{each.design}: {each.verdict}" for each in records)
    return {"design": design, "companies": options.overlaps, "verdicts": dict(verdicts)}


def _everybody(data: Path) -> pd.DataFrame:
    """Help that everybody had who was in the largest department a year before the end, on one day."""
    day = pd.Timestamp(END) - pd.Timedelta(days=365)
    positions = pd.read_parquet(data / "positions.parquet")
    positions = positions[pd.to_datetime(positions["effective_on"]) < day].sort_values("effective_on", kind="stable")
    newest = positions.groupby("employee_id")["department"].last()
    own = sorted(newest.index[newest == newest.value_counts().index[0]])
    return pd.DataFrame(
        {
            "employee_id": own,
            "offered_on": day.date(),
            "kind": "mentoring",
            "status": "done",
            "done_on": day.date(),
            "outcome": None,
            "random": False,
            "hold_out": False,
            "known_at": day,
        }
    )


def _by_department(panel: UnitPanel) -> UnitPanel:
    """The five departments, each from the median start of its units on."""
    shape = (5, -1, panel.periods)
    start = np.median(panel.start.reshape(5, -1), axis=1).astype(np.int64)
    return UnitPanel(
        people=panel.people.reshape(shape).sum(axis=1), cases=panel.cases.reshape(shape).sum(axis=1), start=start
    )


def _summary(verdicts: Verdicts, true: float | Sequence[float]) -> dict[str, object]:
    truths = np.broadcast_to(np.asarray(true, dtype=np.float64), len(verdicts))
    told = [(each, value) for each, value in zip(verdicts, truths, strict=True) if isinstance(each, StaggeredEffect)]
    refused = Counter(each for each in verdicts if not isinstance(each, StaggeredEffect))
    count = max(len(told), 1)
    return {
        "worlds": len(verdicts),
        "told": len(told),
        "true": round(float(np.mean(truths)), 4),
        "covered_80": round(sum(e.interval_80[0] <= t <= e.interval_80[1] for e, t in told) / count, 3),
        "covered_95": round(sum(e.interval_95[0] <= t <= e.interval_95[1] for e, t in told) / count, 3),
        "called_an_effect": round(sum(e.shown for e, _ in told) / count, 3),
        "called_of_all": round(sum(e.shown for e, _ in told) / max(len(verdicts), 1), 3),
        "mean_estimate": _mean([e.estimate for e, _ in told]),
        "mean_width_80": _mean([e.interval_80[1] - e.interval_80[0] for e, _ in told]),
        "refused": dict(refused),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if len(values) else None


def _companies(factor: float, options: argparse.Namespace) -> dict[str, object]:
    """Whole companies through their tables; the truth of each is the mean over ten pairs of worlds with its own starts."""
    verdicts: Verdicts = []
    truths, talks = [], []
    for seed in range(options.first, options.first + options.companies):
        programme = draw_programme(start=FIRST, end=LAST, factor=factor, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            simulate(
                Path(folder),
                employees=options.employees,
                start=EPOCH + dt.timedelta(days=FIRST),
                end=END,
                seed=seed,
                programme=replace(programme, hazard=[]),
            )
            project = Project(home=Path(folder) / "var")
            label = project.folder.model("attrition").label
            with project.open(folder) as opened:
                panel = programme_panel(opened, KIND, label, days=PERIOD_DAYS, as_of=END)
                offers = known_interventions(opened, END)
                talks.append(randomised(opened, offers, label, days=182, until=END))
        verdicts.append("no start" if panel is None else staggered(panel.panel, random=panel.random))
        pairs = range(100 * seed, 100 * seed + (10 if factor != 1 else 0))
        effects = []
        for pair in pairs:
            both = (
                world(each, employees=options.employees, start=FIRST, seed=pair)
                for each in (programme, replace(programme, factor=1.0))
            )
            effects.append(true_effect(*both))
        truths.append(float(np.mean(effects)) if effects else 0.0)
    randomised_talks = [each.estimate for each in talks if each is not None]
    return (
        {"design": "companies", "factor": factor}
        | _summary(verdicts, truths)
        | {
            "conversations": len(randomised_talks),
            "conversations_mean": _mean(randomised_talks),
        }
    )


if __name__ == "__main__":
    main()
