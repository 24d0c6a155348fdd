"""Which reasons lead a person's risk, and whether only others can act on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perfml.project.model_spec import LEADING_REASONS

if TYPE_CHECKING:  # NumPy, which a reader of rows does without
    from perfml.reasons.reasons import Reason


def raising(reasons: Sequence[Reason] | None) -> list[Reason]:
    """The leading reasons of a score row that raise its risk, strongest first."""
    return [reason for reason in reasons or () if reason["contribution"] > 0 and reason["evidence"] != "other"][
        :LEADING_REASONS
    ]


def for_others(reasons: Sequence[Reason] | None) -> bool:
    """Whether every leading reason is owned by somebody else: the setting needs support, not the person.

    >>> for_others([{"contribution": 0.4, "evidence": "overtime", "owner": "manager"}])
    True
    """
    owners = {reason["owner"] for reason in raising(reasons)}
    return bool(owners) and "employee" not in owners
