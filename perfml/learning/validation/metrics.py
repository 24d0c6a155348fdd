"""Metrics of a ranking and its probabilities, always with intervals.

Rows of one person are not independent, so intervals come from a bootstrap over people (Field & Welsh 2007): people are
drawn with replacement, and all their rows weigh as often as they are drawn. Every metric therefore takes a matrix of
weights, one row a draw, and returns a value for each draw; with weights of one it equals scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from pydantic import model_serializer
from pydantic.dataclasses import dataclass
from scipy.special import expit

from perfml.arrays import Dates, Floats, Objects
from perfml.learning.validation.lists import listed_rows
from perfml.messages import Message

Metric = Callable[[Floats, Floats, Floats], Floats]
"""(label (n,), probability (n,), weight (draws, n)) -> (draws,); missing where a draw holds one label only."""
DRAWS = 200
AT_A_TIME = 20
"""Draws computed at once."""
EPSILON = 1e-15
SETTLED = 1e-9
"""A step of Newton's method after which the next is smaller than its rounding."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and standard error over people."""

    value: float
    low: float
    high: float
    se: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def message(self) -> Message:
        """The figure with its interval; "not estimated" where it has none."""
        if not np.isfinite([self.value, self.low, self.high]).all():
            return Message.of("not_estimated")
        return Message.of("estimate", value=float(self.value), low=float(self.low), high=float(self.high))

    @model_serializer
    def to_json(self) -> dict[str, float | None]:
        """JSON, with null for a figure that could not be estimated."""
        numbers = {"value": self.value, "low": self.low, "high": self.high, "se": self.se}
        return {name: round(float(x), 6) if np.isfinite(x) else None for name, x in numbers.items()}


