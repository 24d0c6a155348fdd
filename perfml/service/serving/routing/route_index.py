"""Which route an address has is looked up by how it begins and ends, instead of asking every route in turn.

FastAPI compares an address with the pattern of one route after another, and asks nested routers twice: with a hundred routes that
cost more than most answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

_LITERALS = 2
"""Path segments that are looked at, beside the last one."""
Beginning = tuple[str, ...]


class RouteIndex:
    """Calls the route that answers a request; a request that none answers goes to the router, which says why."""

    def __init__(self, router: APIRouter) -> None:
        self._router, self._unindexed = router, AsyncExitStackMiddleware(router.app)
        routes = [(_literals(route.path_format), route) for route in router.routes if isinstance(route, APIRoute)]
        beginnings = {own[:length] for own, _ in routes for length in range(_LITERALS + 1)}
        begun = {
            beginning: [route for own, route in routes if own == beginning[: len(own)]] for beginning in beginnings
        }
        self._routes: Mapping[Beginning, Mapping[str | None, Sequence[APIRoute]]] = {
            beginning: {
                ending: [route for route in each if _ending(route.path_format) in (ending, None)]
                for ending in {None, *(_ending(route.path_format) for route in each)}
            }
            for beginning, each in begun.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            for route in self.candidates(scope["path"]):
                match, child = route.matches(scope)
                if match is Match.FULL:
                    scope["router"] = self._router
                    scope.update(child)
                    await route.handle(scope, receive, send)
                    return
        await self._unindexed(scope, receive, send)

    def candidates(self, path: str) -> Sequence[APIRoute]:
        """The routes that may answer ``path``, in their order: those of its longest beginning that any route has, with its last
        segment or any."""
        beginning = tuple(path.split("/", _LITERALS + 1)[1 : _LITERALS + 1])
        while beginning not in self._routes:
            beginning = beginning[:-1]
        begun = self._routes[beginning]
        return begun.get(path.rpartition("/")[2]) or begun[None]


def index_routes(app: FastAPI, routers: Iterable[APIRouter]) -> RouteIndex:
    """Give ``app`` the routes of ``routers`` in their order, by one index. Later routes would not be in it."""
    for router in routers:
        app.router.routes += router.routes
    for route in app.router.routes:
        if isinstance(route, APIRoute):  # without this layer of its own FastAPI reads no form
            route.app = AsyncExitStackMiddleware(route.app)
    return RouteIndex(app.router)


def _literals(template: str) -> Beginning:
    """The segments of a template before its first parameter."""
    segments = tuple(template.split("/", _LITERALS + 1)[1 : _LITERALS + 1])
    return segments[: next((at for at, segment in enumerate(segments) if "{" in segment), _LITERALS)]


def _ending(template: str) -> str | None:
    """The last segment of a template; None where it is a parameter."""
    last = template.rpartition("/")[2]
    return None if "{" in last else last
