"""Scores by judges of figure skating: rater severity where everybody in a panel rates the same performances.

A fifth of the scores is held out, and nothing of it enters a fit. A held-out score is predicted by what the *other* judges of
the panel gave the same component of the same performance, and by what is known of the judge: the plain mean; with the judge's
mean deviation; by the rater model (consensus weighted by consistency, severity by criterion, stretch); and with the judge's
*impression*, what remains of the judge's scores for the same performance in its other components. Besides, a fifth of the pairs
of judge and performance is taken from the scores that are not held out, with all components: performances that the judge is
not known to have seen.

Intervals of severity are checked by halves. Each panel's performances are split in two at random, the same for its judges, so
that the errors of the halves are independent. The rater model is fitted to each half alone: severity s with error e. The second
half's estimate without shrinkage is s₂ / f with error e₂² / f, where f = 1 - e₂² / ((1 - 1/n) σ₂²) is the share of it that is
known (n judges in the panel, σ₂ the standard deviation of severities there). The first half's 80 % predictive interval for it is
s₁ ± 1.28 √(e₁² + e₂² / f). Judges with fewer than five performances in a half are not comparable, and are not counted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from goals import Figures, Goal

from perfml.arrays import Floats
from perfml.learning.dataset.raters import NORMAL_95, RaterModel, consensus_ratings, expected_ratings, rater_model
from perfml.progress import Progress

GOALS = {
    "rmse_of_severity_and_consistency": Goal(high=0.385),
    "rmse_of_severity_and_impression": Goal(high=0.26),
    "rmse_less_mean_and_deviation_of_unseen_performances": Goal(high=0.0),
    "coverage_of_80_percent": Goal(low=0.75, high=0.85),
    "coverage_of_80_percent_by_criterion": Goal(low=0.75, high=0.85),
}
SCALE = (0.25, 10.0)
NORMAL_80 = 1.281552
SPLITS, DRAWS = 10, 1_000
ITEM, PAIR = ["employee_id", "criterion"], ["reviewer_id", "employee_id"]


def scores(data: Path) -> pd.DataFrame:
    """The judges' scores as reviews of several criteria."""
    return pd.read_parquet(data / "judges" / "reviews.parquet").rename(columns={"component": "criterion"})


def of_item(values: pd.Series, known: pd.DataFrame, asked: pd.DataFrame) -> Floats:
    """The mean of ``values``, which follow ``known``, for the performance and criterion of each row that is asked about."""
    means = values.groupby([known[name] for name in ITEM]).mean()
    return means.reindex(pd.MultiIndex.from_frame(asked[ITEM])).to_numpy(dtype=np.float64)


def predictions(known: pd.DataFrame, asked: pd.DataFrame) -> dict[str, Floats]:
    """Each way's prediction of the rows ``asked``, learnt from the scores ``known``."""
    others = of_item(known["rating"], known, asked)
    deviation = known["rating"] - of_item(known["rating"], known, known)
    own = deviation.groupby(known["reviewer_id"]).mean()
    model = rater_model(known, scale=SCALE)
    consensus = consensus_ratings(known, model, by=ITEM)
    expected = expected_ratings(asked, model, of_item(consensus, known, asked)).to_numpy()
    rest = known["rating"] - expected_ratings(known, model, consensus.to_numpy())
    left = rest.groupby([known[name] for name in PAIR]).agg(["sum", "size"])
    lasting = model.lasting_share
    impression = lasting * left["sum"] / (1 - lasting + lasting * left["size"])
    of_pair = impression.reindex(pd.MultiIndex.from_frame(asked[PAIR])).fillna(0.0).to_numpy(dtype=np.float64)
    return {
        "mean_of_the_others": others,
        "mean_and_deviation": others + asked["reviewer_id"].map(own).fillna(0.0).to_numpy(),
        "severity_and_consistency": expected,
        "severity_and_impression": expected + of_pair,
    }


