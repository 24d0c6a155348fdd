"""What a file of target adjustment may say: when targets and weights may move, how far, and which never do."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.policy import Policy
from perfml.project.spec import Spec

Percent = Annotated[float, Field(ge=0, le=100)]
DayOfMonth = Annotated[int, Field(ge=1, le=31)]
Lever = Literal["target", "weight"]


class ForecastSpec(Spec):
    """How the final of a goal is forecast."""

    history: Mapping[str, str] = {}
    """Metric -> kind of event whose values add up to it, where the behaviour log reaches further back than earlier goals do."""


class Band(Spec):
    """Attainment probabilities between which a target is neither out of reach nor a gift."""

    low: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """Below this probability a target is out of reach."""
    high: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Above this probability a target is a gift."""

    @model_validator(mode="after")
    def _ascends(self) -> Band:
        if self.low >= self.high:
            raise ValueError("low must lie below high")
        return self


class DefinitionChange(Spec):
    """A metric that was defined anew in the middle of a period, and what people found the change to be worth."""

    metric: str
    """The metric, as in ``goals``."""
    before: str
    """The definition that the target was set under."""
    after: str
    """The definition that the actual is measured under."""
    percent: Annotated[float, Field(gt=-100, le=1000)]
    """How much more (or less) the later definition counts of the same thing: -8 is 8 % less."""


class TargetPolicy(Policy):
    """``models/<name>.toml`` of kind ``target_adjustment``: the rules that every proposal keeps.

    Percentages of targets are of the target now in force; points are points of weight, of which an employee's period has 100.
    """

    kind: Literal["target_adjustment"] = "target_adjustment"
    """Says that the file is this policy."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    levers: Annotated[tuple[Lever, ...], Field(min_length=1)] = ("target", "weight")
    """What may move. Weights move only where a target may not move as far as the market did."""
    window_days_of_month: tuple[DayOfMonth, DayOfMonth] = (1, 10)
    """First and last day of each month on which something is proposed."""
    band: Band = Band()
    """Attainment probabilities a proposal moves into, and no further."""
    max_target_change_percent: Percent = 15
    """Of one window, counting the changes already made in it."""
    max_target_change_per_year_percent: Percent = 30
    """Of all changes of the goal within 365 days, this window's among them."""
    max_weight_change_points: Percent = 15
    """Of one window, counting the changes already made in it."""
    max_weight_change_per_year_points: Percent = 30
    """Of all changes of the weight within 365 days."""
    minimum_weight_percent: Annotated[float, Field(gt=0, lt=100)] = 5
    """No weight is moved below; one that lies below already is left alone."""
    weight_step_points: Annotated[float, Field(gt=0, le=25)] = 1
    """Weights move in whole steps."""
    least_target_change_percent: Percent = 1
    """A smaller change is not worth a proposal."""
    unconfirmed_market_percent: Percent = 5
    """As far as signals alone may move a target, where fewer than five others have the same metric and scope."""
    ratchet_pass_percent: Percent = 50
    """Of what somebody attained above a target, the share that the next target may rise by."""
    ratchet_cap_percent: Percent = 10
    """The most that the next target may rise by for it (Weitzman 1980)."""
    definition_changes: tuple[DefinitionChange, ...] = ()
    """Without an entry here, an actual measured under another definition than its target is an error."""
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
        said = [(change.metric, change.before, change.after) for change in self.definition_changes]
        if len(set(said)) < len(said):
            raise ValueError("definition_changes says one change twice")
        return self

    def is_open(self, day: dt.date) -> bool:
        """Whether something may be proposed on ``day``.

        >>> TargetPolicy(zh="", en="").is_open(dt.date(2026, 8, 3))
        True
        """
        first, last = self._window(day.year, day.month)
        return first <= day <= last

    def next_window(self, day: dt.date) -> tuple[dt.date, dt.date]:
        """First and last day of the first window that begins after ``day``.

        >>> [str(one) for one in TargetPolicy(zh="", en="").next_window(dt.date(2026, 12, 20))]
        ['2027-01-01', '2027-01-10']
        """
        window = self._window(day.year, day.month)
        if window[0] > day:
            return window
        return self._window(day.year + day.month // 12, day.month % 12 + 1)

    def _window(self, year: int, month: int) -> tuple[dt.date, dt.date]:
        """A month that is too short for the window has it on its last day."""
        longest = calendar.monthrange(year, month)[1]
        first, last = (min(day, longest) for day in self.window_days_of_month)
        return dt.date(year, month, first), dt.date(year, month, last)
