"""What an explainer that walks paths reads of a model."""

from __future__ import annotations

import numpy as np

from perfml.treeshap.decisions import decide
from perfml.treeshap.explainer import HasModelText
from perfml.treeshap.nodes import in_order
from perfml.treeshap.parsing import read_categories, read_forest
from perfml.treeshap.paths.places import paths_of
from perfml.treeshap.width import block_rows, vector_bits


class PathExplainer:
    """A LightGBM model with its paths. ``model``: a booster or its text.

    Raises :class:`~perfml.errors.ModelError` for a damaged text and for linear trees.
    """

    def __init__(self, model: HasModelText | str) -> None:
        text = model if isinstance(model, str) else model.model_to_string()
        self._forest = forest = read_forest(text)
        self._categories = read_categories(text)
        self.n_features, self.n_outputs = forest.features, forest.outputs
        self._nodes = in_order(forest)
        self._paths, self._decisions = paths_of(self._nodes), decide(self._nodes)
        self._most_nodes = int(np.diff(self._nodes.first).max(initial=0))
        self._depths = int(self._paths.depth.max(initial=0)) + 1
        self._distinct = int(self._paths.distinct.max(initial=0))
        self.block = block_rows(vector_bits(), 8)
