"""Drift: whether a model still fits the people it is used on: their evidence, its scores and their outcomes.

:func:`assess` compares later rows with the model's :class:`~perfml.learning.validation.reference.Reference`. The reader sees
one sentence: no action, watch, retrain, or cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from scipy.stats import chi2

from perfml.arrays import Floats, Objects
from perfml.errors import DataError
from perfml.json_types import JsonObject
from perfml.learning.validation.metrics import DRAWS, Estimate, estimate
from perfml.learning.validation.reference import Bins, Reference
from perfml.messages import Message, both, chain

DriftVerdict = Literal["no action", "watch", "retrain", "cannot tell"]

MIN_PEOPLE = 200
"""Fewest people, in training or now: with fewer, ten bins hold too few people each to compare."""
MIN_EVENTS = 10.0
"""Fewest expected outcomes for which observed over expected is informative."""
MOVED, MOVED_FAR = 0.1, 0.25
"""Population stability index, less its expectation under sampling, of a shift and of a large shift (Siddiqi 2006)."""
CHANCE = 0.01
"""Family-wise probability, over all columns, above which sampling alone explains a shift."""
OFF, FAR_OFF = 1.1, 1.25
"""Observed over expected (or its inverse) that the *whole* interval must exceed for a watch, or for retraining."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Shift of one column, or of the score, since training.

    ``psi``: population stability index. ``excess``: the part that sampling does not explain, at least 0. ``effect``:
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


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """The verdict, its sentence, and the figures behind it."""

    verdict: DriftVerdict
    text: Message
    people: int
    rows: int
    columns: tuple[Shift, ...] = ()
    """In descending order of the shift."""
    score: Shift | None = None
    observed_over_expected: Estimate | None = None
    """None where no label has matured, or too few outcomes are expected."""

    @property
    def evidence_alone(self) -> bool:
        """Whether the verdict is "watch" because of evidence alone, with scores and outcomes unchanged."""
        quiet = self.score is not None and not self.score.moved and not _beyond(self.observed_over_expected, OFF)
        return self.verdict == "watch" and quiet

    def to_json(self) -> JsonObject:
        """Return JSON; a figure that could not be estimated is null."""
        ratio = self.observed_over_expected
        return {
            "verdict": self.verdict,
            **both(self.text),
            "people": self.people,
            "rows": self.rows,
            "columns": [_json(shift) for shift in self.columns],
            "score": None if self.score is None else _json(self.score),
            "observed_over_expected": None if ratio is None else ratio.to_json(),
        }


