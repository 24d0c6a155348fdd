"""What a route that reads is asked for is what FastAPI would have made of the request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.dependencies.utils import solve_dependencies
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from perfml.service.access.admission import REACH
from perfml.service.app import create_app
from perfml.service.serving.auditing import AuditedRoute
from perfml.service.serving.routing.arguments import ReadArguments
from perfml.service.serving.routing.reads import read_of

QUERIES = (
    *("", "limit=20", "limit=0", "limit=x&as_of=2026-9-1", "limit=20&limit=30", "nothing=1", "nothing=1&nothing=2"),
    *("as_of=2026-09-01", "as_of=1788220800", "as_of=", "department=%E9%94%80&department=S%00", "manager_id=M+1%2B"),
    *("voice=manager", "voice=nobody", "reader=hr&horizon_days=91", "band=act&segment=", "cursor=" + "a" * 101, "&&=&"),
)
PEOPLE = ("E1", "a/b", "张伟", "E\0")


def _request(app: FastAPI, route: APIRoute, query: str, value: str) -> Request:
    scope: dict[str, object] = {
        "type": "http",
        "method": "GET",
        "app": app,
        "route": route,
        "path": "/",
        "query_string": query.encode(),
        "headers": [],
        "client": ("127.0.0.1", 1),
        "path_params": dict.fromkeys(route.param_convertors, value),
        REACH: frozenset({"E1"}),
        "fastapi_inner_astack": AsyncExitStack(),
        "fastapi_function_astack": AsyncExitStack(),
    }
    return Request(scope)


async def _by_fastapi(request: Request, route: APIRoute) -> tuple[object, object]:
    stack = request.scope["fastapi_inner_astack"]
    solved = await solve_dependencies(
        request=request, dependant=route.dependant, async_exit_stack=stack, embed_body_fields=False
    )
    return (None, _outline(solved.errors)) if solved.errors else (solved.values, None)


async def _own(request: Request, arguments: ReadArguments) -> tuple[object, object]:
    try:
        return await arguments.of(request), None
    except RequestValidationError as error:
        return None, _outline(error.errors())


def _outline(errors: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [tuple(str(each.get(name)) for name in ("type", "loc", "msg", "input", "ctx")) for each in errors]


def _reads(app: FastAPI) -> Iterator[tuple[AuditedRoute, ReadArguments]]:
    for route in app.routes:
        if isinstance(route, AuditedRoute) and route.methods == {"GET"}:
            arguments = ReadArguments.of_endpoint(route.endpoint)
            if arguments is not None:
                yield route, arguments


@pytest.mark.parametrize("query", QUERIES)
def test_arguments_and_refusals_are_those_of_fastapi(tmp_path: Path, query: str) -> None:
    app = create_app(tmp_path)

    async def compared() -> int:
        count = 0
        for route, arguments in _reads(app):
            for value in PEOPLE:
                request = _request(app, route, query, value)
                assert await _own(request, arguments) == await _by_fastapi(request, route), route.path_format
                count += 1
        return count

    with ThreadPoolExecutor(1) as thread:  # in that of the test a browser may keep a loop running
        count = thread.submit(lambda: asyncio.run(compared())).result()
    assert count > 100, "so that the test can fail"


def test_what_asks_for_more_is_left_to_fastapi(tmp_path: Path) -> None:
    left = {
        route.path_format
        for route in create_app(tmp_path).routes
        if isinstance(route, AuditedRoute) and route.methods == {"GET"} and read_of(route.endpoint, None) is None
    }
    assert left == {f"/v1/employees/{{employee_id}}/{each}" for each in ("record", "rows-behind", "peers")}
