"""What there is to learn from: the usable rows of a company's record, and what came of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Dates, Floats, Ints, Objects
from perfml.errors import ModelError
from perfml.evidence.sources import Data
from perfml.learning.dataset.folds import deciding_folds
from perfml.learning.dataset.labels import labels
from perfml.learning.dataset.table import Table, learning_dates, make_table
from perfml.learning.estimators.blend import RiskModel, fit, monotone_signs
from perfml.learning.validation.backtest import Backtest, backtest_horizon
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ExitKind, LearnerSpec, ModelSpec


@dataclass(frozen=True)
class TrainingSample:
    """What there is to learn from: the usable rows of a table, and how to find out what came of them."""

    data: Data
    table: Table
    spec: ModelSpec
    until: dt.date
    rows: pd.DataFrame
    features: Floats
    when: Dates
    person: Objects

    @classmethod
    def of(
        cls, data: Data, folder: ProjectFolder, name: str, until: dt.date, progress: Progress = SILENT
    ) -> TrainingSample:
        """Build the evidence of every as-of date that the record allows."""
        spec = folder.model(name)
        table = make_table(
            data,
            folder.definitions,
            spec,
            name=name,
            dates=learning_dates(data, spec, until),
            progress=progress,
        )
        rows = table.frame[table.usable].reset_index(drop=True)
        when, person = rows["as_of"].to_numpy().astype("M8[D]"), rows["employee_id"].to_numpy(dtype=object)
        return cls(data, table, spec, until, rows, table.matrix()[table.usable], when, person)

    def label(self, days: int, kinds: Sequence[ExitKind] | None = None) -> Floats:
        """What came of each row within ``days``; for other ``kinds`` of exit than the spec's where they are given."""
        said = self.spec.label if kinds is None else self.spec.label.model_copy(update={"exit_kinds": tuple(kinds)})
        return labels(self.data, self.rows, said, horizon_days=days, until=self.until)

    def learn(self, label: Floats, days: int, *, seeds: Sequence[int]) -> RiskModel:
        """Learn from all rows whose label is known."""
        chosen = np.flatnonzero(~np.isnan(label))
        embargo = days + self.spec.label.reporting_delay_days
        folds = deciding_folds(self.when[chosen], self.person[chosen], embargo_days=embargo)
        return fit(self.features[chosen], label[chosen], folds=folds, settings=self._settings(seeds), signs=self._signs)

    def learn_again(self, risk: RiskModel, label: Floats, rows: Ints, seed: int) -> RiskModel:
        """Learn as ``risk`` was learnt, from those of other ``rows`` whose label is known."""
        chosen = rows[~np.isnan(label[rows])]
        settings = self._settings([seed])
        return fit(
            self.features[chosen],
            label[chosen],
            hyperparameters=risk.hyperparameters,
            settings=settings,
            signs=self._signs,
        )

    def _settings(self, seeds: Sequence[int]) -> LearnerSpec:
        return self.spec.learner.model_copy(update={"seeds": tuple(seeds)})

    @property
    def _signs(self) -> list[int]:
        return monotone_signs([c.name for c in self.table.columns], self.spec)


def backtests(sample: TrainingSample, name: str, progress: Progress) -> tuple[list[Backtest], list[str]]:
    """The back-test of each horizon that the record is long enough for, and why there is none for the others.

    Raises :class:`ModelError` when it is long enough for none.
    """
    done: list[Backtest] = []
    notices: list[str] = []
    errors: list[ModelError] = []
    for days in sample.spec.label.horizons_days:
        try:
            _refuse_one_sided(sample, name, days)
            done.append(
                backtest_horizon(
                    sample.data, sample.table, sample.spec, horizon_days=days, until=sample.until, progress=progress
                )
            )
        except ModelError as error:
            errors.append(error)
            notices.append(str(error))
    if not done:
        raise errors[0]
    return done, notices


def _refuse_one_sided(sample: TrainingSample, name: str, days: int) -> None:
    """Outcomes that never or always happened teach nothing: say which."""
    if sample.rows.empty:
        raise ModelError(
            f"none of {len(sample.table.frame)} rows is eligible",
            where=f"models/{name}.toml [population]",
            remedy="widen 'eligible' or 'thin'",
        )
    label = sample.label(days)
    known, cases = int((~np.isnan(label)).sum()), int(np.nansum(label))
    need = sample.spec.backtest.min_positives
    where = f"model {name} within {days} days, {sample.data.source} until {sample.until}"
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
