"""The declared policy of every address: which action it is, and about whom. An address without one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from perfml.access.actions import Action

AboutWhom = Literal[
    "service",
    "oneself",
    "person",
    "voiced person",
    "group",
    "own group",
    "worded group",
    "suggestion",
    "dispute",
    "hold",
    "alert",
    "body",
]
"""``own group``: without a filter, whom the asker answers for."""


@dataclass(frozen=True, kw_only=True)
class RouteRule:
    """What an address does, and where the request says about whom."""

    action: Action | None
    """None: whoever is signed in."""
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
    "POST /v1/employees/{employee_id}/what-if": RouteRule(action=Action.READ_WHAT_IF, about_whom="person"),
    "GET /v1/employees/{employee_id}/record": RouteRule(action=Action.READ_PERSON, about_whom="person"),
    "GET /v1/employees/{employee_id}/rows-behind": RouteRule(action=Action.READ_ROWS_BEHIND, about_whom="person"),
    "GET /v1/employees/{employee_id}/peers": RouteRule(action=Action.READ_PEERS, about_whom="person"),
    "GET /v1/employees/{employee_id}/brief": RouteRule(action=Action.READ_BRIEF, about_whom="person"),
    "GET /v1/employees/{employee_id}/development-card": RouteRule(
        action=Action.READ_DEVELOPMENT_CARD, about_whom="person"
    ),
    "GET /v1/employees/{employee_id}/eligibility": RouteRule(action=Action.READ_ELIGIBILITY, about_whom="person"),
    "GET /v1/employees/{employee_id}": RouteRule(action=Action.READ_RISK, about_whom="voiced person"),
    "GET /v1/targets": RouteRule(action=Action.LIST_TARGETS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/escalations": RouteRule(action=Action.LIST_ESCALATIONS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/goals/tree": RouteRule(action=Action.LIST_TARGETS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/goals/alignment": RouteRule(action=Action.LIST_TARGETS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/goals/sums": RouteRule(action=Action.LIST_TARGETS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/goals/milestones": RouteRule(action=Action.LIST_TARGETS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/goals/lines": RouteRule(action=Action.LIST_TARGETS, about_whom="group", rows=Action.READ_TARGETS),
    "GET /v1/goals/flags": RouteRule(action=Action.READ_TRENDS, about_whom="group"),
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
    "GET /v1/exports": RouteRule(action=Action.EXPORT_LISTS, about_whom="group"),
    "GET /v1/exports/ledger": RouteRule(action=Action.READ_EXPORT_LEDGER),
    "GET /v1/exports/{name}": RouteRule(action=Action.EXPORT_LISTS, about_whom="group", rows=Action.READ_RISK),
    "POST /v1/employees/{employee_id}/disputes": RouteRule(action=Action.FILE_DISPUTE, about_whom="person"),
    "GET /v1/models/{model}/card": RouteRule(action=Action.READ_MODELS),
    "GET /v1/models/{model}/fairness": RouteRule(action=Action.READ_FAIRNESS),
    "GET /v1/models/{model}/drift": RouteRule(action=Action.READ_DRIFT),
    "GET /v1/models/{model}/scores": RouteRule(action=Action.READ_PSEUDONYMOUS_SCORES),
    "GET /v1/models/{model}/runs": RouteRule(action=Action.READ_RUNS),
    "GET /v1/models/{model}/runs/{version}": RouteRule(action=Action.READ_RUNS),
    "GET /v1/models/{model}/promotions": RouteRule(action=Action.READ_MODELS),
    "GET /v1/models/{model}/promotion-requests": RouteRule(action=Action.READ_MODELS),
    "POST /v1/models/{model}/promotion-requests": RouteRule(action=Action.PROMOTE_MODEL),
    "GET /v1/models/{model}/promotion-requests/{request_id}": RouteRule(action=Action.READ_MODELS),
    "POST /v1/models/{model}/promotion-requests/{request_id}/decision": RouteRule(action=Action.APPROVE_PROMOTION),
    "GET /v1/team": RouteRule(action=Action.LIST_TEAM, about_whom="group", rows=Action.READ_PERSON),
    "GET /v1/raters": RouteRule(action=Action.READ_RATERS, about_whom="group", rows=Action.READ_PERSON),
    "GET /v1/trends": RouteRule(action=Action.READ_TRENDS, about_whom="group"),
    "GET /v1/adoption": RouteRule(action=Action.READ_ADOPTION, about_whom="group"),
    "GET /v1/alerts": RouteRule(action=Action.LIST_ALERTS, about_whom="worded group", rows=Action.READ_ALERTS),
    "POST /v1/alerts/{alert_id}/acknowledgement": RouteRule(action=Action.ACKNOWLEDGE_ALERT, about_whom="alert"),
    "GET /v1/deliveries": RouteRule(action=Action.READ_DELIVERIES),
    "POST /v1/deliveries/{source}/acknowledgement": RouteRule(action=Action.ACKNOWLEDGE_DELIVERY),
    "GET /v1/notices": RouteRule(action=Action.LIST_NOTICES, about_whom="group", rows=Action.READ_NOTICES),
    "GET /v1/process-debt": RouteRule(action=Action.LIST_PROCESS_DEBT, about_whom="group", rows=Action.READ_PERSON),
    "GET /v1/process-debt/units": RouteRule(action=Action.READ_TRENDS, about_whom="group", rows=Action.READ_RISK),
    "GET /v1/what-if/policies": RouteRule(action=Action.READ_TRENDS, about_whom="own group"),
    "GET /v1/feedback-network": RouteRule(action=Action.READ_TRENDS, about_whom="group", rows=Action.READ_PERSON),
    "GET /v1/feedback-network/outside": RouteRule(
        action=Action.LIST_FEEDBACK_NETWORK, about_whom="group", rows=Action.READ_PERSON
    ),
    "GET /v1/feedback-network/teams": RouteRule(
        action=Action.LIST_FEEDBACK_NETWORK, about_whom="group", rows=Action.READ_PERSON
    ),
    "GET /v1/indicators": RouteRule(action=Action.READ_INDICATORS),
    "GET /v1/governance": RouteRule(action=Action.READ_GOVERNANCE),
    "GET /v1/audit/verification": RouteRule(action=Action.VERIFY_AUDIT),
    "GET /v1/metrics": RouteRule(action=Action.READ_METRICS),
}
"""Method and template of an address → its rule."""
PUBLIC = frozenset(
    {
        *("GET /docs", "GET /v1/openapi.json", "HEAD /v1/openapi.json", "GET /v1/ready"),
        *("GET /static/{name}", "POST /language"),
        *("GET /login", "POST /login/oidc", "GET /login/oidc/back", "POST /login/local", "POST /logout"),
        *("GET /setup", "POST /setup"),
    }
)
"""What holds nothing of anybody, and no figure; and where people sign in."""


def all_rules(*tables: Mapping[str, RouteRule]) -> Mapping[str, RouteRule]:
    """The rules of several modules together. Raises :class:`ValueError` for an address that has two, or is public as well."""
    rules: dict[str, RouteRule] = {}
    for table in tables:
        twice = sorted(table.keys() & (rules.keys() | PUBLIC))
        if twice:
            raise ValueError(f"{twice[0]} is declared twice")
        rules |= table
    return rules
