"""Forms that write: the key under which a form is carried out once, and the way back with a confirmation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.service.access.sessions import safe_next
from perfml.service.answers.shared import ServiceQuery
from perfml.service.problems import problem_of
from perfml.service.web.confirmations import Done
from perfml.service.web.visit import Visit


def empty_as_none(value: object) -> object:
    """A field that was left empty is not filled in."""
    return None if value == "" else value


Optional = BeforeValidator(empty_as_none)
"""For a field of a form that may be left empty."""


class PageQuery(ServiceQuery):
    """The base of what a page takes."""

    done: Done | None = None
    """What was carried out just now."""


class WebForm(BaseModel):
    """The base of what a form sends; the token of the session stands beside it."""

    model_config = ConfigDict(frozen=True)

    key: Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[!-~]+$")]
    """Made with the page, so that a form sent twice is carried out once."""
    back: str = "/"
    """The page that it stands on."""


def carry_out(visit: Visit, form: WebForm, done: Done, write: Callable[[], object]) -> Response:
    """Write, and go back with a confirmation, see :func:`attempt`."""
    back = safe_next(form.back)

    def written() -> Response:
        write()
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}done={done}", 303)

    return attempt(visit, form, written)


def attempt(visit: Visit, form: WebForm, answer: Callable[[], Response]) -> Response:
    """Write and answer. What is refused is shown as it is, with the way back."""
    back = safe_next(form.back)
    try:
        return answer()
    except PerfmlError as error:
        problem = problem_of(error)
        return visit.page("refused.html", status=problem.status, problem=problem, back=back)
    except ValidationError:
        return visit.page("refused.html", status=422, problem=Message.of("web_unusable_entry"), back=back)
