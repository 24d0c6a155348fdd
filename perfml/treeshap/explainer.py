"""The contributions of a model: which kernel runs on which rows, in how many threads, and when it is compiled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats
from perfml.errors import DataError
from perfml.progress import SILENT, Progress
from perfml.treeshap.decisions import Words, decide
from perfml.treeshap.kernels import block_kernel
from perfml.treeshap.nodes import in_order
from perfml.treeshap.one_row import WIDTHS, Kernel, RowProgram, make_row_programs, row_kernel
from perfml.treeshap.parsing import read_forest
from perfml.treeshap.program import make_program
from perfml.treeshap.width import block_rows, vector_bits

Precision = Literal["float64", "float32"]
CHUNK = 512
"""Rows that are worked on before the next: their values, contributions and one tree's numbers fit a core's cache."""
LINE = 64
"""Bytes of a cache line, on which vectors begin: one across two lines costs a sixth of the speed."""


class HasModelText(Protocol):
    """What a LightGBM booster is asked for."""

    def model_to_string(self) -> str:
        """The model as text, up to the best iteration where there is one."""


@dataclass(frozen=True)
class _Room:
    """Where one thread works: a chunk's values and contributions, its paths, where its rows are, its categories."""

    values: Floats
    found: npt.NDArray[Any]
    stack: npt.NDArray[Any]
    states: Words
    present: Words


