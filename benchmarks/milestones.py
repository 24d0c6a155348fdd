"""Whether forecasts of milestones and lines are right: ``python3 run.py benchmark milestones [--seeds N] [--first N]``.

Simulated companies with milestones, dependencies and late marking planted. At dates within quarters: how often the 80 % interval
of the last day of work covers it, of milestones that could begin, that wait for others, and that are due; precision and recall of
late marking and of late work; slippage that is passed on; and what is said in companies where everything is finished in time and
marked at once. Of lines: how often people cross them beside the probability that was given, for targets at the end of the period
and within it, and for the first ten. Exit code 1: a goal is missed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from perfml import Project  # noqa: E402
from perfml.demo.company import simulate  # noqa: E402
from perfml.demo.planted.milestones import MilestoneTruth, plant_milestones  # noqa: E402
from perfml.evidence.sources import Data  # noqa: E402
from perfml.goals.lines.report import lines_at  # noqa: E402
from perfml.goals.milestones.forecast import forecast_milestones  # noqa: E402
from perfml.goals.milestones.lateness import finished_in_time, status_of  # noqa: E402
from perfml.goals.milestones.reading import EPOCH, MilestoneRecord  # noqa: E402
from perfml.goals.milestones.spreading import spreading  # noqa: E402
from perfml.project.goals.lines_spec import LinesSpec  # noqa: E402
from perfml.project.goals.milestones_spec import MilestonesSpec  # noqa: E402
from perfml.project.target_policy import TargetPolicy  # noqa: E402

START, END = dt.date(2024, 10, 1), dt.date(2026, 10, 1)
DAYS = (dt.date(2025, 11, 20), dt.date(2026, 2, 10), dt.date(2026, 5, 25), dt.date(2026, 8, 15))
LINE_DAYS = (dt.date(2026, 2, 12), dt.date(2026, 5, 28))
COVERED, TOLD = (0.75, 0.85), 0.8
TENTHS = np.linspace(0, 1, 11)


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("seeds", 10), ("first", 1), ("employees", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--part", choices=("milestones", "lines"), help="only this part")
    asked = parser.parse_args()
    judged, clean, crossed = [], Counter[str](), []
    for seed in range(asked.first, asked.first + asked.seeds):
        with tempfile.TemporaryDirectory() as folder:
            data, home = Path(folder) / "data", Path(folder) / "home"
            simulate(data, employees=asked.employees, start=START, end=END, seed=seed)
            if asked.part != "lines":
                truth = plant_milestones(data, seed=seed, end=END)
                with Project(home=home).open(data) as opened:
                    judged.append(milestones(opened, truth).assign(seed=seed))
                truth = plant_milestones(data, seed=seed, end=END, planted=False)
                with Project(home=home).open(data) as opened:
                    clean += Counter(milestones(opened, truth)["status"])
            if asked.part != "milestones":
                crossed.append(lines(data, home).assign(seed=seed))
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    fine = True
    if judged:
        fine &= print_milestones(pd.concat(judged, ignore_index=True), clean)
    if crossed:
        fine &= print_lines(pd.concat(crossed, ignore_index=True))
    return int(not fine)


def milestones(data: Data, truth: MilestoneTruth) -> pd.DataFrame:
    """One row per date and milestone in its goal's period: what is said of it, and what came of it."""
    spec = MilestonesSpec(zh="里程碑", en="Milestones")
    record = MilestoneRecord.of(data, END)
    true = truth.milestones.assign(late_work=truth.late_work, late_marking=truth.late_marking)
    true = true.set_index(["goal_id", "name"])
    frames = []
    for date in DAYS:
        day = float((date - EPOCH).days)
        forecast = forecast_milestones(record.at(day), least_finished=spec.least_finished)
        of = forecast.milestones
        came = true.loc[list(zip(of.rows["goal_id"], of.rows["name"], strict=True))]
        low, high = (np.floor(forecast.quantile(q)) for q in (0.1, 0.9))
        in_time = finished_in_time(forecast)
        spread = spreading(forecast)
        finished = came["finished"].to_numpy(dtype=float)
        frames.append(
            pd.DataFrame(
                {
                    "day": date,
                    "open": np.isnan(forecast.finished),
                    "blocked": [any(np.isnan(forecast.finished[b]) for b in of.waits_for(r)) for r in range(len(came))],
                    "due": of.number("due") < day,
                    "shown": of.number("last") >= day,
                    "covered": (finished >= low) & (finished <= high),
                    "above": finished > high,
                    "width": high - low,
                    "status": status_of(forecast, in_time, marking_days=spec.marking_days, sure=spec.sure),
                    "hidden": np.isnan(of.number("finished")) & np.isfinite(of.number("marked")),
                    "in_time": in_time,
                    "was_in_time": finished <= of.number("due"),
                    "late_work": came["late_work"].to_numpy(),
                    "late_marking": came["late_marking"].to_numpy(),
                    "inherits": spread.inherited >= 1,
                    "did_inherit": came["begun"].to_numpy() > of.planned_start,
                    "waits": [len(of.waits_for(row)) > 0 for row in range(len(came))],
                }
            )
        )
    rows = pd.concat(frames, ignore_index=True)
    return pd.DataFrame(rows[rows["shown"]])


