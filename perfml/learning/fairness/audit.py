"""Audit of whether a model treats groups of people alike.

One threshold applies to everyone; nothing in this module sets a separate one for a group. Intervals are over people, as in
:mod:`perfml.learning.validation.metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate
from scipy.sparse import csr_array

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.disclosure.primary import Suppression
from perfml.errors import DataError
from perfml.learning.fairness.findings import (
    ALL,
    METRICS,
    FairnessFinding,
    FairnessReport,
    GroupRow,
    insufficient,
    judged,
    without_figures,
)
from perfml.learning.fairness.score_test import ScoreTest
from perfml.learning.fairness.shown import BY_ITSELF, SHOWN_BY_DEFAULT, hidden_row, withheld_groups
from perfml.learning.record import Verdict
from perfml.learning.validation.metrics import DRAWS, interval
from perfml.project.model_spec import FairnessSpec
from perfml.project.spec import DisclosureRules

UNKNOWN = "unknown"
"""Group of people whose attribute is unknown: shown, but never compared."""


def age_bands(birth_year: npt.ArrayLike, as_of: npt.ArrayLike) -> Objects:
    """Return the band of the age reached in the as-of date's year: ``<30``, ``30-39``, ``40-49``, ``50+``; None if unknown.

    >>> age_bands([1999, 1985, None], np.array(["2026-06-01"] * 3, "M8[D]")).tolist()
    ['<30', '40-49', None]
    """
    year = np.asarray(as_of, dtype="M8[Y]").astype(np.int64) + 1970
    age = year - np.asarray(birth_year, dtype=np.float64)
    bands = np.array(["<30", "30-39", "40-49", "50+", None], dtype=object)
    return bands[np.where(np.isnan(age), 4, np.digitize(age, [30, 40, 50]))]


def audit(
    *,
    label: Floats,
    probability: Floats,
    flagged: Bools,
    person: Objects,
    groups: Mapping[str, Sequence[str | None] | Objects],
    limits: FairnessSpec,
    rules: DisclosureRules = SHOWN_BY_DEFAULT,
    draws: int = DRAWS,
    seed: int = 0,
) -> FairnessReport:
    """Compare the groups of each attribute and of each pair of attributes. All arrays have shape (rows,).

    - *flag rate ratio*, *non-flag rate ratio*: lowest over highest share of rows flagged, and not flagged. Both, because
      non-flag rates of .98 and .94 look even while 2 % and 6 % are flagged (Feldman et al. 2015).
    - *true-positive gap*: highest less lowest share flagged of the rows that had the outcome (Hardt et al. 2016).
    - *calibration gap*: the factor, less one, by which a group's expected over observed differs from everybody's. A factor,
      because a risk of half or double the truth is equally wrong; relative to everybody and not to 1, because a level
      that is equally wrong for all is not unfair and shows in the back-test (the table of groups has it relative to 1).

    Groups with fewer people, positives or negatives than the limits require are shown but not compared; fewer than two
    comparable groups give "insufficient". A metric *fails* when two groups differ by more than the limit *and* chance would
    not set equal groups so far apart (:data:`~perfml.learning.fairness.findings.CHANCE`). The interval cannot decide the
    second condition, because a minimum over a maximum is below 1 even for equal groups. A score test decides it, corrected
    for the number of groups and of comparisons in the report: the four-fifths rule alone would fail nearly every audit of
    a fair model with small groups. "pass" means that no violation is shown; where the interval reaches beyond the limit,
    the sentence says so.

    Of groups that ``rules`` withhold (:func:`~perfml.learning.fairness.shown.withheld_groups`) neither counts nor rates are
    given; where a rule withholds one by itself, its comparisons keep their verdict alone.

    Raises :class:`DataError` when the arrays differ in length, or a label is neither 0 nor 1 (has not matured).
    """
    arrays = {"label": label, "probability": probability, "flagged": flagged, "person": person, **groups}
    if len({len(values) for values in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in arrays.items())
        raise DataError(f"different numbers of rows: {lengths}", where="fairness audit", remedy="give one value a row")
    if not np.isin(label, (0, 1)).all():
        raise DataError("labels are missing", where="fairness audit", remedy="leave out the rows that have not matured")
    everyone, code = np.unique(np.asarray(person), return_inverse=True)
    share = np.full(len(everyone), 1 / max(1, len(everyone)))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(everyone), share, size=draws).astype(np.float64)
    rows = _Rows(np.asarray(label, np.float64), np.asarray(probability, np.float64), np.asarray(flagged, bool), code)
    findings: list[FairnessFinding] = []
    tables: dict[str, tuple[GroupRow, ...]] = {}
    every = with_intersections(groups)
    hidden = withheld_groups(every, label=rows.label, person=rows.person, rules=rules)
    for attribute, group in every.items():
        tables[attribute], compared = _compare(
            attribute, group, rows, drawn=drawn, limits=limits, rng=rng, hidden=hidden[attribute]
        )
        findings += compared
    findings = [
        without_figures(f) if {hidden[f.attribute].get(name) for name in (*f.groups, *f.shown_by)} & BY_ITSELF else f
        for f in judged(findings, limits)
    ]
    verdicts = [f.verdict for f in findings]
    unjudged = [f for f in findings if f.attribute in groups and f.verdict == "insufficient"]
    verdict: Verdict = "fail" if "fail" in verdicts else "insufficient" if unjudged or not findings else "pass"
    return FairnessReport(verdict=verdict, findings=tuple(findings), groups=tables, limits=limits)


@dataclass(frozen=True)
class _Rows:
    label: Floats
    probability: Floats
    flagged: Bools
    person: Ints

    def where(self, keep: Bools) -> _Rows:
        return _Rows(*(values[keep] for values in vars(self).values()))


def with_intersections(groups: Mapping[str, Sequence[str | None] | Objects]) -> dict[str, Objects]:
    """Return the group of each row by attribute and by pair of attributes; :data:`UNKNOWN` where an attribute is unknown."""
    single: dict[str, Objects] = {}
    for name, given in groups.items():
        values = np.asarray(given, dtype=object)
        known = ~(pd.isna(values) | (values == ""))
        single[name] = np.array([str(v) if k else UNKNOWN for v, k in zip(values, known, strict=True)], dtype=object)
    pairs: dict[str, Objects] = {}
    for a, b in combinations(single, 2):
        both = np.where((single[a] == UNKNOWN) | (single[b] == UNKNOWN), UNKNOWN, single[a] + " × " + single[b])
        pairs[f"{a} × {b}"] = both.astype(object)
    return single | pairs


def _compare(
    attribute: str,
    group: Objects,
    rows: _Rows,
    *,
    drawn: Floats,
    limits: FairnessSpec,
    rng: np.random.Generator,
    hidden: Mapping[str, Suppression],
) -> tuple[tuple[GroupRow, ...], list[FairnessFinding]]:
    names, code = np.unique(group.astype(str), return_inverse=True)
    n = len(names)
    # People in each group, those with and without the outcome, and the group's sums in every draw over people.
    people, positives, negatives = (
        np.bincount(np.unique(code[keep] + n * rows.person[keep]) % n, minlength=n)
        for keep in (np.ones(len(code), bool), rows.label == 1, rows.label == 0)
    )
    enough = (people >= limits.min_people) & (positives >= limits.min_positives) & (negatives >= limits.min_negatives)
    enough &= names != UNKNOWN
    of_rows, flags, cases, hits, expected = _sums(rows, code, groups=n, drawn=drawn)
    flag_rate = _drawn_share(flags, of_rows, people=people, rng=rng)
    hit_rate = _drawn_share(hits, cases, people=positives, rng=rng)
    excess = np.divide(expected, cases, out=np.full(cases.shape, np.nan), where=cases > 0)
    point = _metric_frame(rows, group).by_group.loc[list(names)]
    table = tuple(
        GroupRow(
            group=str(names[g]),
            people=int(people[g]),
            rows=int((code == g).sum()),
            positives=int(positives[g]),
            negatives=int(negatives[g]),
            sufficient=bool(enough[g]),
            flag_rate=interval(float(point["flag_rate"].iloc[g]), flag_rate[:, g]),
            true_positive_rate=interval(
                float(point["true_positive_rate"].iloc[g]) if positives[g] else np.nan, hit_rate[:, g]
            ),
            expected_over_observed=interval(float(point["expected_over_observed"].iloc[g]), excess[:, g]),
        )
        if names[g] not in hidden
        else hidden_row(str(names[g]), sufficient=bool(enough[g]), why=hidden[names[g]])
        for g in range(n)
    )
    if enough.sum() < 2:
        return table, [insufficient(attribute, metric, limits=limits, table=table) for metric in METRICS]
    at = np.flatnonzero(enough)
    every = expected[:, at].sum(axis=1) / cases[:, at].sum(axis=1)
    drawn_rates = {
        "flag_rate_ratio": flag_rate,
        "non_flag_rate_ratio": 1 - flag_rate,
        "true_positive_gap": hit_rate,
        "calibration_gap": excess / every[:, None],
    }
    compared, position = rows.where(enough[code]), np.cumsum(enough) - 1
    every_now = float(compared.probability.sum() / compared.label.sum())
    rates = {
        "flag_rate_ratio": point["flag_rate"],
        "non_flag_rate_ratio": 1 - point["flag_rate"],
        "true_positive_gap": point["true_positive_rate"],
        "calibration_gap": point["expected_over_observed"] / every_now,
    }
    chance = _chances(compared, position[code[enough[code]]])

    def finding(metric: str) -> FairnessFinding:
        # Each pair of groups, or each group and all: distance, distance in standard errors, and the groups' positions.
        rate, test = rates[metric].to_numpy(np.float64)[at], chance[metric]
        pairs: list[tuple[float, float, int, int | None]]
        if metric == "calibration_gap":
            pairs = [(_gap(metric, rate[a], 1.0), test.vs_rest_z(a), a, None) for a in range(len(at))]
        else:
            both = (sorted(two, key=lambda g: float(rate[g])) for two in combinations(range(len(at)), 2))
            pairs = [(_gap(metric, rate[a], rate[b]), test.pairwise_z(a, b), a, b) for a, b in both]
        if metric.endswith("ratio") and not rate.max() > 0:  # nobody or everybody is flagged
            return insufficient(attribute, metric, limits=limits, table=table)
        furthest = (min if metric.endswith("ratio") else max)(pairs, key=lambda pair: pair[0])
        beyond = [pair for pair in pairs if limits.violated(metric, pair[0])]
        shown = max(beyond, key=lambda pair: pair[1]) if beyond else furthest

        def groups_of(a: int, b: int | None) -> tuple[str, str]:
            return str(names[at[a]]), ALL if b is None else str(names[at[b]])

        value, _, a, b = furthest
        near, far = drawn_rates[metric][:, at[a]], 1.0 if b is None else drawn_rates[metric][:, at[b]]
        sample = near / far if metric.endswith("ratio") else far - near
        if b is None:
            sample = (near if rate[a] > 1 else 1 / near) - 1
        p = test.each_p(shown[1]) if shown[3] is None else test.pair_p(shown[1])
        return FairnessFinding(
            attribute=attribute,
            metric=metric,
            value=interval(value, np.asarray(sample)),
            limit=limits.of(metric),
            groups=groups_of(a, b),
            shown_by=groups_of(*shown[2:]),
            p_value=p,
            p_in_report=p,
            verdict="pass",
            text=METRICS[metric],  # judged once all tests of the report are known
        )

    return table, [finding(metric) for metric in METRICS]


def _gap(metric: str, a: float, b: float) -> float:
    """Return the distance of two rates, ``a`` being the lower; for calibration the factor between ``a`` and 1, less one."""
    if metric.endswith("ratio"):
        return float(a / b) if b > 0 else 1.0
    return float(max(a, 1 / a) - 1 if metric == "calibration_gap" else b - a)


def _metric_frame(rows: _Rows, group: Objects) -> Any:
    """Return fairlearn's figures by group. It gives a group without positives a true-positive rate of 0, which means nothing."""

    def expected_over_observed(label: Floats, _: Bools, probability: Floats) -> float:
        return float(np.sum(probability) / np.sum(label)) if np.sum(label) else math.nan

    return MetricFrame(
        metrics={
            "flag_rate": selection_rate,
            "true_positive_rate": true_positive_rate,
            "expected_over_observed": expected_over_observed,
        },
        y_true=rows.label.astype(np.int64),
        y_pred=rows.flagged.astype(np.int64),
        sensitive_features=group.astype(str),
        sample_params={"expected_over_observed": {"probability": rows.probability}},
    )


