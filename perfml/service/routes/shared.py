"""What the routes of every subject share: their parameters and their router."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request

from perfml.disclosure.budget import QueryBudget
from perfml.service.access.admission import REACH
from perfml.service.problems import over_budget
from perfml.service.serving.auditing import AuditedRoute
from perfml.service.store import Store


def subject_router(subject: str) -> APIRouter:
    """The router of one subject, which is its tag in the OpenAPI document."""
    return APIRouter(
        prefix="/v1",
        route_class=AuditedRoute,
        tags=[subject],
        generate_unique_id_function=lambda route: route.name,
    )


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _reach(request: Request) -> frozenset[str] | None:
    reach: frozenset[str] | None = request.scope.get(REACH)
    return reach


async def _group_figures(request: Request) -> None:
    """Count a request for figures of groups: models, and lists of a department, a manager's team or a segment."""
    of_everybody = not {"department", "manager_id", "segment"} & request.query_params.keys()
    if of_everybody and request.scope["route"].path_format.endswith(("/at-risk", "/priorities")):
        return
    budget: QueryBudget = request.app.state.budget
    client = request.client.host if request.client else ""
    if not budget.spend(client, dt.datetime.now(dt.UTC).date()):
        raise over_budget(budget.queries_a_day)


OfGroups = [Depends(_group_figures)]
AppStore = Annotated[Store, Depends(_store)]
"""The files that a request is answered from."""
Reach = Annotated[frozenset[str] | None, Depends(_reach)]
"""About whom the asker may know the rows of a list, and what is counted of them; None: everyone."""
ModelName = Annotated[str, Path(description="A name of /v1/models.")]
NO_NUL = r"^[^\x00]*$"
"""For what the store is asked for: no database keeps U+0000."""
SuggestionId = Annotated[
    str, Path(pattern=NO_NUL, description="An id of a row of /v1/targets, of /v1/escalations or of a person's courses.")
]
_KEY = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=200,
    pattern=r"^[!-~]+$",
    description="Chosen by the caller, e.g. a UUID: the same request sent again under it is carried out once.",
)
IdempotencyKey = Annotated[str, _KEY]
OptionalKey = Annotated[str | None, _KEY]
"""For what changes nothing when it is asked for twice, but would where something came in between."""
HoldId = Annotated[str, Path(description="An id of /v1/holds.")]
DisputeId = Annotated[str, Path(description="An id of /v1/disputes.")]
EmployeeId = Annotated[
    str, Path(pattern=NO_NUL, description="The company's own id, percent-encoded; it may hold slashes")
]
