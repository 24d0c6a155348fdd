"""The entrance, the choice of a language, and the files that pages are shown with."""

from __future__ import annotations

import mimetypes
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from perfml.messages import Message
from perfml.service.access.sessions import own_address
from perfml.service.problems import NotFound
from perfml.service.web.catalogues import LANGUAGES
from perfml.service.web.menu import menu_of
from perfml.service.web.page_route import PageRoute
from perfml.service.web.rendering import Templates
from perfml.service.web.visit import LANGUAGE_COOKIE, Visitor

entrance = APIRouter(include_in_schema=False, route_class=PageRoute)
public = APIRouter(include_in_schema=False)
"""What is sent to whoever asks."""
A_YEAR = 365 * 24 * 3600


@entrance.get("/")
def way_in(visit: Visitor) -> Response:
    """The first page of whoever is signed in."""
    entries = menu_of(visit.roles, visit.may)
    return RedirectResponse(entries[0].address if entries else "/docs", 303)


@public.post("/language")
def choose_language(
    language: Annotated[str, Form(max_length=8)], back: Annotated[str, Form(max_length=2_000)] = "/"
) -> Response:
    """Keep the language that a visitor chose, and go back to the page."""
    response = RedirectResponse(back if own_address(back) else "/", 303)
    if language in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=A_YEAR, samesite="lax", httponly=True)
    return response


@public.get("/static/{name}")
def static_file(request: Request, name: str) -> Response:
    """A file of ``serve/web/static``; under its hash a browser keeps it."""
    templates: Templates = request.app.state.templates
    asset = templates.assets.get(name)
    if asset is None:
        raise NotFound(
            Message.of("service_unknown_address", detail="not found"),
            where="address",
            remedy=Message.of("service_see_addresses"),
        )
    content, digest = asset
    keep = "public, max-age=31536000, immutable" if request.query_params.get("v") == digest else "no-cache"
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(content, media_type=kind, headers={"Cache-Control": keep, "ETag": f'"{digest}"'})
