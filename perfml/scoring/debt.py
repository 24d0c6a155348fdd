"""The debt of the data in a score: how far the days that are missing from the log could move it, and whether a list could change.

Measured, not assumed: at past dates whose days were all delivered, the same days before the date are taken away, and the margin
with them is compared with the margin without them. These differences, of the same model and the same part of the log, are what
the missing days may do now; their quantiles are the band (split conformal prediction, Vovk et al. 2005), and drawing from them
many times tells who may be on the list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from perfml.arrays import Bools, Floats
from perfml.evidence.holes.hole import Hole, MissingDays
from perfml.evidence.holes.planted import without_days
from perfml.evidence.sources import Data
from perfml.learning.dataset.table import Table, make_table
from perfml.learning.registry.model_store import Model
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions

STEP_DAYS = 28
"""Past dates lie so many days apart: whole weeks, so that the weekdays of a hole stay."""
PAST_DATES = 3
"""Past dates at which days are taken away."""
COVERAGE = 0.95
"""Share of the differences within the band: more than is promised (0.9), since the past is not quite the present."""
FEWEST = 20
"""Differences below which no band is given."""
DRAWS = 400
"""How often the missing days are imagined to see who may be on the list."""
SEED = 20


@dataclass(frozen=True, kw_only=True)
class Debt:
    """What missing days did to margins in the past, and whom they concern now."""

    people: frozenset[str]
    differences: Mapping[int, Floats]
    """Horizon in days -> margins with the days less margins without them."""

    def band(self, probability: Floats, horizon: int) -> tuple[Floats, Floats]:
        """The lowest and the highest probability (n,) that the missing days could lead to; NaN where too little was measured."""
        differences = self.differences[horizon]
        if len(differences) < FEWEST:
            return np.full(len(probability), np.nan), np.full(len(probability), np.nan)
        low, high = np.quantile(differences, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        margin = logit(np.clip(probability, 1e-12, 1 - 1e-12))
        return expit(margin + min(low, 0.0)), expit(margin + max(high, 0.0))

    def may_change(self, margin: Floats, concerned: Bools, capacity: int, horizon: int) -> Bools:
        """Whose place on the list of the ``capacity`` highest margins (n,) the missing days could change: (n,)."""
        differences = self.differences[horizon]
        if not 0 < capacity < len(margin) or not concerned.any():
            return np.zeros(len(margin), bool)
        if len(differences) < FEWEST:
            return concerned
        rng = np.random.default_rng(SEED)
        listed = _listed(margin, capacity)
        changed = np.zeros(len(margin), bool)
        for _ in range(DRAWS):
            moved = margin.copy()
            moved[concerned] += rng.choice(differences, int(concerned.sum()))
            changed |= _listed(moved, capacity) != listed
        return changed


def _listed(margin: Floats, capacity: int) -> Bools:
    listed = np.zeros(len(margin), bool)
    listed[np.argsort(-margin, kind="stable")[:capacity]] = True
    return listed


def debt_of(
    data: Data,
    definitions: Definitions,
    model: Model,
    missing: Sequence[MissingDays],
    *,
    as_of: dt.date,
    progress: Progress = SILENT,
) -> Debt | None:
    """The debt of the days ``missing`` at ``as_of``; None where none are."""
    holes = [days.hole for days in missing if days.as_of == as_of]
    if not holes:
        return None
    people = frozenset(person for days in missing if days.as_of == as_of for person in days.people)
    differences: dict[int, list[Floats]] = {days: [] for days in model.risks}
    for past in _past_dates(data, holes, as_of):
        progress(f"debt of missing days, {past}", 0, 1)
        back = as_of - past
        moved = [replace(hole, first=hole.first - back, last=hole.last - back) for hole in holes]
        whole = _table(data, definitions, model, past)
        with without_days(data, definitions, moved, past) as lossy:
            thinned = _table(data, lossy, model, past)
        concerned = {person for days in thinned.missing for person in days.people}
        rows = thinned.frame["employee_id"].isin(concerned).to_numpy() & whole.usable & thinned.usable
        if rows.any():
            columns = [column.name for column in model.columns]
            margins = [model.incidences(table.matrix(columns)[rows]).margin for table in (whole, thinned)]
            for horizon, days_ahead in enumerate(model.risks):
                differences[days_ahead].append(margins[0][:, horizon] - margins[1][:, horizon])
    return Debt(
        people=people,
        differences={days: np.concatenate(parts) if parts else np.zeros(0) for days, parts in differences.items()},
    )


def _table(data: Data, definitions: Definitions, model: Model, day: dt.date) -> Table:
    return make_table(data, definitions, model.spec, name=model.name, dates=[day], kinds=model.kinds)


def _past_dates(data: Data, holes: Sequence[Hole], as_of: dt.date) -> list[dt.date]:
    """The newest dates, whole weeks before ``as_of``, that no hole reaches and before which the record holds half a year."""
    begins = data.connection.execute("select min(happened_day) from events").fetchall()[0][0]
    first = min(hole.first for hole in holes)
    steps = range(-(-(as_of - first).days // STEP_DAYS), 1000)
    dates = (as_of - dt.timedelta(days=STEP_DAYS * step) for step in steps)
    return [day for day, _ in zip(dates, range(PAST_DATES), strict=False) if day >= begins + dt.timedelta(days=182)]