def lines(data: Path, home: Path) -> pd.DataFrame:
    """One row per date, person and line: the probability that was given, and whether the line was crossed."""
    project = Project(home=home)
    policy, frames = project.folder.policy_of(TargetPolicy, None)[1], []
    target, rank = {"zh": "线", "en": "line", "rule": "attainment"}, {"zh": "线", "en": "line", "rule": "rank"}
    with project.open(data) as opened:
        finals = _finals(opened)
        for date in LINE_DAYS:
            ends = (pd.Timestamp(date) + pd.offsets.QuarterEnd(0)).date()
            within = (pd.Timestamp(date) + pd.offsets.MonthEnd(0)).date() - dt.timedelta(days=1)
            spec = LinesSpec.model_validate(
                {
                    "zh": "线",
                    "en": "lines",
                    "lines": {
                        "target": target,
                        "within": {**target, "share": 0.6, "on": within},
                        "first": {**rank, "metric": "revenue", "first": 10},
                        "first_share": {**rank, "metric": "visits", "first": 10, "ranked_by": "share"},
                    },
                }
            )
            report = lines_at(opened, spec, policy, date, rules=project.folder.spec.disclosure)
            rows = report.table.to_pandas().dropna(subset=["probability"])
            frames.append(_came(rows, finals, ends=ends, within=within).assign(day=date))
    return pd.concat(frames, ignore_index=True)


def _finals(data: Data) -> pd.DataFrame:
    query = """select g.employee_id, g.metric, g.period_end::date as ends, g.target, p.measured_at::date as day, p.actual
      from (select * from goals qualify row_number() over (partition by goal_id order by effective_on desc) = 1) g
      join progress p on p.goal_id = g.goal_id order by day"""
    finals: pd.DataFrame = data.connection.sql(query).df()
    return finals


def _came(rows: pd.DataFrame, finals: pd.DataFrame, *, ends: dt.date, within: dt.date) -> pd.DataFrame:
    out = []
    for line, own in rows.groupby("line"):
        by = pd.Timestamp(within if line == "within" else ends)
        of = finals[(finals["ends"] == pd.Timestamp(ends)) & (finals["day"] <= by)]
        last = of.groupby(["employee_id", "metric"])[["target", "actual", "day"]].last().reset_index()
        last = last[last["day"] >= by - pd.Timedelta(days=8)]
        own = own.merge(last, on=["employee_id", "metric"], suffixes=("", "_came"))
        if line in ("target", "within"):
            own["crossed_then"] = own["actual_came"] >= own["line_now"]
        else:
            value = own["actual_came"] / own["target"] if line == "first_share" else own["actual_came"]
            own["crossed_then"] = value.rank(ascending=False) <= 10 if len(value) >= 10 else np.nan
        out.append(own[["line", "probability", "crossed_then"]])
    return pd.concat(out, ignore_index=True)


