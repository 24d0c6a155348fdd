"""The declared policy of every page, as for the addresses under /v1."""

from __future__ import annotations

from collections.abc import Mapping

from perfml.access.actions import Action
from perfml.service.access.rules import RouteRule

WEB_RULES: Mapping[str, RouteRule] = {
    "GET /hr": RouteRule(action=Action.LIST_PRIORITIES, about_whom="group", rows=Action.READ_RISK),
}
WEB_PUBLIC = frozenset({"GET /static/{name}", "POST /language"})
"""What holds nothing of anybody: style and script, and the choice of a language."""