def _sums(rows: _Rows, code: Ints, *, groups: int, drawn: Floats) -> Floats:
    """Sum rows, flags, cases, flagged cases and expected cases of every group in every draw: (5, draws, groups)."""
    flagged = rows.flagged.astype(np.float64)
    each = (np.ones(len(code)), flagged, rows.label, rows.label * flagged, rows.probability)
    shape = (drawn.shape[1], groups)
    return np.stack([np.asarray(drawn @ csr_array((values, (rows.person, code)), shape=shape)) for values in each])


def _drawn_share(cases: Floats, of: Floats, *, people: Ints, rng: np.random.Generator) -> Floats:
    """Return a share in every draw under Jeffreys' prior, half a person on either side (Brown, Cai & DasGupta 2001).

    Without the prior, a group in which nobody is flagged would have the interval [0, 0] however small it is.
    """
    rows_a_person = np.maximum(1.0, of.mean(axis=0) / np.maximum(1, people))
    more, less = rng.gamma(0.5, size=(2, *of.shape)) * rows_a_person
    share: Floats = (cases + more) / (of + more + less)
    return share


def _chances(rows: _Rows, code: Ints) -> dict[str, ScoreTest]:
    case, flag = rows.label == 1, rows.flagged.astype(np.float64)
    risk = np.clip(rows.probability * rows.label.sum() / rows.probability.sum(), 1e-9, 1 - 1e-9)
    of_flags = ScoreTest.of(flag, mean=np.full(len(flag), flag.mean()), code=code, person=rows.person)
    hits, of_cases = flag[case], np.full(int(case.sum()), flag[case].mean())
    return {
        "flag_rate_ratio": of_flags,
        "non_flag_rate_ratio": of_flags,
        "true_positive_gap": ScoreTest.of(hits, mean=of_cases, code=code[case], person=rows.person[case]),
        "calibration_gap": ScoreTest.of(rows.label, mean=risk, code=code, person=rows.person),
    }
