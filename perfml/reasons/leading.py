"""Which reasons lead a person's risk, and whether it is for others to act on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perfml.project.spec import LEADING_REASONS


def raising(reasons: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """The leading reasons of a score row that raise its risk, the strongest first."""
    return [one for one in reasons or () if one["contribution"] > 0 and one["evidence"] != "other"][:LEADING_REASONS]


def for_others(reasons: Sequence[Mapping[str, Any]] | None) -> bool:
    """Whether every leading reason is owned by somebody else: it is the setting that needs support, and not the person.

    >>> for_others([{"contribution": 0.4, "evidence": "overtime", "owner": "manager"}])
    True
    """
    owners = {one["owner"] for one in raising(reasons)}
    return bool(owners) and "employee" not in owners
