"""The arguments of a route that reads, taken from a request as the signature of its endpoint declares them.

FastAPI looks through every annotation anew with every request, which costs several times what an answer from memory does. Here
that is done once a route. What is accepted, what is refused and how a refusal reads is as with FastAPI.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Self, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends, Path, Query
from pydantic import BaseModel, TypeAdapter, ValidationError

Dependency = Callable[[Request], Awaitable[object]]
Endpoint = Callable[..., object]


@dataclass(frozen=True, kw_only=True)
class ReadArguments:
    """What an endpoint asks for: segments of the path, one model of the query, the request, and what functions of the request
    alone say."""

    path: Mapping[str, TypeAdapter[object]]
    queries: Mapping[str, type[BaseModel]]
    requests: tuple[str, ...]
    dependencies: Mapping[str, Dependency]

    @classmethod
    def of_endpoint(cls, endpoint: Endpoint) -> Self | None:
        """As its signature declares it; None where it asks for something else, which is left to FastAPI."""
        hints = get_type_hints(endpoint, include_extras=True)
        path: dict[str, TypeAdapter[object]] = {}
        queries: dict[str, type[BaseModel]] = {}
        requests: list[str] = []
        dependencies: dict[str, Dependency] = {}
        for name in inspect.signature(endpoint).parameters:
            hint = hints[name]
            kind, declared = (get_args(hint)[0], get_args(hint)[-1]) if get_origin(hint) is Annotated else (hint, None)
            if kind is Request:
                requests.append(name)
            elif isinstance(declared, Path):
                path[name] = TypeAdapter(hint)
            elif isinstance(declared, Query) and inspect.isclass(kind) and issubclass(kind, BaseModel):
                queries[name] = kind
            elif (
                isinstance(declared, Depends)
                and declared.dependency is not None
                and _asks_for_the_request(declared.dependency)
            ):
                dependencies[name] = declared.dependency
            else:
                return None
        return cls(path=path, queries=queries, requests=tuple(requests), dependencies=dependencies)

    async def of(self, request: Request) -> dict[str, object]:
        """By name. Raises :class:`RequestValidationError` with all that is wrong, in the order of the address."""
        arguments = {name: await ask(request) for name, ask in self.dependencies.items()}
        arguments |= dict.fromkeys(self.requests, request)
        wrong: list[object] = []
        for name, adapter in self.path.items():
            try:
                arguments[name] = adapter.validate_python(request.path_params[name])
            except ValidationError as error:
                wrong += [{**each, "loc": ("path", name, *each["loc"])} for each in error.errors(include_url=False)]
        for name, model in self.queries.items():
            try:
                query = request.scope["query_string"]
                arguments[name] = (
                    model.model_validate(parameters_of(query, model.model_fields)) if query else _unasked(model)
                )
            except ValidationError as error:
                wrong += [{**each, "loc": ("query", *each["loc"])} for each in error.errors(include_url=False)]
        if wrong:
            raise RequestValidationError(wrong)
        return arguments


def parameters_of(query: bytes, known: Collection[str]) -> dict[str, object]:
    """The parameters of a query string. Of a known one that is given twice the last counts, of another all are told.

    >>> parameters_of(b"limit=20&band=&limit=30&x=1&x=2", {"limit", "band"})
    {'limit': '30', 'band': '', 'x': ['1', '2']}
    """
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    parameters: dict[str, object] = dict(pairs)
    if len(parameters) < len(pairs):
        for name in parameters.keys() - set(known):
            values = [value for each, value in pairs if each == name]
            parameters[name] = values[0] if len(values) == 1 else values
    return parameters


@cache
def _unasked(model: type[BaseModel]) -> BaseModel:
    """What a request without parameters asks: queries are frozen."""
    return model.model_validate({})


def _asks_for_the_request(dependency: Callable[..., object]) -> bool:
    parameters = inspect.signature(dependency).parameters
    hints = get_type_hints(dependency)
    return inspect.iscoroutinefunction(dependency) and [hints[name] for name in parameters] == [Request]