class TreeShap:
    """Exact path-dependent SHAP values of a LightGBM model, as ``predict(pred_contrib=True)`` gives them.

    ``model``: a booster or its text. ``dtype``: the precision of the arithmetic; which way a value goes is decided in float64
    either way. ``expected_value`` (outputs,) is the mean margin over the rows of training, by the model's own counts.

    Raises :class:`~perfml.errors.ModelError` for a damaged text and for linear trees.
    """

    def __init__(self, model: HasModelText | str, dtype: Precision = "float64") -> None:
        if dtype not in ("float64", "float32"):
            raise ValueError(f"dtype is float64 or float32, not {dtype!r}")
        forest = read_forest(model if isinstance(model, str) else model.model_to_string())
        self.n_features, self.n_outputs = forest.features, forest.outputs
        self.expected_value = forest.expected
        self.dtype = np.dtype(dtype)
        self.vector_bits = vector_bits()
        self.block = block_rows(self.vector_bits, self.dtype.itemsize)
        self._nodes = in_order(forest)
        self._program, self._slots = make_program(self._nodes, decide(self._nodes), self.dtype)
        self._most_nodes = int(np.diff(self._nodes.first).max(initial=0))
        shallow = int(self._nodes.quadrature.max(initial=0)) <= WIDTHS[-1]
        self._row_work: list[list[tuple[Kernel, tuple[npt.NDArray[Any], ...]]]] = []
        self._few = max(1, self.block // 8) if shallow else 0  # rows from which on a block is cheaper

    @property
    def nbytes(self) -> int:
        """Bytes of the model's tables; those for one row are made when one is first asked for."""
        arrays: list[npt.NDArray[Any]] = [*self._program[:-1], *self._program.decisions]
        if "_row_programs" in self.__dict__:
            arrays += [each for program in self._row_programs.values() for each in program]
        return sum({id(array): array.nbytes for array in arrays}.values())

    @cached_property
    def _row_programs(self) -> dict[int, RowProgram]:
        return make_row_programs(self._nodes, self._program.decisions, self.dtype)

    def contributions(self, X: npt.ArrayLike, *, num_threads: int = 1) -> Floats:
        """Contributions (rows, features + 1) to the margin, the expected value last; of several outputs, side by side.

        ``X``: (rows, features), missing values NaN. The contributions of a row to an output add up to its margin,
        ``predict(raw_score=True)``. Threads share the rows out, and the result is the same to the bit whatever their number.
        """
        values = np.asarray(X)
        if values.ndim != 2 or values.shape[1] != self.n_features or values.dtype.kind not in "fiub":
            what = f"is {values.dtype} of shape {values.shape}"
            raise DataError(what, where="contributions", remedy=f"give numbers of shape (rows, {self.n_features})")
        if num_threads < 1:
            raise ValueError("num_threads is at least 1")
        n = len(values)
        out = np.zeros((n, self.n_outputs, self.n_features + 1))
        if 0 < n <= self._few:
            self._one_by_one(values, out)
        elif n > self._few:
            rows = min(CHUNK, _multiple(-(-n // num_threads), self.block))
            starts = iter(range(0, n, rows))
            if num_threads == 1:
                self._chunks(values, out, starts, rows)
            else:
                with ThreadPoolExecutor(num_threads) as pool:
                    work = [pool.submit(self._chunks, values, out, starts, rows) for _ in range(num_threads)]
                for one in work:
                    one.result()
        out[:, :, -1] = self.expected_value
        return out.reshape(n, self.n_outputs * (self.n_features + 1))

    def _chunks(self, values: npt.NDArray[Any], out: Floats, starts: Iterator[int], rows: int) -> None:
        """Work on the chunks that nobody else has begun."""
        results, blocks = self.n_outputs * (self.n_features + 1), rows // self.block
        room = _Room(
            _aligned(self.n_features * rows, np.dtype(np.float64)), _aligned(results * rows, self.dtype),
            _aligned(self._slots * self.block, self.dtype), np.empty(2 * self._most_nodes * blocks, np.uint64),
            np.empty(len(self._program.decisions.categories) * blocks, np.uint64),
        )  # fmt: skip
        kernel = block_kernel(self.block)
        for start in starts:
            given = values[start : start + rows]
            columns = room.values.reshape(self.n_features, rows)
            columns[:, : len(given)], columns[:, len(given) :] = given.T, 0
            room.found[:] = 0
            used = _multiple(len(given), self.block) // self.block
            kernel(self._program, room.values, rows, used, room.stack, room.found, room.states, room.present)
            found = room.found.reshape(self.n_outputs, self.n_features + 1, rows)
            out[start : start + rows] = found[:, :, : len(given)].transpose(2, 0, 1)

    def _one_by_one(self, values: npt.NDArray[Any], out: Floats) -> None:
        given = np.ascontiguousarray(values, dtype=np.float64)
        try:
            work = self._row_work.pop()  # making it takes a tenth of what a row does; two threads never get the same
        except IndexError:
            work = self._make_row_work()
        found = out.reshape(len(out), -1)
        for kernel, arrays in work:
            kernel(given, found, *arrays)
        self._row_work.append(work)

    def _make_row_work(self) -> list[tuple[Kernel, tuple[npt.NDArray[Any], ...]]]:
        """Each row kernel with its program, ``places``, ``stack``, ``earned`` and ``taken``."""
        places, taken = np.zeros(self.n_features, np.int64), np.empty(self._most_nodes + 1, np.int64)
        paths, results = 2 * self._most_nodes + 1, self.n_outputs * (self.n_features + 1)
        return [
            (
                row_kernel(width),
                (*program, places, _aligned(paths * width, self.dtype), _aligned(results * width, self.dtype), taken),
            )
            for width, program in self._row_programs.items()
        ]

    def warm_up(self, progress: Progress = SILENT) -> float:
        """Compile, or take from disk, everything that :meth:`contributions` runs; returns the seconds it took.

        Without a warm-up the first call compiles.
        """
        began = time.perf_counter()
        for rows in progress.track("compiling contributions", (1, self._few + 1)):
            self.contributions(np.zeros((rows, self.n_features)))
        return time.perf_counter() - began


def _multiple(number: int, of: int) -> int:
    """The next multiple."""
    return -(-number // of) * of


def _aligned(length: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Room for so many numbers, from the start of a cache line on."""
    room = np.empty(length + LINE, dtype)
    skip = -room.__array_interface__["data"][0] % LINE // dtype.itemsize
    return room[skip : skip + length]
