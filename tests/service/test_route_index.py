"""Addresses are answered by the same route as if every route had been asked, and a moment ends with its turn."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import Match

from perfml.home_reads import Memo, identity_of, note_file, noting
from perfml.service.app import create_app
from perfml.service.serving.moment import MomentaryLook, OnceATurn
from perfml.service.serving.routing.route_index import RouteIndex

ODD = (
    "/",
    "//",
    "/v1",
    "/v1/",
    "/v1//risk",
    "/nobody",
    "/v1/employees/a/b/risk",
    "/v1/employees/%2F/risk",
    "/static/../x",
)


def _scope(method: str, path: str) -> dict[str, object]:
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}


def test_the_index_finds_the_route_that_asking_every_route_finds(tmp_path: Path) -> None:
    app = create_app(tmp_path)
    index, routes = RouteIndex(app.router), [route for route in app.routes if isinstance(route, APIRoute)]
    templates = {route.path_format.replace("{", "").replace("}", "") for route in routes}
    matched = 0
    for path in (*templates, *(f"{each}/more" for each in templates), *ODD):
        for method in ("GET", "POST"):
            full = [route for route in routes if route.matches(_scope(method, path))[0] is Match.FULL]
            near = [route for route in index.candidates(path) if route.matches(_scope(method, path))[0] is Match.FULL]
            assert near == full, f"{method} {path}"
            matched += bool(full)
    assert matched >= len(routes), "so that the test can fail"


@pytest.mark.parametrize(("method", "path", "status"), [("DELETE", "/v1/health", 405), ("GET", "/v1/nothing", 404)])
def test_what_no_route_answers_is_refused_as_before(tmp_path: Path, method: str, path: str, status: int) -> None:
    with TestClient(create_app(tmp_path), base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        assert client.request(method, path).status_code == status


def test_a_moment_ends_with_its_turn_of_the_loop() -> None:
    looks: list[str] = []
    moment = OnceATurn(lambda key: looks.append(key) or len(looks))

    async def turns() -> list[int]:
        same = [moment("a"), moment("a"), moment("b")]
        await asyncio.sleep(0)
        return [*same, moment("a")]

    def outside_a_loop() -> list[int]:
        return [moment("a"), moment("a")]

    with ThreadPoolExecutor(1) as thread:  # in that of the test a browser may keep a loop running
        assert thread.submit(lambda: asyncio.run(turns())).result() == [1, 1, 2, 3]
        assert thread.submit(outside_a_loop).result() == [4, 5], "outside a loop nothing ends a moment, so none begins"


def test_what_is_kept_is_compared_once_a_moment_and_in_the_next_one_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfml.home_reads.SETTLED_SECONDS", 0.0)
    looks: list[Path] = []
    monkeypatch.setattr("perfml.home_reads.identity_of", lambda path: looks.append(path) or identity_of(path))
    path, memo, look = tmp_path / "a", Memo[str](1), MomentaryLook()
    path.write_text("one")

    def read() -> str:
        note_file(path)
        return path.read_text()

    def asked() -> str:
        with noting({}, look):
            return memo.of("a", read)

    async def turns() -> list[str]:
        first = asked()
        await asyncio.sleep(0)
        looks.clear()
        again = [asked(), asked(), asked()]
        assert looks == [path]
        path.write_text("other")
        await asyncio.sleep(0)
        return [first, *again, asked()]

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(turns())).result() == ["one", "one", "one", "one", "other"]
