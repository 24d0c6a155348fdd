"""Interactions of the pairs of a model's features."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats
from perfml.treeshap.explainer import HasModelText, aligned, feature_values, in_threads, multiple
from perfml.treeshap.interactions.kernel import PairBuffers, make_pairs, pair_kernel
from perfml.treeshap.paths.explainer import PathExplainer

if TYPE_CHECKING:
    import pandas as pd

BLOCKS = 2
"""Blocks of rows computed together: the pairs of more would leave a core's cache."""


class InteractionShap(PathExplainer):
    """Exact path-dependent SHAP interaction values of a LightGBM model (see :mod:`perfml.treeshap.interactions`).

    ``model``: a booster or its text. ``expected_value`` (outputs,): the mean margin over the training rows. Raises
    :class:`~perfml.errors.ModelError` for a damaged text and for linear trees.
    """

    def __init__(self, model: HasModelText | str) -> None:
        super().__init__(model)
        self.expected_value = self._forest.expected
        self._pairs = make_pairs(self._nodes)
        self._quadrature = int(self._nodes.quadrature.max(initial=0))

    def interactions(self, X: npt.ArrayLike | pd.DataFrame, *, num_threads: int = 1) -> Floats:
        """What each pair of features adds to the margin of each row: (rows, outputs, features, features), symmetric.

        A pair's interaction stands half in either place, and on the diagonal what is left of the feature's contribution: rows of
        it add up to the contributions, all of it to the margin less ``expected_value``. ``X`` as
        :meth:`perfml.treeshap.explainer.TreeShap.contributions` takes it. A result of 150 columns takes 180 kB a row: ask for few
        rows at a time. It is the same to the bit for any number of threads.
        """
        values = feature_values(X, self._categories, features=self.n_features)
        if num_threads < 1:
            raise ValueError("num_threads is at least 1")
        n, columns = len(values), self.n_features
        out = np.zeros((n, self.n_outputs, columns, columns))
        starts = iter(range(0, n, BLOCKS * self.block))
        in_threads(partial(self._chunks, values, out, starts=starts), num_threads=num_threads)
        return out

    def _chunks(self, values: npt.NDArray[Any], out: Floats, *, starts: Iterator[int]) -> None:
        """Compute the chunks that no other thread has taken from ``starts``."""
        kernel, width, columns, double = pair_kernel(self.block), self.block, self.n_features, np.dtype(np.float64)
        rows = BLOCKS * width
        size = self._quadrature * width
        buffers = PairBuffers(
            present=np.empty(len(self._decisions.categories) * BLOCKS, np.uint64),
            states=np.empty(2 * self._most_nodes * BLOCKS, np.uint64),
            path=aligned(self._depths * size, double),
            below=aligned(self._depths * size, double),
            reached=aligned(self._distinct * size, double),
            before=aligned(self._depths * size, double),
            settled=aligned(size, double),
            features=np.zeros(self._distinct, np.int64),
        )
        given = aligned(columns * rows, double)
        sums = aligned(self.n_outputs * (columns + 1) * columns * rows, double)
        diagonal = np.arange(columns)
        for start in starts:
            part = values[start : start + rows]
            used = multiple(len(part), width) // width
            by_column = given[: columns * used * width].reshape(columns, -1)
            by_column[:, : len(part)], by_column[:, len(part) :] = part.T, 0
            earned = sums[: self.n_outputs * (columns + 1) * columns * used * width]
            earned[:] = 0
            kernel(self._decisions, self._paths, self._pairs, by_column.reshape(-1), used, buffers, earned)
            pairs = earned.reshape(self.n_outputs, columns + 1, columns, -1)[:, :-1]
            both = (pairs + pairs.transpose(0, 2, 1, 3)) / 2
            both[:, diagonal, diagonal] = 0
            both[:, diagonal, diagonal] = pairs[:, diagonal, diagonal] - both.sum(axis=2)
            out[start : start + rows] = both.transpose(3, 0, 1, 2)[: len(part)]
