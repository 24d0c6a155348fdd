"""What drives a model among the people it scores, summed up so that no person can be told from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.evidence.columns import Column
from perfml.learning.registry.model_store import Model

FEWEST_PEOPLE = 10
"""People behind every mean that is shown, at least."""
LEADING = 12
"""Reasons whose importance is shown."""
STEPS = 8
"""Reasons on the way to the people at highest risk."""
DRAWN = 6
"""Columns whose dependence is drawn."""
GROUPS = 8
"""Groups of people, from the lowest value of a column to the highest, at most."""


@dataclass(frozen=True, kw_only=True)
class ValueGroup:
    """People of similar value: their median value, and the quartiles and the mean of what the column adds, in log-odds."""

    value: float
    mean: float
    low: float
    high: float
    people: int


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One horizon of a model among n people."""

    people: int
    importance: tuple[tuple[str, float], ...]
    """Reason and its mean absolute contribution in log-odds, the leading ones first."""
    dependence: tuple[tuple[Column, tuple[ValueGroup, ...]], ...]
    """The columns with the largest mean absolute contribution, and how it moves with their value."""
    base: float
    """The mean margin."""
    listed: int
    """People at the top, as many as the list has, or :data:`FEWEST_PEOPLE`."""
    steps: tuple[tuple[str, float], ...]
    """Reason and how much more it adds for the people at the top than for all; the last one, "other", is the rest."""

    @classmethod
    def of(cls, model: Model, features: Floats, days: int) -> Explained | None:
        """Explain the horizon of ``days`` on ``features`` (n, the model's columns); None below :data:`FEWEST_PEOPLE`."""
        if len(features) < FEWEST_PEOPLE:
            return None
        contributions = model.risks[days].contributions(features)
        margin, each = contributions.sum(axis=1), contributions[:, :-1]
        reasons = list(dict.fromkeys(column.reason for column in model.columns))
        number = {reason: i for i, reason in enumerate(reasons)}
        member = np.zeros((each.shape[1], len(reasons)))
        member[np.arange(each.shape[1]), [number[column.reason] for column in model.columns]] = 1
        by_reason = each @ member
        size = np.abs(by_reason).mean(axis=0)
        listed = max(FEWEST_PEOPLE, model.spec.list.capacity(len(features)))
        top = np.argsort(-margin, kind="stable")[:listed]
        more = by_reason[top].mean(axis=0) - by_reason.mean(axis=0)
        leading = np.argsort(-np.abs(more), kind="stable")[:STEPS]
        steps = [(reasons[i], float(more[i])) for i in leading]
        drawn = np.argsort(-np.abs(each).mean(axis=0), kind="stable")
        curves = ((model.columns[i], _groups(features[:, i], each[:, i])) for i in drawn[: 3 * DRAWN])
        return cls(
            people=len(features),
            importance=tuple(
                (reasons[i], float(size[i])) for i in np.argsort(-size, kind="stable")[:LEADING] if size[i] > 0
            ),
            dependence=tuple((column, groups) for column, groups in curves if len(groups) > 1)[:DRAWN],
            base=float(margin.mean()),
            listed=listed,
            steps=(*steps, ("other", float(more.sum() - more[leading].sum()))),
        )


def _groups(values: Floats, contributions: Floats) -> tuple[ValueGroup, ...]:
    """People with a value, ascending, in groups of at least :data:`FEWEST_PEOPLE`; equal values stay together."""
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    size = max(FEWEST_PEOPLE, -(-len(order) // GROUPS))
    parts: list[Ints] = []
    low = 0
    while len(order) - low >= FEWEST_PEOPLE:
        high = int(np.searchsorted(values[order], values[order[min(low + size, len(order)) - 1]], side="right"))
        high = len(order) if len(order) - high < FEWEST_PEOPLE else high
        parts.append(order[low:high])
        low = high
    return tuple(
        ValueGroup(
            value=float(np.median(values[part])),
            mean=float(contributions[part].mean()),
            low=float(np.quantile(contributions[part], 0.25)),
            high=float(np.quantile(contributions[part], 0.75)),
            people=len(part),
        )
        for part in parts
    )
