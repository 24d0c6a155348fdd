"""What processes owe, for whoever can mend it: a manager's own line, and for HR sums by unit as well."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from perfml.access.actions import Action
from perfml.project.goals.process_debt_spec import ProcessDebtSpec, ProcessSpec
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.work.process_debt import DebtsQuery, UnitDebtsQuery, debts, unit_debts
from perfml.service.problems import NotFound
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visit, Visitor

process_debt = APIRouter(include_in_schema=False, route_class=PageRoute)
ROWS = 200
"""Items of one page."""


@process_debt.get("/process-debt")
def process_debt_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What was computed last, of the people whom the visitor may see."""
    if not visit.line and not visit.units:
        raise not_for_you()
    store = visit.store
    try:
        owed = debts(store, DebtsQuery(limit=ROWS), reach=visit.reach)
    except NotFound:
        return visit.page("goals/process_debt.html", owed=None)
    units = unit_debts(store, UnitDebtsQuery(), reach=visit.reach) if visit.may(Action.READ_TRENDS) else None
    shown = {each.employee_id for each in owed.debts}
    return visit.page(
        "goals/process_debt.html",
        people=shown,
        owed=owed,
        units=units,
        known=store.people(owed.as_of, shown | {each.manager_id for each in owed.debts if each.manager_id}),
        processes=_processes(visit),
    )


def _processes(visit: Visit) -> dict[str, ProcessSpec]:
    policies = visit.store.folder.policies.values()
    return {
        name: each for spec in policies if isinstance(spec, ProcessDebtSpec) for name, each in spec.processes.items()
    }
