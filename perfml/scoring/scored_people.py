"""The people with a score at one date: what is predicted for them, why, and which of their values may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from perfml.arrays import Bools, Floats, Indexes
from perfml.learning.estimators.coherence import Incidences
from perfml.learning.registry.model_store import Model
from perfml.reasons.reasons import explain
from perfml.reasons.selection import Grouping, Spread

CHUNK = 20_000
"""Rows explained at a time, so that the dense contributions of everyone are never held at once."""


@dataclass(frozen=True, kw_only=True)
class ScoredPeople:
    """The n people with a score at one as-of date, with their evidence and predictions; other people's rows are not in it."""

    model: Model
    values: Floats
    """(rows of the table, the model's columns)."""
    stated: Floats
    """Like ``values``, missing where a value would be an estimate."""
    rows: Indexes
    """(n,): their rows in ``values``."""
    hidden: Mapping[int, Bools]
    """Number of a column -> (n,): of whom it may not be stated."""
    incidences: Incidences
    """Of n people."""
    spread: Spread
    """Of the n people."""

    @classmethod
    def of(
        cls, model: Model, values: Floats, rows: Indexes, *, stated: Floats, hidden: Mapping[int, Bools]
    ) -> ScoredPeople:
        """Predict for ``rows`` of ``values``, :data:`CHUNK` at a time."""
        chunks = [model.incidences(values[rows[low : low + CHUNK]]) for low in range(0, max(1, len(rows)), CHUNK)]
        incidences = Incidences(
            *(np.concatenate([getattr(chunk, field.name) for chunk in chunks]) for field in fields(Incidences))
        )
        columns = (values[rows, column] for column in range(values.shape[1]))
        spread = Spread.of(columns, middle_share=model.spec.reasons.middle_share)
        return cls(
            model=model, values=values, stated=stated, rows=rows, hidden=hidden, incidences=incidences, spread=spread
        )

    def shown(self, people: Indexes) -> Floats:
        """The values of ``people`` (numbers below n) that may be told of them: (people, the model's columns)."""
        shown: Floats = self.stated[self.rows[people]]
        for column, hide in self.hidden.items():
            shown[hide[people], column] = np.nan
        return shown

    def explain(self, people: Indexes, days: int) -> tuple[Floats, pa.ListArray]:
        """Base values and reasons of ``people`` (numbers below n) at the horizon of ``days``.

        Margins of several horizons may have been pooled to be coherent; contributions are pooled with them.
        """
        horizon = list(self.model.risks).index(days)
        features = self.values[self.rows[people]]
        pooled = self.incidences.pooled[people, horizon]
        contributions = np.zeros((len(features), features.shape[1] + 1))
        for other, risk in enumerate(self.model.risks.values()):
            mixed = np.flatnonzero(pooled[:, other])
            if len(mixed):
                contributions[mixed] += pooled[mixed, other, None] * risk.contributions(features[mixed])
        reasons = explain(
            Grouping.of(self.model.columns),
            contributions,
            values=self.shown(people),
            spread=self.spread,
            stable=self.model.stable(days),
        )
        return contributions[:, -1] + self.incidences.shift[people, horizon], reasons

    def causes(self, people: Indexes, days: int) -> list[list[dict[str, object]] | None]:
        """The probability of each cause, and of staying, of ``people`` at the horizon; None where the outcome is no exit."""
        if not self.model.causes:
            return [None] * len(people)
        horizon = list(self.model.risks).index(days)
        shares = self.incidences.incidence[people, :, horizon].tolist()
        staying = self.incidences.staying[people, horizon].tolist()
        return [
            [
                *({"cause": cause, "probability": p} for cause, p in zip(self.model.causes, by_cause, strict=True)),
                {"cause": "staying", "probability": stay},
            ]
            for by_cause, stay in zip(shares, staying, strict=True)
        ]
