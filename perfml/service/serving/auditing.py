"""What the service shows of people is recorded before it is sent: who asked, about whom, when and for what purpose.

Every address is covered, also those to come: people are read from the answer itself. An answer that cannot be recorded is not
sent, except on a full disk (:mod:`perfml.trust.audit.seeing`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from perfml.service.access.admission import REACH
from perfml.service.access.own_rows import limited
from perfml.service.serving.etags import tagged
from perfml.service.serving.kept_answers import KeptAnswers
from perfml.service.serving.routing.reads import JSON, asked_first, read_of
from perfml.service.texts import JsonText, TextResponse
from perfml.store.audit.acting import acting_as
from perfml.store.audit.chain import seen


class AuditedRoute(APIRoute):
    """A route whose answer is recorded with everyone whom it names, and sent again as it is while nothing changes."""

    _reading: Callable[[Request], Awaitable[Response]] | None = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """Answer, or take the answer kept; record it; and then send."""
        (method,) = sorted(self.methods or ())
        reading = method == "GET"
        read = read_of(self.endpoint, self.response_model) if reading else None
        first = asked_first(self.dependencies) if read is not None else ()
        answer = read or super().get_route_handler()
        action = f"{method} {self.path_format}"

        async def admitting(request: Request) -> Response:
            state = request.app.state
            with acting_as(await state.admission.admit(request)):
                for ask in first:
                    await ask(request)
                answers: KeptAnswers = state.answers
                key = answers.key_of(request)
                with answers.noting(key) as reads:
                    ready = None if key is None else answers.get(key)
                    response = await answer(request) if ready is None else TextResponse(ready)
                text = _text_of(response)
                people = frozenset[str]() if text is None else text.people
                plain = response.status_code == 200 and response.media_type == JSON
                if key is not None and ready is None and plain and text is not None:
                    answers.put(key, text, reads)
                if text is not None and REACH in request.scope and not people <= (reach := request.scope[REACH]):
                    people &= reach
                    if plain:
                        text = JsonText.of(limited(text.body, reach))
                        response = TextResponse(text)
                person = request.path_params.get("employee_id")
                if person is not None and person not in people:
                    people |= {str(person)}
                if people:
                    await state.audit.record(seen(action, people))
                return tagged(request, response, text.digest) if plain and text is not None and reading else response

        self._reading = admitting if read is not None else None
        return admitting

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. A route that reads opens nothing, so it goes without what FastAPI keeps to close things."""
        if self._reading is None or scope["method"] != "GET":
            await super().handle(scope, receive, send)
            return
        response = await self._reading(Request(scope, receive, send))
        await response(scope, receive, send)


def _text_of(response: Response) -> JsonText | None:
    """What an answer says in JSON; None for a file, whose route says whom it shows."""
    if isinstance(response, TextResponse):
        return response.text
    if "json" in response.headers.get("content-type", ""):
        return JsonText.of(bytes(response.body))
    return None
