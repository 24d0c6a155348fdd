"""The declared policy of every page, as for the addresses under /v1."""

from __future__ import annotations

from collections.abc import Mapping

from perfml.access.actions import Action
from perfml.service.access.rules import RouteRule

WEB_RULES: Mapping[str, RouteRule] = {
    "GET /": RouteRule(action=None),
    "GET /hr": RouteRule(action=Action.LIST_PRIORITIES, about_whom="group", rows=Action.READ_RISK),
}
