"""A line drawn by rank: where it lies now and is expected to lie, and how likely each person ends above it.

Finals are drawn together, since errors of one metric, period and scope go together and then decide less of who is before whom
(:mod:`perfml.goals.sums.common_errors`). Where the line lies is nobody's figure: it is the mean of the people around it, three on
each side, and the same for everyone in the group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from perfml.advice.targets.forecasting.conformal import GRID, Errors
from perfml.arrays import Floats, Ints
from perfml.disclosure.primary import Suppression, primary
from perfml.goals.sums.common_errors import CommonErrors
from perfml.project.spec import DisclosureRules

DRAWS = 500
AROUND = 3
"""People on each side whose mean is where the line lies."""
DIGITS = 3
"""Significant digits of it that are shown."""
STEP = 0.05
"""Steps in which a probability is shown: it depends on what others are expected to do."""


@dataclass(frozen=True, kw_only=True)
class RankLine:
    """A line in one group of people."""

    now: float | None
    """None where it is withheld, or too few are measured."""
    expected: float | None
    probability: Floats
    """Of each person (n,); missing without a forecast."""
    crossed: Floats
    """1 for those above it now, else 0; missing for whoever is not measured (n,)."""
    withheld: Suppression | None = None
    """Why nothing is shown, where that is for the sake of others."""


def rank_line(
    goals: pd.DataFrame,
    person: Ints,
    *,
    first: int,
    divisor: Floats,
    errors: Errors,
    common: CommonErrors,
    rules: DisclosureRules,
    seed: int,
) -> RankLine:
    """The line between the ``first`` of a group and the others.

    ``goals``: one row per goal (m,) of one metric and period, ``person`` the code of its owner; ``divisor`` (n,): what a person's
    amount is divided by to be ranked.
    """
    n = len(divisor)
    around = max(AROUND, rules.min_others // 2 + 1)  # so that as many stand around it as the rules ask for
    if n < first + around:
        return _nothing(n, "few people")
    final = _finals(goals, errors, common, seed=seed)
    values = np.zeros((n, final.shape[1]))
    np.add.at(values, person, final)
    values /= divisor[:, None]
    known = np.isfinite(values).all(axis=1)
    if int(known.sum()) < first + around:
        return _nothing(n, None)
    ordered = -np.sort(-values[known], axis=0)
    at = ordered[first - 1]
    probability = np.full(n, np.nan)
    probability[known] = (values[known] >= at).mean(axis=1)
    middle = ordered.mean(axis=1)[max(first - around, 0) : first + around]
    withheld = primary(middle, rules)
    if withheld is not None:
        return _nothing(n, withheld)
    now, crossed = _now(goals, person, first=first, divisor=divisor, around=around, rules=rules)
    return RankLine(now=now, expected=_rounded(float(middle.mean())), probability=probability, crossed=crossed)


def shown_probability(probability: Floats) -> Floats:
    """In steps of :data:`STEP`, never 0 or 1."""
    return np.asarray(np.clip(np.round(probability / STEP) * STEP, STEP, 1 - STEP))


def _finals(goals: pd.DataFrame, errors: Errors, common: CommonErrors, *, seed: int) -> Floats:
    """Draws of the final of each goal (m, draws); errors of one metric and period, and of one scope within, go together."""
    rng = np.random.default_rng(seed)
    of_metric, of_scope = common.at(goals["metric"].to_numpy(dtype=object))
    scope, scopes = pd.factorize(goals["scope"].fillna("").astype(str), sort=True)
    z = (
        np.sqrt(of_metric)[:, None] * rng.standard_normal(DRAWS)
        + np.sqrt(of_scope)[:, None] * rng.standard_normal((len(scopes), DRAWS))[scope]
        + np.sqrt(np.maximum(1 - of_metric - of_scope, 0.0))[:, None] * rng.standard_normal((len(goals), DRAWS))
    )
    shares, which = np.unique(goals["elapsed"].to_numpy(dtype=np.float64), return_inverse=True)
    error = np.empty_like(z)
    for number, share in enumerate(shares):
        quantiles = np.array([np.interp(share, errors.elapsed, column) for column in errors.quantiles.T])
        error[which == number] = np.interp(ndtr(z[which == number]), GRID, quantiles)
    expected, actual = (goals[name].to_numpy(dtype=np.float64)[:, None] for name in ("expected", "actual"))
    return np.asarray(np.maximum(expected * np.exp(error), np.nan_to_num(actual)))


def _now(
    goals: pd.DataFrame, person: Ints, *, first: int, divisor: Floats, around: int, rules: DisclosureRules
) -> tuple[float | None, Floats]:
    actual = np.zeros(len(divisor))
    np.add.at(actual, person, goals["actual"].to_numpy(dtype=np.float64))  # missing where one goal is not measured
    value = actual / divisor
    measured = value[np.isfinite(value)]
    if len(measured) < first + around:
        return None, np.full(len(value), np.nan)
    ordered = -np.sort(-measured)
    crossed = np.where(np.isnan(value), np.nan, value >= ordered[first - 1])
    middle = ordered[max(first - around, 0) : first + around]
    return (None if primary(middle, rules) else _rounded(float(middle.mean()))), crossed


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _nothing(n: int, why: Suppression | None) -> RankLine:
    missing = np.full(n, np.nan)
    return RankLine(now=None, expected=None, probability=missing, crossed=missing, withheld=why)
