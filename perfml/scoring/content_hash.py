"""The hash of what rows say, whatever files, types and parts they are stored in.

Each column, each field of a struct and each list feeds streams of its own: which values are there, their bytes, and the lengths
of texts and lists. The bytes are those of 64-bit integers, 64-bit floats and UTF-8, so that the hash does not depend on the
version of a library. A stream goes on from part to part, which makes the cuts between parts invisible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class ContentHash:
    """SHA-256 of every value of every row in order, of rows that come in parts."""

    def __init__(self) -> None:
        self._streams: dict[str, hashlib._Hash] = {}

    def update(self, part: pa.Table) -> None:
        """Go on with the rows of ``part``."""
        for name, column in zip(part.column_names, part.columns, strict=True):
            for chunk in column.chunks:
                self._add(name, chunk)

    def hexdigest(self) -> str:
        """64 hexadecimal digits."""
        whole = hashlib.sha256()
        for name in sorted(self._streams):
            whole.update(f"{name}\n{self._streams[name].hexdigest()}\n".encode())
        return whole.hexdigest()

    def _add(self, name: str, values: pa.Array) -> None:
        kind = values.type
        if pa.types.is_dictionary(kind):
            self._add(name, values.dictionary_decode())
            return
        self._feed(f"{name} is there", pc.is_valid(values).cast(pa.uint8()))
        if pa.types.is_struct(kind):
            for field, part in zip(kind, values.flatten(), strict=True):
                self._add(f"{name}.{field.name}", part)
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            self._feed(f"{name} has", pc.list_value_length(values).cast(pa.int64()))
            self._add(f"{name}[]", values.flatten())
        elif pa.types.is_boolean(kind) or pa.types.is_integer(kind):
            self._feed(name, values.cast(pa.int64()))
        elif pa.types.is_floating(kind):
            self._feed(name, values.cast(pa.float64()))
        elif pa.types.is_temporal(kind):
            self._feed(name, values.view(pa.int32() if kind.bit_width == 32 else pa.int64()).cast(pa.int64()))
        elif not pa.types.is_null(kind):
            self._feed_texts(name, values.cast(pa.large_string()))

    def _feed(self, stream: str, numbers: pa.Array) -> None:
        """Take numbers, 0 where there is none."""
        filled = pc.fill_null(numbers, pa.scalar(0, numbers.type))
        self._bytes(stream, filled.to_numpy(zero_copy_only=False).tobytes())

    def _feed_texts(self, stream: str, texts: pa.Array) -> None:
        filled = pc.fill_null(texts, "")
        self._feed(f"{stream} has", pc.binary_length(filled))
        if len(filled):
            _, ends, text = filled.buffers()
            bounds = np.frombuffer(ends, np.int64)[filled.offset : filled.offset + len(filled) + 1]
            self._bytes(stream, text[int(bounds[0]) : int(bounds[-1])] if text is not None else b"")

    def _bytes(self, stream: str, taken: bytes | pa.Buffer) -> None:
        if len(taken):  # a part without rows leaves no trace
            self._streams.setdefault(stream, hashlib.sha256()).update(taken)


def content_hash(parts: Iterable[pa.Table]) -> str:
    """The :class:`ContentHash` of all ``parts``."""
    digest = ContentHash()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
