"""The feedback network: for HR as figures of groups, for a manager of the own teams; for both who is outside and needs a word."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from perfml.access.actions import Action
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.work.network import (
    NetworkAnswer,
    NetworkQuery,
    OutsideQuery,
    network,
    outside_people,
    team_networks,
)
from perfml.service.problems import NotFound
from perfml.service.routes.shared import OfGroups
from perfml.service.web.catalogues import msgid
from perfml.service.web.charts import Chart, HeatCell, heat_map
from perfml.service.web.forms import PageQuery
from perfml.service.web.page_route import PageRoute
from perfml.service.web.visit import HtmlPage, Visit, Visitor

network_page = APIRouter(include_in_schema=False, route_class=PageRoute)
ROWS = 200
"""People of one page."""
NOT_SHOWN = "–"


@network_page.get("/feedback-network", dependencies=OfGroups)
def feedback_network_page(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """What was looked at last, of the people whom the visitor may see."""
    if not visit.line and not visit.units:
        raise not_for_you()
    store = visit.store
    try:
        outside = outside_people(store, OutsideQuery(limit=ROWS), reach=visit.reach)
    except NotFound:
        return visit.page("goals/network.html", outside=None)
    figures = network(store, NetworkQuery(), reach=visit.reach) if visit.may(Action.READ_TRENDS) else None
    teams = team_networks(store, NetworkQuery(), reach=visit.reach).teams if figures is None else ()
    shown = {each.employee_id for each in outside.people}
    leaders = {each.manager_id for each in outside.people if each.manager_id} | {
        each.group for each in teams if each.group
    }
    if figures is not None:
        leaders |= {name for gap in figures.gaps if gap.by == "manager_id" for name in (gap.first, gap.second)}
    return visit.page(
        "goals/network.html",
        people=shown,
        outside=outside,
        figures=figures,
        teams=teams,
        chart=_chart(visit, figures) if figures is not None and figures.cells else None,
        known=store.people(outside.as_of, shown | leaders),
    )


def _chart(visit: Visit, figures: NetworkAnswer) -> Chart:
    names = sorted({name for cell in figures.cells for name in (cell.giver, cell.receiver)})
    contacts = {(cell.giver, cell.receiver): cell.contacts for cell in figures.cells}
    rows = [[_cell(contacts.get((giver, receiver))) for receiver in names] for giver in names]
    return heat_map(
        names,
        rows,
        title=visit.translate(
            msgid("Feedback and recognition between departments, within %(num)s days"), num=figures.unit_days
        ),
        corner=visit.translate(msgid("from, downwards; to, across")),
    )


def _cell(contacts: int | None) -> HeatCell:
    return HeatCell(value=contacts, text=NOT_SHOWN if contacts is None else f"{contacts:,}")
