"""Whether lists with a guarantee keep their limit: ``python3 run.py benchmark guarantee [--companies N] [--employees N]``.

Each of many small simulated companies is learnt from once (one seed, few rounds, state at each quarter) with what was known by a
date, and scored at that date; outcomes within the horizon are read from the simulated future afterwards. For every limit, a list
among everybody scored and one within the capacity: the share of its people without the outcome, 0 for an empty list, averaged
over companies, with the standard error of that mean. The drift of the check between the periods is obeyed: where the guarantee
has ended, there is no list. On real contributors (with ``--contributors``, if the evaluation data are there) the same at each
quarter of the years after training, one training a year. Ends with 1 where a share exceeds its limit by more than 2 SE.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402

from perfml import Project, terminal  # noqa: E402
from perfml.demo.company import simulate  # noqa: E402
from perfml.errors import PerfmlError  # noqa: E402
from perfml.evidence.sources import Data  # noqa: E402
from perfml.learning.dataset.labels import labels  # noqa: E402
from perfml.learning.estimators.blend import probability  # noqa: E402
from perfml.learning.validation.backtest import backtest_horizon  # noqa: E402
from perfml.learning.validation.conformal import list_size  # noqa: E402
from perfml.learning.validation.sample import TrainingSample  # noqa: E402

START, END = dt.date(2022, 10, 1), dt.date(2026, 10, 1)
DAYS = 182
TRAINED = dt.date(2026, 4, 1)
QUICK = """
[label]
horizons_days = [182]
[population]
every = "quarter"
[learner]
seeds = [11]
max_rounds = 60
early_stopping_rounds = 10
[backtest]
folds = 3
"""
LIMITS = (0.3, 0.5, 0.7, 0.8)
CAPACITY = 0.05
DATA = ROOT.parent / "shared" / "data" / "contributors"
YEARS = tuple(range(2014, 2024))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A list under a limit and what came of it. ``verdict``: whether the periods before were exchangeable."""

    of: str
    limit: float
    within_capacity: bool
    verdict: str
    listed: int
    wasted: int

    @property
    def share(self) -> float:
        """The share without the outcome; an empty list wastes nothing."""
        return self.wasted / self.listed if self.listed else 0.0


def main() -> int:
    """Simulate, learn, list, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("companies", 200), ("employees", 300), ("seed", 5_000), ("jobs", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--contributors", action="store_true", help="also the years of the contributors")
    parser.add_argument(
        "--out", type=Path, help="file that every list is appended to, as JSON lines; known ones are kept"
    )
    asked = parser.parse_args()
    outcomes = list(_kept(asked.out))
    done = {each.of for each in outcomes}
    seeds = [seed for seed in range(asked.seed, asked.seed + asked.companies) if f"company {seed}" not in done]
    work = partial(company, employees=asked.employees)
    with ProcessPoolExecutor(asked.jobs) as pool:
        for listed in pool.map(work, seeds):
            outcomes += _keep(asked.out, listed)
        if asked.contributors and DATA.is_dir():
            for listed in contributors([year for year in YEARS if f"contributors {year}" not in done]):
                outcomes += _keep(asked.out, listed)
    exceeded = False
    for title, prefix in (("simulated companies", "company"), ("contributors", "contributors")):
        exceeded |= summary(title, [o for o in outcomes if o.of.startswith(prefix)])
    return int(exceeded)


def company(seed: int, *, employees: int) -> list[Outcome]:
    """The lists of one simulated company."""
    with tempfile.TemporaryDirectory() as folder:
        data, project = Path(folder) / "data", Path(folder) / "project"
        simulate(data, employees=employees, start=START, end=END, seed=seed)
        (project / "models").mkdir(parents=True)
        (project / "perfml.toml").write_text('name = "simulated"\n')
        (project / "models" / "attrition.toml").write_text(QUICK)
        opened = Project(project, home=Path(folder) / "home")
        with opened.open(data) as tables:
            return list(lists(opened, tables, of=f"company {seed}", until=TRAINED, known=END, days=DAYS))


def contributors(years: Sequence[int]) -> Iterator[list[Outcome]]:
    """The lists of each year of the contributors, trained anew with what was known when it began."""
    with tempfile.TemporaryDirectory() as folder:
        opened = Project(ROOT / "evaluation" / "contributors", home=Path(folder))
        with opened.open(DATA) as tables:
            for year in years:
                day = dt.date(year, 1, 1)
                later = day + dt.timedelta(days=DAYS)
                yield list(lists(opened, tables, of=f"contributors {year}", until=day, known=later, days=DAYS))


def lists(opened: Project, tables: Data, *, of: str, until: dt.date, known: dt.date, days: int) -> Iterator[Outcome]:
    """Back-test and learn with what was known by ``until``, rank the people of that day, and compare with what came."""
    try:
        sample = TrainingSample.of(tables, opened.folder, "attrition", until=until)
        tested = backtest_horizon(sample, days)
    except PerfmlError as error:
        print(f"{of}: {error}", file=sys.stderr)
        return
    measured_by = tested.guarantee
    today = sample.when == np.datetime64(until)
    if measured_by is None or not today.any():
        return
    risk = sample.learn(sample.label(days), days, seeds=sample.spec.learner.seeds[:1]).result()
    rows = np.flatnonzero(today)
    order = rows[np.argsort(-probability(risk.margin(sample.features[rows])), kind="stable")]
    outcome = labels(tables, sample.rows.iloc[order], sample.spec.label, horizon_days=days, until=known)
    for limit in LIMITS:
        for within in (False, True):
            most = max(1, round(CAPACITY * len(order))) if within else None
            size = 0 if measured_by.verdict == "fail" else list_size(len(order), measured_by, limit=limit, most=most)
            wasted = int((outcome[:size] == 0).sum())
            yield Outcome(
                of=of, limit=limit, within_capacity=within, verdict=measured_by.verdict, listed=size, wasted=wasted
            )


def summary(title: str, outcomes: Sequence[Outcome]) -> bool:
    """Print the share of each limit; whether one exceeds it by more than two standard errors."""
    exceeded = False
    ended = len({o.of for o in outcomes if o.verdict == "fail"})
    of = len({o.of for o in outcomes})
    table = Table(title=f"{title}: {of}, in {ended} of which the guarantee had ended", title_justify="left")
    for heading in (
        "limit",
        "list",
        "with a list",
        "people listed",
        "share without the outcome",
        "SE",
        "among lists",
        "kept",
    ):
        table.add_column(heading)
    for limit in LIMITS:
        for within in (False, True):
            chosen = [o for o in outcomes if o.limit == limit and o.within_capacity == within]
            if not chosen:
                continue
            shares = np.array([o.share for o in chosen])
            given = [o.share for o in chosen if o.listed]
            error = float(shares.std(ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else 0.0
            over = float(shares.mean()) > limit + 2 * error
            exceeded |= over
            table.add_row(
                f"{limit:.0%}",
                f"the first {CAPACITY:.0%}" if within else "everybody",
                str(len(given)),
                str(sum(o.listed for o in chosen)),
                f"{shares.mean():.3f}",
                f"{error:.3f}",
                f"{np.mean(given):.3f}" if given else "",
                "no" if over else "yes",
            )
    terminal.out.print(table)
    return exceeded


def _kept(path: Path | None) -> Iterator[Outcome]:
    if path is not None and path.is_file():
        yield from (Outcome(**json.loads(line)) for line in path.read_text().splitlines())


def _keep(path: Path | None, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    if path is not None:
        with path.open("a") as file:
            file.writelines(json.dumps(asdict(each)) + "\n" for each in outcomes)
    return outcomes


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
