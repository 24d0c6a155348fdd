"""Whether a model still fits the people it is used on: their evidence, its scores, and what came of them.

A :class:`Reference` is kept beside the model, made from the rows it learnt from; :func:`assess` compares later rows with it.
What a person sees is one sentence: no action, watch, retrain, or cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from perfml.arrays import Floats, Objects
from perfml.errors import DataError
from perfml.learning.validation.metrics import DRAWS, Estimate, estimate

Verdict = Literal["no action", "watch", "retrain", "cannot tell"]

BINS = 10
MIN_PEOPLE = 200
"""Fewer, then or now, and ten bins hold too few people each to compare."""
MIN_EVENTS = 10.0
"""Fewer outcomes expected, and observed against expected says nothing."""
MOVED, MOVED_FAR = 0.1, 0.25
"""Population stability index, less what sampling alone gives, that is a shift, and a large one (Siddiqi 2006)."""
CHANCE = 0.01
"""A shift that sampling alone gives as often as this, over all columns together, is none."""
OFF, FAR_OFF = 1.1, 1.25
"""Observed over expected, either way up, that the *whole* interval must pass to be worth watching, or learning anew."""


@dataclass(frozen=True)
class Bins:
    """One column as it was: inner ``edges`` ascending, the share of rows in each bin and, last, the missing ones."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    mean: float
    sd: float

    @classmethod
    def of(cls, values: Floats) -> Bins:
        """Deciles of the values that are there; a column of few values has a bin for each."""
        there = values[np.isfinite(values)]
        distinct = np.unique(there)
        if len(distinct) <= BINS:
            edges = (distinct[1:] + distinct[:-1]) / 2
        else:
            edges = np.unique(np.quantile(there, np.arange(1, BINS) / BINS))
        mean, sd = (float(there.mean()), float(there.std())) if len(there) else (0.0, 0.0)
        made = cls(tuple(edges.tolist()), (), mean, sd)
        return cls(made.edges, tuple(made.counts(values) / max(1, len(values))), mean, sd)

    def counts(self, values: Floats) -> Floats:
        """How many of ``values`` (n,) fall in each bin, the missing ones last. A value on an edge belongs below it."""
        there = np.isfinite(values)
        inside = np.bincount(np.searchsorted(self.edges, values[there]), minlength=len(self.edges) + 1)
        return np.append(inside, (~there).sum()).astype(np.float64)


@dataclass(frozen=True)
class Reference:
    """What the evidence and the scores looked like in learning: no person's values, only shares and quantiles."""

    people: int
    rows: int
    columns: Mapping[str, Bins]
    score: Bins

    @classmethod
    def of(cls, *, features: Floats, names: Sequence[str], probability: Floats, person: Objects) -> Reference:
        """From rows that were learnt from: ``features`` (rows, columns), ``probability`` and ``person`` (rows,).

        The probabilities are the kept model's own. Those of rows it has learnt are a little more extreme than later ones;
        out-of-fold siblings differ in rounds and calibration, which looked like a far larger drift than there was (tried).
        """
        columns = {name: Bins.of(features[:, i]) for i, name in enumerate(names)}
        return cls(len(np.unique(person)), len(person), columns, Bins.of(probability))

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Reference:
        """What :meth:`to_json` wrote."""

        def bins(said: Mapping[str, Any]) -> Bins:
            return Bins(tuple(said["edges"]), tuple(said["shares"]), said["mean"], said["sd"])

        columns = {name: bins(said) for name, said in raw["columns"].items()}
        return cls(raw["people"], raw["rows"], columns, bins(raw["score"]))


@dataclass(frozen=True)
class Shift:
    """How far one column, or the score, has moved.

    ``psi``: population stability index. ``excess``: what of it sampling alone does not explain, at least 0. ``effect``:
    difference of the means in standard deviations of the reference. ``ks``: largest difference of the cumulative shares
    over the bins. ``missing``: change of the missing share. ``moved``: the excess is a shift (:data:`MOVED`), and not chance.
    """

    name: str
    psi: float
    excess: float
    effect: float
    ks: float
    missing: float
    moved: bool
    far: bool


@dataclass(frozen=True)
class DriftReport:
    """The verdict, its sentence, and what it stands on."""

    verdict: Verdict
    en: str
    zh: str
    people: int
    rows: int
    columns: tuple[Shift, ...]
    """Those that moved most first."""
    score: Shift | None
    observed_over_expected: Estimate | None
    """None where no label has matured, or too few outcomes are expected."""

    @property
    def evidence_alone(self) -> bool:
        """Whether there is a "watch" for moved evidence only, while scores and outcomes are as they were."""
        quiet = self.score is not None and not self.score.moved and not _beyond(self.observed_over_expected, OFF)
        return self.verdict == "watch" and quiet

    def to_json(self) -> dict[str, Any]:
        """As JSON; what could not be told is null."""
        told = self.observed_over_expected
        return {
            **{name: getattr(self, name) for name in ("verdict", "en", "zh", "people", "rows")},
            "columns": [_json(shift) for shift in self.columns],
            "score": None if self.score is None else _json(self.score),
            "observed_over_expected": None if told is None else told.to_json(),
        }


def _json(shift: Shift) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(shift).items()}


