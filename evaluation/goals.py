"""The goals of an evaluation, and the table of figures against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

Figures = Mapping[str, Mapping[str, Any]]
"""Metric -> value with the ends of its 95 % interval, as ``Estimate.to_json`` gives them."""


@dataclass(frozen=True)
class Goal:
    """The range a figure must lie in, and a stretch goal."""

    low: float = float("-inf")
    high: float = float("inf")
    stretch: str = ""
    shown: bool = False
    """Missed only if the whole 95 % interval lies outside: for a difference that should be zero."""

    def reached(self, figure: Mapping[str, Any] | None) -> bool:
        """Whether the figure exists and lies in the range."""
        if figure is None or figure["value"] is None:
            return False
        low, high = (figure["low"], figure["high"]) if self.shown else (figure["value"], figure["value"])
        return bool(low <= self.high and high >= self.low)

    def __str__(self) -> str:
        ends = [f"≥ {self.low:g}"] * (self.low > float("-inf")) + [f"≤ {self.high:g}"] * (self.high < float("inf"))
        return ", ".join(ends) + (f" ({self.stretch})" if self.stretch else "")


def missed(figures: Figures, goals: Mapping[str, Goal]) -> list[str]:
    """The metrics that miss their goal."""
    return [metric for metric, goal in goals.items() if not goal.reached(figures.get(metric))]


def table_of(name: str, figures: Figures, goals: Mapping[str, Goal]) -> Table:
    """One row per figure: its value, its interval and, if it has one, its goal in green or red."""
    table = Table(title=name, title_justify="left", title_style="bold")
    for heading in ("metric", "value", "95 % interval", "goal (stretch)"):
        table.add_column(heading, overflow="fold", min_width=28 if heading == "metric" else None)
    for metric, figure in figures.items():
        value, low, high = (figure.get(key) for key in ("value", "low", "high"))
        goal = goals.get(metric)
        verdict = "" if goal is None else f"[{'green' if goal.reached(figure) else 'red'}]{goal}[/]"
        interval = "" if low is None or high is None else f"{low:.4f} … {high:.4f}"
        table.add_row(metric.replace("_", " "), "" if value is None else f"{value:.4g}", interval, verdict)
    return table
