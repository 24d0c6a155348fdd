"""Severity and consistency of each reviewer, estimated from people rated by several reviewers.

    rating = person + effect of the reviewer + noise,   severity = -effect

A *person* is a fixed effect: only differences between ratings of the same person count, so that a reviewer with a truly
better team is not taken for a lenient one. With random people, the textbook's crossed model, the quality of teams leaks into
the severities; Abowd, Kramarz & Margolis (1999) meet the same problem with workers and firms. A *reviewer* is a random
effect: its severity is the best linear unbiased prediction (Henderson 1975), shrunk more when less is known. The *noise* has
a variance for each reviewer, shrunk to the common one (moderated variances, Smyth 2004), and part of it persists when the
same reviewer rates the same person again: twenty ratings in one pair are not twenty opinions.

Assumptions: severity does not drift, people do not change reviewers because of the rating, and a person's true performance
has no trend between reviewers. Severity is relative to the reviewers that a reviewer is connected with.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.linalg import lapack
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg
from scipy.special import chdtri

from perfml.arrays import Bools, Floats, Ints
from perfml.errors import DataError
from perfml.messages import Message, render

MIN_SHARED = 5
"""People a reviewer must share with comparable others. With five, shrinkage leaves at most 0.43 of an observed severity
(for a standard deviation of severities of 0.33 points, noise of 0.6 and two reviewers a person); with fewer, a single
unusual change of team would decide who is severe."""
MIN_REVIEWERS = 3
"""Reviewers in a component: the difference between two does not show which of them is severe."""
LIKE_OTHERS = 1 / 16
"""Share of the scale's length within which a severity does not matter: a quarter of a point on 1 to 5."""
PRIOR_RATINGS = 8
"""Weight of the common noise variance, in ratings, when a reviewer's own is shrunk to it."""
ROUNDS, TOLERANCE = 100, 1e-4
EXACT_REVIEWERS = 3_000
"""Number up to which the inverse is exact (0.6 s of CPU at the limit); beyond it, its diagonal is estimated: at 5,000
reviewers the intervals' lengths were within 2.5 % of the exact ones, at a sixth of the cost."""
PROBES = 200
NORMAL_95 = 1.959964
MEASURED = ("severity", "severity_low", "severity_high", "consistency_sd", "consistency_low", "consistency_high")


@dataclass(frozen=True, kw_only=True)
class RaterModel:
    """Severity and consistency of every reviewer."""

    reviewers: pd.DataFrame
    """One row a reviewer: ``reviewer_id``, ``ratings``, ``people``, ``people_shared`` (with any other reviewer),
    ``component`` (of the rater graph without weak links, 0 the largest, -1 none), ``comparable``; ``severity`` (rating
    points, positive is severe, 0 where not comparable) with ``severity_low``, ``severity_high``, its 95 % interval;
    ``consistency_sd`` (rating points, the noise of one rating) with ``consistency_low``, ``consistency_high``. The last
    five are missing where not comparable."""
    scale: tuple[float, float]
    """Worst and best rating."""
    severity_sd: float
    """Standard deviation of severities, in rating points; missing where none is comparable."""
    noise_sd: float
    """Noise of one rating by a typical reviewer, in rating points; missing where none is comparable."""
    lasting_share: float
    """Share of the noise variance that persists when a reviewer rates a person again; missing where none did."""


@dataclass(frozen=True, kw_only=True)
class _RaterPairs:
    """Mean rating of each person by each reviewer."""

    person: Ints
    reviewer: Ints
    mean: Floats
    times: Floats
    squares: Floats
    """Sum of squares about the mean."""

    def where(self, chosen: Bools) -> _RaterPairs:
        """The ``chosen`` pairs, people and reviewers renumbered from 0."""
        person, reviewer = (np.unique(code[chosen], return_inverse=True)[1] for code in (self.person, self.reviewer))
        return _RaterPairs(
            person=person,
            reviewer=reviewer,
            mean=self.mean[chosen],
            times=self.times[chosen],
            squares=self.squares[chosen],
        )


