"""How early lists name those who will leave: ``python3 run.py benchmark early [--companies N] [--employees N] [--seed N]``.

In simulated companies every planted cause of leaving has a first day, from which it shows in the evidence. The back-test draws up
a list of 5 % of the people at the first day of each month from out-of-fold predictions. Of everyone who left while such a cause
was at work: days from the first listing since the cause began to the exit, as a share of its visible time, which is the time from
its first day (or the first list, if later) to the exit. Of those listed, and of all with 0 where missed; the same for the list of
the baseline at the same load, and for both where whoever was listed rests for 91 days, as after an offer on the list of
conversations. "Planted" is the list of somebody who knows every planted cause and its first day, and ranks by the risk that
follows from it: more than a model can know. Intervals resample people. Ends with 1 where the median of those listed is below .60.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.process_debt import risk_of  # noqa: E402
from perfml import Project, terminal  # noqa: E402
from perfml.advice.priorities import QUIET_DAYS  # noqa: E402
from perfml.arrays import Dates, Floats, Ints, Objects  # noqa: E402
from perfml.demo.company import Truth, simulate  # noqa: E402
from perfml.learning.dataset.outcome_days import outcome_days  # noqa: E402
from perfml.learning.in_people import LEAD_SHARE  # noqa: E402
from perfml.learning.validation.backtest import Predictions, fold_fits  # noqa: E402
from perfml.learning.validation.lead import lead_days  # noqa: E402
from perfml.learning.validation.lists import capacity_of, listed_rows  # noqa: E402
from perfml.learning.validation.metrics import estimate, weighted_mean, weighted_median  # noqa: E402
from perfml.learning.validation.sample import TrainingSample  # noqa: E402

START, END = dt.date(2022, 10, 1), dt.date(2026, 10, 1)
DAYS = 182
LONGEST = 1_000
"""Days, longer than any cause is at work."""
GOAL = 0.6
MODEL = """
[label]
horizons_days = [182]
[learner]
seeds = [11]
"""
LISTS = {f"{ranked}{how}": bool(how) for how in ("", ", rested") for ranked in ("model", "baseline", "planted")}
"""List -> whether somebody who was listed is listed again only after :data:`~perfml.advice.priorities.QUIET_DAYS`."""


def main() -> int:
    """Simulate, back-test, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("companies", 3), ("employees", 600), ("seed", 21)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.companies)
    left = pd.concat([company(seed, employees=asked.employees) for seed in seeds], ignore_index=True)
    person = left["employee_id"].to_numpy(object)
    table = Table(title=f"{len(left)} who left while a planted cause was at work", title_justify="left")
    for heading in ("list of 5 %", "listed", "median share of the visible time", "median days", "mean share, missed 0"):
        table.add_column(heading)
    medians = {}
    for name in LISTS:
        days = left[name].to_numpy(np.float64)
        share = days / left["visible"].to_numpy(np.float64)
        seen = ~np.isnan(share)
        every = estimate(
            {
                "listed": lambda label, _share, weight: weighted_mean(label, weight),
                "mean": lambda _label, share, weight: weighted_mean(np.nan_to_num(share), weight),
            },
            seen.astype(np.float64),
            share,
            person=person,
        )
        middle, median_days = (
            estimate({"m": lambda _l, v, w: weighted_median(v, w)}, share[seen], values[seen], person=person[seen])["m"]
            for values in (share, days)
        )
        medians[name] = middle.value
        texts = (f"{each.value:.2f} [{each.low:.2f}, {each.high:.2f}]" for each in (every["listed"], middle))
        in_days = f"{median_days.value:.0f} [{median_days.low:.0f}, {median_days.high:.0f}]"
        mean = every["mean"]
        table.add_row(name, *texts, in_days, f"{mean.value:.2f} [{mean.low:.2f}, {mean.high:.2f}]")
    terminal.out.print(table)
    by_cause = left.groupby("cause").agg(
        left=("visible", "size"), visible=("visible", "median"), listed=("model", "count"), days=("model", "median")
    )
    terminal.out.print(by_cause.to_string())
    return int(medians["model"] < GOAL)


