"""Which reasons lead a person's risk, and how much of it others own."""

from __future__ import annotations

from collections.abc import Sequence

from perfml.project.model_spec import LEADING_REASONS
from perfml.reasons.record import Reason

UNLISTED = "other"
"""The name of the last line of a list, which adds up everything that is not listed."""


def raising(reasons: Sequence[Reason] | None) -> list[Reason]:
    """The leading reasons of a score row that raise its risk, strongest first."""
    return [reason for reason in reasons or () if reason["contribution"] > 0 and reason["evidence"] != UNLISTED][
        :LEADING_REASONS
    ]


def others_share(reasons: Sequence[Reason] | None) -> float:
    """Share of the log-odds by which listed reasons raise the risk that others than the employee own; 0 where none raises it.

    What counts only in combination with other evidence is nobody's.

    >>> overtime = {"evidence": "activity:overtime", "contribution": 0.75, "owner": "manager"}
    >>> others_share([overtime, {"evidence": "rhythm", "contribution": 0.25, "owner": "employee"}])
    0.75
    """
    raised = [
        reason
        for reason in reasons or ()
        if reason["contribution"] > 0 and reason["evidence"] != UNLISTED and reason.get("form") != "combined"
    ]
    total = sum(reason["contribution"] for reason in raised)
    return sum(reason["contribution"] for reason in raised if reason["owner"] != "employee") / total if total else 0.0


def for_others(reasons: Sequence[Reason] | None, limit: float) -> bool:
    """Whether the setting needs support and not the person: others own at least ``limit`` of the raised risk.

    ``limit``: ``others_share`` of the model's ``[reasons]``.
    """
    return others_share(reasons) >= limit