def rater_model(reviews: pd.DataFrame, *, scale: tuple[float, float]) -> RaterModel:
    """Fit the model to ``reviews`` (``employee_id``, ``reviewer_id``, ``rating``) on ``scale`` (worst, best).

    It knows no dates: **give it only the reviews known by the day it is fitted for**. Rows without person, reviewer or
    rating are left out. Severities are estimated among *comparable* reviewers only: see :func:`_comparable`.
    Raises :class:`DataError` for a missing column or a scale without length.
    """
    _check(reviews, ("employee_id", "reviewer_id", "rating"))
    if scale[0] == scale[1]:
        raise DataError(f"the scale {scale} has no length", where="reviews", remedy="give it as (worst, best)")
    rows = reviews[["employee_id", "reviewer_id", "rating"]].dropna()
    person, _ = pd.factorize(rows["employee_id"])
    reviewer, names = pd.factorize(rows["reviewer_id"], sort=True)
    pairs = _pairs(person, reviewer, rows["rating"].to_numpy(dtype=np.float64) * np.sign(scale[1] - scale[0]))
    n = len(names)
    shared = np.bincount(pairs.reviewer, np.bincount(pairs.person)[pairs.person] > 1, minlength=n).astype(int)
    connecting, component = _comparable(pairs, n)
    comparable = component >= 0
    table = pd.DataFrame(
        {
            "reviewer_id": names,
            "ratings": np.bincount(reviewer, minlength=n),
            "people": np.bincount(pairs.reviewer, minlength=n),
            "people_shared": shared,
            "component": component,
            "comparable": comparable,
            "severity": 0.0,
        }
    )
    table[list(MEASURED[1:])] = np.nan
    if not comparable.any():
        return RaterModel(reviewers=table, scale=scale, severity_sd=np.nan, noise_sd=np.nan, lasting_share=np.nan)
    fit = _fit(pairs.where(connecting), component[comparable], floor=(1e-3 * (scale[1] - scale[0])) ** 2)
    half = NORMAL_95 * np.sqrt(fit.error)
    columns = [-fit.effect, -fit.effect - half, -fit.effect + half, np.sqrt(fit.noise), *np.sqrt(fit.noise_interval)]
    table.loc[comparable, list(MEASURED)] = np.column_stack(columns)
    return RaterModel(
        reviewers=table,
        scale=scale,
        severity_sd=float(np.sqrt(fit.spread)),
        noise_sd=float(np.sqrt(fit.typical)),
        lasting_share=fit.lasting,
    )


def corrected_ratings(reviews: pd.DataFrame, model: RaterModel) -> pd.Series[float]:
    """Each rating as a reviewer of average severity would have given it; unchanged where the reviewer is not comparable.

    Continuous: neither rounded nor clipped to the scale. A missing rating stays missing.
    """
    _check(reviews, ("reviewer_id", "rating"))
    severity = dict(zip(model.reviewers["reviewer_id"], model.reviewers["severity"], strict=True))
    shift = np.array([severity.get(name, 0.0) for name in reviews["reviewer_id"]], dtype=np.float64)
    rating = reviews["rating"].to_numpy(dtype=np.float64, na_value=np.nan)
    upwards = np.sign(model.scale[1] - model.scale[0])
    return pd.Series(rating + upwards * shift, index=reviews.index, name="corrected_rating")


def severity_report(model: RaterModel, *, min_ratings: int = 8, min_others: int = 0) -> pd.DataFrame:
    """Reviewers with at least ``min_ratings`` ratings of more than ``min_others`` people, the most severe first, those not
    comparable last.

    The columns of :attr:`RaterModel.reviewers`, and ``verdict`` with a sentence in ``en`` and ``zh``: *severe* or *lenient*
    if the interval excludes zero, *like others* if all of it lies within :data:`LIKE_OTHERS` of the scale, *cannot tell*
    otherwise. Reviewers with fewer are counted in a last row, *not shown*, that names nobody.
    """
    few = (model.reviewers["ratings"] < min_ratings) | (model.reviewers["people"] <= min_others)
    rows = model.reviewers[~few].sort_values(["comparable", "severity", "reviewer_id"], ascending=[False, False, True])
    matters = LIKE_OTHERS * abs(model.scale[1] - model.scale[0])
    verdicts = [_verdict(row, matters) for row in rows.to_dict("records")]
    if hidden := int(few.sum()):
        unnamed = model.reviewers[few].head(1).assign(reviewer_id=None, component=-1, comparable=False)
        sums = {name: int(model.reviewers.loc[few, name].sum()) for name in ("ratings", "people", "people_shared")}
        rows = pd.concat([rows, unnamed.assign(**sums, **dict.fromkeys(MEASURED, np.nan))])
        verdicts.append(
            ("not shown", Message.of("raters_not_shown", reviewers=hidden, least=min_ratings, people=min_others + 1))
        )
    texts = [(verdict, render(text, "en"), render(text, "zh")) for verdict, text in verdicts]
    sentences = pd.DataFrame(texts, columns=["verdict", "en", "zh"], dtype=object, index=rows.index)
    return pd.concat([rows, sentences], axis=1).reset_index(drop=True)