def _at_thresholds(label: Floats, probability: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weight of true and of false cases at or above each distinct probability, highest first: (draws, thresholds) each."""
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.diff(probability[order], append=-np.inf))
    sorted_weight = weight[:, order]
    true = np.cumsum(sorted_weight * label[order], axis=1)[:, ends]
    return true, np.cumsum(sorted_weight, axis=1)[:, ends] - true


def auc(label: Floats, probability: Floats, weight: Floats) -> Floats:
    """Area under the ROC curve: the probability that a random case ranks above a random non-case."""
    return quotient(*_pairs(label, probability, weight))


def auc_within(when: Dates) -> Metric:
    """AUC over pairs of the same date of ``when``, so that months with more cases do not count as skill."""
    dates = [when == date for date in np.unique(when)]

    def metric(label: Floats, probability: Floats, weight: Floats) -> Floats:
        parts = [_pairs(label[rows], probability[rows], weight[:, rows]) for rows in dates]
        right, pairs = np.sum(parts, axis=0)
        return quotient(right, pairs)

    return metric


def _pairs(label: Floats, probability: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weight of the pairs of a true and a false case in the right order, ties half, and of all pairs: (draws,) each."""
    true, false = _at_thresholds(label, probability, weight)
    widths = np.diff(false, axis=1, prepend=0.0)
    heights = true - np.diff(true, axis=1, prepend=0.0) / 2
    return (widths * heights).sum(axis=1), true[:, -1] * false[:, -1]


def average_precision(label: Floats, probability: Floats, weight: Floats) -> Floats:
    """Area under the precision-recall curve, as a sum of steps."""
    true, false = _at_thresholds(label, probability, weight)
    precision = quotient(true, true + false)
    return quotient((np.diff(true, axis=1, prepend=0.0) * np.nan_to_num(precision)).sum(axis=1), true[:, -1])


def log_loss(label: Floats, probability: Floats, weight: Floats) -> Floats:
    """Mean negative log-likelihood, in nats."""
    p = np.clip(probability, EPSILON, 1 - EPSILON)
    return weighted_mean(-(label * np.log(p) + (1 - label) * np.log1p(-p)), weight)


def brier(label: Floats, probability: Floats, weight: Floats) -> Floats:
    """Mean squared error of the probability."""
    return weighted_mean((probability - label) ** 2, weight)


def precision_at(share: float) -> Metric:
    """Share of true cases among the ``share`` of rows ranked highest."""

    def metric(label: Floats, probability: Floats, weight: Floats) -> Floats:
        order = np.argsort(-probability, kind="stable")
        each = weight[:, order]
        taken = np.cumsum(each, axis=1)
        inside = np.clip(share * taken[:, -1:] - (taken - each), 0, each)
        return quotient(inside @ label[order], inside.sum(axis=1))

    return metric


def lift(precision: Metric) -> Metric:
    """A precision over the share of true cases among all."""
    return lambda label, probability, weight: quotient(
        precision(label, probability, weight), weighted_mean(label, weight)
    )


def precision_of_lists(when: Dates, capacity: Callable[[int], int]) -> Metric:
    """Share of true cases in the lists: at each date of ``when``, the ``capacity(n)`` ranked highest of its ``n`` rows."""

    def metric(label: Floats, probability: Floats, weight: Floats) -> Floats:
        listed = listed_rows(probability, when, capacity)
        return quotient(weight[:, listed] @ label[listed], weight[:, listed].sum(axis=1))

    return metric


def expected_over_observed(label: Floats, probability: Floats, weight: Floats) -> Floats:
    """Sum of probabilities over the number of true cases; 1 is right."""
    return quotient(weight @ probability, weight @ label)


def calibration_slope(label: Floats, probability: Floats, weight: Floats) -> Floats:
    """Slope of the logistic regression of the outcome on the margin; below 1 is overconfident (Cox 1958).

    Newton's method for all draws at once, on the standardised margin, until no draw moves or for at most 12 steps.
    """
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    margin = np.log(p / (1 - p))
    middle, scale = margin.mean(), margin.std() or 1.0
    x = (margin - middle) / scale
    slope, intercept = np.ones(len(weight)), np.full(len(weight), 0.0)
    for _ in range(12):
        fitted = expit(np.clip(intercept[:, None] + slope[:, None] * x, -30, 30))
        residual, curve = weight * (label - fitted), weight * fitted * (1 - fitted)
        g0, g1 = residual.sum(axis=1), residual @ x
        h00, h01, h11 = curve.sum(axis=1), curve @ x, curve @ (x * x)
        det = h00 * h11 - h01**2
        step = quotient(np.stack([h00 * g1 - h01 * g0, h11 * g0 - h01 * g1]), np.stack([det, det]))
        slope, intercept = slope + step[0], intercept + step[1]
        if not (np.abs(step) > SETTLED).any():
            break
    return slope / scale


def metrics_at(when: Dates, capacity: Callable[[int], int]) -> dict[str, Metric]:
    """The metrics of every report, in order; ``capacity(n)``: how many of ``n`` people can be listed at a date."""
    listed = precision_of_lists(when, capacity)
    return {
        "auc": auc,
        "average_precision": average_precision,
        "log_loss": log_loss,
        "brier": brier,
        "precision_at_capacity": listed,
        "lift_at_capacity": lift(listed),
        "lift_at_10_percent": lift(precision_at(0.1)),
        "expected_over_observed": expected_over_observed,
        "calibration_slope": calibration_slope,
    }


def estimate(
    metrics: Mapping[str, Metric],
    label: Floats,
    probability: Floats,
    *,
    person: Objects,
    against: Floats | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Each metric with its interval over people; with ``against``, the difference to the metric of those probabilities.

    Draws in which a metric is undefined are left out; if most draws are, the interval is missing.
    """
    probabilities = [probability] if against is None else [probability, against]
    drawn = _drawn(metrics, label, probabilities, person=person, draws=draws, seed=seed)
    return _intervals(drawn[0] if against is None else _less(*drawn))


def estimates_beside(
    metrics: Mapping[str, Metric], label: Floats, probability: Floats, *, person: Objects, against: Floats
) -> tuple[dict[str, Estimate], dict[str, Estimate], dict[str, Estimate]]:
    """:func:`estimate` of both probabilities, and of the difference of the first to those ``against``, in the same draws."""
    ours, theirs = _drawn(metrics, label, [probability, against], person=person, draws=DRAWS, seed=0)
    return _intervals(ours), _intervals(theirs), _intervals(_less(ours, theirs))


def _drawn(
    metrics: Mapping[str, Metric],
    label: Floats,
    probabilities: Sequence[Floats],
    *,
    person: Objects,
    draws: int,
    seed: int,
) -> list[dict[str, Floats]]:
    """Of each of ``probabilities`` each metric: its value, then those in draws over people, the same for all: (1 + draws,)."""
    everyone, code = np.unique(person, return_inverse=True)
    rng = np.random.default_rng(seed)
    share = np.full(len(everyone), 1 / len(everyone))
    parts: list[dict[str, list[Floats]]] = [{name: [] for name in metrics} for _ in probabilities]

    def add(weight: Floats) -> None:
        for probability, part in zip(probabilities, parts, strict=True):
            for name, metric in metrics.items():
                part[name].append(metric(label, probability, weight))

    add(np.ones((1, len(label))))
    for low in range(0, draws, AT_A_TIME):
        add(rng.multinomial(len(everyone), share, size=min(AT_A_TIME, draws - low))[:, code].astype(np.float64))
    return [{name: np.concatenate(values) for name, values in part.items()} for part in parts]


def _less(ours: Mapping[str, Floats], theirs: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: ours[name] - theirs[name] for name in ours}


def _intervals(drawn: Mapping[str, Floats]) -> dict[str, Estimate]:
    return {name: interval(float(values[0]), values[1:]) for name, values in drawn.items()}


def interval(value: float, drawn: Floats) -> Estimate:
    """The 95 % interval and standard error of a figure from its draws; missing where most of them are undefined.

    The interval is widened to hold the figure, which shrunk draws, such as shares of few people, may exclude.
    """
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < max(2, len(drawn) / 2) or not np.isfinite(value):
        return Estimate(value, float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(defined, [0.025, 0.975])
    return Estimate(value, min(value, float(low)), max(value, float(high)), float(defined.std(ddof=1)))


def weighted_mean(values: Floats, weight: Floats) -> Floats:
    """The mean of ``values`` (n,) for each row of ``weight`` (draws, n); missing where a row has no weight."""
    return quotient(weight @ values, weight.sum(axis=1))


def weighted_median(values: Floats, weight: Floats) -> Floats:
    """The weighted median for each row of ``weight``: the smallest value at or below which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[:, order], axis=1)
    first = np.argmax(below >= below[:, -1:] / 2, axis=1)
    return np.where(below[:, -1] > 0, values[order][first], np.nan)


def quotient(above: Floats, below: Floats) -> Floats:
    """``above`` over ``below``; missing where that is not positive."""
    out: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return out


def calibration_bins(label: Floats, probability: Floats, bins: int = 10) -> list[dict[str, float]]:
    """Expected and observed share in ``bins`` of equal size, ascending, with a 95 % Wilson interval of the observed."""
    order = np.argsort(probability, kind="stable")
    out = []
    for rows in np.array_split(order, min(bins, len(order))):
        n, cases = len(rows), float(label[rows].sum())
        z2 = 1.96**2
        middle, spread = (cases + z2 / 2) / (n + z2), 1.96 * np.sqrt(cases * (n - cases) / n + z2 / 4) / (n + z2)
        out.append(
            {
                "n": n,
                "expected": float(probability[rows].mean()),
                "observed": cases / n,
                "low": max(0.0, float(middle - spread)),
                "high": min(1.0, float(middle + spread)),
            }
        )
    return out
