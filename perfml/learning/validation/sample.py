"""The training sample: usable rows of a company's record with their features and labels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Dates, Floats, Ints, Objects
from perfml.evidence.features import Evidence
from perfml.evidence.sources import Data
from perfml.learning.dataset.drawn_rows import DrawnRows, draw_rows
from perfml.learning.dataset.folds import deciding_folds
from perfml.learning.dataset.labels import labels
from perfml.learning.dataset.table import Table, learning_dates, make_table
from perfml.learning.estimators.blend import Hyperparameters, RiskModel, Split, fit, monotone_signs
from perfml.learning.estimators.problem import ROWS_FOR_THREADS, BinnedRows
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.model_spec import LearnerSpec, ModelSpec
from perfml.project.spec import DisclosureRules, ExitKind
from perfml.workers.pool import ALONE, Call, Workers

ROWS_FOR_WORKERS = 3_000
"""Rows of a sample from which its fits are worth the start of worker processes."""
MOST_ROWS_TO_COPY = 100_000
"""Rows of a sample up to which each worker holds a copy: 200 MB with 250 columns."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RowsFit:
    """What to fit on some rows of a sample, complete: any process that holds the features can do it."""

    rows: Ints
    """Rows with a known label."""
    label: Floats
    """Of ``rows``: 0 or 1."""
    folds: Sequence[Split] = ()
    """Of ``rows``; they choose the hyperparameters unless these are given."""
    hyperparameters: Hyperparameters | None = None
    settings: LearnerSpec
    signs: Sequence[int]
    """Of the columns used."""
    columns: Bools | None = None
    """The columns used; None for all."""
    weight: Floats | None = None
    """Of ``rows``."""
    stands_for: Floats | None = None
    """Where ``rows`` are drawn (:mod:`perfml.learning.dataset.drawn_rows`): how many each stands for."""
    level: tuple[Ints, Floats] | None = None
    """Where ``rows`` are drawn: the rows that they were drawn from, with their labels, whose level the model has."""

    def fitted(self, features: Floats, *, bins: BinnedRows | None = None) -> RiskModel:
        """The model of these rows of ``features`` (rows of the sample, its columns). ``bins``: those of these rows."""
        risk = fit(
            features[self.rows] if self.columns is None else features[np.ix_(self.rows, self.columns)],
            self.label,
            folds=self.folds,
            hyperparameters=self.hyperparameters,
            settings=self.settings,
            signs=self.signs,
            weight=self.weight,
            stands_for=self.stands_for,
            bins=bins,
        )
        if self.level is None:
            return risk
        return risk.at_level_of(features if self.columns is None else features[:, self.columns], *self.level)


def fitted_each(features: Floats, *, fits: Sequence[RowsFit]) -> list[RiskModel]:
    """The models of several outcomes, in turn; LightGBM bins rows once that two in a row have in common."""
    models: list[RiskModel] = []
    bins: BinnedRows = {}
    for number, each in enumerate(fits):
        if number and not np.array_equal(each.rows, fits[number - 1].rows):
            bins = {}
        models.append(each.fitted(features, bins=bins))
    return models