def _verdict(row: Mapping[Hashable, Any], matters: float) -> tuple[str, Message]:
    severity, low, high = row["severity"], row["severity_low"], row["severity_high"]
    if not row["comparable"]:
        return "cannot tell", Message.of("rater_unlinked", shared=row["people_shared"])
    figures = {"low": low, "high": high, "ratings": row["ratings"]}
    if -matters < low and high < matters:
        return "like others", Message.of("rater_like_others", **figures)
    if low <= 0 <= high:
        return "cannot tell", Message.of("rater_unsure", **figures)
    verdict, code = ("severe", "rater_severe") if severity > 0 else ("lenient", "rater_lenient")
    return verdict, Message.of(code, points=abs(severity), **figures)


def _check(reviews: pd.DataFrame, needed: tuple[str, ...]) -> None:
    for column in needed:
        if column not in reviews:
            raise DataError(f"column {column!r} is missing", where="reviews", remedy="the rater model needs it")


def _pairs(person: Ints, reviewer: Ints, rating: Floats) -> _RaterPairs:
    n = int(reviewer.max(initial=-1)) + 1
    key, code = np.unique(person * n + reviewer, return_inverse=True)
    times = np.bincount(code).astype(np.float64)
    mean = np.bincount(code, rating) / np.maximum(times, 1)
    squares = np.bincount(code, (rating - mean[code]) ** 2).astype(np.float64)
    return _RaterPairs(person=key // max(n, 1), reviewer=key % max(n, 1), mean=mean, times=times, squares=squares)


def _comparable(pairs: _RaterPairs, reviewers: int) -> tuple[Bools, Ints]:
    """Whether each pair connects comparable reviewers, and each reviewer's component, -1 for one who is not comparable.

    Reviewers are linked by the people they share. A link counts only among reviewers with at least :data:`MIN_SHARED`
    shared people, in components of at least :data:`MIN_REVIEWERS`. Dropping a reviewer drops their links, so this is
    repeated until nothing changes (a core of the bipartite graph, Seidman 1983). Two blocks joined only by a reviewer with
    few shared people are thus separated, and severities are not compared across them.
    """
    connecting = np.ones(len(pairs.person), dtype=bool)
    while True:
        raters = np.bincount(pairs.person[connecting], minlength=int(pairs.person.max(initial=-1)) + 1)
        linking = connecting & (raters[pairs.person] > 1)
        shared = np.bincount(pairs.reviewer[linking], minlength=reviewers)
        side = (reviewers, len(raters))
        graph = sparse.coo_matrix((linking[linking], (pairs.reviewer[linking], pairs.person[linking])), shape=side)
        _, label = connected_components(sparse.bmat([[None, graph], [graph.T, None]]), directed=False)
        size = np.bincount(label[:reviewers], minlength=1)
        stays = (shared >= MIN_SHARED) & (size[label[:reviewers]] >= MIN_REVIEWERS)
        remaining = linking & stays[pairs.reviewer]
        if (remaining == connecting).all():
            break
        connecting = remaining
    component = np.full(reviewers, -1)
    distinct, code, count = np.unique(label[:reviewers][stays], return_inverse=True, return_counts=True)
    by_size = np.empty(len(distinct), dtype=int)
    by_size[np.argsort(-count, kind="stable")] = np.arange(len(distinct))
    component[stays] = by_size[code]
    return connecting, component


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """``effect`` of each reviewer with its ``error`` variance, ``noise`` variance of one rating; common variances."""

    effect: Floats
    error: Floats
    noise: Floats
    noise_interval: tuple[Floats, Floats]
    spread: float
    typical: float
    lasting: float


def _fit(pairs: _RaterPairs, component: Ints, *, floor: float) -> _Fit:
    """Effects given variances and variances given effects, in turn until both converge.

    The variance between reviewers is a quadratic estimator, unbiased at any weights (Rao 1971), with the weights that are
    best at the last round's value; like Chung et al. (2013) it is at least one standard error of zero, since a zero would
    claim that every severity is known to be 0. The noise is REML's fixed point: squared residuals over their degrees of
    freedom after fitting person and reviewer.
    """
    person, reviewer, y = pairs.person, pairs.reviewer, pairs.mean
    n = len(component)
    own_part = 1 - 1 / np.bincount(component)[component]
    repeats = pairs.times.sum() - len(y)
    passing = pairs.squares.sum() / repeats if repeats else np.nan
    typical = max(float(np.var(y)) / 2, floor)
    noise, spread, lasting, effect = np.full(n, typical), typical / 4, 0.5, np.zeros(n)
    for _ in range(ROUNDS):
        before = np.array([*noise, spread, lasting])
        share = lasting + (1 - lasting) / pairs.times
        weight = 1 / (noise[reviewer] * share)
        each = sparse.csr_matrix((weight, (person, reviewer)))
        people = np.bincount(person, weight)
        information = (sparse.diags(np.bincount(reviewer, weight)) - each.T @ sparse.diags(1 / people) @ each).tocsr()
        swept = np.bincount(reviewer, weight * (y - (np.bincount(person, weight * y) / people)[person]))
        own = information.diagonal()

        squared = information.multiply(information).tocsr()
        best = 1 / (1 + spread * own) ** 2
        signal = best @ np.asarray(squared.sum(axis=1)).ravel()
        by_chance = np.sqrt(2 * best @ (squared @ best)) / signal
        spread = max(float(best @ (swept**2 - own) / signal), float(by_chance))

        system = (information + sparse.identity(n) / spread).tocsr()
        effect, _ = cg(system, swept, x0=effect, rtol=1e-10, M=sparse.diags(1 / system.diagonal()))
        rest = y - effect[reviewer]
        rest -= (np.bincount(person, weight * rest) / people)[person]
        squares = np.bincount(reviewer, rest**2 / share)
        known = own / (own + 1 / spread)
        left = np.bincount(reviewer, 1 - weight / people[person])
        freedom = np.maximum(left - known * own_part, left / 10)
        typical = max(float(squares.sum() / freedom.sum()), floor)
        noise = np.maximum((PRIOR_RATINGS * typical + squares) / (PRIOR_RATINGS + freedom), floor)
        if repeats:
            lasting = float(np.clip(1 - passing / typical, 0, 1))
        if np.allclose(before, [*noise, spread, lasting], rtol=TOLERANCE, atol=TOLERANCE * floor):
            break
    degrees = PRIOR_RATINGS + 2 + freedom
    low, high = ((PRIOR_RATINGS * typical + squares) / chdtri(degrees, tail) for tail in (0.025, 0.975))
    error = _diagonal_of_inverse(system)
    return _Fit(
        effect=effect,
        error=error,
        noise=noise,
        noise_interval=(low, high),
        spread=spread,
        typical=typical,
        lasting=lasting if repeats else np.nan,
    )


def _diagonal_of_inverse(system: Any) -> Floats:
    """Error variances: exact by Cholesky, or by random signs beyond :data:`EXACT_REVIEWERS` (Bekas, Kokiopoulou & Saad 2007)."""
    n = system.shape[0]
    if n <= EXACT_REVIEWERS:
        inverse, _ = lapack.dpotri(lapack.dpotrf(system.toarray(order="F"), overwrite_a=1)[0], overwrite_c=1)
        exact: Floats = inverse.diagonal().copy()
        return exact
    rng = np.random.default_rng(0)
    scaling = sparse.diags(1 / system.diagonal())
    total = np.zeros(n)
    for _ in range(PROBES):
        sign = rng.choice([-1.0, 1.0], n)
        total += sign * cg(system, sign, rtol=1e-6, M=scaling)[0]
    estimated: Floats = np.maximum(total / PROBES, 1 / system.diagonal())
    return estimated
