"""What a request asks of the policies: the action of its address, and about whom it is."""

from __future__ import annotations

import datetime as dt
import json

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from perfml.access.actions import Action
from perfml.access.principals import EVERYTHING, Principal
from perfml.access.relations import SERVICE, GroupSubject, PersonSubject, Subject
from perfml.advice.suggestion_files import find_suggestion
from perfml.errors import PerfmlError
from perfml.service.access.forgery import is_form
from perfml.service.access.rules import RouteRule
from perfml.trust.alerts.alert_log import read_alerts
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.holds.hold_log import HoldLog

AccessQuestion = tuple[Action | None, Subject]
GROUP_FILTERS = frozenset({"employee_id", "manager_id", "department", "location"})
UNKNOWN = PersonSubject(employee_id="")
"""Whom a request is about that names nobody who is known."""


async def question_of(request: Request, rule: RouteRule, principal: Principal, day: dt.date) -> AccessQuestion:
    """The action and the subject of a request on ``day``; :data:`UNKNOWN` where it names something that is not, and no action
    where being signed in is enough."""
    match rule.about_whom:
        case "service":
            return rule.action, SERVICE
        case "person":
            return rule.action, PersonSubject(employee_id=request.path_params["employee_id"])
        case "oneself":
            return rule.action, PersonSubject(employee_id=principal.employee_id or "")
        case "voiced person":
            return _voiced(request, rule, principal)
        case "group":
            return _group(request, rule)
        case "worded group":
            return _worded(request, rule, principal, day)
        case "alert":
            return rule.action, await run_in_threadpool(_person_of_alert, request)
        case "own group":
            return _own_group(request, rule, principal, day)
        case "body":
            return rule.action, await _person_of_body(request)
        case "suggestion":
            return await run_in_threadpool(_suggestion, request)
        case "dispute":
            return rule.action, await run_in_threadpool(_person_of_dispute, request)
        case "hold":
            return await run_in_threadpool(_hold, request)


def _voiced(request: Request, rule: RouteRule, principal: Principal) -> AccessQuestion:
    """Figures for HR, sentences for manager and employee; about themselves people hear only the employee's."""
    person = str(request.path_params["employee_id"])
    voice = request.query_params.get("voice", "hr")
    if voice == "hr":
        return rule.action, PersonSubject(employee_id=person)
    if person == principal.employee_id and voice != "employee":
        return Action.READ_REASONS, UNKNOWN
    return Action.READ_REASONS, PersonSubject(employee_id=person)


def _group(request: Request, rule: RouteRule) -> AccessQuestion:
    """The group of the filters; a list of one person is about that person."""
    query = request.query_params
    if "employee_id" in query and rule.rows is not None:
        return rule.rows, PersonSubject(employee_id=query["employee_id"])
    units = frozenset(f"{kind}:{query[kind]}" for kind in ("department", "location") if kind in query)
    return rule.action, GroupSubject(units=units, team_of=query.get("manager_id"))


def _worded(request: Request, rule: RouteRule, principal: Principal, day: dt.date) -> AccessQuestion:
    """Like a group; about themselves people read what is meant for the employee, and HR alone reads what is for HR."""
    action, subject = _group(request, rule)
    reader = request.query_params.get("reader", "hr")
    oneself = isinstance(subject, PersonSubject) and subject.employee_id == principal.employee_id
    if (oneself and reader != "employee") or (reader == "hr" and not principal.units(day)):
        return rule.rows, UNKNOWN
    return action, subject


def _own_group(request: Request, rule: RouteRule, principal: Principal, day: dt.date) -> AccessQuestion:
    """The group of the filters; without one the units of an HR grant, else the own reporting line."""
    if any(request.query_params.get(name) for name in GROUP_FILTERS):  # a form sends what was left empty as well
        return _group(request, rule)
    units = principal.units(day)
    own = GroupSubject(units=units - {EVERYTHING}) if units else GroupSubject(team_of=principal.employee_id)
    return rule.action, own


async def _person_of_body(request: Request) -> PersonSubject:
    person: object = None
    if is_form(request):
        person = (await request.form()).get("employee_id")
    else:
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError):
            return UNKNOWN
        person = body.get("employee_id") if isinstance(body, dict) else None
    return PersonSubject(employee_id=person) if isinstance(person, str) else UNKNOWN


def _suggestion(request: Request) -> AccessQuestion:
    """A target or a course of a person; a case beyond the policy is about everyone it lists."""
    name, home = request.path_params["suggestion_id"], request.app.state.store.home
    row = find_suggestion(home, name)
    if row is None:
        return Action.DECIDE_TARGET, UNKNOWN
    if row["suggestion_id"] != name:
        return Action.LIST_ESCALATIONS, GroupSubject()
    action = Action.DECIDE_COURSE if "course_id" in row else Action.DECIDE_TARGET
    return action, PersonSubject(employee_id=row["employee_id"])


def _person_of_dispute(request: Request) -> PersonSubject:
    store = request.app.state.store
    try:
        dispute = DisputeLog(store.home, store.dispute_rules).dispute(request.path_params["dispute_id"])
    except PerfmlError:
        return UNKNOWN
    return PersonSubject(employee_id=dispute.employee_id)


def _person_of_alert(request: Request) -> PersonSubject:
    """Whom an alert concerns."""
    name = request.path_params["alert_id"]
    alert = next((each for each in read_alerts(request.app.state.store.home) if name in each.ids), None)
    return UNKNOWN if alert is None else PersonSubject(employee_id=alert.first.employee_id)


def _hold(request: Request) -> AccessQuestion:
    """A hold of a person, or one of a unit, which only HR over the whole company lifts."""
    holds = HoldLog(request.app.state.store.home).state().holds
    hold = next((each for each in holds if each.hold_id == request.path_params["hold_id"]), None)
    if hold is None:
        return Action.RELEASE_HOLD, UNKNOWN
    if hold.employee_id is None:
        return Action.RESUME_EVERYTHING, SERVICE
    return Action.RELEASE_HOLD, PersonSubject(employee_id=hold.employee_id)
