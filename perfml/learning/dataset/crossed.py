"""Effects of reviewers crossed with the people they rate, with variances estimated from the ratings themselves.

What :mod:`perfml.learning.dataset.raters` is computed with; the model and its assumptions are described there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import cg
from scipy.special import chdtri

from perfml.arrays import Bools, Floats, Ints

MIN_SHARED = 5
"""People a reviewer must share with comparable others. With five, shrinkage leaves at most 0.43 of an observed severity
(for a standard deviation of severities of 0.33 points, noise of 0.6 and two reviewers a person); with fewer, a single
unusual change of team would decide who is severe."""
MIN_REVIEWERS = 3
"""Reviewers in a component: the difference between two does not show which of them is severe."""
PRIOR_RATINGS = 8
"""Weight of the common noise variance, in ratings, when a reviewer's own is shrunk to it."""
ROUNDS, TOLERANCE = 100, 1e-4
EXACT_REVIEWERS = 3_000
"""Size of a component up to which the inverse is exact (0.6 s of CPU at the limit); beyond it, its diagonal is estimated: at
5,000 reviewers the intervals' lengths were within 2.5 % of the exact ones, at a sixth of the cost."""
PROBES = 200
MIN_STRETCH_ERRORS = 2.0
"""Standard errors by which the variance of stretches must exceed zero, or all of them are 1."""
STRETCH_RANGE = (0.5, 2.0)
STRETCH_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class RaterPairs:
    """Mean rating of each person by each reviewer; all (pairs,)."""

    person: Ints
    reviewer: Ints
    mean: Floats
    times: Floats
    """Ratings in the mean."""
    squares: Floats
    """Sum of squares about the mean."""

    @classmethod
    def of(cls, person: Ints, reviewer: Ints, rating: Floats) -> RaterPairs:
        """Gather ratings, (ratings,), whose people and reviewers are numbered from 0."""
        n = int(reviewer.max(initial=-1)) + 1
        key, code = np.unique(person * n + reviewer, return_inverse=True)
        times = np.bincount(code).astype(np.float64)
        mean = np.bincount(code, rating) / np.maximum(times, 1)
        squares = np.bincount(code, (rating - mean[code]) ** 2).astype(np.float64)
        return cls(person=key // max(n, 1), reviewer=key % max(n, 1), mean=mean, times=times, squares=squares)

    def where(self, chosen: Bools) -> RaterPairs:
        """The ``chosen`` pairs, people and reviewers renumbered from 0."""
        person, reviewer = (np.unique(code[chosen], return_inverse=True)[1] for code in (self.person, self.reviewer))
        return RaterPairs(
            person=person,
            reviewer=reviewer,
            mean=self.mean[chosen],
            times=self.times[chosen],
            squares=self.squares[chosen],
        )


def comparable_reviewers(pairs: RaterPairs, reviewers: int) -> tuple[Bools, Ints]:
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
class CrossedFit:
    """``effect`` of each reviewer, ``noise`` variance of one rating; common variances."""

    effect: Floats
    component: Ints
    system: sparse.csr_matrix
    """Sparse matrix of the equations that the effects solve."""
    noise: Floats
    noise_interval: tuple[Floats, Floats]
    spread: float
    typical: float
    lasting: float

    @cached_property
    def error(self) -> Floats:
        """Error variance of each effect as a difference from the mean of its component.

        The ratings tell nothing of that mean: its variance is the prior's in the inverse, and is taken off. Where the inverse is
        estimated, at least half of the error of a reviewer who shares people with all others alike is left.
        """
        members = np.bincount(self.component)[self.component]
        least = (1 - 1 / members) / self.system.diagonal() / 2
        error: Floats = np.maximum(_diagonal_of_inverse(self.system, self.component) - self.spread / members, least)
        return error


def fit_crossed(pairs: RaterPairs, component: Ints, *, floor: float, passing: float | None = None) -> CrossedFit:
    """Effects given variances and variances given effects, in turn until both converge.

    The variance between reviewers is a quadratic estimator, unbiased at any weights (Rao 1971), with the weights that are
    best at the last round's value; like Chung et al. (2013) it is at least one standard error of zero, since a zero would
    claim that every severity is known to be 0. The noise is REML's fixed point: squared residuals over their degrees of
    freedom after fitting person and reviewer. ``passing``: the noise of one rating about its pair, where something else than
    repeats tells it. ``floor``: least variance of noise.
    """
    person, reviewer, y = pairs.person, pairs.reviewer, pairs.mean
    n = len(component)
    members = np.bincount(component)[component]
    repeats = pairs.times.sum() - len(y)
    if passing is None:
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
        freedom = np.maximum(left - known * (1 - 1 / members), left / 10)
        typical = max(float(squares.sum() / freedom.sum()), floor)
        noise = np.maximum((PRIOR_RATINGS * typical + squares) / (PRIOR_RATINGS + freedom), floor)
        if repeats:
            lasting = float(np.clip(1 - passing / typical, 0, 1))
        if np.allclose(before, [*noise, spread, lasting], rtol=TOLERANCE, atol=TOLERANCE * floor):
            break
    degrees = PRIOR_RATINGS + 2 + freedom
    low, high = ((PRIOR_RATINGS * typical + squares) / chdtri(degrees, tail) for tail in (0.025, 0.975))
    return CrossedFit(
        effect=effect,
        component=component,
        system=system,
        noise=noise,
        noise_interval=(low, high),
        spread=spread,
        typical=typical,
        lasting=lasting if repeats else np.nan,
    )


@dataclass(frozen=True, kw_only=True)
class StretchedFit:
    """A fit in which reviewers may spread the same people apart more or less than others do."""

    fit: CrossedFit
    stretch: Floats
    """Of each reviewer, 1 for as far apart as others."""
    middle: Floats
    """The mean of the people that each rated, by the others: where the stretch changes nothing."""


def fit_stretched(pairs: RaterPairs, component: Ints, *, floor: float, passing: float | None = None) -> StretchedFit:
    """:func:`fit_crossed` and the stretches, in turn; what a stretch adds is taken off the ratings before the next fit.

    Where stretches do not differ for certain, all are 1 and the fit is :func:`fit_crossed`'s.
    """
    n = len(component)
    fit = fit_crossed(pairs, component, floor=floor, passing=passing)
    stretch, middle, flat = np.ones(n), np.zeros(n), pairs
    for _ in range(STRETCH_ROUNDS):
        slope, middle, distance = _slopes(pairs, flat, fit)
        if not slope.any():
            break
        stretch = np.clip(1 + slope, *STRETCH_RANGE)
        flat = replace(pairs, mean=pairs.mean - (stretch - 1)[pairs.reviewer] * distance)
        fit = fit_crossed(flat, component, floor=floor, passing=passing)
    return StretchedFit(fit=fit, stretch=stretch, middle=middle)


def _slopes(pairs: RaterPairs, flat: RaterPairs, fit: CrossedFit) -> tuple[Floats, Floats, Floats]:
    """Each reviewer's slope on what the others say of a person, less 1; where that is in the middle; each pair's distance.

    The others' mean errs, which would flatten every slope and, in a person's own two reviewers, look like stretches that
    differ: its error variance is taken off the sums of squares and added to the sums of products (Fuller 1987). Variance of
    slopes by the quadratic estimator of :func:`fit_crossed`, slopes by best linear prediction.
    """
    person, reviewer = pairs.person, pairs.reviewer
    lasting = 0.0 if np.isnan(fit.lasting) else fit.lasting
    noise = fit.noise[reviewer] * (lasting + (1 - lasting) / pairs.times)
    corrected, weight = flat.mean - fit.effect[reviewer], 1 / noise
    others = np.maximum(np.bincount(person, weight)[person] - weight, 1e-12)
    by_others = (np.bincount(person, weight * corrected)[person] - weight * corrected) / others
    ratings = np.bincount(reviewer)

    def total(values: Floats) -> Floats:
        return np.bincount(reviewer, values).astype(np.float64)

    middle = total(by_others) / ratings
    distance = by_others - middle[reviewer]
    error = (1 - 1 / ratings) * total(1 / others)
    square = np.maximum(total(distance**2) - error, 0.0)
    product = total(distance * (pairs.mean - by_others)) + error
    chance = square * total(noise + 1 / others) / ratings + total((noise + 2 / others) / others)
    spread = 0.01
    for _ in range(ROUNDS):
        best = (square / (chance + spread * square**2)) ** 2
        signal = best @ square**2
        if signal <= 0:
            return np.zeros(len(ratings)), middle, distance
        spread = max(float(best @ (product**2 - chance) / signal), 0.0)
    by_chance = np.sqrt(2 * best**2 @ (chance + spread * square**2) ** 2) / signal
    if spread < MIN_STRETCH_ERRORS * by_chance:
        spread = 0.0
    return spread * square * product / (chance + spread * square**2), middle, distance


def _diagonal_of_inverse(system: Any, component: Ints) -> Floats:
    """Error variances, a component at a time: exact by Cholesky, or by random signs beyond :data:`EXACT_REVIEWERS` (Bekas,
    Kokiopoulou & Saad 2007)."""
    order = np.argsort(component, kind="stable")
    sorted_system = system[order][:, order]
    diagonal = np.empty(len(component))
    ends = np.cumsum(np.bincount(component))
    for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        block = sorted_system[begin:end, begin:end]
        solve = _exact_diagonal if end - begin <= EXACT_REVIEWERS else _estimated_diagonal
        diagonal[order[begin:end]] = solve(block)
    return diagonal


def _exact_diagonal(block: Any) -> Floats:
    inverse, _ = lapack.dpotri(lapack.dpotrf(block.toarray(order="F"), overwrite_a=1)[0], overwrite_c=1)
    exact: Floats = inverse.diagonal().copy()
    return exact


def _estimated_diagonal(block: Any) -> Floats:
    n = block.shape[0]
    rng = np.random.default_rng(0)
    scaling = sparse.diags(1 / block.diagonal())
    total = np.zeros(n)
    for _ in range(PROBES):
        sign = rng.choice([-1.0, 1.0], n)
        total += sign * cg(block, sign, rtol=1e-6, M=scaling)[0]
    estimated: Floats = np.maximum(total / PROBES, 1 / block.diagonal())
    return estimated
