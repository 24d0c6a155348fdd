"""For an auditor and HR: the checklist, who saw and did what, whether the log is whole, and what was sent where."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from perfml.service.answers.trust.exports import export_ledger
from perfml.service.answers.trust.oversight import audit_verification, governance_checklist
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visitor
from perfml.trust.audit.history import newest_entries

oversight = APIRouter(include_in_schema=False, route_class=PageRoute)
ROWS = 50
"""Rows of the log on one page."""
NAMED = 5
"""People whom a row of the page names; of more it says how many."""


class LogQuery(PageQuery):
    """Which part of the log."""

    before: Annotated[int, Field(ge=1)] | None = None
    """The newest rows under this number; the newest of all when absent."""


@oversight.get("/governance")
def governance_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """The checklist: may we use it?"""
    answer = governance_checklist(visit.store)
    return visit.page(
        "oversight/governance.html", answer=answer, counts=Counter(each.verdict for each in answer.checks)
    )


@oversight.get("/audit")
def audit_page(visit: Visitor, query: Annotated[LogQuery, Query()]) -> HtmlPage:
    """The newest rows of the log, and whether all of it is as it was written."""
    entries = newest_entries(visit.store.home, limit=ROWS, before=query.before)
    named = {each.event.number: each.employee_ids[:NAMED] for each in entries}
    return visit.page(
        "oversight/audit.html",
        people={person for people in named.values() for person in people},
        entries=entries,
        named=named,
        before=query.before,
        older=entries[-1].event.number if len(entries) == ROWS and entries[-1].event.number > 1 else None,
        verification=audit_verification(visit.store) if query.before is None else None,
    )


@oversight.get("/exports")
def exports_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What was sent where."""
    return visit.page("oversight/exports.html", answer=export_ledger(visit.store))
