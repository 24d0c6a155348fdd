"""What a change for many would be predicted to do, and what is known of its effect, for HR of the whole company."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from perfml.scoring.what_if.files import kept_policies
from perfml.service.routes.shared import OfGroups
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visitor

policies = APIRouter(include_in_schema=False, route_class=PageRoute)


@policies.get("/hr/policies", dependencies=OfGroups)
def policies_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """Every policy that was looked at, as computed last."""
    return visit.page("goals/policies.html", records=kept_policies(visit.store.home))