@dataclass(frozen=True, kw_only=True)
class TrainingSample:
    """The usable rows of a table with their features; labels are looked up by horizon."""

    data: Data
    table: Table
    spec: ModelSpec
    until: dt.date
    rows: pd.DataFrame
    """``employee_id`` and ``as_of`` with the evidence; ``features`` (rows, columns), ``when`` and ``person`` follow it."""
    features: Floats
    when: Dates
    person: Objects
    labelled: Objects
    """Person whose outcome each row has: its own, except where outcomes are permuted."""
    disclosure: DisclosureRules = field(default_factory=DisclosureRules)
    """Which figures of groups may be shown."""
    workers: Workers = ALONE
    """Who fits."""

    @classmethod
    def of(
        cls,
        data: Data,
        folder: ProjectFolder,
        name: str,
        *,
        until: dt.date,
        evidence: Evidence | None = None,
        workers: Workers = ALONE,
        progress: Progress = SILENT,
    ) -> TrainingSample:
        """Build the evidence of every as-of date that the record allows; or, with ``evidence`` of conditions, no features."""
        spec = folder.model(name)
        table = make_table(
            data,
            folder.definitions,
            spec,
            name=name,
            dates=learning_dates(data, spec, until),
            evidence=evidence,
            sample=spec.sample,
            progress=progress,
        )
        rows = table.frame[table.usable].reset_index(drop=True)
        person = rows["employee_id"].to_numpy(dtype=object)
        if ROWS_FOR_WORKERS <= len(rows) <= MOST_ROWS_TO_COPY:
            workers.begin(imports=[__name__])
        return cls(
            data=data,
            table=table,
            spec=spec,
            until=until,
            rows=rows,
            features=table.matrix(None if evidence is None else [])[table.usable],
            when=rows["as_of"].to_numpy().astype("M8[D]"),
            person=person,
            labelled=person,
            disclosure=folder.spec.disclosure,
            workers=workers,
        )

    @property
    def names(self) -> list[str]:
        """Names of the columns of ``features``."""
        return [column.name for column in self.table.columns]

    def permuted(self, seed: int) -> TrainingSample:
        """Return the same rows with each person's outcomes taken from another: nothing can be learnt from them."""
        people = np.unique(self.table.frame["employee_id"].to_numpy(dtype=object))
        other = dict(zip(people, np.random.default_rng(seed).permutation(people), strict=True))
        return replace(self, labelled=self.rows["employee_id"].map(other).to_numpy(dtype=object))

    def with_spec(self, spec: ModelSpec) -> TrainingSample:
        """Return the same rows under another definition of learner, back-test or list."""
        return replace(self, spec=spec)

    def label(
        self,
        days: int,
        *,
        kinds: Sequence[ExitKind] | None = None,
        until: dt.date | None = None,
        among: Bools | None = None,
    ) -> Floats:
        """Return the outcome of each row within ``days``, (rows,): 1, 0, or NaN where it has not matured by ``until``.

        ``kinds``: exits other than the spec's; ``among``: rows outside it are NaN.
        """
        spec = self.spec.label if kinds is None else self.spec.label.model_copy(update={"exit_kinds": tuple(kinds)})
        asked = self.rows.assign(employee_id=self.labelled)
        chosen = np.ones(len(asked), dtype=bool) if among is None else among
        label = np.full(len(asked), np.nan)
        label[chosen] = labels(self.data, asked[chosen], spec, horizon_days=days, until=until or self.until)
        return label

    def learn(
        self,
        label: Floats,
        days: int,
        *,
        seeds: Sequence[int],
        columns: Bools | None = None,
        weight: Floats | None = None,
    ) -> Call[RiskModel]:
        """Hand out the fit on the rows whose ``label`` is known, or those that the spec draws of them, on ``columns`` (all by
        default), with ``weight`` (rows,)."""
        chosen = self._to_fit(label, days, seeds=seeds, columns=columns, weight=weight)
        return self.hand_out(chosen.fitted, rows=len(chosen.rows))

    def learn_each(self, outcomes: Sequence[tuple[Floats, Sequence[int]]], days: int) -> Call[list[RiskModel]]:
        """Hand out the fits of several outcomes within ``days``, each a label (rows,) with its seeds, as one call."""
        fits = [self._to_fit(label, days, seeds=seeds) for label, seeds in outcomes]
        return self.hand_out(partial(fitted_each, fits=fits), rows=max(len(each.rows) for each in fits))

    def _to_fit(
        self,
        label: Floats,
        days: int,
        *,
        seeds: Sequence[int],
        columns: Bools | None = None,
        weight: Floats | None = None,
    ) -> RowsFit:
        """See :meth:`learn`."""
        drawn = self.drawn(label)
        rows = drawn.rows
        used = np.ones(self.features.shape[1], dtype=bool) if columns is None else columns
        return RowsFit(
            rows=rows,
            label=label[rows],
            folds=self.deciding_folds(rows, days),
            settings=self.settings(seeds),
            signs=monotone_signs([name for name, stays in zip(self.names, used, strict=True) if stays], self.spec),
            columns=columns,
            weight=None if weight is None else weight[rows],
            stands_for=drawn.stands_for,
            level=self.level(label, drawn),
        )

    def learn_again(self, risk: RiskModel, label: Floats, *, rows: Ints, seed: int) -> Call[RiskModel]:
        """Hand out the fit with the hyperparameters of ``risk`` on those of ``rows`` whose label is known."""
        among = np.full(len(label), np.nan)
        among[rows] = label[rows]
        drawn = self.drawn(among)
        learnt = rows[~np.isnan(label[rows])] if drawn.stands_for is None else drawn.rows
        chosen = RowsFit(
            rows=learnt,
            label=label[learnt],
            hyperparameters=risk.hyperparameters,
            settings=self.settings([seed]),
            signs=monotone_signs(self.names, self.spec),
            stands_for=drawn.stands_for,
            level=self.level(among, drawn),
        )
        return self.hand_out(chosen.fitted, rows=len(learnt))

    def drawn(self, label: Floats) -> DrawnRows:
        """The rows to learn from among those whose ``label`` (rows,) is known, as the spec's ``[sample]`` draws them."""
        return draw_rows(self.when, self.person, label, self.spec.sample)

    def level(self, label: Floats, drawn: DrawnRows) -> tuple[Ints, Floats] | None:
        """What :attr:`RowsFit.level` is for the rows ``drawn`` by ``label`` (rows,)."""
        known = np.flatnonzero(~np.isnan(label))
        return None if drawn.stands_for is None else (known, label[known])

    def hand_out(self, function: Callable[[Floats], T], *, rows: int) -> Call[T]:
        """Hand out a fit, of the features, on so many ``rows`` of them.

        No worker does it where LightGBM itself uses all processors, nor where copies of the features would be too large.
        """
        alone = rows >= ROWS_FOR_THREADS or len(self.features) > MOST_ROWS_TO_COPY
        return self.workers.submit(function, self.workers.share(self.features), alone=alone)

    def deciding_folds(self, rows: Ints, days: int) -> list[Split]:
        """The folds of ``rows`` that choose hyperparameters for a horizon, see :func:`.folds.deciding_folds`."""
        embargo = days + self.spec.label.reporting_delay_days
        return deciding_folds(self.when[rows], self.person[rows], embargo_days=embargo)

    def settings(self, seeds: Sequence[int]) -> LearnerSpec:
        """The learner's settings with other ``seeds``."""
        return self.spec.learner.model_copy(update={"seeds": tuple(seeds)})
