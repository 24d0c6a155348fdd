"""The definition of target adjustment: when targets and weights may move, how far, and which never do."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import ForWhom, Policy, Spec

Percent = Annotated[float, Field(ge=0, le=100)]
DayOfMonth = Annotated[int, Field(ge=1, le=31)]
Lever = Literal["target", "weight"]


class ForecastSpec(Spec):
    """The history that finals are forecast from."""

    history: Mapping[str, str] = {}
    """Metric -> kind of event whose values add up to it, if the behaviour log reaches further back than earlier goals do."""


class Band(Spec):
    """Attainment probabilities between which a target is neither out of reach nor too easy."""

    low: Annotated[float, Field(gt=0, lt=1)]
    """Below this probability a target is out of reach."""
    high: Annotated[float, Field(gt=0, lt=1)]
    """Above this probability a target is too easy."""

    @model_validator(mode="after")
    def _ascends(self) -> Band:
        if self.low >= self.high:
            raise ValueError("low must lie below high")
        return self


class Beyond(Spec):
    """What happens to a target that the limits of the policy do not bring into reach."""

    least_gain_points: Percent
    """A target stays as it is where the largest change the limits allow neither reaches the band nor moves the probability of
    attainment, at the owner's usual effort, by this many percentage points."""
    decided_by_zh: str
    """Who may decide about such a goal, in Chinese."""
    decided_by_en: str
    """Who may decide about such a goal, in English."""


class DefinitionChange(Spec):
    """A metric whose definition changed within a period, and the agreed worth of the change."""

    metric: str
    """The metric, as in ``goals``."""
    before: str
    """The definition that the target was set under."""
    after: str
    """The definition that the actual is measured under."""
    percent: Annotated[float, Field(gt=-100, le=1000)]
    """How much more (or less) the later definition counts: -8 is 8 % less."""


class TargetPolicy(Policy):
    """``models/<name>.toml`` of kind ``target_adjustment``: the rules that every proposal keeps.

    No rule has a default in code: the shipped file states all of them, and a project's ``models/target_adjustment.toml``, merged
    over it, names only what differs.

    Percentages of targets are of the target in force; points are points of weight, of which an employee's period has 100.
    """

    kind: Literal["target_adjustment"] = "target_adjustment"
    """Marks the file as this policy."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    levers: Annotated[tuple[Lever, ...], Field(min_length=1)]
    """What may move. Weights move only if a target may not move as far as the market did."""
    window_days_of_month: tuple[DayOfMonth, DayOfMonth]
    """First and last day of each month on which something is proposed."""
    band: Band
    """Attainment probabilities that a proposal moves into, and no further."""
    max_target_change_percent: Percent
    """Within one window, changes already made in it included."""
    max_target_change_per_year_percent: Percent
    """Within 365 days, this window included."""
    max_weight_change_points: Percent
    """Within one window, changes already made in it included."""
    max_weight_change_per_year_points: Percent
    """Within 365 days, this window included."""
    minimum_weight_percent: Annotated[float, Field(gt=0, lt=100)]
    """No weight is moved below it; one that is already below stays."""
    weight_step_points: Annotated[float, Field(gt=0, le=25)]
    """Weights move in whole steps of this size."""
    least_target_change_percent: Percent
    """A smaller change is not proposed."""
    unconfirmed_market_percent: Percent
    """How far signals alone may move a target, if fewer than five others have the same metric and scope."""
    ratchet_pass_percent: Percent
    """Share of the attainment above a target that the next target may rise by."""
    ratchet_cap_percent: Percent
    """The most that the next target may rise by for it (Weitzman 1980)."""
    population: ForWhom = ForWhom()
    """Whose goals the policy adjusts; those of others stay as they are."""
    beyond: Beyond
    """What happens to a target that these limits do not bring into reach."""
    definition_changes: tuple[DefinitionChange, ...] = ()
    """Without an entry, an actual measured under another definition than its target is an error."""
    forecast: ForecastSpec = ForecastSpec()
    """Settings of the forecast."""

    @model_validator(mode="after")
    def _coherent(self) -> TargetPolicy:
        first, last = self.window_days_of_month
        if first > last:
            raise ValueError("window_days_of_month is [first, last], and the first must not be later than the last")
        if self.max_target_change_percent >= 100:
            raise ValueError("max_target_change_percent must be below 100: a target stays above zero")
        if self.max_target_change_percent > self.max_target_change_per_year_percent:
            raise ValueError("max_target_change_percent of one window is more than that of a year")
        if self.max_weight_change_points > self.max_weight_change_per_year_points:
            raise ValueError("max_weight_change_points of one window are more than those of a year")
        changes = [(change.metric, change.before, change.after) for change in self.definition_changes]
        if len(set(changes)) < len(changes):
            raise ValueError("definition_changes states one change twice")
        return self

    def is_open(self, day: dt.date) -> bool:
        """Whether something may be proposed on ``day``."""
        first, last = self._window(day.year, day.month)
        return first <= day <= last

    def next_window(self, day: dt.date) -> tuple[dt.date, dt.date]:
        """First and last day of the first window that begins after ``day``."""
        window = self._window(day.year, day.month)
        if window[0] > day:
            return window
        return self._window(day.year + day.month // 12, day.month % 12 + 1)

    def _window(self, year: int, month: int) -> tuple[dt.date, dt.date]:
        """The window of a month; in a month too short for it, the last day."""
        longest = calendar.monthrange(year, month)[1]
        first, last = (min(day, longest) for day in self.window_days_of_month)
        return dt.date(year, month, first), dt.date(year, month, last)
