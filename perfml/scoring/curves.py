"""Curves: cumulative incidence of leaving by cause, and expected time in employment, over days since the as-of date."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from perfml.errors import ModelError
from perfml.evidence.sources import Data
from perfml.learning.dataset.table import make_table
from perfml.learning.registry.model_store import Model
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder

STEP_DAYS = 30
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("as_of", pa.date32()),
        ("day", pa.int32()),
        ("cause", pa.string()),
        ("incidence", pa.float64()),
        ("expected_days", pa.float64()),
    ]
)
"""A point of a curve. ``incidence``: the probability of having left by ``cause`` within ``day`` days of the as-of date;
``cause`` is the listed outcome, one of the others, or ``staying``. They add up to 1 at each day. ``expected_days``: of the
first ``day`` days, how many the person is expected to be employed (restricted mean: Royston & Parmar 2013)."""


def curves(data: Data, folder: ProjectFolder, model: Model, *, as_of: dt.date, progress: Progress = SILENT) -> pa.Table:
    """The curves of everyone who can be scored, at every :data:`STEP_DAYS` days up to the longest follow-up of the training data.

    Raises :class:`ModelError` for a model without hazards: its outcome is no exit, or too few people have left.
    """
    hazards = model.learnt.hazards
    if hazards is None:
        raise ModelError(
            "has no curves",
            where=f"model {model.name} {model.version}",
            remedy="train a model of leaving on enough exits",
        )
    table = make_table(
        data, folder.definitions, model.spec, name=model.name, dates=[as_of], kinds=model.kinds, progress=progress
    )
    model.require_evidence(table.columns)
    people = table.frame["employee_id"].to_numpy(dtype=object)[table.usable]
    features = table.matrix([c.name for c in model.columns])[table.usable]
    longest = min(hazard.baseline_.until for hazard in hazards.hazards_)
    days = np.arange(STEP_DAYS, longest + 1e-9, STEP_DAYS)
    incidence = hazards.predict_incidence(features, days)
    staying = 1.0 - incidence.sum(axis=1, keepdims=True)
    probabilities = np.concatenate([incidence, staying], axis=1)
    survival = np.concatenate([np.ones((len(people), 1)), staying[:, 0]], axis=1)
    expected_days = np.cumsum((survival[:, :-1] + survival[:, 1:]) / 2 * STEP_DAYS, axis=1)  # trapezoids
    causes = [*model.causes[: incidence.shape[1]], "staying"]
    shape = (len(people), len(causes), len(days))
    columns = {
        "employee_id": np.repeat(people, len(causes) * len(days)),
        "as_of": [as_of] * int(np.prod(shape)),
        "day": np.broadcast_to(days.astype(np.int32), shape).ravel(),
        "cause": np.broadcast_to(np.array(causes, dtype=object)[None, :, None], shape).ravel(),
        "incidence": probabilities.ravel(),
        "expected_days": np.broadcast_to(expected_days[:, None, :], shape).ravel(),
    }
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in SCHEMA})