def assess(
    reference: Reference,
    *,
    features: Floats,
    names: Sequence[str],
    probability: Floats,
    person: Objects,
    outcomes: tuple[Floats, Floats, Objects] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> DriftReport:
    """Compare later rows with the reference.

    ``outcomes``: label (1, 0, or missing where it has not matured), probability and person of the rows whose outcomes are
    looked at, which may be those of an earlier date.

    - *retrain*: observed over expected lies beyond :data:`FAR_OFF` with its whole interval, or the scores have moved far.
      Either says that the probabilities no longer mean what they say.
    - *watch*: observed over expected lies beyond :data:`OFF` with its whole interval, the scores have moved, or some
      evidence has: other people are not yet a worse model.
    - *cannot tell*: fewer than :data:`MIN_PEOPLE` people, then or now.
    - *no action*: none of these. It is not a proof where no label has matured; the sentence says so.

    The index of two samples of one population is not 0 but about (bins - 1)(1/n + 1/m) times a chi-squared over its degrees
    of freedom (Yurdakul 2018); n and m are people, since the rows of one person say the same.

    Raises :class:`DataError` when a column of the reference is not given.
    """
    absent = [name for name in reference.columns if name not in names]
    if absent:
        raise DataError(f"columns are missing: {', '.join(absent)}", where="drift", remedy="give what was learnt from")
    people = len(np.unique(person))
    if min(people, reference.people) < MIN_PEOPLE:
        return _too_few(reference, people, len(person))
    position = {name: i for i, name in enumerate(names)}
    tests = len(reference.columns)
    shifts = [
        _shift(name, bins, features[:, position[name]], reference, people, tests)
        for name, bins in reference.columns.items()
    ]
    columns = tuple(sorted(shifts, key=lambda shift: -shift.excess))
    score = _shift("score", reference.score, probability, reference, people, 1)
    outcome = None if outcomes is None else _observed_over_expected(*outcomes, draws, seed)
    verdict, en, zh = _verdict(columns, score, outcome)
    return DriftReport(verdict, en, zh, people, len(person), columns, score, outcome)


def _shift(name: str, bins: Bins, values: Floats, reference: Reference, people: int, tests: int) -> Shift:
    from scipy.stats import chi2

    counts = bins.counts(values)
    before, now = np.array(bins.shares), counts / len(values)
    used = (before > 0) | (now > 0)
    k = int(used.sum())
    # Half a row more in each bin: an empty one is rare, not impossible.
    p = (before[used] * reference.rows + 0.5) / (reference.rows + k / 2)
    q = (counts[used] + 0.5) / (len(values) + k / 2)
    psi = float(np.sum((q - p) * np.log(q / p)))
    noise = 1 / people + 1 / reference.people
    excess = max(0.0, psi - (k - 1) * noise)
    by_chance = k < 2 or psi <= noise * float(chi2.isf(CHANCE / tests, k - 1))
    there = values[np.isfinite(values)]
    apart = float(there.mean()) - bins.mean if len(there) else math.nan
    effect = apart / bins.sd if bins.sd > 0 else (0.0 if apart == 0 else math.nan)
    ks = float(np.max(np.abs(np.cumsum(q) - np.cumsum(p))))
    missing = float(now[-1] - before[-1])
    moved = excess >= MOVED and not by_chance
    return Shift(name, psi, excess, effect, ks, missing, moved, moved and excess >= MOVED_FAR)


def _observed_over_expected(
    label: Floats, probability: Floats, person: Objects, draws: int, seed: int
) -> Estimate | None:
    known = np.isfinite(label)
    if len(np.unique(person[known])) < MIN_PEOPLE or probability[known].sum() < MIN_EVENTS:
        return None

    def ratio(label: Floats, probability: Floats, weight: Floats) -> Floats:
        found: Floats = (weight @ label) / (weight @ probability)
        return found

    figures = estimate({"ratio": ratio}, label[known], probability[known], person=person[known], draws=draws, seed=seed)
    return figures["ratio"]


def _beyond(outcome: Estimate | None, factor: float) -> bool:
    return outcome is not None and (outcome.low > factor or outcome.high < 1 / factor)


def _verdict(columns: Sequence[Shift], score: Shift, outcome: Estimate | None) -> tuple[Verdict, str, str]:
    en: list[str] = []
    zh: list[str] = []
    if _beyond(outcome, OFF):
        en.append(f"{outcome} times as many outcomes as expected")
        zh.append(f"实际结果为预期的 {outcome} 倍")
    if score.moved:
        en.append(f"the scores have moved (stability index {score.excess:.2f})")
        zh.append(f"评分分布已变化（稳定性指数 {score.excess:.2f}）")
    moved = [shift for shift in columns if shift.moved][:3]
    if moved:
        en.append("other evidence than in learning: " + ", ".join(f"{s.name} ({s.excess:.2f})" for s in moved))
        zh.append("与训练时相比证据已变化：" + "、".join(f"{s.name}（{s.excess:.2f}）" for s in moved))
    if outcome is None:
        en.append("what came of it is not known yet")
        zh.append("结果尚不可知")
    if _beyond(outcome, FAR_OFF) or score.far:
        verdict: Verdict = "retrain"
        said = ("retrain", "重新训练")
    elif _beyond(outcome, OFF) or score.moved or moved:
        verdict, said = "watch", ("watch", "继续观察")
    else:
        verdict, said = "no action", ("no action: nothing has moved beyond chance", "无需处理：未见超出偶然的变化")
    colon = "; " if verdict == "no action" else ": "
    return verdict, said[0] + (colon + "; ".join(en) if en else ""), said[1] + ("：" + "；".join(zh) if zh else "")


def _too_few(reference: Reference, people: int, rows: int) -> DriftReport:
    return DriftReport(
        "cannot tell",
        f"cannot tell: {reference.people} people in learning and {people} now, {MIN_PEOPLE} each are needed",
        f"无法判断：训练时 {reference.people} 人、当前 {people} 人，各需至少 {MIN_PEOPLE} 人",
        people,
        rows,
        (),
        None,
        None,
    )
