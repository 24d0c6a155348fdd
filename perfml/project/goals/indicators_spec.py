"""What a policy of kind ``indicators`` may contain: when a metric of goals counts as misleading, and what it should serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from perfml.project.spec import Days, Spec

AboveZero = Annotated[float, Field(gt=0, le=1)]
AtLeastOne = Annotated[int, Field(ge=1)]
Ratio = Annotated[float, Field(gt=1)]


class ServedOutcomes(Spec):
    """What a metric should move with, beside the metric of its parent goals."""

    facts: tuple[str, ...] = ()
    """Metrics of the table ``facts``, by person, or by the scope of the goal."""
    signals: tuple[str, ...] = ()
    """Names of ``signals``, by the scope of the goal."""


class IndicatorsSpec(Spec):
    """``models/<name>.toml`` of kind ``indicators``: which metrics of goals mislead."""

    kind: Literal["indicators"] = "indicators"
    """Marks the file as rules about metrics."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    lags: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 1)
    """Periods between a metric and the outcome: 0 in the same period, 1 in the one after."""
    final_days: Days = 31
    """Days before the end of a period within which the last measurement counts as the result."""
    least_goals: AtLeastOne = 40
    """Results of ended goals below which a metric is insufficient."""
    least_people: AtLeastOne = 10
    """People with such results below which a metric is insufficient."""
    least_periods: AtLeastOne = 4
    """Periods below which an association is insufficient."""
    least_groups: Annotated[int, Field(ge=4)] = 8
    """Owners of parent goals, people or places, below which an association is insufficient."""
    saturated_share: AboveZero = 0.9
    """Share of results at one value above which a metric is saturated."""
    saturated_within: Annotated[float, Field(gt=0)] = 0.01
    """How near to that value a result lies, as a share of the target."""
    threshold: Annotated[float, Field(gt=0)] = 1.0
    """The attainment at which results may heap, as a share of the target."""
    threshold_within: Annotated[float, Field(gt=0)] = 0.05
    """How near to the threshold a result lies to be compared."""
    threshold_ratio: Ratio = 2.0
    """Results just at the threshold for one just below it, above which they are heaped."""
    deadline_ratio: Ratio = 2.0
    """Pace of the last stretch of a period over the pace before, above which it jumps."""
    least_association: AboveZero = 0.2
    """The smallest rank association that is told."""
    false_share: AboveZero = 0.05
    """Expected share of false alarms among all that are told (Benjamini & Hochberg 1995)."""
    serves: Mapping[str, ServedOutcomes] = {}
    """Metric of goals → what it should serve."""
    left_out: tuple[str, ...] = ()
    """Recorded measures that are never proposed as a missing indicator: kinds of the log, metrics of ``facts``."""
