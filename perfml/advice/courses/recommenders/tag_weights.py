"""How much each kind of evidence counts for a tag: constants learnt from labelled tags by ``run.py benchmark course_weights``.

No enrolment says what a tag means, so that a project cannot learn them. They stand in ``tag_weights.toml`` beside this module, a
table for each set of encoders, and are written by that script alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit

from perfml.advice.courses.recommenders.embedding import SentenceEncoder
from perfml.arrays import Floats, Floats32

FILE = Path(__file__).with_name("tag_weights.toml")
NAMED_PROBABILITY = 0.2
"""Probability of the likeliest course from which a tag has an answer if the taxonomy names its skill."""
CLOSEST_COURSES = 3
"""Courses whose mean cosine the lead is measured from."""


@dataclass(frozen=True, kw_only=True)
class TagEvidence:
    """What speaks for each of n courses for one tag: the inputs of the regression."""

    named: bool
    """Whether the taxonomy names the skill of the tag: a course that only helps that skill is then an answer."""

    fused: Floats32
    """(n,) words, taxonomy and feedback, in [0, 1]."""
    covered: Floats32
    """(n,) share of the tag's words that the course has, by information, in [0, 1]."""
    same: Floats
    """(n,) log-probability that both are about the same skill."""
    helping: Floats
    """(n,) log-probability that the course's skill helps the tag's."""
    cosine: Floats32
    """(n,) closeness in meaning, in [0, 1]; 0 without an encoder."""

    @property
    def matrix(self) -> Floats:
        """(n, 5), in the order of :class:`TagWeights`; the cosine is how far it leads the :data:`CLOSEST_COURSES`."""
        lead = self.cosine - np.sort(self.cosine)[-CLOSEST_COURSES:].mean()
        return np.stack([self.fused, self.covered, self.same, self.helping, lead], axis=1).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class TagWeights:
    """Coefficients of the log-odds that a course helps with a tag, and when that is an answer."""

    fused: float
    covered: float
    same: float
    helping: float
    lead: float
    constant: float
    least_probability: float
    """Probability of the likeliest course below which a tag has no answer; :data:`NAMED_PROBABILITY` where that is lower and the
    tag's skill is named."""
    least_share: float
    """Share of that probability below which a course is not shown."""

    def probability(self, evidence: TagEvidence) -> Floats:
        """(n,) the probability that a reader says that a course helps."""
        return np.asarray(expit(evidence.matrix @ astuple(self)[:5] + self.constant), dtype=np.float64)

    def shown(self, evidence: TagEvidence) -> Floats32:
        """(n,) :meth:`probability`, 0 for courses that are not shown."""
        probability = self.probability(evidence)
        best = float(probability.max(initial=0))
        least = min(self.least_probability, NAMED_PROBABILITY) if evidence.named else self.least_probability
        if best < least:
            return np.zeros(len(probability), dtype=np.float32)
        return np.where(probability >= self.least_share * best, probability, 0).astype(np.float32)


NAMES = tuple(each.name for each in fields(TagWeights))
"""The keys of a table of :data:`FILE`."""


def table_of(encoders: Sequence[SentenceEncoder]) -> str:
    """The name of the table for ``encoders``: the modules, in order, or ``wording`` without one."""
    return "_".join(each.module for each in encoders) or "wording"


@cache
def shipped_weights(table: str) -> TagWeights:
    """The weights of one table of :data:`FILE`."""
    return TagWeights(**tomllib.loads(FILE.read_text(encoding="utf-8"))[table])