def print_milestones(rows: pd.DataFrame, clean: Counter[str]) -> bool:
    """Print coverage, what was told apart, and what is said where nothing is planted; whether all goals are met."""
    of = rows[rows["open"]]
    parts = {
        "all": of,
        "could begin, not due": of[~of["blocked"] & ~of["due"]],
        "waits for one that is open": of[of["blocked"]],
        "due and not marked": of[of["due"]],
    }
    for name, part in parts.items():
        by_seed = part.groupby("seed")["covered"].mean()
        print(
            f"80 % interval, {name}: {part['covered'].mean():.3f} of {len(part):,} ({by_seed.min():.2f} to"
            f" {by_seed.max():.2f} by seed), above {part['above'].mean():.3f}, median width {part['width'].median():.0f} days"
        )
    fine = mark(COVERED[0] <= of["covered"].mean() <= COVERED[1])
    for name, part in (
        ("day of work known or open", rows[~rows["hidden"]]),
        ("only the mark known", rows[rows["hidden"]]),
    ):
        for status in ("late_marking", "late_work"):
            told = part["status"] == status
            right = told & (part["was_in_time"] if status == "late_marking" else part["late_work"])
            true = part[status] & ~part["status"].isin(["running"])
            print(
                f"{status}, {name}: precision {right.sum() / max(told.sum(), 1):.3f} of {told.sum():,}, recall"
                f" {(told & part[status]).sum() / max(true.sum(), 1):.3f} of {true.sum():,}, unclear"
                f" {(true & (part['status'] == 'unclear')).sum() / max(true.sum(), 1):.3f}"
            )
    late = rows[rows["status"].isin(["late_marking", "late_work"])]
    verdicts = np.where(late["status"] == "late_marking", late["was_in_time"], late["late_work"])
    fine &= mark(verdicts.mean() >= TOLD)
    waits = rows[rows["waits"] & rows["open"]]
    told = waits["inherits"]
    print(
        f"begins later because of what it waits for: precision {waits.loc[told, 'did_inherit'].mean():.3f}, recall"
        f" {told[waits['did_inherit']].mean():.3f} of {waits['did_inherit'].sum():,}"
    )
    forecast = rows[rows["open"] & rows["in_time"].notna()]
    _reliability("finished by the due day", forecast["in_time"], forecast["was_in_time"])
    raised = sum(clean[name] for name in ("late_marking", "late_work", "unclear"))
    print(f"nothing planted: {raised:,} of {sum(clean.values()):,} milestones called late or in doubt")
    return fine & mark(raised <= 0.01 * sum(clean.values()))


def print_lines(rows: pd.DataFrame) -> bool:
    """Print the reliability of the probability of crossing; whether it is right to five points."""
    fine = True
    for line, own in rows.groupby("line", sort=False):
        known = own.dropna(subset=["crossed_then"])
        off = _reliability(str(line), known["probability"], known["crossed_then"].astype(float))
        fine &= mark(off <= 0.05)
    return fine


def _reliability(name: str, probability: pd.Series, came: pd.Series) -> float:
    """Print by tenths; return the mean difference of what was given and what came, weighted (expected calibration error)."""
    tenth = np.clip(np.digitize(probability, TENTHS) - 1, 0, 9)
    by = pd.DataFrame({"tenth": tenth, "given": probability, "came": came.astype(float)}).groupby("tenth")
    means, sizes = by[["given", "came"]].mean(), by.size()
    off = float((sizes / sizes.sum() * (means["given"] - means["came"]).abs()).sum())
    pairs = ", ".join(f"{given:.2f}→{share:.2f}" for given, share in zip(means["given"], means["came"], strict=True))
    brier, base = float(((probability - came) ** 2).mean()), float((came.astype(float).mean() - came).pow(2).mean())
    print(
        f"{name}: {len(came):,} given {probability.mean():.3f}, came {came.mean():.3f}, calibration error {off:.3f},"
        f" Brier {brier:.3f} (always the mean: {base:.3f}); {pairs}"
    )
    return off


def mark(fine: bool) -> bool:
    """Print whether a goal is met, and return it."""
    print("  met" if fine else "  MISSED")
    return bool(fine)


if __name__ == "__main__":
    sys.exit(main())