def _json(shift: Shift) -> JsonObject:
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
    compared; these rows may be of an earlier date.

    - *retrain*: observed over expected lies beyond :data:`FAR_OFF` with its whole interval, or the scores have moved far.
      In either case the probabilities are no longer right.
    - *watch*: observed over expected lies beyond :data:`OFF` with its whole interval, the scores have moved, or some
      evidence has: a change of people does not yet make the model worse.
    - *cannot tell*: fewer than :data:`MIN_PEOPLE` people, in training or now.
    - *no action*: none of these. It proves nothing where no label has matured; the sentence says so.

    The index of two samples of one population is not 0 but about (bins - 1)(1/n + 1/m) times a chi-squared over its degrees
    of freedom (Yurdakul 2018); n and m are people, since the rows of one person are nearly identical.

    Raises :class:`DataError` when a column of the reference is missing.
    """
    absent = [name for name in reference.columns if name not in names]
    if absent:
        raise DataError(
            f"columns are missing: {', '.join(absent)}", where="drift", remedy="give every column of training"
        )
    people = len(np.unique(person))
    if min(people, reference.people) < MIN_PEOPLE:
        text = Message.of("drift_cannot_tell", before=reference.people, now=people, need=MIN_PEOPLE)
        return DriftReport(verdict="cannot tell", text=text, people=people, rows=len(person))
    position = {name: i for i, name in enumerate(names)}
    tests = len(reference.columns)
    shifts = [
        _shift(name, bins, features[:, position[name]], reference=reference, people=people, tests=tests)
        for name, bins in reference.columns.items()
    ]
    columns = tuple(sorted(shifts, key=lambda shift: -shift.excess))
    score = _shift("score", reference.score, probability, reference=reference, people=people, tests=1)
    outcome = None if outcomes is None else _observed_over_expected(*outcomes, draws=draws, seed=seed)
    verdict, text = _judge(columns, score, outcome)
    return DriftReport(
        verdict=verdict,
        text=text,
        people=people,
        rows=len(person),
        columns=columns,
        score=score,
        observed_over_expected=outcome,
    )


def _shift(name: str, bins: Bins, values: Floats, *, reference: Reference, people: int, tests: int) -> Shift:
    counts = bins.counts(values)
    before, now = np.array(bins.shares), counts / len(values)
    used = (before > 0) | (now > 0)
    k = int(used.sum())
    # Add half a row to each bin: an empty bin is rare, not impossible.
    p = (before[used] * reference.rows + 0.5) / (reference.rows + k / 2)
    q = (counts[used] + 0.5) / (len(values) + k / 2)
    psi = float(np.sum((q - p) * np.log(q / p)))
    noise = 1 / people + 1 / reference.people
    excess = max(0.0, psi - (k - 1) * noise)
    by_chance = k < 2 or psi <= noise * float(chi2.isf(CHANCE / tests, k - 1))
    known = values[np.isfinite(values)]
    change = float(known.mean()) - bins.mean if len(known) else math.nan
    effect = change / bins.sd if bins.sd > 0 else (0.0 if change == 0 else math.nan)
    ks = float(np.max(np.abs(np.cumsum(q) - np.cumsum(p))))
    missing = float(now[-1] - before[-1])
    moved = excess >= MOVED and not by_chance
    return Shift(
        name=name,
        psi=psi,
        excess=excess,
        effect=effect,
        ks=ks,
        missing=missing,
        moved=moved,
        far=moved and excess >= MOVED_FAR,
    )


def _observed_over_expected(
    label: Floats, probability: Floats, person: Objects, *, draws: int, seed: int
) -> Estimate | None:
    known = np.isfinite(label)
    if len(np.unique(person[known])) < MIN_PEOPLE or probability[known].sum() < MIN_EVENTS:
        return None

    def ratio(label: Floats, probability: Floats, weight: Floats) -> Floats:
        ratios: Floats = (weight @ label) / (weight @ probability)
        return ratios

    figures = estimate({"ratio": ratio}, label[known], probability[known], person=person[known], draws=draws, seed=seed)
    return figures["ratio"]


def _beyond(outcome: Estimate | None, factor: float) -> bool:
    return outcome is not None and (outcome.low > factor or outcome.high < 1 / factor)


def _judge(columns: Sequence[Shift], score: Shift, outcome: Estimate | None) -> tuple[DriftVerdict, Message]:
    findings: list[Message] = []
    if outcome is not None and _beyond(outcome, OFF):
        findings.append(Message.of("drift_outcomes", ratio=outcome.message()))
    if score.moved:
        findings.append(Message.of("drift_scores", excess=score.excess))
    moved = [shift for shift in columns if shift.moved][:3]
    if moved:
        named = [Message.of("drift_column", column=(shift.name,), excess=shift.excess) for shift in moved]
        findings.append(Message.of("drift_evidence", columns=chain("listed", named)))
    if outcome is None:
        findings.append(Message.of("drift_outcomes_unknown"))
    if _beyond(outcome, FAR_OFF) or score.far:
        return "retrain", Message.of("drift_retrain", findings=chain("drift_also", findings))
    if _beyond(outcome, OFF) or score.moved or moved:
        return "watch", Message.of("drift_watch", findings=chain("drift_also", findings))
    return "no action", chain("drift_also", [Message.of("drift_no_action"), *findings])
