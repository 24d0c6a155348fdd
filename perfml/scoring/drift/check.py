"""Drift of a model: today's evidence and scores beside those of training, and outcomes once they have matured."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.learning.dataset.folds import matured
from perfml.learning.dataset.labels import labels
from perfml.learning.dataset.table import learning_dates, make_table
from perfml.learning.registry.model_store import Model
from perfml.learning.validation.drift import DriftReport, assess
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder


@dataclass(frozen=True)
class HorizonDrift:
    """One horizon's verdict. ``outcomes_of``: the as-of date whose outcomes were compared, None where none has matured."""

    horizon_days: int
    outcomes_of: dt.date | None
    report: DriftReport

    def to_json(self) -> JsonObject:
        """The verdict as a JSON object."""
        return {
            "horizon_days": self.horizon_days,
            "outcomes_of": None if self.outcomes_of is None else self.outcomes_of.isoformat(),
            **self.report.to_json(),
        }


def drift(
    data: Data, folder: ProjectFolder, model: Model, *, as_of: dt.date, progress: Progress = SILENT
) -> list[HorizonDrift]:
    """Compare the people of ``as_of`` with those of training, for each horizon.

    Outcomes are those of the newest as-of date, on or after the last one trained on, whose labels have matured by ``as_of``:
    the scores that the model would have given then are compared with them.
    """
    spec = model.spec
    later = [day for day in learning_dates(data, spec, as_of) if day >= model.record.until]
    ready: dict[int, dt.date | None] = {}
    for days in model.risks:
        embargo = days + spec.label.reporting_delay_days
        ready[days] = max(matured(later, until=as_of, embargo_days=embargo), default=None)
    dates = sorted({as_of, *(day for day in ready.values() if day is not None)})
    table = make_table(
        data, folder.definitions, spec, name=model.name, dates=dates, kinds=model.kinds, progress=progress
    )
    model.require_evidence(table.columns)
    names = [c.name for c in model.columns]
    features = table.matrix(names)[table.usable]
    rows = table.frame[table.usable].reset_index(drop=True)
    when, person = rows["as_of"].to_numpy().astype("M8[D]"), rows["employee_id"].to_numpy(dtype=object)
    predictions = model.incidences(features).incidence[:, 0]
    drifts = []
    for horizon, (days, day) in enumerate(ready.items()):
        reference = model.record.reference[days]
        current = when == np.datetime64(as_of)
        outcomes = None
        if day is not None:
            then = when == np.datetime64(day)
            label = labels(data, rows[then], spec.label, horizon_days=days, until=as_of)
            outcomes = label, predictions[then, horizon], person[then]
        report = assess(
            reference,
            features=features[current],
            names=names,
            probability=predictions[current, horizon],
            person=person[current],
            outcomes=outcomes,
        )
        drifts.append(HorizonDrift(days, day, report))
    return drifts
