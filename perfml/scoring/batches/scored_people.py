"""Everyone at one date, held at once: who has a score, what is predicted for them, and which of their values may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from perfml.arrays import Bools, Floats, Indexes, Objects
from perfml.learning.estimators.coherence import Incidences
from perfml.learning.registry.model_store import Model
from perfml.reasons.selection import Spread
from perfml.scoring.batches.rows import HELD, OPTED_OUT, SCORED, PeopleBatch
from perfml.scoring.debt import Owed
from perfml.trust.holds.hold import Hold

CHUNK = 20_000
"""Rows explained at a time, so that the dense contributions of everyone are never held at once."""


@dataclass(frozen=True, kw_only=True)
class ScoredPeople:
    """The n people at one as-of date, and the evidence and predictions of the m with a score."""

    employee_ids: Objects
    """(n,)"""
    status: Objects
    """(n,)"""
    held: Mapping[str, Hold]
    """Why there is no score."""
    segments: Mapping[str, Bools]
    """(n,) each."""
    values: Floats
    """(rows of the table, the model's columns)."""
    stated: Floats
    """Like ``values``, missing where a value would be an estimate."""
    rows: Indexes
    """(n,): their rows in ``values``."""
    hidden: Mapping[int, Bools]
    """Number of a column -> (n,): of whom it may not be stated."""
    incidences: Incidences
    """Of the m people, in the order of :attr:`scored`."""
    spread: Spread
    """Of the m people."""
    scored: Indexes
    """(m,): those with a score, numbers below n."""

    @cached_property
    def number(self) -> Indexes:
        """(n,): whose prediction it is, a number below m; −1 for somebody without a score."""
        number = np.full(len(self.status), -1)
        number[self.scored] = np.arange(len(self.scored))
        return number

    @classmethod
    def of(
        cls,
        model: Model,
        values: Floats,
        rows: Indexes,
        *,
        employee_ids: Objects,
        status: Objects,
        held: Mapping[str, Hold],
        segments: Mapping[str, Bools],
        stated: Floats,
        hidden: Mapping[int, Bools],
    ) -> ScoredPeople:
        """Predict for those of ``rows`` of ``values`` whose ``status`` is scored, :data:`CHUNK` at a time."""
        scored = np.flatnonzero(status == SCORED)
        chunks = [
            model.incidences(values[rows[scored[low : low + CHUNK]]]) for low in range(0, max(1, len(scored)), CHUNK)
        ]
        incidences = Incidences(
            *(np.concatenate([getattr(chunk, field.name) for chunk in chunks]) for field in fields(Incidences))
        )
        columns = (values[rows[scored], column] for column in range(values.shape[1]))
        return cls(
            employee_ids=employee_ids,
            status=status,
            held=held,
            segments=segments,
            values=values,
            stated=stated,
            rows=rows,
            hidden=hidden,
            incidences=incidences,
            spread=Spread.of(columns, middle_share=model.spec.reasons.middle_share),
            scored=scored,
        )

    def order(self, horizon: int) -> Indexes:
        """Everyone in the order of the list: who has a score first, the highest margin at the ``horizon``, then by id."""
        margin = np.full(len(self.status), np.nan)
        margin[self.scored] = self.incidences.margin[:, horizon]
        return np.lexsort((self.employee_ids, -margin, self.status != SCORED))

    def shown(self, people: Indexes) -> Floats:
        """The values of ``people`` (numbers below n) that may be told of them: (people, the model's columns)."""
        shown: Floats = self.stated[self.rows[people]]
        for column, hide in self.hidden.items():
            shown[hide[people], column] = np.nan
        return shown

    def batch(self, people: Indexes, owed: Owed | None) -> PeopleBatch:
        """Those of ``people`` (numbers below n), the ones with a score first; ``owed``: what missing days may do to them."""
        scored = people[self.status[people] == SCORED]
        numbers = self.number[scored]
        return PeopleBatch(
            employee_ids=self.employee_ids[people],
            status=self.status[people],
            why_not=[self._why_not(person) for person in people],
            segments=[[name for name, member in self.segments.items() if member[person]] for person in people],
            values=self.values[self.rows[scored]],
            shown=self.shown(scored),
            incidences=self.incidences.take(numbers),
            owed=owed,
        )

    def _why_not(self, person: int) -> str | None:
        if self.status[person] not in (HELD, OPTED_OUT):
            return None
        return self.held[self.employee_ids[person]].message.model_dump_json()
