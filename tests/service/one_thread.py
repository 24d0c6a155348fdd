"""A client for thousands of requests: it asks the service in one thread and one event loop of its own.

Not in the thread of the test: a browser that an earlier test opened keeps a loop running there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
from fastapi import FastAPI

OF_THIS_MACHINE = ("testclient", 50000)


class _OneThread(httpx2.BaseTransport):
    def __init__(self, app: FastAPI, thread: ThreadPoolExecutor, runner: asyncio.Runner) -> None:
        self.service = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=OF_THIS_MACHINE)
        self.thread, self.runner = thread, runner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.thread.submit(lambda: self.runner.run(self._answer(request))).result()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self.service.handle_async_request(request)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


class Asker(httpx2.Client):
    """A client of ``app``; a redirection and an error of the service are answers like others."""

    def __init__(self, app: FastAPI, thread: ThreadPoolExecutor, runner: asyncio.Runner) -> None:
        super().__init__(transport=_OneThread(app, thread, runner), base_url="http://127.0.0.1:8321")
        self.app = app


@contextmanager
def asker(app: FastAPI) -> Iterator[Asker]:
    with ThreadPoolExecutor(1) as thread:
        runner = asyncio.Runner()
        try:
            with Asker(app, thread, runner) as client:
                yield client
        finally:
            thread.submit(runner.close).result()
