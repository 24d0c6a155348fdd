"""Tasks as Spark does them: it carries their numbers alone."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

Batches = Iterator[pa.RecordBatch]


@cache
def spare_modules() -> None:
    """Leave what this process has imported out of the collection of garbage, once: a worker of Spark collects after every task,
    and walks through modules for 60 ms."""
    gc.freeze()


@dataclass(frozen=True)
class EachNumber:
    """Does a task for each number that Spark gives."""

    task: Callable[[int], None]

    def __call__(self, batches: Batches) -> Batches:
        """Yield the numbers that are done."""
        spare_modules()
        for batch in batches:
            for number in batch.column(0).to_pylist():
                self.task(number)
            yield batch


def numbers(batches: Batches) -> Iterator[int]:
    """Yield the numbers that a task is given."""
    for batch in batches:
        yield from batch.column(0).to_pylist()
