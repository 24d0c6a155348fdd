"""How far long work has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Receives each step of long work. This class is silent; a subclass shows the steps."""

    def __call__(self, task: str, done: int, total: int) -> None:
        """``done`` of ``total`` steps of ``task`` are finished."""

    def track(self, task: str, items: Sequence[Item]) -> Iterator[Item]:
        """Iterate over ``items`` and report each one as a step of ``task``."""
        for done, item in enumerate(items):
            self(task, done, len(items))
            yield item
        if items:
            self(task, len(items), len(items))


SILENT = Progress()
