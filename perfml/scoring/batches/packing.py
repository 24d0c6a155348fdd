"""The numbers of a person as one binary value, which Spark carries and sorts without looking into it."""

from __future__ import annotations

from dataclasses import fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perfml.arrays import Bools, Floats
from perfml.learning.estimators.coherence import Incidences

Packed = TypeVar("Packed", bound=np.generic)


def packed(matrix: npt.NDArray[np.generic]) -> pa.Array:
    """The rows of ``matrix`` (n, width) as binary values."""
    whole = np.ascontiguousarray(matrix)
    ends = (np.arange(len(whole) + 1) * (whole.shape[1] * whole.itemsize)).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(whole), [None, pa.py_buffer(ends), pa.py_buffer(whole)])


def unpacked(values: pa.Array | pa.ChunkedArray, *, width: int) -> Floats:
    """(n, width): the numbers in ``values``, none of which is null."""
    return _numbers(values, np.dtype(np.float64)).reshape(len(values), width)


def packed_bits(matrix: Bools) -> pa.Array:
    """The rows of ``matrix`` (n, width), a bit each."""
    return packed(np.packbits(matrix, axis=1))


def unpacked_bits(values: pa.Array | pa.ChunkedArray, *, width: int) -> Bools:
    """(n, width): what :func:`packed_bits` made of it."""
    whole = _numbers(values, np.dtype(np.uint8)).reshape(len(values), -(-width // 8))
    return np.unpackbits(whole, axis=1, count=width).astype(bool)


def _numbers(values: pa.Array | pa.ChunkedArray, kind: np.dtype[Packed]) -> npt.NDArray[Packed]:
    """The numbers in ``values``, one after the other, where they lie."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    _, ends, content = whole.buffers()
    if content is None:
        return np.empty(0, kind)
    low, high = np.frombuffer(ends, np.int32)[[whole.offset, whole.offset + len(whole)]]
    return np.frombuffer(content, kind, count=int(high - low) // kind.itemsize, offset=int(low))


def packed_incidences(incidences: Incidences) -> pa.Array:
    """The predictions of n people as n binary values."""
    n = len(incidences.margin)
    return packed(
        np.concatenate([getattr(incidences, each.name).reshape(n, -1) for each in fields(Incidences)], axis=1)
    )


def unpacked_incidences(values: pa.Array | pa.ChunkedArray, *, n_causes: int, n_horizons: int) -> Incidences:
    """What :func:`packed_incidences` made of it."""
    shapes = ((n_horizons,), (n_horizons, n_horizons), (n_horizons,), (n_causes, n_horizons))
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(unpacked(values, width=int(ends[-1])), ends[:-1], axis=1)
    return Incidences(*(part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)))
