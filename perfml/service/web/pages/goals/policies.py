"""What a change for many would be predicted to do, and what is known of its effect, for HR: the figures of their own units."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from perfml.service.answers.work.policies import MaySee, PoliciesQuery
from perfml.service.answers.work.policies import policies as looked_at
from perfml.service.problems import NotFound
from perfml.service.routes.shared import OfGroups
from perfml.service.routes.work.policies import trends_shown
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visitor

policies = APIRouter(include_in_schema=False, route_class=PageRoute)


@policies.get("/hr/policies", dependencies=OfGroups)
def policies_page(
    visit: Visitor, query: Annotated[PageQuery, Query()], may_see: Annotated[MaySee, Depends(trends_shown)]
) -> HtmlPage:
    """Every policy that was looked at, as computed last."""
    try:
        records = looked_at(visit.store, PoliciesQuery(), may_see=may_see).policies
    except NotFound:
        records = ()
    return visit.page("goals/policies.html", records=records)
