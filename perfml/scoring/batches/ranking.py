"""The step of scoring that needs everyone: ranks and bands, given to rows as they pass by in the order of the list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from perfml.project.model_spec import ListSpec
from perfml.scoring.batches.rows import SCHEMA


def ranked(parts: Iterable[pa.Table], *, n_scored: int, spec: ListSpec, proven: bool) -> Iterator[pa.Table]:
    """The rows of one date and horizon with ``rank`` and ``band``: ``act`` up to the capacity, ``watch`` for as many again.

    ``parts``: all of them in the order of the list, the ``n_scored`` people with a score first; without a list (unless
    ``proven``) as they are.
    """
    capacity, rank = spec.capacity(n_scored), 0
    for part in parts:
        n = min(part.num_rows, n_scored - rank)
        if proven:
            ranks = np.arange(rank + 1, rank + n + 1)
            bands = np.select([ranks <= capacity, ranks <= 2 * capacity], ["act", "watch"], "none").astype(object)
            for name, values in (("rank", ranks), ("band", bands)):
                at, kind = part.column_names.index(name), SCHEMA.field(name)
                filled = pa.chunked_array([pa.array(values, kind.type), pa.nulls(part.num_rows - n, kind.type)])
                part = part.set_column(at, kind, filled)
        rank += n
        yield part
