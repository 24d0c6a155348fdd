"""The way from a request to the endpoint of a route that reads, and from what it returns to bytes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from fastapi import Request, Response
from fastapi.params import Depends
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from perfml.service.serving.routing.arguments import Dependency, ReadArguments

JSON = "application/json"
Read = Callable[[Request], Awaitable[Response]]


def read_of(endpoint: Callable[..., object], answer_type: object) -> Read | None:
    """What answers a request by ``endpoint``, whose answer is of ``answer_type``; None where FastAPI has to, see
    :meth:`ReadArguments.of_endpoint`. An endpoint that is no coroutine runs, and is written as JSON, in a thread."""
    arguments = ReadArguments.of_endpoint(endpoint)
    if arguments is None:
        return None
    adapter = None if answer_type is None else TypeAdapter[object](cast(type[object], answer_type))

    def written(answer: object) -> Response:
        if isinstance(answer, Response):
            return answer
        if adapter is None:
            raise TypeError(f"{endpoint.__name__} declares no type of its answer")
        return Response(adapter.dump_json(adapter.validate_python(answer, from_attributes=True)), media_type=JSON)

    async def on_the_loop(request: Request) -> Response:
        return written(await cast(Awaitable[object], endpoint(**await arguments.of(request))))

    async def in_a_thread(request: Request) -> Response:
        given = await arguments.of(request)
        return await run_in_threadpool(lambda: written(endpoint(**given)))

    return on_the_loop if inspect.iscoroutinefunction(endpoint) else in_a_thread


def asked_first(dependencies: Sequence[Depends]) -> Sequence[Dependency]:
    """The dependencies of a route whose results nobody takes."""
    return [cast(Dependency, each.dependency) for each in dependencies if each.dependency is not None]
