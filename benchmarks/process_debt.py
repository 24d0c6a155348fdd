"""Whether the ledger of process debt says what is planted: ``python3 run.py benchmark process_debt``.

In companies whose core goals are mentioned or forgotten by known managers, every week before a review: how many forgotten goals
are flagged at least 60 days before it with the manager of that day, who can mend it, and how many goals are flagged that were
mentioned within three weeks. In companies with units in which overtime surges and feedback stops more often than in others,
trained and scored: the correlation, over managers and over units, of the share of the predicted risk that the ledger gives to
a debt with the share that was planted, over the horizon of the prediction. Ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest, norm

from perfml import Project
from perfml.demo.company import simulate
from perfml.demo.lives import LEAD_DAYS as LEAD
from perfml.demo.lives import (
    LOW_RATING,
    MEAN_RATING,
    PLANTED_EXITS_PER_YEAR,
    PLANTED_RATING_DROP,
    VOLUNTARY_PER_YEAR,
)
from perfml.demo.lives import RAMP_DAYS as RAMP
from perfml.demo.planted.neglect import draw_neglect
from perfml.demo.planted.process_debt import plant_mentions
from perfml.evidence.snapshots import make_snapshots
from perfml.goals.process_debt.rules import owed
from perfml.project.goals.process_debt_spec import ProcessDebtSpec

START, END = dt.date(2024, 10, 1), dt.date(2026, 10, 1)
FIRST_LOOK, LAST_LOOK = dt.date(2026, 1, 5), dt.date(2026, 6, 29)
"""Weekly looks within the first half of 2026, which is reviewed in July."""
LEAD_DAYS, FLAGGED, CORRELATION = 60, 0.95, 0.9
PERIOD_END = dt.date(2026, 12, 31)
"""Last day of the period that is reviewed within the horizon."""
REVIEWED = dt.date(2026, 6, 30)
"""Last day of the period that is reviewed."""
MODELS = ("attrition", "low_performance")
SUMS = ("carried", "risk", "debt", "planted")
HORIZON_DAYS = 182
RATINGS_SPREAD = 0.68
"""Standard deviation of the scores behind ratings: ability, chance and the severity of managers together."""
LIMIT_HOURS = 8
"""Agreed hours of overtime in 28 days: nobody in the simulated company reaches what the law allows."""
QUICK = f"""
[label]
horizons_days = [{HORIZON_DAYS}]
[population]
every = "quarter"
[learner]
seeds = [11]
[backtest]
folds = 2
[gates]
refits = 2
"""
PROCESSES = f"""
[processes.overtime]
limit_hours = {LIMIT_HOURS}
"""


def main() -> int:
    """Exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("seeds", 10), ("first", 1), ("employees", 200), ("scored", 1_200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--part", choices=("mentions", "risk"), help="only this part")
    asked = parser.parse_args()
    missed = False
    seeds = range(asked.first, asked.first + asked.seeds)
    if asked.part != "risk":
        parts = [mentions(seed, asked.employees) for seed in seeds]
        flagged, of, false, clean = (sum(part[n] for part in parts) for n in range(4))
        ends = binomtest(flagged, of).proportion_ci(method="wilson")
        print(
            f"forgotten goals flagged {LEAD_DAYS} days before the review, with the manager: {flagged / of:.1%}"
            f" [{ends.low:.1%}, {ends.high:.1%}] ({flagged} of {of}); mentioned in time and flagged: {false} of {clean}"
        )
        missed |= flagged < FLAGGED * of
    if asked.part != "mentions":
        frames = [risk(seed, asked.scored) for seed in seeds]
        for unit in ("manager_id", "unit"):
            for process in ("overtime", "feedback"):
                own = [frame[frame["process"] == process].groupby(unit)[list(SUMS)].sum() for frame in frames]
                r = [
                    float(np.corrcoef(each["carried"] / each["risk"], each["debt"] / each["planted"])[0, 1])
                    for each in own
                ]
                print(
                    f"{process} by {unit}: correlation {np.mean(r):.2f} ({min(r):.2f} to {max(r):.2f}, {len(r)} companies)"
                )
                missed |= bool(np.mean(r) < CORRELATION)
    return int(missed)


def mentions(seed: int, employees: int) -> tuple[int, int, int, int]:
    """Forgotten goals flagged in time with their manager, all of them, goals flagged that were mentioned in time, and these."""
    with tempfile.TemporaryDirectory() as folder:
        data, project = Path(folder) / "data", Project(home=Path(folder) / "home")
        simulate(data, employees=employees, start=START, end=END, seed=seed)
        truth = plant_mentions(data, seed=seed)
        process = project.folder.policy_of(ProcessDebtSpec)[1].processes["goal_unmentioned"]
        first: dict[str, tuple[dt.date, str | None]] = {}
        with project.open(data) as opened:
            day = FIRST_LOOK
            while day <= LAST_LOOK:
                make_snapshots(opened, [day])
                rows = owed(opened, day, process)
                managers = dict(opened.connection.sql("select employee_id, manager_id from temp.people").fetchall())
                for goal_id, person in zip(rows["goal_id"], rows["employee_id"], strict=True):
                    first.setdefault(str(goal_id), (day, managers[person]))
                day += dt.timedelta(days=7)
        reviews, positions = (pd.read_parquet(data / f"{name}.parquet") for name in ("reviews", "positions"))
    reviews = reviews[pd.to_datetime(reviews["period_end"]) == pd.Timestamp(REVIEWED)]
    on = dict(zip(reviews["employee_id"], pd.to_datetime(reviews["reviewed_on"]).dt.date, strict=True))
    begun = truth.unmentioned["period_start"].dt.date
    planted = truth.unmentioned[
        (begun >= FIRST_LOOK.replace(day=1)) & (truth.unmentioned["period_end"].dt.date <= REVIEWED)
    ]
    planted = planted[planted["employee_id"].isin(on) & planted["manager_id"].notna()]
    flagged = 0
    for goal_id, person in zip(planted["goal_id"], planted["employee_id"], strict=True):
        day, manager = first.get(goal_id, (dt.date.max, None))
        own = positions[
            (positions["employee_id"] == person) & (pd.to_datetime(positions["effective_on"]).dt.date < day)
        ]
        in_office = own.sort_values("effective_on")["manager_id"].iloc[-1]
        flagged += int(day <= on[person] - dt.timedelta(days=LEAD_DAYS) and manager == in_office)
    return flagged, len(planted), len(truth.in_time & first.keys()), len(truth.in_time)


def risk(seed: int, employees: int) -> pd.DataFrame:
    """One row for each person and process: its predicted risk, what of it the ledger gives to the debt, and both as planted."""
    with tempfile.TemporaryDirectory() as folder:
        data, root = Path(folder) / "data", Path(folder) / "project"
        neglect = draw_neglect(seed=seed)
        truth = simulate(data, employees=employees, start=START, end=END, seed=seed, neglect=neglect)
        (root / "models").mkdir(parents=True)
        (root / "perfml.toml").write_text('name = "debt"\n')
        (root / "models" / "process_debt.toml").write_text(PROCESSES)
        for model in MODELS:
            (root / "models" / f"{model}.toml").write_text(QUICK)
        project = Project(root, home=Path(folder) / "home")
        for model in MODELS:
            project.train(model, data, until=END)
            project.write_scores(model, data, as_of=[END])
        rows = project.process_debt(data, as_of=END).rows
        facts = project.people(END)
    active = truth.active(END)
    since = dict(zip(active["employee_id"], (pd.Timestamp(END) - active["started_on"]).dt.days, strict=True))
    cause, outcome = (dict(zip(active["employee_id"], active[name], strict=True)) for name in ("cause", "outcome"))
    planted = {"overtime": "overtime", "feedback": "feedback_drought"}
    out = []
    for row in rows:
        if row.process not in planted or row.model is None or row.probability is None:
            continue
        person = row.employee_id
        affected = outcome.get(person) == row.model
        whole = risk_of(row.model, since[person] if affected else None)
        debt = whole - risk_of(row.model, None) if cause.get(person) == planted[row.process] else 0.0
        unit = f"{row.department} {facts[person].location}"
        carried = (row.carried or 0.0) if row.owed else 0.0
        out.append((row.process, row.manager_id, unit, carried, row.probability, debt, whole))
    return pd.DataFrame(out, columns=["process", "manager_id", "unit", *SUMS])


def risk_of(model: str, began: int | None) -> float:
    """The planted probability of somebody of whom only is known that a cause began so many days ago; or none did."""
    ahead = np.arange(HORIZON_DAYS)
    strength = np.zeros(HORIZON_DAYS) if began is None else ((began + ahead - LEAD) / RAMP).clip(0, 1)
    if model == "attrition":
        hazard = VOLUNTARY_PER_YEAR + PLANTED_EXITS_PER_YEAR * strength
        return float(-np.expm1(-hazard.sum() / 365.25))
    drop = PLANTED_RATING_DROP * strength[(PERIOD_END - END).days]
    return float(norm.cdf((LOW_RATING + 0.5 - MEAN_RATING + drop) / RATINGS_SPREAD))


if __name__ == "__main__":
    sys.exit(main())
