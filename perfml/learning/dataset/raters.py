"""Severity and consistency of each reviewer, estimated from people rated by several reviewers.

    rating = person + effect of the reviewer + (stretch - 1) × (person - middle) + impression + noise,   severity = -effect

A *person* is a fixed effect: only differences between ratings of the same person count, so that a reviewer with a truly
better team is not taken for a lenient one. With random people, the textbook's crossed model, the quality of teams leaks into
the severities; Abowd, Kramarz & Margolis (1999) meet the same problem with workers and firms. A *reviewer* is a random
effect: its severity is the best linear unbiased prediction (Henderson 1975), shrunk more when less is known. The *stretch* is
how far apart the reviewer's ratings of the same people lie beside the others' (range restriction: Saal, Downey & Lahey 1980), a
random slope where these differ for certain. The *noise* has a variance for each reviewer, shrunk to the common one (moderated
variances, Smyth 2004), and part of it, the reviewer's *impression* of the person, persists when the same reviewer rates the
same person again, or another criterion (halo, Thorndike 1920): twenty ratings in one pair are not twenty opinions.

Where several **criteria** are rated, a reviewer may be severe in one and lenient in another (the interaction of Longford 1994):
the departure of each reviewer in each criterion is predicted in the same way from what a criterion's ratings differ by from the
others of the same pair. What differs within pairs and what differs between them are orthogonal where every pair rates the same
criteria; otherwise the criteria's means are taken off in turn until they settle.

Assumptions: severity does not drift, people do not change reviewers because of the rating, and a person's true performance
has no trend between reviewers. Severity is relative to the reviewers that a reviewer is connected with.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perfml.arrays import Floats, Ints
from perfml.errors import DataError
from perfml.learning.dataset.crossed import RaterPairs, comparable_reviewers, fit_crossed, fit_stretched
from perfml.messages import Message, render

LIKE_OTHERS = 1 / 16
"""Share of the scale's length within which a severity does not matter: a quarter of a point on 1 to 5."""
CRITERIA_ROUNDS = 5
NORMAL_95 = 1.959964
MEASURED = ("severity", "severity_low", "severity_high", "consistency_sd", "consistency_low", "consistency_high")
CRITERIA_COLUMNS = ["reviewer_id", "criterion", "ratings", "severity", "severity_low", "severity_high"]


@dataclass(frozen=True, kw_only=True)
class RaterModel:
    """Severity and consistency of every reviewer."""

    reviewers: pd.DataFrame
    """One row a reviewer: ``reviewer_id``, ``ratings``, ``people``, ``people_shared`` (with any other reviewer),
    ``component`` (of the rater graph without weak links, 0 the largest, -1 none), ``comparable``; ``severity`` (rating
    points, positive is severe, 0 where not comparable) with ``severity_low``, ``severity_high``, its 95 % interval;
    ``consistency_sd`` (rating points, the noise of one rating) with ``consistency_low``, ``consistency_high``; these five are
    missing where not comparable. ``stretch``: how far apart the ratings of the same people lie beside the others', 1 for as far;
    ``middle``: the rating where that changes nothing."""
    criteria: pd.DataFrame
    """One row a reviewer and criterion: ``reviewer_id``, ``criterion``, ``ratings``, and the ``severity`` in that criterion with
    ``severity_low``, ``severity_high``, missing where the reviewer is not comparable. Empty where one thing is rated."""
    scale: tuple[float, float]
    """Worst and best rating."""
    severity_sd: float
    """Standard deviation of severities, in rating points; missing where none is comparable."""
    criterion_sd: float
    """Standard deviation of a severity's departures by criterion, in rating points; missing where none is comparable."""
    noise_sd: float
    """Noise of one rating by a typical reviewer, in rating points; missing where none is comparable."""
    lasting_share: float
    """Share of the noise variance that persists when a reviewer rates a person again, or another criterion; missing where none
    did."""


