"""What is computed from a home may be kept as long as nothing that it was read from has changed.

Whoever reads a file, a folder or a table of the store notes it here before reading. A :class:`Memo` collects these notes while it
computes a value, and compares them before it gives the value again: an answer changes with the next request after a file was
replaced or altered, or an entry was made, without anybody having to say so.
"""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

SETTLED_SECONDS = 1.0
"""Age from which a change of a file shows in its times, whatever the clock of the file system."""
Identity = tuple[int, ...]
TableVersions = Mapping[str, tuple[int, ...]]
"""Table of the store -> what changes with each of its entries."""
T = TypeVar("T")


@dataclass(eq=False)
class Reads:
    """Files and folders with their identity before they were read, and tables of the store."""

    files: dict[Path, Identity | None] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    settled: bool = True
    """Whether every file was old enough, and the same at every reading."""
    until: float = math.inf
    """From when the clock makes it another value, in seconds since 1970."""

    def add(self, path: Path, identity: Identity | None) -> None:
        """Note a file as it is."""
        if self.files.setdefault(path, identity) != identity or (
            identity is not None and time.time() < _settles(identity)
        ):
            self.settled = False

    def merge(self, other: Reads) -> None:
        """Note whatever ``other`` noted; what was old enough then is so now."""
        if self.files.keys().isdisjoint(other.files):
            self.files.update(other.files)
        else:
            self.settled &= all(self.files.setdefault(path, each) == each for path, each in other.files.items())
        self.tables |= other.tables
        self.settled &= other.settled
        self.until = min(self.until, other.until)

    def add_table(self, name: str) -> None:
        """Note a table of the store."""
        self.tables.add(name)

    def end(self, moment: float) -> None:
        """Note when the clock makes it another value."""
        self.until = min(self.until, moment)


def identity_of(path: Path) -> Identity | None:
    """What changes whenever a file or a folder does; None where there is none."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class HomeLook:
    """How a home is looked at: anew each time."""

    def file(self, path: Path) -> Identity | None:
        """What a file is now, as :func:`identity_of`."""
        return identity_of(path)

    def unchanged(self, reads: Reads) -> bool:
        """Whether every file is what it was, and the clock has changed nothing."""
        if reads.until != math.inf and time.time() >= reads.until:
            return False
        return all(self.file(path) == identity for path, identity in reads.files.items())


class _Ignored(Reads):
    """What nobody asks for."""

    def add(self, path: Path, identity: Identity | None) -> None:
        """Forget a file."""

    def add_table(self, name: str) -> None:
        """Forget a table."""

    def end(self, moment: float) -> None:
        """Forget a time."""

    def merge(self, other: Reads) -> None:
        """Forget what ``other`` noted."""


_ANEW, _IGNORED = HomeLook(), _Ignored()


class Noting(AbstractContextManager["Reads"]):
    """A block in which reads are collected, see :func:`noting`."""

    __slots__ = ("_outer", "_token", "look", "reads", "versions")

    def __init__(self, versions: TableVersions | None, look: HomeLook | None, *, collecting: bool = True) -> None:
        self._outer = outer = _NOTING.get()
        self.reads = Reads() if collecting else _IGNORED
        self.versions: TableVersions | None = versions or (None if outer is None else outer.versions)
        self.look: HomeLook = look or (_ANEW if outer is None else outer.look)

    def __enter__(self) -> Reads:
        self._token = _NOTING.set(self)
        return self.reads

    def __exit__(self, *_: object) -> None:
        _NOTING.reset(self._token)
        if self._outer is not None:
            self._outer.reads.merge(self.reads)


_NOTING: ContextVar[Noting | None] = ContextVar("noting", default=None)


def note_file(path: Path) -> None:
    """Note that ``path`` is about to be read, or that nothing is there."""
    noted = _NOTING.get()
    if noted is not None:
        noted.reads.add(path, noted.look.file(path))


def note_table(name: str) -> None:
    """Note that a table of the store is about to be read."""
    noted = _NOTING.get()
    if noted is not None:
        noted.reads.add_table(name)


def note_until(moment: float) -> None:
    """Note that a value is another one from ``moment`` on, in seconds since 1970, whatever is read."""
    noted = _NOTING.get()
    if noted is not None:
        noted.reads.end(moment)


def noting(versions: TableVersions | None = None, look: HomeLook | None = None, *, collecting: bool = True) -> Noting:
    """Collect what is read within the block, also by threads that take over its context; or, where nobody wants to know it, only
    give what is kept the versions and the look of the block.

    ``versions``: those of the tables when it begins, with which every :class:`Memo` in the block compares what it keeps;
    ``look``: how it looks at the home, of which it may have looked at some shortly before (default: :class:`HomeLook`).
    """
    return Noting(versions, look, collecting=collecting)


@dataclass(frozen=True)
class _Entry(Generic[T]):
    value: T
    reads: Reads
    versions: TableVersions
    weight: int


class Memo(Generic[T]):
    """Values by key, each valid until something that it was computed from changes; the least used are forgotten."""

    def __init__(self, most: int) -> None:
        """``most``: the sum of the weights that are kept."""
        self._most, self._weight, self._lock, self._computing = most, 0, Lock(), Lock()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()

    def get(self, key: Hashable, versions: TableVersions | None = None) -> T | None:
        """The value kept under ``key``, if it is still valid with these ``versions`` of the tables (default: those of
        :func:`noting`); its reads are noted."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        noted = _NOTING.get()
        now = versions or (None if noted is None else noted.versions) or {}
        same = entry.versions is now or all(entry.versions.get(name) == now.get(name) for name in entry.reads.tables)
        if not same or not (_ANEW if noted is None else noted.look).unchanged(entry.reads):
            self._drop(key)
            return None
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
        if noted is not None:
            noted.reads.merge(entry.reads)
        return entry.value

    def put(
        self, key: Hashable, value: T, *, reads: Reads, versions: TableVersions | None = None, weight: int = 1
    ) -> None:
        """Keep a value that was computed from ``reads``, with the ``versions`` that the tables had before (default: those of
        :func:`noting`)."""
        versions = versions or _versions()
        if not reads.settled or (reads.tables and versions is None) or weight > self._most:
            return
        self._drop(key)
        with self._lock:
            self._entries[key] = _Entry(value, reads, versions or {}, weight)
            self._weight += weight
            while self._weight > self._most:
                _, oldest = self._entries.popitem(last=False)
                self._weight -= oldest.weight

    def of(self, key: Hashable, compute: Callable[[], T], *, weight: Callable[[T], int] = lambda _: 1) -> T:
        """The value kept under ``key``, else what ``compute`` reads; one thread computes at a time."""
        value = self.get(key)
        if value is None:
            with self._computing:
                value = self.get(key)
                if value is None:
                    with noting() as reads:
                        value = compute()
                    self.put(key, value, reads=reads, weight=weight(value))
        return value

    def _drop(self, key: Hashable) -> None:
        with self._lock:
            if (entry := self._entries.pop(key, None)) is not None:
                self._weight -= entry.weight


def _versions() -> TableVersions | None:
    noted = _NOTING.get()
    return None if noted is None else noted.versions


def _settles(identity: Identity) -> float:
    """When a file counts as settled, in seconds since 1970."""
    return max(identity[3], identity[4]) / 1e9 + SETTLED_SECONDS