def inside(halves: tuple[RaterModel, RaterModel], *, criterion: bool) -> pd.Series:
    """Whether the second half's estimate lies in the first half's 80 % interval, by reviewer (and criterion)."""
    key = ["reviewer_id", "criterion"] if criterion else ["reviewer_id"]
    tables = []
    for model in halves:
        members = model.reviewers["component"].map(model.reviewers["component"].value_counts())
        table = model.criteria if criterion else model.reviewers
        spread = model.severity_sd**2 + (model.criterion_sd**2 if criterion else 0.0)
        error = ((table["severity_high"] - table["severity_low"]) / (2 * NORMAL_95)) ** 2
        shared = 1 - 1 / table["reviewer_id"].map(dict(zip(model.reviewers["reviewer_id"], members, strict=True)))
        tables.append(table[key].assign(s=table["severity"], e=error, f=1 - error / (shared * spread)))
    both = tables[0].merge(tables[1], on=key, suffixes=("1", "2")).dropna()
    distance = both["s2"] - both["f2"] * both["s1"]
    length = np.sqrt(both["f2"] ** 2 * both["e1"] + both["f2"] * both["e2"])
    return (distance.abs() <= NORMAL_80 * length).set_axis(both["reviewer_id"])


def coverage(known: pd.DataFrame, panel: pd.Series, *, progress: Progress) -> dict[bool, pd.DataFrame]:
    """By whether severities are by criterion: how many estimates of each panel were checked, and lay inside."""
    counts: dict[bool, list[pd.Series]] = {False: [], True: []}
    performances = known[["panel", "employee_id"]].drop_duplicates()
    for split in range(SPLITS):
        progress("judges, by halves", split, SPLITS)
        mixed = performances.sample(frac=1, random_state=split)
        second = mixed["employee_id"][mixed.groupby("panel").cumcount() % 2 == 1]
        of_second = known["employee_id"].isin(set(second))
        halves = (rater_model(known[~of_second], scale=SCALE), rater_model(known[of_second], scale=SCALE))
        for criterion, each in counts.items():
            each.append(inside(halves, criterion=criterion))
    return {
        criterion: pd.concat(each).groupby(panel.reindex(pd.concat(each).index).to_numpy()).agg(["sum", "size"])
        for criterion, each in counts.items()
    }


def evaluate(data: Path, progress: Progress) -> Figures:
    """The figures with 95 % intervals over panels drawn with replacement."""
    rows = scores(data)
    known, asked = rows[~rows["held_out"]].reset_index(drop=True), rows[rows["held_out"]].reset_index(drop=True)
    figures = errors(known, asked, of="")
    pairs = known[PAIR].drop_duplicates().sample(frac=0.2, random_state=0)
    unseen = pd.MultiIndex.from_frame(known[PAIR]).isin(pd.MultiIndex.from_frame(pairs))
    figures |= errors(
        known[~unseen].reset_index(drop=True), known[unseen].reset_index(drop=True), of="_of_unseen_performances"
    )
    panel = known.drop_duplicates("reviewer_id").set_index("reviewer_id")["panel"]
    for criterion, checked in coverage(known, panel, progress=progress).items():
        within, total = checked["sum"].to_numpy(dtype=np.float64), checked["size"].to_numpy(dtype=np.float64)
        drawn = panels_drawn(len(total))
        name = "coverage_of_80_percent" + "_by_criterion" * criterion
        figures[name] = _figure(float(within.sum() / total.sum()), drawn @ within / (drawn @ total))
        figures[f"checked_a_split{'_by_criterion' * criterion}"] = {"value": float(total.sum() / SPLITS)}
    return figures


def errors(known: pd.DataFrame, asked: pd.DataFrame, *, of: str) -> dict[str, dict[str, float]]:
    """Root mean squared errors of each way, and of the model less those of the mean deviation; ``of`` ends their names."""
    figures: dict[str, dict[str, float]] = {}
    roots: dict[str, tuple[float, Floats]] = {}
    for name, predicted in predictions(known, asked).items():
        squares = ((predicted - asked["rating"]) ** 2).groupby(asked["panel"]).agg(["sum", "count"])
        sums, sizes = squares["sum"].to_numpy(), squares["count"].to_numpy(dtype=np.float64)
        drawn = panels_drawn(len(sums))
        roots[name] = (float(np.sqrt(sums.sum() / sizes.sum())), np.sqrt(drawn @ sums / (drawn @ sizes)))
        figures[f"rmse_of_{name}{of}"] = _figure(*roots[name])
    plain, ours = roots["mean_and_deviation"], roots["severity_and_consistency"]
    figures[f"rmse_less_mean_and_deviation{of}"] = _figure(ours[0] - plain[0], ours[1] - plain[1])
    return figures


def panels_drawn(panels: int) -> Floats:
    """How often each panel is drawn, (draws, panels)."""
    drawn = np.random.default_rng(0).multinomial(panels, np.full(panels, 1 / panels), size=DRAWS)
    return np.asarray(drawn, dtype=np.float64)


def _figure(value: float, draws: Floats) -> dict[str, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high)}
