"""Turn every exception of the application into a response that holds a :class:`~perfml.service.problems.Problem`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from perfml.errors import PerfmlError
from perfml.messages import Message, render
from perfml.service.answers.trust.signed import ANOTHER
from perfml.service.problems import (
    PROBLEM_TYPE,
    Failure,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooLarge,
    TooSlow,
    failure,
    problem_of,
    refusal_of,
)
from perfml.service.serving.errors.failure_log import log_failure

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""On every answer: nothing about a person stays in a cache, and no browser guesses another content type."""
SHOWN_INPUT = 80
"""Characters of a wrong value that are repeated in the answer."""
LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("service_value_too_small", "ge"),
    "less_than_equal": ("service_value_too_large", "le"),
    "less_than": ("service_value_not_below", "lt"),
    "string_too_long": ("service_value_too_long", "max_length"),
}
"""Kind of pydantic's error → the message, and the key of the limit in the error's context."""
UNROUTED: Mapping[int, type[Refusal]] = {
    kind.status: kind for kind in (Malformed, NotFound, MethodNotAllowed, TooSlow, TooLarge)
}
"""Status of an error of the framework → the kind of problem."""
UNROUTED_TEXTS: Mapping[type[Refusal], tuple[str, str]] = {
    Malformed: ("service_unreadable_body", "service_send_json"),
    NotFound: ("service_unknown_address", "service_see_addresses"),
    MethodNotAllowed: ("service_unknown_method", "service_see_addresses"),
    TooSlow: ("service_too_slow", "service_send_at_once"),
    TooLarge: ("service_too_large", "service_send_less"),
}
PLAIN_HINTS: Mapping[str, str] = {
    "missing": "service_value_missing",
    "int_parsing": "service_value_no_integer",
    "float_parsing": "service_value_no_number",
    ANOTHER: "access_signed_by_another",
}
"""Kind of pydantic's error → the message that says the same."""


class ProblemResponse(JSONResponse):
    """A problem as the body of an answer. What no text can hold, such as half of a surrogate pair, becomes a question mark."""

    media_type = PROBLEM_TYPE

    def render(self, content: object) -> bytes:
        """The body."""
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def error_response(
    error: PerfmlError, headers: Mapping[str, str] | None = None, *, instance: str | None = None
) -> Response:
    """The response to a request that is refused, or that failed."""
    problem = problem_of(error, instance=instance)
    if isinstance(error, Refusal):
        headers = {**(headers or {}), **error.headers}
    return ProblemResponse(problem.model_dump(mode="json"), problem.status, {**(headers or {}), **HEADERS})


def error_answer(request: Request, error: Exception) -> Response:
    """The response to a request that ended with ``error``. One that is no mistake of the caller is logged, as is one in wording
    another."""
    try:
        match error:
            case PerfmlError() if refusal_of(error).status != Failure.status:
                return error_response(error)
            case PerfmlError():
                return error_response(error, instance=log_failure(error))
            case RequestValidationError():
                return error_response(_invalid_request(request, error))
            case HTTPException():
                return error_response(_unrouted(error.status_code), error.headers)
    except Exception as unforeseen:
        error = unforeseen
    return error_response(failure(), instance=log_failure(error))


def _unrouted(status: int) -> Refusal:
    """What the framework refuses with ``status``."""
    kind = UNROUTED.get(status, Malformed)
    problem, remedy = UNROUTED_TEXTS[kind]
    where = "body" if kind in (Malformed, TooSlow, TooLarge) else "address"
    return kind(Message.of(problem), where=where, remedy=Message.of(remedy))


def _invalid_request(request: Request, error: RequestValidationError) -> Invalid:
    """The first thing that pydantic found wrong with a request."""
    first = error.errors()[0]
    source, *path = (str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        path = []  # it says how far the text could be read, not which key
    elif source == "body":
        path = _without_alternative(request, path)
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path = [str(first["ctx"]["discriminator"]).strip("'")]
    where = f"{source} {'.'.join(path)}".strip()
    if first["type"] == "union_tag_invalid":
        value, names = json.dumps(first["ctx"]["tag"], ensure_ascii=False), str(first["ctx"]["expected_tags"])
        return Invalid(
            Message.of("service_unusable_value", value=value[:SHOWN_INPUT]),
            where=where,
            remedy=Message.of("service_use_one_of", names=names.replace("'", "")),
        )
    if first["type"] == "extra_forbidden":
        parameter = source == "query"
        names = ", ".join(_parameters(request) if parameter else _keys(request))
        problem = Message.of("service_unknown_parameter" if parameter else "service_unknown_key")
        return Invalid(problem, where=where, remedy=Message.of("service_use_one_of", names=names))
    if first["type"] == "missing":  # its input is all that was sent
        return Invalid(Message.of("service_value_absent"), where=where, remedy=_hint(first))
    value = json.dumps(first["input"], ensure_ascii=False, default=str)[:SHOWN_INPUT]
    problem = Message.of("service_unusable_value", value=value)
    return Invalid(problem, where=where, remedy=_hint(first))


def _hint(error: Mapping[str, Any]) -> Message:
    """What pydantic says of a value, as a message where its kind of error has one."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in LIMITS:
        code, limit = LIMITS[kind]
        return Message.of(code, limit=context[limit])
    if kind == "literal_error":
        *others, last = str(context["expected"]).rsplit(" or ", 1)
        options = Message.of("service_value_options", first=others[0], other=last) if others else last
        return Message.of("service_value_not_listed", options=options)
    if kind in PLAIN_HINTS:
        return Message.of(PLAIN_HINTS[kind])
    hint = error["msg"][:1].lower() + error["msg"][1:]
    no_date = Message.of("service_value_no_date")
    return no_date if hint == render(no_date, "en") else Message.of("service_value_unusable", hint=hint)


def _without_alternative(request: Request, path: list[str]) -> list[str]:
    """The keys of a body without the alternative of it that pydantic names first, which no caller sends."""
    return path[1:] if len(path) > 1 and path[0] not in _keys(request) else path


def _parameters(request: Request) -> list[str]:
    """The query parameters of the route, as the OpenAPI document lists them."""
    path = request.scope["route"].path_format
    parameters = request.app.openapi()["paths"][path][request.method.lower()].get("parameters", [])
    return [parameter["name"] for parameter in parameters if parameter["in"] == "query"]


def _keys(request: Request) -> list[str]:
    """The keys that the body of the route may have."""
    document = request.app.openapi()
    operation = document["paths"][request.scope["route"].path_format][request.method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = [option["$ref"].rsplit("/", 1)[1] for option in schema.get("oneOf", [schema])]
    return list(dict.fromkeys(key for name in names for key in document["components"]["schemas"][name]["properties"]))
