"""The debt of the data in a score: how far the days that are missing from the log could move it, and whether a list could change.

Measured, not assumed: at past dates whose days were all delivered, the same days before the date are taken away, and the margin
with them is compared with the margin without them. These differences, of the same model and the same part of the log, are what
the missing days may do now; their quantiles are the band (split conformal prediction, Vovk et al. 2005), and drawing from them
many times tells who may be on the list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.special import expit, logit

from perfml.arrays import Bools, Floats, Objects
from perfml.evidence.holes.hole import Hole, MissingDays
from perfml.evidence.holes.planted import without_days
from perfml.evidence.sources import Data
from perfml.learning.dataset.table import make_table
from perfml.learning.registry.model_store import Model
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.scoring.score_files import DEBT_COLUMNS

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
class Owed:
    """What missing days may do to the scores at one date and horizon."""

    people: frozenset[str]
    """Whom they concern."""
    moves: tuple[float, float]
    """How far a margin could move, down and up; NaN where too little was measured."""
    changed: frozenset[str]
    """Whose place on the list could change."""

    def band(self, probability: Floats) -> tuple[Floats, Floats]:
        """The lowest and the highest probability (n,) that the missing days could lead to; NaN where too little was measured."""
        margin = logit(np.clip(probability, 1e-12, 1 - 1e-12))
        low, high = (expit(margin + move) for move in self.moves)
        return low, high

    def columns(self, employee_ids: Objects, probability: Floats) -> dict[str, Floats | Objects]:
        """The columns :data:`DEBT_COLUMNS` of people with a score: (people,) each."""
        ids: list[str] = employee_ids.tolist()
        concerned = np.array([person in self.people for person in ids], dtype=bool)
        low, high = (np.where(concerned, end, np.nan) for end in self.band(probability))
        changes = np.array([person in self.changed for person in ids], dtype=object)
        return dict(zip(DEBT_COLUMNS, (low, high, changes), strict=True))


@dataclass(frozen=True, kw_only=True)
class Debt:
    """What missing days did to margins in the past, and whom they concern now."""

    people: frozenset[str]
    differences: Mapping[int, Floats]
    """Horizon in days -> margins with the days less margins without them."""

    def owed(self, horizon: int, changed: frozenset[str]) -> Owed:
        """What they may do now; ``changed``: whose place on the list could change."""
        differences, moves = self.differences[horizon], (np.nan, np.nan)
        if len(differences) >= FEWEST:
            low, high = np.quantile(differences, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
            moves = min(low, 0.0), max(high, 0.0)
        return Owed(people=self.people, moves=moves, changed=changed)

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
    """The ``capacity`` highest margins, fewer than there are; of equal ones the first."""
    lowest = np.partition(margin, len(margin) - capacity)[len(margin) - capacity]
    listed: Bools = margin > lowest
    listed[np.flatnonzero(margin == lowest)[: capacity - int(listed.sum())]] = True
    return listed


@dataclass(frozen=True, kw_only=True)
class PastMargins:
    """Margins at a past date of people whom missing days concern."""

    concerned: frozenset[str]
    """All whom they concern."""
    employee_ids: Objects
    """(n,): those with a score, ascending."""
    margins: Floats
    """(n, horizons)"""


PastScoring = Callable[[Definitions, dt.date, frozenset[str] | None], PastMargins]
"""Scores a past date by some definitions; the people, or those who are concerned by the days that are missing then."""


def debt_of(
    data: Data,
    definitions: Definitions,
    model: Model,
    missing: Sequence[MissingDays],
    *,
    as_of: dt.date,
    score_past: PastScoring | None = None,
    progress: Progress = SILENT,
) -> Debt | None:
    """The debt of the days ``missing`` at ``as_of``; None where none are. ``score_past``: by default on this machine."""
    score_past = score_past or partial(_score_past, data, model)
    holes = [days.hole for days in missing if days.as_of == as_of]
    if not holes:
        return None
    differences: list[Floats] = [np.zeros((0, len(model.risks)))]
    for past in _past_dates(data, holes, as_of):
        progress(f"debt of missing days, {past}", 0, 1)
        back = as_of - past
        moved = [replace(hole, first=hole.first - back, last=hole.last - back) for hole in holes]
        with without_days(data, definitions, moved, past) as lossy:
            thinned = score_past(lossy, past, None)
        whole = score_past(definitions, past, thinned.concerned)
        _, rows, of_thinned = np.intersect1d(
            whole.employee_ids, thinned.employee_ids, assume_unique=True, return_indices=True
        )
        differences.append(whole.margins[rows] - thinned.margins[of_thinned])
    by_horizon = np.concatenate(differences).T
    return Debt(people=concerned(missing, as_of), differences=dict(zip(model.risks, by_horizon, strict=True)))


def concerned(missing: Sequence[MissingDays], as_of: dt.date) -> frozenset[str]:
    """Whom the days ``missing`` at ``as_of`` concern."""
    return frozenset(person for days in missing if days.as_of == as_of for person in days.people)


def _score_past(
    data: Data, model: Model, definitions: Definitions, day: dt.date, among: frozenset[str] | None
) -> PastMargins:
    table = make_table(data, definitions, model.spec, name=model.name, dates=[day], kinds=model.kinds)
    among = concerned(table.missing, day) if among is None else among
    ids = table.frame["employee_id"].to_numpy(dtype=object)
    rows = table.usable & np.array([person in among for person in ids], dtype=bool)
    values = table.matrix([column.name for column in model.columns])[rows]
    margins = model.incidences(values).margin if len(values) else np.zeros((0, len(model.risks)))
    return PastMargins(concerned=among, employee_ids=ids[rows], margins=margins)


def _past_dates(data: Data, holes: Sequence[Hole], as_of: dt.date) -> list[dt.date]:
    """The newest dates, whole weeks before ``as_of``, that no hole reaches and before which the record holds half a year."""
    begins = data.query(f"select min(happened_day) as day from ({data.log_days}) log").column("day")[0].as_py()
    first = min(hole.first for hole in holes)
    steps = range(-(-(as_of - first).days // STEP_DAYS), 1000)
    dates = (as_of - dt.timedelta(days=STEP_DAYS * step) for step in steps)
    return [day for day, _ in zip(dates, range(PAST_DATES), strict=False) if day >= begins + dt.timedelta(days=182)]
