"""The one writer of reads to the audit log: requests that come while it commits are recorded together by its next commit."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from perfml.store.audit.chain import Reading, StandingLog
from perfml.store.standing import StandingStore
from perfml.trust.audit.seeing import record_readings

GATHER_SECONDS, MOST_GATHERED = 0.002, 10
"""A commit waits for other requests, so that many are recorded by one: as long as some came within these seconds, and no more
often than this."""


class AuditWriter:
    """Records readings in the order in which they came. Used from one event loop."""

    def __init__(self, home: Path) -> None:
        self._home, self._store, self._known = home, StandingStore(home), StandingLog()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._waiting: list[tuple[Reading, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Readings that are not committed yet."""
        return len(self._waiting)

    async def record(self, reading: Reading) -> None:
        """Return when the reading is committed. Raises :class:`PerfmlError` where it cannot be."""
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((reading, recorded))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await recorded

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await self._gather()
            batch, self._waiting = self._waiting, []
            failed: BaseException | None = None
            try:
                await loop.run_in_executor(self._thread, self._commit, [reading for reading, _ in batch])
            except Exception as error:  # whoever waits raises it
                failed = error
            for _, recorded in batch:
                if recorded.done():  # its request was cancelled
                    continue
                if failed is None:
                    recorded.set_result(None)
                else:
                    recorded.set_exception(failed)

    async def _gather(self) -> None:
        for _ in range(MOST_GATHERED):
            before = len(self._waiting)
            await asyncio.sleep(GATHER_SECONDS)
            if len(self._waiting) == before:
                return

    def _commit(self, readings: list[Reading]) -> None:
        record_readings(self._home, readings, self._store.transaction, known=self._known)