def company(seed: int, *, employees: int) -> pd.DataFrame:
    """One row for each person who left with a cause: its visible days, and the lead of each list of :data:`LISTS`."""
    with tempfile.TemporaryDirectory() as folder:
        data, project = Path(folder) / "data", Path(folder) / "project"
        truth = simulate(data, employees=employees, start=START, end=END, seed=seed)
        (project / "models").mkdir(parents=True)
        (project / "perfml.toml").write_text('name = "simulated"\n')
        (project / "models" / "attrition.toml").write_text(MODEL)
        opened = Project(project, home=Path(folder) / "home")
        with opened.open(data) as tables:
            sample = TrainingSample.of(tables, opened.folder, "attrition", until=END)
            predictions = fold_fits(sample, DAYS).predictions("back-test")
            first, last = predictions.when.min().item(), predictions.when.max().item() + dt.timedelta(days=DAYS)
            came = outcome_days(tables, sample.spec.label, first=first, last=last, until=END)
    return _leads(truth, came, predictions, first=first).assign(
        employee_id=lambda rows: f"{seed} " + rows["employee_id"]
    )


def _leads(truth: Truth, came: pd.DataFrame, predictions: Predictions, *, first: dt.date) -> pd.DataFrame:
    plants = truth.plants[truth.plants["outcome"] == "attrition"]
    left = came.merge(plants[["employee_id", "cause", "started_on", "ended_on"]], on="employee_id")
    acting = (left["started_on"] < left["came_on"]) & (left["ended_on"].isna() | (left["ended_on"] >= left["came_on"]))
    left = left[acting].reset_index(drop=True)
    since = np.maximum(left["started_on"].to_numpy(), np.datetime64(first, "s"))
    rows = pd.DataFrame({"employee_id": predictions.person, "as_of": predictions.when.astype("M8[s]")})
    began = dict(zip(left["employee_id"], left["started_on"], strict=True))
    ranked = {
        "model": predictions.model,
        "baseline": predictions.baseline,
        "planted": _planted(plants, predictions.person, predictions.when),
    }
    leads: dict[str, Floats] = {}
    for name, rests in LISTS.items():
        listed = rows.iloc[_listed(predictions, ranked[name.split(",")[0]], rests=rests)]
        listed = listed[listed["as_of"] >= listed["employee_id"].map(began)]
        leads[name] = lead_days(left[["employee_id", "came_on"]], listed, within_days=LONGEST)
    return left.assign(visible=(left["came_on"] - since).dt.days.clip(lower=1), **leads)


def _planted(plants: pd.DataFrame, person: Objects, when: Dates) -> Floats:
    """The planted probability of resigning within :data:`DAYS`, of somebody of whom only the cause at work is known."""
    rows = pd.DataFrame({"employee_id": person, "as_of": when.astype("M8[s]"), "row": np.arange(len(person))})
    rows = rows.merge(plants, on="employee_id")
    ended = rows["ended_on"].fillna(pd.Timestamp.max.floor("D"))
    rows = rows[(rows["started_on"] < rows["as_of"]) & (ended >= rows["as_of"])]
    risk = np.full(len(person), risk_of("attrition", None))
    days = (rows["as_of"] - rows["started_on"]).dt.days
    risk[rows["row"]] = [risk_of("attrition", began) for began in days]
    return risk


def _listed(predictions: Predictions, probability: Floats, *, rests: bool) -> Ints:
    """Positions of the rows that are listed."""
    capacity = partial(capacity_of, LEAD_SHARE)
    if not rests:
        return listed_rows(probability, predictions.when, capacity)
    taken: list[Ints] = []
    last: dict[object, np.datetime64] = {}
    for day in np.unique(predictions.when):
        rows = np.flatnonzero(predictions.when == day)
        waiting = [
            day - last[who] < np.timedelta64(QUIET_DAYS, "D") if who in last else False
            for who in predictions.person[rows]
        ]
        free = rows[~np.array(waiting, dtype=bool)]
        chosen = free[np.argsort(-probability[free], kind="stable")[: capacity(len(rows))]]
        last.update(dict.fromkeys(predictions.person[chosen], day))
        taken.append(chosen)
    return np.concatenate(taken)


if __name__ == "__main__":
    sys.exit(main())
