"""Training: back-test first, then learn from all that was known by a date, and keep both together."""

from __future__ import annotations

import datetime as dt
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

import perfml
from perfml.errors import ModelError
from perfml.evidence.features import Progress
from perfml.evidence.sources import Data
from perfml.learning.backtest import Backtest, backtest_horizon
from perfml.learning.labels import labels
from perfml.learning.learner import Risk, fit
from perfml.learning.registry import Model, save
from perfml.learning.table import Table, learning_dates, make_table
from perfml.project.project import Folder


def backtest(
    data: Data, project: Folder, name: str, *, until: dt.date, progress: Progress | None = None
) -> list[Backtest]:
    """The rolling-origin back-test of each horizon that the record is long enough for.

    Raises :class:`ModelError` when it is long enough for none.
    """
    spec = project.model(name)
    table = make_table(data, project.definitions, name, spec, learning_dates(data, spec, until), progress=progress)
    return _backtests(data, table, project, name, until, progress)[0]


def train(
    data: Data, project: Folder, name: str, *, home: Path, until: dt.date, progress: Progress | None = None
) -> Model:
    """Learn ``name`` from what was known, and labels that had matured, by ``until``; save it as the current version.

    Raises :class:`ModelError` when no horizon has both outcomes often enough.
    """
    spec = project.model(name)
    table = make_table(data, project.definitions, name, spec, learning_dates(data, spec, until), progress=progress)
    backtests, notices = _backtests(data, table, project, name, until, progress)
    rows = table.frame[table.usable].reset_index(drop=True)
    features, when = table.matrix()[table.usable], rows["as_of"].to_numpy().astype("M8[D]")
    risks: dict[int, Risk] = {}
    counts: dict[str, dict[str, int]] = {}
    for done, tested in enumerate(backtests):
        days = tested.horizon_days
        if progress:
            progress("learning", done, len(backtests))
        label = labels(data, rows, spec.label, horizon_days=days, until=until)
        known = ~np.isnan(label)
        counts[str(days)] = {"rows": int(known.sum()), "positives": int(label[known].sum())}
        risks[days] = fit(
            features[known],
            label[known],
            when[known],
            names=[c.name for c in table.columns],
            spec=spec,
            embargo_days=days + spec.label.reporting_delay_days,
        )
    if progress:
        progress("learning", len(backtests), len(backtests))
    about: dict[str, Any] = {
        "until": until.isoformat(),
        "as_of_dates": [str(when.min()), str(when.max())],
        "spec": spec.model_dump(mode="json"),
        "training": counts,
        "backtests": {str(b.horizon_days): b.to_json() for b in backtests},
        "left_out": [*table.left_out, *notices],
        "perfml": perfml.__version__,
        "python": platform.python_version(),
    }
    about = json.loads(json.dumps(about, default=str))
    return save(home, name, risks, table.columns, table.kinds, about, project.model_card(name))


def _backtests(
    data: Data, table: Table, project: Folder, name: str, until: dt.date, progress: Progress | None
) -> tuple[list[Backtest], list[str]]:
    spec = project.model(name)
    done: list[Backtest] = []
    notices: list[str] = []
    errors: list[ModelError] = []
    for days in spec.label.horizons_days:
        try:
            _refuse_one_sided(data, table, project, name, until, days)
            done.append(backtest_horizon(data, table, spec, horizon_days=days, until=until, progress=progress))
        except ModelError as error:
            errors.append(error)
            notices.append(str(error))
    if not done:
        raise errors[0]
    return done, notices


def _refuse_one_sided(data: Data, table: Table, project: Folder, name: str, until: dt.date, days: int) -> None:
    """Outcomes that never or always happened teach nothing: say which."""
    spec = project.model(name)
    rows = table.frame[table.usable]
    if rows.empty:
        raise ModelError(
            f"none of {len(table.frame)} rows is eligible",
            where=f"models/{name}.toml [population]",
            remedy="widen 'eligible' or 'thin'",
        )
    label = labels(data, rows.reset_index(drop=True), spec.label, horizon_days=days, until=until)
    known, cases = int((~np.isnan(label)).sum()), int(np.nansum(label))
    need = spec.backtest.min_positives
    where = f"model {name} within {days} days, {data.source} until {until}"
    if known == 0:
        raise ModelError(
            "no label has matured",
            where=where,
            remedy=f"it takes {days} days of record after the first as-of date",
        )
    if cases < need:
        raise ModelError(
            f"{cases} of {known} rows have the outcome",
            where=where,
            remedy=f"{need} are needed: give it a longer record",
        )
    if known - cases < need:
        raise ModelError(
            f"{cases} of {known} rows have the outcome",
            where=where,
            remedy="nearly all: narrow 'eligible' or the label",
        )
