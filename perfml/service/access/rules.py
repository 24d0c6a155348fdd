"""The declared policy of every address: which action it is, and about whom. An address without one is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from perfml.access.actions import Action
from perfml.access.principals import Principal
from perfml.access.relations import SERVICE, GroupSubject, PersonSubject, Subject
from perfml.advice.suggestion_files import find_suggestion
from perfml.errors import PerfmlError
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.holds.hold_log import HoldLog

AboutWhom = Literal["service", "person", "voiced person", "group", "suggestion", "dispute", "hold", "body"]
AccessQuestion = tuple[Action, Subject]


@dataclass(frozen=True, kw_only=True)
class RouteRule:
    """What an address does, and where the request says about whom."""

    action: Action
    about_whom: AboutWhom = "service"
    rows: Action | None = None
    """The action that limits the rows of a list to the people about whom it is allowed."""


RULES: Mapping[str, RouteRule] = {
    "GET /v1/health": RouteRule(action=Action.READ_HEALTH),
    "GET /v1/models": RouteRule(action=Action.READ_MODELS),
    "GET /v1/models/{model}": RouteRule(action=Action.READ_MODELS),
    "GET /v1/models/{model}/at-risk": RouteRule(action=Action.LIST_AT_RISK, about_whom="group", rows=Action.READ_RISK),
    "GET /v1/employees/{employee_id}/risk": RouteRule(action=Action.READ_RISK, about_whom="voiced person"),
    "GET /v1/employees/{employee_id}/courses": RouteRule(action=Action.READ_COURSES, about_whom="person"),
    "GET /v1/employees/{employee_id}": RouteRule(action=Action.READ_RISK, about_whom="voiced person"),
    "GET /v1/targets": RouteRule(action=Action.LIST_TARGETS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/escalations": RouteRule(action=Action.LIST_ESCALATIONS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/priorities": RouteRule(action=Action.LIST_PRIORITIES, about_whom="group", rows=Action.READ_RISK),
    "POST /v1/suggestions/{suggestion_id}/decisions": RouteRule(action=Action.DECIDE_TARGET, about_whom="suggestion"),
    "POST /v1/interventions": RouteRule(action=Action.LOG_INTERVENTION, about_whom="body"),
    "GET /v1/holds": RouteRule(action=Action.LIST_HOLDS, about_whom="group", rows=Action.READ_HOLDS),
    "POST /v1/holds/{hold_id}/release": RouteRule(action=Action.RELEASE_HOLD, about_whom="hold"),
    "POST /v1/stop": RouteRule(action=Action.STOP_EVERYTHING),
    "POST /v1/resume": RouteRule(action=Action.RESUME_EVERYTHING),
    "GET /v1/disputes": RouteRule(action=Action.LIST_DISPUTES, about_whom="group", rows=Action.READ_DISPUTES),
    "GET /v1/disputes/{dispute_id}": RouteRule(action=Action.READ_DISPUTES, about_whom="dispute"),
    "GET /v1/disputes/{dispute_id}/proof": RouteRule(action=Action.READ_DISPUTES, about_whom="dispute"),
    "POST /v1/disputes/{dispute_id}/decision": RouteRule(action=Action.DECIDE_DISPUTE, about_whom="dispute"),
    "POST /v1/disputes/{dispute_id}/reviews": RouteRule(action=Action.REVIEW_DISPUTE, about_whom="dispute"),
    "POST /v1/employees/{employee_id}/disputes": RouteRule(action=Action.FILE_DISPUTE, about_whom="person"),
}
"""Method and template of an address → its rule."""
PUBLIC = frozenset(
    {
        *("GET /", "GET /docs", "GET /v1/openapi.json", "HEAD /v1/openapi.json"),
        *("GET /setup", "POST /setup", "GET /login/local", "POST /login/local", "POST /logout"),
    }
)
"""What holds nothing of anybody, and no figure; and where people sign in."""
UNKNOWN = PersonSubject(employee_id="")
"""Whom a request is about that names nobody who is known."""


async def question_of(request: Request, rule: RouteRule, principal: Principal) -> AccessQuestion:
    """The action and the subject of a request; :data:`UNKNOWN` where it names something that is not."""
    match rule.about_whom:
        case "service":
            return rule.action, SERVICE
        case "person":
            return rule.action, PersonSubject(employee_id=request.path_params["employee_id"])
        case "voiced person":
            return _voiced(request, rule, principal)
        case "group":
            return _group(request, rule)
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


async def _person_of_body(request: Request) -> PersonSubject:
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


def _hold(request: Request) -> AccessQuestion:
    """A hold of a person, or one of a unit, which only HR over the whole company lifts."""
    holds = HoldLog(request.app.state.store.home).state().holds
    hold = next((each for each in holds if each.hold_id == request.path_params["hold_id"]), None)
    if hold is None:
        return Action.RELEASE_HOLD, UNKNOWN
    if hold.employee_id is None:
        return Action.RESUME_EVERYTHING, SERVICE
    return Action.RELEASE_HOLD, PersonSubject(employee_id=hold.employee_id)
