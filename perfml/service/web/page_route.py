"""The way of a request to a page: admitted, answered, recorded; refused in words, on a page too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.service.access.refusals import NotSignedIn
from perfml.service.access.sessions import sign_in_first
from perfml.service.problems import problem_of
from perfml.service.web.visit import HtmlPage, visit_of
from perfml.store.audit.acting import acting_as
from perfml.store.audit.chain import seen


class PageRoute(APIRoute):
    """A route whose answer is a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Admit, answer, record whom the page shows, and then send it."""
        answer = super().get_route_handler()

        async def admitting(request: Request) -> Response:
            try:
                with acting_as(await request.app.state.admission.admit(request)):
                    response = await answer(request)
                    people = response.people if isinstance(response, HtmlPage) else frozenset[str]()
                    if people:
                        await request.app.state.audit.record(seen(f"{request.method} {self.path_format}", people))
            except NotSignedIn:
                response = sign_in_first(request)
            except (PerfmlError, RequestValidationError, HTTPException) as error:
                response = refusal_page(request, error)
            response.headers["Vary"] = "Cookie, Accept-Language"
            return response

        return admitting


def refusal_page(request: Request, error: PerfmlError | RequestValidationError | HTTPException) -> Response:
    """A page that says what is wrong and what to do."""
    if isinstance(error, RequestValidationError):
        return visit_of(request).page("refused.html", status=422, problem=Message.of("web_unusable_entry"))
    if isinstance(error, HTTPException):
        return visit_of(request).page(
            "refused.html", status=error.status_code, problem=Message.of("access_not_for_you")
        )
    problem = problem_of(error)
    return visit_of(request).page("refused.html", status=problem.status, problem=problem)