def rater_model(reviews: pd.DataFrame, *, scale: tuple[float, float]) -> RaterModel:
    """Fit the model to ``reviews`` (``employee_id``, ``reviewer_id``, ``rating`` and, if several things are rated,
    ``criterion``) on ``scale`` (worst, best).

    It knows no dates: **give it only the reviews known by the day it is fitted for**. Rows without person, reviewer or
    rating are left out. Severities are estimated among *comparable* reviewers only: see
    :func:`~perfml.learning.dataset.crossed.comparable_reviewers`.
    Raises :class:`DataError` for a missing column or a scale without length.
    """
    _check(reviews, ("employee_id", "reviewer_id", "rating"))
    if scale[0] == scale[1]:
        raise DataError(f"the scale {scale} has no length", where="reviews", remedy="give it as (worst, best)")
    rows = reviews.dropna(subset=["employee_id", "reviewer_id", "rating"])
    person, _ = pd.factorize(rows["employee_id"])
    reviewer, names = pd.factorize(rows["reviewer_id"], sort=True)
    rating = rows["rating"].to_numpy(dtype=np.float64) * np.sign(scale[1] - scale[0])
    floor = (1e-3 * (scale[1] - scale[0])) ** 2
    departures = _departures(rows, person, reviewer, rating, floor=floor)
    pairs = RaterPairs.of(person, reviewer, rating if departures is None else rating - departures.part)
    n = len(names)
    shared = np.bincount(pairs.reviewer, np.bincount(pairs.person)[pairs.person] > 1, minlength=n).astype(int)
    connecting, component = comparable_reviewers(pairs, n)
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
            "stretch": 1.0,
            "middle": 0.0,
        }
    )
    table[list(MEASURED[1:])] = np.nan
    if not comparable.any():
        return RaterModel(
            reviewers=table,
            criteria=_criteria_table(None, table),
            scale=scale,
            severity_sd=np.nan,
            criterion_sd=np.nan,
            noise_sd=np.nan,
            lasting_share=np.nan,
        )
    passing = None if departures is None else departures.passing
    stretched = fit_stretched(pairs.where(connecting), component[comparable], floor=floor, passing=passing)
    fit = stretched.fit
    half = NORMAL_95 * np.sqrt(fit.error)
    columns = [-fit.effect, -fit.effect - half, -fit.effect + half, np.sqrt(fit.noise), *np.sqrt(fit.noise_interval)]
    table.loc[comparable, list(MEASURED)] = np.column_stack(columns)
    table.loc[comparable, "stretch"] = stretched.stretch
    table.loc[comparable, "middle"] = stretched.middle * np.sign(scale[1] - scale[0])
    return RaterModel(
        reviewers=table,
        criteria=_criteria_table(departures, table),
        scale=scale,
        severity_sd=float(np.sqrt(fit.spread)),
        criterion_sd=np.nan if departures is None else float(np.sqrt(departures.spread)),
        noise_sd=float(np.sqrt(fit.typical)),
        lasting_share=fit.lasting,
    )


def corrected_ratings(reviews: pd.DataFrame, model: RaterModel) -> pd.Series[float]:
    """Each rating as a reviewer of average severity and stretch would have given it; unchanged where the reviewer is not
    comparable.

    By the severity in the rating's ``criterion``, where that is given and known. Continuous: neither rounded nor clipped to the
    scale. A missing rating stays missing.
    """
    _check(reviews, ("reviewer_id", "rating"))
    effect, stretch, middle = _effects(reviews, model)
    rating = reviews["rating"].to_numpy(dtype=np.float64, na_value=np.nan) - effect
    corrected = np.where(stretch == 1, rating, middle + (rating - middle) / stretch)  # so that 1 changes no digit
    return pd.Series(corrected, index=reviews.index, name="corrected_rating")


def expected_ratings(reviews: pd.DataFrame, model: RaterModel, quality: Floats) -> pd.Series[float]:
    """The rating that each review's reviewer is expected to give to somebody of the corrected rating ``quality``, (reviews,).

    Without the reviewer's impression of the person. The inverse of :func:`corrected_ratings`.
    """
    effect, stretch, middle = _effects(reviews, model)
    return pd.Series(middle + stretch * (quality - middle) + effect, index=reviews.index, name="expected_rating")


def _effects(reviews: pd.DataFrame, model: RaterModel) -> tuple[Floats, Floats, Floats]:
    """What the reviewer adds to each review, in rating points; the stretch, and its middle."""
    at = pd.Index(model.reviewers["reviewer_id"]).get_indexer(pd.Index(reviews["reviewer_id"]))

    def of_reviewer(column: str, otherwise: float) -> Floats:
        values = np.append(model.reviewers[column].to_numpy(dtype=np.float64), otherwise)
        taken: Floats = values[at]  # who is not known is at -1, the last
        return taken

    severity = of_reviewer("severity", 0.0)
    if "criterion" in reviews and len(model.criteria):
        cells = pd.MultiIndex.from_frame(model.criteria[["reviewer_id", "criterion"]])
        cell = cells.get_indexer(pd.MultiIndex.from_frame(reviews[["reviewer_id", "criterion"]]))
        severity = np.where(cell >= 0, model.criteria["severity"].to_numpy(dtype=np.float64)[cell], severity)
    upwards = np.sign(model.scale[1] - model.scale[0])
    return -upwards * severity, of_reviewer("stretch", 1.0), of_reviewer("middle", 0.0)


