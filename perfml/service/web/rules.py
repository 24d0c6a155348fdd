"""The declared policy of every page, as for the addresses under /v1."""

from __future__ import annotations

from collections.abc import Mapping

from perfml.access.actions import Action
from perfml.service.access.rules import RouteRule

WEB_RULES: Mapping[str, RouteRule] = {
    "GET /": RouteRule(action=None),
    "GET /hr": RouteRule(action=Action.LIST_PRIORITIES, about_whom="own group", rows=Action.READ_RISK),
    "GET /hr/work": RouteRule(action=Action.LIST_DISPUTES, about_whom="own group", rows=Action.READ_DISPUTES),
    "POST /hr/disputes/{dispute_id}/decision": RouteRule(action=Action.DECIDE_DISPUTE, about_whom="dispute"),
    "POST /hr/disputes/{dispute_id}/reviews": RouteRule(action=Action.REVIEW_DISPUTE, about_whom="dispute"),
    "POST /hr/holds/{hold_id}/release": RouteRule(action=Action.RELEASE_HOLD, about_whom="hold"),
    "POST /hr/stop": RouteRule(action=Action.STOP_EVERYTHING),
    "POST /hr/resume": RouteRule(action=Action.RESUME_EVERYTHING),
    "POST /hr/deliveries/{source}": RouteRule(action=Action.ACKNOWLEDGE_DELIVERY),
    "POST /alerts/{alert_id}": RouteRule(action=Action.ACKNOWLEDGE_ALERT, about_whom="alert"),
    "GET /hr/adoption": RouteRule(action=Action.READ_ADOPTION, about_whom="group"),
    "GET /hr/raters": RouteRule(action=Action.READ_RATERS, about_whom="own group", rows=Action.READ_PERSON),
    "GET /hr/trends": RouteRule(action=Action.READ_TRENDS, about_whom="group"),
    "GET /hr/policies": RouteRule(action=Action.READ_TRENDS, about_whom="own group"),
    "GET /hr/people/{employee_id}": RouteRule(action=Action.READ_RISK, about_whom="person"),
    "GET /hr/people/{employee_id}/rows": RouteRule(action=Action.READ_RISK, about_whom="person"),
    "GET /hr/people/{employee_id}/what-if": RouteRule(action=Action.READ_WHAT_IF, about_whom="person"),
    "GET /hr/people/{employee_id}/record": RouteRule(action=Action.READ_RISK, about_whom="person"),
    "POST /suggestions/{suggestion_id}": RouteRule(action=Action.DECIDE_TARGET, about_whom="suggestion"),
    "POST /offers": RouteRule(action=Action.LOG_INTERVENTION, about_whom="body"),
    "GET /process-debt": RouteRule(action=Action.LIST_PROCESS_DEBT, about_whom="own group", rows=Action.READ_PERSON),
    "GET /ahead": RouteRule(action=Action.LIST_TARGETS, about_whom="own group", rows=Action.READ_TARGETS),
    "GET /me/ahead": RouteRule(action=Action.READ_TARGETS, about_whom="oneself"),
    "GET /feedback-network": RouteRule(
        action=Action.LIST_FEEDBACK_NETWORK, about_whom="own group", rows=Action.READ_PERSON
    ),
    "GET /indicators": RouteRule(action=Action.READ_INDICATORS),
    "GET /governance": RouteRule(action=Action.READ_GOVERNANCE),
    "GET /audit": RouteRule(action=Action.READ_AUDIT),
    "GET /exports": RouteRule(action=Action.READ_EXPORT_LEDGER),
    "GET /access": RouteRule(action=Action.MANAGE_GRANTS),
    "POST /access/grants": RouteRule(action=Action.MANAGE_GRANTS),
    "POST /access/revocations": RouteRule(action=Action.MANAGE_GRANTS),
    "GET /access/tokens": RouteRule(action=Action.MANAGE_TOKENS),
    "POST /access/tokens": RouteRule(action=Action.MANAGE_TOKENS),
    "POST /access/tokens/{credential_id}/end": RouteRule(action=Action.MANAGE_TOKENS),
    "POST /access/sessions/{credential_id}/end": RouteRule(action=Action.MANAGE_SESSIONS),
    "GET /models": RouteRule(action=Action.READ_MODELS),
    "GET /models/{model}": RouteRule(action=Action.READ_MODELS),
    "POST /models/{model}/promotions/{request_id}": RouteRule(action=Action.APPROVE_PROMOTION),
    "GET /runs": RouteRule(action=Action.READ_RUNS),
    "GET /runs/{model}/{version}": RouteRule(action=Action.READ_RUNS),
    "POST /runs/{model}/{version}/promotion": RouteRule(action=Action.PROMOTE_MODEL),
    "GET /team": RouteRule(action=Action.LIST_TEAM, about_whom="own group", rows=Action.READ_REASONS),
    "GET /team/{employee_id}": RouteRule(action=Action.READ_BRIEF, about_whom="person"),
    "GET /team/{employee_id}/card": RouteRule(action=Action.READ_DEVELOPMENT_CARD, about_whom="person"),
    "POST /team/{employee_id}/conversations": RouteRule(action=Action.LOG_INTERVENTION, about_whom="person"),
    "GET /targets": RouteRule(action=Action.LIST_TARGETS, about_whom="own group", rows=Action.READ_TARGETS),
    "GET /me": RouteRule(action=Action.READ_PERSON, about_whom="oneself"),
    "GET /me/card": RouteRule(action=Action.READ_DEVELOPMENT_CARD, about_whom="oneself"),
    "POST /me/opt-out": RouteRule(action=Action.OPT_OUT, about_whom="oneself"),
    "GET /me/disputes": RouteRule(action=Action.READ_DISPUTES, about_whom="oneself"),
    "GET /me/disputes/new": RouteRule(action=Action.FILE_DISPUTE, about_whom="oneself"),
    "POST /me/disputes": RouteRule(action=Action.FILE_DISPUTE, about_whom="oneself"),
    "GET /me/disputes/{dispute_id}": RouteRule(action=Action.READ_DISPUTES, about_whom="dispute"),
}
