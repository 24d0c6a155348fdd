"""Contributions of a model against a reference group."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats
from perfml.errors import DataError
from perfml.treeshap.background.kernel import LANES, Buffers, distinct_buffers, group_kernel
from perfml.treeshap.background.paths import paths_of, shapley_weights
from perfml.treeshap.decisions import decide
from perfml.treeshap.explainer import HasModelText, aligned, feature_values, multiple
from perfml.treeshap.nodes import in_order
from perfml.treeshap.parsing import read_categories, read_forest
from perfml.treeshap.width import block_rows, vector_bits

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 512
"""Fewest rows that share one walk of the trees by the group; with a larger group, as many as it has rows, up to :data:`MOST`."""
MOST = 4_096


class BackgroundShap:
    """Exact SHAP values of a LightGBM model against a reference group of rows: interventional SHAP.

    ``model``: a booster or its text. Raises :class:`~perfml.errors.ModelError` for a damaged text, for linear trees and for a
    path of more than 64 distinct features. How: :mod:`perfml.treeshap.background`.
    """

    def __init__(self, model: HasModelText | str) -> None:
        text = model if isinstance(model, str) else model.model_to_string()
        forest = read_forest(text)
        self._categories = read_categories(text)
        self.n_features, self.n_outputs = forest.features, forest.outputs
        self._constant = forest.constant
        nodes = in_order(forest)
        self._paths, self._decisions = paths_of(nodes), decide(nodes)
        self._most_nodes = int(np.diff(nodes.first).max(initial=0))
        self._depths = int(self._paths.depth.max(initial=0)) + 2
        self._distinct = int(self._paths.distinct.max(initial=0))
        self._weights = shapley_weights(max(1, self._distinct))
        self.block = block_rows(vector_bits(), 8)

    def contributions(
        self, X: npt.ArrayLike | pd.DataFrame, background: npt.ArrayLike | pd.DataFrame, *, num_threads: int = 1
    ) -> Floats:
        """Contributions (rows, features + 1) to the margin, the mean margin of the group last; of several outputs, side by side.

        ``X``, ``background`` (the group, at least one row): (rows, features) as
        :meth:`perfml.treeshap.explainer.TreeShap.contributions` takes them. Each row adds up to its margin,
        ``predict(raw_score=True)``. The result is the same to the bit for any number of threads.
        """
        values = feature_values(X, self._categories, features=self.n_features)
        group = feature_values(background, self._categories, features=self.n_features)
        if not len(group):
            raise DataError("has no rows", where="the reference group", remedy="give at least one row to compare with")
        if num_threads < 1:
            raise ValueError("num_threads is at least 1")
        n = len(values)
        out = np.zeros((n, self.n_outputs, self.n_features + 1))
        rows = max(1, min(max(CHUNK, min(len(group), MOST)), -(-n // num_threads)))
        starts = iter(range(0, n, rows))
        flat = out.reshape(n, self.n_outputs * (self.n_features + 1))
        if num_threads == 1:
            self._chunks(values, group, flat, starts=starts, rows=rows)
        else:
            with ThreadPoolExecutor(num_threads) as pool:
                work = [
                    pool.submit(self._chunks, values, group, flat, starts=starts, rows=rows) for _ in range(num_threads)
                ]
            for task in work:
                task.result()
        return flat

    def _chunks(
        self, values: npt.NDArray[Any], group: npt.NDArray[Any], out: Floats, *, starts: Iterator[int], rows: int
    ) -> None:
        """Explain the chunks that no other thread has taken from ``starts``."""
        kernel, width = group_kernel(self.block), self.block
        row_blocks, group_blocks = (multiple(number, width) // width for number in (rows, len(group)))
        blocks = row_blocks + group_blocks
        columns = np.zeros((self.n_features, blocks * width))
        columns[:, row_blocks * width : row_blocks * width + len(group)] = group.T
        buffers = Buffers(
            base=np.zeros(self.n_outputs),
            present=np.empty(len(self._decisions.categories) * blocks, np.uint64),
            states=np.empty(2 * self._most_nodes * blocks, np.uint64),
            patterns=np.empty((self._depths, blocks * width), np.uint64),
            rows=distinct_buffers(rows),
            group=distinct_buffers(len(group)),
            size=np.empty(len(group), np.int64),
            results=np.empty(max(1, self._distinct), np.int64),
            holds=np.empty(max(1, self._distinct) * multiple(len(group), 64) // 64, np.uint64),
            known=np.empty(self._distinct + 1, np.bool_),
            gain=np.empty((self._distinct + 1) * len(group)),
            loss=np.empty((self._distinct + 1) * len(group)),
            earned=aligned(rows * multiple(max(1, self._distinct), LANES), np.dtype(np.float64)),
        )
        for start in starts:
            given = values[start : start + rows]
            columns[:, : len(given)] = given.T
            buffers.rows.entry[:], buffers.group.entry[:] = 0, 0
            sums = np.zeros((out.shape[1], len(given)))
            counts = np.array([row_blocks, len(given), group_blocks, len(group)])
            kernel(
                self._decisions,
                self._paths,
                columns.reshape(-1),
                counts,
                *self._weights,
                buffers,
                sums.reshape(-1),
            )
            sums.reshape(self.n_outputs, self.n_features + 1, -1)[:, -1] = (buffers.base + self._constant)[:, None]
            out[start : start + rows] = sums.T