def consensus_ratings(reviews: pd.DataFrame, model: RaterModel, *, by: Sequence[str]) -> pd.Series[float]:
    """For each review the mean of the corrected ratings that are alike in the columns ``by``; the own where nothing else is.

    Weighted by consistency: a reviewer counts by the inverse of the noise variance, the common one where not comparable, and
    several ratings by one reviewer as the opinions that they are worth beside the part that persists. ``by``: what is rated
    at once, such as ``("employee_id", "period_end")`` with several reviewers, or ``("employee_id", "criterion")``. A missing
    rating adds nothing.
    """
    corrected = corrected_ratings(reviews, model)
    known = (model.reviewers["consistency_sd"] / model.reviewers["stretch"]).set_axis(model.reviewers["reviewer_id"])
    common = 1.0 if np.isnan(model.noise_sd) else model.noise_sd
    noise = reviews["reviewer_id"].map(known).fillna(common).to_numpy(dtype=np.float64) ** 2
    lasting = 0.0 if np.isnan(model.lasting_share) else model.lasting_share
    group = reviews.groupby(list(by), dropna=False, sort=False).ngroup().to_numpy()
    rated = corrected.notna().to_numpy()
    opinion = pd.DataFrame({"group": group, "reviewer": pd.factorize(reviews["reviewer_id"])[0]}).groupby(
        ["group", "reviewer"]
    )
    pair = opinion.ngroup().to_numpy()
    times = np.bincount(pair, rated)[pair]
    weight = rated / (noise * (1 - lasting + lasting * times))
    total = np.bincount(group, weight)
    mean = np.bincount(group, weight * corrected.fillna(0.0).to_numpy()) / np.where(total > 0, total, np.nan)
    return pd.Series(mean[group], index=reviews.index, name="consensus_rating")


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
        rows = pd.concat([rows, unnamed.assign(**sums, **dict.fromkeys((*MEASURED, "stretch", "middle"), np.nan))])
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


@dataclass(frozen=True, kw_only=True)
class _Departures:
    """What differs by criterion."""

    cells: pd.DataFrame
    """``reviewer_id``, ``criterion``, ``ratings``, ``departure`` of the effect and its ``error`` variance."""
    part: Floats
    """What the criterion adds to each rating, by the person and by the reviewer, (ratings,)."""
    spread: float
    passing: float
    """Noise of one rating about its pair."""


def _departures(
    rows: pd.DataFrame, person: Ints, reviewer: Ints, rating: Floats, *, floor: float
) -> _Departures | None:
    """Reviewers' departures in each criterion from their own mean effect; None where fewer than two criteria are rated.

    A pair of person and reviewer adds what its ratings differ by from their mean, (1 - 1/k) of whose noise variance is left
    with ``k`` of them. Each criterion is a crossed table of its own, in which (person, criterion) takes the person's place and
    (reviewer, criterion) the reviewer's, and all of them share the variances.
    """
    if "criterion" not in rows:
        return None
    criterion, kinds = pd.factorize(rows["criterion"], use_na_sentinel=False)
    pair = np.unique(person * (int(reviewer.max(initial=0)) + 1) + reviewer, return_inverse=True)[1]
    item = np.unique(person * len(kinds) + criterion, return_inverse=True)[1]
    _, first, cell = np.unique(reviewer * len(kinds) + criterion, return_index=True, return_inverse=True)
    in_pair = np.bincount(pair)[pair] if len(pair) else pair
    telling = in_pair > 1
    if len(kinds) < 2 or not telling.any():
        return None
    part, effect, error = np.zeros(len(rating)), np.zeros(len(first)), np.zeros(len(first))
    spread = passing = np.nan
    for _ in range(CRITERIA_ROUNDS):
        within = rating - _mean_by(pair, rating - part)
        pairs = RaterPairs.of(item[telling], cell[telling], within[telling])
        connecting, component = comparable_reviewers(pairs, len(first))
        if (comparable := component >= 0).any():
            fit = fit_crossed(pairs.where(connecting), component[comparable], floor=floor)
            effect[comparable], spread = fit.effect, fit.spread
            passing = fit.typical / float(np.mean(1 - 1 / in_pair[telling]))
        before, part = part, effect[cell] + _mean_by(item, within - effect[cell])
        if np.allclose(before, part, atol=np.sqrt(floor)):
            break
    if np.isnan(spread):
        spread, passing = 0.0, float(np.var((within - part)[telling]))
    else:
        error[:] = spread
        error[comparable] = fit.error
    return _Departures(
        cells=pd.DataFrame(
            {
                "reviewer_id": rows["reviewer_id"].to_numpy()[first],
                "criterion": rows["criterion"].to_numpy()[first],
                "ratings": np.bincount(cell),
                "departure": effect,
                "error": error,
            }
        ),
        part=part,
        spread=spread,
        passing=passing,
    )


def _mean_by(code: Ints, values: Floats) -> Floats:
    """The mean of the ``values`` of the same ``code``, for each value."""
    means: Floats = np.bincount(code, values) / np.maximum(np.bincount(code), 1)
    return means[code]


def _criteria_table(departures: _Departures | None, reviewers: pd.DataFrame) -> pd.DataFrame:
    """Severity by criterion: the reviewer's own less the departure, whose errors are independent."""
    if departures is None:
        return pd.DataFrame(columns=CRITERIA_COLUMNS)
    cells = departures.cells.merge(reviewers[["reviewer_id", *MEASURED[:3]]], on="reviewer_id", how="left")
    severity = cells["severity"] - cells["departure"].where(cells["severity_low"].notna(), 0.0)
    half = np.hypot((cells["severity_high"] - cells["severity_low"]) / 2, NORMAL_95 * np.sqrt(cells["error"]))
    return cells.assign(severity=severity, severity_low=severity - half, severity_high=severity + half)[
        CRITERIA_COLUMNS
    ]
