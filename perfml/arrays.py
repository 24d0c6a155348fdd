"""Names for the arrays and tables that functions take and return; shapes stand in the docstrings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]
"""Python objects, mostly ids and other text."""
Indexes = npt.NDArray[np.intp]
"""Positions within another array."""
Dates = npt.NDArray[np.datetime64]
"""Days, ``datetime64[D]``."""
Floats32 = npt.NDArray[np.float32]
TargetLike: TypeAlias = npt.ArrayLike
"""(n,) what scikit-learn takes as ``y``: an array, a list, a pandas or a polars series."""


class Frame(Protocol):
    """A table with columns, such as a pandas or a polars frame."""

    @property
    def columns(self) -> Iterable[str]:
        """Names of the columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""


FeaturesLike: TypeAlias = npt.ArrayLike | Frame
"""(n, features) what scikit-learn takes as ``X``."""
