"""The contributions of a model: the choice of the kernel for the rows, threads, and compilation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from perfml.arrays import Floats
from perfml.errors import DataError
from perfml.progress import SILENT, Progress
from perfml.treeshap.decisions import BitMasks, decide
from perfml.treeshap.kernels import block_kernel
from perfml.treeshap.nodes import in_order
from perfml.treeshap.one_row import WIDTHS, RowKernel, RowProgram, make_row_programs, row_kernel
from perfml.treeshap.parsing import read_categories, read_forest
from perfml.treeshap.program import make_program
from perfml.treeshap.width import block_rows, vector_bits

if TYPE_CHECKING:
    import pandas as pd

Precision = Literal["float64", "float32"]
Element = TypeVar("Element", bound=np.generic)
CHUNK = 512
"""Rows computed together: their values, contributions and one tree's numbers fit into a core's cache."""
LINE = 64
"""Bytes of a cache line, to which vectors are aligned: crossing lines costs a sixth of the speed."""


class HasModelText(Protocol):
    """A LightGBM booster, or anything with its model text."""

    def model_to_string(self) -> str:
        """The model as text, up to the best iteration where there is one."""


@dataclass(frozen=True, kw_only=True)
class _Workspace:
    """One thread's arrays: a chunk's values and contributions, its paths, the states of its rows, their categories."""

    values: Floats
    sums: npt.NDArray[Any]
    stack: npt.NDArray[Any]
    states: BitMasks
    present: BitMasks


class TreeShap:
    """Exact path-dependent SHAP values of a LightGBM model, as ``predict(pred_contrib=True)`` gives them.

    ``model``: a booster or its text. ``dtype``: the precision of the arithmetic; values are compared with thresholds in float64
    either way. ``expected_value`` (outputs,) is the mean margin over the training rows, by the model's own counts.

    Raises :class:`~perfml.errors.ModelError` for a damaged text and for linear trees.
    """

    def __init__(self, model: HasModelText | str, dtype: Precision = "float64") -> None:
        if dtype not in ("float64", "float32"):
            raise ValueError(f"dtype is float64 or float32, not {dtype!r}")
        text = model if isinstance(model, str) else model.model_to_string()
        forest = read_forest(text)
        self._categories = read_categories(text)
        self.n_features, self.n_outputs = forest.features, forest.outputs
        self.expected_value = forest.expected
        self.dtype = np.dtype(dtype)
        self.vector_bits = vector_bits()
        self.block = block_rows(self.vector_bits, self.dtype.itemsize)
        self._nodes = in_order(forest)
        self._program, self._slots = make_program(self._nodes, decide(self._nodes), self.dtype)
        self._most_nodes = int(np.diff(self._nodes.first).max(initial=0))
        shallow = int(self._nodes.quadrature.max(initial=0)) <= WIDTHS[-1]
        self._row_work: list[list[tuple[RowKernel, tuple[npt.NDArray[Any], ...]]]] = []
        self._few = max(1, self.block // 8) if shallow else 0  # up to these, rows are cheaper one by one

    @property
    def nbytes(self) -> int:
        """Bytes of the model's tables; those for single rows are made at the first such call."""
        arrays: list[npt.NDArray[Any]] = [*self._program[:-1], *self._program.decisions]
        if "_row_programs" in self.__dict__:
            arrays += [each for program in self._row_programs.values() for each in program]
        return sum({id(array): array.nbytes for array in arrays}.values())

    @cached_property
    def _row_programs(self) -> dict[int, RowProgram]:
        return make_row_programs(self._nodes, self._program.decisions, self.dtype)

    def contributions(self, X: npt.ArrayLike | pd.DataFrame, *, num_threads: int = 1) -> Floats:
        """Contributions (rows, features + 1) to the margin, the expected value last; of several outputs, side by side.

        ``X``: (rows, features), missing values NaN; or a pandas table, whose categorical columns are read as LightGBM's
        ``predict`` reads them: by the categories of training, others missing. The contributions of a row to an output add up
        to its margin, ``predict(raw_score=True)``. The result is the same to the bit for any number of threads.
        """
        values = feature_values(X, self._categories, features=self.n_features)
        if num_threads < 1:
            raise ValueError("num_threads is at least 1")
        n = len(values)
        out = np.zeros((n, self.n_outputs, self.n_features + 1))
        if 0 < n <= self._few:
            self._one_by_one(values, out)
        elif n > self._few:
            rows = min(CHUNK, multiple(-(-n // num_threads), self.block))
            starts = iter(range(0, n, rows))
            in_threads(partial(self._chunks, values, out, starts=starts, rows=rows), num_threads=num_threads)
        out[:, :, -1] = self.expected_value
        return out.reshape(n, self.n_outputs * (self.n_features + 1))

    def _chunks(self, values: npt.NDArray[Any], out: Floats, *, starts: Iterator[int], rows: int) -> None:
        """Compute the chunks that no other thread has taken from ``starts``."""
        results, blocks = self.n_outputs * (self.n_features + 1), rows // self.block
        work = _Workspace(
            values=aligned(self.n_features * rows, np.dtype(np.float64)),
            sums=aligned(results * rows, self.dtype),
            stack=aligned(self._slots * self.block, self.dtype),
            states=np.empty(2 * self._most_nodes * blocks, np.uint64),
            present=np.empty(len(self._program.decisions.categories) * blocks, np.uint64),
        )
        kernel = block_kernel(self.block)
        for start in starts:
            given = values[start : start + rows]
            columns = work.values.reshape(self.n_features, rows)
            columns[:, : len(given)], columns[:, len(given) :] = given.T, 0
            work.sums[:] = 0
            used = multiple(len(given), self.block) // self.block
            kernel(self._program, work.values, rows, used, work.stack, work.sums, work.states, work.present)
            sums = work.sums.reshape(self.n_outputs, self.n_features + 1, rows)
            out[start : start + rows] = sums[:, :, : len(given)].transpose(2, 0, 1)

    def _one_by_one(self, values: npt.NDArray[Any], out: Floats) -> None:
        given = np.ascontiguousarray(values, dtype=np.float64)
        try:
            work = self._row_work.pop()  # making it costs a tenth of a row; no two threads share it
        except IndexError:
            work = self._make_row_work()
        results = out.reshape(len(out), -1)
        for kernel, arrays in work:
            kernel(given, results, *arrays)
        self._row_work.append(work)

    def _make_row_work(self) -> list[tuple[RowKernel, tuple[npt.NDArray[Any], ...]]]:
        """Each row kernel with its program, ``places``, ``stack``, ``earned`` and ``taken``."""
        places, taken = np.zeros(self.n_features, np.int64), np.empty(self._most_nodes + 1, np.int64)
        paths, results = 2 * self._most_nodes + 1, self.n_outputs * (self.n_features + 1)
        return [
            (
                row_kernel(width),
                (*program, places, aligned(paths * width, self.dtype), aligned(results * width, self.dtype), taken),
            )
            for width, program in self._row_programs.items()
        ]

    def warm_up(self, progress: Progress = SILENT) -> float:
        """Compile, or load from disk, everything that :meth:`contributions` runs; returns the seconds it took.

        Without a warm-up the first call compiles.
        """
        began = time.perf_counter()
        for rows in progress.track("compiling contributions", (1, self._few + 1)):
            self.contributions(np.zeros((rows, self.n_features)))
        return time.perf_counter() - began


def feature_values(
    X: npt.ArrayLike | pd.DataFrame, categories: Sequence[Sequence[object]], *, features: int
) -> npt.NDArray[np.generic]:
    """``X`` as an array (rows, features); a pandas table as :meth:`TreeShap.contributions` says.

    Raises :class:`~perfml.errors.DataError` for another shape and for what is not a number.
    """
    values = _numbers(X, categories) if _is_frame(X) else np.asarray(X)
    if values.ndim != 2 or values.shape[1] != features or values.dtype.kind not in "fiub":
        what = f"is {values.dtype} of shape {values.shape}"
        raise DataError(what, where="contributions", remedy=f"give numbers of shape (rows, {features})")
    return values


def _is_frame(X: npt.ArrayLike | pd.DataFrame) -> TypeGuard[pd.DataFrame]:
    """Whether this is a pandas table; pandas itself is not loaded for the question."""
    return hasattr(X, "dtypes") and hasattr(X, "columns")


def _numbers(frame: pd.DataFrame, categories: Sequence[Sequence[object]]) -> Floats:
    """A table as LightGBM sees it: a category is its code in ``categories``, and missing where they lack it.

    Raises :class:`DataError` for other categorical columns than in training, and for a column that holds no numbers.
    """
    columns = [frame.iloc[:, number] for number in range(frame.shape[1])]
    known = iter(categories)
    if (named := sum(hasattr(column, "cat") for column in columns)) != len(categories):
        raise DataError(
            f"has {named} categorical columns, the model was trained with {len(categories)}",
            where="contributions",
            remedy="give the columns of training, as `category` where they were",
        )
    out = np.empty(frame.shape)
    for number, column in enumerate(columns):
        if hasattr(column, "cat"):
            codes = column.cat.set_categories(list(next(known))).cat.codes.to_numpy(dtype=np.float64)
            out[:, number] = np.where(codes < 0, np.nan, codes)
            continue
        try:
            out[:, number] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            raise DataError(
                f"holds no numbers: {column.dtype}",
                where=f"contributions, column {column.name}",
                remedy="give numbers, or `category` where training did",
            ) from None
    return out


def in_threads(chunks: Callable[[], None], *, num_threads: int) -> None:
    """Run ``chunks`` in so many threads, which take their work from one iterator; one needs no thread of its own."""
    if num_threads == 1:
        chunks()
        return
    with ThreadPoolExecutor(num_threads) as pool:
        work = [pool.submit(chunks) for _ in range(num_threads)]
    for task in work:
        task.result()


def multiple(number: int, of: int) -> int:
    """The next multiple."""
    return -(-number // of) * of


def aligned(length: int, dtype: np.dtype[Element]) -> npt.NDArray[Element]:
    """An uninitialised array of ``length`` numbers, aligned to a cache line."""
    buffer = np.empty(length + LINE, dtype)
    skip = -buffer.__array_interface__["data"][0] % LINE // dtype.itemsize
    return buffer[skip : skip + length]
