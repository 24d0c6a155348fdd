"""What missing days do to scores, and whether the scores say it: ``python3 run.py benchmark debt``.

A company is simulated and a model trained on it. Days of one location, of one source, or of the whole log are then hidden at
random before the last dates of the record, and everybody is scored with and without them. Shown: how many of the scores with all
days lie in the band that the scores without them carry (goal 90 %), how many of those whose place on the list of the highest
twentieth changed were flagged (goal 95 %), how many were flagged, and how far scores move where missing days count as zero.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import beta

from perfml import Project
from perfml.arrays import Bools, Floats
from perfml.demo.company import simulate
from perfml.evidence.holes.hole import Hole, LogPart
from perfml.evidence.holes.planted import hidden_rows, without_days
from perfml.evidence.sources import Data
from perfml.learning.dataset.table import Table, make_table
from perfml.learning.registry.model_store import Model, load
from perfml.project.folder import Definitions
from perfml.project.trust.holes_spec import HolesSpec
from perfml.scoring.debt import debt_of

START, END = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
PARTS = (LogPart(location="成都"), LogPart(source="oa"), LogPart(source="crm"), LogPart())
LENGTHS = (3, 7, 14)
PROJECT = 'name = "debt"\n'
QUICK = "[label]\nhorizons_days = [182]\n[learner]\nseeds = [11]\n[backtest]\nfolds = 2\n[gates]\nrefits = 2\n"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One hole: what was true of whom."""

    inside: Bools
    changed: Bools
    flagged: Bools
    moved: Floats
    """Differences of probability, estimated days against all days."""
    zero: Floats
    """Differences of probability where missing days count as zero."""


def _table(data: Data, definitions: Definitions, model: Model, day: dt.date) -> Table:
    return make_table(data, definitions, model.spec, name=model.name, dates=[day], kinds=model.kinds)


def trials(data: Data, definitions: Definitions, model: Model, *, each: int) -> Iterator[tuple[LogPart, int, Trial]]:
    """Yield ``each`` holes of every part and length, at random before one of the last dates."""
    rng = np.random.default_rng(11)
    columns = [column.name for column in model.columns]
    (horizon,) = model.risks
    for part in PARTS:
        for length in LENGTHS:
            for _ in range(each):
                day = END - dt.timedelta(days=28 * int(rng.integers(0, 4)))
                first = day - dt.timedelta(days=int(rng.integers(length, 60)))
                hole = Hole(part=part, first=first, last=first + dt.timedelta(days=length - 1), cause="lost")
                whole = _table(data, definitions, model, day)
                with hidden_rows(data, [hole], day):
                    blind = definitions.holes.model_copy(update={"look": False})
                    as_zero = _table(data, _with(definitions, blind), model, day)
                with without_days(data, definitions, [hole], day) as lossy:
                    thinned = _table(data, lossy, model, day)
                    debt = debt_of(data, lossy, model, thinned.missing, as_of=day)
                assert debt is not None
                usable = whole.usable & thinned.usable & as_zero.usable
                truth, now, zero = (
                    model.incidences(table.matrix(columns)[usable]) for table in (whole, thinned, as_zero)
                )
                people = thinned.frame["employee_id"].to_numpy()[usable]
                concerned = np.array([person in debt.people for person in people])
                low, high = debt.owed(horizon, frozenset()).band(now.incidence[:, 0, 0])
                capacity = max(1, len(people) // 20)
                lists = [
                    np.argsort(np.argsort(-answer.margin[:, 0], kind="stable")) < capacity for answer in (truth, now)
                ]
                true = truth.incidence[:, 0, 0]
                yield (
                    part,
                    length,
                    Trial(
                        inside=((low <= true) & (true <= high))[concerned],
                        changed=lists[0] != lists[1],
                        flagged=debt.may_change(now.margin[:, 0], concerned, capacity, horizon),
                        moved=np.abs(now.incidence[:, 0, 0] - true)[concerned],
                        zero=np.abs(zero.incidence[:, 0, 0] - true)[concerned],
                    ),
                )


def _with(definitions: Definitions, holes: HolesSpec) -> Definitions:
    return Definitions(definitions.tables, definitions.windowed, definitions.relational, holes)


def main() -> int:
    """Exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--employees", type=int, default=400)
    parser.add_argument("--each", type=int, default=2)
    parser.add_argument("--home", type=Path, help="a home with a trained model, and beside it its data")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "project"
        (root / "models").mkdir(parents=True)
        (root / "perfml.toml").write_text(PROJECT)
        (root / "models" / "attrition.toml").write_text(QUICK)
        project = Project(root, home=options.home or root / "var")
        data = options.data or Path(temporary) / "data"
        if options.data is None:
            simulate(data, employees=options.employees, start=START, end=END, seed=7)
        if options.home is None:
            project.train("attrition", data, until=dt.date(2026, 6, 1))
        model = load(project.home, "attrition")
        results: list[Trial] = []
        with project.open(data) as opened:
            for part, length, trial in trials(opened, project.folder.definitions, model, each=options.each):
                name = " ".join(part.given.values()) or "all"
                print(
                    f"{name} {length:>2} days: in the band {trial.inside.mean():.1%} of {len(trial.inside)};"
                    f" {int(trial.changed.sum())} changed, {int((trial.changed & trial.flagged).sum())} of them flagged,"
                    f" {int(trial.flagged.sum())} flagged; moved by {trial.moved.mean():.4f}, as zero {trial.zero.mean():.4f}",
                    flush=True,
                )
                results.append(trial)
    inside = np.concatenate([trial.inside for trial in results])
    changed = np.concatenate([trial.changed for trial in results])
    flagged = np.concatenate([trial.flagged for trial in results])
    hits = int((changed & flagged).sum())
    low = beta.ppf(0.025, hits, changed.sum() - hits + 1) if hits else 0.0
    print(f"in the band: {inside.mean():.1%} of {len(inside):,} scores")
    print(
        f"changed places flagged: {hits} of {int(changed.sum())} (at least {low:.0%} at 97.5 %); {flagged.mean():.1%} flagged"
    )
    moved, zero = (np.concatenate([getattr(trial, name) for trial in results]).mean() for name in ("moved", "zero"))
    print(f"scores of those concerned move by {moved:.4f}; with zeros in place of missing days by {zero:.4f}")
    return int(inside.mean() < 0.9 or hits < 0.95 * changed.sum())


if __name__ == "__main__":
    sys.exit(main())
