"""Connections that send nothing, or half a request, are closed after a while, so that they cost others nothing."""

from __future__ import annotations

import asyncio
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
"""Time for the first line and the headers of a request, from its first byte or from the opening of the connection."""
MOST_CONNECTIONS = 2_000
"""Connections that are open at once; one beyond is told to come again (503)."""
MOST_HEADER = 64 * 1024
"""Bytes of the first line and the headers."""


class TimedConnection(H11Protocol):
    """A connection that is closed where a request does not begin in time. How long its body may take is seen to by
    :class:`~perfml.service.serving.errors.body_limit.BodyLimit`."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        super().connection_made(cast(asyncio.Transport, transport))  # of a TCP connection
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting while what came is not a whole request."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and (self.cycle is None or self.cycle.response_complete):
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
