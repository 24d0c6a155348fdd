"""Names for the NumPy arrays that functions take and return; shapes stand in the docstrings."""

from __future__ import annotations

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
