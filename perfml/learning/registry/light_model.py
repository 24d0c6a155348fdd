"""A trained model as a reader needs it that must not load what it was fitted with: its predictions, and nothing else.

The numbers are those of :class:`.model_store.Model`; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perfml.arrays import Floats
from perfml.evidence.columns import Column
from perfml.learning.estimators.additive import SplineLogistic
from perfml.learning.registry.artifacts import verified_file, written_by_this_perfml
from perfml.treeshap.leaves import FlatForest
from perfml.treeshap.parsing import read_forest


@dataclass(frozen=True, kw_only=True)
class LightRisk:
    """One fitted outcome: trees and curves, blended and calibrated (:class:`perfml.learning.estimators.blend.RiskModel`)."""

    forests: tuple[FlatForest, ...]
    splines: SplineLogistic | None
    share: float
    slope: float
    intercept: float

    def margin(self, features: Floats) -> Floats:
        """Log-odds: (n, features) -> (n,)."""
        out = np.zeros(len(features))
        if self.forests:
            out += self.share * np.mean([forest.margin(features) for forest in self.forests], axis=0)
        if self.splines is not None:
            out += (1 - self.share) * self.splines.margin(features)
        return self.slope * out + self.intercept


@dataclass(frozen=True, kw_only=True)
class LightModel:
    """A version of a model."""

    columns: tuple[Column, ...]
    causes: tuple[Mapping[int, LightRisk], ...]
    """Models by horizon in days: of the listed outcome, and then of each other cause of leaving."""

    def probabilities(self, features: Floats, horizon_days: int) -> Floats:
        """The probability of the listed outcome within a horizon: (n, columns) -> (n,)."""
        # scipy.special: the digits of scoring, loaded once somebody asks
        from perfml.learning.estimators.coherence import coherent

        days = list(self.causes[0])
        margins = [[risks[each].margin(features) for each in days] for risks in self.causes]
        incidence: Floats = coherent(np.moveaxis(np.array(margins), 2, 0)).incidence[:, 0, days.index(horizon_days)]
        return incidence


def load_light(home: Path, name: str, version: str) -> LightModel:
    """Load a version. Raises :class:`~perfml.errors.ModelError` where its files are missing or were altered."""
    described = json.loads(verified_file(home, name, version, file="model.json"))

    def risk(parts: Mapping[str, Any]) -> LightRisk:
        texts = [verified_file(home, name, version, file=file).decode("utf-8") for file in parts["files"]]
        splines = parts["splines"]
        return LightRisk(
            forests=tuple(FlatForest.of(read_forest(text)) for text in texts),
            splines=None if splines is None else SplineLogistic.from_json(splines),
            share=parts["share"],
            slope=parts["slope"],
            intercept=parts["intercept"],
        )

    with written_by_this_perfml(home, name, version):
        horizons: Sequence[Mapping[str, Any]] = (described["horizons"], *described["competing"].values())
        return LightModel(
            columns=tuple(Column.from_json(raw) for raw in described["columns"]),
            causes=tuple({int(days): risk(parts) for days, parts in each.items()} for each in horizons),
        )
