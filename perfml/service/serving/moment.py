"""What several requests would look at alike is looked at once a moment.

A moment is one turn of the event loop. All requests that are answered in it had come before it began, and so had those that
worker threads answer while it lasts. So what the loop has looked at within it is no older than any of them: a change that
somebody made before they asked is seen. A change that is made within the moment may be seen from the next one on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar, cast

from perfml.home_reads import HomeLook, Identity, Reads, TableVersions
from perfml.store.standing import StoreVersions

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class OnceATurn(Generic[K, T]):
    """Looks at something once a turn of the event loop. Other threads take what the loop has seen while its turn lasts, and look
    themselves at all else."""

    def __init__(self, look: Callable[[K], T]) -> None:
        self._look = look
        self._seen: dict[K, T | OnceATurn[K, T]] = {}

    def __call__(self, key: K) -> T:
        """What is there, or was at the last look within the moment."""
        seen = self._seen.get(key, self)
        if seen is not self:  # the moment has not ended, whichever thread asks
            return cast(T, seen)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another thread keeps nothing: it does not know when the moment is over
            return self._look(key)
        if not self._seen:
            loop.call_soon(self._seen.clear)
        value = self._seen[key] = self._look(key)
        return value


class MomentaryLook(HomeLook):
    """Looks at a file, and compares what a value was read from, once a moment."""

    def __init__(self) -> None:
        self._files: OnceATurn[Path, Identity | None] = OnceATurn(super().file)
        self._reads: OnceATurn[Reads, bool] = OnceATurn(super().unchanged)

    def file(self, path: Path) -> Identity | None:
        """As :meth:`HomeLook.file`."""
        return self._files(path)

    def unchanged(self, reads: Reads) -> bool:
        """As :meth:`HomeLook.unchanged`."""
        return self._reads(reads)


class MomentaryVersions(StoreVersions):
    """The versions of tables, looked at once a moment."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._moment: OnceATurn[None, TableVersions] = OnceATurn(lambda _: StoreVersions.now(self))

    def now(self) -> TableVersions:
        """As :meth:`StoreVersions.now`."""
        return self._moment(None)
