"""Contributions of a model against a reference group."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats
from perfml.errors import DataError, ModelError
from perfml.treeshap.background.kernel import LANES, Buffers, distinct_buffers, group_kernel
from perfml.treeshap.background.weights import shapley_weights
from perfml.treeshap.explainer import HasModelText, aligned, feature_values, in_threads, multiple
from perfml.treeshap.paths.explainer import PathExplainer

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 512
"""Fewest rows that share one walk of the trees by the group; with a larger group, as many as it has rows, up to :data:`MOST`."""
MOST = 4_096
MOST_DISTINCT = 64
"""Distinct features on a path: the bits of a pattern."""


class BackgroundShap(PathExplainer):
    """Exact SHAP values of a LightGBM model against a reference group of rows: interventional SHAP.

    ``model``: a booster or its text. Raises :class:`~perfml.errors.ModelError` for a damaged text, for linear trees and for a
    path of more than 64 distinct features. How: :mod:`perfml.treeshap.background`.
    """

    def __init__(self, model: HasModelText | str) -> None:
        super().__init__(model)
        if self._distinct > MOST_DISTINCT:
            raise ModelError(
                f"a path has {self._distinct} distinct features, and a reference group takes {MOST_DISTINCT} at most",
                remedy="train smaller trees, or explain without a reference group",
            )
        self._weights = shapley_weights(max(1, self._distinct))

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
        chunks = partial(self._chunks, values, group, flat, starts=starts, rows=rows)
        in_threads(chunks, num_threads=num_threads)
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
            patterns=np.empty((self._depths + 1, blocks * width), np.uint64),
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
            sums.reshape(self.n_outputs, self.n_features + 1, -1)[:, -1] = (buffers.base + self._forest.constant)[
                :, None
            ]
            out[start : start + rows] = sums.T
